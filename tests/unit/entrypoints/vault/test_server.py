"""The process that only holds the vault: says how it is, seals when it is told to end, and lets go of the lock."""

import asyncio
import os
import signal
from pathlib import Path

import pytest
from tests.support.vaults import PASSPHRASE, cheap_host, host_with

from watchword.adapters.vault_home import vault_socket_path
from watchword.bootstrap.kek_sources import KekChoice
from watchword.bootstrap.vault_host import VaultHost
from watchword.entrypoints.vault.server import serve


async def served(host: VaultHost, *, unseal: bool, number: int = signal.SIGTERM) -> tuple[str, bool]:
    """Serve until a signal; what it said at its start, and whether it was sealed then."""
    said: list[tuple[str, bool]] = []

    def ready(text: str) -> None:
        assert vault_socket_path(host.home.path).exists()
        said.append((text, host.vault.sealed))
        asyncio.get_running_loop().call_soon(os.kill, os.getpid(), number)

    await asyncio.wait_for(serve(host, ready, unseal=unseal), 20)
    assert host.vault.sealed
    assert not vault_socket_path(host.home.path).exists()
    return said[0]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_starts_sealed_and_lets_go_at_the_end(tmp_path: Path, number: int) -> None:
    home = tmp_path / "home"
    host_with(home, "main").close()
    assert await served(cheap_host(home), unseal=False, number=number) == ("sealed", True)
    cheap_host(home).close()


async def test_key_file_unseals_at_start_and_the_end_seals(tmp_path: Path) -> None:
    home = tmp_path / "home"
    choice = KekChoice("key-file", {"path": str(tmp_path / "kek")})
    host_with(home, "main", choice=choice).close()
    assert await served(cheap_host(home), unseal=True) == ("unsealed, 1 secrets", False)


async def test_source_that_does_not_open_leaves_a_sealed_vault_that_says_why(tmp_path: Path) -> None:
    home = tmp_path / "home"
    host_with(home, choice=KekChoice("key-file", {"path": str(tmp_path / "kek")})).close()
    other = tmp_path / "other"
    host_with(other, choice=KekChoice("key-file", {"path": str(tmp_path / "kek2")})).close()
    (tmp_path / "kek2").replace(tmp_path / "kek")
    text, sealed = await served(cheap_host(home), unseal=True)
    assert sealed
    assert "does not open this vault" in text
    (tmp_path / "kek").unlink()
    text, sealed = await served(cheap_host(home), unseal=True)
    assert sealed
    assert "cannot read" in text


async def test_passphrase_cannot_be_had_at_start(tmp_path: Path) -> None:
    home = tmp_path / "home"
    host_with(home, choice=KekChoice("passphrase", passphrase=PASSPHRASE)).close()
    text, sealed = await served(cheap_host(home), unseal=True)
    assert sealed
    assert "passphrase" in text
