"""The desk: recorded, then stored, then in effect; what fails on the way changes nothing and says so."""

import asyncio
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest
from tests.support.trails import FixedEntropy, TickingClock
from tests.support.vaults import HMAC_SECRET, host_with
from tests.support.virtual_keys import NOW_US, RecordingTrail, new_key

from watchword.adapters.gateway_home import gateway_folder
from watchword.adapters.memory.virtual_keys import MemoryVirtualKeys
from watchword.audit.event import Change, Outcome
from watchword.audit.trail import AuditUnavailable
from watchword.bootstrap import key_desk
from watchword.bootstrap.key_desk import KeyDesk, NewSecret
from watchword.bootstrap.vault_host import VaultHost
from watchword.gateway.virtual_key import VirtualKey
from watchword.gateway.virtual_key_store import KeyUse
from watchword.kernel.errors import InvariantError, StorageError
from watchword.kernel.secret import Secret
from watchword.vault.outcome import NotFound, Refused, Sealed


class Store(MemoryVirtualKeys):
    """Fails on demand, and remembers what had been recorded when it was asked to store."""

    def __init__(self, trail: RecordingTrail) -> None:
        super().__init__()
        self.trail = trail
        self.error: StorageError | None = None
        self.recorded_before: list[int] = []

    def put(self, keys, remove=()) -> None:  # type: ignore[no-untyped-def]
        self.recorded_before.append(len(self.trail.changes))
        if self.error is not None:
            raise self.error
        super().put(keys, remove)

    def record_uses(self, uses) -> None:  # type: ignore[no-untyped-def]
        if self.error is not None:
            raise self.error
        super().record_uses(uses)


def desk_of(
    tmp_path: Path, host: VaultHost | None = None, *keys: VirtualKey
) -> tuple[KeyDesk, RecordingTrail, Store]:
    trail = RecordingTrail()
    store = Store(trail)
    MemoryVirtualKeys.put(store, keys)
    return KeyDesk(tmp_path, store, trail, TickingClock(NOW_US), FixedEntropy(), host), trail, store


def changed(key: VirtualKey) -> tuple[Change, VirtualKey]:
    return Change(action="credential:virtual:issued", actor="test", subject=key.id), key


async def test_change_is_recorded_then_stored_then_in_effect(tmp_path: Path) -> None:
    desk, trail, store = desk_of(tmp_path)
    key = new_key()
    seen: list[int] = []
    desk.registry.on_changed.append(lambda _: seen.append(len(list(store.load()))))
    assert await desk.change([changed(key)]) is None
    assert store.recorded_before == [1]
    assert seen == [1], "stored before it takes effect"
    assert desk.registry.find(key.versions[0].api_key) is not None
    assert trail.events == [changed(key)[0]]


async def test_change_that_cannot_be_recorded_changes_nothing(tmp_path: Path) -> None:
    desk, trail, store = desk_of(tmp_path)
    trail.refuses_after = 0
    with pytest.raises(AuditUnavailable):
        await desk.change([changed(new_key())])
    assert store.recorded_before == []
    assert desk.registry.listed() == []


async def test_changes_recorded_in_part_are_all_undone_in_words(tmp_path: Path) -> None:
    desk, trail, store = desk_of(tmp_path)
    trail.refuses_after = 1
    with pytest.raises(AuditUnavailable):
        await desk.change([changed(new_key("a")), changed(new_key("b"))])
    assert store.recorded_before == []
    assert trail.events[1:] == [Outcome(intent=1, result="not_sent", note="the disk is full")]


async def test_change_that_cannot_be_stored_has_no_effect_and_the_trail_says_so(tmp_path: Path) -> None:
    desk, trail, store = desk_of(tmp_path)
    store.error = StorageError("no space")
    with pytest.raises(StorageError):
        await desk.change([changed(new_key())])
    assert desk.registry.listed() == []
    assert trail.events[1:] == [Outcome(intent=1, result="not_sent", note="no space")]


async def test_hmac_secret_is_in_the_vault_before_its_key_exists(tmp_path: Path) -> None:
    host = host_with(tmp_path / "home")
    desk, trail, store = desk_of(tmp_path, host)
    key = new_key()
    name = key.versions[0].api_key
    store.error = StorageError("no space")
    with pytest.raises(StorageError):
        await desk.change([changed(key)], NewSecret(key.id, name, Secret(HMAC_SECRET)))
    assert not isinstance(host.vault.verifier_for(name), NotFound | Sealed)
    store.error = None
    again = await desk.change([changed(key)], NewSecret(key.id, name, Secret(HMAC_SECRET)))
    assert isinstance(again, Refused), "the vault holds one under this name"
    assert [type(event) for event in trail.events] == [Change, Outcome, Change, Outcome]
    assert desk.registry.find(name) is None
    assert HMAC_SECRET.decode() not in str(trail.events)
    host.close()


