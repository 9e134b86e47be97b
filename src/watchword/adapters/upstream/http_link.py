"""REST requests to the upstream, each sent once. Never signs, never follows a redirect, never sends anything again.

When unavailable: `Unanswered`, which says whether anything may have been sent.
"""

import asyncio
import re
from functools import lru_cache
from typing import Final

from watchword.adapters.upstream.session import USER_AGENT, UpstreamSession
from watchword.binance.upstreams import base_for
from watchword.gateway.messages import Answer, Header, Outbound, Unanswered

METHODS: Final = frozenset(("GET", "POST", "PUT", "DELETE"))
ANSWER_BYTES_MAX: Final = 64 << 20
IN_FLIGHT_MAX: Final = 1_024
#: Assumed where an upstream that holds us back does not say for how long, and the most that is believed.
RETRY_AFTER_S: Final = 60
RETRY_AFTER_S_MAX: Final = 3 * 86_400
#: Sets of passed headers remembered as text; bots send the same ones each time.
HEADER_SETS_MAX: Final = 64

_HELD_BACK: Final = frozenset((403, 418, 429))
_RETRY_AFTER_DIGITS_MAX: Final = 9
#: Of one connection, or set here; source: RFC 9110, 7.6.1. And what would identify a client elsewhere.
_NOT_PASSED: Final = frozenset(
    (b"connection", b"keep-alive", b"proxy-connection", b"te", b"trailer", b"transfer-encoding", b"upgrade", b"host",
     b"content-length", b"expect", b"cookie", b"authorization", b"proxy-authorization", b"x-mbx-apikey",
     b"forwarded", b"x-forwarded-for", b"x-real-ip")
)  # fmt: skip
_HEADER_NAME: Final = re.compile(rb"[A-Za-z0-9!#$%&'*+.^_`|~-]+")
_HEADER_VALUE: Final = re.compile(rb"[\t -~\x80-\xff]*")
#: A query string as it may stand in a request line.
_QUERY: Final = re.compile(rb"[!\"$-~]*")

_NOT_AN_ADDRESS: Final = Unanswered(sent=False, reason="the path is not one of the upstream's")
_NOT_A_REQUEST: Final = Unanswered(sent=False, reason="the request cannot be written as HTTP")
_BUSY: Final = Unanswered(sent=False, reason="too many requests are on their way")


class HttpLink:
    """See `watchword.gateway.ports.Link`. One serves the whole process.

    Attributes:
        door: Always `rest`.
    """

    door: Final = "rest"

    def __init__(self, session: UpstreamSession) -> None:
        """Take the shared session, started before the first request."""
        self._session = session
        self._in_flight = 0

    @property
    def in_flight(self) -> int:
        """How many requests wait for their answers."""
        return self._in_flight

    async def send(self, request: Outbound) -> Answer | Unanswered:
        """See `Link.send`. The path decides the host.

        Whoever cancels it while it waits knows nothing of what became of the request.
        """
        base = base_for(self._session.addresses, request.path)
        if base is None:
            return _NOT_AN_ADDRESS
        pool = self._session.pool(base)
        written = _written(request, pool.host)
        if written is None:
            return _NOT_A_REQUEST
        if self._in_flight >= IN_FLIGHT_MAX:
            return _BUSY
        began_s = asyncio.get_running_loop().time()
        self._in_flight += 1
        try:
            connection = pool.take(began_s) or await pool.connect()
            if type(connection) is Unanswered:
                return connection
            try:
                return await connection.ask(
                    written, began_s + self._session.answer_timeout_s, ANSWER_BYTES_MAX
                )
            except asyncio.CancelledError:
                connection.drop()
                raise
        finally:
            self._in_flight -= 1


def _written(request: Outbound, host: str) -> bytes | None:
    """Write a request as it goes on the wire; None where that cannot be done."""
    query, body, api_key, method = request.query, request.body, request.api_key, request.method
    if method not in METHODS or _QUERY.fullmatch(query) is None:
        return None
    if api_key and not (api_key.isascii() and api_key.isalnum()):
        return None
    passed = _passed(request.passing)
    if passed is None:
        return None
    length = b"" if method == "GET" and not body else b"Content-Length: %d\r\n" % len(body)
    key = b"X-MBX-APIKEY: %s\r\n" % api_key.encode() if api_key else b""
    target = f"{request.path}?".encode() + query if query else request.path.encode()
    return b"%s %s HTTP/1.1\r\nHost: %s\r\n%s%s%s\r\n%s" % (
        method.encode(), target, host.encode(), passed, key, length, body,
    )  # fmt: skip


@lru_cache(maxsize=HEADER_SETS_MAX)
def _passed(passing: tuple[Header, ...]) -> bytes | None:
    """Write the headers that go on; None where one of them is none."""
    lines, names = [], set()
    for name, value in passing:
        if _HEADER_NAME.fullmatch(name) is None or _HEADER_VALUE.fullmatch(value) is None:
            return None
        low = name.lower()
        if low not in _NOT_PASSED:
            names.add(low)
            lines.append(b"%s: %s\r\n" % (name, value))
    if b"user-agent" not in names:
        lines.append(b"User-Agent: %s\r\n" % USER_AGENT.encode())
    return b"".join(lines)


def retry_after_s(answer: Answer) -> int:
    """Return how many seconds an answer asks to be left alone; 0 where it does not.

    Source: rest-api.md, "IP Limits": a `Retry-After` header is sent with 418 and 429, in seconds.
    """
    if answer.status not in _HELD_BACK:
        return 0
    for name, value in answer.headers:
        if name.lower() == b"retry-after" and value.isdigit():
            return min(int(value[:_RETRY_AFTER_DIGITS_MAX]), RETRY_AFTER_S_MAX)
    return RETRY_AFTER_S
