"""Narrowing and widening a key: whoever has no fresh factor asks the testnet to refuse what would widen."""

from typing import Any

import pytest
from tests.support.console_people import PeopleConsole

from watchword.accounts.sessions import FRESH_MS_MAX
from watchword.audit.event import Change, Outcome
from watchword.entrypoints.console import problem as told
from watchword.entrypoints.console.neighbours import Neighbours
from watchword.entrypoints.console.problem import Problem
from watchword.entrypoints.testnet.admin import requests as testnet

KEY = "K" * 64
VIEW = {
    "api_key": KEY, "account": "desk", "account_id": 1, "key_type": "HMAC", "label": "", "permissions": ["READING"],
    "ips": [], "symbols": [], "expires": None, "created": None, "last_used": None,
}  # fmt: skip


class OneKey:
    """A testnet with one key; `refusal` is what it says to a change that may not widen."""

    def __init__(self) -> None:
        self.edits: list[testnet.EditKey] = []
        self.refusal = testnet.WIDENS + "IP list removed"
        self.widens = True

    async def ask_testnet(self, request: Any) -> Any:
        if isinstance(request, testnet.EditKey):
            self.edits.append(request)
            if self.widens and not request.may_widen:
                return Problem(told.REFUSED, self.refusal)
        return VIEW


@pytest.fixture
def console() -> PeopleConsole:
    found = PeopleConsole()
    found.at_hand = {Neighbours: OneKey()}  # type: ignore[attr-defined]
    return found


def keys_at(console: PeopleConsole) -> OneKey:
    found: OneKey = console.at_hand[Neighbours]  # type: ignore[attr-defined]
    return found


@pytest.mark.parametrize(("late_us", "widened"), [(0, True), (1, False)])
async def test_factor_is_good_for_widening_to_its_last_microsecond(
    console: PeopleConsole, late_us: int, widened: bool
) -> None:
    token = console.session_of("olga")
    console.clock.us += FRESH_MS_MAX * 1_000 + late_us
    found = await console.call("PATCH", f"/keys/{KEY}", token, {"ips": []})
    (edit,) = keys_at(console).edits
    assert edit.may_widen is widened
    if widened:
        assert found.api_key == KEY
    else:
        assert found.kind is told.STALE_FACTOR
        assert "IP list removed" in found.detail
        outcome = console.trail.of(Outcome)[-1]
        assert (outcome.result, "IP list removed" in outcome.note) == ("not_sent", True)


async def test_stale_factor_narrows(console: PeopleConsole) -> None:
    token = console.session_of("olga")
    console.clock.us += FRESH_MS_MAX * 1_000 + 1
    keys_at(console).widens = False
    assert (await console.call("PATCH", f"/keys/{KEY}", token, {"label": "slow"})).api_key == KEY
    (row,) = [one for one in console.trail.of(Change) if one.action == "key:edited"]
    assert (row.subject, row.values["label"]) == (KEY[:12], "slow")


async def test_other_refusals_stay_what_they_are(console: PeopleConsole) -> None:
    token = console.session_of("olga")
    console.clock.us += FRESH_MS_MAX * 1_000 + 1
    keys_at(console).refusal = "there is no symbol NOSUCH here"
    found = await console.call("PATCH", f"/keys/{KEY}", token, {"symbols": ["NOSUCH"]})
    assert found == Problem(told.REFUSED, "there is no symbol NOSUCH here")


async def test_what_is_left_out_is_left_alone_and_what_is_empty_is_cleared(console: PeopleConsole) -> None:
    token = console.session_of("olga")
    await console.call("PATCH", f"/keys/{KEY}", token, {"ips": [], "expires": ""})
    (edit,) = keys_at(console).edits
    assert (edit.ips, edit.expires) == ([], "")
    assert (edit.label, edit.permissions, edit.symbols) == (None, None, None)
    assert edit.on_behalf is not None
    assert (edit.on_behalf.person, edit.on_behalf.factor) == ("olga", "totp")


async def test_beginning_of_a_key_is_not_the_key(console: PeopleConsole) -> None:
    token = console.session_of("olga")
    for name in (KEY[:-1], KEY[:12], f"{KEY}K"):
        found = await console.call("PATCH", f"/keys/{name}", token, {"label": "x"})
        assert found.kind is told.NOT_FOUND
    assert keys_at(console).edits == []
