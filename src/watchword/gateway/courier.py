"""Steps 6 to 9: the record, the signature, the one sending, the outcome. Never decides whether a request may.

No record, no signature: whatever stops a request before it leaves, its reservation is given back and the trail says that
nothing was sent. Whatever stops it afterwards, the trail says that nobody knows.
"""

from typing import Final

import msgspec

from watchword.audit.event import Intent, Outcome
from watchword.audit.trail import AuditTrail, AuditUnavailable
from watchword.binance.upstreams import Upstream
from watchword.gateway.budgets import Budgets, Spent
from watchword.gateway.messages import Answer, DoorKind, Header, Outbound, Refused, Unanswered
from watchword.gateway.order_desk import OrderDesk, Reservation
from watchword.gateway.ports import Link, Signers, UpstreamTime, VirtualKeys
from watchword.gateway.refusal import KEY_GONE, SEALED, STALE, unavailable
from watchword.gateway.resign import sign_rest_request, sign_ws_request, timing_params
from watchword.gateway.routes import Route
from watchword.gateway.told import OK, Told, told
from watchword.vault.outcome import NotFound, Sealed, SealedError
from watchword.vault.record import RealCredential

_READ: Final = Told(0, "", unknown=False)
_GIVEN_UP: Final = Unanswered(True, "given up")


