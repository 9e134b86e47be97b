"""Child and parent: each way of reaching further is named, and ancestors hold at every request."""

import msgspec
import pytest
from tests.support.virtual_keys import (
    HOUR_US,
    NARROWER,
    NOW_US,
    POLICY,
    WIDER,
    networks,
    new_key,
    try_key,
)

from watchword.credentials.restriction import UNRESTRICTED, Restrictions
from watchword.gateway.issuing import KeyRefused, read_key_policy
from watchword.gateway.narrowing import NOWHERE, combined, excess, tightest
from watchword.policy.policy import Policy

EXPIRES = NOW_US + HOUR_US
PARENT = new_key(
    "parent",
    restrictions=msgspec.structs.replace(networks("10.0.0.0/8", "2001:db8::/32"), expires_us=EXPIRES),
    weight_per_minute_max=100,
    orders_per_10s_max=10,
)


def test_child_that_says_nothing_is_as_its_parent() -> None:
    child = new_key("child", PARENT, credential="")
    assert child.parent_id == PARENT.id
    for name in ("credential_id", "policy_text", "policy_digest", "policy_name", "restrictions", "own_orders_only",
                 "weight_per_minute_max", "orders_per_10s_max"):  # fmt: skip
        assert getattr(child, name) == getattr(PARENT, name), name


@pytest.mark.parametrize(
    "terms",
    [
        {"policy_text": NARROWER},
        {"policy_text": POLICY.replace("[read, trade]", "[read]")},
        {"restrictions": msgspec.structs.replace(networks("10.1.2.3"), expires_us=EXPIRES)},
        {
            "restrictions": msgspec.structs.replace(
                networks("10.0.0.0/9", "10.128.0.0/9"), expires_us=EXPIRES - 1
            )
        },
        {"weight_per_minute_max": 99, "orders_per_10s_max": 1},
    ],
)
def test_narrower_child_is_issued(terms: dict[str, object]) -> None:
    new_key("child", PARENT, **terms)


@pytest.mark.parametrize(
    ("terms", "reason"),
    [
        ({"policy_text": WIDER}, "max_order"),
        ({"policy_text": POLICY + "withdrawals: []\n"}, "permission and the address list come together"),
        ({"policy_text": POLICY.replace("max_order: {USDT: 500}\n", "")}, "max_order"),
        ({"restrictions": Restrictions((), frozenset(), EXPIRES)}, "IP list"),
        ({"restrictions": msgspec.structs.replace(networks("10.0.0.0/7"), expires_us=EXPIRES)}, "IP list"),
        (
            {"restrictions": msgspec.structs.replace(networks("10.1.1.1", "11.0.0.0"), expires_us=EXPIRES)},
            "IP list",
        ),
        ({"restrictions": networks("10.1.1.1")}, "outlive"),
        ({"restrictions": msgspec.structs.replace(networks("10.1.1.1"), expires_us=EXPIRES + 1)}, "outlive"),
        ({"own_orders_only": False}, "orders of others"),
        ({"weight_per_minute_max": 101}, "weight"),
        ({"weight_per_minute_max": 0}, "weight"),
        ({"orders_per_10s_max": 11}, "faster"),
        ({"orders_per_10s_max": 0}, "faster"),
    ],
)
def test_wider_child_is_refused_with_the_reason(terms: dict[str, object], reason: str) -> None:
    refused = try_key("child", PARENT, **terms)
    assert isinstance(refused, KeyRefused)
    assert reason in refused.reason


def test_child_of_another_credential_is_refused() -> None:
    refused = try_key("child", PARENT, credential="cred-other")
    assert isinstance(refused, KeyRefused)
    assert "credential" in refused.reason


def test_symbol_list_of_a_parent_binds_its_child() -> None:
    parent = new_key("p", restrictions=Restrictions((), frozenset(("BTCUSDT",))))
    child = new_key("c", parent)
    policy = read_key_policy(POLICY)
    assert isinstance(policy, Policy)
    assert excess(child, policy, parent, policy) is None
    for symbols in ((), ("ETHUSDT",), ("BTCUSDT", "ETHUSDT")):
        wide = msgspec.structs.replace(child, restrictions=Restrictions((), frozenset(symbols)))
        assert excess(wide, policy, parent, policy) == "its symbol list reaches further than its parent's"


def test_lists_with_nothing_in_common_leave_nothing_rather_than_everything() -> None:
    both = combined([networks("10.0.0.0/8"), networks("192.0.2.0/24")])
    assert both.networks == (NOWHERE,)
    for ip in ("10.0.0.1", "192.0.2.1", "::", "0.0.0.0", "::1", ""):
        assert not both.allows_address(ip)
    symbols = combined([Restrictions((), frozenset(("A",))), Restrictions((), frozenset(("B",)))]).symbols
    assert symbols
    assert not symbols & {"A", "B"}


def test_combined_restrictions_are_the_tightest_of_each() -> None:
    line = [
        msgspec.structs.replace(networks("10.0.0.0/8", "192.0.2.7"), expires_us=9),
        UNRESTRICTED,
        msgspec.structs.replace(networks("10.1.0.0/16", "192.0.2.0/24", "2001:db8::1"), expires_us=7),
    ]
    both = combined(line)
    assert [str(one) for one in both.networks] == ["10.1.0.0/16", "192.0.2.7"]
    assert both.expires_us == 7
    assert combined([UNRESTRICTED, UNRESTRICTED]) == UNRESTRICTED


def test_zero_is_no_bound() -> None:
    assert tightest((0, 5, 3)) == 3
    assert tightest((0, 0)) == 0
    assert tightest(()) == 0
