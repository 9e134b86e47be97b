"""The audit trails proved whole, within a bounded time, and one row of them as it stands. Changes nothing.

Who owns this disk could have replaced a trail together with its key: only a copy or a key kept elsewhere shows that, to
`watchword audit verify`.
"""

import asyncio
from typing import Any, Final, Literal

import msgspec

from watchword.bootstrap.audit_proof import Proof, prove_trails
from watchword.entrypoints.console.problem import NOT_FOUND, TOO_MANY, Problem
from watchword.entrypoints.console.route import Ask, Route
from watchword.entrypoints.console.routes.audit import TAG, AuditRow, search_of

#: A trail has fewer rows than a number of so many digits.
ROW_DIGITS_MAX: Final = 15
AGAIN_S: Final = 5


class AuditFinding(msgspec.Struct, frozen=True):
    """One thing that is wrong with a trail.

    Attributes:
        row: The row that does not hold; of a range, the first; 0 for what stands beside the rows.
        kind: What was done: `altered`, `rewritten`, `missing`, `moved`, `repeated`, `cut`, `unsigned`, `unreadable`.
        text: For people.
    """

    row: int
    kind: str
    text: str


class TrailProof(msgspec.Struct, frozen=True):
    """How one trail is.

    Attributes:
        state: `whole`, `broken`, or `unfinished`: nothing is wrong as far as there was time to read.
        rows: Read.
        last_row, last_digest: The last one read; noted elsewhere it proves later that nothing before it was changed.
        checkpoints: Signed ones that are good.
        signed_row: The last row one of them vouches for.
        signed: Whether there was a public key to check them with.
        findings: What is wrong, by row, not all where there is much.
    """

    trail: str
    state: Literal["whole", "broken", "unfinished"]
    rows: int
    last_row: int
    last_digest: str
    last_us: int
    checkpoints: int
    signed_row: int
    signed: bool
    findings: list[AuditFinding]


class AuditProof(msgspec.Struct, frozen=True):
    """How the trails are; `whole` where every one was read to its end and holds."""

    whole: bool
    items: list[TrailProof]


class _Running:
    """Whether somebody's proof is on its way: one at a time, it takes a processor."""

    def __init__(self) -> None:
        self.task: asyncio.Task[list[Proof]] | None = None


async def verify_audit(ask: Ask[None, None]) -> AuditProof | Problem:
    """Read both trails from their first rows, and name what does not hold."""
    running: _Running = ask.console.at_hand.setdefault(_Running, _Running())
    if running.task is not None and not running.task.done():
        return Problem(TOO_MANY, "the trails are being verified for somebody else", retry_after_s=AGAIN_S)
    running.task = asyncio.create_task(asyncio.to_thread(prove_trails, ask.console.settings.home))
    # Who goes away does not end it: the thread would go on all the same, and another one begin beside it.
    found = [_view(one) for one in await asyncio.shield(running.task)]
    return AuditProof(bool(found) and all(one.state == "whole" for one in found), found)


async def show_audit_row(ask: Ask[None, None]) -> AuditRow | Problem:
    """Show one row as it stands in its trail."""
    trail, number = ask.path["trail"], ask.path["row"]
    missing = Problem(NOT_FOUND, "there is no such row, or it is not as it was written")
    if not number.isdecimal() or not 0 < len(number) <= ROW_DIGITS_MAX:
        return missing
    one = await asyncio.to_thread(search_of(ask).row, trail, int(number))
    if one is None:
        return missing
    row = one.row
    return AuditRow(one.trail, row.number, row.now_us, row.digest.hex(), row.previous.hex(), one.event)


def _view(proof: Proof) -> TrailProof:
    report, findings = proof.report, [AuditFinding(one.row, one.kind, one.text) for one in proof.findings]
    return TrailProof(
        proof.trail, "broken" if findings else "whole" if proof.finished else "unfinished", report.rows,
        report.head.row, report.head.digest.hex() if report.rows else "", report.head.now_us, report.checkpoints,
        report.signed_row, proof.signed, findings,
    )  # fmt: skip


_READ: Final[dict[str, Any]] = {"method": "GET", "tag": TAG, "action": "audit.read"}

ROUTES: Final = (
    Route(
        path="/audit/verification", name="verifyAudit", summary="Prove the audit trails whole, or name what does not hold.",
        handler=verify_audit, answer=AuditProof, limit="heavy", **_READ,
    ),
    Route(
        path="/audit/rows/{trail}/{row}", name="showAuditRow", summary="Show one row of a trail.",
        handler=show_audit_row, answer=AuditRow, **_READ,
    ),
)  # fmt: skip
