"""By clicking only: addresses and codes, the step-up by mail, sessions, history, API tokens. In Debian's Chromium, mails over SMTP."""

import contextlib
import re
import time
from collections.abc import Iterator
from email.message import EmailMessage
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Locator, expect
from tests.support.browser import Tab, browser, hold, served
from tests.support.console_pages import PagesConsole
from tests.support.console_people import PASSWORD as PEOPLES_PASSWORD
from tests.support.console_process import PASSWORD, ROOMY, ConsoleProcess, founded
from tests.support.mail_sink import MailSink, mail_sink

from watchword.accounts.factors import MessageStart
from watchword.accounts.message_codes import WAIT_BETWEEN_MS
from watchword.accounts.model import Origin, TotpFactor
from watchword.adapters.memory.messages import MemoryOutbox
from watchword.adapters.messages.by_channel import SendersByChannel
from watchword.adapters.messages.smtp import SmtpSender, SmtpServer

pytestmark = [pytest.mark.browser, pytest.mark.long]

NEW = "olga@elsewhere.example"
MAIL_WAIT_S = 10.0
WAIT_US = WAIT_BETWEEN_MS * 1_000
FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0"


@pytest.fixture(scope="module")
def chrome() -> Iterator[Browser]:
    with browser() as launched:
        yield launched


class Desk:
    """Olga before pages over people in memory, whose mails go through a real SMTP server."""

    def __init__(self, console: PagesConsole, sink: MailSink, tab: Tab) -> None:
        self.console, self.sink, self.tab, self.page = console, sink, tab, tab.page

    def later(self, us: int = WAIT_US) -> None:
        self.console.clock.us += us

    def dialog(self) -> Locator:
        return self.page.get_by_role("dialog")

    def section(self, name: str) -> Locator:
        return self.page.get_by_role("region", name=name)

    def code(self, count: int) -> str:
        """The code in the mail of this number."""
        return code_of(mails(self.sink, count)[count - 1])


@pytest.fixture
def desk(chrome: Browser, tmp_path: Path) -> Iterator[Desk]:
    console = PagesConsole(tmp_path, built=True)
    with mail_sink() as sink, served(console) as origin:
        console.origin = origin
        server = SmtpServer(host="127.0.0.1", port=sink.port, sender="watchword@example.org", security="none")
        console.sender = SendersByChannel([SmtpSender(server, console.clock, console.entropy)])  # type: ignore[assignment]
        tab = Tab(chrome, origin)
        hold(tab, console)
        try:
            yield Desk(console, sink, tab)
        finally:
            tab.close()


def mails(sink: MailSink, count: int) -> list[EmailMessage]:
    """Wait until so many mails came."""
    deadline = time.monotonic() + MAIL_WAIT_S
    while len(sink.mails) < count and time.monotonic() < deadline:
        time.sleep(0.02)
    assert len(sink.mails) >= count, [mail["subject"] for mail in sink.mails]
    return sink.mails


def code_of(mail: EmailMessage) -> str:
    found = re.match(r"(\d{6}) is your Watchword code", mail.get_content())
    assert found is not None, mail.get_content()
    return found[1]


def test_mail_address_is_changed_by_code_and_the_old_one_told_by_a_real_console(
    chrome: Browser, tmp_path: Path
) -> None:
    home = tmp_path / "home"
    token = founded(home)
    with mail_sink() as sink, contextlib.ExitStack() as ending:
        environment = {
            "WATCHWORD_CONSOLE_MAIL_HOST": "127.0.0.1", "WATCHWORD_CONSOLE_MAIL_PORT": str(sink.port),
            "WATCHWORD_CONSOLE_MAIL_SECURITY": "none", "WATCHWORD_CONSOLE_MAIL_SENDER": "watchword@example.org",
        }  # fmt: skip
        console = ConsoleProcess.start(home, *ROOMY, environment=environment)
        ending.callback(console.stop)
        tab = Tab(chrome, console.origin)
        ending.callback(tab.close)
        tab.enrol(token, PASSWORD)
        page = tab.page
        page.goto("/security")
        page.get_by_role("link", name="Confirm or change").click()
        dialog = page.get_by_role("dialog")
        dialog.get_by_label("Mail address").fill("Olga@Elsewhere.example")
        dialog.get_by_role("button", name="Send a code").click()
        expect(dialog).to_contain_text(NEW)
        (code,) = [mail for mail in mails(sink, 3) if mail["to"] == NEW]
        dialog.get_by_label("Code", exact=True).fill(code_of(code))
        dialog.get_by_role("button", name="Confirm").click()
        expect(page.get_by_text("The address is confirmed and yours.")).to_be_visible()
        contact = page.get_by_role("region", name="Contact")
        expect(contact).to_contain_text(f"{NEW} Confirmed")
        told = [mail for mail in mails(sink, 4) if mail["subject"] == "Contact changed"]
        assert [mail["to"] for mail in told] == ["olga@example.org"]
        assert tab.complaints == []


