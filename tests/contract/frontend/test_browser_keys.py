"""Key pairs made in a real browser: read by everybody who reads keys, and never seen on the wire."""

import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_pem_private_key,
    load_pem_public_key,
)
from playwright.sync_api import Browser, Page, expect
from tests.support.canary import Canary, in_files, seen_in
from tests.support.keygen_page import (
    INSECURE_HOST,
    PAGE_WAIT_MS,
    Desk,
    Wire,
    built_scripts,
    canaries_of,
    chromium,
    profile_in,
    serving,
    stored_by,
)
from tests.support.vectors import flip_bit

from watchword.credentials import key_problem
from watchword.credentials.keypair import KEY_KINDS, KeyKind, PrivateKey
from watchword.credentials.pem import read_key, read_private, read_public
from watchword.credentials.pkcs8 import KDF_ROUNDS
from watchword.kernel.secret import Secret

#: With the long tests: each starts a browser of its own, and the suite has minutes.
pytestmark = [pytest.mark.browser, pytest.mark.long]

#: With letters beyond ASCII, which every reader must be given as UTF-8.
PASSPHRASE: Final = "seven purple giraffes ß Ω"
#: What Chromium says of pages over plain HTTP, of which one test has one.
ONLY_SECURE: Final = "The Cross-Origin-Opener-Policy header has been ignored"
HIDDEN_IN_DATABASE: Final = """new Promise((done) => {
    const opening = indexedDB.open('k', 1);
    opening.onupgradeneeded = () => opening.result.createObjectStore('k').put(TEXT, 1);
    opening.onsuccess = () => done(opening.result.close());
})"""
CLOSED: Final = """(() => {
    const dialog = document.createElement('dialog');
    document.body.append(dialog);
    dialog.append(document.querySelector('details').closest('form'));
    dialog.showModal();
    dialog.close();
})()"""
#: A download would have begun.
NOTHING_MS: Final = 300
PAYLOAD: Final = b"symbol=BTCUSDT&side=BUY&type=MARKET&quantity=0.001&timestamp=1699564800000"


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as found:
        yield found


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    scripts = tmp_path_factory.mktemp("scripts")
    built_scripts(scripts)
    with serving(scripts) as found:
        yield found


@pytest.fixture
def page(browser: Browser, desk: Desk) -> Iterator[Page]:
    context = browser.new_context(accept_downloads=True)
    context.set_default_timeout(PAGE_WAIT_MS)
    page = context.new_page()
    problems: list[str] = []
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.on("console", lambda told: problems.append(told.text) if told.type == "error" else None)
    page.goto(desk.origin)
    yield page
    context.close()
    assert [problem for problem in problems if not problem.startswith(ONLY_SECURE)] == []


def opened(page: Page) -> None:
    page.get_by_text("Make a key pair in this browser").click()
    expect(page.locator("[data-part=controls]")).to_be_visible()


def saved(page: Page, folder: Path, button: str = "Make the pair and save the private key") -> Path:
    with page.expect_download() as download:
        page.get_by_role("button", name=button, exact=True).click()
    path = folder / download.value.suggested_filename
    download.value.save_as(path)
    return path


def made(page: Page, folder: Path, kind: KeyKind, passphrase: str | None, label: str = "Grid bot") -> Path:
    """Go through the dialogue as somebody would, and return the file that was saved."""
    page.get_by_label("Label").fill(label)
    opened(page)
    page.locator("[data-part=kind]").select_option(kind)
    if passphrase is None:
        page.get_by_label("Without a passphrase").check()
    else:
        page.get_by_label("Passphrase of the file").fill(passphrase)
        page.get_by_label("The same passphrase again").fill(passphrase)
    return saved(page, folder)


def registered(page: Page, desk: Desk) -> dict[str, str]:
    page.get_by_role("button", name="Register").click()
    page.wait_for_url("**/keys")
    return desk.forms[-1]


