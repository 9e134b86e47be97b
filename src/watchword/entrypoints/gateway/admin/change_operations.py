"""Says what changed at a gateway. Waits for nobody: a change that is being made does not hold it up. Changes nothing."""

from typing import TYPE_CHECKING

from watchword.entrypoints.gateway.admin.change_requests import ApprovalMark, ChangesAnswer, ShowChanges

if TYPE_CHECKING:
    from watchword.bootstrap.key_desk import KeyDesk


def show_changes(desk: "KeyDesk", request: ShowChanges) -> ChangesAnswer:
    """Answer what changed since the question before.

    Args:
        desk: Of the home.
        request: Says when that was.
    """
    now_us, log = desk.clock.now_us(), desk.changes
    changed = log.after(request.after)
    used = desk.registry.used_since(request.used_after_us) if request.used_after_us else []
    return ChangesAnswer(
        began_us=log.began_us,
        next=log.count,
        now_us=now_us,
        missed=changed is None,
        keys=list(dict.fromkeys([*(changed or []), *used])),
        approvals=_approvals(desk),
    )


def _approvals(desk: "KeyDesk") -> list[ApprovalMark]:
    if desk.approvals is None:
        return []
    approvals = desk.approvals.approvals
    approvals.sweep()
    return [
        ApprovalMark(one.id, one.state, len(one.confirmations), sorted(one.approvers))
        for one in approvals.listed()
        if not one.ended_us
    ]