def test_address_for_codes_is_added_changed_and_removed(desk: Desk) -> None:
    page, dialog = desk.page, desk.dialog()
    page.goto("/security")
    page.get_by_role("link", name="Add address").click()
    dialog.get_by_label("Mail address or phone number").fill(NEW)
    dialog.get_by_role("button", name="Send a code").click()
    dialog.get_by_label("Code", exact=True).fill("000000" if desk.code(1) != "000000" else "000001")
    dialog.get_by_role("button", name="Confirm").click()
    expect(dialog.get_by_role("alert")).to_contain_text("code is not right")
    dialog.get_by_label("Code", exact=True).fill(desk.code(1))
    dialog.get_by_role("button", name="Confirm").click()
    expect(page.get_by_text("The second factor was added.")).to_be_visible()
    factors = desk.section("Second factors")
    expect(factors).to_contain_text("lets you in, confirms nothing")
    desk.later()
    factors.get_by_role("link", name="Change or remove").click()
    dialog.get_by_label("Mail address or phone number").fill("third@example.org")
    dialog.get_by_role("button", name="Send a code").click()
    expect(dialog).to_contain_text("third@example.org")
    dialog.get_by_label("Code", exact=True).fill(desk.code(3))
    dialog.get_by_role("button", name="Confirm").click()
    expect(factors).to_contain_text("th…@example.org")
    expect(factors).not_to_contain_text("elsewhere")
    assert [mail["to"] for mail in mails(desk.sink, 5) if mail["subject"] == "Address removed"] == [NEW]
    factors.get_by_role("link", name="Change or remove").click()
    dialog.get_by_role("link", name="remove th…@example.org").click()
    expect(dialog).to_contain_text("the address is told")
    dialog.get_by_role("button", name="Remove").click()
    expect(page.get_by_text("The second factor was removed.")).to_be_visible()
    expect(factors).not_to_contain_text("example.org")
    assert desk.tab.complaints == []


def test_sent_code_lets_in_and_confirms_where_there_is_nothing_stronger(desk: Desk, chrome: Browser) -> None:
    console, olga = desk.console, desk.console.person("olga", "owner")
    started = console.factors.start_message(olga.id, "mail", NEW, console.clock.us)
    assert isinstance(started, MessageStart)
    code = started.sent.message.text[:6]
    console.factors.confirm_message(olga.id, started.factor.id, code, console.clock.us)
    desk.later()
    tab = Tab(chrome, desk.tab.origin)
    page = tab.page
    page.goto("/sign-in")
    page.get_by_label("Name or mail address").fill("olga")
    page.get_by_label("Password").fill(PEOPLES_PASSWORD)
    page.get_by_role("button", name="Continue").click()
    page.get_by_text("Use a code sent to your mail address").click()
    page.get_by_role("button", name="Send the code").click()
    expect(page.get_by_text("A code is on its way")).to_be_visible()
    # By another tab with an older code nothing is opened; the page stays as it is, and open.
    page.get_by_label("Code", exact=True).fill(desk.code(1))
    page.get_by_label("Code", exact=True).press("Enter")
    expect(page.get_by_role("button", name="Your account")).to_be_visible()
    page.goto("/security")
    page.get_by_role("link", name="Draw new codes").last.click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_role("button", name="Draw ten codes").click()
    expect(dialog.get_by_label("Code of your authenticator app")).to_be_visible()
    assert dialog.get_by_text("Use a code sent to").count() == 0
    # Without the app the code is all there is, and confirms.
    console.register.write([], console.register.of_person(TotpFactor, olga.id))
    desk.later()
    page.goto("/security")
    page.get_by_role("link", name="Draw new codes").last.click()
    dialog.get_by_role("button", name="Draw ten codes").click()
    dialog.get_by_role("button", name="Send the code").click()
    expect(dialog.get_by_text("A code is on its way")).to_be_visible()
    dialog.get_by_label("Code", exact=True).fill(desk.code(2))
    dialog.get_by_role("button", name="Confirm").click()
    expect(dialog.get_by_role("heading", name="Your recovery codes")).to_be_visible()
    assert tab.complaints == []
    tab.close()


