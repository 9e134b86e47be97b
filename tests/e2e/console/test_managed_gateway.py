"""Vault, virtual keys, policies, approvals and audit of a real gateway, managed over the API of a real console."""

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import urlencode

import pytest
from tests.support.canary import Canary, in_files, in_process_list, seen_in
from tests.support.console_process import Member
from tests.support.gateway_process import TRADER_POLICY, VirtualKey
from tests.support.managed_home import ManagedHome, managed_home

WAIT_S = 20.0
GIVEN = "markets: {BTCUSDT: {base: BTC, quote: USDT, median: 30000}}"
POLICY = """\
version: 1
name: asks-{mode}
permissions: [read, trade]
symbols: any
sides: any
order_types: any
require_approval:
  - {{name: large orders, notional_above: {{USDT: 200}}, mode: {mode}, approvers: [olga, tom], not_by_key_owner: true, time_limit: 10m}}
"""


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ManagedHome]:
    folder = tmp_path_factory.mktemp("gateway")
    with managed_home(folder) as made:
        made.folder = folder  # type: ignore[attr-defined]
        made.number = made.account("desk", USDT="1000000", BTC="10")  # type: ignore[attr-defined]
        made.credential = made.real_key(made.number)  # type: ignore[attr-defined]
        made.trader, made.auditor = made.person("tom", "trader"), made.person("uma", "auditor")  # type: ignore[attr-defined]
        yield made


@pytest.fixture
def credential(desk: ManagedHome) -> str:
    return desk.credential  # type: ignore[attr-defined,no-any-return]


@pytest.fixture
def trader(desk: ManagedHome) -> Member:
    return desk.trader  # type: ignore[attr-defined,no-any-return]


@pytest.fixture
def auditor(desk: ManagedHome) -> Member:
    return desk.auditor  # type: ignore[attr-defined,no-any-return]


def given(desk: ManagedHome, person: Member, kind: str, subject: str) -> None:
    """Assign something."""
    desk.done("PUT", f"/people/{desk.id_of(person)}/assignments/{kind}/{subject}")


def rows(desk: ManagedHome, by: Member | None = None, **wanted: str) -> list[dict[str, Any]]:
    """What the trails have, newest first."""
    return (by or desk.owner).audit_rows(**wanted)


def change(desk: ManagedHome, trail: str, action: str, **wanted: str) -> dict[str, Any]:
    """The newest row of one kind of change."""
    found = rows(desk, trail=trail, kind="home:changed", text=action, **wanted)
    row: dict[str, Any] = next(one["event"] for one in found if one["event"]["action"] == action)
    return row


def test_virtual_key_is_issued_used_changed_rolled_and_revoked(desk: ManagedHome, credential: str) -> None:
    key = desk.virtual_key(credential, "life")
    path, bot = f"/virtual-keys/{key.id}", desk.bot(key)
    placed = bot.place(quantity="0.001")
    assert placed.status == 200, placed
    assert bot.ask("DELETE", "/api/v3/openOrders", symbol="BTCUSDT").status == 200
    shown = desk.owner.call("GET", path)
    assert (shown.json["last_ip"], shown.json["policy_text"]) == ("127.0.0.1", TRADER_POLICY)
    assert key.secret not in shown.body.decode()
    changed = desk.done("PATCH", path, {"label": "longer", "ips": ["127.0.0.0/8"], "expires": "30d"})
    assert (changed["label"], changed["ips"]) == ("longer", ["127.0.0.0/8"])
    rolled = desk.done("POST", f"{path}/roll", {"overlap": "1h"})
    assert rolled["api_key"] != key.api_key
    assert rolled["secret_key"] not in {"", key.secret}
    assert bot.ask("GET", "/api/v3/account").status == 200, "the old version still works for an hour"
    child = desk.done("POST", "/virtual-keys", {"label": "narrow", "key_type": "HMAC", "parent": key.id})
    gone = desk.done("POST", f"{path}/revoke")["items"]
    assert [one["id"] for one in gone] == [key.id, child["key"]["id"]]
    assert bot.ask("GET", "/api/v3/account").code == -2015
    assert desk.owner.call("POST", f"{path}/revoke").code == "refused"
    for action in ("issued", "edited", "rolled", "revoked"):
        row = change(desk, "gateway", f"credential:virtual:{action}", key=key.id)
        said = (row["actor"], row["values"]["from"], row["values"]["factor"])
        assert said == ("olga", "127.0.0.1", "totp"), action
    whole = desk.owner.call("GET", "/audit?limit=200").body.decode()
    assert key.secret not in whole
    assert rolled["secret_key"] not in whole


