"""Special keys of margin trading: made, listed, bound to addresses, deleted, and their mode."""

import asyncio
from collections.abc import Iterator
from typing import Any

import msgspec
import pytest
from tests.support.key_pairs import new_key_pair
from tests.support.operations import OperationsFloor, Trader

from watchword.binance.errors import WireError
from watchword.credentials.key_record import IssuedKey, KeyTerms
from watchword.credentials.restriction import Restrictions
from watchword.entrypoints.testnet.operations import OPERATIONS, Call

CREATE = "POST /sapi/v1/margin/apiKey"
SHOW = "GET /sapi/v1/margin/apiKey"
LIST = "GET /sapi/v1/margin/api-key-list"
EDIT_IP = "PUT /sapi/v1/margin/apiKey/ip"
DELETE = "DELETE /sapi/v1/margin/apiKey"
EXIT = "POST /sapi/v1/margin/exit-special-key-mode"
NO_SUCH_KEY = (-2008, "Invalid Api-Key ID.")
HOUR_S = 3_600


@pytest.fixture
def floor() -> Iterator[OperationsFloor]:
    with OperationsFloor() as floor:
        yield floor


@pytest.fixture
def alice(floor: OperationsFloor) -> Trader:
    return floor.trader("alice")


def listed(trader: Trader, **params: object) -> list[str]:
    return sorted(row["apiName"] for row in trader.do(LIST, **params))


def as_key(trader: Trader, api_key: str) -> Trader:
    """The same account, asking with one of its keys."""
    other = Trader(trader.floor, trader.account_id)
    found = trader.floor.testnet.directory.find(api_key)
    assert found is not None
    other.credential = found
    return other


def ordinary_key(trader: Trader) -> str:
    issued = trader.floor.testnet.directory.issue(
        trader.account_id, "HMAC", b"", KeyTerms("plain"), trader.floor.clock.at_us
    )
    assert isinstance(issued, IssuedKey)
    return issued.record.api_key


def test_key_is_made_with_its_secret_and_never_shows_it_again(floor: OperationsFloor, alice: Trader) -> None:
    made = alice.do(CREATE, apiName="fast", ip="192.0.2.1,192.0.2.2")
    assert (len(made["apiKey"]), len(made["secretKey"]), made["type"]) == (64, 64, "HMAC_SHA256")
    shown = alice.do(SHOW, apiKey=made["apiKey"])
    assert shown == {
        "apiKey": made["apiKey"], "ip": "192.0.2.1,192.0.2.2", "apiName": "fast", "type": "HMAC_SHA256",
        "permissionMode": "TRADE",
    }  # fmt: skip
    assert alice.do(LIST) == [shown]
    record = floor.testnet.directory.record(made["apiKey"])
    assert record is not None
    assert (record.special, record.terms.permissions) == (
        "CROSS", frozenset(("READING", "SPOT_AND_MARGIN_TRADING")),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("key_type", "mode", "shown", "permissions"),
    [
        ("RSA", "TRADE", "TRADE", {"READING", "SPOT_AND_MARGIN_TRADING"}),
        ("RSA", "READ", "TRADE", {"READING", "SPOT_AND_MARGIN_TRADING"}),
        ("ED25519", "TRADE", "TRADE", {"READING", "SPOT_AND_MARGIN_TRADING", "FIX_API_TRADE"}),
        ("ED25519", "READ", "READ", {"READING", "FIX_API_READ_ONLY"}),
    ],
)
def test_self_made_key_has_no_secret_here_and_the_mode_counts_for_ed25519(
    floor: OperationsFloor, alice: Trader, key_type: Any, mode: str, shown: str, permissions: set[str]
) -> None:
    _, public = new_key_pair(key_type)
    made = alice.do(CREATE, apiName="own", publicKey=public, permissionMode=mode)
    assert made["secretKey"] is None
    assert made["type"] == {"RSA": "RSA", "ED25519": "Ed25519"}[key_type]
    assert alice.do(SHOW, apiKey=made["apiKey"])["permissionMode"] == shown
    record = floor.testnet.directory.record(made["apiKey"])
    assert record is not None
    assert record.terms.permissions == permissions


def test_private_key_is_refused_unrepeated_and_unkept(floor: OperationsFloor, alice: Trader) -> None:
    private, _ = new_key_pair("ED25519")
    answer = alice.raw(CREATE, apiName="oops", publicKey=private)
    assert isinstance(answer, WireError)
    assert (answer.code, answer.text) == (-1130, "Data sent for parameter 'publicKey' is not valid.")
    assert floor.testnet.directory.records() == []


