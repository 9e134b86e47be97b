"""The WebSocket API on one connection: requests in flight, the session, user data. Decides nothing about requests.

Every request runs as its own task, started in the order received. What concerns the session itself is answered here;
everything else goes through the pipeline and, from the first request on, over one upstream connection of its own.
When that breaks, what is in flight is answered (-1007 for changes) and this connection closes: its subscriptions are gone.

Source: web-socket-api.md, "Session Authentication" and "User Data Stream requests".
"""

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable
from typing import Final

import msgspec

from watchword.binance.errors import REJECTED_API_KEY, TIMEOUT, UNAUTHORIZED, WireError
from watchword.binance.request import Params
from watchword.credentials.authorizer import authorize
from watchword.credentials.payload import ws_payloads
from watchword.entrypoints.gateway.door import Door
from watchword.entrypoints.gateway.subscriptions import Subscription, Subscriptions, terminated
from watchword.entrypoints.sockets.connection import Connection
from watchword.entrypoints.sockets.envelope import NULL, Request, error_reply, read_request, result_reply
from watchword.entrypoints.sockets.frames import RESTARTING, text_frame
from watchword.gateway.messages import Answer, Inbound, Outbound, Refused

LOG = logging.getLogger("watchword.gateway.ws_api")

IN_FLIGHT_MAX: Final = 512
#: Requests read and not yet started; from here on nothing more is read from the socket.
WAITING_MAX: Final = 64
#: Where the upstream has not said yet how much was used.
NO_LIMITS: Final = b"[]"
UNSUBSCRIBE: Final = "userDataStream.unsubscribe"
SUBSCRIBE: Final = "userDataStream.subscribe"
SUBSCRIBE_SIGNED: Final = "userDataStream.subscribe.signature"
LOGON: Final = "session.logon"
_OWN_KEY: Final = frozenset((LOGON, SUBSCRIBE_SIGNED))


