"""One request that waits for people, and whether what somebody says about it counts. Pure values; keeps nothing.

A confirmation is for exactly one request: the digest is over key, operation and parameters as they will be sent, without
what differs between two attempts at the same thing.
"""

import hashlib
from typing import Final, Literal, TypeAlias

import msgspec

from watchword.binance.request import Params
from watchword.gateway.approval_statement import FactorKind, Statement
from watchword.gateway.client_ids import ID_NAMES, LIST_PARAMETER
from watchword.gateway.resign import AUTHENTICATION
from watchword.policy.decision import ApprovalMode, Demand

#: A second factor counts for so long. The same bound holds for everything else that wants a fresh one.
FACTOR_AGE_US_MAX: Final = 300_000_000
#: A decision reaches the gateway within this, or not at all.
DECISION_AGE_US_MAX: Final = 60_000_000
#: How far the clocks of console and gateway may be apart.
CLOCKS_APART_US_MAX: Final = 2_000_000

#: waiting: for people. confirmed: all said yes; not used yet. refused: somebody said no. lapsed: its time was over first.
#: used: the request went on.
State: TypeAlias = Literal["waiting", "confirmed", "refused", "lapsed", "used"]

_DIGEST_HEAD: Final = "watchword-approval-request-1"
_GROUP_LENGTH: Final = 8
#: Names under which clients call what they make: they differ between two attempts at the same order or withdrawal.
CLIENT_IDS: Final = frozenset(
    (
        LIST_PARAMETER,
        "withdrawOrderId",
        *(parameter for names in ID_NAMES.values() for parameter in names.orders),
    )
)


class Confirmation(msgspec.Struct, frozen=True):
    """One person's yes.

    Attributes:
        person: Who.
        factor: With what they had shown that it is they.
        decided_us: When, epoch microseconds.
        demands: What it meets.
    """

    person: str
    factor: FactorKind
    decided_us: int
    demands: tuple[Demand, ...]


class Approval(msgspec.Struct, frozen=True, kw_only=True):
    """One request that is not allowed without people.

    Attributes:
        id: `ap-` and twelve letters and digits.
        digest: See `request_digest`.
        key_id, key_label: The virtual key that asks.
        line: Its id and those of the keys it descends from: whoever owns one of them owns the bot's key.
        operation: Name of the operation.
        place: Where it came in: method and path, or the WebSocket method.
        ip: The bot's address.
        params: Without those of authentication.
        demands: What must be met; never empty.
        reason: Why people are asked.
        values: What the rules measured.
        mode: What happens to the request meanwhile.
        asked_us: When; epoch microseconds by the machine's clock, as everything here.
        expires_us: From then on no yes is taken, and none is used.
        state: How it stands.
        confirmations: What was said so far.
        ended_us: When it came to its end; 0 before.
    """

    id: str
    digest: str
    key_id: str
    key_label: str
    operation: str
    place: str
    ip: str
    params: Params
    demands: tuple[Demand, ...]
    reason: str
    values: tuple[tuple[str, str], ...]
    mode: ApprovalMode
    asked_us: int
    expires_us: int
    line: tuple[str, ...] = ()
    state: State = "waiting"
    confirmations: tuple[Confirmation, ...] = ()
    ended_us: int = 0

    @property
    def missing(self) -> tuple[Demand, ...]:
        """Demands nobody has met yet."""
        met = {demand for one in self.confirmations for demand in one.demands}
        return tuple(demand for demand in self.demands if demand not in met)

    @property
    def people(self) -> str:
        """Who said yes, for people and the trail."""
        return " and ".join(one.person for one in self.confirmations)

    @property
    def approvers(self) -> tuple[str, ...]:
        """Everybody who has a say."""
        return tuple(sorted({name for demand in self.demands for name in demand.approvers}))


class Objection(msgspec.Struct, frozen=True):
    """Why what somebody said does not count; nothing has changed."""

    reason: str


def request_digest(key_id: str, operation: str, params: Params) -> str:
    """Name a request by what it would do.

    Args:
        key_id: The virtual key's.
        operation: Name of the operation; the same for REST and the WebSocket API.
        params: As sent.

    Returns:
        SHA-256 in hex, in groups of eight: such a text is compared by eye, and stays whole in a trail that hides what is as
        long as a key.
    """
    kept = sorted(
        (name, value)
        for name, value in params.items()
        if name not in AUTHENTICATION and name not in CLIENT_IDS
    )
    texts = (_DIGEST_HEAD, key_id, operation, *(text for pair in kept for text in pair))
    # Each with its length before it, so that nothing can move from one into the next.
    parts = [text.encode("utf-8", "surrogatepass") for text in texts]
    text = hashlib.sha256(b"".join([b"%d:%s," % (len(part), part) for part in parts])).hexdigest()
    return ":".join(text[start : start + _GROUP_LENGTH] for start in range(0, len(text), _GROUP_LENGTH))


def judged(approval: Approval, statement: Statement, now_us: int) -> Approval | Objection:
    """Apply what somebody said, if it counts. The signature was checked before.

    Args:
        approval: As it stands.
        statement: As signed.
        now_us: The machine's time, epoch microseconds.

    Returns:
        The approval as it is then; or why nothing changes: (1) it is about another request; (2) it is decided already,
        or too late; (3) it was not said just now; (4) the second factor is not fresh; (5) the person has no say.
    """
    if statement.approval != approval.id or statement.digest != approval.digest:  # 1
        return Objection("the statement is about another request")
    if approval.state != "waiting":  # 2
        return Objection(f"the request is {approval.state} already")
    if now_us >= approval.expires_us or statement.decided_us >= approval.expires_us:
        return Objection("the time limit is over")
    if not 0 <= now_us - statement.decided_us + CLOCKS_APART_US_MAX <= DECISION_AGE_US_MAX:  # 3
        return Objection("the decision was not made just now")
    if statement.decided_us < approval.asked_us - CLOCKS_APART_US_MAX:
        return Objection("the decision is older than the question")
    if not 0 <= statement.decided_us - statement.factor_us <= FACTOR_AGE_US_MAX:  # 4
        return Objection("the second factor is not fresh")
    if statement.person not in approval.approvers:  # 5
        return Objection(f"{statement.person} is none of its approvers")
    if statement.decision == "refuse":
        return msgspec.structs.replace(approval, state="refused", ended_us=now_us)
    return _confirmed(approval, statement)


def _confirmed(approval: Approval, statement: Statement) -> Approval | Objection:
    person = statement.person
    theirs = [demand for demand in approval.missing if person in demand.approvers]
    met = tuple(demand for demand in theirs if not (demand.not_by_key_owner and statement.owns_key))
    if not met:
        if theirs:
            return Objection(f"the key is {person}'s own, and its owner does not count")
        return Objection(f"{person} has said so already")
    yes = Confirmation(person, statement.factor, statement.decided_us, met)
    after = msgspec.structs.replace(approval, confirmations=(*approval.confirmations, yes))
    return after if after.missing else msgspec.structs.replace(after, state="confirmed")
