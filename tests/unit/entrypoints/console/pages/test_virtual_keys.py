"""Pages of virtual keys: what they show, what their forms send, and the secret that is shown once."""

import json
from pathlib import Path
from typing import Any

import pytest
from tests.support.console_pages import FakeBrowser, PagesConsole

from watchword.entrypoints.console import problem as told
from watchword.entrypoints.console.pages.virtual_keys import CHOICES
from watchword.entrypoints.console.problem import Problem
from watchword.entrypoints.console.routes.assignments import AssignmentPage, AssignmentView
from watchword.entrypoints.console.routes.audit import AuditPage, AuditRow
from watchword.entrypoints.console.routes.people import PeoplePage, PersonView
from watchword.entrypoints.console.routes.vault import CredentialList, CredentialView
from watchword.entrypoints.console.routes.virtual_keys import (
    VirtualKeyMade,
    VirtualKeyPage,
    VirtualKeysRevoked,
)
from watchword.entrypoints.gateway.admin.requests import KeyView, VersionView

ID = "vk-1"
NASTY = "\"><script>alert(1)</script>' onmouseover=alert(1) {{7*7}}"
SECRET = "s3cret" * 10
ISSUING = {
    "label": "grid", "key_type": "HMAC", "credential": "cred-1", "choice": "limits", "pairs": "btcusdt, ETHUSDT",
    "asset": "USDT", "max_order": "500", "max_day": "5000", "ips": "10.0.0.1", "expires": "30d",
    "own_orders_only": "yes",
}  # fmt: skip


def version(**more: Any) -> VersionView:
    usual: dict[str, Any] = {
        "api_key": "WW" * 32, "key_type": "HMAC", "fingerprint": "", "state": "works",
        "created": "2026-11-01T10:00:00Z", "ends": None,
    }  # fmt: skip
    return VersionView(**{**usual, **more})


def key(**more: Any) -> KeyView:
    usual: dict[str, Any] = {
        "id": ID, "label": "grid", "state": "works", "ends_in": "", "credential": "cred-1",
        "credential_label": "main", "upstream": "local", "policy": "trader", "policy_sha256": "", "ips": [],
        "expires": None, "effective_expires": None, "own_orders_only": True, "weight_per_minute_max": 0,
        "orders_per_10s_max": 0, "parent": "", "children": [], "versions": [version()],
        "created": "2026-11-01T10:00:00Z", "revoked": None, "last_used": None, "last_ip": "",
        "policy_text": "version: 1\n", "usage": {"orders today": "7"},
    }  # fmt: skip
    return KeyView(**{**usual, **more})


def row(**event: Any) -> AuditRow:
    return AuditRow("gateway", 1, 1, "", "", event)


def person(identity: str, name: str) -> PersonView:
    return PersonView(identity, name, f"{name}@example.org", "", "trader", "active", [], 1, 1, 0)


@pytest.fixture
def console(tmp_path: Path) -> PagesConsole:
    real = CredentialView(
        id="cred-1", label="main", upstream="local", key_type="ED25519", api_key="real", permissions=[],
        public_key="", fingerprint="", created_us=1, notes="", state="in vault",
    )  # fmt: skip
    made = VirtualKeyMade(key(), "WW" * 32, SECRET)
    return PagesConsole(
        tmp_path, listVirtualKeys=VirtualKeyPage([key()], None, 1), showVirtualKey=key(), issueVirtualKey=made,
        rollVirtualKey=made, changeVirtualKey=key(), revokeVirtualKey=VirtualKeysRevoked([key()]),
        listCredentials=CredentialList([real]), searchAudit=AuditPage([], None, 0, True),
        listPeople=PeoplePage([person("p-1", "ann"), person("p-2", "ben")], None),
        showPerson=lambda ask: person(ask.path["person"], "ann"),
        listAssignments=AssignmentPage([AssignmentView("a-1", "p-1", "virtual", ID, "p-0", 1)], None),
        assign=AssignmentView("a-2", "p-2", "virtual", ID, "p-0", 1), unassign=None,
    )  # fmt: skip


