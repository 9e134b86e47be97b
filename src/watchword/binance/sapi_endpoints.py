"""The /sapi routes of wallet, sub-accounts and special keys: security, weights by address and account, permission.

Apart from `endpoints.ENDPOINTS`, because only the testnet serves them by name. A gateway must not take one for a read
because its security type says USER_DATA: to it they stay routes nobody listed, and what changes something is refused
unless a policy types it. A name is method and path, as policies write it. No handlers here.

Source: the official wallet, sub-account and margin SDKs; developers.binance.com. Where a page names the permission
its caller needs, that is taken; where it names none for a route that makes or changes keys, the neighbouring
routes' SPOT_AND_MARGIN_TRADING is, so that a key that only reads cannot make one that trades.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from watchword.binance.endpoints import Endpoint, Security, Unrouted
from watchword.binance.enums import Permission
from watchword.binance.weights import flat


def _sapi(
    route: str,
    *,
    ip: int = 0,
    uid: int = 0,
    security: Security = "USER_DATA",
    needs: Permission | None = None,
) -> Endpoint:
    """A route below /sapi. `route` is `METHOD path`; `ip` and `uid` are its weights."""
    http_method, _, path = route.partition(" ")
    path = f"/sapi/{path}"
    return Endpoint(
        name=f"{http_method} {path}",
        http_method=http_method,
        path=path,
        ws_method="",
        security=security,
        weigh=flat(ip),
        family="sapi",
        uid_weight=uid,
        permission=needs,
    )


_TRADING: Final = "SPOT_AND_MARGIN_TRADING"

_SUB_ACCOUNTS: Final = (
    _sapi("POST v1/sub-account/virtualSubAccount", ip=1, needs=_TRADING),
    _sapi("GET v1/sub-account/list", ip=1),
    _sapi("GET v1/sub-account/status", ip=10),
    _sapi("POST v1/sub-account/subAccountApi", uid=3_000, needs=_TRADING),
    _sapi("GET v1/sub-account/subAccountApi", uid=3_000),
    _sapi("DELETE v1/sub-account/subAccountApi", uid=3_000, needs=_TRADING),
    _sapi("POST v1/sub-account/subAccountApiPermission", uid=3_000, needs=_TRADING),
    _sapi("POST v2/sub-account/subAccountApi/ipRestriction", uid=3_000, needs=_TRADING),
    _sapi("GET v1/sub-account/subAccountApi/ipRestriction", uid=3_000),
    _sapi("DELETE v1/sub-account/subAccountApi/ipRestriction/ipList", uid=3_000, needs=_TRADING),
    _sapi("GET v3/sub-account/assets", uid=60),
    _sapi("GET v4/sub-account/assets", uid=60),
    _sapi("GET v1/sub-account/spotSummary", ip=1),
    _sapi("POST v1/sub-account/universalTransfer", ip=1, uid=360, needs="INTERNAL_TRANSFER"),
    _sapi("GET v1/sub-account/universalTransfer", ip=1),
    _sapi("GET v1/sub-account/sub/transfer/history", ip=1),
    _sapi("POST v1/sub-account/transfer/subToMaster", ip=1, needs=_TRADING),
    _sapi("POST v1/sub-account/transfer/subToSub", ip=1, needs=_TRADING),
    _sapi("GET v1/sub-account/transfer/subUserHistory", ip=1),
    _sapi("GET v1/capital/deposit/subAddress", ip=1),
    _sapi("GET v1/capital/deposit/subHisrec", ip=1),
)

_WALLET: Final = (
    _sapi("GET v1/account/info", ip=1),
    _sapi("GET v1/asset/assetDetail", ip=1),
    _sapi("POST v1/asset/dust-btc", ip=1),
    _sapi("POST v1/asset/get-funding-asset", ip=1),
    _sapi("POST v3/asset/getUserAsset", ip=5),
    _sapi("POST v1/asset/transfer", uid=300, needs="UNIVERSAL_TRANSFER"),
    _sapi("GET v1/asset/transfer", ip=1),
    _sapi("GET v1/asset/wallet/balance", ip=60),
    _sapi("GET v1/capital/deposit/address", ip=10),
    _sapi("GET v1/capital/deposit/address/list", ip=10),
    _sapi("GET v1/capital/deposit/hisrec", ip=1),
    _sapi("POST v1/capital/withdraw/apply", uid=900, needs="WITHDRAWALS"),
    _sapi("GET v1/capital/withdraw/history", uid=18_000),
    _sapi("GET v1/capital/withdraw/address/list", ip=10),
    _sapi("GET v1/capital/withdraw/quota", ip=10),
)

_SPECIAL_KEYS: Final = (
    _sapi("POST v1/margin/apiKey", uid=1, security="TRADE"),
    _sapi("GET v1/margin/apiKey", uid=1, security="TRADE"),
    _sapi("GET v1/margin/api-key-list", uid=1, security="TRADE"),
    _sapi("PUT v1/margin/apiKey/ip", uid=1, security="TRADE"),
    _sapi("DELETE v1/margin/apiKey", uid=1, security="TRADE"),
    _sapi("POST v1/margin/exit-special-key-mode", uid=10, security="TRADE"),
)

SAPI_ENDPOINTS: Final[tuple[Endpoint, ...]] = (*_SUB_ACCOUNTS, *_WALLET, *_SPECIAL_KEYS)

SAPI_BY_NAME: Final[Mapping[str, Endpoint]] = MappingProxyType({e.name: e for e in SAPI_ENDPOINTS})

_PATHS: Final = frozenset(e.path for e in SAPI_ENDPOINTS)


def classify_sapi(http_method: str, path: str, otherwise: Unrouted) -> Endpoint | Unrouted:
    """Find the endpoint of a REST request that `endpoints.classify` did not find.

    Args:
        http_method: Upper case, as on the request line.
        path: Without the query string, percent-escapes untouched.
        otherwise: Why `classify` found none.

    Returns:
        The endpoint, or why there is none: METHOD_NOT_ALLOWED for a path of this table with another method.
    """
    found = SAPI_BY_NAME.get(f"{http_method} {path}")
    if found is not None:
        return found
    return "METHOD_NOT_ALLOWED" if path in _PATHS else otherwise
