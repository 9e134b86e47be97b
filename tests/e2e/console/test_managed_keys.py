"""API keys and accounts of a real testnet, managed over the API of a real console: by an owner, a trader and an auditor."""

import secrets
import time
from collections.abc import Iterator
from typing import Any

import pytest
from tests.support.bot import Bot
from tests.support.console_process import Answered, Member
from tests.support.key_pairs import new_key_pair
from tests.support.managed_home import ManagedHome, managed_home
from tests.support.testnet_process import TestnetKey

IP = "198.51.100.7"
ROW_WAIT_S = 10.0


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ManagedHome]:
    with managed_home(tmp_path_factory.mktemp("keys")) as made:
        made.accounts = (made.account("desk"), made.account("treasury"))  # type: ignore[attr-defined]
        made.trader, made.auditor = made.person("tom", "trader"), made.person("uma", "auditor")  # type: ignore[attr-defined]
        owned = {"person": made.id_of(made.trader)}  # type: ignore[attr-defined]
        made.done("PUT", f"/accounts/{made.accounts[0]}/owner", owned)  # type: ignore[attr-defined]
        yield made


@pytest.fixture
def trader(desk: ManagedHome) -> Member:
    return desk.trader  # type: ignore[attr-defined,no-any-return]


@pytest.fixture
def auditor(desk: ManagedHome) -> Member:
    return desk.auditor  # type: ignore[attr-defined,no-any-return]


@pytest.fixture
def accounts(desk: ManagedHome) -> tuple[int, int]:
    """The trader's, and another."""
    return desk.accounts  # type: ignore[attr-defined,no-any-return]


def made_key(desk: ManagedHome, account: int, by: Member | None = None, **more: Any) -> dict[str, Any]:
    found: dict[str, Any] = desk.done(
        "POST", "/keys", {"account": account, "key_type": "HMAC", "label": "grid", **more}, by
    )
    return found


def rows(desk: ManagedHome, **wanted: str) -> list[dict[str, Any]]:
    """What the console's trail has, newest first."""
    return [row["event"] for row in desk.owner.audit_rows(trail="console", **wanted)]


def changed(desk: ManagedHome, action: str, **wanted: str) -> list[dict[str, Any]]:
    """Rows of one kind of change, newest first."""
    found = rows(desk, kind="home:changed", text=action, **wanted)
    return [row for row in found if row["action"] == action]


def test_key_made_over_the_api_signs_and_its_secret_is_shown_once(
    desk: ManagedHome, accounts: tuple[int, int]
) -> None:
    made = made_key(desk, accounts[1], template="spot-trading", ips=["127.0.0.1"])
    name = made["key"]["api_key"]
    bot = Bot(desk.testnet.rest, TestnetKey("HMAC", name, made["secret_key"]))
    assert bot.ask("GET", "/api/v3/account").status == 200
    shown = desk.owner.call("GET", f"/keys/{name}")
    assert (shown.status, shown.json["last_used_from"]) == (200, "127.0.0.1")
    assert made["secret_key"] not in shown.body.decode()
    listed = desk.done("GET", f"/keys?account={accounts[1]}&query=grid")
    assert [one["api_key"] for one in listed["items"]] == [name]
    assert made["secret_key"] not in desk.owner.call("GET", "/audit?limit=200").body.decode()
    assert desk.owner.call("DELETE", f"/keys/{name}").status == 204
    assert bot.ask("GET", "/api/v3/account").code == -2015
    assert desk.owner.call("GET", f"/keys/{name}").status == 404


def test_private_key_pasted_by_mistake_is_refused_and_kept_nowhere(
    desk: ManagedHome, accounts: tuple[int, int]
) -> None:
    private, public = new_key_pair("ED25519")
    draft = {"account": accounts[1], "key_type": "ED25519", "public_key": private}
    refused = desk.owner.call("POST", "/keys", draft)
    assert (refused.status, refused.code) == (422, "refused")
    body = private.splitlines()[1]
    assert body not in refused.body.decode()
    assert body not in desk.owner.call("GET", "/audit?limit=200").body.decode()
    assert body not in desk.console.log() + desk.testnet.log()
    made = desk.done("POST", "/keys", {**draft, "public_key": public})
    assert made["secret_key"] is None


