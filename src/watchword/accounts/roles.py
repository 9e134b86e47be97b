"""Which role may do what, and to how much of it. Never looks at a person, a key or a request."""

from typing import Final, Literal, TypeAlias, get_args

Role: TypeAlias = Literal["owner", "admin", "trader", "auditor"]
Action: TypeAlias = Literal[
    "person.read",
    "person.write",
    "role.assign",
    "self.read",
    "self.write",
    "account.read",
    "account.write",
    "account.trade",
    "key.read",
    "key.write",
    "virtual.read",
    "virtual.use",
    "virtual.write",
    "credential.read",
    "credential.write",
    "vault.read",
    "vault.seal",
    "vault.unseal",
    "policy.read",
    "policy.write",
    "approval.read",
    "approval.decide",
    "audit.read",
    "settings.read",
    "settings.write",
]
#: To how much: everything, or what is assigned to the person, owned by them, or names them.
Reach: TypeAlias = Literal["ALL", "ASSIGNED"]

ALL: Final = "ALL"
ASSIGNED: Final = "ASSIGNED"

ROLES: Final[tuple[Role, ...]] = get_args(Role)
ACTIONS: Final[tuple[Action, ...]] = get_args(Action)

_ADMIN_NOT: Final[frozenset[Action]] = frozenset({"vault.unseal"})
_SELF: Final[frozenset[Action]] = frozenset({"self.read", "self.write"})
_TRADER: Final[dict[Action, Reach]] = {
    "self.read": ALL,
    "self.write": ALL,
    "account.read": ASSIGNED,
    "account.trade": ASSIGNED,
    "key.read": ASSIGNED,
    "key.write": ASSIGNED,
    "virtual.read": ASSIGNED,
    "virtual.use": ASSIGNED,
    "credential.read": ASSIGNED,
    "policy.read": ALL,
    "approval.read": ASSIGNED,
    "approval.decide": ASSIGNED,
}
_REACH: Final[dict[Role, dict[Action, Reach]]] = {
    "owner": dict.fromkeys(ACTIONS, ALL),
    "admin": {action: ALL for action in ACTIONS if action not in _ADMIN_NOT},
    "trader": _TRADER,
    "auditor": {action: ALL for action in ACTIONS if action in _SELF or action.endswith(".read")},
}


def may(role: Role, action: Action) -> bool:
    """Whether a role may do this at all. To how much of it, `reach` says."""
    return action in _REACH[role]


def reach(role: Role, action: Action) -> Reach | None:
    """Say to how much a role may do this.

    Returns:
        `ALL`, `ASSIGNED` (the caller filters by assignment, ownership or being named), or None: not at all.
        `self.*` always means the person themselves, whatever the reach.
    """
    return _REACH[role].get(action)


def actions_of(role: Role) -> frozenset[Action]:
    """Return what a role may do; the widest scopes its API tokens can have."""
    return frozenset(_REACH[role])


def may_act_on(actor: Role, subject: Role) -> bool:
    """Whether someone who may write people may change, disable, re-invite or remove one of this role.

    Owners are changed by owners only: otherwise an admin could take an owner's place by inviting them anew.
    """
    return may(actor, "person.write") and (subject != "owner" or actor == "owner")


def may_assign(actor: Role, before: Role | None, after: Role) -> bool:
    """Whether `actor` may give somebody another role.

    Args:
        actor: Role of who does it.
        before: The role the person has; None for somebody who is being invited.
        after: The role they get.
    """
    if not may(actor, "role.assign"):
        return False
    return actor == "owner" or "owner" not in {before, after}
