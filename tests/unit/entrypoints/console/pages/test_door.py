"""The door of the pages: headers, cookies, forms of elsewhere, redirects, and that the API stays as it is behind it."""

from pathlib import Path
from typing import Any

import pytest
from tests.support.console_pages import ADDRESS, PagesConsole

from watchword.entrypoints.console.pages.csrf import FIELD
from watchword.entrypoints.console.pages.door import CONTENT_POLICY
from watchword.entrypoints.console.pages.table import PAGES

KEY = "k" * 64


@pytest.fixture
def console(tmp_path: Path) -> PagesConsole:
    return PagesConsole(tmp_path)


async def test_every_page_carries_the_headers(console: PagesConsole) -> None:
    olga = console.signed_in()
    for path in ("/security", "/sign-in", "/set-up", "/nowhere", "/static/none.js"):
        answer = await olga.get(path)
        assert answer.headers["content-security-policy"] == CONTENT_POLICY
        assert answer.headers["cache-control"] == "no-store"
        assert answer.headers["x-frame-options"] == "DENY"
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["referrer-policy"] == "same-origin"
        assert answer.headers["cross-origin-opener-policy"] == "same-origin"
    assert "unsafe" not in CONTENT_POLICY
    assert "frame-ancestors 'none'" in CONTENT_POLICY


async def test_no_page_has_inline_script_or_style(console: PagesConsole) -> None:
    olga = console.signed_in()
    for path in ("/security", "/sign-in", "/set-up", "/security/app", "/security/recovery-codes", "/nowhere"):
        text = (await olga.get(path)).text
        assert "<style" not in text
        assert ' style="' not in text
        assert "<script>" not in text
        assert " on" + "click" not in text
        assert "hx-on" not in text


async def test_session_cookie_is_out_of_scripts_reach(console: PagesConsole, tmp_path: Path) -> None:
    console.person("olga", "owner")
    set_cookies = await _signed_in_cookies(console)
    (session,) = [one for one in set_cookies if "session" in one]
    assert session.startswith("watchword_session=wws_")
    assert session.endswith("; Path=/; HttpOnly; SameSite=Strict")
    tls = PagesConsole(tmp_path / "tls", tls=True)
    tls.person("olga", "owner")
    (session,) = [one for one in await _signed_in_cookies(tls) if "session" in one]
    assert session.startswith("__Host-watchword_session=wws_")
    assert session.endswith("; Path=/; HttpOnly; SameSite=Strict; Secure")


async def _signed_in_cookies(console: PagesConsole) -> list[str]:
    from tests.support.console_people import PASSWORD

    browser = console.browser()
    shown = await browser.post("/sign-in", {"login": "olga", "password": PASSWORD}, at="/sign-in")
    assert shown.status_code == 303
    assert shown.headers["location"].startswith("/sign-in/factor?")
    return shown.headers.get_list("set-cookie")


async def test_form_without_its_token_is_refused(console: PagesConsole) -> None:
    olga, tom = console.signed_in(), console.signed_in("tom", "trader")
    path = "/security/sessions/others"
    held = await olga.token()
    assert (await olga.send(path, {})).status_code == 403
    assert (await olga.send(path, {FIELD: held[:-1] + ("0" if held[-1] != "0" else "1")})).status_code == 403
    assert (await olga.send(path, {FIELD: await tom.token()})).status_code == 403
    assert (await olga.send(path, {FIELD: held})).status_code == 303
    assert (await olga.send(path, {}, x_csrf_token=held)).status_code == 303


async def test_token_lasts_over_a_step_up_and_not_over_a_sign_in(console: PagesConsole) -> None:
    olga = console.signed_in()
    held = await olga.token()
    session, _ = console.sessions.find(_cookie(olga), "127.0.0.1", console.clock.us) or pytest.fail(
        "no session"
    )
    olga.hold(console.sessions.rotate(session, "totp", session_origin(), console.clock.us).token)
    assert await olga.token() == held
    olga.hold(console.session_of("olga"))
    assert await olga.token() != held


def session_origin() -> Any:
    from watchword.accounts.model import Origin

    return Origin("127.0.0.1", "pytest")


def _cookie(browser: Any) -> str:
    return str(browser.http.cookies.get("watchword_session"))


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"origin": ADDRESS}, 303),
        ({"origin": "", "sec_fetch_site": ""}, 303),
        ({"origin": "http://evil.example"}, 403),
        ({"origin": "null"}, 403),
        # Another port of this machine is another program.
        ({"origin": "http://localhost:9999"}, 403),
        ({"sec_fetch_site": "cross-site"}, 403),
        ({"sec_fetch_site": "same-site"}, 403),
    ],
)
async def test_form_of_elsewhere_is_refused_even_with_its_token(
    console: PagesConsole, headers: dict[str, str], status: int
) -> None:
    answer = await console.signed_in().post("/security/sessions/others", **headers)
    assert answer.status_code == status


