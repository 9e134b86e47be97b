"""HMAC secrets at rest: sealed, bound to their key, and useless without the key file."""

import os
import sqlite3
import stat
from pathlib import Path

import pytest

from watchword.adapters.sql.hmac_sealing import SecretSealer
from watchword.adapters.sql.key_store import SqlKeyStore
from watchword.adapters.system import SystemEntropy
from watchword.credentials.key_directory import IssuedKey, KeyDirectory, KeyTerms
from watchword.kernel.errors import CorruptStoreError
from watchword.kernel.secret import Secret

SECRET = b"NhqPtmdSJYdKjVHjA7PZj4Mge3R5YNiP1e3UZjInClVN65XAbvqqM6A7H5fATj0j"


def store_with_key(folder: Path) -> IssuedKey:
    store = SqlKeyStore(folder / "keys.db", folder / "hmac.key")
    made = KeyDirectory(store, SystemEntropy()).issue(1, "HMAC", b"", KeyTerms("bot"), 1)
    assert isinstance(made, IssuedKey)
    store.close()
    return made


def test_sealed_secret_opens_for_its_own_key_only(tmp_path: Path) -> None:
    sealer = SecretSealer.open(tmp_path / "hmac.key", may_create=True)
    sealed = sealer.seal("keyA", Secret(SECRET))
    assert sealer.open_sealed("keyA", sealed).reveal() == SECRET
    with pytest.raises(CorruptStoreError, match="keyB"):
        sealer.open_sealed("keyB", sealed)


def test_every_flipped_bit_is_refused(tmp_path: Path) -> None:
    sealer = SecretSealer.open(tmp_path / "hmac.key", may_create=True)
    sealed = sealer.seal("keyA", Secret(SECRET))
    for offset in range(len(sealed)):
        damaged = bytearray(sealed)
        damaged[offset] ^= 1
        with pytest.raises(CorruptStoreError):
            sealer.open_sealed("keyA", bytes(damaged))
    with pytest.raises(CorruptStoreError):
        sealer.open_sealed("keyA", sealed[:20])


def test_same_secret_seals_differently_each_time(tmp_path: Path) -> None:
    sealer = SecretSealer.open(tmp_path / "hmac.key", may_create=True)
    assert sealer.seal("keyA", Secret(SECRET)) != sealer.seal("keyA", Secret(SECRET))


def test_no_file_holds_the_secret_in_the_clear(tmp_path: Path) -> None:
    os.umask(0o022)
    made = store_with_key(tmp_path)
    for path in tmp_path.iterdir():
        assert made.secret_key.encode() not in path.read_bytes()
        assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_deleted_key_leaves_no_sealed_bytes(tmp_path: Path) -> None:
    made = store_with_key(tmp_path)
    with sqlite3.connect(tmp_path / "keys.db") as connection:
        sealed = connection.execute("SELECT sealed_secret FROM api_key").fetchone()[0]
    connection.close()
    store = SqlKeyStore(tmp_path / "keys.db", tmp_path / "hmac.key")
    KeyDirectory(store, SystemEntropy()).delete(made.record.api_key)
    store.close()
    assert sealed not in (tmp_path / "keys.db").read_bytes()


def test_missing_key_file_is_named_and_not_made_anew(tmp_path: Path) -> None:
    store_with_key(tmp_path)
    (tmp_path / "hmac.key").unlink()
    with pytest.raises(CorruptStoreError, match=r"hmac\.key is missing"):
        SqlKeyStore(tmp_path / "keys.db", tmp_path / "hmac.key")
    assert not (tmp_path / "hmac.key").exists()


def test_other_key_file_is_refused(tmp_path: Path) -> None:
    store_with_key(tmp_path)
    (tmp_path / "hmac.key").write_bytes(b"WWK1" + b"x" * 32)
    store = SqlKeyStore(tmp_path / "keys.db", tmp_path / "hmac.key")
    with pytest.raises(CorruptStoreError, match=r"does not open under .*hmac\.key"):
        KeyDirectory(store, SystemEntropy())
    (tmp_path / "hmac.key").write_bytes(b"short")
    with pytest.raises(CorruptStoreError, match="not a key file"):
        SqlKeyStore(tmp_path / "keys.db", tmp_path / "hmac.key")


def test_damaged_database_is_named(tmp_path: Path) -> None:
    store_with_key(tmp_path)
    content = bytearray((tmp_path / "keys.db").read_bytes())
    content[0:16] = b"not a database!!"
    (tmp_path / "keys.db").write_bytes(content)
    with pytest.raises(CorruptStoreError, match=r"keys\.db"):
        SqlKeyStore(tmp_path / "keys.db", tmp_path / "hmac.key")
