"""One suite for everything that calls itself a key store."""

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import msgspec
import pytest

from watchword.adapters.memory.keys import MemoryKeyStore
from watchword.adapters.sql.key_store import SqlKeyStore
from watchword.adapters.system import SystemEntropy
from watchword.credentials.key_directory import IssuedKey, KeyDirectory, KeyRefused, KeyStore, KeyTerms
from watchword.credentials.keypair import generate, hmac_signer
from watchword.credentials.restriction import Network, Restrictions, read_networks
from watchword.kernel.errors import StorageError
from watchword.kernel.secret import Secret

#: Of version 0001.
FIRST_COLUMNS = frozenset(
    [
        "api_key",
        "account_id",
        "key_type",
        "sealed_secret",
        "public_der",
        "label",
        "permissions",
        "networks",
        "symbols",
        "expires_us",
        "created_us",
        "last_used_us",
    ]
)
Reopen = Callable[[], KeyStore]


@pytest.fixture(params=["memory", "sql"])
def reopen(request: pytest.FixtureRequest, tmp_path: Path) -> Reopen:
    """Opens the same store again, as after a restart."""
    if request.param == "memory":
        store = MemoryKeyStore()
        return lambda: store
    return lambda: SqlKeyStore(tmp_path / "keys.db", tmp_path / "hmac.key")


def directory(reopen: Reopen) -> KeyDirectory:
    return KeyDirectory(reopen(), SystemEntropy())


def issued(
    keys: KeyDirectory, key_type: str = "HMAC", der: bytes = b"", terms: KeyTerms | None = None
) -> IssuedKey:
    made = keys.issue(1, key_type, der, terms or KeyTerms(), 1_000)  # type: ignore[arg-type]
    assert isinstance(made, IssuedKey)
    return made


def test_key_and_secret_are_64_alphanumerics(reopen: Reopen) -> None:
    made = issued(directory(reopen))
    for text in (made.record.api_key, made.secret_key):
        assert len(text) == 64
        assert text.isascii()
        assert text.isalnum()


def test_hmac_key_still_verifies_after_reopening(reopen: Reopen) -> None:
    made = issued(directory(reopen))
    found = directory(reopen).find(made.record.api_key)
    assert found is not None
    signature = hmac_signer(Secret(made.secret_key.encode())).sign(b"payload")
    assert found.verifier.verify(b"payload", signature)
    assert not found.verifier.verify(b"payloaD", signature)


@pytest.mark.parametrize(("kind", "key_type"), [("ed25519", "ED25519"), ("rsa-2048", "RSA")])
def test_public_key_still_verifies_after_reopening(reopen: Reopen, kind: str, key_type: str) -> None:
    private = generate(kind, SystemEntropy())  # type: ignore[arg-type]
    made = issued(directory(reopen), key_type, private.public.der)
    assert made.secret_key == ""
    found = directory(reopen).find(made.record.api_key)
    assert found is not None
    assert found.verifier.verify(b"payload", private.signer().sign(b"payload"))


def test_terms_survive_and_edits_replace_them(reopen: Reopen) -> None:
    networks = read_networks(["10.0.0.0/8", "2001:db8::1"])
    assert isinstance(networks, tuple)
    assert all(isinstance(network, Network) for network in networks)
    terms = KeyTerms(
        "bot 这是",
        frozenset(("READING", "SPOT_AND_MARGIN_TRADING")),
        Restrictions(networks, frozenset(("BTCUSDT", "这是测试币456")), 9_999_999),
    )
    keys = directory(reopen)
    made = issued(keys, terms=terms)
    stored = directory(reopen).record(made.record.api_key)
    assert stored is not None
    assert stored.terms == terms
    changed = msgspec.structs.replace(terms, label="other")
    assert not isinstance(keys.edit(made.record.api_key, changed, 1_000), KeyRefused)
    stored = directory(reopen).record(made.record.api_key)
    assert stored is not None
    assert stored.terms == changed
    found = keys.find(made.record.api_key)
    assert found is not None
    assert found.label == "other"


