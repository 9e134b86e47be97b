"""Special keys of margin trading, end to end, through the request sender that all of Binance's official SDKs share.

Why not the margin SDK: it would be one more dependency for six calls.
"""

from typing import Any

import pytest

pytest.importorskip("binance_sdk_wallet")

import requests
from binance_common.errors import BadRequestError, Error, UnauthorizedError
from binance_common.signature import Signers
from binance_common.utils import send_request
from binance_sdk_wallet.rest_api import WalletRestAPI
from tests.contract.clients.test_binance_sdk_wallet import sdk
from tests.support.floor import LAST, SYMBOL, Account
from tests.support.key_pairs import new_key_pair
from tests.support.testnet_process import KEY_TYPES, KeyType, TestnetKey

pytestmark = pytest.mark.client

ONE = "/sapi/v1/margin/apiKey"
LIST = "/sapi/v1/margin/api-key-list"
EDIT_IP = "/sapi/v1/margin/apiKey/ip"
EXIT = "/sapi/v1/margin/exit-special-key-mode"
BAD_KEY = (UnauthorizedError, -2015)
ORDER = {
    "symbol": SYMBOL,
    "side": "BUY",
    "type": "LIMIT",
    "timeInForce": "GTC",
    "quantity": "0.01",
    "price": LAST - 1000,
}


def ask(client: WalletRestAPI, method: str, path: str, **params: object) -> Any:
    """One signed request with the client's key."""
    configuration = client.configuration
    signer = Signers.get_signer(configuration.private_key) if configuration.private_key else None
    with requests.Session() as session:
        return send_request(
            session, configuration, method, path, dict(params), is_signed=True, signer=signer
        ).data()


def refused(client: WalletRestAPI, method: str, path: str, **params: object) -> tuple[type[Error], int]:
    with pytest.raises(Error) as caught:
        ask(client, method, path, **params)
    return type(caught.value), caught.value.status_code


@pytest.fixture
def master(account: Account) -> WalletRestAPI:
    return sdk(account.testnet, account.testnet.create_key(account.name, "HMAC"))


def make(master: WalletRestAPI, key_type: KeyType, **params: object) -> TestnetKey:
    """A special key, as its owner holds it."""
    pem, public = ("", "") if key_type == "HMAC" else new_key_pair(key_type)
    sent = {"publicKey": public} if public else {}
    made = ask(master, "POST", ONE, apiName="fast", **sent, **params)
    return TestnetKey(key_type, made["apiKey"], made["secretKey"] or "", pem)


@pytest.mark.parametrize("key_type", KEY_TYPES)
def test_special_key_of_each_type_trades_until_it_is_deleted(
    account: Account, master: WalletRestAPI, key_type: KeyType
) -> None:
    key = make(master, key_type, ip="127.0.0.1")
    special = sdk(account.testnet, key)
    placed = ask(special, "POST", "/api/v3/order", **ORDER)
    ask(special, "DELETE", "/api/v3/order", symbol=SYMBOL, orderId=placed["orderId"])
    shown = special.get_api_key_permission().data()
    assert (shown.ip_restrict, shown.enable_spot_and_margin_trading, shown.enable_withdrawals) == (
        True, True, False,
    )  # fmt: skip
    assert [row["apiKey"] for row in ask(master, "GET", LIST)] == [key.api_key]
    assert ask(master, "GET", ONE, apiKey=key.api_key)["ip"] == "127.0.0.1"
    assert refused(special, "DELETE", ONE, apiKey=key.api_key) == BAD_KEY
    assert ask(master, "DELETE", ONE, apiKey=key.api_key) == {}
    assert refused(special, "POST", "/api/v3/order", **ORDER) == BAD_KEY


def test_special_key_bound_to_another_address_is_refused_at_once(
    account: Account, master: WalletRestAPI
) -> None:
    key = make(master, "HMAC")
    special = sdk(account.testnet, key)
    assert special.get_api_key_permission().data().ip_restrict is False
    assert ask(master, "PUT", EDIT_IP, apiKey=key.api_key, ip="192.0.2.1") == {}
    assert refused(special, "GET", "/api/v3/account") == BAD_KEY
    assert ask(master, "PUT", EDIT_IP, apiKey=key.api_key, ip="192.0.2.1,127.0.0.1") == {}
    assert special.get_api_key_permission().data().ip_restrict is True


def test_read_mode_reads_and_does_not_trade(account: Account, master: WalletRestAPI) -> None:
    special = sdk(account.testnet, make(master, "ED25519", permissionMode="READ"))
    assert ask(special, "GET", "/api/v3/account")["canTrade"] is True
    assert refused(special, "POST", "/api/v3/order", **ORDER) == BAD_KEY


def test_isolated_key_trades_its_symbol_only(account: Account, master: WalletRestAPI) -> None:
    special = sdk(account.testnet, make(master, "HMAC", symbol=SYMBOL))
    ask(special, "POST", "/api/v3/order/test", **ORDER)
    assert refused(special, "POST", "/api/v3/order/test", **{**ORDER, "symbol": "ETHUSDT"}) == BAD_KEY


@pytest.mark.parametrize(
    ("method", "path", "params"),
    [
        ("POST", ONE, {"apiName": "x"}),
        ("GET", ONE, {"apiKey": "x"}),
        ("GET", LIST, {}),
        ("PUT", EDIT_IP, {"apiKey": "x", "ip": "192.0.2.1"}),
        ("DELETE", ONE, {"apiName": "x"}),
        ("POST", EXIT, {}),
    ],
)
def test_key_without_trading_manages_no_special_keys(
    account: Account, master: WalletRestAPI, method: str, path: str, params: dict[str, str]
) -> None:
    others = ["READING", "MARGIN", "INTERNAL_TRANSFER", "UNIVERSAL_TRANSFER", "FUTURES"]
    reader = sdk(account.testnet, account.testnet.create_key(account.name, "HMAC", permissions=others))
    assert refused(reader, method, path, **params) == BAD_KEY
    # The twin that may trade is admitted; some find no such key then.
    if "apiKey" in params or method == "DELETE":
        assert refused(master, method, path, **params) == (BadRequestError, -2008)
    else:
        ask(master, method, path, **params)


def test_leaving_special_key_mode_ends_its_keys(account: Account, master: WalletRestAPI) -> None:
    special = sdk(account.testnet, make(master, "HMAC"))
    assert ask(master, "POST", EXIT) == {}
    assert refused(special, "GET", "/api/v3/account") == BAD_KEY
    assert refused(master, "POST", ONE, apiName="again") == (BadRequestError, -1020)
