"""What passes through the gateway: a request as it came in, as it goes out, and what came back. Pure values, no behaviour.

The bytes a bot signed are kept; nothing is ever verified over what was built anew.
"""

from typing import Literal, final

import msgspec

from watchword.binance.errors import WireError
from watchword.binance.request import Params

Header = tuple[bytes, bytes]
#: REST, or the WebSocket API.
DoorKind = Literal["rest", "ws"]


class Inbound(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One request of a client, whichever door it came by.

    Attributes:
        door: Where it came in.
        method: HTTP method in upper case; empty on the WebSocket API.
        path: Path without the query string; on the WebSocket API the method without `v3/`, for example `order.place`.
        params: Decoded parameters, numbers as their literal text. On the WebSocket API without `apiKey`.
        raw_query: Query string as received, without `?`; empty on the WebSocket API.
        raw_body: Body as received; empty on the WebSocket API.
        payloads: The byte strings the client may have signed; one match suffices.
        signature: Percent-decoded; None where absent.
        api_key: Of the virtual key; None where the request names none.
        logged_on: The connection was authenticated by `session.logon` with `api_key`, and this request carries no
            signature of its own.
        ip: The caller's address.
        passing: Request headers that go on to the upstream as they are (time unit, accepted types); never the API key.
    """

    door: DoorKind
    method: str
    path: str
    params: Params
    ip: str
    raw_query: bytes = b""
    raw_body: bytes = b""
    payloads: tuple[bytes, ...] = ()
    signature: str | None = None
    api_key: str | None = None
    logged_on: bool = False
    passing: tuple[Header, ...] = ()


class Outbound(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One request as it goes to the upstream, signature included. Sent once, or not at all.

    Attributes:
        method: HTTP method; empty on the WebSocket API.
        path: Path, or the WebSocket API's method.
        query: REST: the whole query string, percent-encoded, signature last, sent byte for byte.
        body: REST: the body; empty for everything that was signed here.
        params: WebSocket API: parameters with `apiKey` and `signature`, sent as JSON strings.
        api_key: The real credential's API key for the header; empty for requests without a key.
        passing: Headers that go on as they came.
        changes: It may change something: never sent twice, whatever breaks.
    """

    method: str
    path: str
    query: bytes = b""
    body: bytes = b""
    params: Params = {}
    api_key: str = ""
    passing: tuple[Header, ...] = ()
    changes: bool = False


@final
class Answer(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What the upstream said; passed on untouched unless orders of others must be left out.

    Attributes:
        status: HTTP status, or the `status` of a WebSocket API answer.
        body: REST: the body as received, still packed if `content-encoding` says so. WebSocket API: JSON of `result`
            for status 200, of `error` otherwise.
        headers: REST: end-to-end headers as received.
        rate_limits: WebSocket API: JSON of `rateLimits`; empty where there is none.
        elapsed_us: From sending to the last byte.
    """

    status: int
    body: bytes
    headers: tuple[Header, ...] = ()
    rate_limits: bytes = b""
    elapsed_us: int = 0


@final
class Unanswered(msgspec.Struct, frozen=True, gc=False):
    """No answer came.

    Attributes:
        sent: Whether anything may have left this machine. False only where that is certain; then nothing happened.
        reason: For people: timed out, connection refused, reset.
    """

    sent: bool
    reason: str


@final
class Refused(msgspec.Struct, frozen=True, gc=False):
    """Watchword's own word. Nothing was signed for it, or what was signed was never sent; but for the rule `unknown`.

    Attributes:
        wire: What the client is told: code, text, HTTP status, perhaps a moment to retry after (in the upstream's time).
        rule: What refused it, as the audit trail names it; `unknown` (-1007, 504): it was sent, and no answer came.
    """

    wire: WireError
    rule: str


Reply = Answer | Refused
