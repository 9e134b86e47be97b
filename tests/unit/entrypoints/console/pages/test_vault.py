"""The vault's pages: what they show, what their forms send, and that a secret is never shown again."""

from pathlib import Path
from typing import Any

import pytest
from tests.support.console_pages import FakeBrowser, PagesConsole

from watchword.entrypoints.console import problem as told
from watchword.entrypoints.console.problem import Problem
from watchword.entrypoints.console.routes.testnet_keys import ApiKeyView
from watchword.entrypoints.console.routes.vault import CredentialList, CredentialView, SealState
from watchword.entrypoints.console.routes.virtual_keys import VirtualKeyPage
from watchword.vault.checkup import CheckReport

SECRET = "NhqPtmdSJYdKjVHjA7PZj4Mge3R5YNiP1e3UZjInClVN65XAbvqqM6A7H5fATj0j"
NASTY = "\"><script>alert(1)</script>' onmouseover=alert(1) {{7*7}}"
ADDING = {
    "label": "main", "upstream": "live", "api_key": "real", "secret": SECRET, "passphrase": " spaced ",
    "permissions": ["SPOT_AND_MARGIN_TRADING"], "notes": "desk",
}  # fmt: skip


def credential(**more: Any) -> CredentialView:
    usual: dict[str, Any] = {
        "id": "cred-1", "label": "main", "upstream": "local", "key_type": "ED25519", "api_key": "realkey",
        "permissions": ["READING"], "public_key": "-----BEGIN PUBLIC KEY-----", "fingerprint": "SHA256:x",
        "created_us": 1, "notes": "", "state": "in vault",
    }  # fmt: skip
    return CredentialView(**{**usual, **more})


def sealed(is_sealed: bool) -> SealState:
    return SealState(is_sealed, True, True, False, ["memory could not be locked"], "passphrase", 2, 3, 1)


def report(**more: Any) -> CheckReport:
    return CheckReport(**{"id": "cred-1", "label": "main", "upstream": "live", "accepted": True, **more})


@pytest.fixture
def console(tmp_path: Path) -> PagesConsole:
    return PagesConsole(
        tmp_path, showVault=sealed(False), listCredentials=CredentialList([credential()]),
        showCredential=credential(), addCredential=credential(), makePair=credential(api_key=""),
        registerCredential=credential(), removeCredential=None, sealVault=sealed(True), unsealVault=sealed(False),
        checkCredential=report(), listVirtualKeys=VirtualKeyPage([], None, 2),
    )  # fmt: skip


@pytest.fixture
def olga(console: PagesConsole) -> FakeBrowser:
    return console.signed_in()


def body(console: PagesConsole, name: str) -> Any:
    """What a route was asked to do, once."""
    (ask,) = [ask for ask in console.asked if type(ask.body).__name__ == name]
    return ask.body


async def test_page_shows_state_and_credentials_escaped(console: PagesConsole, olga: FakeBrowser) -> None:
    console.answers["listCredentials"] = CredentialList([credential(label=NASTY, state=NASTY)])
    text = (await olga.get("/vault")).text
    assert "<script>alert" not in text
    assert "Unsealed" in text
    assert "Memory may be swapped" in text
    assert "memory could not be locked" in text
    assert "1</strong> waiting" in text


@pytest.mark.parametrize(
    ("is_sealed", "there", "gone"), [(True, "unseal", "seal"), (False, "seal", "unseal")]
)
async def test_button_is_there_for_what_can_be_done(
    console: PagesConsole, olga: FakeBrowser, is_sealed: bool, there: str, gone: str
) -> None:
    console.answers["showVault"] = sealed(is_sealed)
    text = (await olga.get("/vault")).text
    assert f'href="/vault/{there}"' in text
    assert f'href="/vault/{gone}"' not in text


async def test_vault_that_does_not_answer_is_said_and_may_be_unsealed(
    console: PagesConsole, olga: FakeBrowser
) -> None:
    console.answers["showVault"] = Problem(told.UNAVAILABLE, "no vault process: watchword gateway serve")
    shown = await olga.get("/vault")
    assert (shown.status_code, "no vault process" in shown.text) == (200, True)
    assert "main" in shown.text


