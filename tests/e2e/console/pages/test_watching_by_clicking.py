"""By clicking only: a request is confirmed with a factor, the audit trails are proved and taken away, somebody is invited.

In Debian's Chromium, over people in memory whose clock the test moves; the trails are real files.
"""

import contextlib
import csv
import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from playwright.sync_api import Browser, Page, expect
from tests.support.browser import Tab, browser, hold, served
from tests.support.console_pages import PagesConsole
from tests.support.trails import TRAIL_KEY, small_trail

from watchword.adapters.audit.sqlite_sink import SqliteSink
from watchword.bootstrap.audit_search import GATEWAY, AuditSearch, trail_paths
from watchword.bootstrap.audit_trail import public_key_path
from watchword.entrypoints.console.neighbours import Neighbours
from watchword.entrypoints.console.problem import UNAVAILABLE, Problem
from watchword.entrypoints.console.routes.approvals import ApprovalList
from watchword.entrypoints.gateway.admin.approval_requests import ApprovalView, DemandView
from watchword.entrypoints.gateway.admin.change_requests import ShowChanges

#: With the long tests: each starts a browser of its own, and the suite has minutes.
pytestmark = [pytest.mark.browser, pytest.mark.long]

DIGEST = "ab" * 32


def approval(now_us: int, number: int, **more: Any) -> ApprovalView:
    usual: dict[str, Any] = {
        "id": f"ap-{number}", "digest": DIGEST, "state": "waiting", "key": "vk-1", "key_label": "grid bot",
        "operation": "order.place", "place": "POST /api/v3/order", "ip": "203.0.113.7",
        "parameters": {"price": "30000", "quantity": f"0.{number}", "side": "BUY", "symbol": "BTCUSDT", "type": "LIMIT"},
        "reason": "large orders: notional above 200 USDT", "values": {"notional": "15000 USDT"},
        "demands": [DemandView("large orders", "notional above 200", ["olga", "tom"], True, "")], "mode": "hold",
        "asked": "2026-11-21T10:00:00Z", "asked_us": now_us, "expires": "2026-11-21T10:10:00Z",
        "expires_us": now_us + 600_000_000, "ended": None,
    }  # fmt: skip
    return ApprovalView(**{**usual, **more})


class Desk:
    """A gateway that two requests wait at, and its trail; as neighbour of a console it says what waits."""

    def __init__(self, folder: Path) -> None:
        path = trail_paths(folder)[GATEWAY]
        path.parent.mkdir(parents=True)
        (folder / "console").mkdir()
        with contextlib.closing(SqliteSink(path, 4096)) as sink:
            for row in small_trail():
                sink.append([row])
        public_key_path(folder).write_text(TRAIL_KEY.public.pem())
        self.console = PagesConsole(folder, built=True)
        self.console.at_hand[Neighbours] = self
        self.console.at_hand[AuditSearch] = AuditSearch.open(folder, build=True)
        now_us = self.console.clock.us
        self.waiting = {f"ap-{number}": approval(now_us, number) for number in (1, 2)}
        self.decided: list[tuple[str, str]] = []
        self.console.answers.update(
            listApprovals=lambda _: ApprovalList(list(self.waiting.values()), now_us),
            showApproval=lambda ask: self.waiting[ask.path["approval"]],
            decideApproval=self.decide,
        )

    async def ask_gateway(self, request: Any) -> Any:
        assert isinstance(request, ShowChanges)
        marks = [
            {"id": one, "state": "waiting", "said": 0, "approvers": ["olga", "tom"]} for one in self.waiting
        ]
        return {"began_us": 1, "next": 0, "now_us": 1, "missed": False, "keys": [], "approvals": marks}

    async def ask_vault(self, _: Any) -> Any:
        return Problem(UNAVAILABLE, "no vault runs here")

    ask_testnet = ask_vault

    def decide(self, ask: Any) -> ApprovalView:
        self.decided.append((ask.path["approval"], ask.body.decision))
        return msgspec.structs.replace(self.waiting.pop(ask.path["approval"]), state="confirmed")


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    with browser() as launched:
        yield launched


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    made = Desk(tmp_path)
    yield made
    made.console.at_hand[AuditSearch].close()


@pytest.fixture
def tab(chromium: Browser, desk: Desk) -> Iterator[Tab]:
    with served(desk.console) as origin:
        opened = Tab(chromium, origin, accept_downloads=True)
        hold(opened, desk.console)
        yield opened
        assert opened.complaints == []
        opened.close()


def confirm(desk: Desk, page: Page) -> None:
    """Show the factor the dialogue asks for."""
    page.get_by_label("Code of your authenticator app").fill(desk.console.code_of("olga"))
    page.get_by_role("dialog").get_by_role("button", name="Confirm").click()


