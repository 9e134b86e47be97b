"""What the vault's commands take in and print: options that do not fit, secrets that are none, tables for people."""

import io
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args, get_type_hints

import pytest
from tests.support.vault_process import VaultUser
from tests.support.vaults import HMAC_SECRET, PASSPHRASE, post, record

from watchword.bootstrap.vault_host import VaultHost
from watchword.entrypoints.cli import vault_input
from watchword.entrypoints.cli.credential_show import show_check, show_status
from watchword.entrypoints.cli.vault_input import (
    KekOption,
    ask_passphrase,
    ask_secret,
    ask_shares,
    settings_of,
)
from watchword.kernel.errors import ConfigurationError


@pytest.fixture
def user(tmp_path: Path) -> VaultUser:
    return VaultUser(tmp_path / "home")


@pytest.fixture
def host(user: VaultUser) -> Iterator[VaultHost]:
    """An unsealed vault on a key file."""
    with user.hosted_here() as held:
        user.run("vault", "init", "--kek", "key-file", "--key-file", user.home.parent / "kek")
        user.run("vault", "unseal")
        yield held


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Somebody who types these lines."""
    lines: list[str] = []
    monkeypatch.setattr(vault_input, "terminal_present", lambda: True)
    monkeypatch.setattr(vault_input.typer, "prompt", lambda *_, **__: lines.pop(0))
    return lines


@pytest.mark.parametrize(
    ("kek", "given", "says"),
    [
        (KekOption.KEY_FILE, {}, "needs --key-file"),
        (KekOption.TRANSIT, {"key": "k"}, "needs --address"),
        (KekOption.AWS_KMS, {"region": "r"}, "needs --kms-key"),
        (KekOption.PASSPHRASE, {"key": "k"}, "--kms-key does not belong"),
        (KekOption.GCP_KMS, {"key": "k", "region": "r"}, "--region does not belong"),
        (KekOption.ENVIRONMENT, {"key_file": Path("x")}, "--key-file does not belong"),
    ],
)
def test_options_of_another_source_are_refused(kek: KekOption, given: dict[str, Any], says: str) -> None:
    chosen: dict[str, Any] = {"key_file": None, "key": "", "region": "", "address": "", "mount": "transit"}
    with pytest.raises(ConfigurationError, match=says):
        settings_of(kek, **(chosen | given))


def test_options_of_a_source_are_collected() -> None:
    assert settings_of(KekOption.TRANSIT, None, "k", "", "https://v", "m") == {
        "key": "k", "address": "https://v", "mount": "m"
    }  # fmt: skip
    assert settings_of(KekOption.AWS_KMS, None, "k", "", "", "transit") == {"key": "k"}


def test_passphrases_from_nowhere_too_long_or_weak(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], terminal: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    terminal += ["12345678", "x" * 5_000]
    assert ask_passphrase(None, "?", new=True).reveal() == b"12345678"
    assert "the passphrase is weak" in capsys.readouterr().err
    with pytest.raises(ConfigurationError, match="1 to"):
        ask_passphrase(None, "?", new=True)
    file = tmp_path / "phrase"
    file.write_bytes(b"first line\r\nsecond line\n")
    file.chmod(0o644)
    assert ask_passphrase(file, "?", new=False).reveal() == b"first line"
    assert "others on this machine can read" in capsys.readouterr().err
    monkeypatch.setattr(vault_input, "terminal_present", lambda: False)
    for refused in (
        lambda: ask_passphrase(None, "?", new=False),
        lambda: ask_shares([]),
        lambda: ask_secret(None, from_stdin=False),
    ):
        with pytest.raises(ConfigurationError, match="at a terminal"):
            refused()


def test_shares_are_typed_until_an_empty_line(terminal: list[str], tmp_path: Path) -> None:
    terminal += ["wwshare-a", "wwshare-b", "", ""]
    assert [share.reveal() for share in ask_shares([])] == [b"wwshare-a", b"wwshare-b"]
    with pytest.raises(ConfigurationError, match="no recovery share"):
        ask_shares([])
    empty = tmp_path / "empty"
    empty.write_text("\n \n")
    with pytest.raises(ConfigurationError, match="no recovery share"):
        ask_shares([empty])


def test_secret_is_typed_read_or_refused(
    terminal: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    terminal += ["typed", " "]
    assert ask_secret(None, from_stdin=False).reveal() == b"typed"
    with pytest.raises(ConfigurationError, match="1 to"):
        ask_secret(None, from_stdin=False)
    file = tmp_path / "secret"
    file.write_bytes(HMAC_SECRET)
    assert ask_secret(file, from_stdin=False).reveal() == HMAC_SECRET
    with pytest.raises(ConfigurationError, match="not both"):
        ask_secret(file, from_stdin=True)
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"s" * 9_000)))
    with pytest.raises(ConfigurationError, match="1 to 8192"):
        ask_secret(None, from_stdin=True)


def test_no_secret_can_be_an_argument() -> None:
    """Whoever adds an option for one meets this test; argv is everybody's."""
    from watchword.entrypoints.cli import credential, vault

    for command in (*credential.app.registered_commands, *vault.app.registered_commands):
        assert command.callback is not None
        for name, kind in get_type_hints(command.callback).items():
            if set(name.split("_")) & {"secret", "passphrase", "password", "share", "shares", "token"}:
                assert str not in (kind, *get_args(kind)), f"{command.callback.__name__} {name} takes text"


