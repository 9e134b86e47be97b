"""Where what people say about requests arrives: verified, judged, recorded, and only then in effect.

A statement that does not count is recorded as well. Never signs, sends or decides about the request itself.
"""

from collections.abc import Callable, Mapping
from typing import Final, final

import msgspec

from watchword.audit.event import Change, Outcome
from watchword.audit.trail import AuditTrail
from watchword.credentials.key_problem import KeyProblem
from watchword.credentials.keypair import PublicKey
from watchword.credentials.pem import read_public
from watchword.gateway.approval import Approval, Objection, judged
from watchword.gateway.approval_rows import WATCHWORD, What, change_of
from watchword.gateway.approval_statement import BadStatement, Statement, read_statement, verified
from watchword.gateway.approvals import Approvals
from watchword.kernel.errors import ConfigurationError, StorageError

UNKNOWN_ID: Final = Objection("there is no such approval")
NOT_PINNED: Final = Objection("no console's key is pinned here, so nobody's word counts")
OTHER_PINNED: Final = Objection(
    "another key is pinned here; to pin this one, stop the gateway, remove HOME/gateway/approver.pub, and start it again"
)
OTHERWISE: Final = Objection("the statement says something else than the request around it")
MEANWHILE: Final = Objection("it came to its end, or somebody else said something, while this was recorded")
#: Of an id or a name that nobody has verified, in the trail.
CLAIMED_LENGTH_MAX: Final = 64


class Said(msgspec.Struct, frozen=True):
    """What came over the admin socket.

    Attributes:
        approval: Its id.
        digest: Of the request the person was shown.
        decision: `confirm` or `refuse`.
        statement: The signed bytes.
        signature: Base64.
        person: On whose behalf it came; empty where that was not said.
    """

    approval: str
    digest: str
    decision: str
    statement: bytes
    signature: str
    person: str = ""


