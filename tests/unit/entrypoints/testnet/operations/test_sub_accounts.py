"""Sub-accounts, their keys and transfers as operations: what the official client cannot easily send, or wait for."""

from collections.abc import Iterator
from typing import Any

import pytest
from tests.support.key_pairs import new_key_pair
from tests.support.operations import OperationsFloor, Trader

from watchword.kernel.units import SCALE

CREATE = "POST /sapi/v1/sub-account/virtualSubAccount"
LIST = "GET /sapi/v1/sub-account/list"
STATUS = "GET /sapi/v1/sub-account/status"
SUMMARY = "GET /sapi/v1/sub-account/spotSummary"
ASSETS = "GET /sapi/v4/sub-account/assets"
NEW_KEY = "POST /sapi/v1/sub-account/subAccountApi"
KEYS = "GET /sapi/v1/sub-account/subAccountApi"
DELETE_KEY = "DELETE /sapi/v1/sub-account/subAccountApi"
PERMIT = "POST /sapi/v1/sub-account/subAccountApiPermission"
RESTRICTION = "GET /sapi/v1/sub-account/subAccountApi/ipRestriction"
RESTRICT = "POST /sapi/v2/sub-account/subAccountApi/ipRestriction"
UNIVERSAL = "POST /sapi/v1/sub-account/universalTransfer"
UNIVERSAL_HISTORY = "GET /sapi/v1/sub-account/universalTransfer"
SPOT_HISTORY = "GET /sapi/v1/sub-account/sub/transfer/history"
TO_MASTER = "POST /sapi/v1/sub-account/transfer/subToMaster"
TO_SIBLING = "POST /sapi/v1/sub-account/transfer/subToSub"
OWN_HISTORY = "GET /sapi/v1/sub-account/transfer/subUserHistory"
SUB_ADDRESS = "GET /sapi/v1/capital/deposit/subAddress"
SUB_DEPOSITS = "GET /sapi/v1/capital/deposit/subHisrec"

UNKNOWN_EMAIL = (-4003, "Your input email is invalid.")
MASTER_ONLY = (-4006, "Support main account only.")
DAY_S = 86_400
#: Source: the key rules; the thirtieth is made.
KEYS_MAX = 30
SPOT = {"fromAccountType": "SPOT", "toAccountType": "SPOT", "asset": "USDT"}


@pytest.fixture
def floor() -> Iterator[OperationsFloor]:
    with OperationsFloor() as floor:
        yield floor


@pytest.fixture
def alice(floor: OperationsFloor) -> Trader:
    return floor.trader("alice")


@pytest.fixture
def email(alice: Trader) -> str:
    return str(alice.do(CREATE, subAccountString="bot")["email"])


def own_trader(floor: OperationsFloor, alice: Trader, email: str) -> Trader:
    """Somebody with a key of the sub-account."""
    (row,) = alice.do(LIST, email=email)["subAccounts"]
    return Trader(floor, row["subUserId"])


@pytest.mark.parametrize("text", ["a b", "", "a@b", "ä", "x" * 33, "a_b"])
def test_text_of_a_virtual_email_is_letters_and_digits(alice: Trader, text: str) -> None:
    code, _ = alice.refused(CREATE, subAccountString=text)
    assert code == (-1100 if text else -1102)
    assert alice.do(LIST, limit=200)["subAccounts"] == []


def test_email_is_found_in_any_case_and_only_by_its_master(
    floor: OperationsFloor, alice: Trader, email: str
) -> None:
    assert len(alice.do(LIST, email=email.upper())["subAccounts"]) == 1
    bob = floor.trader("bob")
    assert bob.do(LIST, email=email)["subAccounts"] == []
    assert bob.do(LIST, limit=200)["subAccounts"] == []
    assert bob.refused(STATUS, email=email) == UNKNOWN_EMAIL
    assert bob.refused(ASSETS, email=email) == UNKNOWN_EMAIL
    assert bob.refused(SUB_DEPOSITS, email=email) == UNKNOWN_EMAIL
    assert bob.refused(SUB_ADDRESS, email=email, coin="BTC") == UNKNOWN_EMAIL
    assert alice.do(SUB_ADDRESS, email=email, coin="BTC")["coin"] == "BTC"
    assert alice.do(SUB_DEPOSITS, email=email) == []


