"""The whole exchange: the engine, what follows from it, and the traders that keep it alive.

    command ──► engine ──► events ──► archive, market
                   ▲
       traders ────┘   a tick or a recorded trade becomes plain commands of the same sequence and moment

Deterministic: the same commands give the same venue, byte for byte, whether or not it was written down and read
back in between. Never syncs, publishes or reads a clock.
"""

import hashlib
from collections.abc import Sequence
from typing import Final, Protocol

import msgspec

from watchword.binance.errors import WireError
from watchword.exchange.archive import Archive
from watchword.exchange.commands import AnyCommand, ImportTrade, LiquidityTick, OpenVenue, SetLiquidity
from watchword.exchange.engine import Engine
from watchword.exchange.events import AnyEvent, Applied
from watchword.exchange.liquidity.traders import Traders
from watchword.exchange.market.market import Market
from watchword.exchange.order import Order
from watchword.exchange.snapshot import HASH_BYTES, decode_engine, encode_engine
from watchword.kernel.errors import CorruptStoreError, invariant

#: First bytes of an encoded venue; the number is the layout's version.
MAGIC: Final = b"watchword-venue-1"
#: The same with a fifth part, the treasury. Why two: a venue without one keeps the bytes, and the hash, it had before.
MAGIC_WITH_TREASURY: Final = b"watchword-venue-2"

_FourParts = tuple[bytes, bytes, bytes, bytes]
_FiveParts = tuple[bytes, bytes, bytes, bytes, bytes]


class Projection(Protocol):
    """Something that follows from the events and changes nothing.

    When unavailable: cannot be; it lives in memory.
    """

    def fold(self, command: AnyCommand, events: Sequence[AnyEvent]) -> None:
        """Take in what one command did; `events` is empty where it was refused."""
        ...

    def encode(self) -> bytes:
        """Write everything; equal projections give equal bytes."""
        ...

    def restore(self, raw: bytes) -> None:
        """Replace everything by what `encode` wrote."""
        ...


class Venue:
    """One exchange.

    Attributes:
        engine: Orders, books, balances. Read it freely; only `apply` changes it.
        archive: Closed orders, trades of accounts, ended lists, prevented matches.
        market: Public trades, candles, tickers.
        traders: The built-in market makers and takers.
    """

    __slots__ = ("archive", "engine", "market", "traders")

    def __init__(self, engine: Engine | None = None) -> None:
        self.engine = Engine() if engine is None else engine
        self.archive = Archive(self.engine)
        self.market = Market()
        self.traders = Traders()

    @property
    def sequence(self) -> int:
        """Sequence of the last command applied; 0 before the first."""
        return self.engine.sequence

    def apply(self, command: AnyCommand) -> Applied:
        """Apply one command.

        Args:
            command: The next in sequence.

        Returns:
            The facts in order, or the one refusal.

        Raises:
            InvariantError: The command is not the next one.
        """
        engine = self.engine
        invariant(command.sequence == engine.sequence + 1, "a command is missing or came twice")
        if type(command) in _EXPANDED:
            return self._apply_expanded(command)
        applied = engine.apply(command)
        if type(applied) is list:
            self.archive.fold(command, applied)
            self.market.fold(command, applied)
        return applied

    def order(self, account_id: int, symbol: str, order_id: int, client_order_id: str) -> Order | None:
        """Find an order, open or closed, by id (0: not sent) or client id ("": not sent)."""
        order = self.engine.order(account_id, symbol, order_id, client_order_id)
        return order or self.archive.order(account_id, symbol, order_id, client_order_id)

    def state_hash(self) -> bytes:
        """Return a hash of everything `encode` writes, 32 bytes."""
        return hashlib.blake2b(self.encode(), digest_size=HASH_BYTES).digest()

    def encode(self) -> bytes:
        """Write the whole venue; equal venues give equal bytes."""
        parts = (
            encode_engine(self.engine), self.archive.encode(), self.market.encode(), self.traders.encode()
        )  # fmt: skip
        treasury = self.engine.treasury.encode()
        if treasury:
            return MAGIC_WITH_TREASURY + msgspec.msgpack.encode((*parts, treasury))
        return MAGIC + msgspec.msgpack.encode(parts)

    @classmethod
    def decode(cls, raw: bytes) -> "Venue":
        """Rebuild a venue from what `encode` wrote.

        Raises:
            CorruptStoreError: The bytes have another layout.
        """
        if not raw.startswith((MAGIC, MAGIC_WITH_TREASURY)):
            raise CorruptStoreError("snapshot: not a venue of this program's version")
        body = memoryview(raw)[len(MAGIC) :]
        treasury = b""
        try:
            if raw.startswith(MAGIC):
                engine, archive, market, traders = msgspec.msgpack.decode(body, type=_FourParts)
            else:
                engine, archive, market, traders, treasury = msgspec.msgpack.decode(body, type=_FiveParts)
            venue = cls(decode_engine(engine))
            venue.engine.treasury.restore(treasury)
            venue.archive.restore(archive)
            venue.market.restore(market)
            venue.traders.restore(traders)
        except msgspec.MsgspecError as fault:
            raise CorruptStoreError(f"snapshot: unreadable ({fault})") from None
        return venue

    def _apply_expanded(self, command: AnyCommand) -> Applied:
        """Apply a command and what the traders do because of it, as one."""
        engine = self.engine
        events: list[AnyEvent] = []
        if isinstance(command, LiquidityTick | ImportTrade):
            engine.pass_time(command)
        else:
            applied = engine.apply(command)
            if isinstance(applied, WireError):
                return applied
            events = applied
        if isinstance(command, OpenVenue):
            self.market.fold(command, events)
            self._continue_tapes()
        for step in self.traders.expand(engine, command):
            applied = engine.apply(step)
            if not isinstance(applied, WireError):
                events.extend(applied)
        self.archive.fold(command, events)
        if not isinstance(command, OpenVenue):
            self.market.fold(command, events)
        return events

    def _continue_tapes(self) -> None:
        """Let trade ids and last prices go on where the made-up history ends."""
        for symbol in self.engine.floors:
            self.engine.continue_tape(
                symbol, self.market.next_trade_id(symbol), self.market.last_price(symbol) or 0
            )


#: Commands that the built-in traders answer.
_EXPANDED: Final = frozenset((LiquidityTick, ImportTrade, SetLiquidity, OpenVenue))