@pytest.mark.parametrize(
    ("query", "hits"),
    [
        ("MAIN", 1),
        ("realk", 1),
        ("ealkey", 0),
        ("desk", 1),
        ("other", 0),
        ("&upstream=live", 0),
        ("&upstream=local", 1),
    ],
)
async def test_search_finds_label_note_and_beginning_of_the_key(
    console: PagesConsole, olga: FakeBrowser, query: str, hits: int
) -> None:
    console.answers["listCredentials"] = CredentialList([credential(notes="trading desk")])
    text = (await olga.get(f"/vault?query={query}")).text
    assert ("/vault/credentials/cred-1" in text) == bool(hits)
    assert ("Nothing found" in text) != bool(hits)


async def test_empty_vault_and_failing_list_say_what_to_do(console: PagesConsole, olga: FakeBrowser) -> None:
    console.answers["listCredentials"] = CredentialList([])
    assert "The vault is empty" in (await olga.get("/vault")).text
    console.answers["listCredentials"] = Problem(told.UNAVAILABLE, "the store is broken")
    assert "the store is broken" in (await olga.get("/vault")).text


async def test_key_is_added_as_typed_and_never_shown_again(console: PagesConsole, olga: FakeBrowser) -> None:
    done = await olga.post("/vault/add", ADDING)
    assert (done.status_code, done.headers["location"]) == (303, "/vault")
    draft = body(console, "CredentialDraft")
    assert (draft.secret, draft.passphrase, draft.upstream) == (SECRET, " spaced ", "live")
    assert draft.permissions == ["READING", "SPOT_AND_MARGIN_TRADING"]
    console.answers["addCredential"] = Problem(told.REFUSED, "the label is taken")
    refused = await olga.post("/vault/add", ADDING)
    assert (refused.status_code, "the label is taken" in refused.text) == (422, True)
    assert 'value="main"' in refused.text
    assert SECRET not in refused.text
    assert "spaced" not in refused.text


async def test_secret_does_not_wait_in_a_page_while_the_factor_is_asked_for(
    console: PagesConsole, olga: FakeBrowser
) -> None:
    token = {"w_csrf": await olga.token()}
    console.stale()
    for path in ("/vault/add", "/vault/unseal"):
        asked_for = await olga.send(path, {**token, **ADDING, "passphrase": SECRET, "shares": SECRET})
        assert (asked_for.status_code, "Confirm with your second factor" in asked_for.text) == (403, True)
        assert SECRET not in asked_for.text
        assert "Confirm with your second factor" in (await olga.get(path)).text
    assert [ask for ask in console.asked if ask.action != "credential.read"] == []


async def test_pair_is_made_inside_and_leads_to_its_registration(
    console: PagesConsole, olga: FakeBrowser
) -> None:
    form = {
        "label": "main",
        "upstream": "testnet",
        "kind": "rsa-3072",
        "permissions": ["FUTURES"],
        "notes": "",
    }
    made = await olga.post("/vault/pairs/new", form)
    assert made.status_code == 200
    assert "-----BEGIN PUBLIC KEY-----" in made.text
    assert 'action="/vault/credentials/cred-1"' in made.text
    draft = body(console, "PairDraft")
    assert (draft.kind, draft.upstream, draft.permissions) == ("rsa-3072", "testnet", ["READING", "FUTURES"])
    done = await olga.post("/vault/credentials/cred-1", {"api_key": " given \n"})
    assert (done.status_code, body(console, "Registered").api_key) == (303, "given")


