"""`watchword key …` as a user types it, with a gateway and without one."""

import json
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.support.key_pairs import new_key_pair
from tests.support.vault_process import VaultUser
from tests.support.vaults import host_with
from tests.support.virtual_keys import NARROWER, POLICY, WIDER, KeysGateway, keys_gateway

from watchword.adapters.gateway_home import GatewayHome
from watchword.credentials.keypair import hmac_signer
from watchword.credentials.pem import read_private, read_public
from watchword.entrypoints.cli import virtual_keys_client
from watchword.gateway.key_format import is_virtual_secret, scan
from watchword.kernel.secret import Secret


@pytest.fixture
def user(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> VaultUser:
    """Somebody in a folder with policies, and a home with a vault that nobody holds."""
    monkeypatch.chdir(tmp_path)
    for name, text in (("grid", POLICY), ("narrow", NARROWER), ("wide", WIDER)):
        Path(f"{name}.yaml").write_text(text)
    host_with(tmp_path / "home", "main").close()
    return VaultUser(tmp_path / "home")


@pytest.fixture
def gateway(user: VaultUser) -> Iterator[KeysGateway]:
    """A running gateway in the user's home, unsealed."""
    with keys_gateway(user.home) as running:
        yield running


def issue(user: VaultUser, label: str, *more: str | Path, fails: bool = False) -> Any:
    """Issue a key of `main` under grid.yaml; JSON."""
    told = user.run(
        "key",
        "issue",
        "--label",
        label,
        "--credential",
        "main",
        "--policy",
        "grid.yaml",
        *more,
        "--json",
        fails=fails,
    )
    return told.json


def test_pair_is_made_here_and_only_its_public_half_is_known(user: VaultUser) -> None:
    made = issue(user, "grid bot", "--expires", "30d", "--ip", "10.0.0.1")
    path = Path(made["private_key_file"])
    assert path == Path("grid-bot-ed25519.pem").absolute()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    private = read_private(path.read_bytes())
    shown = user.run("key", "show", "grid bot", "--json").json
    assert shown["versions"][0]["fingerprint"] == private.public.fingerprint  # type: ignore[union-attr]
    assert shown["versions"][0]["api_key"] == made["api_key"]
    assert shown["policy_text"] == POLICY
    assert "PRIVATE" not in str(made)
    body = path.read_text().splitlines()[1]
    for file in user.home.rglob("*"):
        assert not file.is_file() or body.encode() not in file.read_bytes(), file


def test_private_key_is_printed_once_instead_if_asked(user: VaultUser) -> None:
    told = user.run(
        "key", "issue", "--label", "b", "--credential", "main", "--policy", "grid.yaml", "--print-key"
    )
    assert "BEGIN PRIVATE KEY" in told.out
    assert "shown once" in told.out
    assert not list(Path().glob("*.pem"))
    assert "BEGIN PRIVATE KEY" in issue(user, "c", "--print-key")["private_key"]


def test_pair_of_ones_own_is_brought_by_its_public_half(user: VaultUser) -> None:
    private, public = new_key_pair("RSA")
    Path("own.pub.pem").write_text(public)
    Path("own.pem").write_text(private)
    made = issue(user, "own", "--type", "rsa", "--public-key", "own.pub.pem")
    assert not {"private_key", "private_key_file", "secret_key"} & set(made)
    known = read_public(public.encode())
    assert made["key"]["versions"][0]["fingerprint"] == known.fingerprint  # type: ignore[union-attr]
    assert "private" in issue(user, "oops", "--type", "rsa", "--public-key", "own.pem", fails=True)["error"]


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (("--type", "hmac"), "watchword gateway serve"),
        (("--type", "hmac", "--print-key"), "no pair"),
        (("--out", "a.pem", "--print-key"), "one of"),
        (("--out", "grid.yaml"), "not overwritten"),
        (("--out", "nowhere/a.pem"), "no folder"),
        (("--expires", ""), "--expires is empty"),
        (("--expires", "soon"), "soon"),
        (("--ip", "everywhere"), "everywhere"),
        (("--parent", "nobody"), "no virtual key"),
        (("--public-key", "missing.pem"), "missing.pem"),
    ],
)
def test_issue_that_cannot_be_leaves_nothing_behind(
    user: VaultUser, words: tuple[str, ...], reason: str
) -> None:
    before = sorted(Path().iterdir())
    assert reason in issue(user, "b", *words, fails=True)["error"]
    assert sorted(Path().iterdir()) == before
    assert user.run("key", "list", "--json").json == []


