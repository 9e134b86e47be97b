"""Transfers, address books, withdrawals, sub-accounts: what passes, and each one-step-off twin that does not."""

from typing import Any

import pytest
from tests.unit.exchange.house import ANN, BEN, CAT, House, units

from watchword.binance.errors import WireError
from watchword.exchange.accounts import ACCOUNTS_MAX
from watchword.exchange.commands import (
    AllowAddress,
    Deposit,
    ForgetAddress,
    OpenAccount,
    ResetVenue,
    Transfer,
    Withdraw,
)
from watchword.exchange.events import BalanceChanged
from watchword.exchange.ledger import BALANCE_MAX, FEE_ACCOUNT_ID, ISSUER_ACCOUNT_ID
from watchword.exchange.treasury import ADDRESSES_PER_ACCOUNT_MAX
from watchword.exchange.wallets import WALLET_STRIDE, WALLETS, filing_id, owner_of

DAN, EVE = 4, 5
MOVE = {
    "from_id": ANN, "from_wallet": "SPOT", "to_id": DAN, "to_wallet": "SPOT", "asset": "USDT",
    "amount": units(100), "channel": "universal",
}  # fmt: skip
BOOK = {"account_id": ANN, "asset": "USDT", "network": "TESTNET", "address": "ww1home"}
OUT = {
    **BOOK, "wallet": "SPOT", "amount": units(10), "fee": units(1), "withdrawal_id": "w1", "transaction_id": "t1",
}  # fmt: skip


@pytest.fixture
def house() -> House:
    """Dan and Eve are Ann's sub-accounts, empty."""
    made = House()
    for name in ("dan", "eve"):
        made.apply(OpenAccount, name=f"{name}@x", parent_id=ANN, email=f"{name}@x")
    return made


def code(applied: Any) -> int:
    assert isinstance(applied, WireError), applied
    return applied.code


def test_transfer_moves_money_and_says_so(house: House) -> None:
    events = house.apply(Transfer, **MOVE, client_transfer_id="one")
    assert [(e.account_id, e.asset, e.delta) for e in events if isinstance(e, BalanceChanged)] == [
        (ANN, "USDT", -units(100)), (DAN, "USDT", units(100)),
    ]  # fmt: skip
    ledger = house.engine.ledger
    assert (ledger.available(ANN, "USDT"), ledger.available(DAN, "USDT")) == (units(19_900), units(100))
    (record,) = house.engine.treasury.transfers
    assert (record.number, record.from_id, record.to_id, record.client_transfer_id) == (1, ANN, DAN, "one")


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({}, None),
        ({"amount": units(20_000)}, None),
        ({"amount": units(20_000) + 1}, -4026),
        ({"amount": 0}, -1130),
        ({"amount": -1}, -1130),
        ({"asset": ""}, -1130),
        ({"asset": "DOGE"}, -4026),
        ({"from_id": DAN, "to_id": ANN}, -4026),
        ({"to_id": ANN}, -1130),
        ({"to_id": ANN, "to_wallet": "FUNDING"}, None),
        ({"to_id": BEN}, -1130),
        ({"from_id": BEN}, -1130),
        ({"from_id": BEN, "to_id": CAT}, -1130),
        ({"from_id": BEN, "to_id": BEN, "to_wallet": "FUNDING"}, None),
        ({"to_id": 99}, -1130),
        ({"from_id": 0}, -1130),
        ({"from_id": -1}, -1130),
        # The id under which a wallet is filed is no account.
        ({"from_id": ANN + WALLET_STRIDE}, -1130),
    ],
)
def test_transfer_stays_in_one_family_and_within_the_balance(
    house: House, change: dict[str, Any], expected: int | None
) -> None:
    applied = house.apply(Transfer, **{**MOVE, **change})
    if expected is None:
        assert isinstance(applied, list)
    else:
        assert code(applied) == expected
        assert not house.engine.treasury.transfers


def test_transfer_takes_only_what_no_order_holds(house: House) -> None:
    house.order(ANN, "BUY", 1, 15_000)
    assert code(house.apply(Transfer, **{**MOVE, "amount": units(5_000) + 1})) == -4026
    assert isinstance(house.apply(Transfer, **{**MOVE, "amount": units(5_000)}), list)


