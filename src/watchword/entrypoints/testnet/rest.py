"""REST: one HTTP request to one reply, headers and all. Holds no connection and no state.

The steps are numbered as in docs/architecture.md, "Life of a signed request".
"""

import gzip
from typing import TYPE_CHECKING, Final

from watchword.binance.endpoints import Endpoint, classify
from watchword.binance.errors import UNKNOWN, WireError
from watchword.binance.request import read_params
from watchword.binance.sapi_endpoints import classify_sapi
from watchword.binance.time_units import BAD_TIME_UNIT, TIME_UNITS
from watchword.credentials.authenticator import Admitted, admit, to_wire
from watchword.credentials.payload import rest_payload
from watchword.entrypoints.sockets.door import SECOND_US
from watchword.entrypoints.sockets.replies import HTML, JSON, REASONS, error_json
from watchword.entrypoints.sockets.wire import HttpRequest
from watchword.entrypoints.testnet.door import Door
from watchword.entrypoints.testnet.gate import perform
from watchword.exchange.limits import Visitor

if TYPE_CHECKING:
    from watchword.binance.endpoints import Unrouted
    from watchword.credentials.model import Credential

#: Bodies below this are not worth packing.
GZIP_BYTES_MIN: Final = 1_024
#: Level 1: a full exchangeInfo packs in about a millisecond, and nothing else may wait longer.
GZIP_LEVEL: Final = 1
UNROUTED_WEIGHT: Final = 1

_NOT_FOUND_PAGE: Final = b"<html><body><h2>404 Not found</h2></body></html>"


async def answer(door: Door, request: HttpRequest) -> bytes:
    """Answer one request.

    Args:
        door: What all connections share.
        request: As received.

    Returns:
        The whole reply, ready to be written.
    """
    now_us = door.testnet.clock.now_us()
    visitor = door.limits.visitor(request.ip)
    # 1 the route
    endpoint = classify(request.method, request.path)
    if not isinstance(endpoint, Endpoint):
        endpoint = classify_sapi(request.method, request.path, endpoint)
        if not isinstance(endpoint, Endpoint):
            return _unrouted(door, request, visitor, endpoint, now_us)
    # 2 parameters; what was sent is charged, whatever becomes of it
    params = read_params(request.query, request.body)
    weight = UNROUTED_WEIGHT if type(params) is WireError else endpoint.weight(params)
    extra = b""
    refused: WireError | None
    if endpoint.family == "sapi":
        refused, extra = _admit_sapi(door, request, endpoint, weight, now_us)
        refused = door.limits.admit_request(visitor, 0, now_us) or refused
    else:
        refused = door.limits.admit_request(visitor, weight, now_us)
    if refused is not None:
        return _error(door, request, visitor, refused, now_us, extra)
    if type(params) is WireError:
        return _error(door, request, visitor, params, now_us, extra)
    micros = TIME_UNITS.get(request.time_unit) if request.time_unit is not None else False
    if micros is None:
        return _error(door, request, visitor, BAD_TIME_UNIT, now_us, extra)
    credential: Credential | None = None
    deadline_us = 0
    if endpoint.security != "NONE":
        # 2 to 4: presence, key, IP, permission, timing, signature
        payload, signature = rest_payload(request.query, request.body)
        admitted = admit(
            door.testnet.directory, endpoint.security, request.api_key, request.ip, params, (payload,), signature,
            now_us, endpoint.permission,
        )  # fmt: skip
        if not isinstance(admitted, Admitted):
            return _error(door, request, visitor, to_wire(admitted), now_us, extra)
        credential = admitted.credential
        if credential is not None:
            door.testnet.directory.touch(credential.api_key, now_us, request.ip, endpoint.name)
        deadline_us = admitted.deadline_us
        if endpoint.uid_weight and credential is not None:
            refused, shown = _admit_sapi_account(door, credential, endpoint, now_us)
            extra += shown
            if refused is not None:
                return _error(door, request, visitor, refused, now_us, extra)
    # 5 to 8
    result = await perform(
        door, endpoint, visitor, weight, params, credential, now_us, deadline_us,
        micros=micros, ip=request.ip, websocket=False,
    )  # fmt: skip
    # 9 the reply
    if type(result) is WireError:
        return _error(door, request, visitor, result, now_us, extra)
    if endpoint.unfilled_count and credential is not None:
        (_, seconds), (_, day) = door.limits.order_counts(credential.account_id, now_us)
        extra = b"%sx-mbx-order-count-10s: %d\r\nx-mbx-order-count-1d: %d\r\n" % (extra, seconds, day)
    return _reply(door, request, 200, result, door.limits.used_weight(visitor, now_us), extra)


