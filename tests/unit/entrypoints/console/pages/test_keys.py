"""API Management: what the list shows, what the forms send, and the second factor in between."""

import html
import re
from pathlib import Path
from typing import Any

import msgspec
import pytest
from tests.support.console_pages import FakeBrowser, PagesConsole

from watchword.entrypoints.console import problem as told
from watchword.entrypoints.console.pages.keys import is_expired
from watchword.entrypoints.console.problem import Problem
from watchword.entrypoints.console.routes.testnet_accounts import ExchangeAccountList, ExchangeAccountView
from watchword.entrypoints.console.routes.testnet_keys import ApiKeyMade, ApiKeyPage, ApiKeyView
from watchword.entrypoints.console.routes.testnet_rules import KeyTemplateList, KeyTemplateView
from watchword.entrypoints.console.routes.vault import CredentialList, CredentialView

KEY = "A" * 64
NASTY = "\"><script>alert(1)</script>' onmouseover=alert(1) {{7*7}}"
FORM = {
    "account": "1", "key_type": "HMAC", "label": "grid", "template": "spot-trading", "ip_access": "list",
    "ips": "203.0.113.7\n10.0.0.0/8", "symbols": "BTCUSDT, ETHUSDT", "expires": "30d",
}  # fmt: skip


def key(**more: Any) -> ApiKeyView:
    """A key of account 1."""
    usual: dict[str, Any] = {
        "api_key": KEY, "account": "desk", "account_id": 1, "key_type": "HMAC", "label": "grid",
        "permissions": ["READING"], "ips": [], "symbols": [], "expires": None, "created": "2026-11-01T10:00:00Z",
        "last_used": None,
    }  # fmt: skip
    return ApiKeyView(**{**usual, **more})


@pytest.fixture
def console(tmp_path: Path) -> PagesConsole:
    account = ExchangeAccountView("desk", 1, None, {})
    return PagesConsole(
        tmp_path,
        listKeys=ApiKeyPage([key()], None, 1),
        listExchangeAccounts=ExchangeAccountList([account]),
        showExchangeAccount=lambda ask: account if ask.path["account"] == "1" else Problem(told.NOT_FOUND),
        listKeyTemplates=KeyTemplateList([KeyTemplateView("spot-trading", ["READING"], "Trades.")]),
        makeKey=ApiKeyMade(key(), "s3cret"),
        showKey=key(),
        changeKey=key(),
        deleteKey=None,
    )


@pytest.fixture
def olga(console: PagesConsole) -> FakeBrowser:
    return console.signed_in()


def asked(console: PagesConsole, name: str) -> list[Any]:
    """What a route was asked, by the name of its action's handler."""
    return [ask for ask in console.asked if type(ask.body).__name__ == name]


async def test_list_shows_keys_escaped(console: PagesConsole, olga: FakeBrowser) -> None:
    console.answers["listKeys"] = ApiKeyPage([key(label=NASTY, account=NASTY, symbols=[NASTY])], None, 1)
    text = (await olga.get("/keys")).text
    assert html.escape(NASTY, quote=False).replace('"', "&#34;").replace("'", "&#39;") in text
    assert "<script>alert" not in text
    assert "49" not in re.sub(r"\d{4}-\d\d-\d\d|[0-9a-f]{16,}|d=\"[^\"]*\"", "", text)


async def test_list_passes_on_search_and_leads_to_the_next_page(
    console: PagesConsole, olga: FakeBrowser
) -> None:
    console.answers["listKeys"] = ApiKeyPage([key()], "cursor==", 60)
    text = (await olga.get("/keys?query=grid&account=1&state=expired&key_type=RSA&sort=label")).text
    query = console.asked[0].query
    assert (query.query, query.account, query.state, query.key_type, query.sort) == (
        "grid",
        1,
        "expired",
        "RSA",
        "label",
    )
    assert (
        'href="/keys?query=grid&amp;account=1&amp;state=expired&amp;key_type=RSA&amp;sort=label&amp;after=cursor%3D%3D"'
        in text
    )
    assert "1 of 60" in text


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (ApiKeyPage([], None, 0), "No API keys yet"),
        (
            Problem(told.UNAVAILABLE, "the testnet is not running; start it with: watchword testnet serve"),
            "testnet serve",
        ),
    ],
)
async def test_list_says_why_it_is_empty(
    console: PagesConsole, olga: FakeBrowser, answer: Any, words: str
) -> None:
    console.answers["listKeys"] = answer
    shown = await olga.get("/keys")
    assert shown.status_code == 200
    assert words in shown.text