def test_added_credential_signs_and_its_secret_is_nowhere(desk: ManagedHome, auditor: Member) -> None:
    number = desk.account("canary")
    draft = {"account": number, "key_type": "HMAC", "template": "spot-trading"}
    made = desk.done("POST", "/keys", draft)
    canary = Canary("the secret of a credential", made["secret_key"].encode())
    entry = {"label": "canary", "upstream": "local", "api_key": made["key"]["api_key"]}
    answers = [desk.owner.call("POST", "/credentials", {**entry, "secret": made["secret_key"]})]
    assert answers[0].status == 201, answers[0].body
    added = answers[0].json
    assert (added["state"], added["key_type"]) == ("in vault", "HMAC")
    path = f"/credentials/{added['id']}"
    # Each of these is refused, and quotes nothing of what was sent.
    answers += [
        desk.owner.call("POST", "/credentials", {**entry, "secret": made["secret_key"]}),
        desk.owner.call("POST", "/credentials", {**entry, "upstream": "live", "secret": made["secret_key"]}),
        desk.owner.call("POST", "/credentials", {**entry, "secret": made["secret_key"], "role": "owner"}),
        desk.owner.call("POST", "/credentials", {**entry, "secret": [made["secret_key"]]}),
        desk.owner.call("POST", "/credentials", {**entry, "label": "", "secret": made["secret_key"]}),
    ]
    assert [one.status for one in answers[1:]] == [422] * 5, [one.body for one in answers[1:]]
    check = desk.owner.call("GET", f"{path}/check")
    assert check.status == 200, check.body
    answers += [check] + [auditor.call("GET", place) for place in (path, "/credentials", "/audit?limit=200")]
    key = desk.virtual_key(added["id"], "of canary")
    assert desk.bot(key).ask("GET", "/api/v3/account").status == 200
    assert [one for answer in answers for one in seen_in([canary], answer.body, "an answer")] == []
    home = desk.home
    # The testnet is the exchange that made it; all else that was written must not have it.
    written = [home.parent, *(home / name for name in ("vault", "gateway", "console", "audit"))]
    assert in_files([canary], *written, ignoring=[home / "testnet"]) == []
    assert in_process_list([canary]) == []
    desk.done("POST", f"/virtual-keys/{key.id}/revoke")
    assert desk.owner.call("DELETE", path).status == 204
    assert desk.owner.call("GET", path).status == 404
    assert change(desk, "console", "credential:added")["actor"] == "olga"


def test_sealed_vault_signs_nothing_and_people_still_sign_in(
    desk: ManagedHome, credential: str, trader: Member
) -> None:
    key = desk.virtual_key(credential, "sealed")
    bot = desk.bot(key)
    assert bot.ask("GET", "/api/v3/account").status == 200
    assert desk.done("POST", "/vault/seal")["sealed"] is True
    assert bot.ask("GET", "/api/v3/account").status != 200
    assert desk.done("GET", "/vault")["sealed"] is True
    draft = {"label": "too late", "key_type": "HMAC", "credential": credential, "policy": TRADER_POLICY}
    assert desk.owner.call("POST", "/virtual-keys", draft).code == "conflict"
    assert desk.console.call("POST", "/sign-in", "", {"login": "tom", "password": "no"}).status == 401
    assert trader.call("GET", "/self").status == 200
    assert trader.call("POST", "/vault/unseal", {}).code == "forbidden"
    assert desk.done("POST", "/vault/unseal", {})["sealed"] is False
    assert bot.ask("GET", "/api/v3/account").status == 200
    assert change(desk, "gateway", "vault:unsealed")["actor"] == "olga"


