"""A pair made in the console's page, registered by clicking, used by a bot; and its private half looked for everywhere."""

import base64
from collections.abc import Iterator
from pathlib import Path
from typing import Final
from urllib.parse import quote

import pytest
from playwright.sync_api import Page, expect
from tests.support.bot import Bot, next_ms
from tests.support.browser import PagedHome, Tab, paged_home
from tests.support.canary import Canary, in_files, in_process, seen_in
from tests.support.keygen_page import Wire, canaries_of, stored_by
from tests.support.testnet_process import TestnetKey
from tests.support.vectors import flip_bit

from watchword.credentials.keypair import PrivateKey
from watchword.credentials.pem import read_private
from watchword.credentials.signer import Signer
from watchword.kernel.secret import Secret

#: With the long tests: each starts a browser of its own, and the suite has minutes.
pytestmark = [pytest.mark.browser, pytest.mark.long]

PASSPHRASE: Final = "seven purple giraffes ß Ω"


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PagedHome]:
    with paged_home(tmp_path_factory.mktemp("keygen")) as home:
        yield home


@pytest.fixture(scope="module")
def owner(desk: PagedHome) -> Tab:
    tab = desk.enrolled(accept_downloads=True)
    page = tab.page
    page.goto("/keys")
    page.get_by_role("link", name="Open an account").first.click()
    page.get_by_label("Name of the account").fill("desk")
    page.get_by_role("button", name="Open the account").click()
    expect(page.get_by_text("The account is open.")).to_be_visible()
    return tab


def registered(page: Page, folder: Path, label: str, passphrase: str | None) -> tuple[bytes, str]:
    """Make a pair in the dialogue and register it; returns the private key's file and the API key."""
    page.goto("/keys")
    page.get_by_role("link", name="Create API key").first.click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Label").fill(label)
    dialog.get_by_text("Self-generated Ed25519").click()
    dialog.get_by_text("Spot trading").click()
    dialog.get_by_label("Trusted addresses").fill("127.0.0.1")
    dialog.get_by_text("Make a key pair in this browser").click()
    if passphrase is None:
        dialog.get_by_label("Without a passphrase").check()
    else:
        dialog.get_by_label("Passphrase of the file").fill(passphrase)
        dialog.get_by_label("The same passphrase again").fill(passphrase)
    with page.expect_download() as download:
        dialog.get_by_role("button", name="Make the pair and save the private key").click()
    path = folder / download.value.suggested_filename
    download.value.save_as(path)
    dialog.get_by_role("button", name="Create API key").click()
    expect(page.get_by_role("heading", name="API key created")).to_be_visible()
    expect(page.locator("#made-secret")).to_have_count(0)
    return path.read_bytes(), page.locator("#made-key").inner_text()


# Not the passphrase itself: pytest puts ids of tests into the environment, where it is looked for.
@pytest.mark.parametrize("passphrase", [PASSPHRASE, None], ids=["protected", "plain"])
def test_pair_of_the_page_signs_for_a_bot_and_its_private_half_is_nowhere(
    desk: PagedHome, owner: Tab, tmp_path: Path, passphrase: str | None
) -> None:
    page = owner.page
    wire = Wire(page)
    raw, api_key = registered(page, tmp_path, f"pair {passphrase is None}", passphrase)
    key = read_private(raw, Secret(passphrase.encode()) if passphrase else None)
    assert isinstance(key, PrivateKey)
    signer = key.signer()
    assert code_of(desk, api_key, signer) == 0
    assert code_of(desk, api_key, signer, bit=5) == -1022

    canaries = canaries_of(raw, passphrase)
    assert [one for sent in wire.sent for one in seen_in(canaries, sent, "a request")] == []
    assert list(seen_in(canaries, stored_by(page), "what the page keeps")) == []
    assert in_files(canaries, desk.home) == []
    assert in_process(canaries, desk.console.pid) == []
    body = "".join(key.public.pem().splitlines()[1:-1])
    assert any(body.encode() in sent for sent in wire.sent), "the wire was not watched"
    assert in_files([Canary("public", key.public.der[-32:])], desk.home), "the home was not looked through"
    assert owner.complaints == []


def code_of(desk: PagedHome, api_key: str, signer: Signer, *, bit: int | None = None) -> int:
    """Ask for the account as a bot does; returns the exchange's error code, 0 for none."""
    query = f"timestamp={next_ms()}"
    signature = base64.b64decode(signer.sign(query.encode()))
    if bit is not None:
        signature = flip_bit(signature, bit)
    query += f"&signature={quote(base64.b64encode(signature), safe='')}"
    bot = Bot(desk.testnet.rest, TestnetKey("ED25519", api_key, ""))
    return bot.send("GET", "/api/v3/account", query).code
