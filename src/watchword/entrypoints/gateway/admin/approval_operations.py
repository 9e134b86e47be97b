"""What each request about approvals does. Never parses bytes and never decides whose word counts."""

from typing import TYPE_CHECKING, Final, assert_never

from watchword.audit.on_behalf import values_of
from watchword.entrypoints.gateway.admin import approval_requests as ask
from watchword.entrypoints.testnet.admin.expiry import write_expiry
from watchword.gateway.approval import Approval, Objection
from watchword.gateway.approval_desk import ApprovalDesk, Said
from watchword.vault.outcome import Refused

if TYPE_CHECKING:
    from watchword.bootstrap.key_desk import KeyDesk

NO_GATEWAY: Final = Refused("no gateway runs here, so no request waits for anybody")


async def perform_approval(
    desk: "KeyDesk", request: ask.AnyApprovalRequest, actor: str
) -> ask.AnyApprovalAnswer | Refused:
    """Do what a request asks.

    Args:
        desk: Of the home; only a running gateway's has approvals.
        request: What to do.
        actor: Who asks, for the trail.

    Raises:
        WatchwordError: A fault; nothing was changed.
    """
    approvals = desk.approvals
    if approvals is None:
        return NO_GATEWAY
    match request:
        case ask.ListApprovals():
            return _list(approvals, request)
        case ask.ShowApproval(approval_id):
            found = approvals.approvals.get(approval_id)
            return Refused(f"there is no approval {approval_id!r}") if found is None else approval_view(found)
        case ask.DecideApproval():
            return await _decide(approvals, request, actor)
        case ask.PinApprover(pem):
            objection = await approvals.pin(pem, actor, values_of(request.on_behalf))
            if objection is not None:
                return Refused(objection.reason)
            return ask.PinnedAnswer(approvals.fingerprint)
        case _:
            assert_never(request)


def approval_view(approval: Approval) -> ask.ApprovalView:
    """Describe one approval."""
    met = {demand: one.person for one in approval.confirmations for demand in one.demands}
    return ask.ApprovalView(
        id=approval.id,
        digest=approval.digest,
        state=approval.state,
        key=approval.key_id,
        key_label=approval.key_label,
        operation=approval.operation,
        place=approval.place,
        ip=approval.ip,
        parameters=approval.params,
        reason=approval.reason,
        values=dict(approval.values),
        demands=[
            ask.DemandView(
                demand.title,
                demand.when,
                list(demand.approvers),
                demand.not_by_key_owner,
                met.get(demand, ""),
            )
            for demand in approval.demands
        ],
        mode=approval.mode,
        asked=write_expiry(approval.asked_us) or "",
        asked_us=approval.asked_us,
        expires=write_expiry(approval.expires_us) or "",
        expires_us=approval.expires_us,
        ended=write_expiry(approval.ended_us),
        line=list(approval.line),
    )


def _list(desk: ApprovalDesk, request: ask.ListApprovals) -> ask.ApprovalsAnswer:
    approvals = desk.approvals
    approvals.sweep()
    found = [
        approval_view(one)
        for one in approvals.listed()
        if (request.state == "all" or one.state == "waiting")
        and (not request.person or request.person in one.approvers)
        and (not request.key or request.key == one.key_id)
    ]
    return ask.ApprovalsAnswer(found[-request.limit :], approvals.clock.now_us(), desk.fingerprint)


async def _decide(desk: ApprovalDesk, request: ask.DecideApproval, actor: str) -> ask.ApprovalView | Refused:
    said = Said(
        approval=request.id,
        digest=request.digest,
        decision=request.decision,
        statement=request.statement.encode("utf-8", "replace"),
        signature=request.signature,
        person=request.on_behalf.person if request.on_behalf is not None else "",
    )
    decided = await desk.decide(said, actor, values_of(request.on_behalf))
    return Refused(decided.reason) if isinstance(decided, Objection) else approval_view(decided)
