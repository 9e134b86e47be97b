"""In Chromium against real processes: a bot's order waits, a person confirms it by clicking, and both trails tell of it."""

import csv
import io
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect
from tests.support.browser import Tab, browser
from tests.support.managed_home import ManagedHome, managed_home

from watchword.entrypoints.console.pages.cookies import SESSION

pytestmark = [pytest.mark.browser, pytest.mark.long]

POLICY = """\
version: 1
name: asks
permissions: [read, trade]
symbols: any
sides: any
order_types: any
require_approval:
  - {name: large orders, notional_above: {USDT: 200}, mode: refuse, approvers: [olga], time_limit: 10m}
"""


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    with browser() as launched:
        yield launched


@pytest.fixture(scope="module")
def desk(chromium: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ManagedHome]:
    with managed_home(tmp_path_factory.mktemp("watched")) as made:
        yield made


@pytest.fixture
def tab(chromium: Browser, desk: ManagedHome) -> Iterator[Tab]:
    opened = Tab(chromium, desk.console.origin, accept_downloads=True)
    opened.context.add_cookies([{"name": SESSION, "value": desk.owner.token, "url": opened.origin}])
    yield opened
    assert opened.complaints == []
    opened.close()


def test_order_waits_is_confirmed_by_clicking_and_is_in_both_trails(desk: ManagedHome, tab: Tab) -> None:
    credential = desk.real_key(desk.account("desk", USDT="1000000", BTC="10"))
    key = desk.virtual_key(credential, "grid bot", POLICY)
    bot, page = desk.bot(key), tab.page
    page.goto("/approvals")
    expect(page.get_by_text("Nothing waits")).to_be_visible()
    assert bot.place().code == -2010
    page.get_by_role("link", name="Decide BUY").click()
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_text("grid bot")).to_be_visible()
    dialog.get_by_role("button", name="Confirm").click()
    expect(page.get_by_text("Confirmed.")).to_be_visible()
    assert bot.place().status == 200
    page.goto("/policies")
    page.get_by_role("link", name="asks", exact=True).click()
    expect(page.get_by_role("dialog").get_by_text("require_approval")).to_be_visible()
    page.goto("/audit?text=approval")
    expect(page.get_by_role("link", name="approval:confirmed")).to_be_visible()
    expect(page.get_by_role("link", name="approval:decided")).to_be_visible()
    with page.expect_download() as begun:
        page.get_by_role("link", name="CSV").click()
    rows = list(csv.DictReader(io.StringIO(Path(begun.value.path()).read_text())))
    assert {("gateway", "approval:confirmed"), ("console", "approval:decided")} <= {
        (row["trail"], row["action"]) for row in rows
    }
    page.get_by_role("link", name="Verify").click()
    expect(page.get_by_text("Both trails are whole")).to_be_visible()
    expect(page.get_by_text("Not checked: no public key")).to_have_count(0)