def opened_by_watchword(raw: bytes, passphrase: str | None) -> PrivateKey:
    found = read_private(raw, Secret(passphrase.encode()) if passphrase else None)
    assert isinstance(found, PrivateKey), found
    return found


@pytest.mark.parametrize("kind", KEY_KINDS)
def test_key_of_the_browser_is_read_everywhere_with_its_passphrase_only(
    page: Page, desk: Desk, tmp_path: Path, kind: KeyKind
) -> None:
    path = made(page, tmp_path, kind, PASSPHRASE)
    raw = path.read_bytes()
    assert path.name == f"grid-bot-{kind}.pem"
    assert raw.startswith(b"-----BEGIN ENCRYPTED PRIVATE KEY-----\n")
    assert page.locator("#filter").input_value() == "All", "a field outside of the form was touched"
    form = registered(page, desk)
    assert set(form) == {"label", "key_type", "public_key"}
    assert form["key_type"] == ("ED25519" if kind == "ed25519" else "RSA")
    public = form["public_key"].replace("\r\n", "\n").strip()

    ours = opened_by_watchword(raw, PASSPHRASE)
    theirs = load_pem_private_key(raw, PASSPHRASE.encode())
    spki = theirs.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    assert ours.public.pem().strip() == public == by_openssl(path, PASSPHRASE)
    assert (
        load_pem_public_key(public.encode()).public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        == spki
    )
    assert ours.public.bits == (256 if kind == "ed25519" else int(kind.removeprefix("rsa-")))

    wrong = PASSPHRASE[:-1]
    assert read_private(raw, Secret(wrong.encode())) == key_problem.PASSPHRASE_WRONG
    assert read_private(raw) == key_problem.PASSPHRASE_MISSING
    with pytest.raises(ValueError, match="password"):
        load_pem_private_key(raw, wrong.encode())
    assert by_openssl(path, wrong) == ""


@pytest.mark.parametrize("kind", ["ed25519", "rsa-2048"])
def test_key_in_plain_signs_what_its_registered_half_verifies(
    page: Page, desk: Desk, tmp_path: Path, kind: KeyKind
) -> None:
    raw = made(page, tmp_path, kind, None).read_bytes()
    assert raw.startswith(b"-----BEGIN PRIVATE KEY-----\n")
    expect(page.get_by_text("The file is not protected")).to_be_visible()
    form = registered(page, desk)
    public = read_public(form["public_key"].encode())
    assert not isinstance(public, key_problem.KeyProblem)
    signature = opened_by_watchword(raw, None).signer().sign(PAYLOAD)
    verifier = public.verifier()
    assert verifier.verify(PAYLOAD, signature)
    assert not verifier.verify(flip_bit(PAYLOAD, 3), signature)
    assert not verifier.verify(PAYLOAD, signature.swapcase())


def test_encryption_of_the_browser_is_as_slow_to_guess_as_ours(page: Page, tmp_path: Path) -> None:
    found = read_key(made(page, tmp_path, "ed25519", PASSPHRASE).read_bytes())
    assert not isinstance(found, key_problem.KeyProblem)
    assert found.encryption is not None
    assert (found.encryption.scheme, found.encryption.weak) == ("PBKDF2", False)
    assert found.encryption.rounds >= KDF_ROUNDS


@pytest.mark.parametrize("kind", ["ed25519", "rsa-2048"])
# Not the passphrase itself: pytest puts ids of tests into the environment, where it is looked for.
@pytest.mark.parametrize("passphrase", [PASSPHRASE, None], ids=["protected", "plain"])
def test_private_key_and_passphrase_are_in_no_request_and_no_storage(
    page: Page, desk: Desk, tmp_path: Path, kind: KeyKind, passphrase: str | None
) -> None:
    wire = Wire(page)
    raw = made(page, tmp_path, kind, passphrase).read_bytes()
    canaries = canaries_of(raw, passphrase)
    kept = stored_by(page)
    form = registered(page, desk)
    assert [one for sent in wire.sent for one in seen_in(canaries, sent, "a request")] == []
    assert list(seen_in(canaries, kept + stored_by(page), "what the page keeps")) == []
    assert any(form["public_key"].split()[3].encode() in sent for sent in wire.sent), (
        "the wire was not watched"
    )