def test_policies_are_checked_compared_and_explained(
    desk: ManagedHome, credential: str, trader: Member, auditor: Member
) -> None:
    key = desk.virtual_key(credential, "policied")
    named = {one["name"]: one["keys"] for one in desk.done("GET", "/policies", by=auditor)["items"]}
    assert key.id in named["trader"]
    good = desk.done("POST", "/policies/lint", {"text": TRADER_POLICY}, trader)
    assert good["ok"] is True
    bad = desk.done("POST", "/policies/lint", {"text": "version: 1\nname: x\nnosuch: 1\n"}, trader)
    assert (bad["ok"], bool(bad["errors"])) == (False, True)
    wide = POLICY.format(mode="refuse")
    assert (
        desk.done("POST", "/policies/compare", {"old": wide, "new": TRADER_POLICY}, auditor)["narrower"]
        is False
    )
    order = {"symbol": "BTCUSDT", "side": "BUY", "type": "LIMIT", "timeInForce": "GTC", "price": "30000"}
    for quantity, decision in (("0.001", "allow"), ("0.1", "approval")):
        parameters = {**order, "quantity": quantity}
        asked = {"policy": wide, "request": "order.place", "parameters": parameters, "given": GIVEN}
        assert desk.done("POST", "/policies/explain", asked, trader)["decision"] == decision
    refused = trader.call("POST", "/policies/explain", {"policy": "nonsense: [", "request": "order.place"})
    assert (refused.status, refused.code) == (422, "refused")


def test_approved_order_passes_once_and_only_as_it_was_shown(
    desk: ManagedHome, credential: str, trader: Member, auditor: Member
) -> None:
    parent = desk.virtual_key(credential, "asks", POLICY.format(mode="refuse"))
    given(desk, trader, "virtual", parent.id)
    # What descends from a key is its owner's as well.
    child = desk.done("POST", "/virtual-keys", {"label": "asks too", "key_type": "HMAC", "parent": parent.id})
    key = VirtualKey("HMAC", child["key"]["id"], child["api_key"], child["secret_key"])
    bot = desk.bot(key)
    assert bot.place().code == -2010
    (waiting,) = waiting_of(desk, key.id)
    path, digest = f"/approvals/{waiting['id']}", waiting["digest"]
    assert desk.done("GET", path, by=trader)["parameters"]["price"] == "30000"
    yes = {"decision": "confirm", "digest": digest}
    assert auditor.call("POST", f"{path}/decision", yes).code == "forbidden"
    owns = trader.call("POST", f"{path}/decision", yes)
    assert (owns.status, owns.code) == (422, "refused"), "whoever has the key cannot approve it alone"
    assert desk.owner.call("POST", f"{path}/decision", {**yes, "digest": "0" * 64}).code == "conflict"
    assert bot.place().code == -2010
    assert desk.done("POST", f"{path}/decision", yes)["state"] == "confirmed"
    assert bot.place(quantity="0.011").code == -2010
    assert bot.place().status == 200
    assert bot.place().code == -2010, "once"
    assert desk.owner.call("POST", f"{path}/decision", yes).code == "refused"
    assert bot.ask("DELETE", "/api/v3/openOrders", symbol="BTCUSDT").status == 200
    confirmed = change(desk, "gateway", "approval:confirmed", key=waiting["id"])
    assert (confirmed["actor"], confirmed["values"]["factor"]) == ("olga", "totp")
    assert change(desk, "console", "approval:decided")["values"]["digest"] == digest


def test_held_order_goes_on_when_it_is_confirmed_and_not_when_it_is_refused(
    desk: ManagedHome, credential: str, trader: Member
) -> None:
    key = desk.virtual_key(credential, "held", POLICY.format(mode="hold"))
    bot = desk.bot(key)
    for by, decision, status in ((trader, "confirm", 200), (desk.owner, "refuse", 400)):
        with ThreadPoolExecutor(1) as pool:
            held = pool.submit(bot.place, recvWindow=60_000)
            deadline = time.monotonic() + WAIT_S
            while not (found := waiting_of(desk, key.id)):
                assert time.monotonic() < deadline
                time.sleep(0.05)
            body = {"decision": decision, "digest": found[0]["digest"]}
            desk.done("POST", f"/approvals/{found[0]['id']}/decision", body, by)
            assert held.result(WAIT_S).status == status
    assert bot.ask("DELETE", "/api/v3/openOrders", symbol="BTCUSDT").status == 200


