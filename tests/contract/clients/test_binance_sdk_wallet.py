"""Binance's official wallet SDK, unmodified, against a real testnet: keys, wallets, withdrawals, permissions."""

import logging
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest

pytest.importorskip("binance_sdk_wallet")

from binance_common.configuration import ConfigurationRestAPI
from binance_common.errors import BadRequestError, Error, UnauthorizedError
from binance_sdk_wallet.rest_api import WalletRestAPI
from binance_sdk_wallet.rest_api.models import UserUniversalTransferTypeEnum
from binance_sdk_wallet.wallet import Wallet
from tests.support.floor import Account
from tests.support.testnet_process import KEY_TYPES, KeyType, TestnetKey, TestnetProcess

pytestmark = pytest.mark.client

LOOPBACK = "127.0.0.1"
ADDRESS = "0xfeedfacecafebeef"
BAD_KEY = (UnauthorizedError, -2015, "Invalid API-key, IP, or permissions for action.")
NOT_LISTED = (BadRequestError, -4035, "This address is not on the whitelist. Please join and try again.")
TO_FUNDING = UserUniversalTransferTypeEnum.MAIN_FUNDING
TO_SPOT = UserUniversalTransferTypeEnum.FUNDING_MAIN
#: Every permission a key can have on its own, but reading, and its member of the SDK's answer.
FLAGS = {
    "SPOT_AND_MARGIN_TRADING": "enable_spot_and_margin_trading",
    "WITHDRAWALS": "enable_withdrawals",
    "INTERNAL_TRANSFER": "enable_internal_transfer",
    "MARGIN": "enable_margin",
    "FUTURES": "enable_futures",
    "UNIVERSAL_TRANSFER": "permits_universal_transfer",
    "VANILLA_OPTIONS": "enable_vanilla_options",
    "FIX_API_TRADE": "enable_fix_api_trade",
    "FIX_API_READ_ONLY": "enable_fix_read_only",
    "PORTFOLIO_MARGIN_TRADING": "enable_portfolio_margin_trading",
}


def sdk(testnet: TestnetProcess, key: TestnetKey) -> WalletRestAPI:
    """The SDK as its users make it: defaults, and another base path."""
    keyed = {"api_secret": key.secret} if key.type == "HMAC" else {"private_key": key.pem}
    return Wallet(
        config_rest_api=ConfigurationRestAPI(base_path=testnet.rest, api_key=key.api_key, **keyed)
    ).rest_api


def client_for(account: Account, *permissions: str, ips: tuple[str, ...] = ()) -> WalletRestAPI:
    """The SDK with a new key of these permissions, beside reading."""
    key = account.testnet.create_key(account.name, "HMAC", permissions=["READING", *permissions], ips=ips)
    return sdk(account.testnet, key)


def refused(call: Any, *args: Any, **params: Any) -> tuple[type[Error], int, str]:
    """The SDK's own exception: class by HTTP status, Binance's code, text."""
    with pytest.raises(Error) as caught:
        call(*args, **params)
    return type(caught.value), caught.value.status_code, caught.value.error_message