@pytest.mark.parametrize(
    ("params", "code"),
    [
        ({}, -1102),
        ({"apiName": "n" * 65}, -1130),
        ({"apiName": "n", "symbol": "NOWHERE"}, -1121),
        ({"apiName": "n", "ip": "192.0.2.256"}, -1130),
        ({"apiName": "n", "permissionMode": "ALL"}, -1130),
        ({"apiName": "n", "publicKey": "abc"}, -1130),
    ],
)
def test_bad_key_is_refused(floor: OperationsFloor, alice: Trader, params: dict[str, str], code: int) -> None:
    assert alice.refused(CREATE, **params)[0] == code
    assert floor.testnet.directory.records() == []


def test_thirtieth_address_passes_and_the_next_does_not(alice: Trader) -> None:
    addresses = [f"192.0.2.{number}" for number in range(1, 32)]
    too_many = (-1130, "Data sent for parameter 'ip' is not valid.")
    assert alice.refused(CREATE, apiName="many", ip=",".join(addresses)) == too_many
    made = alice.do(CREATE, apiName="many", ip=",".join(addresses[:30]))
    assert alice.refused(EDIT_IP, apiKey=made["apiKey"], ip=",".join(addresses)) == too_many
    assert alice.do(EDIT_IP, apiKey=made["apiKey"], ip=",".join(addresses[1:])) == {}


def test_thirtieth_key_passes_and_the_next_does_not(alice: Trader) -> None:
    for number in range(30):
        alice.do(CREATE, apiName=f"n{number}")
    assert alice.refused(CREATE, apiName="n30")[0] == -1020
    assert len(listed(alice)) == 30


@pytest.mark.parametrize("refused", ["name", "number"])
def test_key_that_is_not_made_enters_no_mode(floor: OperationsFloor, alice: Trader, refused: str) -> None:
    for _ in range(30 if refused == "number" else 0):
        ordinary_key(alice)
    assert isinstance(alice.raw(CREATE, apiName="n" if refused == "number" else "n" * 65), WireError)
    assert floor.testnet.venue.engine.treasury.special_modes == {}


def test_key_of_a_symbol_trades_nothing_else_and_is_listed_under_it(
    floor: OperationsFloor, alice: Trader
) -> None:
    made = alice.do(CREATE, apiName="isolated", symbol="BTCUSDT")
    alice.do(CREATE, apiName="cross")
    assert (listed(alice), listed(alice, symbol="BTCUSDT"), listed(alice, symbol="ETHUSDT")) == (
        ["cross"], ["isolated"], [],
    )  # fmt: skip
    record = floor.testnet.directory.record(made["apiKey"])
    assert record is not None
    assert record.terms.restrictions.symbols == {"BTCUSDT"}
    assert alice.refused(SHOW, apiKey=made["apiKey"]) == NO_SUCH_KEY
    assert alice.do(SHOW, apiKey=made["apiKey"], symbol="BTCUSDT")["apiName"] == "isolated"


def test_key_made_by_a_key_does_not_outlive_it(floor: OperationsFloor, alice: Trader) -> None:
    ends_us = floor.clock.at_us + 1_000_000
    alice.credential = msgspec.structs.replace(
        alice.credential, restrictions=Restrictions(expires_us=ends_us)
    )
    made = alice.do(CREATE, apiName="short")
    record = floor.testnet.directory.record(made["apiKey"])
    assert record is not None
    assert record.terms.restrictions.expires_us == ends_us


def test_addresses_are_replaced_and_never_taken_away(alice: Trader) -> None:
    made = alice.do(CREATE, apiName="open")
    assert alice.do(SHOW, apiKey=made["apiKey"])["ip"] == "0.0.0.0"
    alice.do(EDIT_IP, apiKey=made["apiKey"], ip="0.0.0.0,192.0.2.7")
    assert alice.do(SHOW, apiKey=made["apiKey"])["ip"] == "192.0.2.7"
    for nothing in ("0.0.0.0", ",", "0.0.0.0/0"):
        assert alice.refused(EDIT_IP, apiKey=made["apiKey"], ip=nothing)[0] == -1130
    assert alice.refused(EDIT_IP, apiKey=made["apiKey"])[0] == -1102
    assert alice.do(SHOW, apiKey=made["apiKey"])["ip"] == "192.0.2.7"