def test_narrowing_needs_no_factor_and_widening_does(
    desk: ManagedHome, accounts: tuple[int, int], trader: Member
) -> None:
    made = made_key(desk, accounts[0], trader, permissions=["SPOT_AND_MARGIN_TRADING"], ips=[IP])
    path = f"/keys/{made['key']['api_key']}"
    token = desk.done(
        "POST",
        "/self/tokens",
        {"label": "ci", "scopes": ["key.read", "key.write"], "expires_us": soon_us()},
        trader,
    )["token"]
    program = Member(desk.console, "tom's program")
    program.token = token
    narrowed = program.call("PATCH", path, {"permissions": ["READING"], "expires": "30d", "label": "slow"})
    assert (narrowed.status, narrowed.json["permissions"], narrowed.json["label"]) == (
        200,
        ["READING"],
        "slow",
    )
    for wider in (
        {"permissions": ["READING", "SPOT_AND_MARGIN_TRADING"]},
        {"ips": []},
        {"ips": [IP, "10.0.0.0/8"]},
        {"expires": "31d"},
        {"expires": ""},
    ):
        refused = program.call("PATCH", path, wider)
        assert (refused.status, refused.code) == (403, "token-not-accepted"), wider
        assert desk.done("GET", path, by=trader) == {**narrowed.json, **used(desk.done("GET", path))}
    assert program.call("PATCH", path, {"expires": "29d"}).status == 200
    widened = trader.call("PATCH", path, {"ips": [IP, "10.0.0.0/8"], "expires": "60d"})
    assert (widened.status, widened.json["ips"]) == (200, ["10.0.0.0/8", IP])
    edited = changed(desk, "key:edited", key=made["key"]["api_key"][:12])
    assert edited[0]["values"]["ips"] == f"{IP}, 10.0.0.0/8"


def test_delete_all_is_the_panic_button_of_one_account(
    desk: ManagedHome, accounts: tuple[int, int], trader: Member
) -> None:
    names = {made_key(desk, accounts[0], trader)["key"]["api_key"] for _ in range(2)}
    other = made_key(desk, accounts[1])["key"]["api_key"]
    gone = desk.done("DELETE", f"/accounts/{accounts[0]}/keys", by=trader)
    assert names <= set(gone["deleted"])
    assert desk.done("GET", "/keys", by=trader)["items"] == []
    assert desk.done("GET", f"/keys/{other}")["api_key"] == other
    assert changed(desk, "key:all-deleted")[0]["actor"] == "tom"


def test_trader_reaches_own_accounts_and_others_are_not_there(
    desk: ManagedHome, accounts: tuple[int, int], trader: Member
) -> None:
    own, other = accounts
    theirs = made_key(desk, other)["key"]["api_key"]
    assert [one["account_id"] for one in desk.done("GET", "/accounts", by=trader)["items"]] == [own]
    assert {one["account_id"] for one in desk.done("GET", "/keys", by=trader)["items"]} <= {own}
    assert desk.done("GET", f"/keys?account={other}", by=trader)["items"] == []
    unknown = trader.call("GET", f"/keys/{'x' * 64}")
    for method, path, body in (
        ("GET", f"/keys/{theirs}", None),
        ("PATCH", f"/keys/{theirs}", {"label": "mine"}),
        ("DELETE", f"/keys/{theirs}", None),
        ("POST", "/keys", {"account": other, "key_type": "HMAC"}),
        ("DELETE", f"/accounts/{other}/keys", None),
        ("DELETE", "/accounts/treasury/keys", None),
        ("GET", f"/accounts/{other}/addresses", None),
    ):
        refused = trader.call(method, path, body)
        assert (refused.status, refused.code) == (404, "not-found"), (method, path, refused.body)
        if path.startswith("/keys/"):
            assert without_id(refused) == without_id(unknown)
    for method, path, body in (
        ("POST", "/accounts", {"name": "mine"}),
        ("POST", f"/accounts/{own}/deposits", {"deposits": {"USDT": "1"}}),
        ("PUT", f"/accounts/{own}/addresses", {"asset": "USDT", "address": "x"}),
        ("POST", "/testnet/clock", {"by": "1d"}),
    ):
        assert trader.call(method, path, body).code == "forbidden", (method, path)
    assert desk.done("GET", f"/keys/{theirs}")["label"] == "grid"