def fault(door: Door, request: HttpRequest) -> bytes:
    """Answer -1000: something of ours broke and was logged."""
    visitor = door.limits.visitor(request.ip)
    return _error(door, request, visitor, UNKNOWN, door.testnet.clock.now_us(), b"")


def error_reply(door: Door, request: HttpRequest, error: WireError, now_us: int) -> bytes:
    """Answer a refusal outside any endpoint (a handshake that may not be)."""
    return _error(door, request, door.limits.visitor(request.ip), error, now_us, b"")


def _admit_sapi(
    door: Door, request: HttpRequest, endpoint: Endpoint, weight: int, now_us: int
) -> tuple[WireError | None, bytes]:
    """Charge a /sapi route to the address; the refusal, and the header where the route counts by address."""
    if not weight:
        return None, b""
    used, refused = door.limits.admit_sapi(request.ip, endpoint.name, weight, now_us)
    return refused, b"x-sapi-used-ip-weight-1m: %d\r\n" % used


def _admit_sapi_account(
    door: Door, credential: "Credential", endpoint: Endpoint, now_us: int
) -> tuple[WireError | None, bytes]:
    """Charge a /sapi route to the account, once it is known to be the account's own request."""
    used, refused = door.limits.admit_sapi_account(
        credential.account_id, endpoint.name, endpoint.uid_weight, now_us
    )
    return refused, b"x-sapi-used-uid-weight-1m: %d\r\n" % used


def _unrouted(door: Door, request: HttpRequest, visitor: Visitor, why: "Unrouted", now_us: int) -> bytes:
    """404, 405 or 410.

    Source: CHANGELOG.md 2023-12-04 for 404 (a page only for who accepts HTML); 410 as answered today.
    """
    refused = door.limits.admit_request(visitor, UNROUTED_WEIGHT, now_us)
    if refused is not None:
        return _error(door, request, visitor, refused, now_us, b"")
    used = door.limits.used_weight(visitor, now_us)
    if why == "GONE":
        page = b"<html>\r\n<head><title>410 Gone</title></head>\r\n<body>\r\n<center><h1>410 Gone</h1></center>\r\n</body>\r\n</html>\r\n"
        return _reply(door, request, 410, page, used, b"", HTML)
    if why == "METHOD_NOT_ALLOWED":
        return _reply(door, request, 405, b"", used, b"", HTML)
    return _reply(door, request, 404, _NOT_FOUND_PAGE if request.html else b"", used, b"", HTML)


def _error(
    door: Door, request: HttpRequest, visitor: Visitor, error: WireError, now_us: int, extra: bytes
) -> bytes:
    """Answer a refusal. `Retry-After` is in whole seconds, rounded up."""
    if error.retry_after_us:
        wait = max(1, -(-(error.retry_after_us - now_us) // SECOND_US))
        extra = b"%sretry-after: %d\r\n" % (extra, wait)
    used = door.limits.used_weight(visitor, now_us)
    return _reply(door, request, error.http_status, error_json(error), used, extra)


def _reply(
    door: Door,
    request: HttpRequest,
    status: int,
    body: bytes,
    used_weight: int,
    extra: bytes,
    content_type: bytes = JSON,
) -> bytes:
    """Build the reply: status line, headers, body, in one piece."""
    if request.gzip and len(body) >= GZIP_BYTES_MIN:
        body = gzip.compress(body, GZIP_LEVEL, mtime=0)
        extra += b"content-encoding: gzip\r\nvary: accept-encoding\r\n"
    if not request.keep_alive or door.closing:
        extra += b"connection: close\r\n"
    if request.method == "HEAD":
        size, body = len(body), b""
    else:
        size = len(body)
    return (
        b"HTTP/1.1 %d %s\r\ndate: %s\r\ncontent-type: %s\r\ncontent-length: %d\r\nx-mbx-uuid: %s\r\n"
        b"x-mbx-used-weight: %d\r\nx-mbx-used-weight-1m: %d\r\n%s\r\n%s"
    ) % (
        status, REASONS.get(status, b""), door.date, content_type, size, door.next_uuid(),
        used_weight, used_weight, extra, body,
    )  # fmt: skip