def test_transfer_into_a_wallet_stops_where_amounts_end(house: House) -> None:
    house.apply(Deposit, account_id=ANN, asset="USDT", amount=BALANCE_MAX - units(20_000))
    house.apply(Transfer, **{**MOVE, "amount": BALANCE_MAX})
    house.apply(Deposit, account_id=ANN, asset="USDT", amount=1)
    assert code(house.apply(Transfer, **{**MOVE, "amount": 1})) == -1130
    assert isinstance(house.apply(Transfer, **{**MOVE, "amount": 1, "to_id": EVE}), list)


def test_client_transfer_id_passes_once_in_a_family(house: House) -> None:
    assert isinstance(house.apply(Transfer, **MOVE, client_transfer_id="one"), list)
    assert code(house.apply(Transfer, **MOVE, client_transfer_id="one")) == -1130
    back = {**MOVE, "from_id": DAN, "to_id": ANN, "amount": 1}
    assert code(house.apply(Transfer, **back, client_transfer_id="one")) == -1130
    assert isinstance(house.apply(Transfer, **MOVE, client_transfer_id="two"), list)
    strangers = {**MOVE, "from_id": BEN, "to_id": BEN, "to_wallet": "FUNDING"}
    assert isinstance(house.apply(Transfer, **strangers, client_transfer_id="one"), list)
    # Without an id as often as one likes.
    assert all(isinstance(house.apply(Transfer, **MOVE), list) for _ in range(2))


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"name": "new@x", "parent_id": ANN, "email": "new@x"}, None),
        ({"name": "new@x", "parent_id": DAN, "email": "new@x"}, -1130),
        ({"name": "new@x", "parent_id": 99, "email": "new@x"}, -1130),
        ({"name": "new@x", "parent_id": ANN, "email": ""}, -1130),
        ({"name": "new@x", "parent_id": ANN, "email": "new"}, -1130),
        ({"name": "new@x", "parent_id": ANN, "email": "x@" + "x" * 127}, -1130),
        ({"name": "new@x", "parent_id": BEN, "email": "DAN@x"}, -1130),
        ({"name": "new@x", "parent_id": 0, "email": "new@x"}, -1130),
        ({"name": "house:new@x", "parent_id": ANN, "email": "house:new@x"}, -1130),
    ],
)
def test_sub_account_belongs_to_a_master_under_a_free_email(
    house: House, fields: dict[str, Any], expected: int | None
) -> None:
    before = len(house.engine.accounts)
    applied = house.apply(OpenAccount, **fields)
    if expected is None:
        assert isinstance(applied, list)
        assert house.engine.treasury.by_email(ANN, "NEW@X") is not None
        assert house.engine.treasury.by_email(BEN, "new@x") is None
    else:
        assert code(applied) == expected
        assert len(house.engine.accounts) == before


def test_families_are_told_apart(house: House) -> None:
    treasury = house.engine.treasury
    assert [treasury.family_of(account) for account in (ANN, BEN, DAN, EVE)] == [ANN, BEN, ANN, ANN]
    assert [sub.account_id for sub in treasury.sub_accounts(ANN)] == [DAN, EVE]
    assert treasury.sub_accounts(DAN) == treasury.sub_accounts(BEN) == []


def test_withdrawal_goes_to_a_listed_address_and_pays_its_fee(house: House) -> None:
    assert code(house.apply(Withdraw, **OUT)) == -4035
    house.apply(AllowAddress, **BOOK, name="home")
    ledger = house.engine.ledger
    issued = ledger.balance(ISSUER_ACCOUNT_ID, "USDT").free
    (event,) = house.apply(Withdraw, **OUT)  # type: ignore[misc]  # a refusal does not unpack
    assert (event.account_id, event.delta) == (ANN, -units(10))
    assert ledger.available(ANN, "USDT") == units(19_990)
    assert ledger.available(FEE_ACCOUNT_ID, "USDT") == units(1)
    assert ledger.balance(ISSUER_ACCOUNT_ID, "USDT").free == issued + units(9)
    (record,) = house.engine.treasury.withdrawals
    assert (record.amount, record.fee, record.withdrawal_id, record.address) == (
        units(10), units(1), "w1", "ww1home",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"amount": units(20_000)}, None),
        ({"amount": units(20_000) + 1}, -4026),
        ({"wallet": "FUNDING"}, -4026),
        ({"amount": units(1)}, -1130),
        ({"fee": -1}, -1130),
        ({"withdrawal_id": ""}, -1130),
        ({"address": "ww1homf"}, -4035),
        ({"address": "WW1HOME"}, -4035),
        ({"network": "ETH"}, -4035),
        ({"asset": "BTC"}, -4035),
        ({"address_tag": "7"}, -4035),
        ({"account_id": BEN}, -4035),
        ({"account_id": 99}, -1130),
    ],
)
def test_withdrawal_one_step_off_is_refused(
    house: House, change: dict[str, Any], expected: int | None
) -> None:
    house.apply(AllowAddress, **BOOK)
    applied = house.apply(Withdraw, **{**OUT, **change})
    assert isinstance(applied, list) if expected is None else code(applied) == expected


