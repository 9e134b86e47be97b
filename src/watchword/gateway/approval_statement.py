"""A person's decision about one request as signed bytes: the console makes and signs them, the gateway verifies them.

Nine lines of UTF-8, each with its line end (docs/formats/approvals.md). Only the one way of writing a statement is read, so
that no two texts say the same. Never decides whether the person may: that is `approval.judged`.
"""

from typing import Final, Literal, TypeAlias

import msgspec

from watchword.credentials.verifier import Verifier
from watchword.kernel.errors import invariant

HEAD: Final = "watchword-approval-decision-1"
STATEMENT_BYTES_MAX: Final = 1_024
SIGNATURE_LENGTH_MAX: Final = 128
FIELD_LENGTH_MAX: Final = 128
MOMENT_US_MAX: Final = (1 << 63) - 1
LINES_COUNT: Final = 9

Decision: TypeAlias = Literal["confirm", "refuse"]
FactorKind: TypeAlias = Literal["totp", "webauthn", "recovery", "mail", "sms"]
_DECISIONS: Final = ("confirm", "refuse")
_FACTORS: Final = ("totp", "webauthn", "recovery", "mail", "sms")
_YES_NO: Final = {"yes": True, "no": False}


class Statement(msgspec.Struct, frozen=True, kw_only=True):
    """Who decided what, and how sure it is that it was they.

    Attributes:
        approval: Its id.
        digest: Of the request, as the gateway shows it.
        decision: What they said.
        person: Their name, as policies have it.
        factor: With what they showed last that it is they.
        factor_us: When they did; epoch microseconds.
        decided_us: When they decided; epoch microseconds.
        owns_key: Whether the virtual key the request was made with is theirs, or one it descends from.
    """

    approval: str
    digest: str
    decision: Decision
    person: str
    factor: FactorKind
    factor_us: int
    decided_us: int
    owns_key: bool


class BadStatement(msgspec.Struct, frozen=True):
    """Why a statement counts for nothing."""

    reason: str


NOT_SIGNED: Final = BadStatement("the statement is not signed by the key that is pinned here")
NOT_READ: Final = BadStatement("what is signed is no statement about an approval")


def statement_bytes(statement: Statement) -> bytes:
    """Write a statement: what is signed, and what is sent.

    Raises:
        InvariantError: A field cannot stand in a line.
    """
    raw = _written(statement)
    invariant(read_statement(raw) == statement, "a statement would not be read as it was meant")
    return raw


def read_statement(raw: bytes) -> Statement | None:
    """Read a statement; None for everything that `statement_bytes` would not have written."""
    if len(raw) > STATEMENT_BYTES_MAX:
        return None
    try:
        lines = raw.decode("utf-8").split("\n")
    except UnicodeDecodeError:
        return None
    if len(lines) != LINES_COUNT + 1 or lines[0] != HEAD or lines[-1]:
        return None
    approval, digest, decision, person, factor, factor_us, decided_us, owns_key = lines[1:LINES_COUNT]
    texts = (approval, digest, person)
    if not all(text and text.isprintable() and len(text) <= FIELD_LENGTH_MAX for text in texts):
        return None
    moments = (_moment(factor_us), _moment(decided_us))
    if decision not in _DECISIONS or factor not in _FACTORS or owns_key not in _YES_NO or None in moments:
        return None
    found = Statement(
        approval=approval,
        digest=digest,
        decision=decision,  # type: ignore[arg-type]  # looked up above
        person=person,
        factor=factor,  # type: ignore[arg-type]  # looked up above
        factor_us=moments[0] or 0,
        decided_us=moments[1] or 0,
        owns_key=_YES_NO[owns_key],
    )
    return found if _written(found) == raw else None


def verified(raw: bytes, signature: str, verifier: Verifier) -> Statement | BadStatement:
    """Check the signature over the bytes as they came, then read them.

    Args:
        raw: As received.
        signature: Base64.
        verifier: Of the console's approval key.
    """
    if len(raw) > STATEMENT_BYTES_MAX or len(signature) > SIGNATURE_LENGTH_MAX:
        return NOT_READ
    if not verifier.verify(raw, signature):
        return NOT_SIGNED
    return read_statement(raw) or NOT_READ


def _written(statement: Statement) -> bytes:
    lines = (
        HEAD,
        statement.approval,
        statement.digest,
        statement.decision,
        statement.person,
        statement.factor,
        str(statement.factor_us),
        str(statement.decided_us),
        "yes" if statement.owns_key else "no",
        "",
    )
    return "\n".join(lines).encode("utf-8", "surrogatepass")


def _moment(text: str) -> int | None:
    """Read digits; a leading zero or a sign shows when the statement is written again."""
    if not (text.isascii() and text.isdigit()) or len(text) > len(str(MOMENT_US_MAX)):
        return None
    moment = int(text)
    return moment if moment <= MOMENT_US_MAX else None
