"""The Security page's addresses, tokens, sessions and history, and the step-up by a sent code: by forms alone."""

import re
from pathlib import Path
from typing import Any

import msgspec
import pytest
from tests.support.console_pages import FakeBrowser, PagesConsole

from watchword.accounts.message_codes import WAIT_BETWEEN_MS
from watchword.accounts.model import ApiToken, MessageFactor, Origin, Person, TotpFactor
from watchword.adapters.memory.messages import MemoryOutbox
from watchword.entrypoints.console import problem as told
from watchword.entrypoints.console.problem import Problem

NEW = "olga@elsewhere.example"
WAIT_US = WAIT_BETWEEN_MS * 1_000
DAY_US = 86_400_000_000


@pytest.fixture
def console(tmp_path: Path) -> PagesConsole:
    return PagesConsole(tmp_path)


@pytest.fixture
def olga(console: PagesConsole) -> FakeBrowser:
    return console.signed_in()


def fields_of(text: str) -> dict[str, str]:
    """Hidden fields of a page, without the form's token, which the browser adds."""
    found = dict(re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)">', text))
    found.pop("w_csrf", None)
    return found


def part(text: str, section: str) -> str:
    """One section of the Security page."""
    return text.partition(f'id="{section}"')[2].partition("</section>")[0]


def code_in(console: PagesConsole) -> str:
    return next(word for word in console.outbox.sent[-1].text.split() if word.isdigit() and len(word) == 6)


def off(code: str) -> str:
    return f"{(int(code) + 1) % 1_000_000:06d}"


def person(console: PagesConsole) -> Person:
    return console.person("olga", "owner")


async def with_address(console: PagesConsole, olga: FakeBrowser, address: str = NEW) -> str:
    """Add an address for codes; returns the factor's id."""
    begun = await olga.post("/security/address", {"channel": "mail", "address": address, "replaces": ""})
    assert "Enter the code" in begun.text
    done = await olga.post("/security/address/code", {**fields_of(begun.text), "code": code_in(console)})
    assert (done.status_code, done.headers["location"]) == (303, "/security")
    console.clock.us += WAIT_US
    return console.register.of_person(MessageFactor, person(console).id)[-1].id


def only_messages(console: PagesConsole) -> None:
    console.register.write([], console.register.of_person(TotpFactor, person(console).id))


async def test_address_for_codes_is_added_confirmed_changed_and_removed(
    console: PagesConsole, olga: FakeBrowser
) -> None:
    begun = await olga.post(
        "/security/address", {"channel": "mail", "address": f"  {NEW.upper()} ", "replaces": ""}
    )
    assert NEW in begun.text
    carried = fields_of(begun.text)
    code = code_in(console)
    assert code not in begun.text
    wrong = await olga.post("/security/address/code", {**carried, "code": off(code)})
    assert (wrong.status_code, "code is not right" in wrong.text) == (422, True)
    # The page that says so takes the right code.
    done = await olga.post(
        "/security/address/code", {**fields_of(wrong.text), "code": f"{code[:3]} {code[3:]}"}
    )
    assert done.headers["location"] == "/security"
    listed = part((await olga.get("/security")).text, "factors")
    assert "ol…@elsewhere.example" in listed
    assert "lets you in, confirms nothing" in listed
    (change,) = re.findall(r'href="(/security/address\?replaces=[^"]+)"', listed)
    console.clock.us += WAIT_US
    form = await olga.get(change)
    assert "instead of ol…@elsewhere.example" in form.text
    fields = {**fields_of(form.text), "channel": "sms", "address": "+49 30 123-456"}
    begun = await olga.post("/security/address", fields)
    assert console.outbox.sent[-1].address == "+4930123456"
    await olga.post("/security/address/code", {**fields_of(begun.text), "code": code_in(console)})
    assert console.outbox.sent[-2].address == NEW
    listed = part((await olga.get("/security")).text, "factors")
    assert "elsewhere" not in listed
    (change,) = re.findall(r'href="(/security/address\?replaces=[^"]+)"', listed)
    (remove,) = re.findall(r'href="(/security/factors/[^/"]+/remove)"', (await olga.get(change)).text)
    assert "the address is told" in (await olga.get(remove)).text
    assert (await olga.post(remove)).headers["location"] == "/security"
    assert console.register.everything(MessageFactor) == []


