"""The built-in traders in a real venue: what users see, and what users can do to them."""

from collections.abc import Iterator
from functools import cache
from itertools import count

import pytest

from watchword.binance.enums import OrderType, Side, TimeInForce
from watchword.binance.errors import WireError
from watchword.exchange.commands import (
    AnyCommand,
    CancelOpenOrders,
    Deposit,
    ImportTrade,
    LiquidityTick,
    OpenAccount,
    OpenVenue,
    PlaceOrder,
    ResetVenue,
    SetLiquidity,
    SetSymbolStatus,
)
from watchword.exchange.events import AnyEvent, OrderAccepted, OrderCanceled, OrderTraded
from watchword.exchange.liquidity import maker
from watchword.exchange.liquidity.traders import Traders
from watchword.exchange.listings import THIN_SYMBOL, default_instruments
from watchword.exchange.market.market import Market
from watchword.exchange.venue import Venue
from watchword.kernel.errors import CorruptStoreError

ONE = 10**8
NOW_US = 1_795_148_167_123_456
TICK_US = 250_000
USER = "someone"
FUNDS = 10**17


@cache
def opened(symbols: int, liquidity: bool, seed: int) -> bytes:
    """A new venue, written down: making up its past takes longer than reading it back."""
    venue = Venue()
    venue.apply(OpenVenue(1, NOW_US, seed, liquidity, default_instruments()[:symbols]))
    return venue.encode()


class Stage:
    """A venue with one user, driven command by command."""

    def __init__(self, symbols: int = 2, *, liquidity: bool = True, seed: int = 5) -> None:
        self.venue = Venue.decode(opened(symbols, liquidity, seed))
        self.now_us = NOW_US
        self._numbers = count(2)
        self.do(OpenAccount, USER, (("BTC", FUNDS), ("USDT", FUNDS), ("ETH", FUNDS)))
        accounts = self.venue.engine.accounts.values()
        self.user = next(account.account_id for account in accounts if account.name == USER)
        self.house = {account.account_id for account in accounts if account.house}

    def do(self, kind: type[AnyCommand], *fields: object) -> list[AnyEvent]:
        applied = self.venue.apply(kind(next(self._numbers), self.now_us, *fields))  # type: ignore[call-arg]
        assert not isinstance(applied, WireError), applied
        return applied

    def tick(self, times: int = 1) -> Iterator[list[AnyEvent]]:
        for _ in range(times):
            self.now_us += TICK_US
            yield self.do(LiquidityTick)

    def run(self, times: int = 1) -> list[AnyEvent]:
        return [event for events in self.tick(times) for event in events]

    def order(
        self, side: Side, price: int, quantity: int, kind: OrderType = "LIMIT", tif: TimeInForce = "GTC"
    ) -> list[AnyEvent]:
        number = str(self.venue.sequence)
        return self.do(
            PlaceOrder, self.user, "BTCUSDT", side, kind, tif, quantity, 0, price, 0, number, "NONE", 0, 0
        )  # fmt: skip

    def best(self, symbol: str = "BTCUSDT") -> tuple[int, int]:
        book = self.venue.engine.book(symbol)
        bid, ask = book.best_bid(), book.best_ask()
        assert bid is not None
        assert ask is not None
        return bid[0], ask[0]

    def levels(self, symbol: str = "BTCUSDT") -> tuple[int, int]:
        bids, asks = self.venue.engine.book(symbol).depth(1_000)
        return len(bids), len(asks)

    def open_of_user(self) -> int:
        return len(self.venue.engine.open_orders(self.user))


def test_market_of_a_new_venue_is_there_before_the_first_tick() -> None:
    stage = Stage(11)
    for instrument in default_instruments():
        assert min(stage.levels(instrument.symbol)) == (7 if instrument.thin else 25)


def test_market_of_bitcoin_keeps_its_promises_for_five_minutes() -> None:
    stage, trades = Stage(1), 0
    for number, events in enumerate(stage.tick(1_200)):
        trades += sum(type(event) is OrderTraded for event in events)
        bid, ask = stage.best()
        assert (ask - bid) * 2_000 <= bid, number
        assert min(stage.levels()) >= 20, number
    assert trades >= 5 * 30


