"""Set-up, sign-in, the Security page: by forms alone, as a browser without JavaScript sends them."""

import re
from pathlib import Path
from typing import Any

import pyotp
import pytest
from tests.support.console_pages import FakeBrowser, PagesConsole
from tests.support.console_people import PASSWORD

from watchword.accounts.model import Person

OWNED = "another long and odd phrase"


@pytest.fixture
def console(tmp_path: Path) -> PagesConsole:
    return PagesConsole(tmp_path)


def fields_of(text: str) -> dict[str, str]:
    """Hidden fields of a page."""
    return dict(re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)">', text))


async def enrolled(console: PagesConsole, browser: FakeBrowser) -> Any:
    """Set up the first owner; returns the page with the recovery codes."""
    made = console.people.found("olga", "olga@example.org", console.clock.us)
    form = {"token": made.token, "password": OWNED, "again": OWNED}  # type: ignore[union-attr]
    begun = await browser.post("/set-up", form, at="/set-up")
    assert (begun.status_code, begun.headers["location"]) == (303, "/set-up/app")
    scanned = await browser.post("/set-up/app", at="/set-up/app")
    fields = fields_of(scanned.text)
    uri = fields["uri"].replace("&amp;", "&")
    assert "<path" in scanned.text
    secret = pyotp.parse_uri(uri).secret
    code = pyotp.TOTP(secret).at(console.clock.us // 1_000_000)
    form = {"factor": fields["factor"], "uri": uri, "code": f"{code[:3]} {code[3:]}"}
    wrong = await browser.post("/set-up/app/code", {**form, "code": "000 000"}, at="/set-up/app")
    assert (wrong.status_code, "<path" in wrong.text) == (422, True)
    return await browser.post("/set-up/app/code", form, at="/set-up/app")


async def test_first_owner_sets_up_password_app_and_codes(console: PagesConsole) -> None:
    browser = console.browser()
    before = await browser.get("/keys")
    assert before.headers["location"].startswith("/sign-in")
    codes = await enrolled(console, browser)
    assert codes.status_code == 200
    found = re.search(r'<pre id="codes"[^>]*>([^<]+)</pre>', codes.text)
    assert found is not None
    assert len(set(found[1].split())) == 10
    assert (await browser.get("/security")).status_code == 200
    assert found[1].split()[0] not in (await browser.get("/security")).text


@pytest.mark.parametrize(
    ("password", "again", "words"),
    [
        ("correct horse battery staple", "correct horse battery stapler", "The two passwords differ."),
        ("password1234", "password1234", "alert wrong"),
        ("short", "short", "alert wrong"),
    ],
)
async def test_weak_password_is_said_and_the_token_stays_good(
    console: PagesConsole, password: str, again: str, words: str
) -> None:
    made = console.people.found("olga", "olga@example.org", console.clock.us)
    browser = console.browser()
    form = {"token": made.token, "password": password, "again": again}  # type: ignore[union-attr]
    shown = await browser.post("/set-up", form, at="/set-up")
    assert (shown.status_code, words in shown.text) == (422, True)
    assert password not in shown.text.replace("short", "") or password == "short"
    assert made.token not in shown.text  # type: ignore[union-attr]
    assert (
        await browser.post("/set-up", {**form, "password": OWNED, "again": OWNED}, at="/set-up")
    ).status_code == 303


async def test_sign_in_by_password_and_app_goes_where_it_was_asked_for(console: PagesConsole) -> None:
    console.person("olga", "owner")
    browser = console.browser()
    form = {"login": "olga", "password": PASSWORD, "next": "/security"}
    first = await browser.post("/sign-in", form, at="/sign-in?next=/security")
    assert first.headers["location"].startswith("/sign-in/factor?offers=")
    # Half signed in is not signed in.
    assert (await browser.get("/security")).headers["location"] == "/sign-in/factor"
    page = await browser.get(first.headers["location"])
    fields = fields_of(page.text)
    assert fields["next"] == "/security"
    code = console.code_of("olga")
    other = f"{(int(code) + 1) % 1_000_000:06d}"
    wrong = await browser.post(
        "/sign-in/factor", {**fields, "w_kind": "totp", "w_code": other}, at="/sign-in/factor"
    )
    assert wrong.status_code == 403
    done = await browser.post(
        "/sign-in/factor", {**fields, "w_kind": "totp", "w_code": code}, at="/sign-in/factor"
    )
    assert (done.status_code, done.headers["location"]) == (303, "/security")
    assert (await browser.get("/security")).status_code == 200


async def test_wrong_name_and_wrong_password_look_the_same(console: PagesConsole) -> None:
    console.person("olga", "owner")
    pages = []
    for login, password in (("olga", "odd horse"), ("nobody", PASSWORD)):
        shown = await console.browser().post(
            "/sign-in", {"login": login, "password": password}, at="/sign-in"
        )
        text = re.sub(r"[0-9a-f]{64}", "", shown.text.replace(login, ""))
        pages.append((shown.status_code, text))
        assert password not in shown.text
    assert pages[0] == pages[1]
    assert pages[0][0] == 401


async def test_sign_out_ends_the_session_and_clears_the_browser(console: PagesConsole) -> None:
    olga = console.signed_in()
    token = olga.http.cookies.get("watchword_session")
    out = await olga.post("/sign-out")
    assert (out.status_code, out.headers["location"]) == (303, "/sign-in")
    assert "You are signed out." in (await olga.get("/sign-in")).text
    again = console.browser()
    again.hold(str(token))
    assert (await again.get("/security")).status_code == 303


async def test_who_is_not_signed_in_any_more_is_told_so_and_others_are_not(console: PagesConsole) -> None:
    olga = console.signed_in()
    console.clock.us += 30 * 86_400_000_000
    away = await olga.get("/keys")
    assert (away.status_code, away.headers["location"]) == (303, "/sign-in?next=/keys")
    assert olga.http.cookies.get("watchword_session") is None
    assert "Your session is over." in (await olga.get("/sign-in")).text
    stranger = console.browser()
    assert (await stranger.get("/keys")).status_code == 303
    assert "Your session is over." not in (await stranger.get("/sign-in")).text


async def test_security_page_lists_and_ends_sessions(console: PagesConsole) -> None:
    olga, other = console.signed_in(), console.signed_in()
    text = (await olga.get("/security")).text
    (session,) = re.findall(r'href="/security/sessions/(s-[^/"]+)/end"', text)
    assert (await olga.post(f"/security/sessions/{session}/end")).status_code == 303
    assert (await other.get("/security")).status_code == 303
    assert (await olga.post("/security/sessions/s-nobodys/end")).status_code == 404


async def test_password_form_asks_for_the_factor_before_it_shows(console: PagesConsole) -> None:
    olga = console.signed_in()
    form = {"present": PASSWORD, "password": OWNED, "again": OWNED}
    assert "Present password" in (await olga.get("/security/password")).text
    console.stale()
    asked = await olga.get("/security/password")
    assert (asked.status_code, "Present password" in asked.text) == (403, False)
    late = await olga.post("/security/password", form)
    assert late.status_code == 403
    # No password waits in a hidden field.
    assert PASSWORD not in late.text
    assert OWNED not in late.text
    fields = {**fields_of(late.text), "w_kind": "totp", "w_code": console.code_of("olga")}
    shown = await olga.post("/step-up", fields)
    assert (shown.status_code, shown.headers["location"]) == (303, "/security/password")
    changed = await olga.post("/security/password", form)
    assert (changed.status_code, changed.headers["location"]) == (303, "/security")
    wrong = await olga.post("/security/password", form)
    assert (wrong.status_code, PASSWORD in wrong.text) == (422, False)


async def test_recovery_codes_are_drawn_with_a_fresh_factor_only(console: PagesConsole) -> None:
    olga = console.signed_in()
    drawn = await olga.post("/security/recovery-codes")
    assert "Your recovery codes" in drawn.text
    console.stale()
    assert "Your recovery codes" not in (await olga.post("/security/recovery-codes")).text


async def test_factor_is_removed_but_not_the_last(console: PagesConsole) -> None:
    olga = console.signed_in()
    factor = console.factors.listed(console.people.called("olga").id)[0].id  # type: ignore[union-attr]
    assert "Remove app?" in (await olga.get(f"/security/factors/{factor}/remove")).text
    refused = await olga.post(f"/security/factors/{factor}/remove")
    assert refused.status_code == 409
    assert console.register.everything(Person)