@pytest.fixture
def olga(console: PagesConsole) -> FakeBrowser:
    return console.signed_in()


def body(console: PagesConsole, name: str) -> Any:
    """What a route was asked to do, once."""
    (ask,) = [ask for ask in console.asked if type(ask.body).__name__ == name]
    return ask.body


async def test_list_shows_keys_escaped_and_passes_on_the_search(
    console: PagesConsole, olga: FakeBrowser
) -> None:
    console.answers["listVirtualKeys"] = VirtualKeyPage([key(label=NASTY, policy=NASTY)], "next==", 60)
    text = (await olga.get("/virtual-keys?query=grid&state=parent+revoked&key_type=RSA&sort=label")).text
    query = console.asked[0].query
    assert (query.query, query.state, query.key_type, query.sort) == (
        "grid",
        "parent revoked",
        "RSA",
        "label",
    )
    assert (query.revoked, query.descending) == (True, False)
    assert "<script>alert" not in text
    assert "after=next%3D%3D" in text
    assert "1 of 60" in text


async def test_list_says_why_it_is_empty(console: PagesConsole, olga: FakeBrowser) -> None:
    console.answers["listVirtualKeys"] = VirtualKeyPage([], None, 0)
    assert "No virtual keys yet" in (await olga.get("/virtual-keys")).text
    assert "Nothing found" in (await olga.get("/virtual-keys?query=x")).text
    console.answers["listVirtualKeys"] = Problem(told.UNAVAILABLE, "no gateway is running")
    assert "no gateway is running" in (await olga.get("/virtual-keys")).text


async def test_key_is_issued_with_a_policy_of_its_limits_and_its_secret_shown_once(
    console: PagesConsole, olga: FakeBrowser
) -> None:
    made = await olga.post("/virtual-keys/new", ISSUING)
    assert (made.status_code, SECRET in made.text) == (200, True)
    draft = body(console, "VirtualKeyDraft")
    assert "symbols: [BTCUSDT, ETHUSDT]" in draft.policy
    assert "max_order: {USDT: 500}" in draft.policy
    assert (draft.ips, draft.expires, draft.own_orders_only) == (["10.0.0.1"], "30d", True)
    for path in ("/virtual-keys", f"/virtual-keys/{ID}", "/virtual-keys/new"):
        assert SECRET not in (await olga.get(path)).text


@pytest.mark.parametrize(
    ("change", "policy", "public_key"),
    [
        ({"choice": "read"}, "permissions: [read]\n", ""),
        ({"choice": "own", "policy": "version: 1\r\n# é\r\n"}, "version: 1\n# é\n", ""),
        # Hidden by another choice: not sent.
        ({"choice": "read", "policy": "version: 2", "public_key": "PEM"}, "permissions: [read]\n", ""),
        ({"choice": "read", "key_type": "ED25519", "public_key": "PEM"}, "permissions: [read]\n", "PEM"),
    ],
)
async def test_what_was_chosen_is_sent(
    console: PagesConsole, olga: FakeBrowser, change: dict[str, str], policy: str, public_key: str
) -> None:
    await olga.post("/virtual-keys/new", {**ISSUING, **change})
    draft = body(console, "VirtualKeyDraft")
    assert draft.policy.endswith(policy)
    assert draft.public_key == public_key


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"pairs": ""}, "f-pairs"),
        ({"max_order": "-1"}, "f-max_order"),
        ({"max_day": "1}"}, "f-max_day"),
        ({"asset": "a b"}, "f-asset"),
        ({"choice": "own", "policy": "\n"}, "f-policy"),
        ({"label": ""}, "f-label"),
    ],
)
async def test_form_that_does_not_fit_is_shown_again(
    console: PagesConsole, olga: FakeBrowser, change: dict[str, str], field: str
) -> None:
    shown = await olga.post("/virtual-keys/new", {**ISSUING, **change})
    assert shown.status_code == 422
    assert "aria-invalid" in shown.text.split(f'id="{field}"')[1].split(">")[0]
    assert [ask for ask in console.asked if ask.action == "virtual.write"] == []