@pytest.mark.parametrize(
    "leak",
    [
        "fetch('/keys', {method: 'POST', body: TEXT})",
        "fetch('/?k=' + encodeURIComponent(TEXT))",
        "localStorage.setItem('k', TEXT)",
        "sessionStorage.setItem('k', btoa(unescape(encodeURIComponent(TEXT))))",
        "document.cookie = 'k=' + encodeURIComponent(TEXT)",
        HIDDEN_IN_DATABASE,
    ],
)
def test_search_finds_what_was_hidden_for_it(page: Page, tmp_path: Path, leak: str) -> None:
    wire = Wire(page)
    raw = made(page, tmp_path, "ed25519", None).read_bytes()
    body = "".join(raw.decode().splitlines()[1:-1])
    page.evaluate("(TEXT) => { return " + leak + "; }", body)
    found = [*wire.sent, stored_by(page)]
    assert any(list(seen_in(canaries_of(raw, None), sent, "somewhere")) for sent in found)


def test_dialogue_takes_no_weak_and_no_mistyped_passphrase(page: Page) -> None:
    opened(page)
    status = page.locator("[data-part=status]")
    make = page.get_by_role("button", name="Make the pair and save the private key")
    for weak in ("", "short", "Password12345"):
        page.get_by_label("Passphrase of the file").fill(weak)
        page.get_by_label("The same passphrase again").fill(weak)
        make.click()
        expect(status).to_have_text("Choose a stronger passphrase.")
    expect(page.locator("[data-part=advice]")).to_contain_text("Too weak: guessed in")
    page.get_by_label("Passphrase of the file").fill(PASSPHRASE)
    page.get_by_label("The same passphrase again").fill(PASSPHRASE[:-1])
    # Enter in there makes keys; it must not send the form around.
    page.get_by_label("The same passphrase again").press("Enter")
    expect(status).to_have_text("The two passphrases differ.")
    expect(page.locator("[data-part=meter]")).to_have_js_property("value", 4)
    assert page.get_by_label("Public key").input_value() == ""


def test_word_lists_are_loaded_when_a_passphrase_is_typed_and_not_before(page: Page, desk: Desk) -> None:
    loaded: list[str] = []
    page.on("request", lambda request: loaded.append(request.url.removeprefix(desk.origin)))
    page.reload()
    page.wait_for_load_state("networkidle")
    assert loaded == ["/", "/static/harness.js"]
    opened(page)
    assert loaded[2:] == ["/static/keygen.js"]
    page.get_by_label("Passphrase of the file").fill(PASSPHRASE)
    expect(page.locator("[data-part=advice]")).to_contain_text("Good")
    assert loaded[3:] == ["/static/estimator.js"]


@pytest.mark.parametrize(
    "leaving",
    [
        # As where the browser keeps the whole page for its back button.
        "dispatchEvent(new PageTransitionEvent('pagehide', {persisted: true}))",
        CLOSED,
        "(() => { window.gone = document.querySelector('details'); window.gone.remove(); })()",
    ],
    ids=["hidden", "closed", "removed"],
)
def test_leaving_forgets_the_key_and_the_passphrase(page: Page, tmp_path: Path, leaving: str) -> None:
    made(page, tmp_path, "ed25519", PASSPHRASE)
    assert saved(page, tmp_path, "Save the public key").read_text("ascii").startswith("-----BEGIN PUBLIC KEY")
    part = "(window.gone ?? document).querySelector('[data-part={}]')"
    assert page.evaluate(part.format("passphrase") + ".value") == ""
    page.evaluate(part.format("passphrase") + f".value = '{PASSPHRASE}'")
    page.evaluate(leaving)
    # Not `wait_for_function`: it evaluates text in the page, which the content policy forbids.
    page.wait_for_timeout(NOTHING_MS)
    assert page.evaluate(part.format("made") + ".hidden")
    assert page.evaluate(part.format("passphrase") + ".value") == ""
    downloads: list[str] = []
    page.on("download", lambda download: downloads.append(download.suggested_filename))
    page.evaluate(f"document.body.append({part.format('save-again')}); document.body.lastChild.click()")
    page.wait_for_timeout(NOTHING_MS)
    assert downloads == []


