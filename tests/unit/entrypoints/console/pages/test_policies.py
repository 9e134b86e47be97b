"""Policies: those in use, and a text that is checked, compared and asked by the pages; the engine is the real one."""

import html
from pathlib import Path
from typing import Any

import pytest
from tests.support.console_pages import FakeBrowser, PagesConsole

from watchword.entrypoints.console import problem as told
from watchword.entrypoints.console.problem import Problem
from watchword.entrypoints.console.routes.policies import PolicyInUse, PolicyList
from watchword.entrypoints.console.routes.virtual_keys import VirtualKeyPage

NARROW = "version: 1\nname: spot-bot\npermissions: [read, trade]\nsymbols: [BTCUSDT]\nsides: any\norder_types: any\nmax_order: {USDT: 500}\n"
WIDE = NARROW.replace("500", "5000")
ORDER = {
    "symbol": "BTCUSDT", "side": "BUY", "type": "LIMIT", "quantity": "0.01", "price": "30000", "base": "BTC",
    "quote": "USDT", "median": "30000", "given": "",
}  # fmt: skip


class Named:
    """A virtual key, as far as these pages look at one."""

    id, label, policy, policy_text, policy_sha256 = "vk-1", "grid bot", "spot-bot", NARROW, "ab" * 32


@pytest.fixture
def console(tmp_path: Path) -> PagesConsole:
    keys: Any = [Named()]
    return PagesConsole(
        tmp_path,
        listPolicies=lambda ask: PolicyList(
            []
            if ask.query.query == "futures"
            else [PolicyInUse("spot-bot", "ab" * 32, ["vk-1"], {"vk-1": "grid bot"}, 6)],
            None if ask.query.after else "more",
            2,
        ),
        listVirtualKeys=VirtualKeyPage(keys, None, 1),
        listCredentials=Problem(told.UNAVAILABLE, "the vault is sealed"),
        showVirtualKey=lambda ask: Named() if ask.path["key"] == "vk-1" else Problem(told.NOT_FOUND),
    )


@pytest.fixture
def uma(console: PagesConsole) -> FakeBrowser:
    """An auditor: reading is enough for all of it."""
    return console.signed_in("uma", "auditor")


async def test_list_shows_policies_with_their_keys_and_searches(
    console: PagesConsole, uma: FakeBrowser
) -> None:
    page = (await uma.get("/policies")).text
    assert all(
        part in page for part in ("spot-bot", "grid bot", "/policies/of/vk-1", "/policies/explain?key=vk-1")
    )
    assert "spot-bot" in (await uma.get("/policies?query=GRID")).text
    assert "Nothing found" in (await uma.get("/policies?query=futures")).text
    assert all(part in page for part in ("and 2 more", "/policies?query=&amp;after=more", "1 of 2"))
    assert "First page" in (await uma.get("/policies?after=more")).text
    console.answers["listPolicies"] = PolicyList([])
    assert "No policy is in use" in (await uma.get("/policies")).text
    console.answers["listPolicies"] = Problem(told.UNAVAILABLE, "no gateway runs here")
    failed = await uma.get("/policies")
    assert (failed.status_code, "no gateway runs here" in failed.text) == (told.UNAVAILABLE.status, True)


async def test_text_of_a_keys_policy_is_shown_and_begins_the_forms(uma: FakeBrowser) -> None:
    for path in (
        "/policies/of/vk-1",
        "/policies/check?key=vk-1",
        "/policies/compare?key=vk-1",
        "/policies/explain?key=vk-1",
    ):
        page = await uma.get(path)
        assert page.status_code == 200, path
        assert NARROW.strip() in html.unescape(page.text), path
    for path in ("/policies/of/vk-2", "/policies/check?key=vk-2", "/policies/check?key=../x"):
        assert (await uma.get(path)).status_code == 404, path


async def test_check_names_line_and_column_of_an_error(uma: FakeBrowser) -> None:
    assert (
        "error"
        not in (await uma.post("/policies/check", {"text": NARROW})).text.partition("found-title")[2][:40]
    )
    wrong = (await uma.post("/policies/check", {"text": NARROW + "nosuch: 1\n"})).text
    assert "1 error" in wrong
    assert "Line 8" in wrong
    assert "nosuch: 1" in wrong, "what was typed is still there"


async def test_compare_says_where_more_is_allowed(uma: FakeBrowser) -> None:
    assert (
        "The new one allows more" in (await uma.post("/policies/compare", {"old": NARROW, "new": WIDE})).text
    )
    assert "allows nothing more" in (await uma.post("/policies/compare", {"old": WIDE, "new": NARROW})).text
    assert "No difference" in (await uma.post("/policies/compare", {"old": WIDE, "new": WIDE})).text
    broken = await uma.post("/policies/compare", {"old": WIDE, "new": "nonsense: ["})
    assert broken.status_code == told.REFUSED.status
    assert "nonsense: [" in broken.text


@pytest.mark.parametrize(("quantity", "says"), [("0.01", "Allowed"), ("0.1", "Refused")])
async def test_sample_order_is_decided_by_the_engine(uma: FakeBrowser, quantity: str, says: str) -> None:
    page = (await uma.post("/policies/explain", {**ORDER, "policy": NARROW, "quantity": quantity})).text
    found = page.partition('id="found-title"')[2]
    assert says in found[:120]
    assert "max_order" in found
    assert f'value="{quantity}"' in page


async def test_sample_order_meets_what_is_given_instead(uma: FakeBrowser) -> None:
    given = "markets: {BTCUSDT: {base: BTC, quote: USDT, median: 30000}}\nusage: {orders: {minute: 3}}"
    page = await uma.post("/policies/explain", {**ORDER, "policy": NARROW, "given": given})
    assert page.status_code in {200, told.REFUSED.status}
    assert "usage:" in page.text
    wrong = await uma.post("/policies/explain", {**ORDER, "policy": NARROW, "given": "weather: fine"})
    assert wrong.status_code == told.REFUSED.status
    assert "given:" in wrong.text


async def test_market_order_has_no_price_and_nasty_names_stay_names(
    console: PagesConsole, uma: FakeBrowser
) -> None:
    nasty = '"}], {x: <script>alert(1)</script>'
    form = {**ORDER, "policy": NARROW, "type": "MARKET", "base": nasty, "symbol": "BTCUSDT"}
    page = await uma.post("/policies/explain", form)
    assert "<script>alert" not in page.text
    (ask,) = [ask for ask in console.asked if type(ask.body).__name__ == "ExplainDraft"] or [None]
    assert ask is None or "price" not in ask.body.parameters
