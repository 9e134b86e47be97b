"""keys.db on disk: private, migrated, and each kind of damage named."""

import sqlite3
import stat
from contextlib import closing
from pathlib import Path

import pytest
from tests.support.virtual_keys import networks, new_key

from watchword.adapters.virtual_keys import migrations
from watchword.adapters.virtual_keys.key_store import SqlVirtualKeys
from watchword.adapters.virtual_keys.version import HEAD
from watchword.kernel.errors import CorruptStoreError, StorageError


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A store with one key in it."""
    store = SqlVirtualKeys(tmp_path / "keys.db")
    store.put([new_key(restrictions=networks("10.0.0.1"))])
    store.close()
    return tmp_path / "keys.db"


def damaged(path: Path, statement: str) -> None:
    """Change the file behind its owner's back."""
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute(statement)


def test_file_is_private_and_holds_no_secret_column(path: Path) -> None:
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    with closing(sqlite3.connect(path)) as connection:
        columns = [row[1] for name in ("virtual_key", "key_version", "key_use")
                   for row in connection.execute(f"PRAGMA table_info({name})")]  # fmt: skip
    assert not [name for name in columns if "secret" in name or "private" in name]


def test_version_is_the_newest_migration() -> None:
    folder = Path(str(migrations.__file__)).parent / "versions"
    assert max(file.name[:4] for file in folder.glob("0*.py")) == HEAD


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE virtual_key SET policy_text = replace(policy_text, '500', '900')",
        "UPDATE virtual_key SET policy_digest = 'x'",
        "UPDATE virtual_key SET networks = '[\"everywhere\"]'",
        "UPDATE virtual_key SET networks = '{'",
        "UPDATE virtual_key SET networks = 'null'",
        "UPDATE key_version SET key_type = 'NONE'",
        "UPDATE key_version SET api_key = replace(api_key, 'WWk1', 'WWk2')",
        "UPDATE key_version SET api_key = substr(api_key, 1, 63) || '-'",
        "DELETE FROM key_version",
    ],
)
def test_changed_row_is_refused_by_name(path: Path, statement: str) -> None:
    damaged(path, statement)
    with pytest.raises(CorruptStoreError, match="vk-"):
        list(SqlVirtualKeys(path).load())


def test_file_that_is_no_database_is_refused_and_left_alone(path: Path) -> None:
    path.write_bytes(b"not a database, but somebody's file\n" * 200)
    before = path.read_bytes()
    with pytest.raises(CorruptStoreError):
        SqlVirtualKeys(path)
    assert path.read_bytes() == before


def test_truncated_file_is_refused(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:5_000])
    with pytest.raises(StorageError):
        list(SqlVirtualKeys(path).load())


def test_looking_makes_nothing_and_reads_beside_the_holder(path: Path, tmp_path: Path) -> None:
    nothing = tmp_path / "nothing" / "keys.db"
    assert SqlVirtualKeys.to_read(nothing) is None
    assert not nothing.parent.exists()
    holder = SqlVirtualKeys(path)
    holder.prepare_changes()
    looked = SqlVirtualKeys.to_read(path)
    assert looked is not None
    assert len(list(looked.load())) == 1
    damaged(path, "UPDATE alembic_version SET version_num = '0000'")
    with pytest.raises(StorageError, match="0000"):
        SqlVirtualKeys.to_read(path)
    holder.close()


def test_store_that_cannot_be_written_says_so(path: Path) -> None:
    store = SqlVirtualKeys(path)
    damaged(path, "DROP TABLE virtual_key")
    with pytest.raises(StorageError):
        store.put([new_key("other")])
    store.close()


def test_folder_that_is_missing_is_refused(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match="cannot open"):
        SqlVirtualKeys(tmp_path / "missing" / "keys.db")
