"""A person's first hours with the vault, at a real terminal, with real processes and what a guess really costs."""

import os
import secrets
import signal
import string
import time
from pathlib import Path

import pytest
from tests.support.canary import (
    Canary,
    Sighting,
    core_files,
    in_core_files,
    in_files,
    in_process,
    in_process_list,
    in_temporary_files,
)
from tests.support.terminal import Shown, typed
from tests.support.testnet_process import TRADING, TestnetProcess
from tests.support.vault_process import VaultUser
from tests.support.vaults import cheap_host

from watchword.adapters.kek.passphrase import PRODUCTION
from watchword.kernel.errors import HomeBusyError

PASSPHRASE = b"nine quiet otters cross the ice"
LETTERS = string.ascii_letters + string.digits


def fresh_secret() -> str:
    """64 letters and digits that no other process has."""
    return "".join(secrets.choice(LETTERS) for _ in range(64))


def at_terminal(user: VaultUser, *words: str, answers: list[tuple[str, bytes]]) -> Shown:
    """Run a command where somebody types."""
    shown = typed([*words, "--home", user.home], answers, user.home.parent)
    user.said.append(shown.text)
    return shown


def test_first_hour_typed_at_a_terminal(tmp_path: Path, quiet_testnet: TestnetProcess) -> None:
    """Init, host, unseal, add, create, register, check, seal and remove, as the README tells it; nothing typed shows."""
    user = VaultUser(tmp_path / "home")
    account = f"vault-{secrets.token_hex(4)}"
    quiet_testnet.create_account(account, {"USDT": "1000"})
    real = quiet_testnet.create_key(account, "HMAC", permissions=TRADING)
    canaries = [Canary("secret", real.secret.encode()), Canary("passphrase", PASSPHRASE)]
    since = time.time_ns()

    made = at_terminal(
        user, "vault", "init", answers=[("new vault: ", PASSPHRASE), ("confirmation: ", PASSPHRASE)]
    )
    assert made.status == 0, made.text
    assert "Vault made" in made.text
    with user.hosting(environment={"WATCHWORD_UPSTREAM_LOCAL": quiet_testnet.rest}) as process:
        _unsealed_by_typing(user)
        _credentials_come_in(user, real.api_key, real.secret.encode())
        _checked(user)
        assert in_process(canaries, process.pid, memory=False) == []
        if os.geteuid() == 0:  # nobody else may look; what is no secret shows that the search can see
            assert in_process([Canary("API key", real.api_key.encode())], process.pid) != []
        _sealed_and_removed(user)
    assert found_outside(canaries, user, since) == []


def _unsealed_by_typing(user: VaultUser) -> None:
    wrong = user.run("vault", "unseal", "--passphrase-file", "-", stdin=b"nine quiet otters\n", fails=True)
    assert "passphrase" in wrong.err
    right = at_terminal(user, "vault", "unseal", answers=[("of the vault: ", PASSPHRASE)])
    assert right.status == 0, right.text
    assert "Unsealed: 0 secrets." in right.text
    status = user.run("vault", "status", "--json").json
    assert status["held"]
    assert not status["sealed"]
    assert status["core_dumps_off"]
    assert status["not_dumpable"]
    assert int(status["vault"]["kek"]["settings"]["memory_kib"]) == PRODUCTION.memory_kib >= 64 * 1024


def _credentials_come_in(user: VaultUser, api_key: str, secret: bytes) -> None:
    added = at_terminal(
        user, "credential", "add", "--upstream", "local", "--label", "main", "--api-key", api_key,
        "--permission", "trading", answers=[("secret-file): ", secret)],
    )  # fmt: skip
    assert added.status == 0, added.text
    assert "in vault" in added.text
    pair = user.run(
        "credential", "create", "--generate", "ed25519", "--upstream", "testnet", "--label", "pair", "--json"
    ).json
    assert pair["public_key"].startswith("-----BEGIN PUBLIC KEY-----")
    user.run("credential", "register", "pair", "z" * 64)
    listed = user.run("credential", "list", "--json").json
    assert [(one["label"], one["state"]) for one in listed] == [("main", "in vault"), ("pair", "in vault")]
    shown = user.run("credential", "show", pair["id"][:10], "--json").json
    assert shown["api_key"] == "z" * 64


def _checked(user: VaultUser) -> None:
    report = user.run("credential", "check", "main", "--json").json
    assert report["accepted"] is True
    assert report["ip_restricted"] is False
    assert report["withdrawals"] is False
    assert report["missing"] == report["undeclared"] == []
    assert report["days_until_deletion"] == 30
    assert abs(report["clock_offset_ms"]) < 1_000
    text = user.run("credential", "check", "main").out
    assert "no IP list" in text


def _sealed_and_removed(user: VaultUser) -> None:
    user.run("vault", "seal")
    assert "sealed" in user.run("credential", "check", "main", fails=True).err
    assert "sealed" in user.run("credential", "remove", "main", "--yes", fails=True).err
    file = user.home.parent / "passphrase"
    file.write_bytes(PASSPHRASE + b"\n")
    file.chmod(0o600)
    opened = user.run("vault", "unseal", "--passphrase-file", file, "--json").json
    file.unlink()
    assert opened["secrets"] == 2
    user.run("credential", "remove", "main", "--yes")
    assert [one["label"] for one in user.run("credential", "list", "--json").json] == ["pair"]


def found_outside(canaries: list[Canary], user: VaultUser, since_ns: int) -> list[Sighting]:
    """Look everywhere a secret must not be while and after a vault is used."""
    said = "\n".join(user.said).encode()
    folder = user.home.parent
    printed = folder / "printed"
    printed.write_bytes(said)
    return [
        *in_files(canaries, folder),
        *in_process_list(canaries),
        *in_core_files(canaries, folder, Path.cwd()),
        *in_temporary_files(canaries, since_ns, [folder]),
    ]


def test_host_that_dies_leaves_no_core_and_a_vault_that_opens(tmp_path: Path) -> None:
    """Meanwhile nobody else may hold the vault, and whoever tries is told who does."""
    user = VaultUser(tmp_path / "home")
    cores = set(core_files(tmp_path, Path.cwd()))
    with user.hosting() as process:
        key = tmp_path / "kek"
        user.run("vault", "init", "--kek", "key-file", "--key-file", key)
        user.run("vault", "unseal")
        secret = fresh_secret()
        user.run(
            "credential", "add", "--upstream", "live", "--label", "main", "--api-key", "k" * 64,
            "--secret-stdin", stdin=secret.encode(),
        )  # fmt: skip
        held = f"held by process {process.pid}"
        with pytest.raises(HomeBusyError, match=held):
            cheap_host(user.home)
        user.run("vault", "backup", tmp_path / "backup")
        assert held in user.run("vault", "restore", tmp_path / "backup", "--replace", fails=True).err
        # Writes a core file where nothing forbids it.
        os.kill(process.pid, signal.SIGABRT)
        assert process.wait_ended() == -signal.SIGABRT
    assert set(core_files(tmp_path, Path.cwd())) == cores
    assert "nobody holds" in user.run("vault", "unseal", fails=True).err
    with user.hosting("--unseal") as again:
        assert "unsealed, 1 secrets" in again.log()
        assert user.run("credential", "list", "--json").json[0]["state"] == "in vault"