def test_market_of_every_symbol_trades_on_both_sides_in_varied_sizes() -> None:
    stage = Stage(11)
    sides: dict[str, set[str]] = {}
    sizes: dict[str, set[int]] = {}
    for event in stage.run(2_400):
        if type(event) is OrderTraded:
            sides.setdefault(event.symbol, set()).add(event.taker.side)
            sizes.setdefault(event.symbol, set()).add(event.quantity)
    for instrument in default_instruments():
        if instrument.symbol != THIN_SYMBOL:
            assert sides[instrument.symbol] == {"BUY", "SELL"}
            assert len(sizes[instrument.symbol]) > 20
            assert min(stage.levels(instrument.symbol)) >= 20
    assert max(stage.levels(THIN_SYMBOL)) < 10
    assert stage.venue.engine.ledger.imbalance() == {}


def test_market_orders_of_the_house_pass_the_static_filters() -> None:
    stage = Stage(11)
    listed = {instrument.symbol: instrument for instrument in default_instruments()}
    for event in stage.run(200):
        if type(event) is OrderAccepted:
            instrument, order = listed[event.order.symbol], event.order
            assert order.price % instrument.tick_size == 0
            assert order.quantity % instrument.step_size == 0
            assert instrument.min_qty <= order.quantity <= instrument.max_qty
            assert order.price * order.quantity // ONE >= instrument.min_notional


def test_makers_leave_unchanged_orders_alone() -> None:
    stage = Stage(1)
    stage.run(50)
    placed = sum(type(event) is OrderAccepted for event in stage.run(200))
    assert placed < 200 * 12


def test_makers_restore_a_ladder_that_a_user_swept() -> None:
    stage = Stage(1)
    stage.run(5)
    _, before = stage.best()
    stage.order("BUY", before * 2, 1_000 * ONE, tif="IOC")
    assert stage.levels()[1] == 0
    stage.run(1)
    assert min(stage.levels()) >= 20
    stage.run(200)
    bid, ask = stage.best()
    assert (ask - bid) * 2_000 <= bid
    assert before * 95 < ask * 100 < before * 105