@pytest.mark.parametrize(
    "name", [CREATE, LIST, STATUS, SUMMARY, ASSETS, KEYS, NEW_KEY, UNIVERSAL, UNIVERSAL_HISTORY, SPOT_HISTORY]
)
def test_sub_account_cannot_play_the_master(
    floor: OperationsFloor, alice: Trader, email: str, name: str
) -> None:
    everything: dict[str, Any] = {
        **SPOT, "subAccountString": "x", "email": email, "apiName": "x", "status": 1, "amount": "1",
        "toEmail": email,
    }  # fmt: skip
    if name in {UNIVERSAL_HISTORY, SPOT_HISTORY}:
        everything = {}
    assert own_trader(floor, alice, email).refused(name, **everything) == MASTER_ONLY


def test_summary_is_in_bitcoin(floor: OperationsFloor, alice: Trader, email: str) -> None:
    bob = floor.trader("bob")
    bob.limit("SELL", "50000", "1")
    alice.limit("BUY", "50000", "1")
    alice.do(UNIVERSAL, **SPOT, amount="25000", toEmail=email)
    found = alice.do(SUMMARY)
    assert found["totalCount"] == 1
    assert found["spotSubUserAssetBtcVoList"] == [{"email": email, "totalAsset": "0.50000000"}]
    assert alice.refused(SUMMARY, size=21)[0] == -1130


def test_thirtieth_key_is_made_and_the_next_is_not(alice: Trader, email: str) -> None:
    for number in range(KEYS_MAX):
        alice.do(NEW_KEY, email=email, apiName=f"k{number}", status=1)
    code, text = alice.refused(NEW_KEY, email=email, apiName="more", status=1)
    assert (code, f"at most {KEYS_MAX} keys" in text) == (-4001, True)
    page = alice.do(KEYS, email=email, page=2, size=20)
    assert (page["total"], len(page["rows"])) == (KEYS_MAX, KEYS_MAX - 20)
    assert alice.do(KEYS, email=email, page=3, size=20)["rows"] == []
    assert alice.refused(KEYS, email=email, size=101)[0] == -1130
    assert alice.refused(KEYS, email=email, page=0)[0] == -1130


def test_key_is_asked_for_exactly(alice: Trader, email: str) -> None:
    key = alice.do(NEW_KEY, email=email, apiName="k", status="2", ipAddress="192.0.2.7")["apiKey"]
    assert alice.do(KEYS, email=email, subAccountApiKey=key)["total"] == 1
    assert alice.do(KEYS, email=email, subAccountApiKey=key[:-1] + "_")["total"] == 0
    named = {"email": email, "subAccountApiKey": key[:-1] + "_"}
    for name, more in (
        (DELETE_KEY, {}),
        (PERMIT, {"canTrade": "true"}),
        (RESTRICTION, {}),
        (RESTRICT, {"status": 1}),
    ):
        assert alice.refused(name, **named, **more) == (-2008, "Invalid Api-Key ID.")
    assert alice.do(RESTRICTION, email=email, subAccountApiKey=key)["ipRestrict"] == "true"


def test_special_keys_of_a_sub_account_are_none_of_its_masters_business(
    floor: OperationsFloor, alice: Trader, email: str
) -> None:
    sub = own_trader(floor, alice, email)
    special = sub.do("POST /sapi/v1/margin/apiKey", apiName="special", ip="127.0.0.1")["apiKey"]
    assert alice.do(KEYS, email=email)["total"] == 0
    assert alice.refused(DELETE_KEY, email=email, subAccountApiKey=special)[0] == -2008
    assert alice.refused(PERMIT, email=email, subAccountApiKey=special, canFuturesTrade=True)[0] == -2008
    assert floor.testnet.directory.find(special) is not None