async def test_refusal_of_the_gateway_is_said_beside_the_form(
    console: PagesConsole, olga: FakeBrowser
) -> None:
    console.answers["issueVirtualKey"] = Problem(told.REFUSED, "line 3: no such rule")
    shown = await olga.post("/virtual-keys/new", ISSUING)
    assert (shown.status_code, "line 3: no such rule" in shown.text, 'value="grid"' in shown.text) == (
        422,
        True,
        True,
    )


async def test_without_a_real_key_the_form_leads_to_the_vault(
    console: PagesConsole, olga: FakeBrowser
) -> None:
    console.answers["listCredentials"] = CredentialList([])
    assert "No real key to sign with" in (await olga.get("/virtual-keys/new")).text


async def test_one_key_shows_terms_policy_usage_people_and_what_it_did(
    console: PagesConsole, olga: FakeBrowser
) -> None:
    console.answers["searchAudit"] = AuditPage(
        [
            row(type="signature:intended", endpoint="POST /api/v3/order", ip="10.0.0.9", parameters={"side": "BUY", "symbol": NASTY}),
            row(type="request:refused", endpoint="POST /sapi/v1/capital/withdraw/apply", rule="forbidden", reason="no withdrawals"),
            row(type="home:changed", action="credential:virtual:issued", actor="olga"),
        ], None, 0, True,
    )  # fmt: skip
    text = (await olga.get(f"/virtual-keys/{ID}")).text
    asked = next(ask.query for ask in console.asked if type(ask.query).__name__ == "AuditQuery")
    assert (asked.key, asked.trail) == (ID, "gateway")
    for words in (
        "Orders today",
        "version: 1",
        "ann",
        "10.0.0.9",
        "no withdrawals",
        "by olga",
        "Refused",
        "Signed",
    ):
        assert words in text
    assert "<script>alert" not in text


async def test_edit_sends_the_whole_form_and_keeps_the_expiry(
    console: PagesConsole, olga: FakeBrowser
) -> None:
    assert "version: 1" in (await olga.get(f"/virtual-keys/{ID}/edit")).text
    form = {"label": "new", "policy": "version: 1\n", "ips": "", "expires": "keep"}
    done = await olga.post(f"/virtual-keys/{ID}/edit", form)
    change = body(console, "VirtualKeyChange")
    assert (done.status_code, change.label, change.ips, change.expires) == (303, "new", [], None)
    assert (change.policy, change.own_orders_only) == ("version: 1\n", False)


async def test_key_is_rolled_with_an_overlap(console: PagesConsole, olga: FakeBrowser) -> None:
    console.answers["showVirtualKey"] = key(versions=[version(key_type="ED25519")])
    assert 'value="ED25519" checked' in (await olga.get(f"/virtual-keys/{ID}/roll")).text
    form = {"overlap": "24h", "key_type": "ED25519", "public_key": "PEM"}
    assert SECRET in (await olga.post(f"/virtual-keys/{ID}/roll", form)).text
    roll = body(console, "Roll")
    assert (roll.overlap, roll.key_type, roll.public_key) == ("24h", "ED25519", "PEM")


async def test_revoking_says_what_it_does_then_asks_for_the_factor(
    console: PagesConsole, olga: FakeBrowser
) -> None:
    console.stale()
    assert "for good" in (await olga.get(f"/virtual-keys/{ID}/revoke")).text
    waits = await olga.post(f"/virtual-keys/{ID}/revoke")
    assert (waits.status_code, "Confirm with your second factor" in waits.text) == (403, True)
    assert [ask for ask in console.asked if ask.action == "virtual.use"] == []
    code = console.code_of("olga")
    wrong = {
        "w_target": f"/virtual-keys/{ID}/revoke",
        "w_kind": "totp",
        "w_code": f"{(int(code) + 1) % 1_000_000:06d}",
    }
    assert (await olga.post("/step-up", wrong)).status_code == 403
    assert [ask for ask in console.asked if ask.action == "virtual.use"] == []
    assert (await olga.post("/step-up", {**wrong, "w_code": code})).status_code == 303
    assert len([ask for ask in console.asked if ask.action == "virtual.use"]) == 1
    console.stale()
    assert "Confirm with your second factor" in (await olga.post("/virtual-keys/new", ISSUING)).text