def test_issue_needs_credential_and_policy_or_a_parent(user: VaultUser) -> None:
    told = user.run("key", "issue", "--label", "b", "--credential", "main", fails=True)
    assert "--credential and --policy, or --parent" in told.err


def test_looking_makes_no_home(tmp_path: Path) -> None:
    user = VaultUser(tmp_path / "never")
    assert user.run("key", "list", "--json").json == []
    assert "no virtual key" in user.run("key", "show", "x", fails=True).err
    assert not user.home.exists()


def test_whole_life_without_a_gateway(user: VaultUser) -> None:
    made = issue(user, "bot")
    low = user.run(
        "key", "issue", "--label", "low", "--parent", "bot", "--policy", "narrow.yaml", "--json"
    ).json
    assert "max_order" in user.run(
        "key", "issue", "--label", "x", "--parent", "bot", "--policy", "wide.yaml", fails=True
    ).err  # fmt: skip
    assert not Path("x-ed25519.pem").exists()
    changed = user.run(
        "key", "edit", "bot", "--ip", "10.0.0.1", "--expires", "1d", "--all-orders", "--json"
    ).json
    assert (changed["ips"], changed["own_orders_only"]) == (["10.0.0.1"], False)
    user.run("key", "edit", "bot", "--ip", "10.0.0.1", "--any-ip", fails=True)
    user.run("key", "edit", "bot", "--expires", "", fails=True)
    cleared = user.run("key", "edit", "bot", "--any-ip", "--never-expires", "--json").json
    assert (cleared["ips"], cleared["expires"]) == ([], None)
    rolled = user.run("key", "roll", made["api_key"], "--overlap", "30m", "--json").json
    assert rolled["key"]["id"] == made["key"]["id"]
    assert Path(rolled["private_key_file"]).name == "bot-ed25519-2.pem"
    assert [one["state"] for one in rolled["key"]["versions"]] == ["works", "ends"]
    table = user.run("key", "list").out
    assert "bot" in table
    assert "low" in table
    told = user.run("key", "revoke", "bot")
    assert "Revoked bot" in told.out
    assert "Revoked low" in told.out
    assert user.run("key", "list", "--json").json == []
    assert len(user.run("key", "list", "--revoked", "--json").json) == 2
    assert "stays so" in user.run("key", "edit", low["key"]["id"], "--label", "y", fails=True).err
    rows = user.run("audit", "tail", "--lines", "99", "--json").out
    for action in ("issued", "edited", "rolled", "revoked"):
        assert f"credential:virtual:{action}" in rows
    assert "whole" in user.run("audit", "verify").out


def test_show_for_people_has_everything(user: VaultUser) -> None:
    made = issue(user, "bot", "--orders-per-10s", "5", "--expires", "2d")
    out = user.run("key", "show", "bot").out
    for part in (made["api_key"], "main (cred-", "works, ends in 1d 23h", "max_order", "SHA256:"):
        assert part in out
    assert "own orders only" in user.run("key", "edit", "bot", "--weight-per-minute", "60").out
    assert "private key file" in user.run("key", "roll", "bot", "--overlap", "0s").out


