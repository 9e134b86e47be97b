"""The console's approval key becomes known to the gateway once, and is never put in another's place."""

import asyncio
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from tests.support.gateway_doors import until_true

from watchword.adapters.console_home import console_folder
from watchword.adapters.system import SystemEntropy
from watchword.audit.on_behalf import OnBehalf
from watchword.credentials.key_problem import KeyProblem
from watchword.credentials.pem import read_public
from watchword.entrypoints.console import approver
from watchword.entrypoints.console import problem as told
from watchword.entrypoints.console.neighbours import Neighbours
from watchword.entrypoints.console.problem import Problem
from watchword.entrypoints.gateway.admin.approval_requests import PinApprover


class OneGateway:
    """A gateway that pins the first key."""

    def __init__(self, pinned: str = "") -> None:
        self.pinned, self.down = pinned, False
        self.asked: list[Any] = []

    async def ask_gateway(self, request: Any) -> Any:
        self.asked.append(request)
        if self.down:
            return Problem(told.UNAVAILABLE, "the gateway is not running")
        if isinstance(request, PinApprover):
            public = read_public(request.public_key.encode())
            assert not isinstance(public, KeyProblem)
            self.pinned = public.fingerprint
            return {"approver": self.pinned}
        return {"approvals": [], "now_us": 1, "approver": self.pinned}


def console_with(gateway: OneGateway, home: Path) -> Any:
    console_folder(home).mkdir(parents=True, exist_ok=True)
    return SimpleNamespace(
        at_hand={Neighbours: gateway}, settings=SimpleNamespace(home=home), entropy=SystemEntropy()
    )


async def test_first_key_is_pinned_for_who_asks(tmp_path: Path) -> None:
    gateway = OneGateway()
    console = console_with(gateway, tmp_path)
    by = OnBehalf(person="olga", ip="127.0.0.1", factor="totp", session="s-1")
    assert await approver.pinned(console, by) is None
    (pin,) = [one for one in gateway.asked if isinstance(one, PinApprover)]
    assert pin.public_key == approver.signer_of(console).public_pem
    assert {one.on_behalf for one in gateway.asked} == {by}


async def test_key_that_is_known_is_not_pinned_again_and_another_stays(tmp_path: Path) -> None:
    gateway = OneGateway()
    console = console_with(gateway, tmp_path)
    gateway.pinned = approver.signer_of(console).fingerprint
    assert await approver.pinned(console) is None
    gateway.pinned = gateway.pinned[:-1] + ("A" if gateway.pinned[-1] != "A" else "B")
    assert await approver.pinned(console) is approver.OTHER_PINNED
    assert [one for one in gateway.asked if isinstance(one, PinApprover)] == []


async def test_gateway_that_is_down_is_looked_for_until_it_is_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(approver, "LOOK_S", 0.001)
    gateway = OneGateway()
    monkeypatch.setattr(approver, "KNOWN_LOOK_S", 0.001)
    gateway.down = True
    console = console_with(gateway, tmp_path)
    found = await approver.pinned(console)
    assert isinstance(found, Problem)
    assert found.kind is told.UNAVAILABLE
    async with approver.introducing(console):
        await until_true(lambda: len(gateway.asked) >= 3)
        gateway.down = False
        await until_true(lambda: gateway.pinned)
        # Its owner takes the pin away: docs/formats/approvals.md.
        gateway.pinned = ""
        await until_true(lambda: gateway.pinned)


async def test_key_file_that_cannot_be_used_approves_nothing_and_says_so_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(approver, "LOOK_S", 0.001)
    gateway = OneGateway()
    console = console_with(gateway, tmp_path)
    (console_folder(tmp_path) / "approval.key").write_bytes(b"")
    async with approver.introducing(console):
        await asyncio.sleep(0.05)
    assert gateway.asked == []
    assert len([one for one in caplog.records if "nothing can be approved" in one.getMessage()]) == 1
