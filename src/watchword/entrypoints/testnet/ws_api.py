"""The WebSocket API on one connection: requests in flight, the session, subscriptions. Knows no operation by name.

Every request runs as its own task, started in the order received: up to its first wait, which is the engine's
journal, it runs undisturbed, so writes reach the engine in the order they were sent. Replies are one frame each.

Source: web-socket-api.md, "Session Authentication" and "User Data Stream requests".
"""

import asyncio
import logging
from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING, Final

import msgspec

from watchword.binance.endpoints import Endpoint, for_ws
from watchword.binance.errors import REJECTED_API_KEY, UNAUTHORIZED, UNKNOWN, WireError, illegal
from watchword.binance.request import Params
from watchword.credentials.authenticator import Admitted, Refusal, admit, admit_in_session, to_wire
from watchword.credentials.authorizer import AddressRefused, KeyExpired, authorize
from watchword.credentials.payload import ws_payloads
from watchword.entrypoints.sockets.connection import Connection
from watchword.entrypoints.sockets.envelope import (
    NULL,
    Request,
    error_reply,
    rate_limits_json,
    read_request,
    result_reply,
)
from watchword.entrypoints.sockets.frames import text_frame
from watchword.entrypoints.testnet import reports
from watchword.entrypoints.testnet.door import Door
from watchword.entrypoints.testnet.gate import NOT_SUPPORTED, perform
from watchword.entrypoints.testnet.user_data import Subscription, event_frame

if TYPE_CHECKING:
    from watchword.credentials.model import Credential

LOG = logging.getLogger("watchword.testnet.ws_api")

IN_FLIGHT_MAX: Final = 1_024
#: Requests read and not yet started; from here on nothing more is read from the socket.
WAITING_MAX: Final = 64
SUBSCRIPTIONS_MAX: Final = 1_000
SUBSCRIPTION_IDS_MAX: Final = 65_535
UNKNOWN_METHOD_WEIGHT: Final = 1

