"""Steps 2 to 5a: who asks, are these their bytes, were they used before. Never asks what a request means.

A sealed vault is said first: while it is sealed nothing signed can be answered, so nothing about keys is told either.
"""

import msgspec

from watchword.credentials.authenticator import (
    Admitted,
    MalformedKey,
    UnknownKey,
    admit,
    admit_in_session,
)
from watchword.credentials.authorizer import authorize
from watchword.credentials.model import is_api_key
from watchword.gateway.messages import Inbound, Refused, Reply
from watchword.gateway.ports import ActiveKey, Signers, UpstreamTime, VirtualKeys
from watchword.gateway.refusal import NOT_LOGGED_ON, SEALED, unauthenticated
from watchword.gateway.replay import Entry, ReplayGuard
from watchword.gateway.routes import SUBSCRIBE, Route, place_of
from watchword.vault.outcome import SealedError


class Caller(msgspec.Struct, frozen=True, gc=False):
    """Who asks, authenticated.

    Attributes:
        active: The key.
        deadline_us: When the request's time is over.
        now_us: When it came.
        place: Where it came in, as the trail shows it.
    """

    active: ActiveKey
    deadline_us: int
    now_us: int
    place: str


class Admission:
    """Admits requests of all keys of one process."""

    def __init__(self, keys: VirtualKeys, signers: Signers, time: UpstreamTime, guard: ReplayGuard) -> None:
        """Take what it asks."""
        self._keys = keys
        self._signers = signers
        self._time = time
        self._guard = guard

    def admit(self, inbound: Inbound, route: Route) -> Caller | Refused:
        """Steps 2 to 4: authenticate a request that is signed, or that came over a logged-on session."""
        if self._signers.sealed:
            return SEALED
        keys, now_us = self._keys, self._time.now_us()
        api_key, params = inbound.api_key or "", inbound.params
        if inbound.logged_on:
            if inbound.path == SUBSCRIBE and "timestamp" not in params:
                # Of all methods of a session this one needs none. Source: web-socket-api.md.
                params = {**params, "timestamp": str(now_us)}
            found = admit_in_session(keys, route.security, api_key, inbound.ip, params, now_us)
        elif inbound.path == SUBSCRIBE:
            return NOT_LOGGED_ON
        else:
            try:
                found = admit(
                    keys,
                    route.security,
                    inbound.api_key,
                    inbound.ip,
                    params,
                    inbound.payloads,
                    inbound.signature,
                    now_us,
                )
            except SealedError:
                return SEALED
        if type(found) is not Admitted:
            return unauthenticated(found, keys)
        active = keys.active(api_key)
        if active is None:
            return unauthenticated(UnknownKey(api_key), keys)
        keys.touch(active.key.id, inbound.ip, now_us)
        place = place_of(inbound.door, inbound.method, inbound.path)
        return Caller(active, found.deadline_us, now_us, place)

    def enter(self, inbound: Inbound, caller: Caller, *, reads: bool = False) -> Entry | Reply | None:
        """Step 5a: the replay guard. None for a session's requests, which sign nothing that could be sent again.

        Args:
            inbound: As received.
            caller: Who it is.
            reads: It reads the account and does nothing else.
        """
        if inbound.logged_on:
            return None
        return self._guard.enter(
            caller.active.key.id,
            inbound.payloads,
            caller.place,
            caller.deadline_us,
            caller.now_us,
            inbound.ip if reads else "",
        )

    def lend(self, inbound: Inbound) -> ActiveKey | Refused:
        """Authorize a virtual key that signs nothing, for market data that wants a key and no signature."""
        if self._signers.sealed:
            return SEALED
        keys, api_key, now_us = self._keys, inbound.api_key or "", self._time.now_us()
        credential, active = keys.find(api_key), keys.active(api_key)
        if credential is None or active is None:
            return unauthenticated(UnknownKey(api_key) if is_api_key(api_key) else MalformedKey(), keys)
        unauthorized = authorize(credential, "USER_DATA", inbound.ip, None, now_us)
        if unauthorized is not None:
            return unauthenticated(unauthorized, keys)
        keys.touch(active.key.id, inbound.ip, now_us)
        return active