def test_home_without_a_vault_says_how_to_make_one(user: VaultUser) -> None:
    assert "vault init" in user.run("vault", "status").out
    assert "vault init" in user.run("credential", "list", fails=True).err
    assert "nobody holds" in user.run("vault", "unseal", fails=True).err
    user.run("vault", "seal")
    assert user.run("vault", "status", "--json").json == {"held": False, "sealed": True, "vault": None}
    with user.hosted_here():
        assert "vault init" in user.run("vault", "unseal", fails=True).err


def test_errors_are_json_where_json_was_asked_for(user: VaultUser) -> None:
    told = user.run("vault", "rewrap", "--json", fails=True)
    assert "nobody holds" in told.json["error"]


def test_credential_for_people_and_for_programs(user: VaultUser, host: VaultHost) -> None:
    made = user.run(
        "credential", "create", "--generate", "ed25519", "--upstream", "local", "--label", "pair"
    ).out
    assert "-----BEGIN PUBLIC KEY-----" in made
    assert "watchword credential register pair API_KEY" in made
    assert "no API key yet" in user.run("credential", "check", "pair", fails=True).err
    assert "not registered" in user.run("credential", "list").out
    post(host.store, record("waits"))
    shown = user.run("credential", "show", "waits").out
    assert "waiting" in shown
    assert "1970" not in shown
    assert "there is no credential" in user.run("credential", "show", "nothing", fails=True).err
    user.run("credential", "remove", "waits", "--yes", "--json")
    refused = user.run("credential", "remove", "pair", fails=True, stdin=b"n\n")
    assert "nothing was deleted" in refused.err
    assert "Removed pair" in user.run("credential", "remove", "pair", stdin=b"y\n").out


def test_reference_that_fits_several_is_refused(user: VaultUser, host: VaultHost) -> None:
    for label in ("a", "b"):
        post(host.store, record(label))
    assert "several credentials match" in user.run("credential", "show", "cred-", fails=True).err


def test_secret_the_vault_refuses_stays_in_the_inbox_with_the_reason(
    user: VaultUser, host: VaultHost
) -> None:
    """Two posted at once under one label: the first is taken in, the second waits with its reason and can be removed."""
    post(host.store, record("same"))
    second = record("same", api_key="z" * 64, created_us=1_800_000_000_000_000)
    post(host.store, second)
    other = user.run(
        "credential", "add", "--upstream", "local", "--label", "third", "--api-key", "t" * 64, "--secret-stdin",
        stdin=HMAC_SECRET,
    )  # fmt: skip
    assert "in vault" in other.out
    states = {one["id"]: one["state"] for one in user.run("credential", "list", "--json").json}
    assert states[second.id].startswith("refused: there is a credential labelled")
    status = user.run("vault", "status").out
    assert f"not taken in: {second.id}" in status
    user.run("credential", "remove", second.id, "--yes")
    assert second.id not in user.run("credential", "list").out