def test_session_is_ended_after_it_was_said_what_that_does(desk: Desk, chrome: Browser) -> None:
    others = [Tab(chrome, desk.tab.origin) for _ in range(2)]
    for other in others:
        hold(other, desk.console)
        other.page.goto("/security")
    page, dialog, sessions = desk.page, desk.dialog(), desk.section("Sessions")
    page.goto("/security")
    sessions.get_by_role("link", name="End", exact=True).first.click()
    expect(dialog).to_contain_text("signed out at once")
    dialog.get_by_role("link", name="Cancel").click()
    expect(sessions.get_by_role("link", name="End", exact=True)).to_have_count(2)
    sessions.get_by_role("link", name="End", exact=True).first.click()
    dialog.get_by_role("button", name="End the session").click()
    expect(page.get_by_text("The session ended.")).to_be_visible()
    sessions.get_by_role("link", name="End all others").click()
    dialog.get_by_role("button", name="End all others").click()
    expect(sessions.get_by_role("link", name="End", exact=True)).to_have_count(0)
    for other in others:
        other.page.reload()
        expect(other.page.get_by_role("heading", name="Sign in")).to_be_visible()
        other.close()
    assert desk.tab.complaints == []


def test_history_is_filtered_while_it_is_looked_at(desk: Desk) -> None:
    olga, now_us = desk.console.person("olga", "owner"), desk.console.clock.us
    for at in range(30):
        desk.console.history.note(olga.id, "signed_in", "totp", Origin("192.0.2.1", FIREFOX), now_us - at)
    desk.console.history.note(olga.id, "password_wrong", None, Origin("203.0.113.9", "curl/8"), now_us)
    page = desk.page
    page.goto("/security")
    desk.section("Sign-in history").get_by_role("link", name="Show all").click()
    expect(page.get_by_role("row")).to_have_count(21)
    page.get_by_role("link", name="Next page").click()
    expect(page.get_by_role("row")).to_have_count(12)
    page.get_by_label("Result").select_option("failed")
    expect(page.get_by_role("row")).to_have_count(2)
    expect(page.get_by_role("row").last).to_contain_text("203.0.113.9")
    page.get_by_role("searchbox").fill("firefox")
    expect(page.locator("#list").get_by_text("Nothing found")).to_be_visible()
    page.get_by_label("Result").select_option("")
    expect(page.get_by_role("row").last).to_contain_text("Firefox on Linux")
    assert desk.tab.complaints == []


def test_api_token_is_made_found_and_revoked(desk: Desk) -> None:
    page, dialog, tokens = desk.page, desk.dialog(), desk.section("API tokens")
    page.goto("/security")
    expect(page.get_by_text("No API token of yours is accepted from anywhere")).to_be_visible()
    tokens.get_by_role("link", name="Make a token").click()
    dialog.get_by_label("Label").fill("reports")
    dialog.get_by_label("Read the audit trail").check()
    dialog.get_by_label("Unrestricted").check()
    dialog.get_by_role("button", name="Make the token").click()
    secret = dialog.locator("[data-secret]").inner_text()
    assert secret.startswith("wwt_")
    dialog.get_by_role("link", name="Done").click()
    expect(tokens).to_contain_text("Unrestricted")
    assert secret not in page.content()
    expect(page.get_by_text("1 API token accepted from anywhere")).to_be_visible()
    page.get_by_role("searchbox").fill("no such thing")
    expect(tokens).to_contain_text("Nothing found")
    page.get_by_role("searchbox").fill("report")
    expect(tokens).to_contain_text("audit.read")
    tokens.get_by_role("link", name="Revoke").click()
    dialog.get_by_role("button", name="Revoke").click()
    expect(page.get_by_text("The token was revoked.")).to_be_visible()
    expect(tokens).to_contain_text("No API tokens")
    assert desk.tab.complaints == []


def test_console_that_cannot_send_says_how_that_is_changed(desk: Desk) -> None:
    desk.console.sender = MemoryOutbox(())
    page, dialog = desk.page, desk.dialog()
    page.goto("/security")
    expect(desk.section("Contact")).to_contain_text("This console cannot send mail")
    page.get_by_role("link", name="Add address").click()
    expect(dialog).to_contain_text("mail_host")
    assert dialog.get_by_role("textbox").count() == 0
    dialog.get_by_role("link", name="Back").click()
    expect(dialog).to_be_hidden()


def test_everything_is_readable_and_tokens_are_revoked_without_javascript(
    desk: Desk, chrome: Browser
) -> None:
    console, olga = desk.console, desk.console.person("olga", "owner")
    console.tokens.issue(olga, "ci", frozenset({"key.read"}), console.clock.us + 10**12, console.clock.us)
    tab = Tab(chrome, desk.tab.origin, java_script_enabled=False)
    hold(tab, console)
    page = tab.page
    page.goto("/security?query=ci")
    page.get_by_role("link", name="Revoke").click()
    page.get_by_role("button", name="Revoke").click()
    expect(page.get_by_role("region", name="API tokens")).to_contain_text("No API tokens")
    page.goto("/security/sessions/others")
    page.get_by_role("button", name="End all others").click()
    expect(page.get_by_role("region", name="Sessions").get_by_role("listitem")).to_have_count(1)
    tab.close()