def test_private_key_pasted_by_mistake_is_refused_and_kept_nowhere(alice: Trader, email: str) -> None:
    private, public = new_key_pair("ED25519")
    code, text = alice.refused(NEW_KEY, email=email, apiName="k", status=1, publicKey=private)
    assert (code, "PRIVATE" in text) == (-1130, False)
    assert alice.do(KEYS, email=email)["total"] == 0
    made = alice.do(NEW_KEY, email=email, apiName="k", status=1, publicKey=public)
    assert made["secretKey"] is None


@pytest.mark.parametrize(
    ("params", "code"),
    [
        ({"status": "2"}, -1102),
        ({"status": "2", "ipAddress": "not an address"}, -1130),
        ({"status": "2", "ipAddress": "0.0.0.0/0"}, -1130),
        ({"status": "2", "ipAddress": "192.0.2.7," * 50 + "192.0.2.7"}, -1130),
        ({"status": "3"}, -1102),
        ({"status": "3", "thirdPartyName": "somebody"}, -1130),
        ({"status": "0"}, -1130),
        ({"status": "1", "canTrade": "perhaps"}, -1130),
        ({}, -1102),
    ],
)
def test_key_with_terms_that_cannot_be_is_not_made(
    alice: Trader, email: str, params: dict[str, str], code: int
) -> None:
    assert alice.refused(NEW_KEY, email=email, apiName="k", **params)[0] == code
    assert alice.do(KEYS, email=email)["total"] == 0


def test_addresses_may_be_refused_while_the_old_list_stays(alice: Trader, email: str) -> None:
    key = alice.do(NEW_KEY, email=email, apiName="k", status=2, ipAddress="192.0.2.7")["apiKey"]
    named = {"email": email, "subAccountApiKey": key}
    for address in ("nonsense", "0.0.0.0/0", ",".join(f"10.0.0.{n}" for n in range(30))):
        assert alice.refused(RESTRICT, **named, status=2, ipAddress=address)[0] == -1130
    assert alice.refused(RESTRICT, **named, status=3)[0] == -1130
    assert alice.do(RESTRICTION, **named)["ipList"] == ["192.0.2.7"]
    assert alice.do(RESTRICT, **named, status=2)["ipList"] == ["192.0.2.7"]


def test_master_is_meant_by_its_own_name_too(alice: Trader, email: str) -> None:
    alice.do(UNIVERSAL, **SPOT, amount="5", fromEmail="alice", toEmail=email)
    alice.do(UNIVERSAL, **SPOT, amount="2", fromEmail=email, toEmail="alice")
    assert alice.refused(UNIVERSAL, **SPOT, amount="2", toEmail="bob") == UNKNOWN_EMAIL
    assert alice.refused(UNIVERSAL, **SPOT, amount="2", fromEmail=email, toEmail=email)[0] == -1130
    (row,) = alice.do(ASSETS, email=email)["balances"]
    assert row["free"] == "3.00000000"


@pytest.mark.parametrize(
    ("params", "code"),
    [
        ({"amount": "0"}, -1130),
        ({"amount": "-1"}, -1100),
        ({"amount": "0.000000001"}, -1111),
        ({"amount": "1", "clientTranId": "x" * 65}, -1130),
        ({"amount": "1", "fromAccountType": "MAIN"}, -1130),
        ({}, -1102),
    ],
)
def test_transfer_that_cannot_be_moves_nothing(
    alice: Trader, email: str, params: dict[str, str], code: int
) -> None:
    assert alice.refused(UNIVERSAL, **{**SPOT, "toEmail": email, **params})[0] == code
    assert alice.do(ASSETS, email=email)["balances"] == []


def test_late_transfer_is_refused_before_it_is_journaled(
    floor: OperationsFloor, alice: Trader, email: str
) -> None:
    floor.window_us = -1
    assert alice.refused(UNIVERSAL, **SPOT, amount="1", toEmail=email)[0] == -1021
    assert alice.refused(CREATE, subAccountString="late")[0] == -1021
    floor.window_us = 0
    alice.do(UNIVERSAL, **SPOT, amount="1", toEmail=email)
    assert len(floor.testnet.venue.engine.treasury.transfers) == 1