def test_keys_of_others_and_ordinary_keys_are_no_special_keys(floor: OperationsFloor, alice: Trader) -> None:
    bob = floor.trader("bob")
    made = alice.do(CREATE, apiName="fast")
    plain = ordinary_key(alice)
    for trader, api_key in ((bob, made["apiKey"]), (alice, plain), (alice, made["apiKey"][:-1] + "_")):
        assert trader.refused(SHOW, apiKey=api_key) == NO_SUCH_KEY
        assert trader.refused(EDIT_IP, apiKey=api_key, ip="192.0.2.1") == NO_SUCH_KEY
        assert trader.refused(DELETE, apiKey=api_key) == NO_SUCH_KEY
    assert listed(alice) == ["fast"]
    assert floor.testnet.directory.find(plain) is not None


def test_deleting_by_key_takes_one_and_by_name_all_of_that_name(
    floor: OperationsFloor, alice: Trader
) -> None:
    one, _, _, _ = (alice.do(CREATE, apiName=name) for name in ("twin", "twin", "twin", "other"))
    isolated = alice.do(CREATE, apiName="twin", symbol="BTCUSDT")
    assert alice.refused(DELETE)[0] == -1102
    assert alice.do(DELETE, apiKey=one["apiKey"], apiName="other") == {}
    assert listed(alice) == ["other", "twin", "twin"]
    alice.do(DELETE, apiName="twin")
    assert listed(alice) == ["other"]
    assert floor.testnet.directory.find(one["apiKey"]) is None
    assert floor.testnet.directory.find(isolated["apiKey"]) is not None
    assert alice.refused(DELETE, apiName="twin") == NO_SUCH_KEY


def test_special_key_manages_no_keys(floor: OperationsFloor, alice: Trader) -> None:
    made = alice.do(CREATE, apiName="fast")
    isolated = alice.do(CREATE, apiName="one", symbol="BTCUSDT")
    special, plain = as_key(alice, isolated["apiKey"]), as_key(alice, ordinary_key(alice))
    for name, params in (
        (CREATE, {"apiName": "more"}), (EDIT_IP, {"apiKey": made["apiKey"], "ip": "192.0.2.1"}),
        (DELETE, {"apiKey": made["apiKey"]}), (EXIT, {}),
    ):  # fmt: skip
        assert special.refused(name, **params)[0] == -2015, name
        assert plain.do(name, **params) is not None, name


def test_special_key_of_a_master_has_nothing_to_say_about_its_family(
    floor: OperationsFloor, alice: Trader
) -> None:
    email = alice.do("POST /sapi/v1/sub-account/virtualSubAccount", subAccountString="bot")["email"]
    named = {"email": email, "apiName": "stolen", "status": 1}
    key = alice.do("POST /sapi/v1/sub-account/subAccountApi", **named)["apiKey"]
    one = {"email": email, "subAccountApiKey": key}
    alice.do(
        "POST /sapi/v2/sub-account/subAccountApi/ipRestriction",
        **one,
        status=2,
        ipAddress="192.0.2.1,192.0.2.2",
    )
    special = as_key(alice, alice.do(CREATE, apiName="one", symbol="BTCUSDT")["apiKey"])
    plain = as_key(alice, ordinary_key(alice))
    moved = {
        "fromAccountType": "SPOT",
        "toAccountType": "SPOT",
        "asset": "USDT",
        "amount": "1",
        "toEmail": email,
    }
    for name, params in (
        ("POST /sapi/v1/sub-account/virtualSubAccount", {"subAccountString": "more"}),
        ("POST /sapi/v1/sub-account/subAccountApi", named),
        ("POST /sapi/v1/sub-account/subAccountApiPermission", {**one, "canUniversalTransfer": "true"}),
        ("DELETE /sapi/v1/sub-account/subAccountApi/ipRestriction/ipList", {**one, "ipAddress": "192.0.2.1"}),
        ("POST /sapi/v2/sub-account/subAccountApi/ipRestriction", {**one, "status": 1}),
        ("POST /sapi/v1/sub-account/universalTransfer", moved),
        ("POST /sapi/v1/asset/transfer", {"type": "MAIN_FUNDING", "asset": "USDT", "amount": "1"}),
        ("DELETE /sapi/v1/sub-account/subAccountApi", one),
    ):  # fmt: skip
        assert special.refused(name, **params)[0] == -2015, name
        assert plain.do(name, **params) is not None, name
    assert special.do("GET /sapi/v1/sub-account/list")["subAccounts"], "reading is its own"


