"""Issuing, editing, rolling, revoking: what the key is then, and each refusal."""

import msgspec
import pytest
from tests.support.key_pairs import new_key_pair
from tests.support.trails import FixedEntropy
from tests.support.virtual_keys import (
    HOUR_US,
    NOW_US,
    POLICY,
    PUBLIC_KEY,
    READ_ONLY,
    WIDER,
    networks,
    new_key,
    try_key,
)

from watchword.gateway import issuing
from watchword.gateway.issuing import (
    Half,
    KeyRefused,
    Terms,
    descendants,
    digest_of,
    edit,
    issue,
    read_key_policy,
    revoke,
    roll,
)
from watchword.gateway.key_format import is_virtual_key
from watchword.gateway.virtual_key import VirtualKey
from watchword.policy.policy import Policy

PRIVATE_KEY, RSA_KEY = new_key_pair("ED25519")[0], new_key_pair("RSA")[1]


def refused(found: object) -> str:
    """The reason."""
    assert isinstance(found, KeyRefused), found
    return str(found)


def rolled(key: VirtualKey, overlap_us: int, now_us: int, half: Half | None = None) -> VirtualKey:
    """Roll a key that must roll."""
    found = roll(key, half or Half("HMAC"), overlap_us, (key,), FixedEntropy(now_us % 997), now_us)
    assert isinstance(found, VirtualKey), found
    return found


def test_new_key_has_what_was_asked_for() -> None:
    key = new_key("  grid ", half=Half("ED25519", PUBLIC_KEY), restrictions=networks("10.0.0.1"))
    (version,) = key.versions
    assert is_virtual_key(version.api_key)
    assert (version.key_type, version.public_key, version.ends_us) == ("ED25519", PUBLIC_KEY, 0)
    assert (key.label, key.policy_name, key.policy_text) == ("grid", "grid", POLICY)
    assert key.policy_digest == digest_of(POLICY)
    assert key.own_orders_only
    assert key.id.startswith("vk-")
    assert len(key.id) == 15
    assert (key.created_us, key.revoked_us, key.parent_id) == (NOW_US, 0, "")


def test_public_key_of_any_dialect_is_kept_as_pem() -> None:
    bare = "".join(PUBLIC_KEY.splitlines()[1:-1])
    assert new_key("k", half=Half("ED25519", bare)).versions[0].public_key == PUBLIC_KEY


@pytest.mark.parametrize(
    ("terms", "half", "reason"),
    [
        ({"label": ""}, None, "label"),
        ({"label": "x" * 65}, None, "label"),
        ({"label": "a\nb"}, None, "label"),
        ({"label": "vk-abc"}, None, "vk-"),
        ({"label": "taken"}, None, "already"),
        ({"policy_text": None}, None, "needs a policy"),
        ({"policy_text": ""}, None, "needs a policy"),
        ({"policy_text": "version: 1\nname: x\npermissions: [fly]\n"}, None, "line 3"),
        ({"policy_text": "#" * 300_000}, None, "bytes"),
        (
            {"restrictions": msgspec.structs.replace(networks("10.0.0.1"), expires_us=NOW_US)},
            None,
            "over already",
        ),
        ({"weight_per_minute_max": -1}, None, "budget"),
        ({"orders_per_10s_max": 2_000_000}, None, "budget"),
        ({}, Half("ED25519"), "public key"),
        ({}, Half("ED25519", "nonsense"), "public key"),
        ({}, Half("ED25519", PRIVATE_KEY), "public key"),
        ({}, Half("ED25519", RSA_KEY), "of type RSA, not ED25519"),
        ({}, Half("RSA", PUBLIC_KEY), "of type ED25519, not RSA"),
        ({}, Half("HMAC", PUBLIC_KEY), "no public key"),
        ({}, Half("ED25519", PUBLIC_KEY), "has this public key already"),
    ],
)
def test_key_that_cannot_be_is_refused_with_the_reason(
    terms: dict[str, object], half: Half | None, reason: str
) -> None:
    other = new_key("taken", half=Half("ED25519", PUBLIC_KEY))
    given = {"label": "fine", **terms}
    label = str(given.pop("label"))
    assert reason in refused(try_key(label, others=(other,), half=half, seed=500, **given))


