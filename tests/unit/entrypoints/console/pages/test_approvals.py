"""Approvals: what the list shows, what exactly a request would do, and a yes that goes through the second factor."""

import html
from pathlib import Path
from typing import Any

import msgspec
import pytest
from tests.support.console_pages import FakeBrowser, PagesConsole

from watchword.entrypoints.console import problem as told
from watchword.entrypoints.console.pages.approvals import left, ordered, summary
from watchword.entrypoints.console.problem import Problem
from watchword.entrypoints.console.routes.approvals import ApprovalList
from watchword.entrypoints.gateway.admin.approval_requests import ApprovalView, DemandView

NASTY = "\"><script>alert(1)</script>' onmouseover=alert(1) {{7*7}}"
NOW_US = 1_800_000_000_000_000
DIGEST = "ab" * 32


def approval(**more: Any) -> ApprovalView:
    """A large order that waits for olga or tom."""
    usual: dict[str, Any] = {
        "id": "ap-abc", "digest": DIGEST, "state": "waiting", "key": "vk-1", "key_label": "grid bot",
        "operation": "order.place", "place": "POST /api/v3/order", "ip": "203.0.113.7",
        "parameters": {"newClientOrderId": "x-1", "price": "30000", "quantity": "0.5", "side": "BUY", "symbol": "BTCUSDT", "type": "LIMIT"},
        "reason": "large orders: 15000 USDT", "values": {"notional": "15000"},
        "demands": [DemandView("large orders", "notional above 200", ["olga", "tom"], True, "")],
        "mode": "hold", "asked": "2026-11-21T10:00:00Z", "asked_us": NOW_US, "expires": "2026-11-21T10:10:00Z",
        "expires_us": NOW_US + 600_000_000, "ended": None,
    }  # fmt: skip
    return ApprovalView(**{**usual, **more})


@pytest.fixture
def console(tmp_path: Path) -> PagesConsole:
    one = approval()
    return PagesConsole(
        tmp_path, listApprovals=ApprovalList([one], NOW_US), showApproval=one,
        decideApproval=msgspec.structs.replace(one, state="confirmed"),
    )  # fmt: skip


@pytest.fixture
def olga(console: PagesConsole) -> FakeBrowser:
    return console.signed_in()


def decisions(console: PagesConsole) -> list[Any]:
    return [ask.body for ask in console.asked if type(ask.body).__name__ == "DecisionDraft"]


async def test_list_shows_what_waits_and_is_told_of_changes(console: PagesConsole, olga: FakeBrowser) -> None:
    page = await olga.get("/approvals")
    assert page.status_code == 200
    for part in ("BUY LIMIT 0.5 BTCUSDT at 30000", "grid bot", "10 min 00 s</span> left", "large orders"):
        assert part in page.text
    assert f'data-live="approvals" data-live-at="{console.clock.us}"' in page.text
    assert 'data-left="600"' in page.text


async def test_list_searches_key_symbol_and_operation(olga: FakeBrowser) -> None:
    for found in ("GRID", "btcusdt", "order.place"):
        assert "BUY LIMIT" in (await olga.get(f"/approvals?query={found}")).text
    nothing = (await olga.get("/approvals?query=ethusdt")).text
    assert "Nothing found" in nothing
    assert "BUY LIMIT" not in nothing


async def test_long_list_is_shown_in_pages(console: PagesConsole, olga: FakeBrowser) -> None:
    waiting = [
        approval(id=f"ap-{number:02d}", parameters={"symbol": f"COIN{number:02d}"}) for number in range(30)
    ]
    console.answers["listApprovals"] = ApprovalList(waiting, NOW_US)
    first = (await olga.get("/approvals")).text
    assert ("COIN24" in first, "COIN25" in first, "25 of 30" in first) == (True, False, True)
    assert "after=ap-24" in first
    second = (await olga.get("/approvals?after=ap-24")).text
    assert ("COIN24" in second, "COIN25" in second, "COIN29" in second) == (False, True, True)
    assert ("First page" in second, "Next page" in second) == (True, False)


async def test_list_empty_and_failed_say_so(console: PagesConsole, olga: FakeBrowser) -> None:
    console.answers["listApprovals"] = ApprovalList([], NOW_US)
    assert "Nothing waits" in (await olga.get("/approvals")).text
    assert "Nothing is remembered" in (await olga.get("/approvals?state=all")).text
    console.answers["listApprovals"] = Problem(told.UNAVAILABLE, "no gateway runs here")
    failed = await olga.get("/approvals")
    assert failed.status_code == told.UNAVAILABLE.status
    assert "no gateway runs here" in failed.text
    assert "Try again" in failed.text


async def test_page_shows_every_parameter_that_is_sent(console: PagesConsole, olga: FakeBrowser) -> None:
    page = html.unescape((await olga.get("/approvals/ap-abc")).text)
    for name, value in approval().parameters.items():
        assert f'<dt class="mono">{name}</dt><dd class="mono breaks">{value}</dd>' in page
    for part in (
        DIGEST,
        "203.0.113.7",
        "one of olga, tom",
        "goes on at once",
        'value="refuse"',
        'value="confirm"',
    ):
        assert part in page
    console.answers["showApproval"] = approval(mode="refuse")
    assert "once more until it lapses" in (await olga.get("/approvals/ap-abc")).text