async def test_search_without_hits_says_so(console: PagesConsole, olga: FakeBrowser) -> None:
    console.answers["listKeys"] = ApiKeyPage([], None, 0)
    assert "Nothing found" in (await olga.get("/keys?query=nowhere")).text


async def test_query_that_is_no_query_is_told_not_broken(console: PagesConsole, olga: FakeBrowser) -> None:
    shown = await olga.get("/keys?account=-1&state=odd")
    assert shown.status_code == 200
    assert "does not fit" in shown.text


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"ending": "deleted", "ends": "2026-12-01T00:00:00Z", "days_left": 10}, "Deleted in 10 days"),
        ({"ending": "expired", "ends": "2026-12-01T00:00:00Z", "days_left": 1}, "Expires in 1 day<"),
        ({"ending": "trading_lost", "ends": "2026-12-01T00:00:00Z", "days_left": 0}, "Trading lost now"),
    ],
)
async def test_countdown_names_what_comes(
    console: PagesConsole, olga: FakeBrowser, more: dict[str, Any], words: str
) -> None:
    console.answers["listKeys"] = ApiKeyPage([key(**more)], None, 1)
    assert words in (await olga.get("/keys")).text


@pytest.mark.parametrize(
    ("expires", "ends", "gone"),
    [
        (None, None, False),
        ("2026-12-01T00:00:00Z", "2026-12-01T00:00:00Z", False),
        ("2026-12-01T00:00:00Z", "2026-11-01T00:00:00Z", False),
        ("2026-12-01T00:00:00Z", "2026-12-01T00:00:01Z", True),
        ("2026-12-01T00:00:00Z", None, True),
    ],
)
def test_key_is_expired_when_what_comes_next_comes_after(
    expires: str | None, ends: str | None, gone: bool
) -> None:
    assert is_expired(key(expires=expires, ends=ends)) is gone


@pytest.mark.parametrize(("days_left", "gone"), [(0, True), (1, False)])
def test_key_is_expired_when_its_expiry_is_what_comes_next_and_is_past(days_left: int, gone: bool) -> None:
    at = "2026-11-20T00:00:00Z"
    assert is_expired(key(expires=at, ending="expired", ends=at, days_left=days_left)) is gone


@pytest.mark.parametrize(
    ("said", "field"),
    [
        ("'300.1.1.1': write an address (192.0.2.7, 2001:db8::7) or a range (192.0.2.0/24).", "ips"),
        ("there is no symbol NOSUCH here", "symbols"),
    ],
)
async def test_refusal_about_one_field_is_said_beside_it(
    console: PagesConsole, olga: FakeBrowser, said: str, field: str
) -> None:
    console.answers["makeKey"] = Problem(told.REFUSED, said)
    page = await olga.post("/keys/new", FORM)
    assert page.status_code == told.REFUSED.status
    assert f'id="{field}-problem"' in page.text
    assert 'class="alert wrong"' not in page.text


async def test_key_is_made_of_what_was_chosen_and_its_secret_shown_once(
    console: PagesConsole, olga: FakeBrowser
) -> None:
    made = await olga.post("/keys/new", FORM)
    assert made.status_code == 200
    assert "s3cret" in made.text
    (ask,) = asked(console, "ApiKeyDraft")
    body = ask.body
    assert (body.account, body.key_type, body.label, body.template) == (1, "HMAC", "grid", "spot-trading")
    assert (body.ips, body.symbols, body.expires) == (
        ["203.0.113.7", "10.0.0.0/8"],
        ["BTCUSDT", "ETHUSDT"],
        "30d",
    )
    assert (body.permissions, body.public_key) == ([], "")
    for path in ("/keys", f"/keys/{KEY}", "/keys/new"):
        assert "s3cret" not in (await olga.get(path)).text