async def test_another_code_is_sent_after_a_while_and_the_first_is_void(
    console: PagesConsole, olga: FakeBrowser
) -> None:
    begun = await olga.post("/security/contact/mail", {"address": NEW})
    first, carried = code_in(console), fields_of(begun.text)
    soon = await olga.post("/security/contact/mail", carried)
    assert (soon.status_code, len(console.outbox.sent)) == (429, 1)
    # What waited still waits.
    assert fields_of(soon.text) == carried
    console.clock.us += WAIT_US
    again = await olga.post("/security/contact/mail", carried)
    assert len(console.outbox.sent) == 2
    void = await olga.post("/security/contact/code", {**carried, "code": first})
    assert void.status_code == 404
    done = await olga.post("/security/contact/code", {**fields_of(again.text), "code": code_in(console)})
    assert done.headers["location"] == "/security"
    assert person(console).mail == NEW


async def test_mail_address_is_confirmed_from_the_score(console: PagesConsole, olga: FakeBrowser) -> None:
    before = (await olga.get("/security")).text
    assert 'href="/security/contact/mail">Confirm it' in before
    assert "Not confirmed" in part(before, "contact")
    form = await olga.get("/security/contact/mail")
    assert 'value="olga@example.org"' in form.text
    begun = await olga.post("/security/contact/mail", {"address": "olga@example.org"})
    await olga.post("/security/contact/code", {**fields_of(begun.text), "code": code_in(console)})
    after = (await olga.get("/security")).text
    assert "A confirmed mail address" in after
    points = [int(re.findall(r'score-points">(\d+)', text)[0]) for text in (before, after)]
    assert points[1] - points[0] == 8


async def test_phone_is_added_and_removed(console: PagesConsole, olga: FakeBrowser) -> None:
    assert (await olga.get("/security/contact/phone/remove")).headers["location"] == "/security"
    begun = await olga.post("/security/contact/phone", {"address": "+49 30 123456"})
    await olga.post("/security/contact/code", {**fields_of(begun.text), "code": code_in(console)})
    assert person(console).phone == "+4930123456"
    assert "+4930123456" in (await olga.get("/security/contact/phone/remove")).text
    assert (await olga.post("/security/contact/phone/remove")).headers["location"] == "/security"
    assert person(console).phone == ""
    assert person(console).mail == "olga@example.org"


@pytest.mark.parametrize("path", ["/security/contact/fax", "/security/contact/code"])
async def test_contact_that_is_neither_is_no_page(olga: FakeBrowser, path: str) -> None:
    assert (await olga.get(path)).status_code in {404, 405}


async def test_console_that_sends_nothing_says_so_and_takes_contact_without_a_code(
    console: PagesConsole, olga: FakeBrowser
) -> None:
    console.sender = console.outbox = MemoryOutbox(())
    page = (await olga.get("/security")).text
    assert "This console cannot send mail" in part(page, "contact")
    assert "<code>mail_host</code>" in part(page, "contact")
    assert "<code>sms_url</code>" in part(page, "contact")
    assert "This console sends no mail" in page
    added = (await olga.get("/security/address")).text
    assert "<code>mail_host</code>" in added
    assert 'name="address"' not in added
    assert "it is changed at once" in (await olga.get("/security/contact/mail")).text
    wrong = await olga.post("/security/contact/mail", {"address": "no address"})
    assert (wrong.status_code, "rite a mail address" in wrong.text) == (422, True)
    assert (await olga.post("/security/contact/mail", {"address": NEW})).headers["location"] == "/security"
    assert (person(console).mail, person(console).mail_us) == (NEW, 0)


async def test_sender_that_breaks_is_said_beside_the_form(console: PagesConsole, olga: FakeBrowser) -> None:
    console.outbox.broken = True
    for path in ("/security/contact/mail", "/security/address"):
        shown = await olga.post(path, {"channel": "mail", "address": NEW, "replaces": ""})
        assert (shown.status_code, "he outbox takes nothing" in shown.text) == (503, True)
        assert f'value="{NEW}"' in shown.text
        console.clock.us += WAIT_US


