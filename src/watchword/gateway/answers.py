"""Reads what the upstream says about orders: answers and user-data events, packed or not. Never keeps or changes one.

Source: rest-api.md and web-socket-api.md (the shapes are the same on both doors), user-data-stream.md.
"""

import zlib
from collections.abc import Iterator
from typing import Final

import msgspec

from watchword.binance.params import ID_MAX, MICROSECONDS_FROM, SCALED_MAX
from watchword.gateway.messages import Answer
from watchword.kernel.units import TooPrecise, parse_scaled

#: A packed answer may grow to so much; the largest real one (1,000 orders) is below 1 MB.
UNPACKED_BYTES_MAX: Final = 16 * 1024 * 1024
#: After these nothing of an order can fill any more.
CLOSED_STATUSES: Final = frozenset(("FILLED", "CANCELED", "REJECTED", "EXPIRED", "EXPIRED_IN_MATCH"))
#: Whether the exchange did it is not known after these. Source: errors.md -1000, -1001, -1006, -1007.
UNKNOWN_CODES: Final = frozenset((-1000, -1001, -1006, -1007))
UNKNOWN_STATUS_FROM: Final = 500
REFUSED_STATUS_FROM: Final = 400
NO_SUCH_ORDER_CODE: Final = -2013
#: `orderListId` of an order outside lists.
NO_LIST: Final = -1
#: wbits of zlib: gzip and zlib framing are both recognised.
_ANY_FRAMING: Final = 32 + zlib.MAX_WBITS
_PLAIN: Final = frozenset((b"", b"identity"))
_PACKED: Final = frozenset((b"gzip", b"x-gzip", b"deflate"))


class Fill(msgspec.Struct, frozen=True, rename="camel", gc=False):
    """One trade inside the answer to an order."""

    commission: str = ""
    commission_asset: str = ""


class Row(msgspec.Struct, frozen=True, rename="camel"):
    """An order, an order list, a trade, or an answer that holds some; every member may be missing."""

    symbol: str = ""
    order_id: int = 0
    order_list_id: int = NO_LIST
    client_order_id: str = ""
    orig_client_order_id: str = ""
    status: str = ""
    executed_qty: str = ""
    # Both spellings are Binance's: the first in orders, the second in amendments.
    cummulative_quote_qty: str = ""
    cumulative_quote_qty: str = ""
    fills: tuple[Fill, ...] = ()
    list_client_order_id: str = ""
    orders: tuple["Row", ...] = ()
    order_reports: tuple["Row", ...] = ()
    amended_order: "Row | None" = None
    cancel_result: str = ""
    new_order_result: str = ""
    cancel_response: "Row | None" = None
    new_order_response: "Row | None" = None
    data: "Row | None" = None
    code: int = 0
    qty: str = ""
    commission: str = ""
    commission_asset: str = ""
    time: int = 0
    transact_time: int = 0
    transaction_time: int = 0
    taker_order_id: int = 0
    maker_order_id: int = 0
    maker_symbol: str = ""


class Seen(msgspec.Struct, frozen=True, gc=False):
    """One order as just reported.

    Attributes:
        symbol: Where.
        order_id: The exchange's.
        client_order_id: Its name from now on.
        former_id: The name it had: what a cancel or an amendment was aimed at. Empty where nothing changed.
        list_id: The exchange's id of its list; 0 for none or not said.
        status: Empty where not said (ACK).
        executed: Base units executed in all, scaled; -1 where not said.
        amount: Quote units executed in all, scaled; -1 where not said.
        commissions: (asset, amount scaled) of what was executed; empty where not said.
        commissions_whole: They are those of all that was executed, not of the last trade alone.
        renamed: `client_order_id` is the order's new name; otherwise, with a former id, it is only the cancel's.
        list_client_order_id: The list's own id, where said.
        at_us: A moment of its life, its beginning where that is said; epoch microseconds, 0 where none is.
    """

    symbol: str
    order_id: int
    client_order_id: str
    former_id: str = ""
    list_id: int = 0
    status: str = ""
    executed: int = -1
    amount: int = -1
    commissions: tuple[tuple[str, int], ...] = ()
    commissions_whole: bool = False
    renamed: bool = False
    list_client_order_id: str = ""
    at_us: int = 0


_ROWS: Final[msgspec.json.Decoder[Row | list[Row]]] = msgspec.json.Decoder(Row | list[Row])