def test_withdraw_order_id_passes_once_for_an_account(house: House) -> None:
    house.apply(AllowAddress, **BOOK)
    assert isinstance(house.apply(Withdraw, **OUT, withdraw_order_id="mine"), list)
    assert code(house.apply(Withdraw, **OUT, withdraw_order_id="mine")) == -1130
    house.apply(AllowAddress, **{**BOOK, "account_id": BEN})
    assert isinstance(house.apply(Withdraw, **{**OUT, "account_id": BEN}, withdraw_order_id="mine"), list)


def test_address_book_forgets_renames_and_ends(house: House) -> None:
    treasury = house.engine.treasury
    house.apply(AllowAddress, **BOOK, name="old")
    added_us = treasury.addresses(ANN)[0].added_us
    house.apply(AllowAddress, **BOOK, name="new")
    assert [(entry.name, entry.added_us) for entry in treasury.addresses(ANN)] == [("new", added_us)]
    assert house.apply(ForgetAddress, **BOOK) == []
    assert code(house.apply(ForgetAddress, **BOOK)) == -1130
    assert code(house.apply(Withdraw, **OUT)) == -4035
    for number in range(ADDRESSES_PER_ACCOUNT_MAX):
        assert house.apply(AllowAddress, **{**BOOK, "address": f"a{number}"}) == []
    assert code(house.apply(AllowAddress, **BOOK)) == -1130
    assert house.apply(AllowAddress, **{**BOOK, "address": "a0"}, name="known") == []


@pytest.mark.parametrize(
    "change",
    [{"account_id": 99}, {"address": ""}, {"network": ""}, {"asset": ""}, {"address": "a\nb"},
     {"address": "x" * 257}, {"name": "x" * 65}],
)  # fmt: skip
def test_address_that_cannot_stand_in_a_book_is_refused(house: House, change: dict[str, Any]) -> None:
    assert code(house.apply(AllowAddress, **{**BOOK, **change})) == -1130


def test_deposit_with_a_transaction_is_in_the_history_and_another_is_not(house: House) -> None:
    house.apply(Deposit, account_id=ANN, asset="USDT", amount=5)
    assert not house.engine.treasury.deposits
    house.apply(Deposit, account_id=ANN, asset="USDT", amount=7, transaction_id="t", network="TESTNET")
    assert [(record.amount, record.transaction_id) for record in house.engine.treasury.deposits] == [(7, "t")]


def test_reset_empties_every_wallet_and_keeps_families_and_books(house: House) -> None:
    house.apply(AllowAddress, **BOOK)
    house.apply(Transfer, **{**MOVE, "to_wallet": "MARGIN"}, client_transfer_id="one")
    house.apply(Withdraw, **OUT)
    house.apply(ResetVenue)
    engine, treasury = house.engine, house.engine.treasury
    assert engine.ledger.total(filing_id(DAN, "MARGIN"), "USDT") == 0
    assert engine.ledger.available(ANN, "USDT") == units(20_000)
    assert not treasury.transfers
    assert not treasury.withdrawals
    assert [sub.account_id for sub in treasury.sub_accounts(ANN)] == [DAN, EVE]
    assert len(treasury.addresses(ANN)) == 1
    house.apply(Transfer, **MOVE, client_transfer_id="one")
    assert treasury.transfers[0].number == 3  # numbers never come again


def test_wallets_are_filed_apart_from_each_other_and_from_accounts() -> None:
    filed = {filing_id(account, wallet) for account in (1, 2, ACCOUNTS_MAX) for wallet in WALLETS}
    assert len(filed) == 3 * len(WALLETS)
    assert filing_id(7, "SPOT") == 7
    assert all(owner_of(filing_id(7, wallet)) == (7, wallet) for wallet in WALLETS)
    assert ACCOUNTS_MAX < WALLET_STRIDE
