"""By clicking only: an order placed on the market page, seen live, cancelled, filled, seen in history. In Debian's Chromium."""

import csv
import re
import time
from collections.abc import Iterator

import pytest
from playwright.sync_api import expect
from tests.support.browser import NARROW, PagedHome, Tab, paged_home

#: With the long tests: each starts a browser of its own, and the suite has minutes.
pytestmark = [pytest.mark.browser, pytest.mark.long]

TASK_S_MAX = 0.2
WATCHED_S = 4


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PagedHome]:
    with paged_home(tmp_path_factory.mktemp("trading")) as home:
        tab = home.owner = home.enrolled()  # type: ignore[attr-defined]
        home.accounts = {}  # type: ignore[attr-defined]
        for name in ("desk", "maker"):
            draft = {"name": name, "deposits": {"USDT": "100000", "BTC": "2"}}
            made = home.console.call("POST", "/accounts", tab.session(), draft)
            home.accounts[name] = made.json["account_id"]  # type: ignore[attr-defined]
        yield home


@pytest.fixture
def owner(desk: PagedHome) -> Iterator[Tab]:
    tab: Tab = desk.owner  # type: ignore[attr-defined]
    tab.page.goto(f"/market?account={desk.accounts['desk']}")  # type: ignore[attr-defined]
    expect(tab.page.locator("[data-live]")).to_have_text("Live")
    yield tab
    assert tab.complaints == []


def other_side(desk: PagedHome, tab: Tab, side: str, price: str, quantity: str = "0.01") -> None:
    """An order of the other account, over the API."""
    path = f"/accounts/{desk.accounts['maker']}/orders"  # type: ignore[attr-defined]
    body = {"symbol": "BTCUSDT", "side": side, "price": price, "quantity": quantity}
    assert desk.console.call("POST", path, tab.session(), body).status == 201


def place(tab: Tab, side: str, price: str, quantity: str) -> None:
    form = tab.page.locator("#order-form")
    form.get_by_label("Price, USDT").fill(price)
    form.get_by_label("Amount, BTC").fill(quantity)
    form.get_by_role("button", name=f"{side} BTC").click()


def test_order_is_placed_shown_in_book_and_list_and_cancelled(desk: PagedHome, owner: Tab) -> None:
    page = owner.page
    place(owner, "Buy", "50000", "0.02")
    expect(page.locator("#order-form")).to_contain_text("Buy 0.02 BTC: Open.")
    row = page.locator("#open-orders tbody tr")
    expect(row).to_have_count(1)
    expect(row).to_contain_text("50,000")
    expect(page.locator('[data-side="bids"] tr').first).to_contain_text("50,000.00")
    expect(page.locator("[data-free='USDT']")).to_have_text("99,000")
    row.get_by_role("button", name=re.compile("Cancel order")).click()
    expect(page.locator("#open-orders")).to_contain_text("No open orders on BTCUSDT.")
    expect(page.locator('[data-side="bids"] tr').first).not_to_contain_text("50,000.00")
    expect(page.locator("[data-free='USDT']")).to_have_text("100,000")


def test_order_filled_by_somebody_else_leaves_the_list_and_is_in_the_history(
    desk: PagedHome, owner: Tab
) -> None:
    page = owner.page
    place(owner, "Buy", "51000", "0.01")
    expect(page.locator("#open-orders tbody tr")).to_have_count(1)
    other_side(desk, owner, "SELL", "51000")
    expect(page.locator("#open-orders")).to_contain_text("No open orders")
    expect(page.locator("[data-last]")).to_have_text("51,000.00")
    expect(page.locator("[data-trades] tr").first).to_contain_text("0.01000")
    page.get_by_role("link", name="Account", exact=True).click()
    page.get_by_role("link", name="Order history").click()
    expect(page.locator("#list tbody tr").first).to_contain_text("Filled")
    page.get_by_role("link", name="Trade history").click()
    expect(page.locator("#list tbody tr").first).to_contain_text("51,000")
    with page.expect_download() as saving:
        page.get_by_role("link", name="Export CSV").click()
    with saving.value.path().open(newline="") as sheet:
        rows = list(csv.DictReader(sheet))
    assert [(row["pair"], row["side"], row["price"]) for row in rows] == [
        ("BTCUSDT", "BUY", "51000.00000000")
    ]
    page.get_by_role("link", name="Portfolio").click()
    expect(page.get_by_label("Profit by symbol")).to_contain_text("BTCUSDT")