@pytest.mark.parametrize(
    ("change", "field", "value"),
    [
        ({"template": "", "permissions": ["READING", "FUTURES"]}, "permissions", ["READING", "FUTURES"]),
        # Hidden by another choice: not sent.
        ({"permissions": ["WITHDRAWALS"]}, "permissions", []),
        ({"ip_access": "any"}, "ips", []),
        ({"public_key": "PEM"}, "public_key", ""),
        ({"public_key": "PEM", "key_type": "RSA"}, "public_key", "PEM"),
    ],
)
async def test_what_is_hidden_by_a_choice_is_not_sent(
    console: PagesConsole, olga: FakeBrowser, change: dict[str, Any], field: str, value: Any
) -> None:
    await olga.post("/keys/new", {**FORM, **change})
    (ask,) = asked(console, "ApiKeyDraft")
    assert getattr(ask.body, field) == value


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"ips": ""}, "f-ips"),
        ({"label": "x" * 65}, "At most 64 characters."),
        ({"account": "../1"}, "does not fit"),
    ],
)
async def test_form_that_does_not_fit_is_shown_again_with_what_was_typed(
    console: PagesConsole, olga: FakeBrowser, change: dict[str, str], words: str
) -> None:
    shown = await olga.post("/keys/new", {**FORM, **change})
    assert shown.status_code == 422
    assert words in shown.text
    assert "aria-invalid" in shown.text
    assert "BTCUSDT, ETHUSDT" in shown.text
    assert asked(console, "ApiKeyDraft") == []


async def test_refusal_of_the_testnet_is_said_beside_the_form(
    console: PagesConsole, olga: FakeBrowser
) -> None:
    console.answers["makeKey"] = Problem(told.REFUSED, "an account has at most 30 keys")
    shown = await olga.post("/keys/new", FORM)
    assert (shown.status_code, "an account has at most 30 keys" in shown.text) == (422, True)
    assert 'value="grid"' in shown.text


async def test_stale_factor_is_asked_for_and_the_form_goes_on(
    console: PagesConsole, olga: FakeBrowser
) -> None:
    console.stale()
    asked_for = await olga.post("/keys/new", FORM)
    assert asked_for.status_code == 403
    assert "Confirm with your second factor" in asked_for.text
    assert asked(console, "ApiKeyDraft") == []
    fields = dict(re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)">', asked_for.text))
    assert fields["w_target"] == "/keys/new"
    code = console.code_of("olga")
    wrong = await olga.post("/step-up", {**fields, **FORM, "w_kind": "totp", "w_code": _other(code)})
    assert (wrong.status_code, "Confirm with your second factor" in wrong.text) == (403, True)
    assert 'value="grid"' in wrong.text
    made = await olga.post("/step-up", {**fields, **FORM, "w_kind": "totp", "w_code": code})
    assert (made.status_code, "s3cret" in made.text) == (200, True)
    (ask,) = asked(console, "ApiKeyDraft")
    assert ask.body.ips == ["203.0.113.7", "10.0.0.0/8"]
    assert ask.who.fresh(console.clock.us)


def _other(code: str) -> str:
    return f"{(int(code) + 1) % 1_000_000:06d}"


@pytest.mark.parametrize(
    "target", ["/nowhere", "//evil.example", "/manage/v1/keys", "/step-up", "https://evil.example"]
)
async def test_step_up_goes_on_to_pages_of_the_table_only(
    console: PagesConsole, olga: FakeBrowser, target: str
) -> None:
    fields = {"w_target": target, "w_kind": "totp", "w_code": console.code_of("olga", 1)}
    went = await olga.post("/step-up", fields)
    assert (went.status_code, went.headers.get("location")) in {(303, "/"), (405, None)}