async def test_free_texts_stay_texts(console: PagesConsole, olga: FakeBrowser) -> None:
    nasty = approval(
        key_label=NASTY, reason=NASTY, parameters={NASTY: NASTY, "symbol": NASTY, "newClientOrderId": NASTY}
    )
    console.answers.update(listApprovals=ApprovalList([nasty], NOW_US), showApproval=nasty)
    for path in ("/approvals", "/approvals/ap-abc"):
        text = (await olga.get(path)).text
        assert "<script>alert" not in text
        assert html.escape(NASTY, quote=False).replace('"', "&#34;").replace("'", "&#39;") in text


async def test_yes_names_the_request_that_was_shown(console: PagesConsole, olga: FakeBrowser) -> None:
    answer = await olga.post("/approvals/ap-abc", {"decision": "confirm", "digest": DIGEST})
    assert (answer.status_code, answer.headers["location"]) == (303, "/approvals")
    (said,) = decisions(console)
    assert (said.decision, said.digest) == ("confirm", DIGEST)
    assert "Confirmed." in (await olga.get("/approvals")).text


async def test_yes_that_is_not_enough_is_noted(console: PagesConsole, olga: FakeBrowser) -> None:
    console.answers["decideApproval"] = approval()
    await olga.post("/approvals/ap-abc", {"decision": "confirm", "digest": DIGEST})
    assert "Somebody else must say yes as well" in (await olga.get("/approvals")).text


async def test_stale_factor_is_asked_for_and_then_the_same_decision_is_taken(
    console: PagesConsole, olga: FakeBrowser
) -> None:
    console.stale()
    asked = await olga.post("/approvals/ap-abc", {"decision": "refuse", "digest": DIGEST})
    assert asked.status_code == 403
    assert decisions(console) == []
    assert '<input type="hidden" name="decision" value="refuse">' in asked.text
    shown = {
        "w_target": "/approvals/ap-abc", "w_kind": "totp", "w_code": console.code_of("olga"), "decision": "refuse",
        "digest": DIGEST,
    }  # fmt: skip
    done = await olga.post("/step-up", shown)
    assert done.headers["location"] == "/approvals"
    assert [one.decision for one in decisions(console)] == ["refuse"]


async def test_wrong_factor_decides_nothing(console: PagesConsole, olga: FakeBrowser) -> None:
    console.stale()
    shown = {
        "w_target": "/approvals/ap-abc", "w_kind": "totp", "w_code": "000000", "decision": "confirm", "digest": DIGEST,
    }  # fmt: skip
    assert (await olga.post("/step-up", shown)).status_code >= 400
    assert decisions(console) == []


async def test_objection_is_said_beside_the_request(console: PagesConsole, olga: FakeBrowser) -> None:
    console.answers["decideApproval"] = Problem(
        told.CONFLICT, "this is not the request that was shown: look again"
    )
    answer = await olga.post("/approvals/ap-abc", {"decision": "confirm", "digest": "0" * 64})
    assert answer.status_code == told.CONFLICT.status
    assert "look again" in answer.text
    assert "BUY LIMIT" in answer.text


async def test_nonsense_decision_is_refused(console: PagesConsole, olga: FakeBrowser) -> None:
    answer = await olga.post("/approvals/ap-abc", {"decision": "maybe", "digest": DIGEST})
    assert answer.status_code == told.INVALID.status
    assert decisions(console) == []


async def test_who_has_no_say_gets_no_buttons(console: PagesConsole) -> None:
    for name, role in (("anna", "admin"), ("uma", "auditor")):
        page = (await console.signed_in(name, role).get("/approvals/ap-abc")).text  # type: ignore[arg-type]
        assert 'value="confirm"' not in page
        assert "Only olga, tom may decide this." in page
    refused = await console.signed_in("uma", "auditor").post(
        "/approvals/ap-abc", {"decision": "confirm", "digest": DIGEST}
    )
    assert refused.status_code == 403
    assert decisions(console) == []


async def test_decided_request_cannot_be_decided_again(console: PagesConsole, olga: FakeBrowser) -> None:
    console.answers["showApproval"] = approval(state="used", ended="2026-11-21T10:05:00Z")
    page = (await olga.get("/approvals/ap-abc")).text
    assert "Nothing is to be decided any more" in page
    assert 'value="confirm"' not in page


def test_summary_of_what_is_no_order_is_its_operation() -> None:
    assert summary(approval(parameters={})) == "order.place"
    withdrawal = approval(operation="withdraw", parameters={"coin": "BTC", "amount": "1", "address": "bc1q"})
    assert summary(withdrawal) == "1 BTC"


def test_nothing_that_is_sent_is_left_out_and_what_matters_comes_first() -> None:
    parameters = {"zz": "1", "price": "2", "symbol": "BTCUSDT", "aa": "3"}
    shown = ordered(parameters)
    assert dict(shown) == parameters
    assert [name for name, _ in shown] == ["symbol", "price", "aa", "zz"]


@pytest.mark.parametrize(("us", "text"), [(59_999_999, "59 s"), (60_000_000, "1 min 00 s"), (-1, "0 s")])
def test_time_left_is_never_less_than_nothing(us: int, text: str) -> None:
    assert left(NOW_US + us, NOW_US) == text
