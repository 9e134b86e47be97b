"""What each request does to a vault, without a socket: done, refused, sealed, not found."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.support.vaults import HMAC_SECRET, PASSPHRASE, api_key, cheap_host, host_with, post, record

from watchword.bootstrap.vault_host import VaultHost
from watchword.entrypoints.vault import requests as ask
from watchword.entrypoints.vault.operations import perform
from watchword.kernel.errors import ConfigurationError
from watchword.kernel.secret import Secret
from watchword.vault.checkup import CheckReport, Unreachable
from watchword.vault.outcome import NotFound, Refused, Sealed
from watchword.vault.record import RealCredential

GENERATE = ask.GenerateCredential(
    "ed25519", "pair", "local", ["SPOT_AND_MARGIN_TRADING", "READING", "READING"]
)


@pytest.fixture
def host(tmp_path: Path) -> Iterator[VaultHost]:
    """An unsealed vault with one credential."""
    opened = host_with(tmp_path / "home", "main")
    yield opened
    opened.close()


def test_status_before_and_after_init(tmp_path: Path) -> None:
    host = cheap_host(tmp_path / "home")
    before = perform(host, ask.ShowStatus())
    assert isinstance(before, ask.StatusAnswer)
    assert (before.sealed, before.vault, before.pid) == (True, None, os.getpid())
    assert perform(host, ask.CreateVault("passphrase", {}, PASSPHRASE)) == ask.Done()
    with pytest.raises(ConfigurationError, match="already"):
        perform(host, ask.CreateVault("passphrase", {}, PASSPHRASE))
    after = perform(host, ask.ShowStatus())
    assert isinstance(after, ask.StatusAnswer)
    assert after.vault is not None
    assert after.vault.kek.kind == "passphrase"
    host.close()


def test_sealed_vault_says_so_to_everything_that_needs_it(tmp_path: Path) -> None:
    host = host_with(tmp_path / "home", "main")
    assert perform(host, ask.Seal()) == ask.Done()
    for request in (
        ask.Rewrap(), ask.MakeShares(2, 3), ask.TakeInbox(), GENERATE, ask.RegisterCredential("x", api_key()),
        ask.CheckCredential("x"), ask.RemoveCredential("x"), ask.Rekey("passphrase", {}, PASSPHRASE),
    ):  # fmt: skip
        assert perform(host, request) == Sealed(), request
    host.close()


def test_unseal_by_passphrase_and_once_only(host: VaultHost) -> None:
    assert perform(host, ask.Unseal(PASSPHRASE)) == Refused("the vault is unsealed already")
    perform(host, ask.Seal())
    wrong = perform(host, ask.Unseal(Secret(b"wrong")))
    assert isinstance(wrong, Refused)
    assert "passphrase" in wrong.reason
    post(host.store, record("waiting"))
    opened = perform(host, ask.Unseal(PASSPHRASE))
    assert isinstance(opened, ask.UnsealedAnswer)
    assert (opened.secrets, len(opened.taken), opened.refused, opened.rewrapped) == (2, 1, (), 0)


def test_shares_open_and_the_kek_source_can_be_replaced_with_them(host: VaultHost) -> None:
    made = perform(host, ask.MakeShares(2, 3))
    assert isinstance(made, ask.SharesAnswer)
    assert isinstance(perform(host, ask.MakeShares(3, 2)), Refused)
    perform(host, ask.Seal())
    assert isinstance(perform(host, ask.Unseal(shares=[made.shares[0]])), Refused)
    assert isinstance(perform(host, ask.Unseal(shares=list(made.shares[1:]))), ask.UnsealedAnswer)
    assert isinstance(perform(host, ask.Rewrap()), Refused)
    assert perform(host, ask.Rekey("passphrase", {}, Secret(b"a new one"))) == ask.Done()
    assert perform(host, ask.Rewrap()) == ask.Done(1)
    perform(host, ask.Seal())
    assert isinstance(perform(host, ask.Unseal(PASSPHRASE)), Refused)
    assert isinstance(perform(host, ask.Unseal(Secret(b"a new one"))), ask.UnsealedAnswer)


def test_inbox_is_taken_in_when_asked(host: VaultHost) -> None:
    post(host.store, record("second"))
    post(host.store, record("second"))
    taken = perform(host, ask.TakeInbox())
    assert isinstance(taken, ask.UnsealedAnswer)
    assert taken.secrets == 2
    assert len(taken.refused) == 1


def test_pair_made_inside_is_registered_once_and_removed(host: VaultHost) -> None:
    made = perform(host, GENERATE)
    assert isinstance(made, RealCredential)
    assert made.permissions == ("READING", "SPOT_AND_MARGIN_TRADING")
    assert made.public_key.startswith("-----BEGIN PUBLIC KEY-----")
    checked = perform(host, ask.CheckCredential(made.id))
    assert isinstance(checked, Refused)
    assert "no API key yet" in checked.reason
    whole = perform(host, ask.RegisterCredential(made.id, api_key("z")))
    assert isinstance(whole, RealCredential)
    assert whole.api_key == api_key("z")
    assert perform(host, ask.RemoveCredential(made.id)) == ask.Done(1)
    assert perform(host, ask.RemoveCredential(made.id)) == NotFound(made.id)
    assert perform(host, ask.CheckCredential(made.id)) == NotFound(made.id)


def test_check_asks_the_credentials_own_upstream(host: VaultHost, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    class Probe:
        def get(self, target: str, headers: dict[str, str]) -> Unreachable:
            return Unreachable("not today")

    def probe(self: VaultHost, upstream: str) -> Probe:
        asked.append(upstream)
        return Probe()

    monkeypatch.setattr(VaultHost, "probe", probe)
    found = host.vault.records()
    assert isinstance(found, list)
    report = perform(host, ask.CheckCredential(found[0].id))
    assert isinstance(report, CheckReport)
    assert report.accepted is None
    assert asked == ["local"]


def test_last_check_is_remembered_until_the_credential_is_gone(
    host: VaultHost, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Probe:
        def get(self, target: str, headers: dict[str, str]) -> Unreachable:
            return Unreachable("not today")

    monkeypatch.setattr(VaultHost, "probe", lambda *_: Probe())
    found = host.vault.records()
    assert isinstance(found, list)
    assert perform(host, ask.ListChecks()) == ask.ChecksAnswer([], host.since_us)
    before_us = host.clock.now_us()
    for _ in range(2):
        perform(host, ask.CheckCredential(found[0].id))
    checks = perform(host, ask.ListChecks())
    assert isinstance(checks, ask.ChecksAnswer)
    (one,) = checks.checks
    assert (one.report.id, one.report.accepted, one.at_us >= before_us) == (found[0].id, None, True)
    changes = perform(host, ask.ShowChanges())
    assert changes == ask.ChangesAnswer(False, {found[0].id: one.at_us}, host.since_us)
    host.vault.seal()
    perform(host, ask.CheckCredential(found[0].id))
    assert perform(host, ask.ListChecks()) == checks, "what could not be asked is no news"
    assert not isinstance(host.unseal(PASSPHRASE), Refused)
    perform(host, ask.RemoveCredential(found[0].id))
    assert perform(host, ask.ListChecks()) == ask.ChecksAnswer([], host.since_us)


def test_local_upstream_is_the_one_told_then_the_running_one_then_the_usual(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = tmp_path / "home"
    monkeypatch.delenv("WATCHWORD_UPSTREAM_LOCAL", raising=False)
    host = cheap_host(home)
    assert host.local_address() == "http://127.0.0.1:8702"
    (home / "run.json").write_text('{"testnet": {"rest": "http://127.0.0.1:5"}}')
    assert host.local_address() == "http://127.0.0.1:5"
    (home / "run.json").write_text('{"testnet": 7}')
    assert host.local_address() == "http://127.0.0.1:8702"
    host.close()
    monkeypatch.setenv("WATCHWORD_UPSTREAM_LOCAL", "http://127.0.0.1:6")
    host = cheap_host(home)
    assert host.local_address() == "http://127.0.0.1:6"
    assert type(host.probe("live")).__name__ == type(host.probe("local")).__name__
    host.close()


def test_no_answer_repeats_a_secret(host: VaultHost) -> None:
    from watchword.entrypoints.vault.requests import write_answer

    found = host.vault.records()
    assert isinstance(found, list)
    for request in (
        ask.ShowStatus(),
        ask.CheckCredential("x"),
        ask.RegisterCredential(found[0].id, api_key("y")),
        GENERATE,
    ):
        raw = write_answer(perform(host, request))
        assert HMAC_SECRET not in raw
        assert b"PRIVATE KEY" not in raw
