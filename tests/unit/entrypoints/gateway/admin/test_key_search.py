"""Finding virtual keys: each filter with what it must leave out, orders, pages, and the plain list as it was."""

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from tests.support.key_pairs import new_key_pair
from tests.support.trails import FixedEntropy
from tests.support.virtual_keys import HOUR_US, NOW_US, POLICY, READ_ONLY, new_key

from watchword.adapters.memory.virtual_keys import MemoryVirtualKeys
from watchword.bootstrap.key_desk import KeyDesk
from watchword.credentials.restriction import Restrictions
from watchword.entrypoints.gateway.admin import policy_search
from watchword.entrypoints.gateway.admin.key_search import find_keys
from watchword.entrypoints.gateway.admin.listener import answer
from watchword.entrypoints.gateway.admin.policy_search import find_policies
from watchword.entrypoints.gateway.admin.requests import (
    ListAnswer,
    ListKeys,
    ListPolicies,
    PoliciesAnswer,
    write_request,
)
from watchword.entrypoints.gateway.admin.views import children_of, credentials_of, state_of, view_of
from watchword.gateway.issuing import Half
from watchword.vault.outcome import Refused


class HandClock:
    def now_us(self) -> int:
        return NOW_US + 10 * HOUR_US


def public() -> Half:
    return Half("ED25519", new_key_pair("ED25519")[1])


GRID = new_key("Grid 1", half=public(), now_us=NOW_US + 1)
NARROW = new_key("narrow", GRID, half=public(), seed=1, now_us=NOW_US + 2)
SHORT = new_key(
    "short", half=public(), seed=2, now_us=NOW_US + 3, restrictions=Restrictions(expires_us=NOW_US + HOUR_US)
)
LONG = new_key(
    "grid 2", seed=3, now_us=NOW_US + 4, restrictions=Restrictions(expires_us=NOW_US + 30 * HOUR_US)
)
LOOKER = new_key(
    "looker", half=public(), seed=4, now_us=NOW_US + 5, policy_text=READ_ONLY, credential="cred-spare"
)
GONE = new_key("gone", half=public(), seed=5, now_us=NOW_US + 6)
HEIR = new_key("heir", GONE, half=public(), seed=6, now_us=NOW_US + 7)


@pytest.fixture
def desk(tmp_path: Path) -> KeyDesk:
    from msgspec.structs import replace

    store = MemoryVirtualKeys()
    gone = replace(GONE, revoked_us=NOW_US + HOUR_US)
    broken = replace(
        HEIR, id="vk-broken", label="broken", parent_id="vk-nobody", versions=(), created_us=NOW_US + 8
    )
    store.put([GRID, NARROW, SHORT, LONG, LOOKER, gone, HEIR, broken])
    made = KeyDesk(tmp_path, store, None, HandClock(), FixedEntropy())
    made.registry.touch(LONG.id, "10.0.0.2", NOW_US + 5)
    made.registry.touch(GRID.id, "10.0.0.1", NOW_US + 9)
    return made


def found(desk: KeyDesk, **fields: Any) -> ListAnswer:
    answered = find_keys(desk, ListKeys(**fields))
    assert isinstance(answered, ListAnswer), answered
    return answered


def labels(desk: KeyDesk, **fields: Any) -> list[str]:
    return [key.label for key in found(desk, **fields).keys]


async def test_list_without_paging_is_answered_as_before(desk: KeyDesk) -> None:
    said = json.loads(await answer(desk, write_request(ListKeys()), "me"))["result"]
    assert set(said) == {"keys"}
    assert [key["label"] for key in said["keys"]] == [
        "Grid 1", "narrow", "short", "grid 2", "looker", "heir", "broken",
    ]  # fmt: skip
    assert "gone" in labels(desk, revoked=True)


def test_view_in_a_list_is_the_view_of_one(desk: KeyDesk) -> None:
    registry, now_us = desk.registry, desk.clock.now_us()
    one_by_one = [view_of(registry, key, credentials_of(desk.home), now_us) for key in registry.listed()]
    assert found(desk, revoked=True).keys == one_by_one
    assert children_of(registry.listed()) == {
        GRID.id: [NARROW.id],
        GONE.id: [HEIR.id],
        "vk-nobody": ["vk-broken"],
    }


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        ({"query": "GRID"}, ["Grid 1", "narrow", "short", "grid 2", "heir", "broken"]),
        ({"query": "grid 2"}, ["grid 2"]),
        ({"query": "grid 3"}, []),
        ({"query": SHORT.id[:9]}, ["short"]),
        ({"query": SHORT.id[3:9]}, []),
        ({"query": SHORT.versions[0].api_key[:20].lower()}, ["short"]),
        ({"query": "look"}, ["looker"]),
        ({"key_type": "HMAC"}, ["grid 2"]),
        ({"key_type": "RSA"}, []),
        ({"credential": "cred-spare"}, ["looker"]),
        ({"credential": "cred"}, []),
        ({"state": "works"}, ["Grid 1", "narrow", "grid 2", "looker"]),
        ({"state": "expired"}, ["short"]),
        ({"state": "revoked"}, ["gone"]),
        ({"state": "parent revoked"}, ["heir"]),
        ({"state": "faulty"}, ["broken"]),
        ({"ids": frozenset({GRID.id, GONE.id})}, ["Grid 1"]),
        ({"ids": frozenset()}, []),
        ({"query": "gone"}, []),
        ({"query": "gone", "revoked": True}, ["gone"]),
    ],
)
def test_filter_takes_what_was_asked_for(desk: KeyDesk, wanted: dict[str, Any], expected: list[str]) -> None:
    assert labels(desk, **wanted) == expected
    assert labels(desk, **wanted, limit=500) == expected