class Errand(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One request that was decided and is to be signed.

    Attributes:
        intent: As it will be recorded: for whom, by whose signature, until when, with which parameters.
        route: Of the operation.
        door: How it goes out.
        method: HTTP method; empty on the WebSocket API.
        path: Path, or the upstream's name of the WebSocket method.
        api_key: The virtual one, which must still work when it is signed; empty for questions of Watchword's own.
        passing: Headers that go on.
        reservation: What to give back if nothing is sent; None where nothing was reserved.
        spent: What it took of the budgets; None where it takes nothing.
    """

    intent: Intent
    route: Route
    door: DoorKind
    method: str
    path: str
    api_key: str = ""
    passing: tuple[Header, ...] = ()
    reservation: Reservation | None = None
    spent: Spent | None = None


class Courier:
    """Carries errands of all keys of one process."""

    def __init__(
        self,
        upstream: Upstream,
        keys: VirtualKeys,
        signers: Signers,
        trail: AuditTrail,
        time: UpstreamTime,
        desk: OrderDesk,
        budgets: Budgets,
    ) -> None:
        """Take what it needs.

        Args:
            upstream: The one exchange this process talks to; a credential of another is never used.
            keys: Virtual keys.
            signers: The vault.
            trail: Where every signature is recorded first.
            time: The upstream's clock.
            desk: Learns from answers.
            budgets: Learn from them too.
        """
        self._upstream = upstream
        self._keys = keys
        self._signers = signers
        self._trail = trail
        self._time = time
        self._desk = desk
        self._budgets = budgets

    async def carry(self, errand: Errand, link: Link) -> Answer | Refused | Unanswered:
        """Record, sign and send one request, once.

        Returns:
            What the upstream said; a refusal, and nothing was sent; or that it was sent and nobody answered.
        """
        row = await self.record(errand)
        if type(row) is Refused:
            return row
        try:
            outbound = self._sign(errand)
        except BaseException:
            self.not_sent(errand, row, "it could not be signed")
            raise
        if type(outbound) is Refused:
            self.not_sent(errand, row, outbound.wire.text)
            return outbound
        try:
            answer = await link.send(outbound)  # 8
        except BaseException:
            self.given_up(errand, row, "given up by its caller while it was on its way")
            raise
        return self._conclude(errand, row, answer)

    async def record(self, errand: Errand) -> int | Refused:
        """Step 6: make the intent durable, and with it what it uses up: the ledger is written later.

        Returns:
            The intent's row; or a refusal, and then what was reserved has been given back.
        """
        try:
            return await self._trail.record_intent(errand.intent)
        except AuditUnavailable as error:
            refused = unavailable("audit", str(error))
        except BaseException:
            self.not_sent(errand, 0, "given up by its caller before it was recorded")
            raise
        self.not_sent(errand, 0, refused.wire.text)
        return refused

    def not_sent(self, errand: Errand, row: int, note: str) -> None:
        """Conclude an intent that came to nothing; row 0 where it was not even recorded."""
        if row:
            self._trail.record_outcome(Outcome(intent=row, result="not_sent", note=note))
        self._settle(errand, None)
        if errand.reservation is not None:
            self._desk.give_back(errand.reservation, self._time.now_us())

    def given_up(self, errand: Errand, row: int, note: str) -> None:
        """Conclude an intent that was sent, or a part of it, and of which nobody knows what became."""
        self._trail.record_outcome(Outcome(intent=row, result="unknown", note=note))
        self._settle(errand, _GIVEN_UP)

    def answered(self, row: int, answer: Answer, note: str = "", *, changes: bool = True) -> Told:
        """Conclude an intent that was answered; a read needs no finding out, whatever was said."""
        # A read that was answered says nothing more about itself.
        said = told(answer) if changes or answer.status != OK else _READ
        self._trail.record_outcome(
            Outcome(
                intent=row,
                result="unknown" if said.unknown and changes else "answered",
                status=answer.status,
                code=said.code,
                order_id=said.order_id,
                elapsed_us=answer.elapsed_us,
                note=note,
            )
        )
        return said

    def _sign(self, errand: Errand) -> Outbound | Refused:
        """Step 7: what could have changed while the record was written, then the signature."""
        now_us, route, intent = self._time.now_us(), errand.route, errand.intent
        if errand.api_key:
            credential = self._keys.find(errand.api_key)
            if credential is None or credential.restrictions.expired(now_us):
                return KEY_GONE
        changes = route.kind != "read"
        if changes:
            trouble = self._time.trouble()
            if trouble is not None:
                return unavailable("clock", trouble)
        timing = timing_params(now_us, intent.deadline_us, decimals=route.family == "api")
        if timing is None:
            return STALE
        record = self.credential(intent.credential)
        if type(record) is Refused:
            return record
        signer = self._signers.signer_for(intent.credential)
        if type(signer) is Sealed or type(signer) is NotFound:
            return SEALED if type(signer) is Sealed else unavailable("vault", str(signer))
        api_key, params = record.api_key, intent.parameters
        try:
            if errand.door == "ws":
                return sign_ws_request(signer, api_key, errand.path, params, timing, changes=changes)
            return sign_rest_request(
                signer, api_key, errand.method, errand.path, params, timing, errand.passing, changes=changes
            )
        except SealedError:
            return SEALED

    def credential(self, credential_id: str) -> RealCredential | Refused:
        """Find a real credential that may be used here: it belongs to this upstream, and has an API key."""
        record = self._signers.record(credential_id)
        if type(record) is Sealed:
            return SEALED
        if type(record) is NotFound:
            return unavailable("vault", "the key's real credential is not there any more")
        if record.upstream != self._upstream:
            return unavailable(
                "vault", f"the key's real credential belongs to {record.upstream}, this is {self._upstream}"
            )
        if not record.api_key:
            return unavailable("vault", "the key's real credential is not registered at the exchange yet")
        return record

    def _conclude(
        self, errand: Errand, row: int, answer: Answer | Unanswered
    ) -> Answer | Refused | Unanswered:
        """Step 9: the outcome is recorded before anybody is answered."""
        if type(answer) is Unanswered:
            if not answer.sent:
                self.not_sent(errand, row, answer.reason)
                return unavailable("upstream", answer.reason)
            self.given_up(errand, row, answer.reason)
            return answer
        intent, name, now_us = errand.intent, errand.route.name, self._time.now_us()
        said = self.answered(row, answer, changes=errand.route.kind != "read")
        if errand.spent is not None:
            self._budgets.settle(errand.spent, answer, now_us)
        if not said.unknown:
            self._desk.observe(intent.credential, name, intent.parameters, answer, now_us)
        return answer

    def _settle(self, errand: Errand, answer: Unanswered | None) -> None:
        if errand.spent is not None:
            self._budgets.settle(errand.spent, answer, self._time.now_us())
