"""Every stored part, changed by one bit, swapped, missing or added, is refused by name; undone, everything opens."""

from collections.abc import Callable

import msgspec
import pytest
from tests.support.vaults import memory_vault, record, reopened

from watchword.adapters.memory.vault import MemoryVaultStore
from watchword.kernel.errors import CorruptStoreError
from watchword.kernel.secret import Secret
from watchword.vault.intake import seal_to
from watchword.vault.outcome import Refused
from watchword.vault.record import encode_record
from watchword.vault.vault import Unsealed, Vault

Damage = Callable[[MemoryVaultStore], None]


def first(store: MemoryVaultStore) -> str:
    return store.secrets()[0].id


def change_row(field: str) -> Damage:
    def damage(store: MemoryVaultStore) -> None:
        row = store.secrets()[0]
        raw = getattr(row, field)
        store._secrets[row.id] = msgspec.structs.replace(row, **{field: raw[:-1] + bytes([raw[-1] ^ 1])})

    return damage


def other_upstream(store: MemoryVaultStore) -> None:
    row = store.secrets()[0]
    raw = row.record.replace(b'"local"', b'"live"')
    assert raw != row.record
    store._secrets[row.id] = msgspec.structs.replace(row, record=raw)


def swap(field: str) -> Damage:
    def damage(store: MemoryVaultStore) -> None:
        one, two = store.secrets()
        store._secrets[one.id] = msgspec.structs.replace(one, **{field: getattr(two, field)})
        store._secrets[two.id] = msgspec.structs.replace(two, **{field: getattr(one, field)})

    return damage


def swap_rows(store: MemoryVaultStore) -> None:
    one, two = store.secrets()
    store._secrets = {
        one.id: msgspec.structs.replace(two, id=one.id),
        two.id: msgspec.structs.replace(one, id=two.id),
    }


def other_version(store: MemoryVaultStore) -> None:
    row = store.secrets()[0]
    store._secrets[row.id] = msgspec.structs.replace(row, version=2)


def other_kind(store: MemoryVaultStore) -> None:
    row = store.secrets()[0]
    store._secrets[row.id] = msgspec.structs.replace(row, kind="virtual_key")


@pytest.mark.parametrize(
    "damage",
    [change_row("record"), change_row("wrapped_dek"), change_row("ciphertext"), other_upstream, other_version,
        other_kind, swap("wrapped_dek"), swap("ciphertext"), swap("record"), swap_rows],
)  # fmt: skip
def test_damaged_row_is_named_and_nothing_is_lost(damage: Damage) -> None:
    vault, store = memory_vault("one", "two")
    vault.seal()
    whole = dict(store._secrets)
    damage(store)
    with pytest.raises(CorruptStoreError, match=first(store)):
        vault.unseal(reopened(vault))
    assert vault.sealed
    store._secrets = whole
    assert vault.unseal(reopened(vault)) == Unsealed(2)


def drop_row(store: MemoryVaultStore) -> None:
    del store._secrets[first(store)]


def drop_all(store: MemoryVaultStore) -> None:
    store._secrets.clear()


def drop_manifest(store: MemoryVaultStore) -> None:
    del store._meta["manifest"]


def old_manifest(store: MemoryVaultStore) -> None:
    raw = store._meta["manifest"]
    store._meta["manifest"] = raw[:-1] + bytes([raw[-1] ^ 1])


@pytest.mark.parametrize("damage", [drop_row, drop_all, drop_manifest, old_manifest])
def test_missing_rows_show(damage: Damage) -> None:
    vault, store = memory_vault("one", "two")
    vault.seal()
    damage(store)
    with pytest.raises(CorruptStoreError, match="missing"):
        vault.unseal(reopened(vault))


def test_row_of_an_earlier_moment_shows() -> None:
    vault, store = memory_vault("one")
    early = store.secrets()[0]
    vault.remove(early.id)
    vault.seal()
    store._secrets[early.id] = early
    with pytest.raises(CorruptStoreError, match="added"):
        vault.unseal(reopened(vault))


def test_row_of_another_vault_does_not_open() -> None:
    vault, store = memory_vault("one")
    _, other = memory_vault("one")
    store._secrets = {first(store): msgspec.structs.replace(other.secrets()[0], id=first(store))}
    vault.seal()
    with pytest.raises(CorruptStoreError):
        vault.unseal(reopened(vault))


@pytest.mark.parametrize("name", ["header", "kek", "source"])
def test_changed_header_source_or_kek_does_not_open(name: str) -> None:
    vault, store = memory_vault("one")
    vault.seal()
    source = reopened(vault)
    raw = store._meta[name]  # type: ignore[index]
    # Still well-formed: another vault id, another salt, another byte.
    twin = raw.replace(b"1", b"2", 1) if name != "kek" else raw[:-1] + bytes([raw[-1] ^ 1])
    if name == "header":
        twin = raw.replace(b'"created_us":1', b'"created_us":2')
    assert twin != raw
    store._meta[name] = twin  # type: ignore[index]
    assert isinstance(vault.unseal(source), Refused)
    store._meta[name] = raw  # type: ignore[index]
    assert vault.unseal(source) == Unsealed(1)