def test_hmac_key_is_made_by_the_running_gateway_and_shown_once(
    user: VaultUser, gateway: KeysGateway
) -> None:
    made = issue(user, "old", "--type", "hmac")
    secret = made["secret_key"]
    assert is_virtual_secret(secret)
    found = gateway.desk.registry.find(made["api_key"])
    assert found is not None
    assert found.verifier.verify(b"x", hmac_signer(Secret(secret.encode())).sign(b"x"))
    to_file = issue(user, "filed", "--type", "hmac", "--out", "old.secret")
    path = Path(to_file["secret_file"])
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    (hit,) = scan(path.read_text())
    assert hit.what == "virtual key secret"
    assert "secret_key" not in to_file
    said = "".join(user.said)
    user.said.clear()
    rolled = user.run("key", "roll", "old", "--overlap", "1h", "--json").json
    assert is_virtual_secret(rolled["secret_key"])
    assert rolled["secret_key"] != secret
    for words in (
        ("key", "show", "old", "--json"),
        ("key", "list", "--json"),
        ("audit", "tail", "--lines", "99", "--json"),
    ):
        user.run(*words)
    assert said.count(secret) == 1
    assert secret not in "".join(user.said)


def test_running_gateway_is_asked_and_changes_take_effect_there(
    user: VaultUser, gateway: KeysGateway
) -> None:
    made = issue(user, "bot")
    told: list[str] = []
    gateway.desk.registry.on_changed.append(told.append)
    assert gateway.desk.registry.find(made["api_key"]) is not None
    gateway.desk.registry.touch(made["key"]["id"], "10.9.8.7", gateway.desk.clock.now_us())
    assert user.run("key", "show", "bot", "--json").json["last_ip"] == "10.9.8.7"
    user.run("key", "revoke", "bot")
    assert gateway.desk.registry.find(made["api_key"]) is None
    assert told == [made["key"]["id"]]
    again = user.run("key", "revoke", "bot", "--json", fails=True).json
    assert "already" in again["error"]


def test_keys_survive_the_gateway(user: VaultUser) -> None:
    with keys_gateway(user.home) as gateway:
        made = issue(user, "bot", "--type", "hmac")
        gateway.desk.registry.touch(made["key"]["id"], "10.9.8.7", gateway.desk.clock.now_us())
    assert user.run("key", "show", "bot", "--json").json["last_ip"] == "10.9.8.7"
    user.run("key", "revoke", "bot")
    with keys_gateway(user.home) as gateway:
        assert gateway.desk.registry.find(made["api_key"]) is None
        assert gateway.desk.registry.absence(made["api_key"]) == "revoked"


def test_home_that_stays_locked_is_named(user: VaultUser, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(virtual_keys_client, "START_NS_MAX", 100_000_000)
    held = GatewayHome.acquire(user.home, "a gateway that never gets ready")
    told = user.run("key", "revoke", "bot", fails=True)
    assert "a gateway that never gets ready" in told.err
    assert user.run("key", "list", "--json").json == [], "looking needs no lock"
    held.release()


def test_trail_that_cannot_be_written_stops_every_change(user: VaultUser) -> None:
    made = issue(user, "bot")
    database = user.home / "audit" / "audit.db"
    database.rename(database.with_name("aside"))
    database.mkdir()
    for words in (("revoke", "bot"), ("edit", "bot", "--label", "x"), ("roll", "bot", "--out", "new.pem")):
        user.run("key", *words, fails=True)
    assert not Path("new.pem").exists()
    database.rmdir()
    database.with_name("aside").rename(database)
    shown = user.run("key", "show", made["key"]["id"], "--json").json
    assert (shown["label"], shown["state"], len(shown["versions"])) == ("bot", "works", 1)


def test_json_is_one_document_each_time(user: VaultUser) -> None:
    issue(user, "bot")
    for words in (
        ("list",),
        ("show", "bot"),
        ("edit", "bot", "--label", "b2"),
        ("roll", "b2"),
        ("revoke", "b2"),
    ):
        json.loads(user.run("key", *words, "--json").out)
