"""What changed at a gateway since somebody last asked: asked every second while a person looks, so it is cheap.

Names only, no key's content and no order's. Never changes anything itself.
"""

import msgspec

from watchword.entrypoints.gateway.admin.base import Request
from watchword.gateway.approval import State


class ShowChanges(Request, frozen=True, kw_only=True, tag="gateway.changes"):
    """What changed.

    Attributes:
        after: `next` of the answer before; below 0 for the first question.
        used_after_us: `now_us` of the answer before; 0 for the first question.
    """

    after: int = -1
    used_after_us: int = 0


class ApprovalMark(msgspec.Struct, frozen=True):
    """A request that is not over yet.

    Attributes:
        said: How many said yes so far.
        approvers: Who has a say.
    """

    id: str
    state: State
    said: int
    approvers: list[str]


class ChangesAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """What changed.

    Attributes:
        began_us: When the counting began; another one means that anything may have changed.
        next: To be given as `after`.
        now_us: To be given as `used_after_us`.
        missed: Something that changed is forgotten: take everything as changed.
        keys: Ids of virtual keys that were issued, changed, revoked, have ended or were used.
        approvals: All requests that people can still say something to, or whose yes is not used yet.
    """

    began_us: int
    next: int
    now_us: int
    missed: bool
    keys: list[str]
    approvals: list[ApprovalMark]
