"""Signs again: today's correct outbound form, fresh no longer than the bot's own request was. Never sends anything.

REST: everything in the query, percent-encoded before it is signed. WebSocket API: the sorted parameters, signed raw.

Source: rest-api.md "SIGNED Endpoint security", CHANGELOG.md 2025-12 on percent-encoding; web-socket-api.md "Request
Security".
"""

from typing import Final
from urllib.parse import quote, urlencode

from watchword.binance.request import Params
from watchword.credentials.payload import ws_payloads
from watchword.credentials.signer import Signer
from watchword.credentials.timing import RECV_WINDOW_US_MAX
from watchword.gateway.messages import Header, Inbound, Outbound

#: Of the client's own; what goes out has Watchword's.
AUTHENTICATION: Final = ("timestamp", "recvWindow", "signature", "apiKey")

_MS_US: Final = 1_000


def without_authentication(params: Params) -> Params:
    """Return a request's parameters without those of authentication, in their order."""
    kept = params.copy()
    for name in AUTHENTICATION:
        kept.pop(name, None)
    return kept


def timing_params(now_us: int, deadline_us: int, *, decimals: bool) -> tuple[str, str] | None:
    """Say when a request is sent and how long it may take, so that it ends no later than the bot meant it to.

    Args:
        now_us: The upstream's time.
        deadline_us: The bot's timestamp plus its recvWindow.
        decimals: Whether the upstream takes a recvWindow in fractions of a millisecond; /sapi and futures do not.

    Returns:
        `timestamp` and `recvWindow`; None where no time is left.
    """
    left_us = min(deadline_us - now_us, RECV_WINDOW_US_MAX)
    # The timestamp is cut to the millisecond, so what follows from both is never later than the deadline.
    timestamp, whole, part = str(now_us // _MS_US), left_us // _MS_US, left_us % _MS_US
    if left_us <= 0 or not (whole or decimals):
        return None
    return timestamp, f"{whole}.{part:03}" if part and decimals else str(whole)


def encode_query(params: Params) -> str:
    """Percent-encode parameters, in their order."""
    whole = "".join((*params, *params.values()))
    if whole.isascii() and whole.replace(".", "").replace("-", "").replace("_", "").isalnum():
        # The usual ones have nothing to encode. Why not a pattern: it takes three times as long.
        return "&".join([f"{name}={value}" for name, value in params.items()])
    return urlencode(params, quote_via=quote, safe="", errors="surrogatepass")


def sign_rest_request(
    signer: Signer,
    api_key: str,
    method: str,
    path: str,
    params: Params,
    timing: tuple[str, str],
    passing: tuple[Header, ...],
    *,
    changes: bool,
) -> Outbound:
    """Sign for REST.

    Args:
        signer: Of the real credential.
        api_key: Of the real credential.
        method: HTTP method.
        path: Path.
        params: Without those of authentication.
        timing: As `timing_params` gives it.
        passing: Headers to go on.
        changes: Whether it may change something.

    Returns:
        The request, everything in its query.
    """
    timestamp, window = timing
    encoded = encode_query(params) if params else ""
    query = f"{encoded}{'&' if encoded else ''}recvWindow={window}&timestamp={timestamp}"
    signed = signer.sign(query.encode("ascii"))
    # Why not `translate`: it takes ten times as long.
    signature = signed.replace("+", "%2B").replace("/", "%2F").replace("=", "%3D")
    return Outbound(
        method=method,
        path=path,
        query=f"{query}&signature={signature}".encode("ascii"),
        api_key=api_key,
        passing=passing,
        changes=changes,
    )


def sign_ws_request(
    signer: Signer, api_key: str, method: str, params: Params, timing: tuple[str, str], *, changes: bool
) -> Outbound:
    """Sign for the WebSocket API; arguments as above."""
    timestamp, window = timing
    whole = dict(sorted({**params, "apiKey": api_key, "recvWindow": window, "timestamp": timestamp}.items()))
    whole["signature"] = signer.sign(ws_payloads(whole)[0])
    return Outbound(method="", path=method, params=whole, changes=changes)


def pass_on(inbound: Inbound, api_key: str = "") -> Outbound:
    """Send a request on that nobody signs here, without the virtual key and whatever it signed.

    Args:
        inbound: As received; nothing of it is built anew unless something must be left out.
        api_key: The real one where the upstream wants one with its market data; empty for none.
    """
    params = inbound.params
    changes = inbound.method != "GET" if inbound.door == "rest" else False
    if inbound.door == "ws":
        left = {name: value for name, value in params.items() if name not in {"apiKey", "signature"}}
        return Outbound(method="", path=inbound.path, params=left, changes=changes)
    query, body = inbound.raw_query, inbound.raw_body
    if "signature" in params or "apiKey" in params:
        query, body = encode_query(without_authentication(params)).encode("ascii"), b""
    if inbound.method == "GET":
        # Nothing reads a body there; two servers may disagree about where it ends.
        body = b""
    return Outbound(
        method=inbound.method,
        path=inbound.path,
        query=query,
        body=body,
        api_key=api_key,
        passing=inbound.passing,
        changes=changes,
    )
