"""The gateway's own user-data subscriptions: which accounts are followed, and the record and signature of each. Never decides.

An account is followed while a virtual key that works uses its credential. No record, no signature, here as well: each
subscription is an intent of its own in the trail, asked for by nobody's key.
"""

import asyncio
from typing import TYPE_CHECKING, Final

from watchword.audit.event import Intent, Outcome
from watchword.audit.trail import AuditTrail, AuditUnavailable
from watchword.credentials.timing import RECV_WINDOW_US_DEFAULT
from watchword.gateway.messages import Outbound
from watchword.gateway.ports import Signers, UpstreamTime
from watchword.gateway.resign import sign_ws_request, timing_params
from watchword.kernel.entropy import Entropy
from watchword.kernel.errors import WatchwordError
from watchword.vault.outcome import NotFound, Sealed

if TYPE_CHECKING:
    from collections.abc import Callable

    from watchword.adapters.upstream.account_events import AccountEvents
    from watchword.binance.upstreams import Upstream

METHOD: Final = "userDataStream.subscribe.signature"
#: Stands where other intents name the virtual key.
ASKED_BY: Final = "watchword"
#: How often it is looked which accounts should be followed.
LOOK_S: Final = 1.0
REQUEST_ID_BYTES: Final = 8


class OwnSubscriptions:
    """Signs the gateway's own subscriptions and keeps the trail's rows about them."""

    def __init__(
        self, upstream: "Upstream", signers: Signers, trail: AuditTrail, time: UpstreamTime, entropy: Entropy
    ) -> None:
        """Prepare.

        Args:
            upstream: The one exchange; credentials of others are not signed with.
            signers: The vault.
            trail: Where each is recorded first.
            time: The upstream's.
            entropy: Draws request ids.
        """
        self._upstream = upstream
        self._signers = signers
        self._trail = trail
        self._time = time
        self._entropy = entropy
        #: Rows of subscriptions that were signed, until it is known what became of them.
        self._rows: dict[str, int] = {}

    async def sign(self, credential_id: str) -> Outbound | None:
        """See `adapters.upstream.account_events.Sign`."""
        self._give_up(credential_id, "no subscription came of it")
        now_us = self._time.now_us()
        if self._problem(credential_id):
            return None
        intent = Intent(
            request=self._entropy.token(REQUEST_ID_BYTES).hex(),
            key=ASKED_BY,
            credential=credential_id,
            upstream=self._upstream,
            endpoint=METHOD,
            deadline_us=now_us + RECV_WINDOW_US_DEFAULT,
        )
        try:
            row = await self._trail.record_intent(intent)
        except AuditUnavailable:
            return None
        signed = self._signed(credential_id, intent.deadline_us)
        if signed is None:
            self._trail.record_outcome(Outcome(intent=row, result="not_sent"))
        else:
            self._rows[credential_id] = row
        return signed

    def subscribed(self, credential_id: str) -> None:
        """The subscription stands."""
        row = self._rows.pop(credential_id, None)
        if row is not None:
            self._trail.record_outcome(Outcome(intent=row, result="answered", status=200))

    def close(self) -> None:
        """Say of those under way that nobody knows."""
        for credential_id in tuple(self._rows):
            self._give_up(credential_id, "the gateway ended")

    def _give_up(self, credential_id: str, note: str) -> None:
        row = self._rows.pop(credential_id, None)
        if row is not None:
            self._trail.record_outcome(Outcome(intent=row, result="unknown", note=note))

    def _problem(self, credential_id: str) -> bool:
        record = self._signers.record(credential_id)
        if isinstance(record, Sealed | NotFound) or record.upstream != self._upstream or not record.api_key:
            return True
        return self._trail.unavailable(only_cancels=False) is not None

    def _signed(self, credential_id: str, deadline_us: int) -> Outbound | None:
        record, signer = self._signers.record(credential_id), self._signers.signer_for(credential_id)
        timing = timing_params(self._time.now_us(), deadline_us, decimals=True)
        if isinstance(record, Sealed | NotFound) or isinstance(signer, Sealed | NotFound) or timing is None:
            return None
        try:
            return sign_ws_request(signer, record.api_key, METHOD, {}, timing, changes=False)
        except WatchwordError:
            # Sealed in this very moment.
            return None


async def keep_following(accounts: "AccountEvents", wanted: "Callable[[], set[str]]") -> None:
    """Follow the accounts that are wanted, and no others, until cancelled.

    Args:
        accounts: The subscriptions.
        wanted: Returns credential ids.
    """
    while True:
        now = wanted()
        followed = set(accounts.followed)
        for credential_id in sorted(now - followed):
            accounts.follow(credential_id)
        for credential_id in followed - now:
            await accounts.unfollow(credential_id)
        await asyncio.sleep(LOOK_S)