def test_another_pair_is_another_key_under_its_own_name(page: Page, tmp_path: Path) -> None:
    first = made(page, tmp_path, "ed25519", None)
    again = saved(page, tmp_path, "Save the private key again")
    assert again.read_bytes() == first.read_bytes()
    page.get_by_role("button", name="Make another pair").click()
    page.get_by_label("Label").fill("dca")
    second = saved(page, tmp_path)
    assert (first.name, second.name) == ("grid-bot-ed25519.pem", "dca-ed25519.pem")
    assert second.read_bytes() != first.read_bytes()
    shown = page.get_by_label("Public key", exact=True).input_value()
    assert opened_by_watchword(second.read_bytes(), None).public.pem() == shown


def test_profile_of_the_browser_holds_neither_key_nor_passphrase(
    browser: Browser, desk: Desk, tmp_path: Path
) -> None:
    downloads, profile = tmp_path / "downloads", tmp_path / "profile"
    with profile_in(profile, downloads, browser) as context:
        page = context.new_page()
        page.goto(desk.origin)
        raw = made(page, tmp_path, "ed25519", PASSPHRASE, label="marked label").read_bytes()
        registered(page, desk)
        page.goto(f"{desk.origin}/later")
    assert in_files(canaries_of(raw, PASSPHRASE), profile) == []
    assert in_files([Canary("address", f"{desk.origin}/later".encode())], profile), "nothing was kept at all"


def test_page_that_is_no_secure_context_says_so_and_offers_the_vault(page: Page, desk: Desk) -> None:
    page.goto(f"http://{INSECURE_HOST}:{desk.port}")
    page.get_by_text("Make a key pair in this browser").click()
    expect(page.locator("[data-part=reason]")).to_contain_text("plain HTTP")
    expect(page.get_by_role("link", name="Make the pair inside the vault instead")).to_be_visible()
    expect(page.locator("[data-part=controls]")).to_be_hidden()


def test_browser_without_ed25519_offers_rsa_and_the_vault(page: Page, desk: Desk, tmp_path: Path) -> None:
    page.add_init_script(
        "const real = SubtleCrypto.prototype.generateKey;"
        "SubtleCrypto.prototype.generateKey = function (kind, ...rest) { return kind.name === 'Ed25519'"
        " ? Promise.reject(new DOMException('', 'NotSupportedError')) : real.call(this, kind, ...rest); };"
    )
    page.goto(desk.origin)
    raw = made(page, tmp_path, "rsa-2048", None).read_bytes()
    expect(page.locator("[data-part=reason]")).to_contain_text("cannot make Ed25519")
    expect(page.get_by_role("link", name="Make the pair inside the vault instead")).to_be_visible()
    assert page.locator("[data-part=kind] option").all_inner_texts() == ["RSA 2048", "RSA 3072", "RSA 4096"]
    assert opened_by_watchword(raw, None).public.key_type == "RSA"


def by_openssl(path: Path, passphrase: str) -> str:
    """Return the public key OpenSSL's own program reads from a file; empty where it cannot open it."""
    done = subprocess.run(
        ["openssl", "pkey", "-in", path, "-pubout", "-passin", "stdin"],
        input=f"{passphrase}\n".encode(), capture_output=True, timeout=30, check=False,
    )  # fmt: skip
    return done.stdout.decode().strip()
