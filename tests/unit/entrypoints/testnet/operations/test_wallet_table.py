"""Every wallet route has a handler, a weight as published and its own permission; what is left out is unknown."""

import pytest

from watchword.binance.endpoints import classify
from watchword.binance.sapi_endpoints import SAPI_BY_NAME, classify_sapi
from watchword.entrypoints.testnet.operations import OPERATIONS
from watchword.entrypoints.testnet.operations.wallet_table import WALLET_OPERATIONS

#: Route → security, weight by address, weight by account, permission beyond the security type.
ROUTES = {
    "GET /sapi/v1/account/info": ("USER_DATA", 1, 0, None),
    "GET /sapi/v1/asset/assetDetail": ("USER_DATA", 1, 0, None),
    "POST /sapi/v1/asset/dust-btc": ("USER_DATA", 1, 0, None),
    "POST /sapi/v1/asset/get-funding-asset": ("USER_DATA", 1, 0, None),
    "POST /sapi/v3/asset/getUserAsset": ("USER_DATA", 5, 0, None),
    "GET /sapi/v1/asset/wallet/balance": ("USER_DATA", 60, 0, None),
    "POST /sapi/v1/asset/transfer": ("USER_DATA", 0, 300, "UNIVERSAL_TRANSFER"),
    "GET /sapi/v1/asset/transfer": ("USER_DATA", 1, 0, None),
    "GET /sapi/v1/capital/deposit/address": ("USER_DATA", 10, 0, None),
    "GET /sapi/v1/capital/deposit/address/list": ("USER_DATA", 10, 0, None),
    "GET /sapi/v1/capital/deposit/hisrec": ("USER_DATA", 1, 0, None),
    "POST /sapi/v1/capital/withdraw/apply": ("USER_DATA", 0, 900, "WITHDRAWALS"),
    "GET /sapi/v1/capital/withdraw/history": ("USER_DATA", 0, 18_000, None),
    "GET /sapi/v1/capital/withdraw/address/list": ("USER_DATA", 10, 0, None),
    "GET /sapi/v1/capital/withdraw/quota": ("USER_DATA", 10, 0, None),
    "POST /sapi/v1/margin/apiKey": ("TRADE", 0, 1, None),
    "GET /sapi/v1/margin/apiKey": ("TRADE", 0, 1, None),
    "GET /sapi/v1/margin/api-key-list": ("TRADE", 0, 1, None),
    "PUT /sapi/v1/margin/apiKey/ip": ("TRADE", 0, 1, None),
    "DELETE /sapi/v1/margin/apiKey": ("TRADE", 0, 1, None),
    "POST /sapi/v1/margin/exit-special-key-mode": ("TRADE", 0, 10, None),
}
LEFT_OUT = (
    "GET /sapi/v1/accountSnapshot",
    "POST /sapi/v1/asset/dust",
    "GET /sapi/v1/asset/dribblet",
    "GET /sapi/v1/asset/assetDividend",
    "POST /sapi/v1/bnbBurn",
    "POST /sapi/v1/account/enableFastWithdrawSwitch",
    "POST /sapi/v1/localentity/withdraw/apply",
)


def test_table_holds_exactly_these_routes() -> None:
    assert WALLET_OPERATIONS.keys() == ROUTES.keys()
    assert all(OPERATIONS[name] is handler for name, handler in WALLET_OPERATIONS.items())


@pytest.mark.parametrize("name", ROUTES)
def test_route_has_its_security_weights_and_permission(name: str) -> None:
    endpoint = SAPI_BY_NAME[name]
    assert (endpoint.security, endpoint.weight({}), endpoint.uid_weight, endpoint.permission) == ROUTES[name]
    assert endpoint.ws_method == ""


@pytest.mark.parametrize("name", LEFT_OUT)
def test_route_that_is_left_out_is_unknown(name: str) -> None:
    method, _, path = name.partition(" ")
    why = classify(method, path)
    assert why == "NOT_FOUND"
    assert classify_sapi(method, path, why) == "NOT_FOUND"
