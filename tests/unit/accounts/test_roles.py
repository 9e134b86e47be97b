import pytest

from watchword.accounts.roles import ACTIONS, ROLES, Role, actions_of, may, may_act_on, may_assign, reach

READS = {action for action in ACTIONS if action.endswith(".read")}


def test_owner_may_everything_everywhere() -> None:
    assert {action for action in ACTIONS if reach("owner", action) == "ALL"} == set(ACTIONS)


def test_admin_may_all_but_unseal() -> None:
    assert set(ACTIONS) - actions_of("admin") == {"vault.unseal"}


def test_auditor_may_read_all_and_change_only_themselves() -> None:
    assert actions_of("auditor") == READS | {"self.write"}
    assert {reach("auditor", action) for action in READS} == {"ALL"}


def test_trader_reaches_only_what_is_theirs() -> None:
    assert actions_of("trader") == {
        "self.read",
        "self.write",
        "account.read",
        "account.trade",
        "key.read",
        "key.write",
        "virtual.read",
        "virtual.use",
        "credential.read",
        "policy.read",
        "approval.read",
        "approval.decide",
    }
    everywhere = {action for action in ACTIONS if reach("trader", action) == "ALL"}
    assert everywhere == {"self.read", "self.write", "policy.read"}


@pytest.mark.parametrize(
    "action", ["audit.read", "credential.write", "virtual.write", "person.read", "vault.unseal"]
)
def test_trader_is_refused_what_is_others(action: str) -> None:
    assert not may("trader", action)  # type: ignore[arg-type]
    assert reach("trader", action) is None  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("actor", "before", "after", "allowed"),
    [
        ("owner", "trader", "owner", True),
        ("owner", "owner", "trader", True),
        ("owner", None, "owner", True),
        ("admin", "trader", "admin", True),
        ("admin", None, "admin", True),
        ("admin", "trader", "owner", False),
        ("admin", "owner", "trader", False),
        ("admin", None, "owner", False),
        ("trader", None, "trader", False),
        ("auditor", "trader", "auditor", False),
    ],
)
def test_role_is_assigned_by_whom_it_may_be(
    actor: Role, before: Role | None, after: Role, *, allowed: bool
) -> None:
    assert may_assign(actor, before, after) is allowed


def test_only_owners_act_on_owners() -> None:
    allowed = {(actor, subject) for actor in ROLES for subject in ROLES if may_act_on(actor, subject)}
    assert allowed == {("owner", subject) for subject in ROLES} | {
        ("admin", subject) for subject in ROLES if subject != "owner"
    }
