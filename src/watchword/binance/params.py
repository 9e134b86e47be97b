"""Reads one parameter's text into a value, or refuses it in Binance's words. Knows single values, never combinations.

Every reader takes the parameter's name (for the refusal) and its text, which is not empty.

Source: errors.md, -1100 to -1151; legal ranges as Binance's live answers show them.
"""

import re
from collections.abc import Callable
from typing import Annotated, Final, TypeVar

import msgspec

from watchword.binance.enums import (
    KLINE_INTERVALS,
    ORDER_TYPES,
    RESPONSE_TYPES,
    SIDES,
    STP_MODES,
    TIMES_IN_FORCE,
    CancelReplaceMode,
    CancelRestriction,
    OrderRateLimitExceededMode,
    OrderType,
    ResponseType,
    Side,
    StpMode,
    TimeInForce,
)
from watchword.binance.errors import WireError, illegal, too_precise
from watchword.kernel.units import TooPrecise, parse_scaled

T = TypeVar("T")
Read = Callable[[str, str], T | WireError]

#: Amounts and ids travel through 64-bit signed fields.
SCALED_MAX: Final = 2**63 - 1
ID_MAX: Final = 2**63 - 1
INT_MAX: Final = 2**31 - 1
SYMBOL_LENGTH_MAX: Final = 50
SYMBOLS_MAX: Final = 100
#: Timestamps from here on are microseconds: 10^14 ms is the year 5138, 10^14 us is 1973.
MICROSECONDS_FROM: Final = 10**14
#: Text of a list parameter; a list of every allowed symbol is far below it.
LIST_TEXT_MAX: Final = 8_192

SYMBOL_RANGE: Final = r"^[\w\-._&&[^a-z]]{1,50}$"
CLIENT_ID_RANGE: Final = r"^[a-zA-Z0-9-_]{1,36}$"
INTEGER_RANGE: Final = r"^[0-9]{1,20}$"
DECIMAL_RANGE: Final = r"^([0-9]{1,20})(\.[0-9]{1,20})?$"
SYMBOLS_RANGE: Final = r'^\[("[\w\-._&&[^a-z]]{1,50}"(,"[\w\-._&&[^a-z]]{1,50}"){0,}){0,1}\]$'

_SYMBOL = re.compile(r"(?:(?![a-z])[\w\-.]){1,50}")
_CLIENT_ID = re.compile(r"[a-zA-Z0-9\-_]{1,36}")
_INTEGER = re.compile(r"[0-9]{1,20}")

_INTERVALS: Final = frozenset(KLINE_INTERVALS)

INVALID_SIDE: Final = WireError(-1117, "Invalid side.")
INVALID_ORDER_TYPE: Final = WireError(-1116, "Invalid orderType.")
INVALID_TIME_IN_FORCE: Final = WireError(-1115, "Invalid timeInForce.")
INVALID_INTERVAL: Final = WireError(-1120, "Invalid interval.")
INVALID_SYMBOL_STATUS: Final = WireError(-1122, "Invalid symbolStatus.")
INVALID_TICKER_TYPE: Final = WireError(-1139, "Invalid ticker type.")
INVALID_RESTRICTIONS: Final = WireError(-1145, "Invalid cancelRestrictions")
DUPLICATE_SYMBOLS: Final = WireError(-1151, "Symbol is present multiple times in the list.")
TOO_MANY_SYMBOLS: Final = WireError(
    -1101, f"Too many values sent for parameter 'symbols', maximum allowed up to {SYMBOLS_MAX}."
)
BAD_STRATEGY_TYPE: Final = WireError(-1134, "`strategyType` was less than 1000000.")
STRATEGY_TYPE_MIN: Final = 1_000_000


def invalid(name: str) -> WireError:
    """-1130 for a value outside its set or range."""
    return WireError(-1130, f"Data sent for parameter '{name}' is not valid.")


def overflowed(name: str) -> WireError:
    """-1108 for a number that does not fit its field."""
    return WireError(-1108, f"Parameter '{name}' overflowed.")


def read_symbol(name: str, text: str) -> str | WireError:
    """A symbol's spelling; whether it is listed is asked later."""
    if text.isupper() and text.isalnum() and text.isascii() and len(text) <= SYMBOL_LENGTH_MAX:
        return text
    return text if _SYMBOL.fullmatch(text) else illegal(name, SYMBOL_RANGE)


def read_client_id(name: str, text: str) -> str | WireError:
    """A client order id."""
    return text if _CLIENT_ID.fullmatch(text) else illegal(name, CLIENT_ID_RANGE)


def read_decimal(name: str, text: str) -> int | WireError:
    """A decimal as a scaled integer."""
    try:
        value = parse_scaled(text)
    except TooPrecise:
        return too_precise(name)
    if value is None:
        return illegal(name, DECIMAL_RANGE)
    return value if value <= SCALED_MAX else overflowed(name)


def read_long(name: str, text: str) -> int | WireError:
    """A whole number of up to 64 bits: ids, timestamps."""
    if not _INTEGER.fullmatch(text):
        return illegal(name, INTEGER_RANGE)
    value = int(text)
    return value if value <= ID_MAX else overflowed(name)