def test_deleted_key_is_gone_at_once_and_after_reopening(reopen: Reopen) -> None:
    keys = directory(reopen)
    made = issued(keys)
    revoked: list[str] = []
    keys.on_revoked.append(revoked.append)
    keys.delete(made.record.api_key)
    assert keys.find(made.record.api_key) is None
    assert revoked == [made.record.api_key]
    assert directory(reopen).find(made.record.api_key) is None
    assert isinstance(keys.delete(made.record.api_key), KeyRefused)


def test_key_that_may_not_read_any_more_is_revoked(reopen: Reopen) -> None:
    keys = directory(reopen)
    made = issued(keys)
    revoked: list[str] = []
    keys.on_revoked.append(revoked.append)
    keys.edit(made.record.api_key, KeyTerms(permissions=frozenset(("SPOT_AND_MARGIN_TRADING",))), 1_000)
    assert revoked == [made.record.api_key]


def test_last_use_is_stored_by_a_flush(reopen: Reopen) -> None:
    keys = directory(reopen)
    made = issued(keys)
    keys.touch(made.record.api_key, 776)
    keys.touch(made.record.api_key, 777, "192.0.2.7", "order.place")
    keys.touch("unknown", 778)
    shown = keys.record(made.record.api_key)
    keys.flush_uses()
    stored = directory(reopen).record(made.record.api_key)
    for record in (shown, stored, keys.record(made.record.api_key)):
        assert record is not None
        assert (record.last_used_us, record.last_used_ip, record.last_used_for) == (
            777, "192.0.2.7", "order.place",
        )  # fmt: skip


def test_edit_keeps_the_last_use_and_a_flush_keeps_the_terms(reopen: Reopen) -> None:
    keys = directory(reopen)
    made = issued(keys)
    keys.touch(made.record.api_key, 777, "192.0.2.7", "order.place")
    changed = keys.edit(made.record.api_key, KeyTerms("new"), 1_000)
    assert not isinstance(changed, KeyRefused)
    assert changed.last_used_us == 777
    keys.flush_uses()
    stored = directory(reopen).record(made.record.api_key)
    assert stored is not None
    assert (stored.terms.label, stored.last_used_us) == ("new", 777)


def test_all_keys_of_one_account_go_and_those_of_another_stay(reopen: Reopen) -> None:
    keys = directory(reopen)
    mine = {issued(keys).record.api_key for _ in range(3)}
    other = keys.issue(2, "HMAC", b"", KeyTerms(), 1_000)
    assert isinstance(other, IssuedKey)
    revoked: list[str] = []
    keys.on_revoked.append(revoked.append)
    assert {record.api_key for record in keys.delete_all(1)} == mine == set(revoked)
    for one in (keys, directory(reopen)):
        assert [record.api_key for record in one.records()] == [other.record.api_key]
    assert keys.delete_all(1) == []


def test_trading_is_taken_from_several_keys_and_stays_taken(reopen: Reopen) -> None:
    keys = directory(reopen)
    trader = KeyTerms("bot", frozenset(("READING", "SPOT_AND_MARGIN_TRADING", "FUTURES")))
    first, second, third = (issued(keys, terms=trader).record.api_key for _ in range(3))
    edited: list[str] = []
    keys.on_edited.append(edited.append)
    taken = keys.take_trading({first: 5_000, second: 6_000, "unknown": 1})
    assert [record.api_key for record in taken] == edited == [first, second]
    for one in (keys, directory(reopen)):
        changed, kept = one.record(second), one.record(third)
        assert changed is not None
        assert kept is not None
        assert (changed.terms, changed.idle_from_us) == (KeyTerms("bot"), 6_000)
        assert (kept.terms, kept.idle_from_us) == (trader, 0)
        found = one.find(first)
        assert found is not None
        assert found.permissions == {"READING"}


