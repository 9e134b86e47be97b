"""One suite for everything that calls itself a vault's store."""

from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from watchword.adapters.memory.vault import MemoryVaultStore
from watchword.adapters.vault_store.sqlite import SqliteVaultStore
from watchword.kernel.errors import StorageError
from watchword.vault.record import InboxItem, StoredSecret
from watchword.vault.store import Change, MetaName, VaultStore

META: dict[MetaName, bytes] = {
    "header": b"h",
    "source": b"s",
    "kek": b"k\x00\xff",
    "intake": b"i",
    "manifest": b"m",
}
ROW = StoredSecret("cred-1", "credential", 1, b"{}", b"dek", b"text")
ITEM = InboxItem("cred-9", 5, b"{}", b"sealed")


@pytest.fixture(params=["memory", "sqlite"])
def reopen(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[], VaultStore]:
    """Opens the same store again, as after a restart."""
    if request.param == "memory":
        store = MemoryVaultStore()
        return lambda: store
    return lambda: SqliteVaultStore(tmp_path / "vault.db")


def test_new_store_exists_only_after_create(reopen: Callable[[], VaultStore]) -> None:
    assert not reopen().exists()
    with pytest.raises(StorageError, match="vault init"):
        reopen().meta()
    reopen().create(META)
    assert reopen().exists()
    assert reopen().meta() == META
    with pytest.raises(StorageError, match="already"):
        reopen().create(META)


def test_change_is_there_after_reopening(reopen: Callable[[], VaultStore]) -> None:
    reopen().create(META)
    other = msgspec.structs.replace(ROW, id="cred-0", kind="virtual_key", version=7)
    reopen().apply(Change(meta={"recovery": b"r", "manifest": b"n"}, put=[ROW, other]))
    assert reopen().secrets() == [other, ROW]
    assert reopen().meta() == {**META, "recovery": b"r", "manifest": b"n"}
    changed = msgspec.structs.replace(ROW, wrapped_dek=b"new")
    reopen().apply(Change(put=[changed], remove=["cred-0", "cred-unknown"]))
    assert reopen().secrets() == [changed]


def test_inbox_keeps_order_refusals_and_what_is_not_taken(reopen: Callable[[], VaultStore]) -> None:
    reopen().create(META)
    early = msgspec.structs.replace(ITEM, id="cred-z", created_us=1)
    reopen().post(ITEM)
    reopen().post(early)
    with pytest.raises(StorageError):
        reopen().post(ITEM)
    reopen().apply(Change(refused=[("cred-9", "too long")]))
    assert reopen().inbox() == [early, msgspec.structs.replace(ITEM, refused="too long")]
    reopen().apply(Change(taken=["cred-z"]))
    assert [item.id for item in reopen().inbox()] == ["cred-9"]
