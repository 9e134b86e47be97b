"""Binance's official sub-account SDK, unmodified: sub-accounts, their keys and their money, against a real testnet."""

import logging
from collections.abc import Iterator
from typing import Any

import pytest

pytest.importorskip("binance_sdk_sub_account")

from binance_common.configuration import ConfigurationRestAPI
from binance_common.errors import BadRequestError, Error, UnauthorizedError
from binance_sdk_spot.rest_api import SpotRestAPI
from binance_sdk_spot.rest_api.models import NewOrderSideEnum, NewOrderTimeInForceEnum, NewOrderTypeEnum
from binance_sdk_spot.spot import Spot
from binance_sdk_sub_account.rest_api import SubAccountRestAPI
from binance_sdk_sub_account.rest_api.models import (
    UniversalTransferFromAccountTypeEnum,
    UniversalTransferToAccountTypeEnum,
)
from binance_sdk_sub_account.sub_account import SubAccount
from tests.support.floor import LAST, SYMBOL, Account, Floor
from tests.support.key_pairs import new_key_pair
from tests.support.testnet_process import TestnetKey, TestnetProcess

pytestmark = pytest.mark.client

MASTER = ("READING", "SPOT_AND_MARGIN_TRADING", "INTERNAL_TRANSFER")
BAD_KEY = (UnauthorizedError, -2015, "Invalid API-key, IP, or permissions for action.")
MASTER_ONLY = (BadRequestError, -4006, "Support main account only.")
UNKNOWN_EMAIL = (BadRequestError, -4003, "Your input email is invalid.")
UNKNOWN_KEY = (BadRequestError, -2008, "Invalid Api-Key ID.")
FROM, TO = UniversalTransferFromAccountTypeEnum, UniversalTransferToAccountTypeEnum


def sdk(testnet: TestnetProcess, key: TestnetKey) -> SubAccountRestAPI:
    """The SDK as its users make it: defaults, and another base path."""
    secret = {"api_secret": key.secret} if key.type == "HMAC" else {"private_key": key.pem}
    configured = ConfigurationRestAPI(base_path=testnet.rest, api_key=key.api_key, **secret)
    return SubAccount(config_rest_api=configured).rest_api


def spot(testnet: TestnetProcess, key: TestnetKey) -> SpotRestAPI:
    """The spot SDK with the same key."""
    secret = {"api_secret": key.secret} if key.type == "HMAC" else {"private_key": key.pem}
    configured = ConfigurationRestAPI(base_path=testnet.rest, api_key=key.api_key, **secret)
    return Spot(config_rest_api=configured).rest_api


def refused(call: Any, *args: Any, **params: Any) -> tuple[type[Error], int, str]:
    """The SDK's own exception: class by HTTP status, Binance's code, text."""
    with pytest.raises(Error) as caught:
        call(*args, **params)
    return type(caught.value), caught.value.status_code, caught.value.error_message