@pytest.mark.parametrize("kind", ["rsa-1024", "", "hmac"])
async def test_pair_of_an_unknown_kind_is_not_made(
    console: PagesConsole, olga: FakeBrowser, kind: str
) -> None:
    shown = await olga.post("/vault/pairs/new", {"label": "main", "upstream": "local", "kind": kind})
    assert (shown.status_code, "aria-invalid" in shown.text) == (422, True)


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({}, "everything is as declared"),
        ({"findings": ("no IP list: the key works from anywhere",)}, "no IP list"),
        ({"accepted": False, "code": -2015}, "refuses it (-2015)"),
        ({"accepted": None}, "could not be asked"),
        ({"withdrawals": True, "undeclared": ("WITHDRAWALS",)}, "Beyond declared"),
    ],
)
async def test_check_says_what_the_exchange_answered(
    console: PagesConsole, olga: FakeBrowser, more: dict[str, Any], words: str
) -> None:
    console.answers["checkCredential"] = report(**more)
    assert words in (await olga.get("/vault/credentials/cred-1/check")).text


async def test_removing_says_what_stops_and_is_done_by_a_form_only(
    console: PagesConsole, olga: FakeBrowser
) -> None:
    shown = (await olga.get("/vault/credentials/cred-1/remove")).text
    assert "2 virtual keys stop" in shown
    assert [ask for ask in console.asked if ask.action == "credential.write"] == []
    gone = await olga.post("/vault/credentials/cred-1/remove")
    assert (gone.status_code, gone.headers["location"]) == (303, "/vault")


async def test_sealing_and_unsealing_take_forms(console: PagesConsole, olga: FakeBrowser) -> None:
    assert "nothing is signed any more" in (await olga.get("/vault/seal")).text
    assert (await olga.post("/vault/seal")).status_code == 303
    done = await olga.post("/vault/unseal", {"passphrase": " opens ", "shares": "one\ntwo\n"})
    given = body(console, "Unsealing")
    assert (done.status_code, given.passphrase, given.shares) == (303, " opens ", ["one", "two"])
    console.answers["unsealVault"] = Problem(told.REFUSED, "the passphrase is wrong")
    refused = await olga.post("/vault/unseal", {"passphrase": SECRET})
    assert "the passphrase is wrong" in refused.text
    assert SECRET not in refused.text


async def test_who_may_only_read_changes_nothing(console: PagesConsole) -> None:
    uma = console.signed_in("uma", "auditor")
    text = (await uma.get("/vault")).text
    assert "main" in text
    for path in (
        "/vault/add",
        "/vault/pairs/new",
        "/vault/seal",
        "/vault/unseal",
        "/vault/credentials/cred-1/remove",
    ):
        assert f'href="{path}"' not in text
        assert (await uma.get(path)).status_code == 403
        assert (await uma.post(path, ADDING)).status_code == 403
    assert "api_key" not in (await uma.get("/vault/credentials/cred-1")).text
    assert (await uma.post("/vault/credentials/cred-1", {"api_key": "given"})).status_code == 403


async def test_key_of_the_testnet_is_put_in_with_what_is_known_of_it(
    console: PagesConsole, olga: FakeBrowser
) -> None:
    console.answers["showKey"] = ApiKeyView(
        api_key="K" * 64, account="demo", account_id=3, key_type="ED25519", label=NASTY,
        permissions=["READING", "SPOT_AND_MARGIN_TRADING"], ips=[], symbols=[], expires=None, created="2026-11-01T10:00:00Z",
        last_used=None,
    )  # fmt: skip
    text = (await olga.get(f"/keys/{'K' * 64}/vault")).text
    assert f'value="{"K" * 64}"' in text
    assert "<script>alert" not in text
    assert 'value="SPOT_AND_MARGIN_TRADING" checked' in text
    assert 'value="WITHDRAWALS" checked' not in text
    assert "Make a key pair in this browser" not in text
    assert "Make a key pair in this browser" in (await olga.get("/vault/add")).text
    console.answers["showKey"] = Problem(told.NOT_FOUND, "there is no such key")
    assert (await olga.get("/keys/nobody/vault")).status_code == 404


async def test_factor_is_asked_for_before_the_form_and_its_key_is_kept(
    console: PagesConsole, olga: FakeBrowser
) -> None:
    console.stale()
    asked = await olga.get(f"/keys/{'K' * 64}/vault")
    assert asked.status_code == 403
    assert f'name="w_target" value="/keys/{"K" * 64}/vault"' in asked.text
