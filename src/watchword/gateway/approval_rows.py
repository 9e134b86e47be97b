"""What the trail says about approvals: asked, confirmed, refused, lapsed, used, and what was said and did not count.

Every row names the request's digest, and the people it is about. Never records anything itself.
"""

from collections.abc import Mapping
from typing import Final, Literal, TypeAlias

from watchword.audit.event import Change
from watchword.gateway.approval import Approval

What: TypeAlias = Literal["asked", "confirmed", "refused", "lapsed", "used", "objected"]

#: Who acts where nobody does.
WATCHWORD: Final = "watchword"


def change_of(what: What, approval: Approval, actor: str, values: Mapping[str, str]) -> Change:
    """Describe what happened to an approval.

    Args:
        what: Which.
        approval: As it is then.
        actor: The person, the key that asked, or WATCHWORD.
        values: Further ones; empty ones are left out.
    """
    about = {
        "digest": approval.digest,
        "key": approval.key_id,
        "operation": approval.operation,
        "rules": "; ".join(demand.title for demand in approval.demands),
        "approvers": " or ".join(approval.approvers),
        "approved_by": approval.people,
        "mode": approval.mode,
    }
    # Parameters first: what a bot calls its own never hides what we say.
    asked = approval.params if what == "asked" else {}
    given = {name: value for name, value in {**about, **values}.items() if value}
    return Change(action=f"approval:{what}", actor=actor, subject=approval.id, values={**asked, **given})