def test_states_of_filter_and_view_are_the_same(desk: KeyDesk) -> None:
    registry, now_us = desk.registry, desk.clock.now_us()
    for key in registry.listed():
        state = state_of(registry, key, now_us)
        plain = state if state in {"works", "expired", "revoked", "parent revoked"} else "faulty"
        assert key.label in labels(desk, state=plain)


def test_order_is_what_was_asked_for(desk: KeyDesk) -> None:
    assert labels(desk, sort="label")[:3] == ["broken", "Grid 1", "grid 2"]
    assert labels(desk, sort="last_used")[-2:] == ["grid 2", "Grid 1"]
    assert labels(desk, sort="last_used", descending=True)[:2] == ["Grid 1", "grid 2"]
    assert labels(desk, sort="expires")[:2] == ["short", "grid 2"]


@pytest.mark.parametrize("order", ["created", "label", "last_used", "expires"])
@pytest.mark.parametrize("descending", [False, True])
def test_pages_hold_every_key_once(desk: KeyDesk, order: str, descending: bool) -> None:
    whole = [key.id for key in found(desk, sort=order, descending=descending).keys]
    seen: list[str] = []
    cursor = ""
    for _ in range(4):
        page = found(desk, sort=order, descending=descending, limit=2, cursor=cursor)
        assert page.total == 7
        seen += [key.id for key in page.keys]
        cursor = page.next
    assert seen == whole
    assert not cursor


@pytest.mark.parametrize(
    ("fields", "told"), [({"cursor": "nonsense"}, "begin again"), ({"query": "x" * 257}, "256")]
)
def test_list_that_cannot_be_made_is_refused(desk: KeyDesk, fields: dict[str, Any], told: str) -> None:
    refused = find_keys(desk, ListKeys(**fields))
    assert isinstance(refused, Refused)
    assert told in str(refused)


@pytest.mark.parametrize(
    "line",
    [b'{"op":"key.list","limit":0}', b'{"op":"key.list","limit":501}', b'{"op":"key.list","state":"dead"}',
     b'{"op":"key.list","sort":"policy_text"}'],
)  # fmt: skip
async def test_list_out_of_bounds_is_no_request(desk: KeyDesk, line: bytes) -> None:
    assert "not a request" in json.loads(await answer(desk, line, "me"))["error"]


def test_list_knows_a_key_held_after_it_was_made(desk: KeyDesk) -> None:
    before = labels(desk)
    late = new_key("late", half=public(), seed=9, now_us=NOW_US, policy_text=POLICY)
    desk.registry.hold([late], NOW_US)
    assert labels(desk) == ["late", *before]
    desk.registry.hold([], NOW_US, [late.id])
    assert labels(desk) == before


def policies(desk: KeyDesk, **fields: Any) -> PoliciesAnswer:
    answered = find_policies(desk, ListPolicies(**fields))
    assert isinstance(answered, PoliciesAnswer), answered
    return answered


def test_policies_are_those_of_keys_in_force_with_some_of_these(
    desk: KeyDesk, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = policies(desk)
    listed = [key for key in desk.registry.listed() if not key.revoked_us]
    assert {(one.name, one.sha256): one.count for one in whole.policies} == Counter(
        (key.policy_name, key.policy_digest) for key in listed
    )
    assert (whole.total, whole.next) == (len(whole.policies), "")
    assert "gone" not in {key.label for one in whole.policies for key in one.keys}
    monkeypatch.setattr(policy_search, "KEYS_NAMED", 1)
    most = max(policies(desk).policies, key=lambda one: one.count)
    assert most.count > len(most.keys) == 1


def test_policies_come_a_page_at_a_time(desk: KeyDesk) -> None:
    whole = policies(desk).policies
    walked, cursor = [], ""
    while True:
        page = policies(desk, limit=1, cursor=cursor)
        assert page.total == len(whole)
        walked += page.policies
        cursor = page.next
        if not cursor:
            break
    assert walked == whole
    assert len(whole) > 1


def test_policies_are_found_by_name_label_and_id_within_reach(desk: KeyDesk) -> None:
    assert [one.name for one in policies(desk, query="LOOK").policies] == ["look"]
    assert [
        one.name for one in policies(desk, query=LOOKER.id[:9].upper()).policies if one.name == "look"
    ] == ["look"]
    assert [one.name for one in policies(desk, ids=frozenset({LOOKER.id})).policies] == ["look"]
    assert policies(desk, ids=frozenset()).policies == []
    assert policies(desk, query="no such policy").total == 0
    assert isinstance(find_policies(desk, ListPolicies(query="x" * 1_000)), Refused)