def test_makers_never_cross_a_user_inside_the_spread() -> None:
    stage = Stage(1)
    stage.run(5)
    bid, ask = stage.best()
    stage.order("BUY", (bid + ask) // 2, ONE // 1_000)
    assert stage.best()[0] == (bid + ask) // 2
    for events in stage.tick(40):
        bid, ask = stage.best()
        assert bid < ask
        assert not [
            one
            for one in events
            if type(one) is OrderTraded
            and {one.taker.account_id, one.maker.account_id} == stage.house
            and one.taker.account_id == one.maker.account_id
        ]


@pytest.mark.parametrize("side", ["BUY", "SELL"])
def test_user_wall_away_from_the_market_is_filled_and_the_spread_stays_small(side: Side) -> None:
    stage = Stage(1)
    stage.run(5)
    bid, ask = stage.best()
    wall = 30 * ONE
    # A user who bids 2 % above the market, after taking all that was asked on the way.
    price = (bid * 102 if side == "BUY" else ask * 98) // 100_000_000 * 1_000_000
    stage.order(side, price, 2_000 * ONE, tif="IOC")
    stage.order(side, price, wall)
    filled = 0
    for events in stage.tick(100):
        filled += sum(
            one.quantity for one in events if type(one) is OrderTraded and one.maker.account_id == stage.user
        )
        bid, ask = stage.best()
        assert bid < ask
        if stage.open_of_user():
            assert (ask - bid) * 2_000 <= bid
            assert min(stage.levels()) >= 1
    assert filled == wall


def test_takers_fill_the_best_price_even_when_it_is_a_users() -> None:
    stage = Stage(1)
    stage.run(5)
    filled = False
    for _ in range(400):
        if not stage.open_of_user():
            bid, ask = stage.best()
            if ask - bid > ONE // 100:
                stage.order("SELL", ask - ONE // 100, ONE // 100)
        filled |= any(type(one) is OrderTraded and one.maker.account_id == stage.user for one in stage.run())
    assert filled


def test_halted_symbol_is_left_alone_and_resumes() -> None:
    stage = Stage(2)
    stage.run(5)
    stage.do(SetSymbolStatus, "BTCUSDT", "HALT")
    events = stage.run(40)
    assert {event.order.symbol for event in events if type(event) is OrderAccepted} == {"ETHUSDT"}
    stage.do(SetSymbolStatus, "BTCUSDT", "TRADING")
    stage.run(3)
    bid, ask = stage.best()
    assert (ask - bid) * 2_000 <= bid


def test_liquidity_switched_off_takes_the_makers_orders_away_and_only_theirs() -> None:
    stage = Stage(2)
    stage.run(5)
    bid, _ = stage.best()
    stage.order("BUY", bid // 2 // 1_000_000 * 1_000_000, ONE)
    events = stage.do(SetLiquidity, "BTCUSDT", False)
    assert len([event for event in events if type(event) is OrderCanceled]) >= 40
    assert stage.levels() == (1, 0)
    stage.run(40)
    assert stage.levels() == (1, 0)
    assert min(stage.levels("ETHUSDT")) >= 20
    stage.do(SetLiquidity, "BTCUSDT", True)
    stage.run(1)
    assert min(stage.levels()) >= 20


def test_liquidity_switched_on_begins_where_the_last_trade_was() -> None:
    stage = Stage(1)
    stage.do(SetLiquidity, "BTCUSDT", False)
    stage.do(ImportTrade, "BTCUSDT", 31_415 * ONE, ONE, True)
    stage.do(SetLiquidity, "BTCUSDT", True)
    stage.run(1)
    bid, ask = stage.best()
    assert bid * 99 < 31_415 * ONE * 100 < ask * 101
    assert abs(bid - 31_415 * ONE) * 500 < bid


def test_venue_without_liquidity_stays_empty_and_ticks_do_nothing() -> None:
    stage = Stage(2, liquidity=False)
    assert stage.house == set()
    assert stage.run(20) == []
    assert stage.levels() == (0, 0)


def test_venue_reset_gives_the_house_its_money_and_the_books_their_orders_again() -> None:
    stage = Stage(2)
    stage.run(50)
    stage.do(ResetVenue)
    assert stage.levels() == (0, 0)
    stage.run(3)
    assert min(stage.levels()) >= 20
    assert stage.venue.engine.ledger.imbalance() == {}


def test_house_never_runs_dry_against_a_user_who_only_buys() -> None:
    stage = Stage(1)
    bought = 0
    for _ in range(300):
        stage.run(1)
        _, ask = stage.best()
        # Twice the ladder, each time; the money comes back from outside.
        for event in stage.order("BUY", ask * 102 // 100_000_000 * 1_000_000, 60 * ONE, tif="IOC"):
            bought += event.quantity if type(event) is OrderTraded else 0
        stage.do(
            Deposit,
            stage.user,
            "USDT",
            max(1, FUNDS - stage.venue.engine.ledger.balance(stage.user, "USDT").free),
        )
    stage.run(1)
    assert min(stage.levels()) >= 20
    # More than the house ever had at once.
    assert bought > 5_000 * ONE
    assert stage.venue.engine.ledger.imbalance() == {}


def test_user_with_hundreds_of_orders_does_not_confuse_the_makers() -> None:
    stage = Stage(1)
    stage.run(5)
    bid, _ = stage.best()
    for number in range(150):
        stage.order("BUY", bid - (number * 37 % 50) * 100 * 1_000_000, ONE // 100)
    stage.run(20)
    bids, asks = stage.levels()
    assert min(bids, asks) >= 20
    stage.do(CancelOpenOrders, stage.user, "BTCUSDT", "gone")
    assert min(stage.levels()) >= 20


@pytest.mark.parametrize("buyer_is_maker", [True, False])
def test_import_into_an_empty_book_prints_exactly_the_recorded_trade(buyer_is_maker: bool) -> None:
    stage = Stage(1, liquidity=False)
    prints = []
    for number in range(1, 30):
        price, quantity = (50_000 + number) * ONE, number * ONE // 7
        events = stage.do(ImportTrade, "BTCUSDT", price, quantity, buyer_is_maker)
        (traded,) = [event for event in events if type(event) is OrderTraded]
        assert (traded.price, traded.quantity) == (price, quantity)
        assert traded.taker.side == ("SELL" if buyer_is_maker else "BUY")
        prints.append(traded.trade_id)
        assert stage.levels() == (0, 0)
    assert prints == list(range(1, 30))
    assert [trade.buyer_is_maker for trade in stage.venue.market.trades("BTCUSDT", 30)] == [
        buyer_is_maker
    ] * 29
    assert stage.venue.engine.ledger.imbalance() == {}


def test_import_fills_users_that_stand_in_its_way_and_leaves_the_others() -> None:
    stage = Stage(1, liquidity=False)
    stage.order("SELL", 101 * ONE, ONE)
    stage.order("SELL", 103 * ONE, ONE)
    stage.order("BUY", 99 * ONE, ONE)
    stage.order("BUY", 97 * ONE, ONE)
    # Somebody bought at 102: who asked 101 was filled before.
    events = stage.do(ImportTrade, "BTCUSDT", 102 * ONE, 5 * ONE, False)
    fills = [(one.price, one.quantity) for one in events if type(one) is OrderTraded]
    assert fills == [(101 * ONE, ONE), (102 * ONE, 4 * ONE)]
    # Somebody sold at 98: who bid 99 was filled before.
    events = stage.do(ImportTrade, "BTCUSDT", 98 * ONE, 5 * ONE, True)
    fills = [(one.price, one.quantity) for one in events if type(one) is OrderTraded]
    assert fills == [(99 * ONE, ONE), (98 * ONE, 4 * ONE)]
    assert stage.open_of_user() == 2
    assert stage.levels() == (1, 1)
    assert stage.venue.engine.ledger.imbalance() == {}


def test_import_on_the_wrong_side_of_a_user_fills_it_and_prints_too() -> None:
    stage = Stage(1, liquidity=False)
    stage.order("SELL", 100 * ONE, ONE)
    # The seller took at 102, so a bid stood at 102: an ask at 100 would have been hit.
    events = stage.do(ImportTrade, "BTCUSDT", 102 * ONE, 5 * ONE, True)
    fills = [(one.price, one.quantity) for one in events if type(one) is OrderTraded]
    assert fills == [(100 * ONE, ONE), (102 * ONE, 5 * ONE)]
    assert stage.levels() == (0, 0)


def test_import_on_an_unknown_symbol_does_nothing() -> None:
    assert Stage(1, liquidity=False).do(ImportTrade, "NOPE", ONE, ONE, True) == []


def test_venue_written_and_read_back_goes_on_to_the_same_state() -> None:
    stage = Stage(11)
    stage.run(30)
    twin = Venue.decode(stage.venue.encode())
    assert twin.state_hash() == stage.venue.state_hash()
    original = stage.venue
    for _ in range(60):
        stage.now_us += TICK_US
        command = LiquidityTick(original.sequence + 1, stage.now_us)
        assert twin.apply(command) == original.apply(command)
    assert twin.state_hash() == original.state_hash()


@pytest.mark.parametrize("part", [Market(), Traders()])
def test_parts_of_another_layout_are_refused(part: Market | Traders) -> None:
    encoded = part.encode()
    part.restore(encoded)
    with pytest.raises(CorruptStoreError):
        part.restore(b"x" + encoded[1:])


def test_venues_of_one_seed_are_equal_and_of_two_are_not() -> None:
    hashes = []
    for seed in (5, 5, 6):
        opened.cache_clear()
        stage = Stage(3, seed=seed)
        stage.run(60)
        hashes.append(stage.venue.state_hash())
    assert hashes[0] == hashes[1] != hashes[2]


def test_ladder_prices_lie_on_their_grids_without_repeats() -> None:
    stage = Stage(11)
    for profile in stage.venue.traders._profiles:
        bids = maker.bid_prices(profile, profile.start)
        asks = maker.ask_prices(profile, profile.start + 1)
        assert bids == sorted(set(bids), reverse=True)
        assert asks == sorted(set(asks))
        assert bids[0] <= profile.start < asks[0]
        assert len(bids) == len(asks) == (7 if profile.thin else 25)
        assert all(price % profile.tick == 0 for price in bids + asks)