def test_special_key_stays_special_through_edits_and_reopening(reopen: Reopen) -> None:
    keys = directory(reopen)
    plain = issued(keys).record
    made = keys.issue(1, "HMAC", b"", KeyTerms("fast"), 1_000, special="BTCUSDT")
    assert isinstance(made, IssuedKey)
    keys.edit(made.record.api_key, KeyTerms("faster"), 2_000)
    keys.touch(made.record.api_key, 3_000)
    keys.flush_uses()
    for opened in (keys, directory(reopen)):
        record = opened.record(made.record.api_key)
        assert record is not None
        assert (record.special, record.terms.label) == ("BTCUSDT", "faster")
        other = opened.record(plain.api_key)
        assert other is not None
        assert other.special == ""


def test_thirty_keys_per_account(reopen: Reopen) -> None:
    keys = directory(reopen)
    for _ in range(30):
        issued(keys)
    refused = keys.issue(1, "HMAC", b"", KeyTerms(), 1_000)
    assert isinstance(refused, KeyRefused)
    assert "30" in refused.reason
    assert isinstance(keys.issue(2, "HMAC", b"", KeyTerms(), 1_000), IssuedKey)


def test_expiry_in_the_past_and_long_labels_are_refused(reopen: Reopen) -> None:
    keys = directory(reopen)
    for terms in (KeyTerms(restrictions=Restrictions(expires_us=999)), KeyTerms("x" * 65), KeyTerms("a\nb")):
        assert isinstance(keys.issue(1, "HMAC", b"", terms, 1_000), KeyRefused)
    assert keys.records() == []


class FailingStore(MemoryKeyStore):
    """Stores nothing any more."""

    def _fail(self, *_: object) -> None:
        raise StorageError("disk full")

    insert = update = delete = _fail  # type: ignore[assignment]


def test_change_that_was_not_stored_has_not_happened() -> None:
    store = MemoryKeyStore()
    made = issued(KeyDirectory(store, SystemEntropy()))
    failing = FailingStore()
    failing._rows = store._rows
    keys = KeyDirectory(failing, SystemEntropy())
    before = keys.record(made.record.api_key)
    with pytest.raises(StorageError):
        keys.issue(1, "HMAC", b"", KeyTerms(), 1_000)
    with pytest.raises(StorageError):
        keys.delete(made.record.api_key)
    with pytest.raises(StorageError):
        keys.edit(made.record.api_key, KeyTerms("new"), 1_000)
    with pytest.raises(StorageError):
        keys.delete_all(1)
    with pytest.raises(StorageError):
        keys.take_trading({made.record.api_key: 1})
    assert keys.records() == [before]
    assert keys.find(made.record.api_key) is not None


def test_version_constant_is_the_newest_migration() -> None:
    from watchword.adapters.sql import migrations
    from watchword.adapters.sql.version import HEAD

    files = sorted(path.name for path in (Path(migrations.__file__).parent / "versions").glob("[0-9]*.py"))
    assert files[-1].startswith(f"{HEAD}_")


def test_home_of_the_first_version_goes_on_with_its_keys(tmp_path: Path) -> None:
    store = SqlKeyStore(tmp_path / "keys.db", tmp_path / "hmac.key")
    made = issued(KeyDirectory(store, SystemEntropy()))
    store.close()
    with closing(sqlite3.connect(tmp_path / "keys.db")) as connection, connection:
        columns = [row[1] for row in connection.execute("PRAGMA table_info(api_key)")]
        for column in columns:
            if column not in FIRST_COLUMNS:
                connection.execute(f"ALTER TABLE api_key DROP COLUMN {column}")
        connection.execute("UPDATE alembic_version SET version_num = '0001'")
    reopened = SqlKeyStore(tmp_path / "keys.db", tmp_path / "hmac.key")
    keys = KeyDirectory(reopened, SystemEntropy())
    assert keys.record(made.record.api_key) == made.record
    found = keys.find(made.record.api_key)
    assert found is not None
    assert found.verifier.verify(b"x", hmac_signer(Secret(made.secret_key.encode())).sign(b"x"))
    reopened.close()