def test_refusal_of_the_exchange_is_said_in_the_form_and_the_entry_stays(owner: Tab) -> None:
    place(owner, "Sell", "60000", "99")
    form = owner.page.locator("#order-form")
    expect(form.get_by_role("alert")).to_contain_text(
        "insufficient balance for requested action. (code -2010)"
    )
    expect(form.get_by_label("Amount, BTC")).to_have_value("99")


def test_fields_follow_the_kind_of_order(owner: Tab) -> None:
    form = owner.page.locator("#order-form")
    form.get_by_label("Type").select_option("MARKET")
    expect(form.get_by_label("Price, USDT")).to_be_hidden()
    expect(form.get_by_label("or for, USDT")).to_be_visible()
    form.get_by_label("Type").select_option("STOP_LOSS_LIMIT")
    expect(form.get_by_label("Trigger at, USDT")).to_be_visible()
    expect(form.get_by_label("Price, USDT")).to_be_visible()
    expect(form.get_by_label("or for, USDT")).to_be_hidden()


def test_faucet_pays_by_clicking(desk: PagedHome, owner: Tab) -> None:
    page = owner.page
    page.goto(f"/account?account={desk.accounts['maker']}")  # type: ignore[attr-defined]
    page.get_by_label(re.compile("Faucet")).select_option("BNB")
    page.get_by_role("button", name="Pay in").click()
    expect(page.get_by_text("The faucet paid.")).to_be_visible()
    expect(page.locator("#list")).to_contain_text("BNB")


@pytest.mark.parametrize("path", ["/market", "/account", "/account/orders", "/account/trades", "/portfolio"])
def test_page_is_no_wider_than_a_phone(owner: Tab, path: str) -> None:
    page = owner.page
    before = page.viewport_size
    page.set_viewport_size({"width": NARROW, "height": 800})
    page.goto(path)
    assert page.evaluate("document.documentElement.scrollWidth") <= NARROW
    if before is not None:
        page.set_viewport_size(before)


def test_market_page_leaves_the_main_thread_free(desk: PagedHome, owner: Tab) -> None:
    """Twenty updates a second: at most 200 ms of tasks a second, by Chromium's own counter."""
    page = owner.page
    counter = owner.context.new_cdp_session(page)
    # The thread's own time: what others do on this machine meanwhile is not the page's.
    counter.send("Performance.enable", {"timeDomain": "threadTicks"})
    page.wait_for_timeout(1_000)

    def task_s() -> float:
        metrics = counter.send("Performance.getMetrics")["metrics"]
        return float(next(one["value"] for one in metrics if one["name"] == "TaskDuration"))

    page.evaluate("window.seen = 0; new MutationObserver(() => { window.seen += 1; }).observe("
                  "document.querySelector('[data-trades]'), {childList: true})")  # fmt: skip
    other_side(desk, owner, "SELL", "52000", "1")
    began_s, began, sent = task_s(), time.monotonic(), 0
    path = f"/accounts/{desk.accounts['desk']}/orders"  # type: ignore[attr-defined]
    body = {"symbol": "BTCUSDT", "side": "BUY", "price": "52000", "quantity": "0.001"}
    session = owner.session()
    for _ in range(WATCHED_S * 4):
        for _ in range(5):
            assert desk.console.call("POST", path, session, body).status == 201
            sent += 1
        page.wait_for_timeout(250)
    used_s, watched_s = task_s() - began_s, time.monotonic() - began
    assert page.evaluate("window.seen") >= WATCHED_S * 4
    assert used_s <= TASK_S_MAX * watched_s, f"{used_s:.2f} s of tasks for {sent} orders in {watched_s:.1f} s"


def test_page_works_without_script(desk: PagedHome, owner: Tab) -> None:
    tab = Tab(desk.browser, desk.console.origin, java_script_enabled=False)
    try:
        tab.context.add_cookies(owner.context.cookies())  # type: ignore[arg-type]  # what it gave is what it takes
        page = tab.page
        page.goto(f"/market?account={desk.accounts['desk']}")  # type: ignore[attr-defined]
        place(tab, "Buy", "40000", "0.01")
        expect(page.get_by_text("The order was placed.")).to_be_visible()
        page.get_by_role("button", name=re.compile("Cancel order")).first.click()
        expect(page.get_by_text("The order was cancelled.")).to_be_visible()
    finally:
        tab.close()


def test_signing_out_elsewhere_ends_what_is_live(desk: PagedHome, owner: Tab) -> None:
    ended = desk.console.call("POST", "/sign-out", owner.session())
    assert ended.status in {200, 204}
    expect(owner.page.locator("[data-live]")).to_have_text("Signed out")