def test_bad_secrets_and_permissions_are_refused_before_anything_is_stored(
    user: VaultUser, host: VaultHost
) -> None:
    words = ["credential", "add", "--upstream", "local", "--label", "x", "--secret-stdin", "--api-key"]
    assert "quotes" in user.run(*words, "k" * 64, stdin=b'"' + HMAC_SECRET + b'"', fails=True).err
    assert "has 63 characters" in user.run(*words, "k" * 63, stdin=HMAC_SECRET, fails=True).err
    odd = user.run(*words, "k" * 64, "--permission", "everything", stdin=HMAC_SECRET, fails=True)
    assert "everything" in odd.err
    assert user.run("credential", "list", "--json").json == []


def test_status_tells_people_what_they_should_know(
    user: VaultUser, host: VaultHost, capsys: pytest.CaptureFixture[str]
) -> None:
    user.run("vault", "shares", "--threshold", "2", "--count", "3", "--json")
    shown = user.run("vault", "status").out
    assert "2 of 3 (set " in shown
    assert "not everywhere: not asked for" in shown
    answer = {"held": True, **json.loads(json.dumps(user.run("vault", "status", "--json").json))}
    answer["vault"]["rewrapping"] = True
    show_status(answer)
    assert "the next unseal finishes it" in capsys.readouterr().out


def test_unseal_tells_what_came_in_and_what_was_finished(user: VaultUser, host: VaultHost) -> None:
    from watchword.entrypoints.cli.vault import _show_unsealed

    _show_unsealed({"secrets": 2, "taken": [], "refused": [], "rewrapped": 2}, as_json=False)
    user.run("vault", "seal")
    good, bad = record("main"), record("main", api_key="y" * 64, created_us=1_800_000_000_000_000)
    post(host.store, good)
    post(host.store, bad)
    told = user.run("vault", "unseal").out
    assert f"Taken in: {good.id}" in told
    assert f"Not taken in: {bad.id}" in told


def test_check_of_an_exchange_that_cannot_be_asked(capsys: pytest.CaptureFixture[str]) -> None:
    blank: dict[str, Any] = dict.fromkeys(
        (
            "accepted",
            "clock_offset_ms",
            "withdrawals",
            "ip_restricted",
            "days_until_deletion",
            "days_until_expiry",
        )
    )
    report = {
        **blank,
        "id": "cred-1",
        "label": "main",
        "upstream": "live",
        "permissions": [],
        "findings": ["live: gone"],
    }
    show_check(report, as_json=False)
    out = capsys.readouterr().out
    assert "could not be asked" in out
    assert "live: gone" in out


def test_shares_never_overwrite_and_name_a_folder_that_cannot_be(
    user: VaultUser, host: VaultHost, tmp_path: Path
) -> None:
    out = tmp_path / "file"
    out.write_text("in the way")
    words = ["vault", "shares", "--threshold", "2", "--count", "2", "--out"]
    assert "cannot make" in user.run(*words, out, fails=True).err
    user.run(*words, tmp_path / "out")
    assert "not overwritten" in user.run(*words, tmp_path / "out", fails=True).err


def test_init_makes_a_vault_where_nobody_holds_one_and_never_a_second(
    user: VaultUser, tmp_path: Path
) -> None:
    made = user.run("vault", "init", "--kek", "key-file", "--key-file", tmp_path / "kek", "--json").json
    assert made["sealed"] is True
    again = user.run("vault", "init", "--kek", "key-file", "--key-file", tmp_path / "kek2", fails=True)
    assert "already" in again.err
    assert not (tmp_path / "kek2").exists()
    other, phrase = VaultUser(tmp_path / "other"), tmp_path / "phrase"
    phrase.write_bytes(PASSPHRASE.reveal())
    demo = other.run("vault", "init", "--demo", "--passphrase-file", phrase, fails=True)
    assert "only a key file" in demo.err
    assert not (other.home / "vault" / "vault.db").exists()