async def test_step_up_does_not_lift_the_role(console: PagesConsole) -> None:
    uma = console.signed_in("uma", "auditor")
    fields = {"w_target": "/keys/new", "w_kind": "totp", "w_code": console.code_of("uma", 1), **FORM}
    refused = await uma.post("/step-up", fields)
    assert refused.status_code == 403
    assert asked(console, "ApiKeyDraft") == []


async def test_edit_sends_the_whole_form_and_keeps_the_expiry(
    console: PagesConsole, olga: FakeBrowser
) -> None:
    console.answers["showKey"] = key(expires="2026-12-01T00:00:00Z", ips=["10.0.0.1"])
    shown = (await olga.get(f"/keys/{KEY}")).text
    assert "As it is: 2026-12-01" in shown
    form = {"label": "new", "permissions": ["FUTURES"], "ip_access": "any", "symbols": "", "expires": "keep"}
    done = await olga.post(f"/keys/{KEY}", form)
    assert (done.status_code, done.headers["location"]) == (303, "/keys")
    (ask,) = asked(console, "ApiKeyChange")
    assert (ask.body.permissions, ask.body.ips, ask.body.symbols) == (["READING", "FUTURES"], [], [])
    assert ask.body.expires is None
    await olga.post(f"/keys/{KEY}", {**form, "expires": ""})
    assert asked(console, "ApiKeyChange")[1].body.expires == ""


async def test_key_is_deleted_by_a_form_only(console: PagesConsole, olga: FakeBrowser) -> None:
    assert "stops working at once" in (await olga.get(f"/keys/{KEY}/delete")).text
    assert [ask.action for ask in console.asked if ask.action == "key.write"] == []
    gone = await olga.post(f"/keys/{KEY}/delete")
    assert (gone.status_code, gone.headers["location"]) == (303, "/keys")
    assert [ask.action for ask in console.asked if ask.action == "key.write"] == ["key.write"]


@pytest.mark.parametrize(("name", "status"), [("desk", 303), ("Desk", 422), ("", 422)])
async def test_all_keys_are_deleted_once_the_name_was_typed(
    console: PagesConsole, olga: FakeBrowser, name: str, status: int
) -> None:
    console.answers["deleteAllKeys"] = None
    assert (await olga.post("/keys/accounts/1/delete", {"name": name})).status_code == status
    assert len([ask for ask in console.asked if ask.action == "key.write"]) == (status == 303)
    assert (await olga.post("/keys/accounts/2/delete", {"name": name})).status_code == 404


async def test_who_may_only_read_sees_no_buttons(console: PagesConsole) -> None:
    uma = console.signed_in("uma", "auditor")
    text = (await uma.get("/keys")).text
    assert "grid" in text
    assert "Create API key" not in text
    assert "/delete" not in text
    assert (await uma.get("/keys/new")).status_code == 403
    assert (await uma.post("/keys/new", FORM)).status_code == 403


async def test_key_says_whether_it_is_in_the_vault(console: PagesConsole, olga: FakeBrowser) -> None:
    held = CredentialView(
        id="cred-1", label="main", upstream="local", key_type="HMAC", api_key=KEY, permissions=[], public_key="",
        fingerprint="", created_us=1, notes="", state="in vault",
    )  # fmt: skip
    console.answers["listCredentials"] = CredentialList(
        [msgspec.structs.replace(held, api_key="another"), held]
    )
    text = (await olga.get(f"/keys/{KEY}")).text
    assert '<a href="/vault/credentials/cred-1">main</a>' in text
    assert "put it into the vault" not in text
    for answer in (CredentialList([]), Problem(told.UNAVAILABLE, "no vault")):
        console.answers["listCredentials"] = answer
        assert (
            f'<a href="/keys/{KEY}/vault">put it into the vault</a>' in (await olga.get(f"/keys/{KEY}")).text
        )
    auditor = await console.signed_in("uma", "auditor").get(f"/keys/{KEY}")
    assert "put it into the vault" not in auditor.text
