"""A key's file is read into the vault's form by the browser; the file is never sent. In Debian's Chromium."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import FilePayload, Page, expect
from tests.support.browser import Tab, browser, hold, served
from tests.support.console_pages import PagesConsole

pytestmark = [pytest.mark.browser, pytest.mark.long]

PEM = "-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEIA\n-----END PRIVATE KEY-----"


@pytest.fixture
def page(tmp_path: Path) -> Iterator[Page]:
    console = PagesConsole(tmp_path, built=True)
    with browser() as launched, served(console) as origin:
        tab = Tab(launched, origin)
        hold(tab, console)
        tab.page.goto("/vault/add")
        yield tab.page
        assert tab.complaints == []
        tab.close()


def choose(page: Page, content: str) -> None:
    file = FilePayload(name="key.txt", mimeType="text/plain", buffer=content.encode())
    page.get_by_label("Or take it from a file").set_input_files(file)


def test_file_fills_the_form_and_is_no_field_of_it(page: Page) -> None:
    secret, name = page.get_by_label("Secret key or private key"), page.get_by_label("API key", exact=True)
    choose(page, f"{PEM}\n")
    expect(secret).to_have_value(PEM)
    expect(page.get_by_label("Passphrase of the private key")).not_to_be_focused()
    choose(page, PEM.replace("PRIVATE", "ENCRYPTED PRIVATE"))
    expect(page.get_by_label("Passphrase of the private key")).to_be_focused()
    # As this console saves an HMAC key.
    choose(page, "API key: abc\nSecret key: xyz\n")
    expect(secret).to_have_value("xyz")
    expect(name).to_have_value("abc")
    choose(page, "API key: other\nSecret key: uvw\n")
    expect(secret).to_have_value("uvw")
    expect(name).to_have_value("abc")
    fields = page.evaluate(
        "[...new FormData(document.querySelector('form[action=\"/vault/add\"]')).values()]"
    )
    assert all(isinstance(value, str) for value in fields), "a file is sent"


def test_file_that_is_no_key_is_refused(page: Page) -> None:
    choose(page, "x" * 16_385)
    picker = page.get_by_label("Or take it from a file")
    assert picker.evaluate("field => field.validationMessage") == "This file is too large to be a key."
    expect(page.get_by_label("Secret key or private key")).to_have_value("")
    choose(page, PEM)
    assert picker.evaluate("field => field.validity.valid")
    expect(page.get_by_label("Secret key or private key")).to_have_value(PEM)