def read_limit(name: str, text: str) -> int | WireError:
    """A count of rows, at least 1; the caller clamps it to its own maximum."""
    if not _INTEGER.fullmatch(text):
        return illegal(name, INTEGER_RANGE)
    value = int(text)
    if value > INT_MAX:
        return overflowed(name)
    return value or invalid(name)


def read_strategy_type(name: str, text: str) -> int | WireError:
    """A strategy type, at least 1,000,000."""
    value = read_long(name, text)
    if type(value) is not int:
        return value
    if value > INT_MAX:
        return overflowed(name)
    return value if value >= STRATEGY_TYPE_MIN else BAD_STRATEGY_TYPE


def read_boolean(name: str, text: str) -> bool | WireError:
    """`true` or `false`, in any case: some clients write Python's."""
    lowered = text.lower()
    if lowered == "true":
        return True
    return False if lowered == "false" else invalid(name)


def one_of(values: frozenset[str], refusal: WireError | None = None) -> Read[str]:
    """A reader for a closed set; without a refusal of its own it answers -1130."""

    def read(name: str, text: str) -> str | WireError:
        return text if text in values else refusal or invalid(name)

    return read


def read_symbols(name: str, text: str) -> tuple[str, ...] | WireError:
    """A JSON list of up to 100 different symbols."""
    if len(text) > LIST_TEXT_MAX:
        return TOO_MANY_SYMBOLS
    try:
        symbols = msgspec.json.decode(text, type=tuple[str, ...])
    except (msgspec.MsgspecError, UnicodeError):
        return illegal(name, SYMBOLS_RANGE)
    if not symbols or not all(map(_SYMBOL.fullmatch, symbols)):
        return illegal(name, SYMBOLS_RANGE)
    if len(symbols) > SYMBOLS_MAX:
        return TOO_MANY_SYMBOLS
    return symbols if len(set(symbols)) == len(symbols) else DUPLICATE_SYMBOLS


def read_permissions(name: str, text: str) -> tuple[str, ...] | WireError:
    """One permission, or a JSON list of them."""
    if len(text) > LIST_TEXT_MAX:
        return invalid(name)
    if not text.startswith("["):
        return (text,)
    try:
        return msgspec.json.decode(text, type=tuple[str, ...])
    except (msgspec.MsgspecError, UnicodeError):
        return invalid(name)


def read_text(name: str, text: str) -> str | WireError:  # noqa: ARG001 - readers share one signature
    """Any text; its meaning is asked elsewhere."""
    return text


def read_moment(name: str, text: str) -> int | WireError:
    """A timestamp in milliseconds or microseconds, told apart by size, as epoch microseconds."""
    value = read_long(name, text)
    if isinstance(value, WireError):
        return value
    return value if value >= MICROSECONDS_FROM else value * 1_000


#: Annotations for the fields of a query (see binance/forms.py).
Symbol = Annotated[str, read_symbol]
Symbols = Annotated[tuple[str, ...], read_symbols]
ClientId = Annotated[str, read_client_id]
Decimal = Annotated[int, read_decimal]
Long = Annotated[int, read_long]
Limit = Annotated[int, read_limit]
StrategyType = Annotated[int, read_strategy_type]
Boolean = Annotated[bool, read_boolean]
Permissions = Annotated[tuple[str, ...], read_permissions]
Text = Annotated[str, read_text]
Moment = Annotated[int, read_moment]
Interval = Annotated[str, one_of(_INTERVALS, INVALID_INTERVAL)]
OrderSide = Annotated[Side, one_of(SIDES, INVALID_SIDE)]
Type = Annotated[OrderType, one_of(ORDER_TYPES, INVALID_ORDER_TYPE)]
Tif = Annotated[TimeInForce, one_of(TIMES_IN_FORCE, INVALID_TIME_IN_FORCE)]
MaybeTif = Annotated[TimeInForce | None, one_of(TIMES_IN_FORCE, INVALID_TIME_IN_FORCE)]
RespType = Annotated[ResponseType | None, one_of(RESPONSE_TYPES)]
StpChoice = Annotated[StpMode | None, one_of(STP_MODES)]
Restriction = Annotated[
    CancelRestriction, one_of(frozenset(("ONLY_NEW", "ONLY_PARTIALLY_FILLED")), INVALID_RESTRICTIONS)
]
ReplaceMode = Annotated[CancelReplaceMode, one_of(frozenset(("STOP_ON_FAILURE", "ALLOW_FAILURE")))]
OverLimitMode = Annotated[OrderRateLimitExceededMode, one_of(frozenset(("DO_NOTHING", "CANCEL_ONLY")))]
TickerType = Annotated[str, one_of(frozenset(("FULL", "MINI")), INVALID_TICKER_TYPE)]
#: The three that can be asked for, as the documents list them.
StatusFilter = Annotated[str, one_of(frozenset(("TRADING", "HALT", "BREAK")), INVALID_SYMBOL_STATUS)]
