"""REST: one HTTP request to one reply, headers and all. Holds no connection and no state, and decides nothing.

What the upstream answered goes back as it is: status, body, and the headers that are about the answer.
"""

from functools import lru_cache
from typing import Final

from watchword.binance.errors import TIMEOUT, WireError
from watchword.binance.request import read_params
from watchword.credentials.payload import rest_payload
from watchword.entrypoints.gateway.door import Door
from watchword.entrypoints.gateway.host_names import FETCH_SITE, ORIGIN, HostNames
from watchword.entrypoints.sockets.door import SECOND_US
from watchword.entrypoints.sockets.replies import JSON, REASONS, error_json
from watchword.entrypoints.sockets.wire import HttpRequest
from watchword.gateway.messages import Answer, Header, Inbound

#: Request headers the connections must keep: what is looked at here, and what goes on to the upstream.
HOST: Final = b"host"
ACCEPT_ENCODING: Final = b"accept-encoding"
PASSED: Final = (b"accept", b"x-mbx-time-unit")
KEPT: Final = (HOST, ACCEPT_ENCODING, ORIGIN, FETCH_SITE, *PASSED)

#: The one packing Watchword can open where it must leave something out of an answer.
_GZIP: Final[Header] = (ACCEPT_ENCODING, b"gzip")
#: Answer headers that go back to the client, beside the families below.
_RETURNED: Final = frozenset(
    (b"content-type", b"content-encoding", b"vary", b"retry-after", b"date", b"cache-control")
)
_RETURNED_FAMILIES: Final = (b"x-mbx-", b"x-sapi-")
HEADER_NAMES_REMEMBERED_MAX: Final = 1_024

#: 4xx: nothing was done. Source: RFC 9110, 15.5.20, has 421 for this, which some clients retry.
WRONG_HOST: Final = WireError(
    -1002,
    "Watchword: the Host header names no host of this gateway; `--allow-host NAME` adds one.",
    403,
)
FROM_A_PAGE: Final = WireError(
    -1002,
    "Watchword: requests of web pages of other origins are not answered; bots send none of their headers.",
    403,
)


async def answer(door: Door, names: HostNames, request: HttpRequest) -> bytes:
    """Answer one request.

    Args:
        door: What all connections share.
        names: The hosts this socket answers for.
        request: As received.

    Returns:
        The whole reply, ready to be written.
    """
    services, headers = door.services, request.headers
    if not names.accept(headers.get(HOST)):
        services.count_refusal("wrong host", request.ip)
        return error_reply(door, request, WRONG_HOST)
    if not names.accept_page(headers):
        services.count_refusal("web page", request.ip)
        return error_reply(door, request, FROM_A_PAGE)
    params = read_params(request.query, request.body)
    if type(params) is WireError:
        services.count_refusal("unreadable parameters", request.ip)
        return error_reply(door, request, params)
    payload, signature = rest_payload(request.query, request.body)
    passing: tuple[Header, ...] = tuple([(name, headers[name]) for name in PASSED if name in headers])
    if request.gzip:
        passing = (*passing, _GZIP)
    reply = await services.pipeline.handle(
        Inbound(
            door="rest",
            method=request.method,
            path=request.path,
            params=params,
            ip=request.ip,
            raw_query=request.query,
            raw_body=request.body,
            payloads=(payload,),
            signature=signature,
            api_key=request.api_key,
            passing=passing,
        ),
        services.rest_link,
    )
    if isinstance(reply, Answer):
        return _passed_on(door, request, reply)
    return error_reply(door, request, reply.wire)


def fault(door: Door, request: HttpRequest) -> bytes:
    """Answer -1007: something of ours broke and was logged, and nobody can say how far the request came."""
    return error_reply(door, request, TIMEOUT)


def error_reply(door: Door, request: HttpRequest, error: WireError) -> bytes:
    """Answer a refusal. `Retry-After` is in whole seconds, rounded up."""
    extra = b""
    if error.retry_after_us:
        wait_us = error.retry_after_us - door.services.time.now_us()
        extra = b"retry-after: %d\r\n" % max(1, -(-wait_us // SECOND_US))
    body = error_json(error)
    return b"HTTP/1.1 %d %s\r\ndate: %s\r\ncontent-type: %s\r\ncontent-length: %d\r\nx-mbx-uuid: %s\r\n%s%s\r\n%s" % (
        error.http_status, REASONS.get(error.http_status, b""), door.date, JSON, len(body), door.next_uuid(),
        extra, _closing(door, request), b"" if request.method == "HEAD" else body,
    )  # fmt: skip


def _passed_on(door: Door, request: HttpRequest, reply: Answer) -> bytes:
    """Write the upstream's answer, without what concerned only its connection."""
    lines = [name + b": " + value + b"\r\n" for name, value in reply.headers if _returned(name)]
    status = reply.status
    return b"HTTP/1.1 %d %s\r\n%scontent-length: %d\r\n%s\r\n%s" % (
        status, REASONS.get(status, b""), b"".join(lines), len(reply.body), _closing(door, request), reply.body,
    )  # fmt: skip


def _closing(door: Door, request: HttpRequest) -> bytes:
    return b"" if request.keep_alive and not door.closing else b"connection: close\r\n"


@lru_cache(maxsize=HEADER_NAMES_REMEMBERED_MAX)
def _returned(name: bytes) -> bool:
    low = name.lower()
    return low in _RETURNED or low.startswith(_RETURNED_FAMILIES)
