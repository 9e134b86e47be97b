"""The built-in traders of a venue: what they remember, and the commands that follow from it.

One house account makes, one takes. `expand` turns a tick, a recorded trade or a switch into plain commands, reading
the engine between them; equal states give equal commands, so that replay is exact. Never touches the engine itself.
"""

from collections.abc import Iterator
from typing import Final

import msgspec

from watchword.binance.enums import TimeInForce
from watchword.exchange.commands import (
    AnyCommand,
    ImportTrade,
    LiquidityTick,
    OpenAccount,
    OpenVenue,
    SetLiquidity,
)
from watchword.exchange.instruments import Instrument
from watchword.exchange.liquidity import maker, replay, taker, tickets, view
from watchword.exchange.liquidity.profile import Profile, fair_price, profiles_of
from watchword.exchange.liquidity.random import Dice, seed_of
from watchword.exchange.liquidity.taker import Strike
from watchword.exchange.liquidity.walk import Walks
from watchword.exchange.state import State
from watchword.kernel.errors import CorruptStoreError

MAKER_NAME: Final = "house:maker"
TAKER_NAME: Final = "house:taker"
#: First bytes of encoded traders; the number is the layout's version.
MAGIC: Final = b"watchword-traders-1"

#: A user's order beyond the fair price is taken in bites of at most so many levels.
_BITE_LEVELS: Final = 4
#: Percent by which buyers outnumber sellers, per percent of the spell's drift.
_LEAN: Final = 2


class Remembered(msgspec.Struct, array_like=True):
    """Everything the traders remember, as it is encoded. Walk values are decimal texts (they outgrow 64 bits)."""

    instruments: tuple[Instrument, ...]
    house: tuple[int, int]
    active: list[str]
    dice: int
    ticks: int
    orders: int
    storm: int
    drift: int
    walks: list[tuple[str, str, str]]


