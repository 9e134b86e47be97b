"""Withdrawing against an address book, what was withdrawn and paid in, and where."""

from collections.abc import Iterator

import pytest
from tests.support.money import ADDRESS, allow, balance, bound_to, pay_in, submit
from tests.support.operations import START_US, OperationsFloor, Trader

from watchword.exchange.commands import ForgetAddress, OpenAccount
from watchword.exchange.events import AccountOpened
from watchword.kernel.units import SCALE

APPLY = "POST /sapi/v1/capital/withdraw/apply"
HISTORY = "GET /sapi/v1/capital/withdraw/history"
QUOTA = "GET /sapi/v1/capital/withdraw/quota"
DEPOSITS = "GET /sapi/v1/capital/deposit/hisrec"
DEPOSIT_ADDRESS = "GET /sapi/v1/capital/deposit/address"
DAY_S = 86_400
ONE_BTC = {"coin": "BTC", "address": ADDRESS, "amount": "1"}
NOT_LISTED = (-4035, "This address is not on the whitelist. Please join and try again.")


@pytest.fixture
def floor() -> Iterator[OperationsFloor]:
    with OperationsFloor() as floor:
        yield floor


@pytest.fixture
def alice(floor: OperationsFloor) -> Trader:
    """Her key is bound to an address, and her book has one entry for BTC."""
    alice = bound_to(floor.trader("alice"), "127.0.0.1")
    allow(floor, alice, "BTC", name="cold")
    return alice


def test_withdrawal_leaves_the_account_and_the_venue(floor: OperationsFloor, alice: Trader) -> None:
    made = alice.do(APPLY, **ONE_BTC)
    assert len(made["id"]) == 32
    assert balance(floor, alice.account_id, "BTC") == 99 * SCALE
    assert floor.testnet.venue.engine.ledger.imbalance() == {}
    (row,) = alice.do(HISTORY)
    assert row.pop("txId").isalnum()
    assert row == {
        "id": made["id"], "amount": "1", "transactionFee": "0", "coin": "BTC", "status": 6, "address": ADDRESS,
        "applyTime": "2026-01-01 00:00:30", "network": "TESTNET", "transferType": 0, "withdrawOrderId": "",
        "info": "", "confirmNo": 1, "walletType": 0, "txKey": "", "completeTime": "2026-01-01 00:00:30",
    }  # fmt: skip


def test_key_without_an_ip_list_withdraws_nothing(floor: OperationsFloor) -> None:
    bob = floor.trader("bob")
    allow(floor, bob, "BTC")
    assert bob.refused(APPLY, **ONE_BTC) == (-2015, "Invalid API-key, IP, or permissions for action.")
    assert balance(floor, bob.account_id, "BTC") == 100 * SCALE
    bound_to(bob, "127.0.0.1").do(APPLY, **ONE_BTC)


@pytest.mark.parametrize(
    "other", [{"address": "0xfeee"}, {"address": "0xfee"}, {"address": "0xFEED"}, {"coin": "USDT"}]
)
def test_address_one_step_off_the_listed_one_is_refused(
    floor: OperationsFloor, alice: Trader, other: dict[str, str]
) -> None:
    assert alice.refused(APPLY, **{**ONE_BTC, **other}) == NOT_LISTED
    assert balance(floor, alice.account_id, "BTC") == 100 * SCALE


def test_address_of_somebody_else_is_refused(floor: OperationsFloor, alice: Trader) -> None:
    bob = bound_to(floor.trader("bob"), "127.0.0.1")
    assert bob.refused(APPLY, **ONE_BTC) == NOT_LISTED
    alice.do(APPLY, **ONE_BTC)


def test_address_taken_out_of_the_book_is_refused_again(floor: OperationsFloor, alice: Trader) -> None:
    alice.do(APPLY, **ONE_BTC)
    submit(floor, ForgetAddress, alice.account_id, "BTC", "TESTNET", ADDRESS)
    assert alice.refused(APPLY, **ONE_BTC) == NOT_LISTED