async def test_address_form_asks_for_the_factor_and_goes_on(console: PagesConsole, olga: FakeBrowser) -> None:
    console.stale()
    asked = await olga.post("/security/contact/mail", {"address": NEW})
    assert asked.status_code == 403
    assert console.outbox.sent == []
    fields = {**fields_of(asked.text), "w_kind": "totp", "w_code": console.code_of("olga")}
    begun = await olga.post("/step-up", fields)
    assert "Enter the code" in begun.text
    assert console.outbox.sent[-1].address == NEW


async def test_step_up_by_a_sent_code_goes_on_with_what_was_asked(
    console: PagesConsole, olga: FakeBrowser
) -> None:
    factor = await with_address(console, olga)
    only_messages(console)
    console.stale()
    asked = await olga.post("/security/recovery-codes")
    assert (asked.status_code, "Use a code sent to ol…@elsewhere.example" in asked.text) == (403, True)
    fields = {**fields_of(asked.text), "w_address": factor}
    sent = await olga.post("/step-up/code", fields)
    assert (sent.status_code, "A code is on its way" in sent.text) == (200, True)
    assert fields_of(sent.text)["w_target"] == "/security/recovery-codes"
    again = await olga.post("/step-up/code", fields)
    assert (again.status_code, "ait 30 seconds" in again.text) == (429, True)
    code = code_in(console)
    shown = {**fields, "w_kind": "message"}
    wrong = await olga.post("/step-up", {**shown, "w_code": off(code)})
    assert wrong.status_code == 403
    assert re.search(r'<details class="other" open>\s*<summary>.*Use a code sent to', wrong.text)
    drawn = await olga.post("/step-up", {**shown, "w_code": code})
    assert "Your recovery codes" in drawn.text


async def test_step_up_offers_no_sent_code_beside_an_app(console: PagesConsole, olga: FakeBrowser) -> None:
    factor = await with_address(console, olga)
    console.stale()
    asked = await olga.post("/security/recovery-codes")
    assert "Use a code sent to" not in asked.text
    count = len(console.outbox.sent)
    refused = await olga.post("/step-up/code", {**fields_of(asked.text), "w_address": factor})
    assert (refused.status_code, "a sent code only lets you in" in refused.text) == (422, True)
    assert len(console.outbox.sent) == count


async def test_who_has_no_way_left_is_told(console: PagesConsole, olga: FakeBrowser) -> None:
    await with_address(console, olga)
    only_messages(console)
    console.sender = console.outbox = MemoryOutbox(())
    console.stale()
    asked = await olga.post("/security/recovery-codes")
    assert "An owner can give you a fresh start" in asked.text


async def test_step_up_never_leads_to_itself(console: PagesConsole, olga: FakeBrowser) -> None:
    for target in ("/step-up", "/step-up/code", "https://evil.example/", "//evil.example", "/sign-out/x"):
        fields = {"w_target": target, "w_kind": "totp", "w_code": console.code_of("olga")}
        answer = await olga.post("/step-up", fields)
        assert answer.headers.get("location") == "/", target
        console.clock.us += 30_000_000


async def test_sessions_end_after_it_was_said_what_that_does(
    console: PagesConsole, olga: FakeBrowser
) -> None:
    other, third = console.signed_in(), console.signed_in()
    page = (await olga.get("/security")).text
    ends = re.findall(r'href="(/security/sessions/s-[^/"]+/end)"', part(page, "sessions"))
    assert len(ends) == 2
    said = await olga.get(ends[0])
    assert "is signed out at once" in said.text
    # Looking ended nothing.
    assert len(re.findall("/end", part((await olga.get("/security")).text, "sessions"))) == 4
    assert (await olga.post(ends[0])).headers["location"] == "/security"
    said = await olga.get("/security/sessions/others")
    assert "1 session but this one ends" in said.text
    assert (await olga.post("/security/sessions/others")).headers["location"] == "/security"
    for gone in (other, third):
        assert (await gone.get("/security")).headers["location"].startswith("/sign-in")
    assert (await olga.get(ends[0])).headers["location"] == "/security"


