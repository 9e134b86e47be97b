"""One suite for every store of virtual keys."""

from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec
import pytest
from tests.support.key_pairs import new_key_pair
from tests.support.trails import FixedEntropy
from tests.support.virtual_keys import HOUR_US, NOW_US, PUBLIC_KEY, networks, new_key

from watchword.adapters.memory.virtual_keys import MemoryVirtualKeys
from watchword.adapters.virtual_keys.key_store import SqlVirtualKeys
from watchword.credentials.restriction import Restrictions
from watchword.gateway.issuing import Half, roll
from watchword.gateway.virtual_key import VirtualKey
from watchword.gateway.virtual_key_store import KeyUse, VirtualKeyStore

Reopen = Callable[[], VirtualKeyStore]


@pytest.fixture(params=["memory", "sqlite"])
def reopen(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Reopen]:
    """Opens the store again, as the next process would."""
    memory, opened = MemoryVirtualKeys(), []

    def again() -> VirtualKeyStore:
        if request.param == "memory":
            return memory
        opened.append(SqlVirtualKeys(tmp_path / "keys.db"))
        return opened[-1]

    yield again
    for store in opened:
        store.close()


def whole_key() -> VirtualKey:
    """A key in which no field has its default."""
    rsa = new_key_pair("RSA")[1]
    parent = new_key("parent \u6d4b\u8bd5 'quoted'", own_orders_only=False)
    child = new_key(
        "child",
        parent,
        half=Half("RSA", rsa),
        restrictions=Restrictions(
            networks("10.0.0.0/8", "2001:db8::/32").networks,
            frozenset(("BTCUSDT", "ETHUSDT")),
            NOW_US + HOUR_US,
        ),
        own_orders_only=False,
        weight_per_minute_max=7,
        orders_per_10s_max=3,
        now_us=NOW_US + 1,
    )
    rolled = roll(child, Half("ED25519", PUBLIC_KEY), HOUR_US, (), FixedEntropy(9), NOW_US + 2)
    assert isinstance(rolled, VirtualKey)
    return msgspec.structs.replace(rolled, revoked_us=NOW_US + 3)


def test_new_store_is_empty(reopen: Reopen) -> None:
    assert list(reopen().load()) == []


def test_key_comes_back_as_it_was_put(reopen: Reopen) -> None:
    key, plain = whole_key(), new_key("plain")
    reopen().put([key, plain])
    assert list(reopen().load()) == [(plain, KeyUse()), (key, KeyUse())]


def test_put_replaces_a_key_with_all_its_versions(reopen: Reopen) -> None:
    key = whole_key()
    store = reopen()
    store.put([key])
    store.record_uses({key.id: KeyUse(NOW_US, "10.0.0.1")})
    fewer = msgspec.structs.replace(key, versions=key.versions[1:], label="other")
    store.put([fewer])
    assert list(reopen().load()) == [(fewer, KeyUse(NOW_US, "10.0.0.1"))]


def test_remove_takes_key_versions_and_uses(reopen: Reopen) -> None:
    gone, stays = new_key("gone"), new_key("stays")
    store = reopen()
    store.put([gone, stays])
    store.record_uses({gone.id: KeyUse(NOW_US, "10.0.0.1"), stays.id: KeyUse(NOW_US, "::1")})
    store.put([], [gone.id, "vk-never"])
    assert list(reopen().load()) == [(stays, KeyUse(NOW_US, "::1"))]
    store.put([gone])
    assert {one.id: use for one, use in reopen().load()}[gone.id] == KeyUse()


def test_uses_are_replaced_and_none_changes_nothing(reopen: Reopen) -> None:
    key = new_key()
    store = reopen()
    store.put([key])
    store.record_uses({key.id: KeyUse(NOW_US, "10.0.0.1")})
    store.record_uses({key.id: KeyUse(NOW_US + 1, "10.0.0.2")})
    store.record_uses({})
    assert list(reopen().load()) == [(key, KeyUse(NOW_US + 1, "10.0.0.2"))]