@pytest.fixture(autouse=True)
def _models_hold(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """The SDK warns when a reply does not have the documented types; that is a fault of ours."""
    with caplog.at_level(logging.WARNING):
        yield
    assert [record.message for record in caplog.get_records("call") if "response" in record.message] == []


@pytest.mark.parametrize("key_type", KEY_TYPES)
def test_session_with_each_key_type_completes(account: Account, key_type: KeyType) -> None:
    testnet = account.testnet
    key = testnet.create_key(
        account.name,
        key_type,
        permissions=["READING", "WITHDRAWALS", "UNIVERSAL_TRANSFER"],
        ips=[LOOPBACK],
    )
    client = sdk(testnet, key)
    _reads(client)
    _moves_between_wallets(client)
    _withdraws(client, account)
    _sees_deposits(client, account)


def _reads(client: WalletRestAPI) -> None:
    assert client.system_status().data().status == 0
    assert client.account_status().data().data == "Normal"
    assert client.account_api_trading_status().data().data.is_locked is False
    assert client.account_info().data().vip_level == 0
    coins = {coin.coin: coin for coin in client.all_coins_information().data()}
    assert coins["BTC"].withdraw_all_enable is True
    assert coins["BTC"].network_list[0].withdraw_enable is True
    assert client.trade_fee(symbol="BTCUSDT").data()[0].symbol == "BTCUSDT"
    assert client.asset_detail(asset="BTC").data().additional_properties["BTC"]["withdrawStatus"] is True


def _moves_between_wallets(client: WalletRestAPI) -> None:
    assert client.funding_wallet().data() == []
    moved = client.user_universal_transfer(type=TO_FUNDING, asset="USDT", amount=1000.5).data()
    assert client.funding_wallet(need_btc_valuation=True).data()[0].free == "1000.5"
    (spot,) = client.user_asset(asset="USDT").data()
    assert Decimal(spot.free) == Decimal("248999.5")
    wallets = {one.wallet_name: one for one in client.query_user_wallet_balance(quote_asset="USDT").data()}
    assert wallets["Funding"].balance == "1000.5"
    detailed = client.query_user_wallet_balance(need_balance_detail=True).data()
    assert detailed[1].asset_balances[0].free == "1000.5"
    history = client.query_user_universal_transfer_history(type="MAIN_FUNDING").data()
    assert (history.total, history.rows[0].tran_id, history.rows[0].amount) == (1, moved.tran_id, "1000.5")
    client.user_universal_transfer(type=TO_SPOT, asset="USDT", amount=1000.5)
    assert client.funding_wallet().data() == []
    expected = (BadRequestError, -5013, "Asset transfer failed: insufficient balance")
    assert refused(client.user_universal_transfer, type=TO_SPOT, asset="USDT", amount=0.01) == expected


def _withdraws(client: WalletRestAPI, account: Account) -> None:
    assert refused(client.withdraw, coin="BTC", address=ADDRESS, amount=0.5) == NOT_LISTED
    assert client.fetch_withdraw_address_list().data() == []
    account.testnet.admin("address.allow", account=account.name, asset="BTC", address=ADDRESS, name="cold")
    (listed,) = client.fetch_withdraw_address_list().data()
    assert (listed.address, listed.coin, listed.name, listed.white_status) == (ADDRESS, "BTC", "cold", True)
    assert refused(client.withdraw, coin="BTC", address=ADDRESS[:-1], amount=0.5) == NOT_LISTED
    made = client.withdraw(coin="BTC", address=ADDRESS, amount=0.5, withdraw_order_id="mine").data()
    (row,) = client.withdraw_history(withdraw_order_id="mine").data()
    assert (row.id, row.amount, row.status, row.coin, row.address) == (made.id, "0.5", 6, "BTC", ADDRESS)
    assert Decimal(client.fetch_withdraw_quota().data().used_wd_quota) > 0
    account.testnet.admin("address.forget", account=account.name, asset="BTC", address=ADDRESS)
    assert refused(client.withdraw, coin="BTC", address=ADDRESS, amount=0.5) == NOT_LISTED


def _sees_deposits(client: WalletRestAPI, account: Account) -> None:
    address = client.deposit_address(coin="BTC").data().address
    assert client.fetch_deposit_address_list_with_network(coin="BTC").data()[0].address == address
    account.testnet.deposit(account.name, "BTC", "0.25")
    (row,) = client.deposit_history(coin="BTC").data()
    assert (row.amount, row.address, row.status) == ("0.25", address, 1)


@pytest.mark.parametrize("permission", FLAGS)
def test_api_restrictions_show_each_permission_alone(account: Account, permission: str) -> None:
    shown = client_for(account, permission, ips=(LOOPBACK,)).get_api_key_permission().data()
    assert shown.enable_reading is True
    assert shown.ip_restrict is True
    assert shown.create_time > 1_700_000_000_000
    assert {name for name, member in FLAGS.items() if getattr(shown, member)} == {permission}


def test_api_restrictions_show_an_edit_at_the_next_request(account: Account) -> None:
    key = account.testnet.create_key(account.name, "HMAC", permissions=["READING"])
    client = sdk(account.testnet, key)
    before = client.get_api_key_permission().data()
    assert (before.ip_restrict, before.enable_withdrawals) == (False, False)
    account.testnet.admin(
        "key.edit", api_key=key.api_key, permissions=["READING", "WITHDRAWALS"], ips=[LOOPBACK]
    )
    after = client.get_api_key_permission().data()
    assert (after.ip_restrict, after.enable_withdrawals) == (True, True)


def test_api_restrictions_say_when_an_unbound_key_loses_trading(account: Account) -> None:
    ends = "tradingAuthorityExpirationTime"
    unbound = client_for(account, "SPOT_AND_MARGIN_TRADING").get_api_key_permission().data()
    assert 29.9 < (unbound.additional_properties[ends] - unbound.create_time) / 86_400_000 < 30.1
    bound = client_for(account, "SPOT_AND_MARGIN_TRADING", ips=(LOOPBACK,)).get_api_key_permission().data()
    assert ends not in bound.additional_properties
    reading = client_for(account).get_api_key_permission().data()
    assert ends not in reading.additional_properties


def test_transfer_needs_its_own_permission(account: Account) -> None:
    transfer = {"type": TO_FUNDING, "asset": "USDT", "amount": 1.0}
    others = [name for name in FLAGS if name != "UNIVERSAL_TRANSFER"]
    without = client_for(account, *others, ips=(LOOPBACK,))
    assert refused(without.user_universal_transfer, **transfer) == BAD_KEY
    assert without.query_user_universal_transfer_history(type="MAIN_FUNDING").data().total == 0
    client_for(account, "UNIVERSAL_TRANSFER").user_universal_transfer(**transfer)
    assert without.query_user_universal_transfer_history(type="MAIN_FUNDING").data().total == 1


def test_withdrawal_needs_its_own_permission_and_an_address_list(account: Account) -> None:
    account.testnet.admin("address.allow", account=account.name, asset="BTC", address=ADDRESS)
    withdrawal = {"coin": "BTC", "address": ADDRESS, "amount": 0.1}
    others = [name for name in FLAGS if name != "WITHDRAWALS"]
    assert refused(client_for(account, *others, ips=(LOOPBACK,)).withdraw, **withdrawal) == BAD_KEY
    elsewhere = client_for(account, "WITHDRAWALS", ips=("192.0.2.1",))
    assert refused(elsewhere.withdraw, **withdrawal) == BAD_KEY
    with pytest.raises(RuntimeError, match="needs an IP list"):
        client_for(account, "WITHDRAWALS")
    client = client_for(account, "WITHDRAWALS", ips=(LOOPBACK,))
    assert len(client.withdraw(**withdrawal).data().id) == 32
    assert len(client.withdraw_history().data()) == 1


def test_key_that_only_reads_reads_everything_and_moves_nothing(account: Account) -> None:
    client = client_for(account)
    assert client.user_asset().data()
    assert client.withdraw_history().data() == []
    assert client.deposit_history().data() == []
    assert refused(client.withdraw, coin="BTC", address=ADDRESS, amount=1.0) == BAD_KEY
    transfer = {"type": TO_FUNDING, "asset": "USDT", "amount": 1.0}
    assert refused(client.user_universal_transfer, **transfer) == BAD_KEY
