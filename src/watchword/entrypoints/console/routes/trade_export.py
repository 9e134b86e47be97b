"""An account's trades as a CSV file for the tax office: all symbols, in the order they happened, streamed and bounded."""

import heapq
from collections.abc import AsyncIterator
from typing import Annotated, Any, Final

import msgspec
from msgspec import Meta

from watchword.entrypoints.console.csv_rows import csv_row, csv_time
from watchword.entrypoints.console.problem import TOO_MANY, Problem
from watchword.entrypoints.console.route import Ask, Route
from watchword.entrypoints.console.routes.account_past import TRADES_MAX, past_of, trades_on
from watchword.entrypoints.console.routes.testnet_accounts import account_in_path
from watchword.entrypoints.console.routes.trading import SYMBOL_LENGTH_MAX, TAG
from watchword.entrypoints.console.streaming import CSV, Streamed
from watchword.entrypoints.console.trading_views import WireTrade
from watchword.kernel.errors import StorageError

#: As many as a venue keeps of everybody.
EXPORT_ROWS_MAX: Final = TRADES_MAX
ROWS_PER_PIECE: Final = 500
EXPORTS_AT_ONCE_MAX: Final = 4
MOMENT_US_MAX: Final = (1 << 53) - 1
HEADER: Final = (
    "date_utc", "pair", "side", "price", "quantity", "quote", "fee", "fee_asset", "order_id", "trade_id",
)  # fmt: skip

Moment = Annotated[int, Meta(ge=0, le=MOMENT_US_MAX)]


class ExportQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which trades."""

    symbol: Annotated[str, Meta(max_length=SYMBOL_LENGTH_MAX, description="Only this symbol.")] = ""
    from_us: Annotated[Moment, Meta(description="Not before, epoch microseconds.")] = 0
    to_us: Annotated[Moment, Meta(description="Before, epoch microseconds.")] = MOMENT_US_MAX


class _Exports:
    """How many are on their way."""

    def __init__(self) -> None:
        self.count = 0


async def export_trades(ask: Ask[None, ExportQuery]) -> Streamed | Problem:
    """Write all trades of an account."""
    account, query = account_in_path(ask), ask.query
    if isinstance(account, Problem):
        return account
    exports: _Exports = ask.console.at_hand.setdefault(_Exports, _Exports())
    if exports.count >= EXPORTS_AT_ONCE_MAX:
        return Problem(TOO_MANY, "other exports are on their way", retry_after_s=5)
    past = await past_of(ask, account)
    if isinstance(past, Problem):
        return past
    symbols = [query.symbol] if query.symbol else past.traded
    # The first page of each is here before the answer begins, so that what is wrong is still said as a problem.
    columns = [_Column(trades_on(ask, account, symbol)) for symbol in symbols]
    for column in columns:
        problem = await column.advance()
        if problem is not None:
            return problem
    return Streamed(_pieces(exports, columns, query), CSV, f"trades-{account}.csv")


class _Column:
    """One symbol's trades, a page of them at hand."""

    def __init__(self, pages: AsyncIterator[list[WireTrade] | Problem]) -> None:
        self._pages = pages
        self._rows: list[WireTrade] = []
        self._next = 0

    @property
    def head(self) -> WireTrade | None:
        """The next trade; None at the end."""
        return self._rows[self._next] if self._next < len(self._rows) else None

    async def advance(self) -> Problem | None:
        """Go to the next trade, reading another page where this one is done."""
        self._next += 1
        if self._next < len(self._rows):
            return None
        page: list[WireTrade] | Problem = await anext(self._pages, [])
        if isinstance(page, Problem):
            return page
        self._rows, self._next = page, 0
        return None


async def _pieces(exports: _Exports, columns: list[_Column], query: ExportQuery) -> AsyncIterator[bytes]:
    """Write the file, some rows at a time.

    Raises:
        StorageError: The testnet was lost on the way; what was sent is cut off.
    """
    exports.count += 1
    try:
        yield csv_row(HEADER).encode()
        written, piece = 0, []
        async for trade in _merged(columns):
            if not query.from_us <= trade.time < query.to_us:
                continue
            if written >= EXPORT_ROWS_MAX:
                raise StorageError(f"an export has at most {EXPORT_ROWS_MAX} rows; ask for a shorter time")
            piece.append(_row(trade))
            written += 1
            if len(piece) >= ROWS_PER_PIECE:
                yield "".join(piece).encode()
                piece = []
        if piece:
            yield "".join(piece).encode()
    finally:
        exports.count -= 1


async def _merged(columns: list[_Column]) -> AsyncIterator[WireTrade]:
    heap = [
        (column.head.time, column.head.id, number)
        for number, column in enumerate(columns)
        if column.head is not None
    ]
    heapq.heapify(heap)
    while heap:
        _, _, number = heap[0]
        column = columns[number]
        head = column.head
        if head is None:
            heapq.heappop(heap)
            continue
        yield head
        problem = await column.advance()
        if problem is not None:
            raise StorageError(problem.detail or problem.kind.title)
        if column.head is None:
            heapq.heappop(heap)
        else:
            heapq.heapreplace(heap, (column.head.time, column.head.id, number))


def _row(trade: WireTrade) -> str:
    side = "BUY" if trade.is_buyer else "SELL"
    return csv_row(
        (
            csv_time(trade.time), trade.symbol, side, trade.price, trade.qty, trade.quote_qty, trade.commission,
            trade.commission_asset, str(trade.order_id), str(trade.id),
        )
    )  # fmt: skip


_READ: Final[dict[str, Any]] = {"method": "GET", "tag": TAG, "action": "account.read", "limit": "heavy"}

ROUTES: Final = (
    Route(
        path="/accounts/{account}/trades.csv", name="exportTrades", summary="Export an account's trades as CSV.",
        handler=export_trades, query=ExportQuery, media=CSV, **_READ,
    ),
)  # fmt: skip