@pytest.mark.parametrize(
    ("form", "action", "who"),
    [({"person": "p-2"}, "assign", "p-2"), ({"back_from": "p-1"}, "unassign", "p-1")],
)
async def test_key_is_given_and_taken_back(
    console: PagesConsole, olga: FakeBrowser, form: dict[str, str], action: str, who: str
) -> None:
    shown = (await olga.get(f"/virtual-keys/{ID}/assign")).text
    assert '<option value="p-2"' in shown
    assert '<option value="p-1"' not in shown
    assert (await olga.post(f"/virtual-keys/{ID}/assign", form)).status_code == 303
    (ask,) = [ask for ask in console.asked if ask.action == "person.write"]
    assert dict(ask.path) == {"person": who, "kind": "virtual", "subject": ID}


async def test_person_among_many_is_found_by_searching_without_script(
    console: PagesConsole, olga: FakeBrowser
) -> None:
    console.answers["listPeople"] = PeoplePage([person("p-2", "ben")], "p-2")
    shown = (await olga.get(f"/virtual-keys/{ID}/assign?query=ben")).text
    (ask,) = [ask for ask in console.asked if type(ask.query).__name__ == "PeopleQuery"]
    assert (ask.query.query, ask.query.limit) == ("ben", CHOICES)
    assert f'<form class="filters" method="get" action="/virtual-keys/{ID}/assign"' in shown
    assert 'name="query" value="ben"' in shown
    assert "search to find others" in shown
    console.answers["listPeople"] = PeoplePage([], None)
    assert "Nobody who does not have it fits" in (await olga.get(f"/virtual-keys/{ID}/assign?query=x")).text


async def test_trader_may_look_and_revoke_and_nothing_else(console: PagesConsole) -> None:
    tom = console.signed_in("tom", "trader")
    text = (await tom.get("/virtual-keys")).text
    assert "Revoke" in text
    assert "Issue a key" not in text
    assert "What it did lately" not in (await tom.get(f"/virtual-keys/{ID}")).text
    for path in ("new", f"{ID}/edit", f"{ID}/roll", f"{ID}/assign"):
        assert (await tom.get(f"/virtual-keys/{path}")).status_code == 403
        assert (await tom.post(f"/virtual-keys/{path}", ISSUING)).status_code == 403


async def test_address_of_the_gateway_is_told_where_it_runs(console: PagesConsole, olga: FakeBrowser) -> None:
    assert "in place of" not in (await olga.get(f"/virtual-keys/{ID}")).text
    run = {"gateway": {"rest": "http://127.0.0.1:7", "streams": "ws://127.0.0.1:7", "ws_api": "ws://127.0.0.1:7/ws-api/v3",
                       "proxy": "http://127.0.0.1:8"}, "upstream": "local", "pid": 1}  # fmt: skip
    folder = console.settings.home / "gateway"
    folder.mkdir()
    (folder / "run.json").write_text(json.dumps(run))
    made = await olga.post("/virtual-keys/new", ISSUING)
    for text in (made.text, (await olga.get(f"/virtual-keys/{ID}")).text):
        assert "http://127.0.0.1:7<" in text
        assert "ws://127.0.0.1:7/ws-api/v3" in text
    console.answers["showVirtualKey"] = key(revoked="2026-11-02T10:00:00Z")
    assert "in place of" not in (await olga.get(f"/virtual-keys/{ID}")).text
    for broken in ("", "[]", '{"gateway": 7}', '{"gateway": {"rest": "x"}, "upstream": "local"}'):
        (folder / "run.json").write_text(broken)
        shown = await olga.get(f"/virtual-keys/{ID}")
        assert (shown.status_code, "in place of" in shown.text) == (200, False)