async def test_link_of_elsewhere_needs_a_click_and_frames_nothing(console: PagesConsole) -> None:
    olga = console.signed_in()
    led = await olga.get("/security", sec_fetch_site="cross-site", sec_fetch_dest="document")
    assert led.status_code == 200
    assert "Go on to Watchword?" in led.text
    assert 'href="/security"' in led.text
    assert "Sign-in history" not in led.text
    for dest in ("iframe", "image", "script", "empty"):
        refused = await olga.get("/security", sec_fetch_site="cross-site", sec_fetch_dest=dest)
        assert refused.status_code == 403


@pytest.mark.parametrize(
    "sent",
    [
        "https://evil.example/", "//evil.example", "/\\evil.example", "/keys/../..//evil.example", "javascript:alert(1)",
        "/keys?next=//evil.example", "/nowhere", "keys", "/sign-out", "/keys%0d%0aset-cookie:x=1", "",
    ],
)  # fmt: skip
async def test_redirect_leads_to_pages_of_the_table_only(console: PagesConsole, sent: str) -> None:
    console.person("olga", "owner")
    shown = await console.browser().get(f"/sign-in?next={sent.replace('?', '%3F')}")
    assert 'name="next" value="/"' in shown.text
    olga = console.signed_in()
    assert (await olga.post("/theme", {"theme": "dark", "back": sent})).headers["location"] == "/"
    assert (await olga.post("/theme", {"theme": "dark", "back": "/keys"})).headers["location"] == "/keys"


async def test_page_for_who_is_signed_in_leads_others_to_the_sign_in_and_back(console: PagesConsole) -> None:
    nobody = console.browser()
    for page in PAGES:
        if page.stages is None or page.get is None or "{" in page.path:
            continue
        led = await nobody.get(page.path)
        assert (led.status_code, led.headers["location"].partition("?")[0]) == (303, "/sign-in"), page.path
    assert (await nobody.get("/security")).headers["location"] == "/sign-in?next=/security"


async def test_api_token_in_the_cookie_opens_nothing(console: PagesConsole) -> None:
    person = console.person("olga", "owner")
    made = console.tokens.issue(
        person, "ci", frozenset({"self.read"}), console.clock.us + 10**12, console.clock.us
    )
    browser = console.browser()
    browser.hold(made.token)  # type: ignore[union-attr]
    assert (await browser.get("/security")).status_code == 303


async def test_cookie_that_is_there_twice_opens_nothing(console: PagesConsole) -> None:
    token = console.session_of("olga")
    client = console.browser()
    once = await client.get("/security", cookie=f"watchword_session={token}")
    twice = await client.get("/security", cookie=f"watchword_session={token}; watchword_session=wws_other")
    assert (once.status_code, twice.status_code) == (200, 303)


async def test_api_behind_the_pages_takes_no_cookie(console: PagesConsole) -> None:
    olga = console.signed_in()
    assert (await olga.get("/manage/v1/self")).status_code == 401
    bearer = await olga.get("/manage/v1/self", authorization=f"Bearer {_cookie(olga)}")
    assert bearer.status_code == 200
    assert "set-cookie" not in bearer.headers
    assert (
        await console.browser().get("/security", authorization=f"Bearer {_cookie(olga)}")
    ).status_code == 303


async def test_other_hosts_are_not_answered(console: PagesConsole) -> None:
    assert (await console.browser().get("/sign-in", host="evil.example")).status_code == 421


@pytest.mark.parametrize(
    ("content_type", "body"),
    [("application/json", b"{}"), ("text/plain", b"a=b"), ("application/x-www-form-urlencoded", b"\xff=%ff")],
)
async def test_body_that_is_no_form_is_refused(console: PagesConsole, content_type: str, body: bytes) -> None:
    olga = console.signed_in()
    headers = {"content-type": content_type, "x-csrf-token": await olga.token()}
    assert (
        await olga.http.post("/security/sessions/others", content=body, headers=headers)
    ).status_code == 400


async def test_htmx_is_redirected_by_header_and_toast_is_told_once(console: PagesConsole) -> None:
    olga = console.signed_in()
    done = await olga.post("/security/sessions/others", hx_request="true")
    assert (done.status_code, done.headers["hx-redirect"]) == (204, "/security")
    assert "All other sessions ended." in (await olga.get("/security")).text
    assert "All other sessions ended." not in (await olga.get("/security")).text
    forged = await olga.get(
        "/security", cookie=f"watchword_session={_cookie(olga)}; watchword_toast=Send%20money"
    )
    assert "Send" not in forged.text


async def test_text_of_people_is_escaped_everywhere(console: PagesConsole) -> None:
    browser = console.browser()
    text = '"><script>alert(1)</script><img src=x onerror=alert(1)>'
    shown = await browser.post("/sign-in", {"login": text, "password": "x"}, at="/sign-in")
    assert shown.status_code == 401
    assert "<script>alert" not in shown.text
    assert "&lt;script&gt;alert(1)" in shown.text


async def test_page_that_breaks_says_nothing_of_why(console: PagesConsole) -> None:
    console.answers["listFactors"] = lambda _: 1 / 0
    answer = await console.signed_in().get("/security")
    assert answer.status_code == 500
    assert "ZeroDivisionError" not in answer.text