@pytest.fixture(autouse=True)
def _models_hold(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """The SDK warns when a reply does not have the documented types; that is a fault of ours.

    But for routes whose reply it declares as a plain `object`: it warns there whatever comes.
    """
    with caplog.at_level(logging.WARNING):
        yield
    messages = [record.message for record in caplog.get_records("call")]
    assert [text for text in messages if "response" in text and "into object" not in text] == []


@pytest.fixture
def master(account: Account) -> SubAccountRestAPI:
    return sdk(account.testnet, account.testnet.create_key(account.name, "HMAC", permissions=MASTER))


@pytest.fixture
def email(master: SubAccountRestAPI) -> str:
    made = master.create_a_virtual_sub_account(sub_account_string="bot").data().email
    assert made is not None
    return made


def new_key(client: SubAccountRestAPI, email: str, **more: Any) -> TestnetKey:
    """A trading key of a sub-account, made by its master."""
    terms = {"api_name": "bot", "status": 1, "can_trade": True, **more}
    made = client.create_sub_account_api_key(email=email, **terms).data()
    return TestnetKey("HMAC", made.api_key, made.secret_key or "")


def test_virtual_sub_accounts_are_made_and_listed(master: SubAccountRestAPI, email: str) -> None:
    assert email.startswith("bot_virtual@")
    assert email.endswith("noemail.com")
    other = master.create_a_virtual_sub_account(sub_account_string="bot").data().email
    listed = master.query_sub_account_list(limit=200).data().sub_accounts
    assert [sub.email for sub in listed] == [email, other]
    assert [(sub.is_freeze, sub.is_managed_sub_account, sub.remark) for sub in listed] == [
        (False, False, "")
    ] * 2
    assert (
        len(master.query_sub_account_list().data().sub_accounts) == 1
    )  # Binance's page is one row by default
    assert [sub.email for sub in master.query_sub_account_list(page=2).data().sub_accounts] == [other]
    assert master.query_sub_account_list(is_freeze="true", limit=200).data().sub_accounts == []
    assert [sub.email for sub in master.query_sub_account_list(email=other).data().sub_accounts] == [other]
    (status,) = master.get_sub_accounts_status_on_margin_or_futures(email=email).data()
    assert (status.is_user_active, status.is_future_enabled) == (True, False)
    assert refused(master.query_sub_account_list, limit=201)[1] == -1130
    assert refused(master.create_a_virtual_sub_account, sub_account_string="a b")[1] == -1100


def test_master_rotates_a_sub_accounts_key_over_sapi_alone(
    account: Account, master: SubAccountRestAPI, email: str
) -> None:
    testnet = account.testnet
    master.universal_transfer(
        from_account_type=FROM.SPOT, to_account_type=TO.SPOT, asset="USDT", amount=1000.0, to_email=email
    )
    old = new_key(master, email, api_name="generation 1")
    order = {
        "symbol": SYMBOL, "side": NewOrderSideEnum.BUY, "type": NewOrderTypeEnum.LIMIT,
        "time_in_force": NewOrderTimeInForceEnum.GTC, "quantity": 0.01, "price": LAST - 1000.0,
    }  # fmt: skip
    placed = spot(testnet, old).new_order(**order).data()

    new = new_key(master, email, api_name="generation 2")
    # Both work while the bot changes over; the new one sees what the old one left.
    for key in (old, new):
        assert spot(testnet, key).get_open_orders(symbol=SYMBOL).data()[0].order_id == placed.order_id
    master.delete_sub_account_api_key(email=email, sub_account_api_key=old.api_key)

    assert refused(spot(testnet, old).get_open_orders, symbol=SYMBOL) == BAD_KEY
    spot(testnet, new).delete_order(symbol=SYMBOL, order_id=placed.order_id)
    left = master.query_sub_account_api_key(email=email).data()
    assert (left.total, [(row.apikey, row.api_name) for row in left.rows]) == (
        1, [(new.api_key, "generation 2")],
    )  # fmt: skip
    assert (
        refused(master.delete_sub_account_api_key, email=email, sub_account_api_key=old.api_key)
        == UNKNOWN_KEY
    )


def test_ed25519_key_is_made_of_its_public_half(
    account: Account, master: SubAccountRestAPI, email: str
) -> None:
    private, public = new_key_pair("ED25519")
    made = master.create_sub_account_api_key(email=email, api_name="ed", status=1, public_key=public).data()
    assert made.secret_key is None
    key = TestnetKey("ED25519", made.api_key, "", private)
    assert spot(account.testnet, key).get_account().data().balances is not None
    for given in (private, new_key_pair("RSA")[1], "nonsense"):
        answer = refused(
            master.create_sub_account_api_key, email=email, api_name="ed", status=1, public_key=given
        )
        assert answer[1:] == (-1130, "Data sent for parameter 'publicKey' is not valid.")
    assert master.query_sub_account_api_key(email=email).data().total == 1


def test_permissions_follow_what_was_sent(account: Account, master: SubAccountRestAPI, email: str) -> None:
    made = master.create_sub_account_api_key(email=email, api_name="bot", status=1).data()
    key = TestnetKey("HMAC", made.api_key, made.secret_key or "")
    assert (made.can_trade, made.can_futures_trade, made.status, made.ip_list) == (False, False, 1, [])
    order = {
        "symbol": SYMBOL, "side": NewOrderSideEnum.BUY, "type": NewOrderTypeEnum.MARKET, "quantity": 0.01,
    }  # fmt: skip
    assert refused(spot(account.testnet, key).order_test, **order) == BAD_KEY
    changed = master.modify_sub_account_api_key_permission(
        email=email, sub_account_api_key=key.api_key, can_trade=True, can_universal_transfer=True
    ).data()
    assert (changed.apikey, changed.can_trade, changed.can_universal_transfer) == (key.api_key, True, True)
    spot(account.testnet, key).order_test(**order)
    master.modify_sub_account_api_key_permission(
        email=email, sub_account_api_key=key.api_key, can_trade=False
    )
    (row,) = master.query_sub_account_api_key(email=email, sub_account_api_key=key.api_key).data().rows
    # What was not sent stayed.
    assert (row.can_trade, row.can_universal_transfer) == (False, True)
    assert refused(spot(account.testnet, key).order_test, **order) == BAD_KEY


def test_address_list_is_added_to_read_and_taken_from(
    account: Account, master: SubAccountRestAPI, email: str
) -> None:
    key = new_key(master, email)
    named = {"email": email, "sub_account_api_key": key.api_key}
    before = master.get_ip_restriction_for_a_sub_account_api_key(**named).data()
    assert (before.ip_restrict, before.ip_list) == ("false", [])
    added = master.add_ip_restriction_for_sub_account_api_key(
        **named, status=2, ip_address="192.0.2.7,192.0.2.8"
    ).data()
    assert (added.status, added.ip_list, added.api_key) == ("2", ["192.0.2.7", "192.0.2.8"], key.api_key)
    assert refused(spot(account.testnet, key).get_account) == BAD_KEY
    master.add_ip_restriction_for_sub_account_api_key(**named, status=2, ip_address="127.0.0.1")
    spot(account.testnet, key).get_account()
    left = master.delete_ip_list_for_a_sub_account_api_key(**named, ip_address="192.0.2.7,127.0.0.1").data()
    assert (left.ip_restrict, left.ip_list) == ("true", ["192.0.2.8"])
    assert refused(spot(account.testnet, key).get_account) == BAD_KEY
    # Taking the last away would let everybody in; taking what is not there is a mistake.
    for address in ("192.0.2.8", "192.0.2.9", "nowhere"):
        assert (
            refused(master.delete_ip_list_for_a_sub_account_api_key, **named, ip_address=address)[1] == -1130
        )
    opened = master.add_ip_restriction_for_sub_account_api_key(**named, status=1).data()
    assert (opened.status, opened.ip_list) == ("1", [])
    spot(account.testnet, key).get_account()


def test_thirty_addresses_fit_and_one_more_does_not(master: SubAccountRestAPI, email: str) -> None:
    named = {"email": email, "sub_account_api_key": new_key(master, email).api_key, "status": 2}
    add = master.add_ip_restriction_for_sub_account_api_key
    assert refused(add, **named)[1] == -1102
    thirty = [f"192.0.2.{number}" for number in range(30)]
    assert len(add(**named, ip_address=",".join(thirty)).data().ip_list) == 30
    assert len(add(**named, ip_address=thirty[0]).data().ip_list) == 30
    assert refused(add, **named, ip_address="192.0.2.30")[1:] == (
        -1130, "Data sent for parameter 'ipAddress' is not valid.",
    )  # fmt: skip
    make = master.create_sub_account_api_key
    assert refused(make, email=email, api_name="x", status=2)[1] == -1102
    assert refused(make, email=email, api_name="x", status=3)[1] == -1102


def test_money_moves_within_the_family_and_is_listed(
    account: Account, master: SubAccountRestAPI, email: str
) -> None:
    spotty = {"from_account_type": FROM.SPOT, "to_account_type": TO.SPOT, "asset": "USDT"}
    sent = master.universal_transfer(**spotty, amount=100.5, to_email=email, client_tran_id="first").data()
    assert sent.client_tran_id == "first"
    again = refused(master.universal_transfer, **spotty, amount=1.0, to_email=email, client_tran_id="first")
    assert again[1:] == (-1130, "Data sent for parameter 'clientTranId' is not valid.")
    assert refused(master.universal_transfer, **spotty, amount=1.0)[1] == -1102
    too_much = refused(master.universal_transfer, **spotty, amount=100.6, from_email=email)
    assert too_much[1:] == (-4026, "You have insufficient balance.")

    balances = master.query_sub_account_assets_asset_management(email=email).data().balances
    assert [(row.asset, row.free, row.locked) for row in balances] == [("USDT", "100.50000000", "0.00000000")]
    assert [
        (row.asset, row.free) for row in master.query_sub_account_assets(email=email).data().balances
    ] == [("USDT", 100.5)]
    summary = master.query_sub_account_spot_assets_summary().data()
    assert (summary.total_count, summary.spot_sub_user_asset_btc_vo_list[0].email) == (1, email)

    key = new_key(master, email)
    other = master.create_a_virtual_sub_account(sub_account_string="other").data().email
    sub = sdk(account.testnet, key)
    to_master = sub.transfer_to_master(asset="USDT", amount=0.5).data().txn_id
    to_other = sub.transfer_to_sub_account_of_same_master(to_email=other, asset="USDT", amount=40.0).data()
    mine = sub.sub_account_transfer_history().data()
    assert [(row.counter_party, row.email, row.type, row.qty, str(row.tran_id)) for row in mine] == [
        ("subAccount", other, 2, "40", to_other.txn_id), ("master", account.name, 2, "0.5", to_master),
    ]  # fmt: skip
    (got,) = sub.sub_account_transfer_history(type=1).data()
    assert (got.counter_party, got.qty, got.status, got.from_account_type) == (
        "master", "100.5", "SUCCESS", "SPOT",
    )  # fmt: skip
    universal = master.query_universal_transfer_history().data()
    assert (universal.total_count, [(row.tran_id, row.to_email) for row in universal.result]) == (
        1, [(sent.tran_id, email)],
    )  # fmt: skip
    assert master.query_universal_transfer_history(client_tran_id="second").data().result == []
    sent_by_sub = master.query_sub_account_spot_asset_transfer_history(from_email=email).data()
    assert [(row.var_from, row.to, row.qty) for row in sent_by_sub] == [
        (email, other, "40"), (email, account.name, "0.5"),
    ]  # fmt: skip
    assert refused(
        master.query_universal_transfer_history, from_email=email, to_email=other
    )[1] == -1106  # fmt: skip


def test_margin_and_futures_wallets_take_only_the_documented_ways(
    master: SubAccountRestAPI, email: str
) -> None:
    def moved(origin: Any, target: Any, **ends: str) -> int:
        ways = {"from_account_type": origin, "to_account_type": target, "asset": "USDT", "amount": 1.0}
        return master.universal_transfer(**ways, **ends).data().tran_id

    assert moved(FROM.SPOT, TO.USDT_FUTURE, to_email=email) < moved(
        FROM.USDT_FUTURE, TO.SPOT, from_email=email
    )
    moved(FROM.SPOT, TO.MARGIN, to_email=email)
    moved(FROM.MARGIN, TO.SPOT, from_email=email)
    for origin, target, ends in (
        (FROM.SPOT, TO.MARGIN, {}),
        (FROM.MARGIN, TO.SPOT, {}),
        (FROM.USDT_FUTURE, TO.COIN_FUTURE, {"to_email": email}),
        (FROM.MARGIN, TO.MARGIN, {"to_email": email}),
        (FROM.SPOT, TO.ISOLATED_MARGIN, {"to_email": email}),
    ):
        with pytest.raises(BadRequestError) as caught:
            moved(origin, target, **ends)
        assert caught.value.status_code == -1130


def test_sub_accounts_own_key_and_another_masters_reach_nothing(
    floor: Floor, account: Account, master: SubAccountRestAPI, email: str
) -> None:
    testnet = account.testnet
    key = new_key(master, email)
    named = {"email": email, "sub_account_api_key": key.api_key}
    stranger = floor.new_account()
    strange = sdk(testnet, testnet.create_key(stranger.name, "HMAC", permissions=MASTER))
    theirs = strange.create_a_virtual_sub_account(sub_account_string="theirs").data().email
    universal = {"from_account_type": FROM.SPOT, "to_account_type": TO.SPOT, "asset": "USDT", "amount": 1.0}

    def calls(client: SubAccountRestAPI) -> list[tuple[Any, dict[str, Any]]]:
        return [
            (client.create_sub_account_api_key, {"email": email, "api_name": "x", "status": 1}),
            (client.query_sub_account_api_key, {"email": email}),
            (client.delete_sub_account_api_key, named),
            (client.modify_sub_account_api_key_permission, {**named, "can_trade": True}),
            (client.add_ip_restriction_for_sub_account_api_key, {**named, "status": 1}),
            (client.get_ip_restriction_for_a_sub_account_api_key, named),
            (client.delete_ip_list_for_a_sub_account_api_key, {**named, "ip_address": "192.0.2.7"}),
            (client.query_sub_account_assets_asset_management, {"email": email}),
            (client.get_sub_accounts_status_on_margin_or_futures, {"email": email}),
            (client.query_universal_transfer_history, {"from_email": email}),
        ]

    for call, params in calls(sdk(testnet, key)):
        assert refused(call, **params) == MASTER_ONLY, call
    for call, params in calls(strange):
        assert refused(call, **params) == UNKNOWN_EMAIL, call
    assert refused(strange.universal_transfer, **universal, from_email=email) == UNKNOWN_EMAIL
    # Nor by naming one's own sub-account and somebody else's key.
    assert (
        refused(strange.delete_sub_account_api_key, email=theirs, sub_account_api_key=key.api_key)
        == UNKNOWN_KEY
    )
    assert refused(master.transfer_to_master, asset="USDT", amount=1.0)[1] == -4001
    assert master.query_sub_account_api_key(email=email).data().total == 1
    stranger.close()


@pytest.mark.parametrize("missing", ["SPOT_AND_MARGIN_TRADING", "INTERNAL_TRANSFER"])
def test_each_permission_is_needed_where_it_is(account: Account, email: str, missing: str) -> None:
    held = [permission for permission in MASTER if permission != missing]
    client = sdk(account.testnet, account.testnet.create_key(account.name, "HMAC", permissions=held))
    way = {"from_account_type": FROM.SPOT, "to_account_type": TO.SPOT, "to_email": email}
    needs: dict[str, list[tuple[Any, dict[str, Any]]]] = {
        "SPOT_AND_MARGIN_TRADING": [
            (client.create_a_virtual_sub_account, {"sub_account_string": "more"}),
            (client.create_sub_account_api_key, {"email": email, "api_name": "x", "status": 1}),
        ],
        "INTERNAL_TRANSFER": [(client.universal_transfer, {**way, "asset": "USDT", "amount": 1.0})],
    }
    client.query_sub_account_api_key(email=email)
    for permission, calls in needs.items():
        for call, params in calls:
            if permission == missing:
                assert refused(call, **params) == BAD_KEY, call
            else:
                call(**params)