def test_histories_end_where_their_days_end(floor: OperationsFloor, alice: Trader, email: str) -> None:
    sub = own_trader(floor, alice, email)
    alice.do(UNIVERSAL, **SPOT, amount="3", toEmail=email)
    sub.do(TO_MASTER, asset="USDT", amount="1")
    floor.clock.move(7 * DAY_S)
    assert alice.do(UNIVERSAL_HISTORY)["totalCount"] == 1
    floor.clock.move(1)
    assert alice.do(UNIVERSAL_HISTORY)["totalCount"] == 0
    now_ms = floor.clock.now_us() // 1000
    week = 7 * DAY_S * 1000
    assert alice.do(UNIVERSAL_HISTORY, startTime=now_ms - week - 2000)["totalCount"] == 1
    assert alice.refused(UNIVERSAL_HISTORY, startTime=now_ms - week - 1, endTime=now_ms)[0] == -1130
    assert len(alice.do(SPOT_HISTORY)) == 1
    assert len(alice.do(SPOT_HISTORY, toEmail="alice")) == 1
    floor.clock.move(23 * DAY_S - 1)
    assert len(sub.do(OWN_HISTORY)) == len(sub.do(OWN_HISTORY, type=1)) == 1
    floor.clock.move(1)
    assert sub.do(OWN_HISTORY) == []
    assert sub.refused(OWN_HISTORY, type=3)[0] == -1130
    assert alice.refused(OWN_HISTORY)[0] == -4001


def test_pages_of_histories_begin_with_the_newest(alice: Trader, email: str) -> None:
    for number in range(1, 6):
        alice.do(UNIVERSAL, **SPOT, amount=str(number), toEmail=email)
    pages = [alice.do(UNIVERSAL_HISTORY, page=page, limit=2)["result"] for page in (1, 2, 3, 4)]
    assert [[row["amount"] for row in page] for page in pages] == [["5", "4"], ["3", "2"], ["1"], []]
    assert [row["qty"] for row in alice.do(SPOT_HISTORY, page=2, limit=3)] == ["2", "1"]
    for name in (UNIVERSAL_HISTORY, SPOT_HISTORY):
        assert alice.refused(name, limit=501)[0] == -1130


def test_sub_accounts_pay_only_their_own_family(floor: OperationsFloor, alice: Trader, email: str) -> None:
    sub, bob = own_trader(floor, alice, email), floor.trader("bob")
    theirs = bob.do(CREATE, subAccountString="x")["email"]
    sibling = alice.do(CREATE, subAccountString="sibling")["email"]
    alice.do(UNIVERSAL, **SPOT, amount="10", toEmail=email)
    for to in (theirs, "alice", "bob", email):
        assert sub.refused(TO_SIBLING, toEmail=to, asset="USDT", amount="1") == UNKNOWN_EMAIL
    sub.do(TO_SIBLING, toEmail=sibling, asset="USDT", amount="4")
    assert sub.refused(TO_MASTER, asset="USDT", amount="6.00000001")[0] == -4026
    sub.do(TO_MASTER, asset="USDT", amount="6")
    held = floor.testnet.venue.engine.ledger.balances(sub.credential.account_id)
    assert held["USDT"] == (0, 0)
    assert floor.testnet.venue.engine.ledger.available(1, "USDT") % SCALE == 0


def test_asset_that_is_longer_than_any_is_never_journaled(
    floor: OperationsFloor, alice: Trader, email: str
) -> None:
    sub = own_trader(floor, alice, email)
    other = alice.do(CREATE, subAccountString="other")["email"]
    before = floor.testnet.sequencer.position.sequence
    for trader, name, more in (
        (alice, UNIVERSAL, {**SPOT, "toEmail": email}), (sub, TO_MASTER, {}), (sub, TO_SIBLING, {"toEmail": other}),
    ):  # fmt: skip
        asked = {**more, "amount": "1"}
        assert trader.refused(name, **{**asked, "asset": "A" * 21})[0] == -1130, name
        assert floor.testnet.sequencer.position.sequence == before
        assert trader.refused(name, **{**asked, "asset": "A" * 20})[0] == -4026, name
        before += 1
