"""What can be asked about requests that wait for people, and what is answered. See docs/formats/approvals.md.

Never does anything itself; there is no secret in any of it.
"""

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from watchword.entrypoints.gateway.admin.base import Request
from watchword.gateway.approval import State
from watchword.gateway.approval_statement import SIGNATURE_LENGTH_MAX, STATEMENT_BYTES_MAX, Decision
from watchword.gateway.approvals import CURRENT_COUNT_MAX
from watchword.policy.decision import ApprovalMode

REFERENCE_LENGTH_MAX = 128
PEM_LENGTH_MAX = 4_096
Text = Annotated[str, Meta(max_length=REFERENCE_LENGTH_MAX)]


class ListApprovals(Request, frozen=True, kw_only=True, tag="approval.list"):
    """List requests that wait for people, oldest first.

    Attributes:
        state: `waiting` for those somebody must still decide, `all` for all that are remembered.
        person: Only those in which this approver has a say; empty for all.
        key: Only those of the virtual key with this id; empty for all.
        limit: The newest so many.
    """

    state: Literal["waiting", "all"] = "waiting"
    person: Text = ""
    key: Text = ""
    limit: Annotated[int, Meta(ge=1, le=CURRENT_COUNT_MAX)] = CURRENT_COUNT_MAX


class ShowApproval(Request, frozen=True, tag="approval.show"):
    """Show one.

    Attributes:
        id: Its id.
    """

    id: Text


class DecideApproval(Request, frozen=True, kw_only=True, tag="approval.decide"):
    """Say yes or no, as a person who has shown a fresh factor.

    Attributes:
        id: Of the approval.
        digest: Of the request the person was shown.
        decision: What they said.
        statement: The text that is signed, line ends and all; see `gateway/approval_statement.py`.
        signature: Base64, by the approval key that is pinned here.
    """

    id: Text
    digest: Text
    decision: Decision
    statement: Annotated[str, Meta(max_length=STATEMENT_BYTES_MAX)]
    signature: Annotated[str, Meta(max_length=SIGNATURE_LENGTH_MAX)]


class PinApprover(Request, frozen=True, tag="approval.pin"):
    """Pin the console's approval key, where none is pinned yet.

    Attributes:
        public_key: PEM of an Ed25519 public key.
    """

    public_key: Annotated[str, Meta(max_length=PEM_LENGTH_MAX)]


class DemandView(msgspec.Struct, frozen=True):
    """What one rule wants.

    Attributes:
        rule: Its name.
        when: What it is about.
        approvers: Of whom one must say yes.
        not_by_key_owner: Whoever owns the key does not count.
        met_by: Who said yes; empty while nobody did.
    """

    rule: str
    when: str
    approvers: list[str]
    not_by_key_owner: bool
    met_by: str


class ApprovalView(msgspec.Struct, frozen=True, kw_only=True):
    """One request that waits, or waited, for people.

    Attributes:
        id, digest: What a decision names.
        state: How it stands.
        key, key_label: The virtual key that asks.
        line: Its id and those of the keys it descends from; who owns one of them is the key's owner.
        operation: Name of the operation; `place` as it came in.
        ip: The bot's address.
        parameters: All of them, as they will be sent.
        reason: Why people are asked.
        values: What the rules measured.
        demands: What must be met.
        mode: `hold`: the request waits; `refuse`: it was refused and may be sent again.
        asked, expires: ISO 8601; `asked_us`, `expires_us` exactly. By the gateway's clock.
        ended: When it came to its end; None before.
    """

    id: str
    digest: str
    state: State
    key: str
    key_label: str
    operation: str
    place: str
    ip: str
    parameters: dict[str, str]
    reason: str
    values: dict[str, str]
    demands: list[DemandView]
    mode: ApprovalMode
    asked: str
    asked_us: int
    expires: str
    expires_us: int
    ended: str | None
    line: list[str] = []


class ApprovalsAnswer(msgspec.Struct, frozen=True):
    """Approvals, oldest first.

    Attributes:
        approvals: Those that were asked for.
        now_us: The gateway's clock.
        approver: Fingerprint of the pinned key; empty where none is, and then nobody can approve.
    """

    approvals: list[ApprovalView]
    now_us: int
    approver: str


class PinnedAnswer(msgspec.Struct, frozen=True):
    """The key that is pinned.

    Attributes:
        approver: Its fingerprint.
    """

    approver: str


AnyApprovalRequest = ListApprovals | ShowApproval | DecideApproval | PinApprover
AnyApprovalAnswer = ApprovalView | ApprovalsAnswer | PinnedAnswer