def test_public_key_replaced_in_the_header_shows() -> None:
    """Who swaps the key that secrets are encrypted to is found at the next unseal."""
    vault, store = memory_vault("one")
    _, other = memory_vault()
    vault.seal()
    source = reopened(vault)
    mine = msgspec.json.decode(store._meta["header"])
    theirs = msgspec.json.decode(other._meta["header"])
    store._meta["header"] = msgspec.json.encode(
        {**mine, "public_keyset": theirs["public_keyset"]}, order="deterministic"
    )
    assert isinstance(vault.unseal(source), Refused)


def test_recovery_set_replaced_shows() -> None:
    """Else the next re-wrapping would encrypt the KEK to whoever replaced it."""
    vault, store = memory_vault("one")
    other, theirs = memory_vault()
    vault.new_shares(2, 3, 1)
    other.new_shares(2, 3, 1)
    vault.seal()
    store._meta["recovery"] = theirs._meta["recovery"]
    with pytest.raises(CorruptStoreError):
        vault.unseal(reopened(vault))


def test_intake_key_that_does_not_open_is_named() -> None:
    vault, store = memory_vault("one")
    vault.seal()
    store._meta["intake"] = b"\x01" + b"x" * 60
    with pytest.raises(CorruptStoreError, match="inbox"):
        vault.unseal(reopened(vault))


@pytest.mark.parametrize(
    ("name", "raw", "text"),
    [
        ("header", b"{}", "header is damaged"),
        ("header", b'{"format":2,"vault_id":"","created_us":1,"public_keyset":""}', "format 2"),
        ("source", b"[", "KEK source is damaged"),
    ],
)
def test_unreadable_meta_is_named(name: str, raw: bytes, text: str) -> None:
    vault, store = memory_vault("one")
    source = reopened(vault)
    vault.seal()
    store._meta[name] = raw  # type: ignore[index]
    with pytest.raises(CorruptStoreError, match=text):
        vault.unseal(source) if name == "header" else vault.description()


def test_unreadable_recovery_set_is_named() -> None:
    vault, store = memory_vault("one")
    vault.new_shares(2, 3, 1)
    vault.seal()
    store._meta["recovery"] = b"{}"
    with pytest.raises(CorruptStoreError, match="recovery"):
        vault.unseal_with_shares([])


def test_record_that_is_none_is_named() -> None:
    from watchword.vault.opening import read_records

    _, store = memory_vault("one")
    row = store.secrets()[0]
    with pytest.raises(CorruptStoreError, match=row.id):
        read_records([msgspec.structs.replace(row, record=b"[]")])
    assert read_records([row])[row.id].label == "one"
    assert encode_record(record("one", id=row.id)) == row.record


def test_damage_found_while_unsealed_stops_a_rewrap() -> None:
    vault, store = memory_vault("one")
    assert vault._keyring is not None
    row = store.secrets()[0]
    vault._keyring.rows[row.id] = msgspec.structs.replace(row, wrapped_dek=row.wrapped_dek[:-1] + b"?")
    with pytest.raises(CorruptStoreError):
        vault.rewrap()
    with pytest.raises(CorruptStoreError):
        vault.signer_for(row.id)


def test_unwrapped_bytes_that_are_no_kek_are_named() -> None:
    from watchword.kernel.secret import Secret
    from watchword.vault.envelope import Kek

    with pytest.raises(CorruptStoreError, match="not a KEK"):
        Kek(Secret(b"\xff\xff"))


def test_vault_type_is_final_and_shares_nothing() -> None:
    one, _ = memory_vault("a")
    two, _ = memory_vault("a")
    assert isinstance(one, Vault)
    assert one.records() != two.records()


def test_damaged_public_key_takes_nothing_in() -> None:
    with pytest.raises(CorruptStoreError, match="public key is damaged"):
        seal_to(b"no keyset", Secret(b"x"), b"")


def test_secret_of_another_kind_than_its_record_says_gives_no_signer(monkeypatch: pytest.MonkeyPatch) -> None:
    """It cannot come in; if it did, nothing may be signed with it."""
    vault, _ = memory_vault("main")
    found = vault.records()
    assert isinstance(found, list)
    monkeypatch.setattr("watchword.vault.keyring.signer_of", lambda *_: None)
    with pytest.raises(CorruptStoreError, match="not a key of type HMAC"):
        vault.signer_for(found[0].id)