async def test_session_of_somebody_else_is_neither_shown_nor_ended(console: PagesConsole) -> None:
    olga, tom = console.signed_in(), console.signed_in("tom", "trader")
    (session,) = console.sessions.listed(person(console).id, console.clock.us)
    path = f"/security/sessions/{session.id}/end"
    assert (await tom.get(path)).headers["location"] == "/security"
    assert (await tom.post(path)).status_code == 404
    assert (await olga.get("/security")).status_code == 200


async def test_history_is_filtered_paged_and_says_when_there_is_none(
    console: PagesConsole, olga: FakeBrowser
) -> None:
    empty = await olga.get("/security/history")
    assert "Nothing yet" in empty.text
    windows = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) Gecko/20100101 Firefox/128.0"
    for at in range(24):
        console.history.note(
            person(console).id, "signed_in", "totp", Origin("192.0.2.1", windows), console.clock.us + at
        )
    console.history.note(
        person(console).id, "locked", None, Origin("203.0.113.9", "curl/8"), console.clock.us
    )
    first = (await olga.get("/security/history")).text
    assert first.count("<tr>") == 21
    assert "Firefox on Windows" in first
    (following,) = re.findall(r'href="([^"]+)" rel="next"', first)
    second = (await olga.get(following.replace("&amp;", "&"))).text
    assert (second.count("<tr>"), "First page" in second) == (6, True)
    for query in (
        "result=failed",
        "outcome=locked",
        "query=203.0.113",
        "query=too+many",
        "result=failed&query=CURL",
    ):
        found = (await olga.get(f"/security/history?{query}")).text
        assert (found.count("<tr>"), "203.0.113.9" in found) == (2, True), query
    assert (await olga.get("/security/history?query=on+windows&outcome=signed_in")).text.count("<tr>") == 21
    none = await olga.get("/security/history?query=nowhere&outcome=no-such")
    assert "No sign-in fits" in none.text
    assert "<script>" not in (await olga.get("/security/history?query=<script>")).text


async def test_history_that_cannot_be_had_is_said(console: PagesConsole, olga: FakeBrowser) -> None:
    console.answers["listOwnHistory"] = Problem(told.UNAVAILABLE, "the register rests")
    for path in ("/security/history", "/security"):
        shown = await olga.get(path)
        assert (shown.status_code, "he register rests" in shown.text) == (503, True)
    # The other lists are there all the same.
    assert "This one" in (await olga.get("/security")).text


async def test_page_is_searched(console: PagesConsole, olga: FakeBrowser) -> None:
    await with_address(console, olga)
    found = (await olga.get("/security?query=elsewhere")).text
    assert "ol…@elsewhere.example" in part(found, "factors")
    for section in ("tokens", "sessions", "history"):
        assert "Nothing found" in part(found, section)
    assert "Authenticator app" in part((await olga.get("/security?query=AUTHENTICATOR")).text, "factors")


async def test_token_is_made_shown_once_listed_and_revoked(console: PagesConsole, olga: FakeBrowser) -> None:
    assert "No API tokens" in part((await olga.get("/security")).text, "tokens")
    form = await olga.get("/security/tokens/new")
    assert 'value="vault.unseal"' not in form.text
    fields: dict[str, Any] = {"label": "reports", "scopes": ["key.read", "audit.read"], "days": "30"}
    bare = await olga.post("/security/tokens/new", {**fields, "ip_access": "list", "ips": ""})
    assert (bare.status_code, "Write an address" in bare.text) == (422, True)
    bad = await olga.post("/security/tokens/new", {**fields, "ip_access": "list", "ips": "nowhere"})
    assert (bad.status_code, "nowhere" in bad.text) == (422, True)
    none = await olga.post("/security/tokens/new", {**fields, "scopes": [], "ip_access": "any"})
    assert (none.status_code, "Choose at least one" in none.text) == (422, True)
    ips = "192.0.2.7, 2001:db8::/64"
    made = await olga.post("/security/tokens/new", {**fields, "ip_access": "list", "ips": ips})
    (token,) = re.findall(r"data-secret>(wwt_[^<]+)<", made.text)
    (row,) = console.register.everything(ApiToken)
    assert (row.ips, sorted(row.scopes)) == (("192.0.2.7", "2001:db8::/64"), ["audit.read", "key.read"])
    assert row.expires_us == console.clock.us + 30 * DAY_US
    page = await olga.get("/security")
    assert token not in page.text
    assert "in 30 days" in part(page.text, "tokens")
    twice = await olga.post("/security/tokens/new", {**fields, "ip_access": "any"})
    assert (twice.status_code, "other of your tokens has this label" in twice.text) == (409, True)
    revoke = f"/security/tokens/{row.id}/revoke"
    assert "are refused at once" in (await olga.get(revoke)).text
    assert (await olga.post(revoke)).headers["location"] == "/security"
    assert console.register.everything(ApiToken) == []
    assert (await olga.get(revoke)).headers["location"] == "/security"