def test_special_key_of_a_sub_account_moves_nothing_out_of_it(floor: OperationsFloor, alice: Trader) -> None:
    create = "POST /sapi/v1/sub-account/virtualSubAccount"
    one, two = (str(alice.do(create, subAccountString=name)["email"]) for name in ("one", "two"))
    (row,) = alice.do("GET /sapi/v1/sub-account/list", email=one)["subAccounts"]
    moved = {
        "fromAccountType": "SPOT",
        "toAccountType": "SPOT",
        "asset": "USDT",
        "amount": "9",
        "toEmail": one,
    }
    alice.do("POST /sapi/v1/sub-account/universalTransfer", **moved)
    sub = Trader(floor, row["subUserId"])
    special, plain = as_key(sub, sub.do(CREATE, apiName="fast")["apiKey"]), as_key(sub, ordinary_key(sub))
    for name, params in (
        ("POST /sapi/v1/sub-account/transfer/subToMaster", {"asset": "USDT", "amount": "1"}),
        ("POST /sapi/v1/sub-account/transfer/subToSub", {"asset": "USDT", "amount": "1", "toEmail": two}),
    ):
        assert special.refused(name, **params)[0] == -2015, name
        assert plain.do(name, **params) is not None, name


def test_key_that_is_deleted_meanwhile_makes_no_special_key(floor: OperationsFloor, alice: Trader) -> None:
    maker, now_us = as_key(alice, ordinary_key(alice)), floor.clock.at_us
    late = Call({"apiName": "late"}, maker.credential, now_us, now_us + 1_000_000)

    async def pressed_in_between() -> object:
        making = asyncio.ensure_future(OPERATIONS[CREATE](floor.testnet, late))
        await asyncio.sleep(0)
        floor.testnet.directory.delete_all(alice.account_id)
        return await making

    answer = floor.loop.run_until_complete(pressed_in_between())
    assert isinstance(answer, WireError)
    assert answer.code == -2015
    assert floor.testnet.directory.records() == []


def test_leaving_the_mode_deletes_its_keys_and_new_ones_wait_a_day(
    floor: OperationsFloor, alice: Trader
) -> None:
    isolated = alice.do(CREATE, apiName="isolated", symbol="BTCUSDT")
    made = alice.do(CREATE, apiName="fast")
    assert alice.do(EXIT) == {}
    assert listed(alice) == []
    assert floor.testnet.directory.find(made["apiKey"]) is None
    assert floor.testnet.directory.find(isolated["apiKey"]) is not None
    floor.clock.move(24 * HOUR_S - 0.000001)
    assert alice.refused(CREATE, apiName="soon")[0] == -1020
    assert alice.refused(CREATE, apiName="soon", symbol="BTCUSDT")[0] == -1020
    floor.clock.move(0.000001)
    alice.do(CREATE, apiName="again")


def test_leaving_what_was_not_entered_changes_nothing(alice: Trader) -> None:
    assert alice.do(EXIT) == {}
    alice.do(CREATE, apiName="fast")


def test_deleting_all_keys_is_not_leaving(floor: OperationsFloor, alice: Trader) -> None:
    alice.do(CREATE, apiName="fast")
    alice.do(DELETE, apiName="fast")
    alice.do(CREATE, apiName="fast")
    alice.do(DELETE, apiName="fast")
    alice.do(EXIT)
    assert alice.refused(CREATE, apiName="fast")[0] == -1020


def test_second_exit_does_not_prolong_the_wait(floor: OperationsFloor, alice: Trader) -> None:
    alice.do(CREATE, apiName="fast")
    alice.do(EXIT)
    floor.clock.move(23 * HOUR_S)
    alice.do(EXIT)
    floor.clock.move(HOUR_S)
    alice.do(CREATE, apiName="fast")


def test_mode_of_one_account_is_not_anothers(floor: OperationsFloor, alice: Trader) -> None:
    bob = floor.trader("bob")
    alice.do(CREATE, apiName="fast")
    bob.do(CREATE, apiName="fast")
    alice.do(EXIT)
    assert listed(bob) == ["fast"]
    bob.do(CREATE, apiName="second")


def test_mode_survives_being_written_down(floor: OperationsFloor, alice: Trader) -> None:
    alice.do(CREATE, apiName="fast")
    alice.do(EXIT)
    venue = floor.testnet.venue
    again = type(venue).decode(venue.encode())
    assert again.engine.treasury.special_modes == venue.engine.treasury.special_modes != {}
    assert again.state_hash() == venue.state_hash()
