"""Raw query and body to parameters, judged as Binance judges them. Never decides what a parameter means.

The signed bytes are never rebuilt from what this module returns: signatures are checked over the bytes received.
"""

from typing import Final
from urllib.parse import unquote_to_bytes

from watchword.binance.errors import DUPLICATE_PARAMETER, WireError, illegal

Params = dict[str, str]
Pair = tuple[bytes, bytes]

QUERY_BYTES_MAX: Final = 32_768
BODY_BYTES_MAX: Final = 65_536
PARAMETERS_COUNT_MAX: Final = 128

#: What a form-encoded text may hold, for the -1100 text.
ENCODED_TEXT_RANGE: Final = "^([!-~]|%[0-9A-Fa-f]{2})*$"

UNKNOWN_PARAMETER: Final = WireError(-1103, "An unknown parameter was sent.")
REQUEST_TOO_LARGE: Final = WireError(-1100, "Illegal characters found in a parameter.", 413)

_HEX_DIGITS: Final = frozenset(b"0123456789abcdefABCDEF")


def parse_pairs(raw: bytes) -> list[Pair]:
    """Split a form-encoded text at `&` and each pair at its first `=`, without decoding anything.

    Args:
        raw: A query string without `?`, or a form body.

    Returns:
        Name and value as received, in order. Empty pairs (`a=1&&b=2`) are dropped, a pair without `=` has an empty
        value.
    """
    pairs: list[Pair] = []
    for part in raw.split(b"&"):
        if part:
            name, _, value = part.partition(b"=")
            pairs.append((name, value))
    return pairs


def decode_component(raw: bytes) -> str | None:
    """Decode one percent-encoded name or value: `+` is a space, the bytes are UTF-8.

    Args:
        raw: Bytes between the separators.

    Returns:
        The text, or None where an escape is broken (`%`, `%2`, `%zz`) or the bytes are not UTF-8.
    """
    if raw.isalnum():
        # A signature in hex digits, most of the time.
        return raw.decode("ascii")
    if b"+" in raw:
        raw = raw.replace(b"+", b" ")
    if b"%" in raw:
        # Base64 signatures are full of these three. No new escape can come of it: + / = are no hex digits.
        raw = raw.replace(b"%2B", b"+").replace(b"%2F", b"/").replace(b"%3D", b"=")
    if b"%" in raw:
        if not _escapes_whole(raw):
            return None
        raw = unquote_to_bytes(raw)
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        return None


def read_params(raw_query: bytes, raw_body: bytes) -> Params | WireError:
    """Read the parameters of a REST request.

    Args:
        raw_query: Query string as received, without `?`.
        raw_body: Body as received; empty where there is none.

    Returns:
        Name to decoded text, `signature` included; or Binance's refusal for a name sent twice in one place, broken
        percent-encoding or UTF-8, too many parameters, too many bytes.

    Source: rest-api.md, "General API Information": the query string's value wins over the body's; errors.md -1100,
    -1101, -1103.
    """
    if len(raw_query) > QUERY_BYTES_MAX or len(raw_body) > BODY_BYTES_MAX:
        return REQUEST_TOO_LARGE
    params = _read_one(raw_query)
    if not raw_body or type(params) is WireError:
        return params
    from_body = _read_one(raw_body)
    if isinstance(from_body, WireError):
        return from_body
    from_body.update(params)
    return from_body if len(from_body) <= PARAMETERS_COUNT_MAX else too_many_parameters(len(from_body))


def too_many_parameters(received: int) -> WireError:
    """-1101 for more parameters than any request has."""
    return WireError(
        -1101, f"Too many parameters; expected '{PARAMETERS_COUNT_MAX}' and received '{received}'."
    )


def _read_one(raw: bytes) -> Params | WireError:
    """Read one place (query or body). The text is decoded once; only one with escapes is looked at closer."""
    if not raw:
        return {}
    if raw.count(b"&") >= PARAMETERS_COUNT_MAX:
        return too_many_parameters(raw.count(b"&") + 1)
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError:
        return _name_unreadable(raw)
    parts = text.split("&")
    if "" in parts:
        parts = [part for part in parts if part]
    escaped = "%" in text or "+" in text
    params: Params = {}
    for part in parts:
        name, _, value = part.partition("=")
        if escaped and ("%" in part or "+" in part):
            decoded_name, decoded = decode_component(name.encode()), decode_component(value.encode())
            if decoded_name is None or decoded is None:
                return _unreadable(decoded_name)
            name, value = decoded_name, decoded
        params[name] = value
    return params if len(params) == len(parts) else DUPLICATE_PARAMETER


def _name_unreadable(raw: bytes) -> WireError:
    """Refuse a text that is not UTF-8, naming the first parameter that is not."""
    for raw_name, raw_value in parse_pairs(raw):
        name = decode_component(raw_name)
        if name is None or decode_component(raw_value) is None:
            return _unreadable(name)
    return UNKNOWN_PARAMETER


def _unreadable(name: str | None) -> WireError:
    """A name nobody can read is no parameter we know; a value nobody can read has illegal characters."""
    return UNKNOWN_PARAMETER if name is None else illegal(name, ENCODED_TEXT_RANGE)


def _escapes_whole(raw: bytes) -> bool:
    """Whether every `%` is followed by two hex digits."""
    return all(
        len(piece) >= 2 and piece[0] in _HEX_DIGITS and piece[1] in _HEX_DIGITS
        for piece in raw.split(b"%")[1:]
    )
