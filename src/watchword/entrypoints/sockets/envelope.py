"""The WebSocket API's request and reply texts. Pure: decodes, encodes, decides nothing.

Source: web-socket-api.md, "Request format" and "Response format".
"""

import functools
import re
from typing import Final

import msgspec

from watchword.binance.errors import WireError
from watchword.binance.rate_limits import RateLimit
from watchword.binance.request import Params

PARAMETERS_MAX: Final = 100
#: Rules remembered as JSON; one process has five.
RULES_MAX: Final = 16
NULL: Final = b"null"
SECOND_US: Final = 1_000_000

BAD_JSON: Final = WireError(-1135, "Invalid JSON Request")
BAD_ID: Final = WireError(
    -1135,
    "Invalid 'id' in JSON request; expected an integer, string matching '^[a-zA-Z0-9-_]{1,36}$', or null.",
)
BAD_METHOD: Final = WireError(-1135, "Invalid 'method' in JSON request; expected a string.")
BAD_PARAMS: Final = WireError(-1135, "Invalid 'params' in JSON request; expected an object.")
TOO_MANY_PARAMETERS: Final = WireError(
    -1101, f"Too many parameters; expected '{PARAMETERS_MAX}' and received '%d'."
)

_TEXT_ID = re.compile(rb'"[a-zA-Z0-9_-]{1,36}"')
_NUMBER_ID = re.compile(rb"-?[0-9]{1,19}")
_NUMBER_ID_LENGTH_MAX: Final = 19


class Message(msgspec.Struct):
    """A request frame, its members still raw."""

    method: msgspec.Raw = msgspec.Raw(b"")
    id: msgspec.Raw = msgspec.Raw(NULL)
    params: msgspec.Raw = msgspec.Raw(b"")


class PlainMessage(msgspec.Struct):
    """A request frame as nearly all are: every parameter a text, a whole number or a boolean."""

    method: str
    id: msgspec.Raw = msgspec.Raw(NULL)
    params: dict[str, str | int | bool] = {}


class Request(msgspec.Struct, gc=False):
    """A request that could be read.

    Attributes:
        reply_id: JSON of the id, to be echoed as it is.
        params: Texts; a number is its literal, a boolean `true` or `false`, an array its JSON.
    """

    reply_id: bytes
    method: str
    params: Params


_PLAIN = msgspec.json.Decoder(PlainMessage)
_MESSAGES = msgspec.json.Decoder(Message)
_PARAMS = msgspec.json.Decoder(dict[str, msgspec.Raw])
_TEXT = msgspec.json.Decoder(str)


def read_request(text: bytes) -> tuple[bytes, Request | WireError]:
    """Read one text frame.

    Args:
        text: As received.

    Returns:
        The id to answer with (JSON; `null` where it cannot be read), and the request or why it is none.
    """
    try:
        plain = _PLAIN.decode(text)
    except (msgspec.MsgspecError, UnicodeError, RecursionError):
        return _read_raw(text)
    if 0 in plain.params.values() and b"-0" in text:
        # The literal of a whole number is what `str` gives back, but for minus zero.
        return _read_raw(text)
    return _checked(bytes(plain.id), plain.method, _texts(plain.params))


def _read_raw(text: bytes) -> tuple[bytes, Request | WireError]:
    """Read a frame member by member: the way of the unusual ones, and of those that must be refused."""
    try:
        message = _MESSAGES.decode(text)
    except (msgspec.MsgspecError, UnicodeError, RecursionError):
        return NULL, BAD_JSON
    reply_id = bytes(message.id)
    if not _is_id(reply_id):
        return NULL, BAD_ID
    try:
        method = _TEXT.decode(message.method)
    except (msgspec.MsgspecError, UnicodeError):
        return reply_id, BAD_METHOD
    raw = bytes(message.params)
    if not raw:
        return reply_id, Request(reply_id, method, {})
    try:
        fields = _PARAMS.decode(raw)
        params = {name: text_of(value) for name, value in fields.items()}
    except (msgspec.MsgspecError, UnicodeError, RecursionError):
        return reply_id, BAD_PARAMS
    return _checked(reply_id, method, params)


def _checked(reply_id: bytes, method: str, params: Params) -> tuple[bytes, Request | WireError]:
    """Refuse what is out of bounds."""
    if not _is_id(reply_id):
        return NULL, BAD_ID
    if len(params) > PARAMETERS_MAX:
        return reply_id, WireError(-1101, TOO_MANY_PARAMETERS.text % len(params))
    return reply_id, Request(reply_id, method, params)


def _is_id(raw: bytes) -> bool:
    if raw.isdigit():
        return len(raw) <= _NUMBER_ID_LENGTH_MAX
    return bool(raw == NULL or _TEXT_ID.fullmatch(raw) or _NUMBER_ID.fullmatch(raw))


def _texts(values: dict[str, str | int | bool]) -> Params:
    """Write parameters as the texts that were signed, in place."""
    for name, value in values.items():
        if type(value) is not str:
            values[name] = str(value) if type(value) is int else "true" if value else "false"
    return values  # type: ignore[return-value]  # every value is a text now


def text_of(raw: msgspec.Raw) -> str:
    """Write a JSON value as the parameter text that was signed.

    Raises:
        msgspec.MsgspecError: A text that is no valid JSON string.
    """
    value = bytes(raw)
    if value[:1] == b'"':
        return value[1:-1].decode() if b"\\" not in value else _TEXT.decode(value)
    return "" if value == NULL else value.decode()


def result_reply(reply_id: bytes, result: bytes, rate_limits: bytes) -> bytes:
    """Write a success. `rate_limits` is the JSON array, or empty to leave it out."""
    if rate_limits:
        return b'{"id":%s,"status":200,"result":%s,"rateLimits":%s}' % (reply_id, result, rate_limits)
    return b'{"id":%s,"status":200,"result":%s}' % (reply_id, result)


def error_reply(reply_id: bytes, error: WireError, rate_limits: bytes, now_us: int) -> bytes:
    """Write a refusal; 429 and 418 say when to come back, in epoch milliseconds."""
    more = b""
    if error.payload:
        more = b',"data":%s' % error.payload
    elif error.retry_after_us:
        more = b',"data":{"serverTime":%d,"retryAfter":%d}' % (
            now_us // 1000,
            -(-error.retry_after_us // 1000),
        )
    shown = b',"rateLimits":%s' % rate_limits if rate_limits else b""
    return b'{"id":%s,"status":%d,"error":{"code":%d,"msg":%s%s}%s}' % (
        reply_id, error.http_status, error.code, msgspec.json.encode(error.text), more, shown,
    )  # fmt: skip


def rate_limits_json(counts: tuple[tuple[RateLimit, int], ...]) -> bytes:
    """Write the `rateLimits` array."""
    return b"[%s]" % b",".join([b"%s%d}" % (_rule_json(rule), count) for rule, count in counts])


@functools.lru_cache(maxsize=RULES_MAX)
def _rule_json(rule: RateLimit) -> bytes:
    """Write all of a row but its count."""
    return b'{"rateLimitType":"%s","interval":"%s","intervalNum":%d,"limit":%d,"count":' % (
        rule.rate_limit_type.encode(), rule.interval.encode(), rule.interval_num, rule.limit,
    )  # fmt: skip