async def test_token_is_made_with_a_fresh_factor_only(console: PagesConsole, olga: FakeBrowser) -> None:
    console.stale()
    fields = {"label": "reports", "scopes": ["key.read", "audit.read"], "days": "30", "ip_access": "any"}
    asked = await olga.post("/security/tokens/new", fields)
    assert (asked.status_code, console.register.everything(ApiToken)) == (403, [])
    hidden = re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)">', asked.text)
    assert ("scopes", "audit.read") in hidden
    shown = {
        name: [value for key, value in hidden if key == name][:2] for name, _ in hidden if name == "scopes"
    }
    carried = {**fields_of(asked.text), **shown, "w_kind": "totp", "w_code": console.code_of("olga")}
    made = await olga.post("/step-up", carried)
    assert "The token is shown this once" in made.text


async def test_trader_is_offered_what_their_role_may(console: PagesConsole) -> None:
    tom = console.signed_in("tom", "trader")
    form = (await tom.get("/security/tokens/new")).text
    assert 'value="account.trade"' in form
    assert 'value="audit.read"' not in form
    fields = {"label": "x", "scopes": ["audit.read"], "days": "30", "ip_access": "any"}
    refused = await tom.post("/security/tokens/new", fields)
    assert (refused.status_code, "our role may not audit.read" in refused.text) == (422, True)


async def test_token_of_somebody_else_is_neither_shown_nor_revoked(console: PagesConsole) -> None:
    olga, tom = console.signed_in(), console.signed_in("tom", "trader")
    fields = {"label": "reports", "scopes": ["key.read"], "days": "30", "ip_access": "any"}
    await olga.post("/security/tokens/new", fields)
    (row,) = console.register.everything(ApiToken)
    path = f"/security/tokens/{row.id}/revoke"
    assert (await tom.get(path)).headers["location"] == "/security"
    assert (await tom.post(path)).status_code == 404
    assert console.register.everything(ApiToken) == [row]


async def test_score_speaks_of_tokens_password_and_sessions_as_they_are(
    console: PagesConsole, olga: FakeBrowser
) -> None:
    fields = {"label": "reports", "scopes": ["key.read"], "days": "7", "ip_access": "any"}
    await olga.post("/security/tokens/new", fields)
    assert "1 API token accepted from anywhere" in (await olga.get("/security")).text
    console.signed_in()
    aged = msgspec.structs.replace(person(console), password_us=console.clock.us - 400 * DAY_US)
    console.register.write([aged])
    page = (await olga.get("/security")).text
    assert "Your password is 400 days old" in page
    (other,) = [one for one in console.sessions.listed(aged.id, console.clock.us) if f"{one.id}/end" in page]
    old = msgspec.structs.replace(other, created_us=console.clock.us - 9 * 3_600_000_000)
    console.register.write([old])
    assert "Another session is open for 9 hours" in (await olga.get("/security")).text
    (token,) = console.register.everything(ApiToken)
    console.register.write([msgspec.structs.replace(token, expires_us=console.clock.us)])
    page = (await olga.get("/security")).text
    assert "1 API token that is over" in page
    assert "Over" in part(page, "tokens")


