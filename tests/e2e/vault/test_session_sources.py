"""Each KEK source as a user has it: the real program in a process of its own, and outside of it the service it was told of.

A desktop's keyring answers on a session bus, HashiCorp's transit and AWS KMS on an address, Google KMS behind a proxy.
Passphrase and key file are in the other sessions.
"""

import base64
import contextlib
import os
import secrets
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.support import cloud_doors, key_services
from tests.support.canary import Canary, in_files, in_process
from tests.support.secret_service import desktop
from tests.support.vault_process import VaultUser

SECRET = b"s" * 64

Service = tuple[dict[str, str], list[str], Callable[[], None]]


@contextlib.contextmanager
def os_keyring(folder: Path) -> Iterator[Service]:
    with desktop(folder) as service:
        environment = {"DBUS_SESSION_BUS_ADDRESS": service.address, "XDG_CONFIG_HOME": str(folder)}

        def lock() -> None:
            service.locked = True

        yield environment, ["--kek", "keyring"], lock


@contextlib.contextmanager
def transit(folder: Path) -> Iterator[Service]:
    double = key_services.Transit()
    token = folder / "vault-token"
    token.write_text(key_services.TOKEN + "\n")
    with key_services.serving(double):
        words = ["--kek", "transit", "--address", double.address, "--kms-key", "watchword"]

        def revoke() -> None:
            double.fail = (403, b'{"errors": ["permission denied"]}')

        yield {"VAULT_TOKEN_FILE": str(token)}, words, revoke


@contextlib.contextmanager
def aws_kms(folder: Path) -> Iterator[Service]:
    with cloud_doors.aws_kms() as (key, environment):
        words = ["--kek", "aws-kms", "--kms-key", key, "--region", cloud_doors.REGION]

        yield environment, words, cloud_doors.forget_aws_keys


@contextlib.contextmanager
def gcp_kms(folder: Path) -> Iterator[Service]:
    double = key_services.GoogleKms()
    with cloud_doors.google_kms(double, folder) as environment:
        yield environment, ["--kek", "gcp-kms", "--kms-key", key_services.GCP_KEY], double.keys.clear


SERVICES = {
    "keyring": os_keyring, "transit": transit, "aws-kms": aws_kms, "gcp-kms": gcp_kms,
}  # fmt: skip


@pytest.mark.parametrize("name", SERVICES)
def test_vault_lives_on_a_source_as_a_user_has_it(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Made, unsealed, filled, re-wrapped, sealed and unsealed again; refused with a reason when the source is gone."""
    for variable in ("AWS_PROFILE", "VAULT_ADDR", "VAULT_TOKEN", "HTTPS_PROXY", "WATCHWORD_VAULT_KEK"):
        monkeypatch.delenv(variable, raising=False)
    canary = Canary("secret", secrets.token_hex(32).encode())
    user = VaultUser(tmp_path / "home")
    with SERVICES[name](tmp_path) as (environment, words, take_away):
        with user.hosting(environment=environment) as process:
            user.run("vault", "init", *words)
            made = user.run("vault", "status", "--json").json
            assert made["vault"]["kek"]["kind"] == name
            _lives(user, canary)
            assert in_process([canary], process.pid, memory=False) == []
            user.run("vault", "seal")
            take_away()
            again: dict[str, Any] = user.run("vault", "unseal", "--json", fails=True).json
        assert in_files([canary], tmp_path) == []
    assert again["error"]
    assert "Traceback" not in process.log()


def _lives(user: VaultUser, canary: Canary) -> None:
    user.run("vault", "unseal")
    user.run(
        "credential", "add", "--upstream", "local", "--label", "main", "--api-key", "k" * 64, "--secret-stdin",
        stdin=canary.secret,
    )  # fmt: skip
    assert user.run("vault", "rewrap", "--json").json == {"rewrapped": 1}
    user.run("vault", "seal")
    assert user.run("vault", "unseal", "--json").json["secrets"] == 1


def test_container_unseals_by_itself_at_start(tmp_path: Path) -> None:
    """`WATCHWORD_VAULT_KEK_FILE` and `--unseal`: nobody types anything; without it the vault stays sealed and says why."""
    user, mounted = VaultUser(tmp_path / "home"), tmp_path / "mounted"
    mounted.write_text(base64.b64encode(os.urandom(32)).decode() + "\n")
    with user.hosting(environment={"WATCHWORD_VAULT_KEK_FILE": str(mounted)}):
        user.run("vault", "init", "--kek", "environment")
        # What is mounted may change; a process goes on with what it was started with.
        mounted.rename(tmp_path / "moved")
        assert user.run("vault", "unseal", "--json").json["secrets"] == 0
    with user.hosting(
        "--unseal", environment={"WATCHWORD_VAULT_KEK": (tmp_path / "moved").read_text()}
    ) as process:
        assert "unsealed, 0 secrets" in process.log()
    with user.hosted_here():
        assert "set WATCHWORD_VAULT_KEK" in user.run("vault", "unseal", fails=True).err