def test_everything_can_be_withdrawn_and_one_step_more_cannot(floor: OperationsFloor, alice: Trader) -> None:
    insufficient = (-4026, "You have insufficient balance.")
    assert alice.refused(APPLY, **{**ONE_BTC, "amount": "100.00000001"}) == insufficient
    alice.do(APPLY, **{**ONE_BTC, "amount": "100"})
    assert balance(floor, alice.account_id, "BTC") == 0
    assert alice.refused(APPLY, **{**ONE_BTC, "amount": "0.00000001"}) == insufficient


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"amount": "0"}, -4022),
        ({"amount": "0.000000001"}, -1111),
        ({"amount": ""}, -1102),
        ({"address": ""}, -1102),
        ({"coin": ""}, -1102),
        ({"coin": "NONE"}, -4018),
        ({"network": "ETH"}, -1130),
        ({"addressTag": "7"}, -4106),
        ({"walletType": "2"}, -1130),
        ({"withdrawOrderId": "x" * 65}, -1130),
    ],
)
def test_bad_withdrawal_is_refused(alice: Trader, change: dict[str, str], code: int) -> None:
    assert alice.refused(APPLY, **{**ONE_BTC, **change})[0] == code
    assert alice.do(HISTORY) == []


def test_client_id_is_good_for_one_withdrawal(alice: Trader) -> None:
    alice.do(APPLY, **ONE_BTC, withdrawOrderId="mine")
    assert alice.refused(APPLY, **ONE_BTC, withdrawOrderId="mine")[0] == -1130
    alice.do(APPLY, **ONE_BTC, withdrawOrderId="mine2")
    assert len(alice.do(HISTORY)) == 2


def test_funding_wallet_is_a_wallet_of_its_own(alice: Trader) -> None:
    assert alice.refused(APPLY, **ONE_BTC, walletType=1)[0] == -4026
    alice.do("POST /sapi/v1/asset/transfer", type="MAIN_FUNDING", asset="BTC", amount="1")
    alice.do(APPLY, **ONE_BTC, walletType=1)
    assert alice.do(HISTORY)[0]["walletType"] == 1


def test_stale_withdrawal_is_refused_just_before_the_engine(floor: OperationsFloor, alice: Trader) -> None:
    floor.window_us = -1
    assert alice.refused(APPLY, **ONE_BTC)[0] == -1021


def test_sub_account_withdraws_nothing(floor: OperationsFloor, alice: Trader) -> None:
    events = submit(
        floor, OpenAccount, "sub", (("BTC", SCALE),), parent_id=alice.account_id, email="sub@example.com"
    )
    opened = next(event for event in events if isinstance(event, AccountOpened))
    sub = bound_to(Trader(floor, opened.account_id), "127.0.0.1")
    allow(floor, sub, "BTC")
    assert sub.refused(APPLY, **ONE_BTC)[0] == -4006


def test_daily_quota_counts_a_day_and_not_longer(floor: OperationsFloor, alice: Trader) -> None:
    allow(floor, alice, "USDT")
    most = {"coin": "USDT", "address": ADDRESS, "amount": "8000000"}
    assert alice.refused(APPLY, **{**most, "amount": "8000000.00000001"})[0] == -4023
    alice.do(APPLY, **most)
    assert alice.do(QUOTA) == {"wdQuota": "8000000", "usedWdQuota": "8000000"}
    assert alice.refused(APPLY, **{**most, "amount": "0.00000001"})[0] == -4023
    floor.clock.move(DAY_S)
    assert alice.do(QUOTA)["usedWdQuota"] == "0"
    alice.do(APPLY, **{**most, "amount": "1"})


