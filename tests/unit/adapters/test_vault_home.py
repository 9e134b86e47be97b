"""Who may hold a vault's folder: one process, named to the second; a folder that cannot be used is named too."""

from pathlib import Path

import pytest

from watchword.adapters.vault_home import VaultHome, vault_folder
from watchword.kernel.errors import ConfigurationError, HomeBusyError


def test_second_holder_is_told_who_and_may_come_afterwards(tmp_path: Path) -> None:
    first = VaultHome.acquire(tmp_path / "home", "the first")
    with pytest.raises(HomeBusyError, match=r"process \d+ \(the first\)"):
        VaultHome.acquire(tmp_path / "home", "the second")
    (vault_folder(tmp_path / "home") / "lock").write_bytes(b"")
    with pytest.raises(HomeBusyError, match="just starting or stopping"):
        VaultHome.acquire(tmp_path / "home", "the second")
    first.release()
    first.release()
    VaultHome.acquire(tmp_path / "home", "the second").release()


def test_folder_is_private_whatever_it_was(tmp_path: Path) -> None:
    folder = vault_folder(tmp_path)
    folder.mkdir(mode=0o755)
    VaultHome.acquire(tmp_path, "x").release()
    assert folder.stat().st_mode & 0o777 == 0o700
    assert (folder / "lock").stat().st_mode & 0o777 == 0o600


def test_folder_that_cannot_be_is_named(tmp_path: Path) -> None:
    (tmp_path / "home").write_text("a file")
    with pytest.raises(ConfigurationError, match="cannot use"):
        VaultHome.acquire(tmp_path / "home", "x")