def test_request_is_confirmed_with_a_fresh_factor(desk: Desk, tab: Tab) -> None:
    page = tab.page
    page.goto("/approvals")
    expect(page.locator("#list tbody tr")).to_have_count(2)
    desk.console.stale()
    page.get_by_role("link", name="Decide BUY LIMIT 0.1 BTCUSDT").click()
    dialog = page.get_by_role("dialog")
    for part in ("30000", "BTCUSDT", "203.0.113.7", DIGEST, "one of olga, tom"):
        expect(dialog.get_by_text(part).first).to_be_visible()
    dialog.get_by_role("button", name="Confirm").click()
    expect(page.get_by_role("heading", name="Confirm with your second factor")).to_be_visible()
    assert desk.decided == [], "not before the factor was shown"
    confirm(desk, page)
    expect(page.get_by_text("Confirmed.")).to_be_visible()
    assert desk.decided == [("ap-1", "confirm")]
    expect(page.locator("#list tbody tr")).to_have_count(1)


def test_request_is_refused_and_new_ones_come_by_themselves(desk: Desk, tab: Tab) -> None:
    page = tab.page
    page.goto("/approvals")
    page.get_by_role("link", name="Decide BUY LIMIT 0.2 BTCUSDT").click()
    page.get_by_role("dialog").get_by_role("button", name="Refuse").click()
    expect(page.get_by_text("Refused. The request is not sent.")).to_be_visible()
    assert desk.decided == [("ap-2", "refuse")]
    desk.waiting["ap-3"] = approval(desk.console.clock.us, 3)
    expect(page.locator("#list tbody tr")).to_have_count(2, timeout=10_000)
    expect(page.get_by_role("link", name="Decide BUY LIMIT 0.3 BTCUSDT")).to_be_visible()


def test_audit_is_searched_proved_and_exported(tab: Tab) -> None:
    page = tab.page
    page.goto("/audit")
    expect(page.locator("#list tbody tr")).to_have_count(12)
    page.get_by_label("Words in the row").fill("symbols")
    expect(page.locator("#list tbody tr")).to_have_count(1)
    page.get_by_role("link", name="symbols · POST /api/v3/order").click()
    expect(page.get_by_role("heading", name="Gateway row 6")).to_be_visible()
    page.keyboard.press("Escape")
    with page.expect_download() as begun:
        page.get_by_role("link", name="CSV").click()
    assert begun.value.suggested_filename == "audit.csv"
    (row,) = csv.DictReader(io.StringIO(Path(begun.value.path()).read_text()))
    assert (row["row"], row["rule"]) == ("6", "symbols")
    page.goto("/audit")
    with page.expect_download() as begun:
        page.get_by_role("link", name="JSON").click()
    assert len(msgspec.json.decode(Path(begun.value.path()).read_bytes())) == 12
    page.get_by_role("link", name="Verify").click()
    expect(page.get_by_text("every row is the one that was written")).to_be_visible()


def test_somebody_is_invited_and_removed(desk: Desk, tab: Tab) -> None:
    page = tab.page
    page.goto("/people")
    page.get_by_role("link", name="Invite somebody").click()
    page.get_by_label("Name", exact=True).fill("mia")
    page.get_by_label("Mail address", exact=True).fill("mia@example.org")
    page.get_by_role("dialog").get_by_role("button", name="Invite").click()
    expect(page.get_by_role("heading", name="mia is invited")).to_be_visible()
    token = page.locator("#enrolment-token").inner_text()
    page.get_by_role("link", name="Done").click()
    expect(page.get_by_role("heading", name="mia", exact=True)).to_be_visible()
    assert token not in page.content()
    desk.console.stale()
    page.get_by_role("link", name="Remove").click()
    page.get_by_role("dialog").get_by_role("button", name="Remove").click()
    expect(page.get_by_role("heading", name="Confirm with your second factor")).to_be_visible()
    confirm(desk, page)
    expect(page.get_by_text("The person was removed.")).to_be_visible()
    assert desk.console.people.called("mia") is None


def test_without_javascript_requests_are_read_and_refused(chromium: Browser, desk: Desk) -> None:
    with served(desk.console) as origin:
        plain = Tab(chromium, origin, java_script_enabled=False)
        hold(plain, desk.console)
        page = plain.page
        page.goto("/approvals")
        page.get_by_label("Search by key, symbol or operation").fill("0.2")
        page.get_by_role("button", name="Search").click()
        expect(page.locator("#list tbody tr")).to_have_count(1)
        desk.console.stale()
        page.get_by_role("link", name="Decide BUY LIMIT 0.2 BTCUSDT").click()
        page.get_by_role("button", name="Refuse").click()
        page.get_by_label("Code of your authenticator app").fill(desk.console.code_of("olga"))
        page.get_by_role("button", name="Confirm").first.click()
        expect(page.get_by_text("Refused. The request is not sent.")).to_be_visible()
        assert desk.decided == [("ap-2", "refuse")]
        plain.close()