def test_history_is_filtered_and_newest_first(floor: OperationsFloor, alice: Trader) -> None:
    allow(floor, alice, "USDT")
    first = alice.do(APPLY, **ONE_BTC, withdrawOrderId="one")["id"]
    floor.clock.move(1)
    second = alice.do(APPLY, coin="USDT", address=ADDRESS, amount="5")["id"]

    def ids(**params: object) -> list[str]:
        return [row["id"] for row in alice.do(HISTORY, **params)]

    assert ids() == [second, first]
    assert ids(coin="BTC") == ids(withdrawOrderId="one") == ids(idList=first) == [first]
    assert ids(offset=1) == [first]
    assert ids(limit=1) == [second]
    assert ids(status=6) == [second, first]
    assert ids(status=3) == []
    assert ids(startTime=START_US // 1000 + 1) == [second]
    assert ids(endTime=START_US // 1000) == [first]
    assert floor.trader("bob").do(HISTORY) == []


def test_history_range_is_bounded(floor: OperationsFloor, alice: Trader) -> None:
    alice.do(APPLY, **ONE_BTC, withdrawOrderId="one")
    now_ms, day_ms = START_US // 1000, DAY_S * 1000
    refused = (-4047, "Time interval must be within 0-90 days")
    assert alice.do(HISTORY, startTime=now_ms - 90 * day_ms, endTime=now_ms)
    assert alice.refused(HISTORY, startTime=now_ms - 90 * day_ms - 1, endTime=now_ms) == refused
    assert alice.refused(HISTORY, startTime=now_ms + 1, endTime=now_ms) == refused
    ranged = {"withdrawOrderId": "one", "endTime": now_ms}
    assert alice.do(HISTORY, **ranged, startTime=now_ms - 7 * day_ms)
    assert alice.refused(HISTORY, **ranged, startTime=now_ms - 7 * day_ms - 1)[0] == -4047
    assert alice.do(HISTORY, idList=",".join("x" * 45)) == []
    assert alice.refused(HISTORY, idList=",".join(str(number) for number in range(46)))[0] == -1130
    assert alice.refused(HISTORY, limit=1001)[0] == -1130


def test_address_list_is_the_accounts_own_book(floor: OperationsFloor, alice: Trader) -> None:
    listing = "GET /sapi/v1/capital/withdraw/address/list"
    assert alice.do(listing) == [
        {"address": ADDRESS, "addressTag": "", "coin": "BTC", "name": "cold", "network": "TESTNET",
         "origin": "", "originType": "others", "whiteStatus": True}
    ]  # fmt: skip
    assert floor.trader("bob").do(listing) == []


def test_deposit_history_shows_what_came_from_outside(floor: OperationsFloor, alice: Trader) -> None:
    pay_in(floor, alice, "BTC", SCALE // 2, "aa")
    floor.clock.move(1)
    pay_in(floor, alice, "USDT", 7 * SCALE, "bb")
    rows = alice.do(DEPOSITS)
    assert [(row["coin"], row["amount"], row["txId"]) for row in rows] == [
        ("USDT", "7", "bb"), ("BTC", "0.5", "aa"),
    ]  # fmt: skip
    assert rows[1]["insertTime"] == START_US // 1000
    assert "sourceAddress" not in rows[0]
    assert "sourceAddress" in alice.do(DEPOSITS, includeSource=True)[0]
    assert [row["txId"] for row in alice.do(DEPOSITS, coin="BTC")] == ["aa"]
    assert [row["txId"] for row in alice.do(DEPOSITS, txId="bb")] == ["bb"]
    assert [row["txId"] for row in alice.do(DEPOSITS, offset=1, limit=1)] == ["aa"]
    assert alice.do(DEPOSITS, status=0) == []
    assert alice.refused(DEPOSITS, limit=1001)[0] == -1130
    assert floor.trader("bob").do(DEPOSITS) == []


def test_deposit_address_is_each_accounts_own(floor: OperationsFloor, alice: Trader) -> None:
    bob = floor.trader("bob")
    mine = alice.do(DEPOSIT_ADDRESS, coin="BTC")
    assert mine["coin"] == "BTC"
    assert mine["address"] == alice.do(DEPOSIT_ADDRESS, coin="USDT")["address"]
    assert mine["address"] != bob.do(DEPOSIT_ADDRESS, coin="BTC")["address"]
    assert alice.do("GET /sapi/v1/capital/deposit/address/list", coin="BTC") == [
        {"coin": "BTC", "address": mine["address"], "tag": "", "isDefault": 1}
    ]
    assert alice.refused(DEPOSIT_ADDRESS, coin="NONE")[0] == -4018
    assert alice.refused(DEPOSIT_ADDRESS, coin="BTC", network="ETH")[0] == -1130
    assert alice.refused(DEPOSIT_ADDRESS)[0] == -1102


def test_address_that_is_longer_than_any_is_never_journaled(floor: OperationsFloor, alice: Trader) -> None:
    before = floor.testnet.sequencer.position.sequence
    assert alice.refused(APPLY, **{**ONE_BTC, "address": "a" * 257}) == NOT_LISTED
    assert floor.testnet.sequencer.position.sequence == before
    assert alice.refused(APPLY, **{**ONE_BTC, "address": "a" * 256}) == NOT_LISTED
    assert floor.testnet.sequencer.position.sequence == before + 1