class ApiSession:
    """One connection's state on the WebSocket API.

    Attributes:
        micros: Replies and events carry microseconds.
    """

    def __init__(self, door: Door, connection: Connection, *, micros: bool, shows_limits: bool) -> None:
        """Begin, logged out.

        Args:
            door: What all connections share.
            connection: The socket.
            micros: Whether replies carry microseconds.
            shows_limits: Whether replies carry `rateLimits` where a request does not say.
        """
        self.connection = connection
        self.micros = micros
        self._door = door
        self._shows_limits = shows_limits
        self._limits = NO_LIMITS
        self._api_key = ""
        self._authorized_us = 0
        self._revoked = False
        self._subscriptions = Subscriptions(door)
        self._in_flight = 0
        self._waiting: deque[bytes] = deque()
        self._reading_paused = False
        #: Close when nothing is in flight any more, with this reason.
        self._ending = ""
        self._gone = False
        self._link = door.services.session_link(
            "timeUnit=MICROSECOND" if micros else "", self._event, self._upstream_ended
        )
        door.api_sessions.add(self)

    # What the connection calls.

    def received(self, text: bytes) -> None:
        """Start a request, or keep it until one of those in flight is answered."""
        if self._waiting or self._in_flight >= IN_FLIGHT_MAX or self.connection.congested:
            self._waiting.append(text)
            if len(self._waiting) >= WAITING_MAX and not self._reading_paused:
                self._reading_paused = True
                self.connection.pause_reading()
            return
        self._start(text)

    def writable(self) -> None:
        """The peer has read: go on with what waits."""
        self._advance()

    def ended(self) -> None:
        """The connection is gone. What is in flight runs on unanswered: its outcome is a fact."""
        self._door.api_sessions.discard(self)
        self._waiting.clear()
        self._subscriptions.clear()
        self._gone = True
        self._settle()

    def farewell(self, now_us: int) -> bytes:
        """Return `serverShutdown`. Source: web-socket-api.md, "Connection events"."""
        return text_frame(
            b'{"event":{"e":"serverShutdown","E":%d}}' % (now_us if self.micros else now_us // 1000)
        )

    # What the door calls.

    def recheck(self, now_us: int) -> None:
        """End what was opened with keys that were revoked or expired, or may no longer be used from this address."""
        held = self._subscriptions.api_keys()
        if self._api_key:
            held.add(self._api_key)
        for api_key in held:
            if not self._may_stream(api_key, now_us):
                self._end(self._subscriptions.take(api_key=api_key))
                if self._api_key == api_key:
                    self._api_key = ""
                    self._revoked = True

    # What the upstream's connection calls.

    def _event(self, number: int | None, event: bytes) -> None:
        text = self._subscriptions.frame(number, event)
        if text is not None:
            self.connection.send(text_frame(text))

    def _upstream_ended(self, reason: str) -> None:
        """Let what is in flight be answered, then close."""
        self._ending = reason or "upstream"
        self._door.loop.call_soon(self._settle)

    # Requests.

    def _start(self, text: bytes) -> None:
        self._in_flight += 1
        self._door.spawn(self._run(text))

    def _advance(self) -> None:
        while self._waiting and self._in_flight < IN_FLIGHT_MAX and not self.connection.congested:
            self._start(self._waiting.popleft())
        if self._reading_paused and len(self._waiting) < WAITING_MAX // 2:
            self._reading_paused = False
            self.connection.resume_reading()

    def _settle(self) -> None:
        """End what was only kept for requests in flight."""
        if self._in_flight:
            return
        if self._ending:
            self.connection.close(RESTARTING, "the connection to the upstream ended")
        if self._gone:
            self._door.spawn(self._link.close())

    async def _run(self, text: bytes) -> None:
        """Answer one request."""
        reply_id, request = read_request(text)
        try:
            reply = await self._answer(reply_id, request)
        except asyncio.CancelledError:
            raise
        except Exception:
            LOG.exception("request failed")
            reply = error_reply(reply_id, TIMEOUT, b"", self._now_us())
        self.connection.send(text_frame(reply))
        for event in self._subscriptions.early():
            self.connection.send(text_frame(event))
        self._in_flight -= 1
        if self._waiting:
            self._advance()
        if self._ending or self._gone:
            self._settle()

    async def _answer(self, reply_id: bytes, request: Request | WireError) -> bytes:
        if type(request) is WireError:
            self._door.services.count_refusal("unreadable request", self.connection.ip)
            return error_reply(reply_id, request, self._shown_limits({}), self._now_us())
        if self._revoked:
            # Source: web-socket-api.md, "Session Authentication": the first request after a revocation says so.
            self._revoked = False
            return error_reply(NULL, REJECTED_API_KEY, self._shown_limits(request.params), self._now_us())
        inbound = self._inbound(request)
        own = _OWN.get(inbound.path)
        result = await (own(self, inbound) if own is not None else self._through(inbound))
        if isinstance(result, Answer):
            return self._passed_on(reply_id, request.params, result)
        limits = self._shown_limits(request.params)
        if isinstance(result, WireError):
            return error_reply(reply_id, result, limits, self._now_us())
        return result_reply(reply_id, result, limits)

    def _inbound(self, request: Request) -> Inbound:
        """Put a request into the gateway's words."""
        params, method = request.params, request.method.removeprefix("v3/")
        logged_on = bool(
            self._api_key and method not in _OWN_KEY and "apiKey" not in params and "signature" not in params
        )
        signature = params.get("signature")
        return Inbound(
            door="ws",
            method="",
            path=method,
            params={name: value for name, value in params.items() if name != "apiKey"},
            ip=self.connection.ip,
            payloads=ws_payloads(params) if signature else (),
            signature=signature,
            api_key=self._api_key if logged_on else params.get("apiKey"),
            logged_on=logged_on,
        )

    async def _through(self, inbound: Inbound) -> Answer | WireError:
        reply = await self._door.services.pipeline.handle(inbound, self._link)
        return reply.wire if isinstance(reply, Refused) else reply

    def _passed_on(self, reply_id: bytes, params: Params, answer: Answer) -> bytes:
        """Write the upstream's answer."""
        if answer.rate_limits:
            self._limits = answer.rate_limits
        limits = self._shown_limits(params)
        body = answer.body or NULL
        if answer.status == 200:
            return result_reply(reply_id, body, limits)
        shown = b',"rateLimits":%s' % limits if limits else b""
        return b'{"id":%s,"status":%d,"error":%s%s}' % (reply_id, answer.status, body, shown)

    def _shown_limits(self, params: Params) -> bytes:
        """Return `rateLimits` as the upstream said last, or nothing where they are not wanted."""
        wanted = params.get("returnRateLimits", "true" if self._shows_limits else "false") != "false"
        return self._limits if wanted else b""

    # What the session answers itself.

    async def _logon(self, inbound: Inbound) -> bytes | WireError:
        outcome = await self._door.services.pipeline.logon(inbound)
        if isinstance(outcome, Refused):
            return outcome.wire
        api_key = inbound.api_key or ""
        if self._api_key and self._api_key != api_key:
            self._end(self._subscriptions.take(by_logon=True))
        self._api_key = api_key
        self._authorized_us = self._now_us()
        return self._status_json()

    async def _status(self, inbound: Inbound) -> bytes:  # noqa: ARG002
        return self._status_json()

    async def _logout(self, inbound: Inbound) -> bytes:  # noqa: ARG002
        self._end(self._subscriptions.take(by_logon=True))
        self._api_key = ""
        return self._status_json()

    async def _list(self, inbound: Inbound) -> bytes:  # noqa: ARG002
        return msgspec.json.encode([{"subscriptionId": number} for number in self._subscriptions.numbers()])

    async def _subscribe(self, inbound: Inbound) -> Answer | WireError:
        """Subscribe with the session's key, which must still be good for it, or with the request's own."""
        if inbound.path == SUBSCRIBE:
            if not self._api_key:
                return UNAUTHORIZED
            # Binance asks no timestamp of this one; the pipeline asks one of everything that is signed.
            now_ms = str(self._now_us() // 1000)
            inbound = msgspec.structs.replace(
                inbound, params={"timestamp": now_ms, **inbound.params}, api_key=self._api_key, logged_on=True
            )
        self._subscriptions.opening += 1
        try:
            reply = await self._through(inbound)
        finally:
            self._subscriptions.opening -= 1
        if not isinstance(reply, Answer) or reply.status != 200 or self._gone:
            return reply
        made = self._subscriptions.opened(
            reply.body, inbound.api_key or "", by_logon=inbound.path == SUBSCRIBE
        )
        if made is not None and not self._may_stream(made.api_key, self._now_us()):
            self._end(self._subscriptions.take(api_key=made.api_key))
            return REJECTED_API_KEY
        return reply

    def _status_json(self) -> bytes:
        unit = 1 if self.micros else 1000
        api_key = msgspec.json.encode(self._api_key or None)
        since = b"%d" % (self._authorized_us // unit) if self._api_key else NULL
        return (
            b'{"apiKey":%s,"authorizedSince":%s,"connectedSince":%d,"returnRateLimits":%s,"serverTime":%d,'
            b'"userDataStream":%s}'
        ) % (
            api_key, since, self.connection.opened_us // unit, b"true" if self._shows_limits else b"false",
            self._now_us() // unit, b"true" if len(self._subscriptions) else b"false",
        )  # fmt: skip

    # Subscriptions.

    def _may_stream(self, api_key: str, now_us: int) -> bool:
        credential = self._door.services.keys.find(api_key)
        if credential is None:
            return False
        return authorize(credential, "USER_STREAM", self.connection.ip, None, now_us) is None

    def _end(self, subscriptions: list[Subscription]) -> None:
        """Tell both sides that subscriptions are over."""
        for one in subscriptions:
            text = terminated(one.number, self._now_us(), micros=self.micros)
            self.connection.send(text_frame(text))
            self._door.spawn(self._unsubscribe(one.number))

    async def _unsubscribe(self, number: int) -> None:
        """Have the upstream send no more; its events are dropped already."""
        await self._link.send(
            Outbound(method="", path=UNSUBSCRIBE, params={"subscriptionId": str(number)}, changes=True)
        )

    def _now_us(self) -> int:
        return self._door.services.time.now_us()


Own = Callable[[ApiSession, Inbound], Awaitable[bytes | Answer | WireError]]

#: Methods that concern the session itself.
_OWN: Final[dict[str, Own]] = {
    LOGON: ApiSession._logon,
    "session.status": ApiSession._status,
    "session.logout": ApiSession._logout,
    "session.subscriptions": ApiSession._list,
    SUBSCRIBE: ApiSession._subscribe,
    SUBSCRIBE_SIGNED: ApiSession._subscribe,
}