def test_trader_reaches_what_is_assigned_and_all_else_is_not_there(
    desk: ManagedHome, credential: str, trader: Member
) -> None:
    own, other = desk.virtual_key(credential, "his"), desk.virtual_key(credential, "hers")
    asks = desk.virtual_key(
        credential, "others only", POLICY.format(mode="refuse").replace("olga, tom", "olga")
    )
    given(desk, trader, "virtual", own.id)
    assert desk.bot(asks).place().code == -2010
    (approval,) = waiting_of(desk, asks.id)
    seen = {one["id"] for one in desk.done("GET", "/virtual-keys?revoked=true&limit=200", by=trader)["items"]}
    assert own.id in seen
    assert other.id not in seen
    assert approval["id"] not in {
        one["id"] for one in desk.done("GET", "/approvals?state=all", by=trader)["items"]
    }
    assert desk.done("GET", "/credentials", by=trader)["items"] == []
    decision = {"decision": "confirm", "digest": approval["digest"]}
    for method, path, body in (
        ("GET", f"/virtual-keys/{other.id}", None),
        ("GET", "/virtual-keys/hers", None),
        ("GET", f"/virtual-keys/{other.api_key}", None),
        ("GET", "/virtual-keys/his", None),
        ("POST", f"/virtual-keys/{other.id}/revoke", None),
        ("GET", f"/approvals/{approval['id']}", None),
        ("POST", f"/approvals/{approval['id']}/decision", decision),
        ("GET", f"/credentials/{credential}", None),
        ("GET", f"/credentials/{credential}/check", None),
    ):
        refused = trader.call(method, path, body)
        assert (refused.status, refused.code) == (404, "not-found"), (method, path, refused.body)
    for method, path, body in (
        ("GET", "/audit", None),
        ("GET", "/vault", None),
        ("GET", "/gateway", None),
        ("POST", f"/virtual-keys/{own.id}/roll", {"overlap": "1h"}),
        ("DELETE", f"/credentials/{credential}", None),
    ):
        assert trader.call(method, path, body).code == "forbidden", path
    given(desk, trader, "credential", credential)
    assert trader.call("GET", f"/credentials/{credential}").status == 200
    assert desk.done("POST", f"/virtual-keys/{own.id}/revoke", by=trader)["items"][0]["id"] == own.id
    assert change(desk, "gateway", "credential:virtual:revoked", key=own.id)["actor"] == "tom"
    assert desk.bot(other).ask("GET", "/api/v3/account").status == 200


def test_audit_is_searched_over_both_trails_in_pages(desk: ManagedHome, auditor: Member) -> None:
    found = rows(desk, auditor, actor="olga")
    assert {one["trail"] for one in found} == {"gateway", "console"}
    times = [one["time_us"] for one in found]
    assert times == sorted(times, reverse=True)
    paged: list[dict[str, Any]] = []
    after = ""
    while True:
        page = desk.done(
            "GET", f"/audit?{urlencode({'actor': 'olga', 'limit': 7, 'after': after})}", by=auditor
        )
        assert page["indexed"] is True
        paged += page["items"]
        after = page["next"] or ""
        if not after:
            break
    assert [(one["trail"], one["row"]) for one in found] == [(one["trail"], one["row"]) for one in paged][
        :200
    ]
    assert auditor.call("GET", "/audit?after=nonsense").code == "refused"
    orders = rows(desk, auditor, symbol="BTCUSDT", trail="gateway")
    assert {one["event"]["type"] for one in orders} <= {"signature:intended", "request:refused"}


def test_neighbour_that_is_down_is_said_to_be(desk: ManagedHome) -> None:
    # Last: nothing after it needs the testnet.
    desk.testnet.kill()
    desk._started.remove(desk.testnet)
    down = desk.owner.call("GET", "/accounts")
    assert (down.status, down.code) == (503, "unavailable")
    assert "watchword testnet serve" in down.json["detail"]
    assert desk.owner.call("GET", "/virtual-keys").status == 200


def waiting_of(desk: ManagedHome, key: str) -> list[dict[str, Any]]:
    """What waits of one key."""
    return [one for one in desk.done("GET", "/approvals")["items"] if one["key"] == key]