def read_rows(body: bytes) -> Row | list[Row] | None:
    """Decode an unpacked body; None where it is no JSON of that shape."""
    try:
        return _ROWS.decode(body)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return None


def unpacked(answer: Answer) -> bytes | None:
    """Return an answer's body without its packing; None where it cannot be unpacked within the bound."""
    encoding = b""
    for name, value in answer.headers:
        if name.lower() == b"content-encoding":
            encoding = value.strip().lower()
    if encoding in _PLAIN:
        return answer.body
    if encoding not in _PACKED:
        return None
    try:
        unpacker = zlib.decompressobj(_ANY_FRAMING)
        body = unpacker.decompress(answer.body, UNPACKED_BYTES_MAX)
    except zlib.error:
        return None
    return body if unpacker.eof else None


def error_code(answer: Answer) -> int:
    """Return Binance's error code of an answer, 0 where it is none or cannot be read."""
    if answer.status < REFUSED_STATUS_FROM:
        return 0
    body = unpacked(answer)
    rows = read_rows(body) if body is not None else None
    return rows.code if isinstance(rows, Row) else 0


def outcome_unknown(answer: Answer) -> bool:
    """Whether an answer leaves open what happened; then only a query tells.

    Source: rest-api.md, "HTTP Return Codes": 5XX is not a failure, the execution status is unknown.
    """
    return answer.status >= UNKNOWN_STATUS_FROM or error_code(answer) in UNKNOWN_CODES


def orders_seen(rows: Row | list[Row]) -> Iterator[Seen]:
    """Yield every order an answer reports, whatever endpoint it is of."""
    for row in rows if isinstance(rows, list) else (rows,):
        if row.order_id and row.symbol:
            yield _seen(row)
        if row.orders:
            yield from _listed(row)
        if row.amended_order is not None and row.amended_order.order_id:
            yield _seen(row.amended_order, renamed=True)
        if row.cancel_response is not None:
            yield from orders_seen(row.cancel_response)
        if row.new_order_response is not None:
            yield from orders_seen(row.new_order_response)
        if row.data is not None:
            yield from orders_seen(row.data)


def commissions_by_order(rows: list[Row]) -> dict[tuple[str, int], tuple[int, dict[str, int]]]:
    """Add up the rows of `myTrades`.

    Returns:
        (symbol, order id) → (base units traded, asset → commission), all scaled.
    """
    sums: dict[tuple[str, int], tuple[int, dict[str, int]]] = {}
    for row in rows:
        quantity, assets = sums.get((row.symbol, identity(row.order_id)), (0, {}))
        paid = max(scaled(row.commission), 0)
        assets[row.commission_asset] = assets.get(row.commission_asset, 0) + paid
        sums[row.symbol, identity(row.order_id)] = (quantity + max(scaled(row.qty), 0), assets)
    return sums


def moment_us(moment: int) -> int:
    """Read a moment in milliseconds or microseconds, told apart by size."""
    return moment if moment >= MICROSECONDS_FROM else moment * 1_000


def scaled(text: str) -> int:
    """Read an amount as a scaled integer; -1 where it is none or, as Binance writes "not available", negative."""
    try:
        value = parse_scaled(text) if text else None
    except TooPrecise:
        return -1
    return -1 if value is None or value > SCALED_MAX else value


def identity(number: int) -> int:
    """An id of the exchange as it is kept: 0 for none, and for what fits no 64-bit field."""
    return number if 0 < number <= ID_MAX else 0


def _seen(row: Row, *, renamed: bool = False, listed: Row | None = None) -> Seen:
    commissions = (
        tuple([(fill.commission_asset, max(scaled(fill.commission), 0)) for fill in row.fills])
        if row.fills
        else ()
    )
    return Seen(
        row.symbol or (listed.symbol if listed is not None else ""),
        identity(row.order_id),
        row.client_order_id,
        row.orig_client_order_id,
        identity(row.order_list_id if listed is None else listed.order_list_id),
        row.status,
        scaled(row.executed_qty),
        scaled(row.cummulative_quote_qty or row.cumulative_quote_qty),
        commissions,
        bool(commissions),
        renamed,
        listed.list_client_order_id if listed is not None else "",
        moment_us(row.time or row.transact_time or (listed.transaction_time if listed is not None else 0)),
    )


def _listed(row: Row) -> Iterator[Seen]:
    """The legs of a list, then what is reported about each."""
    for leg in (*row.orders, *row.order_reports):
        if leg.order_id:
            yield _seen(leg, listed=row)