def test_key_needs_a_credential_or_a_parent() -> None:
    assert "credential" in refused(try_key("k", credential=""))


def test_label_and_public_key_of_a_revoked_key_are_free_again() -> None:
    gone = msgspec.structs.replace(new_key("bot", half=Half("ED25519", PUBLIC_KEY)), revoked_us=1)
    assert new_key("bot", others=(gone,), half=Half("ED25519", PUBLIC_KEY)).label == "bot"


def test_number_of_keys_and_generations_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(issuing, "KEYS_COUNT_MAX", 2)
    one, two = new_key("one"), new_key("two")
    assert "revoke one first" in refused(try_key("three", others=(one, two)))
    assert new_key("three", others=(one, msgspec.structs.replace(two, revoked_us=5)))
    monkeypatch.setattr(issuing, "GENERATIONS_COUNT_MAX", 2)
    monkeypatch.setattr(issuing, "KEYS_COUNT_MAX", 9)
    child = new_key("child", one)
    assert "descends" in refused(try_key("grandchild", child, one))


def test_child_of_a_revoked_key_is_refused() -> None:
    parent = msgspec.structs.replace(new_key("p"), revoked_us=7)
    assert "is revoked" in refused(try_key("c", parent))
    grandparent, parent = parent, new_key("p2")
    assert "is revoked" in refused(try_key("c", parent, grandparent))


def test_child_is_held_to_every_ancestor_not_only_the_nearest() -> None:
    grandparent = new_key("g")
    parent = msgspec.structs.replace(new_key("p", grandparent), policy_text=WIDER)
    assert "max_order" in refused(try_key("c", parent, grandparent, policy_text=WIDER))


def test_edit_changes_what_is_given_and_nothing_else() -> None:
    key = new_key("bot", restrictions=networks("10.0.0.1"), weight_per_minute_max=7)
    changed = edit(key, Terms(policy_text=READ_ONLY), (), (key,), NOW_US)
    assert changed == msgspec.structs.replace(
        key, policy_text=READ_ONLY, policy_name="look", policy_digest=digest_of(READ_ONLY)
    )
    for terms in (Terms(), Terms(label="bot"), Terms(weight_per_minute_max=7)):
        assert edit(key, terms, (), (key,), NOW_US) == key


def test_edit_of_an_expired_key_may_leave_the_expiry_alone() -> None:
    key = new_key("bot", restrictions=msgspec.structs.replace(networks("10.0.0.1"), expires_us=NOW_US + 1))
    late = NOW_US + HOUR_US
    assert isinstance(edit(key, Terms(label="old bot"), (), (key,), late), VirtualKey)
    assert "over already" in refused(edit(key, Terms(restrictions=key.restrictions), (), (key,), late))


def test_edit_never_widens_past_a_parent_and_never_revives() -> None:
    parent = new_key("p")
    child = new_key("c", parent)
    assert "max_order" in refused(edit(child, Terms(policy_text=WIDER), (parent,), (parent, child), NOW_US))
    gone = msgspec.structs.replace(child, revoked_us=3)
    assert "stays so" in refused(edit(gone, Terms(label="x"), (parent,), (parent, gone), NOW_US))


def test_roll_keeps_the_key_and_ends_the_old_version_after_the_overlap() -> None:
    key = new_key("bot", half=Half("ED25519", PUBLIC_KEY))
    after = rolled(key, HOUR_US, NOW_US + 5)
    old, new = after.versions
    assert old == msgspec.structs.replace(key.versions[0], ends_us=NOW_US + 5 + HOUR_US)
    assert (new.key_type, new.ends_us, new.created_us) == ("HMAC", 0, NOW_US + 5)
    assert new.api_key != old.api_key
    assert msgspec.structs.replace(after, versions=key.versions) == key


