"""The page for who has just come: which steps each role sees, and where they lead."""

import re
from pathlib import Path

import pytest
from tests.support.console_pages import PagesConsole

from watchword.accounts.roles import Role
from watchword.entrypoints.console import problem as told
from watchword.entrypoints.console.pages.first_steps import STEPS
from watchword.entrypoints.console.pages.table import PAGES
from watchword.entrypoints.console.problem import Problem
from watchword.entrypoints.console.routes.testnet_accounts import ExchangeAccountList, ExchangeAccountView
from watchword.entrypoints.console.routes.virtual_keys import VirtualKeyPage
from watchword.entrypoints.gateway.admin.requests import KeyView

NASTY = "<script>alert(1)</script>"


def key(label: str, last_used: str | None) -> KeyView:
    return KeyView(
        id="vk-1", label=label, state="works", ends_in="", credential="c", credential_label="c", upstream="local", policy="p",
        policy_sha256="", ips=[], expires=None, effective_expires=None, own_orders_only=True, weight_per_minute_max=0,
        orders_per_10s_max=0, parent="", children=[], versions=[], created="2026-11-01T10:00:00Z", revoked=None,
        last_used=last_used, last_ip="", policy_text="", usage={},
    )  # fmt: skip


@pytest.fixture
def console(tmp_path: Path) -> PagesConsole:
    account = ExchangeAccountView("demo", 3, None, {})
    return PagesConsole(
        tmp_path,
        listVirtualKeys=VirtualKeyPage([], None, 0),
        listExchangeAccounts=ExchangeAccountList([account]),
    )


def test_steps_lead_to_pages_that_are_there() -> None:
    assert {step.path for step in STEPS} <= {page.path for page in PAGES if page.get is not None}


@pytest.mark.parametrize(
    ("role", "seen"),
    [
        ("owner", [step.title for step in STEPS]),
        ("trader", ["Get play money", "Place an order", "Create an API key", "See what bots do", "Make your sign-in safer"]),
        ("auditor", ["See what bots do", "Make your sign-in safer"]),
    ],
)  # fmt: skip
async def test_role_sees_what_it_may_do_numbered(console: PagesConsole, role: Role, seen: list[str]) -> None:
    text = (await console.signed_in("ann", role).get("/first-steps")).text
    assert re.findall(r"<strong>(\d+)\. ([^<]+)</strong>", text) == [
        (str(number), title) for number, title in enumerate(seen, 1)
    ]
    assert "You sign in as <strong>ann</strong>" in text


async def test_who_has_no_account_opens_one_and_comes_back(console: PagesConsole) -> None:
    olga = console.signed_in()
    assert "Open an account" not in (await olga.get("/first-steps")).text
    account = console.answers["listExchangeAccounts"].items[0]
    console.answers.update(listExchangeAccounts=ExchangeAccountList([]), openExchangeAccount=account)
    assert "/keys/accounts/new?back=/first-steps" in (await olga.get("/first-steps")).text
    form = (await olga.get("/keys/accounts/new?back=/first-steps")).text
    assert 'name="back" value="/first-steps"' in form
    opened = await olga.post("/keys/accounts/new", {"name": "desk", "back": "/first-steps"})
    assert (opened.status_code, opened.headers["location"]) == (303, "/first-steps")
    for elsewhere in ("//evil.example", "https://evil.example", "/nowhere", "/market/order"):
        opened = await olga.post("/keys/accounts/new", {"name": "desk", "back": elsewhere})
        assert opened.headers["location"] == "/", elsewhere


async def test_last_step_leads_to_the_bot_that_was_at_work(console: PagesConsole) -> None:
    olga = console.signed_in()
    console.answers["listVirtualKeys"] = VirtualKeyPage([key(NASTY, "2026-11-01T10:00:00Z")], None, 1)
    text = (await olga.get("/first-steps")).text
    assert 'href="/virtual-keys/vk-1">What &lt;script&gt;' in text
    query = console.asked[0].query
    assert (query.sort, query.descending, query.limit) == ("last_used", True, 1)
    for answer in (
        VirtualKeyPage([key("idle", None)], None, 1),
        Problem(told.UNAVAILABLE, "no gateway is running"),
    ):
        console.answers["listVirtualKeys"] = answer
        assert 'href="/virtual-keys">Open virtual keys' in (await olga.get("/first-steps")).text