@pytest.mark.parametrize(
    ("key", "said"),
    [
        ({}, "1 virtual key of yours works from anywhere"),
        ({"ips": ["192.0.2.1"]}, "No virtual key of yours works from anywhere"),
        ({"state": "revoked"}, "No virtual key of yours works from anywhere"),
        ({"parent": "vk-other"}, "No virtual key of yours works from anywhere"),
        ({"id": "vk-somebodys"}, "No virtual key of yours works from anywhere"),
    ],
)
async def test_score_speaks_of_virtual_keys_given_to_this_person(
    console: PagesConsole, olga: FakeBrowser, key: dict[str, Any], said: str
) -> None:
    console.assignments.assign(person(console).id, "virtual", "vk-mine", "p-x", console.clock.us)
    found = {"id": "vk-mine", "state": "works", "ips": [], "parent": ""} | key
    keys = msgspec.defstruct("Key", [(name, Any) for name in found])(**found)
    listed = msgspec.defstruct("Listed", [("items", list[Any]), ("next", Any)])
    console.answers["listVirtualKeys"] = listed([keys], None)
    assert said in (await olga.get("/security")).text
    console.answers["listVirtualKeys"] = Problem(told.UNAVAILABLE, "no gateway")
    silent = await olga.get("/security")
    assert (silent.status_code, "virtual key" in silent.text.partition("</section>")[0]) == (200, False)


async def test_last_factor_is_said_to_stay(console: PagesConsole, olga: FakeBrowser) -> None:
    (app,) = console.register.of_person(TotpFactor, person(console).id)
    said = await olga.get(f"/security/factors/{app.id}/remove")
    assert "takes over your mailbox" not in said.text
    assert "It is your only second factor" in (await olga.get(f"/security/factors/{app.id}/remove")).text


async def test_removing_the_last_strong_factor_says_what_is_left(
    console: PagesConsole, olga: FakeBrowser
) -> None:
    address = await with_address(console, olga)
    (app,) = console.register.of_person(TotpFactor, person(console).id)
    assert "takes over your mailbox" in (await olga.get(f"/security/factors/{app.id}/remove")).text
    assert "takes over your mailbox" not in (await olga.get(f"/security/factors/{address}/remove")).text
    # A link that names another factor than an address replaces nothing.
    form = await olga.get(f"/security/address?replaces={app.id}")
    assert 'name="replaces" value=""' in form.text


async def test_sign_in_by_a_sent_code_says_where_it_went(console: PagesConsole) -> None:
    from tests.support.console_people import PASSWORD

    factor = await with_address(console, console.signed_in())
    browser = console.browser()
    first = await browser.post(
        "/sign-in", {"login": "olga", "password": PASSWORD, "next": "/"}, at="/sign-in"
    )
    page = await browser.get(first.headers["location"])
    assert "Use a code sent to your mail address" in page.text
    assert "elsewhere" not in page.text
    fields = {**fields_of(page.text), "w_address": factor}
    sent = await browser.post("/sign-in/code", fields, at="/sign-in/factor")
    assert "A code is on its way to your mail address" in sent.text
    shown = {**fields_of(sent.text), "w_address": factor, "w_kind": "message", "w_code": code_in(console)}
    done = await browser.post("/sign-in/factor", shown, at="/sign-in/factor")
    assert (done.status_code, done.headers["location"]) == (303, "/")
    # It let in and confirms nothing: the app is asked for at once.
    asked = await browser.post("/security/recovery-codes")
    assert (asked.status_code, "Code of your authenticator app" in asked.text) == (403, True)


async def test_new_password_ends_other_sessions_and_is_told_by_mail(
    console: PagesConsole, olga: FakeBrowser
) -> None:
    from tests.support.console_people import PASSWORD

    other = console.signed_in()
    form = await olga.get("/security/password")
    assert 'data-strength="strength"' in form.text
    assert "API tokens stay" in form.text
    typed = {
        "present": PASSWORD,
        "password": "another long and odd phrase",
        "again": "another long and odd phrase",
    }
    changed = await olga.post("/security/password", typed)
    assert changed.headers["location"] == "/security"
    assert (await other.get("/security")).headers["location"].startswith("/sign-in")
    told = [(one.address, one.subject) for one in console.outbox.sent]
    assert told == [("olga@example.org", "Password changed")]
    assert re.search("Set <time[^>]*>just now", part((await olga.get("/security")).text, "factors"))
