"""The vault's file and its backups: cut, flipped, swapped. Each is a clear refusal, and what was whole stays whole."""

import random
import sqlite3
from pathlib import Path

import pytest
from tests.support.vaults import HMAC_SECRET, PASSPHRASE, cheap_host, host_with, post, record

from watchword.adapters.vault_store.backup import MAGIC, frame, install, read_backup, unframe
from watchword.adapters.vault_store.sqlite import SqliteVaultStore
from watchword.bootstrap.vault_view import view
from watchword.credentials.keypair import hmac_signer
from watchword.kernel.errors import ConfigurationError, CorruptStoreError, StorageError
from watchword.kernel.secret import Secret
from watchword.vault.outcome import Refused
from watchword.vault.record import RealCredential
from watchword.vault.vault import Unsealed

FLIPS = 120


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A closed vault with three secrets and one in the inbox."""
    host = host_with(tmp_path / "home", "one", "two", "three")
    post(host.store, record("waiting"))
    host.close()
    return tmp_path / "home"


def outcome(home: Path) -> Unsealed | Refused | StorageError:
    """What unsealing gives."""
    host = cheap_host(home)
    try:
        opened = host.unseal(PASSPHRASE)
        if isinstance(opened, Unsealed):
            found = host.vault.records()
            assert isinstance(found, list)
            expected = hmac_signer(Secret(HMAC_SECRET)).sign(b"p")
            assert all(host.vault.signer_for(one.id).sign(b"p") == expected for one in found)  # type: ignore[union-attr]
    except StorageError as error:
        assert host.vault.sealed
        return error
    finally:
        host.close()
    return opened


def test_whole_vault_opens(home: Path) -> None:
    opened = outcome(home)
    assert isinstance(opened, Unsealed)
    assert opened.secrets == 4


def test_any_flipped_bit_is_harmless_or_a_clear_refusal(home: Path) -> None:
    """Never a wrong answer, never another exception, and with the bit back everything opens."""
    path = home / "vault" / "vault.db"
    whole = path.read_bytes()
    dice = random.Random(7)
    refused = 0
    for _ in range(FLIPS):
        at = dice.randrange(len(whole))
        path.write_bytes(whole[:at] + bytes([whole[at] ^ (1 << dice.randrange(8))]) + whole[at + 1 :])
        answer = outcome(home)
        if isinstance(answer, Unsealed):
            assert answer.secrets == 4, at
        else:
            refused += 1
        path.write_bytes(whole)
    assert refused > FLIPS // 20
    assert isinstance(outcome(home), Unsealed)


def test_every_flipped_byte_of_a_secret_is_refused_by_name(home: Path) -> None:
    path = home / "vault" / "vault.db"
    whole = path.read_bytes()
    row = SqliteVaultStore(path).secrets()[0]
    for part in (row.record, row.wrapped_dek, row.ciphertext):
        start = whole.index(part)
        for at in (start, start + len(part) - 1):
            path.write_bytes(whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :])
            answer = outcome(home)
            assert isinstance(answer, CorruptStoreError)
            assert row.id in str(answer)
            assert "restore" in str(answer)
    path.write_bytes(whole)
    assert isinstance(outcome(home), Unsealed)


def test_swapped_rows_are_refused_by_name_even_with_good_checksums(home: Path) -> None:
    """As somebody would who knows the layout: the checksum is right, the encryption is not."""
    store = SqliteVaultStore(home / "vault" / "vault.db")
    one, two, *_ = store.secrets()
    import msgspec

    from watchword.vault.store import Change

    store.apply(
        Change(
            put=[
                msgspec.structs.replace(one, wrapped_dek=two.wrapped_dek, ciphertext=two.ciphertext),
                msgspec.structs.replace(two, wrapped_dek=one.wrapped_dek, ciphertext=one.ciphertext),
            ]
        )
    )
    answer = outcome(home)
    assert isinstance(answer, CorruptStoreError)
    assert one.id in str(answer)
    assert two.id in str(answer)
    store.apply(Change(put=[one, two]))
    assert isinstance(outcome(home), Unsealed)


def test_swapped_rows_in_the_file_are_refused(home: Path) -> None:
    path = home / "vault" / "vault.db"
    whole = path.read_bytes()
    with sqlite3.connect(path) as db:
        ids = [row[0] for row in db.execute("SELECT id FROM secrets ORDER BY id")]
        db.execute("UPDATE secrets SET id = 'x' WHERE id = ?", (ids[0],))
        db.execute("UPDATE secrets SET id = ? WHERE id = ?", (ids[0], ids[1]))
        db.execute("UPDATE secrets SET id = ? WHERE id = 'x'", (ids[1],))
    db.close()
    answer = outcome(home)
    assert isinstance(answer, CorruptStoreError)
    assert ids[0] in str(answer)
    path.write_bytes(whole)
    assert isinstance(outcome(home), Unsealed)


@pytest.mark.parametrize("kept", [0, 1, 50, 100, 4096, 8192, -4096, -1])
def test_cut_off_file_is_refused(home: Path, kept: int) -> None:
    path = home / "vault" / "vault.db"
    whole = path.read_bytes()
    path.write_bytes(whole[:kept])
    answer = outcome(home)
    assert isinstance(answer, StorageError)
    assert path.read_bytes() == whole[:kept]
    path.write_bytes(whole)
    assert isinstance(outcome(home), Unsealed)


def test_file_of_something_else_is_refused(home: Path) -> None:
    path = home / "vault" / "vault.db"
    path.unlink()
    with sqlite3.connect(path) as db:
        db.execute("CREATE TABLE t (x)")
    db.close()
    assert "not a vault" in str(outcome(home))
    path.write_bytes(b"not a database at all" * 500)
    assert isinstance(outcome(home), CorruptStoreError)


def test_other_layout_and_missing_values_are_named(home: Path) -> None:
    path = home / "vault" / "vault.db"
    with sqlite3.connect(path) as db:
        db.execute("DELETE FROM meta WHERE name = 'kek'")
    db.close()
    assert "lacks: kek" in str(outcome(home))
    with sqlite3.connect(path) as db:
        db.execute("PRAGMA user_version = 9")
    db.close()
    assert "layout 9" in str(outcome(home))


def test_file_that_is_gone_is_not_made_anew(home: Path) -> None:
    path = home / "vault" / "vault.db"
    path.unlink()
    assert "vault init" in str(outcome(home))
    assert not path.exists()


def test_vault_is_private_and_nothing_half_made_is_left(tmp_path: Path) -> None:
    path = tmp_path / "vault.db"
    store = SqliteVaultStore(path)
    with pytest.raises(Exception, match="NOT NULL"):
        store.create({"header": None})  # type: ignore[dict-item]
    assert not path.exists()
    store.create(dict.fromkeys(("header", "source", "kek", "intake", "manifest"), b"x"))  # type: ignore[misc]
    assert path.stat().st_mode & 0o777 == 0o600
    with pytest.raises(StorageError, match="cannot make"):
        SqliteVaultStore(tmp_path / "no" / "vault.db").create({})


def test_full_inbox_is_refused(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("watchword.adapters.vault_store.sqlite.INBOX_COUNT_MAX", 1)
    with pytest.raises(StorageError, match="wait in the inbox"):
        post(SqliteVaultStore(home / "vault" / "vault.db"), record("more"))


def test_busy_file_is_refused_and_unchanged(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("watchword.adapters.vault_store.sqlite.BUSY_WAIT_S", 0.05)
    path = home / "vault" / "vault.db"
    db = sqlite3.connect(path, isolation_level=None)
    db.execute("BEGIN EXCLUSIVE")
    with pytest.raises(StorageError, match="locked"):
        post(SqliteVaultStore(path), record("more"))
    db.execute("ROLLBACK")
    db.close()
    post(SqliteVaultStore(path), record("more"))


def test_removed_secret_is_overwritten_in_the_file(home: Path) -> None:
    path = home / "vault" / "vault.db"
    row = SqliteVaultStore(path).secrets()[0]
    assert row.ciphertext in path.read_bytes()
    host = cheap_host(home)
    host.unseal(PASSPHRASE)
    host.vault.remove(row.id)
    host.close()
    assert row.ciphertext not in path.read_bytes()


def test_backup_brings_everything_back(home: Path, tmp_path: Path) -> None:
    file = tmp_path / "backup"
    file.write_bytes(frame(SqliteVaultStore(home / "vault" / "vault.db").content()))
    assert HMAC_SECRET not in file.read_bytes()
    host = cheap_host(tmp_path / "new")
    assert host.restore(read_backup(file), replace=False) is None
    opened = host.unseal(PASSPHRASE)
    assert isinstance(opened, Unsealed)
    assert opened.secrets == 4
    with pytest.raises(StorageError, match="--replace"):
        host.restore(read_backup(file), replace=False)
    assert host.vault.sealed
    made = host.unseal(PASSPHRASE)
    assert isinstance(made, Unsealed)
    assert isinstance(host.vault.add(record("later"), Secret(HMAC_SECRET)), RealCredential)
    aside = host.restore(read_backup(file), replace=True)
    assert aside is not None
    assert view(SqliteVaultStore(aside)).credentials == 5
    assert view(host.store).credentials == 3
    host.close()


def test_backup_that_changed_or_ends_early_is_refused(home: Path, tmp_path: Path) -> None:
    whole = frame(SqliteVaultStore(home / "vault" / "vault.db").content())
    assert unframe(whole, "b")
    for raw, text in (
        (whole[:-1], "cut off"),
        (whole + b"x", "cut off"),
        (whole[: len(MAGIC) + 10], "not a backup"),
        (b"x" + whole, "not a backup"),
        (whole[:-1] + bytes([whole[-1] ^ 1]), "damaged"),
        (frame(b"SQLite format 3\0" + bytes(500)), "damaged"),
        (frame(b""), "damaged"),
    ):
        with pytest.raises(CorruptStoreError, match=text):
            unframe(raw, "b")
    with pytest.raises(ConfigurationError):
        read_backup(tmp_path / "missing")


def test_damaged_vault_is_not_backed_up_as_if_it_were_whole(home: Path) -> None:
    path = home / "vault" / "vault.db"
    store = SqliteVaultStore(path)
    part = store.secrets()[0].ciphertext
    path.write_bytes(path.read_bytes().replace(part, part[:-1] + b"?"))
    with pytest.raises(CorruptStoreError):
        store.content()


def test_restore_that_cannot_be_written_leaves_the_old_one(home: Path) -> None:
    path = home / "vault" / "vault.db"
    before = path.read_bytes()
    (home / "vault" / "vault.db.restoring").mkdir()
    with pytest.raises(StorageError):
        install(b"x", path, aside=home / "vault" / "aside")
    assert path.read_bytes() == before
