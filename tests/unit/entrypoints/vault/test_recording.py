"""Every request that changes the vault has its row before it does; sealing never waits for one."""

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

import pytest
from tests.support.vaults import HMAC_SECRET, PASSPHRASE, api_key, host_with, post, record
from tests.unit.entrypoints.vault.test_requests import REQUESTS

from watchword.audit.event import Change, Outcome, encode_event
from watchword.audit.on_behalf import OnBehalf
from watchword.audit.trail import AuditUnavailable
from watchword.bootstrap.vault_host import VaultHost
from watchword.entrypoints.vault import listener
from watchword.entrypoints.vault import requests as ask
from watchword.entrypoints.vault.apart import Apart
from watchword.entrypoints.vault.listener import answer
from watchword.entrypoints.vault.recording import IDS_COUNT_MAX, LOOKING, change_of
from watchword.entrypoints.vault.requests import write_request
from watchword.kernel.errors import StorageError
from watchword.kernel.secret import Secret


class ListTrail:
    """Records into a list; can be made to fail."""

    def __init__(self) -> None:
        self.rows: list[Change | Outcome] = []
        self.fails = False
        self.sealed_when_recorded: list[bool] = []
        self.host: VaultHost | None = None

    async def record_change(self, change: Change) -> int:
        if self.fails:
            raise AuditUnavailable("the disk is full")
        if self.host is not None:
            self.sealed_when_recorded.append(self.host.vault.sealed)
        self.rows.append(change)
        return len(self.rows)

    def record_outcome(self, outcome: Outcome) -> None:
        self.rows.append(outcome)


@pytest.fixture
def host(tmp_path: Path) -> Iterator[VaultHost]:
    opened = host_with(tmp_path / "home", "main")
    yield opened
    opened.close()


def ask_host(host: VaultHost, trail: Any, request: ask.AnyRequest) -> dict[str, Any]:
    """One request through the listener's answer."""
    raw = asyncio.run(answer(host, asyncio.Lock(), Apart(), write_request(request), trail))
    found: dict[str, Any] = json.loads(raw)
    return found


def test_every_request_but_looking_is_a_change(host: VaultHost) -> None:
    post(host.store, record("waiting"))
    changing = {type(one) for one in REQUESTS if change_of(host, one) is not None}
    assert changing == set(get_args(ask.AnyRequest)) - set(LOOKING)


def test_rows_hold_no_passphrase_and_no_share(host: VaultHost) -> None:
    secret = Secret(b"correct horse canary")
    for request in (
        ask.Unseal(secret), ask.Unseal(shares=[secret]), ask.CreateVault("passphrase", {}, secret),
        ask.Rekey("passphrase", {}, secret),
    ):  # fmt: skip
        change = change_of(host, request)
        assert change is not None
        assert b"canary" not in encode_event(change)
        assert "Secret" not in repr(change)


def test_row_comes_before_the_change(host: VaultHost) -> None:
    trail = ListTrail()
    trail.host = host
    assert "result" in ask_host(host, trail, ask.Seal())
    assert "result" in ask_host(host, trail, ask.Unseal(PASSPHRASE))
    assert [row.action for row in trail.rows if isinstance(row, Change)] == ["vault:sealed", "vault:unsealed"]
    # Sealing is done first and recorded then; everything else the other way round.
    assert trail.sealed_when_recorded == [True, True]
    assert not host.vault.sealed


def test_refused_change_gets_a_row_that_says_so(host: VaultHost) -> None:
    trail = ListTrail()
    assert ask_host(host, trail, ask.RemoveCredential("cred-none"))["kind"] == "not_found"
    assert ask_host(host, trail, ask.MakeShares(9, 2))["kind"] == "refused"
    first, second, third, fourth = trail.rows
    assert isinstance(first, Change)
    assert isinstance(third, Change)
    assert isinstance(second, Outcome)
    assert isinstance(fourth, Outcome)
    assert (second.intent, second.result, fourth.intent) == (1, "not_sent", 3)
    assert "cred-none" in second.note


def test_faulty_change_gets_a_row_that_says_so(host: VaultHost, monkeypatch: pytest.MonkeyPatch) -> None:
    trail = ListTrail()

    def fail(*_: object) -> None:
        raise StorageError("read-only")

    monkeypatch.setattr(host.store, "apply", fail)
    assert ask_host(host, trail, ask.RegisterCredential("cred-x", api_key()))["kind"] == "not_found"
    assert ask_host(host, trail, ask.MakeShares(2, 3))["error"] == "read-only"
    outcome = trail.rows[-1]
    assert isinstance(outcome, Outcome)
    assert outcome.note == "read-only"


def test_no_record_no_change_but_sealing(host: VaultHost) -> None:
    trail = ListTrail()
    trail.fails = True
    found = host.vault.records()
    assert isinstance(found, list)
    assert "disk is full" in ask_host(host, trail, ask.RemoveCredential(found[0].id))["error"]
    assert host.vault.records() == found
    assert "result" in ask_host(host, trail, ask.ShowStatus())
    assert "result" in ask_host(host, trail, ask.Seal())
    assert host.vault.sealed


def test_check_is_recorded_before_the_real_key_signs_it(
    host: VaultHost, monkeypatch: pytest.MonkeyPatch
) -> None:
    trail = ListTrail()
    found = host.vault.records()
    assert isinstance(found, list)
    rows_when_asked: list[int] = []

    def perform(_host: VaultHost, request: ask.AnyRequest) -> object:
        assert request == ask.CheckCredential(found[0].id)
        rows_when_asked.append(len(trail.rows))
        return {}

    monkeypatch.setattr(listener, "perform", perform)
    assert "result" in ask_host(host, trail, ask.CheckCredential(found[0].id))
    assert rows_when_asked == [1]
    (row,) = trail.rows
    assert isinstance(row, Change)
    assert (row.action, row.subject) == ("credential:real:checked", found[0].id)
    trail.fails = True
    assert "disk is full" in ask_host(host, trail, ask.CheckCredential(found[0].id))["error"]
    assert rows_when_asked == [1]


def test_what_is_taken_in_is_named_and_an_empty_inbox_is_no_change(host: VaultHost) -> None:
    assert change_of(host, ask.TakeInbox()) is None
    waiting = [record(f"label {number}") for number in range(IDS_COUNT_MAX + 2)]
    for one in waiting:
        post(host.store, one, HMAC_SECRET)
    change = change_of(host, ask.TakeInbox())
    assert change is not None
    assert change.values["waiting"].endswith(" and 2 more")


def test_unreadable_store_does_not_stop_the_record(host: VaultHost, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail() -> None:
        raise StorageError("gone")

    monkeypatch.setattr(host.store, "inbox", fail)
    change = change_of(host, ask.Unseal(PASSPHRASE))
    assert change is not None
    assert change.values["waiting"] == ""


def test_request_on_behalf_of_a_person_names_them_in_its_row(host: VaultHost) -> None:
    by = OnBehalf(person="ann", ip="192.0.2.7", factor="totp", session="s-1")
    change = change_of(host, ask.Seal(on_behalf=by))
    assert change is not None
    assert (change.actor, change.values) == (
        "ann",
        {"from": "192.0.2.7", "factor": "totp", "session": "s-1"},
    )
    unnamed = change_of(host, ask.Seal())
    assert unnamed is not None
    assert (unnamed.actor, unnamed.values) == ("owner", {})