SUBSCRIPTION_ACTIVE: Final = WireError(-2035, "User Data Stream subscription already active.")
#: Source: errors.md -1100, the legal range of integers.
INTEGER_DIGITS_MAX: Final = 20
SUBSCRIPTION_INACTIVE: Final = WireError(-2036, "User Data Stream subscription not active.")
SUBSCRIPTIONS_EXHAUSTED: Final = WireError(-2042, "Maximum subscription ID reached for this connection.")
KEY_TYPE_REFUSED: Final = "%s API key is not supported."
_KEY_TYPE_NAMES: Final = {"HMAC": "HMAC_SHA256", "RSA": "RSA"}


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
        self._visitor = door.limits.visitor(connection.ip)
        self._shows_limits = shows_limits
        self._api_key = ""
        self._connected_us = door.testnet.clock.now_us()
        self._authorized_us = 0
        self._revoked = False
        self._subscriptions: dict[int, Subscription] = {}
        self._next_subscription_id = 0
        self._in_flight = 0
        self._waiting: deque[bytes] = deque()
        self._reading_paused = False
        self._door.api_sessions.add(self)

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
        """The connection is gone: forget the subscriptions. What is in flight runs on unanswered."""
        self._door.api_sessions.discard(self)
        self._waiting.clear()
        for subscription in self._subscriptions.values():
            self._door.user_streams.end(subscription)
        self._subscriptions = {}

    def farewell(self, now_us: int) -> bytes:
        """Return `serverShutdown`. Source: web-socket-api.md, "Connection events"."""
        now_us = self._door.testnet.clock.now_us()  # the exchange's time; sockets live by the machine's
        return text_frame(
            b'{"event":{"e":"serverShutdown","E":%d}}' % (now_us if self.micros else now_us // 1000)
        )

    def send(self, frame: bytes) -> None:
        """Take a prepared user data frame."""
        self.connection.send(frame)

    def revoke(self, api_key: str) -> None:
        """A key was deleted or made unusable: what it opened ends now."""
        for subscription in tuple(self._subscriptions.values()):
            if subscription.api_key == api_key:
                self._end(subscription)
        if self._api_key == api_key:
            self._api_key = ""
            self._revoked = True

    def recheck(self, now_us: int) -> None:
        """End what was opened with keys that expired since, or may no longer be used from this address."""
        held = {subscription.api_key for subscription in self._subscriptions.values()}
        if self._api_key:
            held.add(self._api_key)
        for api_key in held:
            credential = self._door.testnet.directory.find(api_key)
            if (
                credential is None
                or authorize(credential, "USER_STREAM", self.connection.ip, None, now_us) is not None
            ):
                self.revoke(api_key)

    # Requests.

    def _start(self, text: bytes) -> None:
        self._in_flight += 1
        task = self._door.publisher.loop.create_task(self._run(text))
        self._door.tasks.add(task)
        task.add_done_callback(self._door.tasks.discard)

    def _advance(self) -> None:
        while self._waiting and self._in_flight < IN_FLIGHT_MAX and not self.connection.congested:
            self._start(self._waiting.popleft())
        if self._reading_paused and len(self._waiting) < WAITING_MAX // 2:
            self._reading_paused = False
            self.connection.resume_reading()

    async def _run(self, text: bytes) -> None:
        """Answer one request."""
        reply_id, request = read_request(text)
        try:
            reply = await self._answer(reply_id, request)
        except asyncio.CancelledError:
            raise
        except Exception:
            LOG.exception("request failed")
            reply = error_reply(reply_id, UNKNOWN, b"", self._door.testnet.clock.now_us())
        self.connection.send(text_frame(reply))
        self._in_flight -= 1
        if self._waiting:
            self._advance()

    async def _answer(self, reply_id: bytes, request: Request | WireError) -> bytes:
        now_us = self._door.testnet.clock.now_us()
        # 1 the method
        endpoint = None if type(request) is WireError else for_ws(request.method)
        if endpoint is None or type(request) is WireError:
            refused = self._door.limits.admit_request(self._visitor, UNKNOWN_METHOD_WEIGHT, now_us)
            error = refused or (request if type(request) is WireError else NOT_SUPPORTED)
            return error_reply(reply_id, error, self._limits_json(None, None, now_us), now_us)
        params = request.params
        weight = endpoint.weight(params)
        shows_limits = params.get("returnRateLimits", "true" if self._shows_limits else "false") != "false"
        # 2 what was sent is charged, whatever becomes of it
        result: bytes | WireError | None = self._door.limits.admit_request(self._visitor, weight, now_us)
        credential: Credential | None = None
        if result is None and self._revoked:
            self._revoked = False
            reply_id, result = NULL, REJECTED_API_KEY
        if result is None:
            result, credential = await self._carry_out(endpoint, params, weight, now_us)
        limits = self._limits_json(endpoint, credential, now_us) if shows_limits else b""
        if type(result) is WireError:
            return error_reply(reply_id, result, limits, now_us)
        return result_reply(reply_id, result, limits)

    async def _carry_out(
        self, endpoint: Endpoint, params: Params, weight: int, now_us: int
    ) -> "tuple[bytes | WireError, Credential | None]":
        """Steps 2 to 8: authenticate, then answer from the session itself or through the gate."""
        credential: Credential | None = None
        deadline_us = 0
        if endpoint.security != "NONE":
            admitted = self._admit(endpoint, params, now_us)
            if not isinstance(admitted, Admitted):
                if isinstance(admitted, KeyExpired | AddressRefused):
                    self.recheck(now_us)
                return to_wire(admitted), None
            credential = admitted.credential
            deadline_us = admitted.deadline_us
            if credential is not None:
                self._door.testnet.directory.touch(
                    credential.api_key, now_us, self.connection.ip, endpoint.name
                )
        own = _OWN.get(endpoint.name)
        if own is not None:
            return own(self, params, credential, now_us), credential
        result = await perform(
            self._door, endpoint, self._visitor, weight, params, credential, now_us, deadline_us,
            micros=self.micros, ip=self.connection.ip, websocket=True,
        )  # fmt: skip
        return result, credential

    def _admit(self, endpoint: Endpoint, params: Params, now_us: int) -> Admitted | Refusal:
        """Authenticate by the request's own key and signature, else by the session's key."""
        directory, ip = self._door.testnet.directory, self.connection.ip
        logs_on = endpoint.name in {"session.logon", "userDataStream.subscribe.signature"}
        if self._api_key and not logs_on and "apiKey" not in params and "signature" not in params:
            return admit_in_session(directory, endpoint.security, self._api_key, ip, params, now_us)
        return admit(
            directory, endpoint.security, params.get("apiKey"), ip, params, ws_payloads(params),
            params.get("signature"), now_us,
        )  # fmt: skip

    def _limits_json(self, endpoint: Endpoint | None, credential: "Credential | None", now_us: int) -> bytes:
        limits = self._door.limits
        counts = ((limits.weight_rule, limits.used_weight(self._visitor, now_us)),)
        if endpoint is not None and endpoint.unfilled_count and credential is not None:
            return rate_limits_json((*limits.order_counts(credential.account_id, now_us), *counts))
        return rate_limits_json(counts)

    # What the session answers itself.

    def _logon(self, params: Params, credential: "Credential | None", now_us: int) -> bytes | WireError:
        if credential is None:
            return UNAUTHORIZED
        if credential.key_type != "ED25519":
            return WireError(-4056, KEY_TYPE_REFUSED % _KEY_TYPE_NAMES[credential.key_type])
        if self._api_key and self._api_key != credential.api_key:
            self._end_logon_subscriptions()
        self._api_key = credential.api_key
        self._authorized_us = now_us
        return self._status(params, credential, now_us)

    def _status(self, params: Params, credential: "Credential | None", now_us: int) -> bytes:  # noqa: ARG002
        unit = 1 if self.micros else 1000
        api_key = b'"%s"' % self._api_key.encode() if self._api_key else NULL
        since = b"%d" % (self._authorized_us // unit) if self._api_key else NULL
        return (
            b'{"apiKey":%s,"authorizedSince":%s,"connectedSince":%d,"returnRateLimits":%s,"serverTime":%d,'
            b'"userDataStream":%s}'
        ) % (
            api_key, since, self._connected_us // unit, b"true" if self._shows_limits else b"false",
            now_us // unit, b"true" if self._subscriptions else b"false",
        )  # fmt: skip

    def _logout(self, params: Params, credential: "Credential | None", now_us: int) -> bytes:
        self._end_logon_subscriptions()
        self._api_key = ""
        return self._status(params, credential, now_us)

    def _list(self, params: Params, credential: "Credential | None", now_us: int) -> bytes:  # noqa: ARG002
        return msgspec.json.encode([{"subscriptionId": number} for number in self._subscriptions])

    def _subscribe(
        self,
        params: Params,
        credential: "Credential | None",  # noqa: ARG002
        now_us: int,
    ) -> bytes | WireError:
        """Subscribe with the session's key, which must still be good for it."""
        if not self._api_key:
            return UNAUTHORIZED
        fresh = {
            "timestamp": str(now_us),
            **{name: value for name, value in params.items() if name != "timestamp"},
        }
        admitted = admit_in_session(
            self._door.testnet.directory, "USER_STREAM", self._api_key, self.connection.ip, fresh, now_us
        )
        if not isinstance(admitted, Admitted):
            return to_wire(admitted)
        return self._open(admitted.credential, by_logon=True)

    def _subscribe_signed(
        self,
        params: Params,  # noqa: ARG002
        credential: "Credential | None",
        now_us: int,  # noqa: ARG002
    ) -> bytes | WireError:
        return self._open(credential, by_logon=False)

    def _unsubscribe(self, params: Params, credential: "Credential | None", now_us: int) -> bytes | WireError:  # noqa: ARG002
        number = params.get("subscriptionId")
        if number is None:
            chosen = list(self._subscriptions.values())
            if not chosen:
                return SUBSCRIPTION_INACTIVE
        elif number.isascii() and number.isdigit() and len(number) <= INTEGER_DIGITS_MAX:
            # "if it exists": a client that reconnected may name one of its old connection.
            found = self._subscriptions.get(int(number))
            chosen = [found] if found is not None else []
        else:
            return illegal("subscriptionId", f"^[0-9]{{1,{INTEGER_DIGITS_MAX}}}$")
        for subscription in chosen:
            self._end(subscription)
        return b"{}"

    # Subscriptions.

    def _open(self, credential: "Credential | None", *, by_logon: bool) -> bytes | WireError:
        if credential is None:
            return UNAUTHORIZED
        if any(open_.account_id == credential.account_id for open_ in self._subscriptions.values()):
            return SUBSCRIPTION_ACTIVE
        if (
            len(self._subscriptions) >= SUBSCRIPTIONS_MAX
            or self._next_subscription_id >= SUBSCRIPTION_IDS_MAX
        ):
            return SUBSCRIPTIONS_EXHAUSTED
        number = self._next_subscription_id
        self._next_subscription_id += 1
        subscription = Subscription(number, credential.account_id, credential.api_key, self, by_logon)
        self._subscriptions[number] = subscription
        self._door.user_streams.begin(subscription)
        return b'{"subscriptionId":%d}' % number

    def _end(self, subscription: Subscription) -> None:
        """End a subscription and say so."""
        del self._subscriptions[subscription.subscription_id]
        self._door.user_streams.end(subscription)
        payload = reports.stream_terminated(self._door.testnet.clock.now_us(), micros=self.micros)
        self.connection.send(event_frame(subscription.subscription_id, payload))

    def _end_logon_subscriptions(self) -> None:
        for subscription in tuple(self._subscriptions.values()):
            if subscription.by_logon:
                self._end(subscription)


Own = Callable[[ApiSession, Params, "Credential | None", int], bytes | WireError]

#: Methods that concern the session itself and have no operation.
_OWN: Final[dict[str, Own]] = {
    "session.logon": ApiSession._logon,
    "session.status": ApiSession._status,
    "session.logout": ApiSession._logout,
    "session.subscriptions": ApiSession._list,
    "userDataStream.subscribe": ApiSession._subscribe,
    "userDataStream.subscribe.signature": ApiSession._subscribe_signed,
    "userDataStream.unsubscribe": ApiSession._unsubscribe,
}