def test_auditor_reads_everything_and_changes_nothing(
    desk: ManagedHome, accounts: tuple[int, int], auditor: Member
) -> None:
    name = made_key(desk, accounts[1])["key"]["api_key"]
    for path in (
        "/accounts", "/keys", f"/keys/{name}", f"/accounts/{accounts[0]}/addresses", "/key-rules", "/key-templates",
        "/key-events", "/testnet/clock", "/gateway", "/vault", "/credentials", "/virtual-keys", "/policies",
        "/approvals", "/audit", "/people", "/assignments",
    ):  # fmt: skip
        assert auditor.call("GET", path).status == 200, path
    before = desk.done("GET", "/keys?limit=200")["items"]
    changes = (
        ("POST", "/keys", {"account": accounts[1], "key_type": "HMAC"}),
        ("PATCH", f"/keys/{name}", {"label": "seen"}),
        ("DELETE", f"/keys/{name}", None),
        ("DELETE", f"/accounts/{accounts[1]}/keys", None),
        ("POST", "/accounts", {"name": "audit"}),
        ("POST", "/vault/seal", None),
    )
    for method, path, body in changes:
        assert auditor.call(method, path, body).code == "forbidden", (method, path)
    assert desk.done("GET", "/keys?limit=200")["items"] == before
    deadline = time.monotonic() + ROW_WAIT_S
    # Refusals are written behind the answer.
    while len(refusals := rows(desk, kind="request:refused", text="uma")) < len(changes):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    assert {row["rule"] for row in refusals} == {"forbidden"}
    assert {row["values"]["person"] for row in refusals} == {"uma"}


def test_accounts_sub_accounts_money_and_addresses(desk: ManagedHome) -> None:
    name = f"a{secrets.token_hex(3)}"
    account = desk.account(name, USDT="10")
    assert desk.done("POST", f"/accounts/{account}/deposits", {"deposits": {"USDT": "5"}})["balances"] == {
        "USDT": {"free": "15", "locked": "0"}
    }
    sub = desk.done("POST", "/accounts", {"name": "subdesk", "master": account})
    assert (sub["sub_account_of"], sub["balances"]) == (name, {})
    path, entry = f"/accounts/{account}/addresses", {"asset": "USDT", "address": "0xabc", "name": "cold"}
    assert [one["address"] for one in desk.done("PUT", path, entry)["addresses"]] == ["0xabc"]
    assert desk.done("POST", f"{path}/forget", {"asset": "USDT", "address": "0xabc"})["addresses"] == []
    for refused in (
        desk.owner.call("POST", "/accounts", {"name": name}),
        desk.owner.call("POST", f"/accounts/{account}/deposits", {"deposits": {"NOSUCH": "5"}}),
        desk.owner.call("POST", f"{path}/forget", {"asset": "USDT", "address": "0xabc"}),
    ):
        assert (refused.status, refused.code) == (422, "refused"), refused.body


def test_moved_clock_is_the_one_that_spans_and_rules_count_from(
    desk: ManagedHome, accounts: tuple[int, int], trader: Member
) -> None:
    reading = made_key(desk, accounts[0], trader)["key"]["api_key"]
    trading = made_key(desk, accounts[0], trader, permissions=["SPOT_AND_MARGIN_TRADING"])["key"]["api_key"]
    moved = desk.done("POST", "/testnet/clock", {"by": "31d"})
    assert moved["moved_by"] == "31d"
    assert trader.call("GET", f"/keys/{reading}").status == 404
    assert desk.done("GET", f"/keys/{trading}", by=trader)["permissions"] == ["READING"]
    events = desk.done("GET", "/key-events", by=trader)["items"]
    assert {reading, trading} <= {event["api_key"] for event in events}
    assert {event["account_id"] for event in events} == {accounts[0]}
    rules = desk.done("GET", "/key-rules?as_of=2026-01-01", by=trader)["items"]
    assert all(rule["source"] for rule in rules)
    assert desk.done("GET", "/key-templates", by=trader)["items"]


def test_rows_name_who_from_where_and_with_which_factor(desk: ManagedHome, accounts: tuple[int, int]) -> None:
    made = made_key(desk, accounts[1])
    row = next(one for one in changed(desk, "key:made") if one["subject"] == str(accounts[1]))
    assert (row["actor"], row["values"]["from"], row["values"]["factor"]) == ("olga", "127.0.0.1", "totp")
    assert made["secret_key"] not in str(row)


def used(key: dict[str, Any]) -> dict[str, Any]:
    """What may change by itself between two looks."""
    return {name: key[name] for name in ("ending", "ends", "days_left")}


def soon_us() -> int:
    """An hour from now."""
    return time.time_ns() // 1_000 + 3_600_000_000


def without_id(answer: Answered) -> dict[str, Any]:
    """A problem without the request's own id."""
    return {name: value for name, value in answer.json.items() if name != "request"}