def test_roll_without_overlap_ends_the_old_version_at_once() -> None:
    after = rolled(new_key("bot"), 0, NOW_US)
    assert after.versions[0].ends_us == NOW_US


def test_second_roll_never_lengthens_the_first_ones_overlap() -> None:
    first = rolled(new_key("bot"), HOUR_US, NOW_US)
    second = rolled(first, 10 * HOUR_US, NOW_US + 1)
    assert [one.ends_us for one in second.versions] == [NOW_US + HOUR_US, NOW_US + 1 + 10 * HOUR_US, 0]
    third = rolled(second, 0, NOW_US + 2)
    assert [one.ends_us for one in third.versions] == [NOW_US + 2, NOW_US + 2, NOW_US + 2, 0]


def test_versions_that_work_and_versions_that_are_remembered_are_bounded() -> None:
    key = new_key("bot")
    for _ in range(2):
        key = rolled(key, HOUR_US, NOW_US)
    assert "still work" in refused(roll(key, Half("HMAC"), HOUR_US, (key,), FixedEntropy(5), NOW_US))
    for number in range(40):
        key = rolled(key, 0, NOW_US + number)
    assert len(key.versions) == issuing.ENDED_VERSIONS_COUNT_MAX + 1
    assert len({version.api_key for version in key.versions}) == len(key.versions)


@pytest.mark.parametrize("overlap_us", [-1, issuing.OVERLAP_US_MAX + 1])
def test_roll_with_an_impossible_overlap_is_refused(overlap_us: int) -> None:
    assert "overlap" in refused(roll(new_key(), Half("HMAC"), overlap_us, (), FixedEntropy(), NOW_US))


def test_roll_to_the_same_public_key_is_refused() -> None:
    key = new_key("bot", half=Half("ED25519", PUBLIC_KEY))
    again = roll(key, Half("ED25519", PUBLIC_KEY), 0, (key,), FixedEntropy(), NOW_US)
    assert "make a new pair" in refused(again)


def test_revoking_takes_all_descendants_along() -> None:
    top = new_key("top")
    mid = new_key("mid", top)
    low = new_key("low", mid, top)
    gone = msgspec.structs.replace(new_key("gone", top), revoked_us=1)
    other = new_key("other")
    every = (top, mid, low, gone, other)
    assert {key.label for key in descendants(top.id, every)} == {"mid", "low", "gone"}
    found = revoke(top, every, NOW_US)
    assert not isinstance(found, KeyRefused)
    assert found[0].id == top.id
    assert {(key.label, key.revoked_us) for key in found} == {
        (name, NOW_US) for name in ("top", "mid", "low")
    }
    assert "already" in refused(revoke(found[0], every, NOW_US))
    assert "stays so" in refused(roll(found[0], Half("HMAC"), 0, every, FixedEntropy(), NOW_US))


def test_ring_of_parents_ends() -> None:
    one, two = new_key("one"), new_key("two")
    ring = (msgspec.structs.replace(one, parent_id=two.id), msgspec.structs.replace(two, parent_id=one.id))
    assert len(descendants(one.id, ring)) == 2


def test_policy_problem_names_how_many_more_there_are() -> None:
    assert "(and 1 more)" in refused(
        read_key_policy("version: 1\nname: x\npermissions: [fly]\nsides: [UP]\n")
    )
    assert isinstance(read_key_policy(POLICY), Policy)


def test_issue_draws_from_the_given_entropy_only() -> None:
    made = [
        issue(Terms(label="k", policy_text=POLICY), Half("HMAC"), "cred-1", (), (), FixedEntropy(3), NOW_US)
        for _ in range(2)
    ]
    assert made[0] == made[1]