@final
class ApprovalDesk:
    """One per gateway process.

    Attributes:
        approvals: All there are.
        fingerprint: Of the pinned key; empty where none is.
    """

    def __init__(
        self,
        approvals: Approvals,
        trail: AuditTrail,
        keep: Callable[[bytes], None],
        pinned: bytes | None = None,
    ) -> None:
        """Take what it keeps and where it is recorded.

        Args:
            approvals: Without a verifier.
            trail: Where everything is recorded.
            keep: Stores the key that is pinned, for good; raises StorageError.
            pinned: The key that is pinned already, PEM; None for none.

        Raises:
            ConfigurationError: What is pinned is no Ed25519 key.
        """
        self.approvals, self.fingerprint = approvals, ""
        self._trail, self._keep = trail, keep
        if pinned is not None:
            key = _approval_key(pinned)
            if isinstance(key, Objection):
                raise ConfigurationError(f"the pinned approver's key: {key.reason}")
            self._use(key)

    async def pin(self, pem: str, actor: str, values: Mapping[str, str]) -> Objection | None:
        """Pin the console's approval key, where none is pinned yet. The same one again is no change.

        Args:
            pem: Of the public key.
            actor: Who does it.
            values: From where, for the trail.

        Raises:
            AuditUnavailable, StorageError: It could not be recorded or stored; nothing changed.
        """
        key = _approval_key(pem.encode("utf-8", "replace"))
        if isinstance(key, Objection):
            return key
        if self.fingerprint:
            return None if key.fingerprint == self.fingerprint else OTHER_PINNED
        facts = {**values, "fingerprint": key.fingerprint}
        row = await self._trail.record_change(
            Change(action="approval:pinned", actor=actor, subject="approver.pub", values=facts)
        )
        try:
            self._keep(key.pem().encode("ascii"))
        except StorageError as error:
            self._trail.record_outcome(Outcome(intent=row, result="not_sent", note=str(error)))
            raise
        self._use(key)
        return None

    async def decide(self, said: Said, actor: str, values: Mapping[str, str]) -> Approval | Objection:
        """Let a person's decision take effect, if it counts.

        Args:
            said: As it came.
            actor: Who is at the other end, for what does not count; what counts is recorded as the person's.
            values: From where, for the trail.

        Returns:
            The approval as it is then; or why nothing changed.

        Raises:
            AuditUnavailable: It could not be recorded; nothing changed.
        """
        approvals = self.approvals
        before = approvals.get(said.approval)
        found = self._statement(said)
        after: Approval | Objection
        if isinstance(found, Objection):
            after = found
        elif before is None:
            after = UNKNOWN_ID
        else:
            after = judged(before, found, approvals.clock.now_us())
        if isinstance(after, Objection) or isinstance(found, Objection) or before is None:
            objection = after if isinstance(after, Objection) else UNKNOWN_ID
            await self._objected(said, before, objection, actor, values)
            return objection
        what: What = "refused" if found.decision == "refuse" else "confirmed"
        facts = {**values, "person": found.person, "factor": found.factor, "owns_key": _word(found)}
        row = await self._trail.record_change(change_of(what, after, found.person, facts))
        if approvals.replace(before, after):
            return after
        self._trail.record_outcome(Outcome(intent=row, result="not_sent", note=MEANWHILE.reason))
        return MEANWHILE

    async def record_lapsed(self) -> None:
        """End what is over, and record it. What cannot be recorded now is over all the same.

        Raises:
            AuditUnavailable: It could not be recorded; the next call tries again.
        """
        self.approvals.sweep()
        while (one := self.approvals.take_lapsed()) is not None:
            try:
                await self._trail.record_change(change_of("lapsed", one, WATCHWORD, {}))
            except StorageError:
                self.approvals.put_lapsed_back(one)
                raise

    async def close(self) -> None:
        """End all that wait: nothing survives the process."""
        self.approvals.end_all()
        try:
            await self.record_lapsed()
        except StorageError:
            # The trail says that they were asked, and of no use; so they were not used.
            return

    def _use(self, key: PublicKey) -> None:
        self.approvals.verifier, self.fingerprint = key.verifier(), key.fingerprint

    def _statement(self, said: Said) -> Statement | Objection:
        """Verify the bytes; then what stands around them must say the same."""
        verifier = self.approvals.verifier
        if verifier is None:
            return NOT_PINNED
        found = verified(said.statement, said.signature, verifier)
        if isinstance(found, BadStatement):
            return Objection(found.reason)
        around = (said.approval, said.digest, said.decision, said.person or found.person)
        if around != (found.approval, found.digest, found.decision, found.person):
            return OTHERWISE
        return found

    async def _objected(
        self,
        said: Said,
        approval: Approval | None,
        objection: Objection,
        actor: str,
        values: Mapping[str, str],
    ) -> None:
        """Record what did not count; whose it claims to be is what its bytes say, verified or not."""
        more = {
            **values,
            "why": objection.reason,
            "decision": said.decision[:CLAIMED_LENGTH_MAX],
            "person": _claimed(said),
            "digest_named": said.digest[: len(approval.digest)]
            if approval
            else said.digest[:CLAIMED_LENGTH_MAX],
        }
        if approval is not None:
            await self._trail.record_change(change_of("objected", approval, actor, more))
            return
        subject = said.approval[:CLAIMED_LENGTH_MAX]
        await self._trail.record_change(
            Change(action="approval:objected", actor=actor, subject=subject, values=more)
        )


def _approval_key(pem: bytes) -> PublicKey | Objection:
    key = read_public(pem)
    if isinstance(key, KeyProblem):
        return Objection(f"the key cannot be used: {key}")
    return key if key.key_type == "ED25519" else Objection("an approval key is an Ed25519 key")


def _claimed(said: Said) -> str:
    found = read_statement(said.statement)
    return (found.person if found is not None else said.person)[:CLAIMED_LENGTH_MAX]


def _word(statement: Statement) -> str:
    return "yes" if statement.owns_key else "no"
