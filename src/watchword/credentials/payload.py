"""Which bytes are signed: for REST as received, for the WebSocket API sorted. Never checks a signature.

Source: rest-api.md, "SIGNED Endpoint Examples"; web-socket-api.md, "Request Security"; what the public clients send.
"""

import re
from typing import Final
from urllib.parse import quote, urlencode

from watchword.binance.request import decode_component
from watchword.credentials.signer import Signer

#: An RSA-4096 signature with every character percent-encoded has 2,052; what is longer is cut and so never valid.
SIGNATURE_BYTES_MAX: Final = 4_096

_FOLLOWING: Final = b"&signature="
_NAMED: Final = b"signature="
_UNREADABLE: Final = "?"
#: Values that percent-encoding leaves alone, so that both WebSocket forms are one.
_UNCHANGED_BY_ENCODING: Final = re.compile(r"[A-Za-z0-9_.~\-=&]*")


def rest_payload(raw_query: bytes, raw_body: bytes) -> tuple[bytes, str | None]:
    """Split a REST request into what was signed and the signature.

    Args:
        raw_query: Query string as received, without `?`.
        raw_body: Form body as received.

    Returns:
        Query and body joined without a separator, each without its `signature` pair wherever that stood; and the
        signature, percent-decoded, or None where there is none. The query's signature wins over the body's.
    """
    query, in_query = _cut(raw_query)
    if not raw_body:
        return query, in_query
    body, in_body = _cut(raw_body)
    return query + body, in_body if in_query is None else in_query


def ws_payloads(params: dict[str, str]) -> tuple[bytes, ...]:
    """Return the payloads a WebSocket API client may have signed.

    Args:
        params: All parameters, numbers and booleans as their literal text; `signature` is left out here.

    Returns:
        The sorted parameters as `k=v` joined by `&`, raw as Binance documents it; and where it differs the
        form-encoded one, which the official SDKs and python-binance sign. Without the raw form where a name or value
        holds a separator, since two different requests would then share one payload.
    """
    pairs = sorted(params.items())
    raw = "&".join([f"{name}={value}" for name, value in pairs if name != "signature"])
    if _UNCHANGED_BY_ENCODING.fullmatch(raw) and _separators_are_ours(raw, params):
        return (raw.encode("ascii"),)
    signed = [pair for pair in pairs if pair[0] != "signature"]
    encoded = urlencode(signed, errors="surrogatepass").encode("ascii")
    if any("&" in name or "=" in name or "&" in value for name, value in signed):
        return (encoded,)
    return raw.encode("utf-8", "surrogatepass"), encoded


def sign_rest(signer: Signer, query: str, body: str = "") -> str:
    """Sign a REST request whose parameters are already percent-encoded.

    Args:
        signer: Whose signature.
        query: Query string as it will be sent.
        body: Form body as it will be sent.

    Returns:
        The `signature=…` pair, percent-encoded, to be appended to the query or the body.
    """
    return "signature=" + quote(signer.sign((query + body).encode("ascii")), safe="")


def sign_ws(signer: Signer, params: dict[str, str]) -> dict[str, str]:
    """Return the parameters of a WebSocket API request with `signature` added, over the documented raw form."""
    return params | {"signature": signer.sign(ws_payloads(params)[0])}


def _cut(raw: bytes) -> tuple[bytes, str | None]:
    """Take the first `signature` pair out, wherever it stands."""
    if raw.startswith(_NAMED):
        value, _, rest = raw[len(_NAMED) :].partition(b"&")
        return rest, _signature_text(value)
    head, found, tail = raw.partition(_FOLLOWING)
    if not found:
        return raw, None
    value, separator, rest = tail.partition(b"&")
    return head + separator + rest, _signature_text(value)


def _signature_text(value: bytes) -> str:
    """Decode a signature's value. What is not text becomes a text that no verifier accepts."""
    text = decode_component(value[:SIGNATURE_BYTES_MAX])
    return _UNREADABLE if text is None else text


def _separators_are_ours(raw: str, params: dict[str, str]) -> bool:
    """Whether every `&` and `=` in the joined text was put there by joining."""
    signed = len(params) - ("signature" in params)
    return raw.count("=") == signed and raw.count("&") == max(signed - 1, 0)
