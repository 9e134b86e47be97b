"""Requests of bots that wait for people: shown to those who have a say, and decided by them with a fresh factor.

Who has a say is the policy's; that it was really they is signed here and checked by the gateway. Nothing is approved by
anybody who does not answer.
"""

from typing import Annotated, Any, Final, Literal

import msgspec
from msgspec import Meta

from watchword.accounts.roles import ALL
from watchword.entrypoints.console.approver import pinned, signer_of
from watchword.entrypoints.console.neighbours import hidden, neighbours_of, shaped
from watchword.entrypoints.console.problem import CONFLICT, NOT_FOUND, TOKEN_REFUSED, Problem
from watchword.entrypoints.console.route import Ask, Audit, Route
from watchword.entrypoints.console.routes.asking import behalf_of
from watchword.entrypoints.gateway.admin.approval_requests import (
    ApprovalsAnswer,
    ApprovalView,
    DecideApproval,
    ListApprovals,
    ShowApproval,
)
from watchword.gateway.approval_statement import Decision, Statement

TAG: Final = "approvals"
DIGEST_LENGTH_MAX: Final = 128


class ApprovalList(msgspec.Struct, frozen=True):
    """Approvals within the caller's reach, oldest first.

    Attributes:
        now_us: The gateway's clock.
    """

    items: list[ApprovalView]
    now_us: int


class ApprovalQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which approvals."""

    state: Annotated[
        Literal["waiting", "all"], Meta(description="Only those to be decided, or all remembered.")
    ] = "waiting"


class DecisionDraft(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A decision about exactly the request that was shown.

    Attributes:
        decision: `confirm` or `refuse`.
        digest: Of the request, as it was shown.
    """

    decision: Decision
    digest: Annotated[str, Meta(min_length=1, max_length=DIGEST_LENGTH_MAX)]


async def list_approvals(ask: Ask[None, ApprovalQuery]) -> ApprovalList | Problem:
    """List approvals: all, or those in which the caller has a say."""
    person = "" if ask.reach == ALL else ask.person.name
    request = ListApprovals(state=ask.query.state, person=person, on_behalf=behalf_of(ask))
    found = shaped(await neighbours_of(ask.console).ask_gateway(request), ApprovalsAnswer)
    return found if isinstance(found, Problem) else ApprovalList(found.approvals, found.now_us)


async def show_approval(ask: Ask[None, None]) -> ApprovalView | Problem:
    """Show one."""
    return await _approval(ask)


async def decide_approval(ask: Ask[DecisionDraft, None]) -> ApprovalView | Problem:
    """Say yes or no to a request, once."""
    approval = await _approval(ask)
    if isinstance(approval, Problem):
        return approval
    if approval.digest != ask.body.digest:
        return Problem(CONFLICT, "this is not the request that was shown: look again")
    session = ask.caller.session
    if session is None or session.factor is None:
        return Problem(TOKEN_REFUSED)
    refused = await pinned(ask.console, behalf_of(ask))
    if refused is not None:
        return refused
    owned = ask.console.assignments.subjects_of(ask.person.id, "virtual")
    text, signature = signer_of(ask.console).signed(
        Statement(
            approval=approval.id, digest=approval.digest, decision=ask.body.decision, person=ask.person.name,
            factor=session.factor, factor_us=session.factor_us, decided_us=ask.console.clock.now_us(),
            owns_key=not owned.isdisjoint({approval.key, *approval.line}),
        )
    )  # fmt: skip
    request = DecideApproval(
        id=approval.id, digest=approval.digest, decision=ask.body.decision, statement=text, signature=signature,
        on_behalf=behalf_of(ask),
    )  # fmt: skip
    return shaped(await neighbours_of(ask.console).ask_gateway(request), ApprovalView)


async def _approval(ask: Ask[Any, Any]) -> ApprovalView | Problem:
    """Find the approval a path names, if the caller may see it."""
    missing = Problem(NOT_FOUND, "there is no such approval")
    request = ShowApproval(ask.path["approval"], on_behalf=behalf_of(ask))
    found = hidden(shaped(await neighbours_of(ask.console).ask_gateway(request), ApprovalView), missing)
    if isinstance(found, Problem):
        return found
    named = {name for demand in found.demands for name in demand.approvers}
    return found if ask.reach == ALL or ask.person.name in named else missing


ROUTES: Final = (
    Route(
        method="GET", path="/approvals", name="listApprovals", summary="List requests that wait for people.", tag=TAG,
        action="approval.read", handler=list_approvals, query=ApprovalQuery, answer=ApprovalList,
    ),
    Route(
        method="GET", path="/approvals/{approval}", name="showApproval", summary="Show a request that waits.", tag=TAG,
        action="approval.read", handler=show_approval, answer=ApprovalView,
    ),
    Route(
        method="POST", path="/approvals/{approval}/decision", name="decideApproval",
        summary="Confirm or refuse exactly the request that was shown.", tag=TAG, action="approval.decide",
        handler=decide_approval, body=DecisionDraft, answer=ApprovalView, fresh="always", limit="write",
        audit=Audit(
            "approval:decided", subject=lambda ask: ask.path["approval"],
            values=lambda ask: {"decision": ask.body.decision, "digest": ask.body.digest},
        ),
    ),
)  # fmt: skip