class Traders:
    """Market makers and takers of one venue.

    Attributes:
        house: Ids of the maker's and the taker's account, 0 before they are opened.
        active: Symbols on which they trade.
        ticks: Ticks so far.
        orders: Orders placed so far; numbers their client ids.
    """

    def __init__(self) -> None:
        self._instruments: tuple[Instrument, ...] = ()
        self._profiles: tuple[Profile, ...] = ()
        self._walks = Walks(())
        self._dice = Dice(0)
        self.house = (0, 0)
        self.active: set[str] = set()
        self.ticks = 0
        self.orders = 0

    def expand(self, engine: State, command: AnyCommand) -> Iterator[AnyCommand]:
        """Turn a command into what the house accounts do because of it.

        Args:
            engine: Read between the commands: each must be applied before the next is asked for.
            command: A tick, a recorded trade, a switch or the opening; anything else yields nothing.

        Yields:
            Commands with the sequence and moment of `command`. One that is refused changes nothing here.
        """
        if type(command) is LiquidityTick:
            yield from self._tick(engine, command)
        elif type(command) is ImportTrade:
            yield from self._import(engine, command)
        elif type(command) is SetLiquidity:
            yield from self._switch(engine, command)
        elif type(command) is OpenVenue:
            yield from self._open(engine, command)

    def encode(self) -> bytes:
        """Write everything; equal traders give equal bytes."""
        walks = self._walks
        rows = [(name, str(value), str(walks.centres[name])) for name, value in walks.values.items()]
        remembered = Remembered(
            self._instruments, self.house, sorted(self.active), self._dice.state, self.ticks, self.orders, walks.storm, walks.drift, rows
        )  # fmt: skip
        return MAGIC + msgspec.msgpack.encode(remembered)

    def restore(self, raw: bytes) -> None:
        """Read back what `encode` wrote.

        Raises:
            CorruptStoreError: The bytes have another layout.
        """
        if not raw.startswith(MAGIC):
            raise CorruptStoreError("snapshot: the traders have another layout than this program's")
        remembered = msgspec.msgpack.decode(raw[len(MAGIC) :], type=Remembered)
        self._list(remembered.instruments)
        self.house = remembered.house
        self.active = set(remembered.active)
        self._dice = Dice(remembered.dice)
        self.ticks, self.orders = remembered.ticks, remembered.orders
        self._walks.storm, self._walks.drift = remembered.storm, remembered.drift
        for name, value, centre in remembered.walks:
            self._walks.values[name], self._walks.centres[name] = int(value), int(centre)

    def _open(self, engine: State, command: OpenVenue) -> Iterator[AnyCommand]:
        """Open the house accounts and set up all ladders; nobody trades yet."""
        self._list(tuple(listed for listed in command.instruments if listed.start_price > 0))
        self._dice = Dice(seed_of(command.seed, "traders"))
        if not command.liquidity or not self._profiles:
            return
        self.active = {profile.symbol for profile in self._profiles}
        yield from self._open_accounts(engine, command)
        for profile in self._profiles:
            if view.is_trading(engine, profile.symbol):
                yield from self._quote(engine, command, profile)

    def _list(self, instruments: tuple[Instrument, ...]) -> None:
        self._instruments = instruments
        self._profiles = profiles_of(instruments)
        self._walks = Walks(self._profiles)

    def _tick(self, engine: State, command: LiquidityTick) -> Iterator[AnyCommand]:
        """Move the prices, then let the symbols whose turn it is act."""
        if not self.active:
            return
        self.ticks += 1
        self._walks.step(self._dice)
        yield from self._open_accounts(engine, command)
        if not self.house[0]:
            return
        for index, profile in enumerate(self._profiles):
            if (self.ticks + index) % profile.period or profile.symbol not in self.active:
                continue
            if view.is_trading(engine, profile.symbol):
                yield from self._act(engine, command, profile)

    def _act(self, engine: State, command: AnyCommand, profile: Profile) -> Iterator[AnyCommand]:
        """One symbol's turn: funds, ladder, a taker perhaps."""
        yield from tickets.refills(engine, command, profile, self.house)
        last = view.last_price(engine, profile.symbol)
        if last and not profile.divisor:
            self._walks.nudge(profile.walk, last)
        yield from self._quote(engine, command, profile)
        fair = fair_price(profile, self._walks.values)
        strike = taker.next_strike(profile, fair, self._walks.drift * _LEAN, self._dice)
        if strike is not None:
            yield self._order(command, self.house[1], profile.symbol, strike, "IOC")

    def _quote(self, engine: State, command: AnyCommand, profile: Profile) -> Iterator[AnyCommand]:
        """Bring the ladder to the fair price, around the orders of others; take those that stand beyond it."""
        maker_id, taker_id = self.house
        fair = fair_price(profile, self._walks.values)
        half = maker.half_spread(profile)
        bids, asks = maker.bid_prices(profile, fair - half), maker.ask_prices(profile, fair + half)
        if not bids:
            return
        gone, kept_bids, kept_asks = maker.obsolete(
            view.open_orders(engine, maker_id, profile.symbol), bids, asks
        )
        yield from tickets.cancels(command, gone)
        yield from self._bite(engine, command, profile, taker_id, bids[0], asks[0])
        around = _around_others(engine, profile, bids[0], asks[0])
        if around is not None:
            bids, asks = around
            orders = view.open_orders(engine, maker_id, profile.symbol)
            gone, kept_bids, kept_asks = maker.obsolete(orders, bids, asks)
            yield from tickets.cancels(command, gone)
        for quote in maker.missing(bids, asks, kept_bids, kept_asks):
            quantity = maker.level_quantity(profile, quote.price, quote.rank, self._dice)
            wanted = Strike(quote.side, quote.price, quantity)
            yield self._order(command, maker_id, profile.symbol, wanted, "GTC")

    def _bite(
        self, engine: State, command: AnyCommand, profile: Profile, taker_id: int, bid: int, ask: int
    ) -> Iterator[AnyCommand]:
        """Take orders of others that bid at our ask or above, or ask at our bid or below."""
        book = view.book(engine, profile.symbol)
        best_bid, best_ask = book.best_bid(), book.best_ask()
        worth = profile.level_quote * _BITE_LEVELS
        if best_bid is not None and best_bid[0] >= ask:
            strike = Strike("SELL", ask, maker.fit_quantity(profile, ask, worth))
        elif best_ask is not None and best_ask[0] <= bid:
            strike = Strike("BUY", bid, maker.fit_quantity(profile, bid, worth))
        else:
            return
        yield self._order(command, taker_id, profile.symbol, strike, "IOC")

    def _import(self, engine: State, command: ImportTrade) -> Iterator[AnyCommand]:
        """Hit whoever stands in a recorded trade's way, then print it: one house account rests, the other takes."""
        if view.listing(engine, command.symbol) is None:
            return
        yield from self._open_accounts(engine, command)
        maker_id, taker_id = self.house
        if not maker_id:
            return
        blocked = replay.in_the_way(engine, command)
        quantity = max(command.quantity, blocked[1] if blocked is not None else 0)
        # Twice: once to fill whoever stands in the way, once to print.
        yield from tickets.funds_for(engine, command, (maker_id, taker_id), 2 * quantity)
        if blocked is not None:
            side, quantity = blocked
            yield self._order(command, taker_id, command.symbol, Strike(side, command.price, quantity), "IOC")
        resting, taking = replay.both_sides(command)
        yield self._order(command, maker_id, command.symbol, resting, "GTC")
        rested_id = f"{tickets.CLIENT_PREFIX}{self.orders}"
        yield self._order(command, taker_id, command.symbol, taking, "IOC")
        # Whatever of it users' orders at a better place in the queue left over.
        left = [
            order
            for order in view.open_orders(engine, maker_id, command.symbol)
            if order.client_order_id == rested_id
        ]
        yield from tickets.cancels(command, left)

    def _switch(self, engine: State, command: SetLiquidity) -> Iterator[AnyCommand]:
        """Begin to trade a symbol where its last trade was, or stop and leave nothing behind."""
        profile = next((profile for profile in self._profiles if profile.symbol == command.symbol), None)
        if profile is None:
            return
        if command.enabled:
            last = view.last_price(engine, command.symbol)
            if command.symbol not in self.active and last and not profile.divisor:
                self._walks.jump(profile.walk, last)
            self.active.add(command.symbol)
            yield from self._open_accounts(engine, command)
            if self.house[0] and view.is_trading(engine, command.symbol):
                yield from self._quote(engine, command, profile)
            return
        self.active.discard(command.symbol)
        yield from tickets.cancels(command, list(view.open_orders(engine, self.house[0], command.symbol)))

    def _open_accounts(self, engine: State, command: AnyCommand) -> Iterator[AnyCommand]:
        """Open the house accounts that are not there yet, with a reserve of everything they may trade."""
        if self.house[0]:
            return
        for name in (MAKER_NAME, TAKER_NAME):
            yield OpenAccount(command.sequence, command.now_us, name, self._reserves())
        self.house = (view.account_named(engine, MAKER_NAME), view.account_named(engine, TAKER_NAME))

    def _reserves(self) -> tuple[tuple[str, int], ...]:
        reserves: dict[str, int] = {}
        for profile in self._profiles:
            for asset, amount in tickets.reserves_of(profile):
                reserves.setdefault(asset, amount)
        return tuple(sorted(reserves.items()))

    def _order(
        self, cause: AnyCommand, account_id: int, symbol: str, strike: Strike, time_in_force: TimeInForce
    ) -> AnyCommand:
        self.orders += 1
        return tickets.order(cause, self.orders, account_id, symbol, strike, time_in_force)


def _around_others(engine: State, profile: Profile, bid: int, ask: int) -> tuple[list[int], list[int]] | None:
    """Move the ladder away from orders of others it would cross; None where it crosses none."""
    book = view.book(engine, profile.symbol)
    best_bid, best_ask = book.best_bid(), book.best_ask()
    if best_bid is not None and best_bid[0] >= ask:
        return maker.bid_prices(profile, bid), maker.ask_prices(profile, best_bid[0] + profile.tick)
    if best_ask is not None and best_ask[0] <= bid:
        return maker.bid_prices(profile, best_ask[0] - profile.tick), maker.ask_prices(profile, ask)
    return None