async def test_without_an_open_vault_no_hmac_key_is_made(tmp_path: Path) -> None:
    host = host_with(tmp_path / "home")
    host.vault.seal()
    desk, _, store = desk_of(tmp_path, host)
    key = new_key()
    new = NewSecret(key.id, key.versions[0].api_key, Secret(HMAC_SECRET))
    assert desk.vault_problem == Sealed()
    assert await desk.change([changed(key)], new) == Sealed()
    offline, _, _ = desk_of(tmp_path)
    assert offline.vault_problem is not None
    assert isinstance(await offline.change([changed(key)], new), Refused)
    assert store.recorded_before == []
    assert desk.registry.listed() == []
    host.close()


async def test_secrets_nobody_can_use_are_removed_once_the_vault_is_open(tmp_path: Path) -> None:
    host = host_with(tmp_path / "home")
    gone, fine = new_key("gone"), new_key("fine")
    names = [key.versions[0].api_key for key in (gone, fine)]
    for name in names:
        host.vault.add_virtual_key(name, b"{}", Secret(HMAC_SECRET))
    desk, _, _ = desk_of(tmp_path, host, msgspec.structs.replace(gone, revoked_us=5), fine)
    source = host.vault.description()
    host.vault.seal()
    await desk.tidy()
    from tests.support.vaults import PASSPHRASE

    host.unseal(PASSPHRASE)
    assert host.vault.description() == source
    assert not isinstance(host.vault.verifier_for(names[0]), NotFound)
    await desk.tidy()
    await desk.tidy()
    assert isinstance(host.vault.verifier_for(names[0]), NotFound)
    assert not isinstance(host.vault.verifier_for(names[1]), NotFound)
    host.close()


async def test_tending_announces_ends_and_stores_uses(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(key_desk, "TEND_S", 0.001)
    from watchword.credentials.restriction import Restrictions

    key = new_key(restrictions=Restrictions((), frozenset(), NOW_US + 20))
    desk, _, store = desk_of(tmp_path, None, key)
    told: list[str] = []
    desk.registry.on_changed.append(told.append)
    desk.registry.touch(key.id, "10.0.0.1", NOW_US)
    store.error = StorageError("for a moment")
    tending = asyncio.create_task(desk.tend())
    async with asyncio.timeout(10):
        await _until(lambda: told == [key.id])
        store.error = None
        desk.registry.touch(key.id, "10.0.0.2", NOW_US + 1)
        await _until(lambda: next(iter(store.load()))[1] == KeyUse(NOW_US + 1, "10.0.0.2"))
    tending.cancel()
    with pytest.raises(asyncio.CancelledError):
        await tending


async def test_closing_stores_last_uses_and_never_fails(tmp_path: Path) -> None:
    key = new_key()
    desk, _, store = desk_of(tmp_path, None, key)
    desk.registry.touch(key.id, "10.0.0.1", NOW_US)
    desk.close()
    assert next(iter(store.load()))[1] == KeyUse(NOW_US, "10.0.0.1")
    desk.registry.touch(key.id, "10.0.0.1", NOW_US)
    store.error = StorageError("gone")
    desk.close()


async def test_revoked_keys_are_forgotten_once_there_are_many(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(key_desk, "REVOKED_COUNT_MAX", 2)
    keys = [msgspec.structs.replace(new_key(f"k{n}"), revoked_us=10 + n) for n in range(3)]
    fine = new_key("fine")
    desk, _, store = desk_of(tmp_path, None, *keys[:2], fine)
    await desk.change([changed(fine)])
    assert len(list(store.load())) == 3, "an edit forgets nothing"
    await desk.change([changed(keys[2])])
    assert {key.label for key, _ in store.load()} == {"k1", "k2", "fine"}
    assert desk.registry.by_id(keys[0].id) is None


async def test_desk_opened_to_read_refuses_changes(tmp_path: Path) -> None:
    desk = KeyDesk.to_read(tmp_path)
    assert desk.registry.listed() == []
    with pytest.raises(InvariantError):
        await desk.change([changed(new_key())])
    desk.close()
    assert not gateway_folder(tmp_path).exists()


async def _until(done: Callable[[], bool]) -> None:
    while not done():  # noqa: ASYNC110 - what is waited for has no event
        await asyncio.sleep(0.01)
