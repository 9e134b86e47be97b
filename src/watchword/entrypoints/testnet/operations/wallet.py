"""The few /sapi routes that trading clients ask on their way in, and what this key may do. Reads only; moves no money.

Binance's own testnet has none of these. Like the real ones they ignore parameters they do not know.

Source: the official wallet and margin SDKs; wallet documentation of developers.binance.com.
"""

from typing import TYPE_CHECKING, Any, Final

import msgspec

from watchword.binance.errors import BAD_SYMBOL, WireError
from watchword.credentials.key_life import endings
from watchword.credentials.permission import restriction_flags
from watchword.entrypoints.testnet.operations.assets import listed_assets
from watchword.entrypoints.testnet.operations.trading import credential_of
from watchword.entrypoints.testnet.render_wallet import NETWORK, SMALLEST, WITHDRAW_FEE
from watchword.exchange.ledger import BALANCE_MAX
from watchword.kernel.units import format_trimmed

if TYPE_CHECKING:
    from watchword.bootstrap.testnet import Testnet
    from watchword.entrypoints.testnet.operations.call import Call

#: Members of apiRestrictions in the order of the documented example.
RESTRICTION_ORDER: Final = (
    "enableReading",
    "enableWithdrawals",
    "enableInternalTransfer",
    "enableMargin",
    "enableFutures",
    "permitsUniversalTransfer",
    "enableVanillaOptions",
    "enableFixApiTrade",
    "enableFixReadOnly",
    "enableSpotAndMarginTrading",
    "enablePortfolioMarginTrading",
)
#: Triggers of the trading-status rules as Binance publishes them: cancel ratio, IOC/FOK expiry, unfilled ratio.
TRIGGERS: Final = {"GCR": 150, "IFER": 150, "UFR": 300}
US_PER_MS: Final = 1_000


async def api_restrictions(testnet: "Testnet", call: "Call") -> bytes | WireError:
    """GET account/apiRestrictions: what this key may do, and until when it may trade where a rule ends that."""
    credential = credential_of(call)
    flags = restriction_flags(credential.permissions)
    answer: dict[str, Any] = {
        "ipRestrict": bool(credential.restrictions.networks),
        "createTime": credential.created_us // US_PER_MS,
    }
    answer.update((name, flags[name]) for name in RESTRICTION_ORDER)
    ends_us = _trading_ends(testnet, credential.api_key, call.now_us)
    if ends_us:
        answer["tradingAuthorityExpirationTime"] = ends_us // US_PER_MS
    return msgspec.json.encode(answer)


def _trading_ends(testnet: "Testnet", api_key: str, now_us: int) -> int:
    """Return when a rule takes this key's trading, epoch microseconds; 0 where none does.

    Source: the member `tradingAuthorityExpirationTime`, documented from 2021 and absent from the SDK of today.
    """
    record = testnet.directory.record(api_key)
    if record is None:
        return 0
    coming = endings(record, testnet.directory.rules_at(now_us))
    return next((ending.at_us for ending in coming if ending.fate == "trading_lost"), 0)


async def api_trading_status(testnet: "Testnet", call: "Call") -> bytes | WireError:
    """GET account/apiTradingStatus: never locked."""
    account = testnet.venue.engine.accounts[credential_of(call).account_id]
    status = {
        "isLocked": False,
        "plannedRecoverTime": 0,
        "triggerCondition": TRIGGERS,
        "updateTime": account.created_us // US_PER_MS,
    }
    return msgspec.json.encode({"data": status})


async def account_status(testnet: "Testnet", call: "Call") -> bytes | WireError:  # noqa: ARG001 - a handler's signature
    """GET account/status."""
    return b'{"data":"Normal"}'


async def system_status(testnet: "Testnet", call: "Call") -> bytes | WireError:  # noqa: ARG001 - a handler's signature
    """GET system/status."""
    return b'{"status":0,"msg":"normal"}'


async def all_coins(testnet: "Testnet", call: "Call") -> bytes | WireError:
    """GET capital/config/getall: every listed asset with the account's balance."""
    engine = testnet.venue.engine
    held = engine.ledger.balances(credential_of(call).account_id)
    assets = listed_assets(engine) | dict.fromkeys(held)
    return msgspec.json.encode([_coin(asset, *held.get(asset, (0, 0))) for asset in assets])


async def margin_pairs(testnet: "Testnet", call: "Call") -> bytes | WireError:  # noqa: ARG001 - a handler's signature
    """GET margin/allPairs and margin/isolated/allPairs: there is no margin trading."""
    return b"[]"


async def trade_fee(testnet: "Testnet", call: "Call") -> bytes | WireError:
    """GET asset/tradeFee, of one symbol or of all."""
    engine = testnet.venue.engine
    account = engine.accounts[credential_of(call).account_id]
    symbol = call.params.get("symbol", "")
    if symbol and symbol not in engine.floors:
        return BAD_SYMBOL
    maker, taker = format_trimmed(account.maker_commission), format_trimmed(account.taker_commission)
    return msgspec.json.encode(
        [
            {"symbol": name, "makerCommission": maker, "takerCommission": taker}
            for name in ([symbol] if symbol else engine.floors)
        ]
    )


def _coin(asset: str, free: int, locked: int) -> dict[str, Any]:
    return {
        "coin": asset,
        "depositAllEnable": True,
        "withdrawAllEnable": True,
        "name": asset,
        "free": format_trimmed(free),
        "locked": format_trimmed(locked),
        "freeze": "0",
        "withdrawing": "0",
        "ipoing": "0",
        "ipoable": "0",
        "storage": "0",
        "isLegalMoney": False,
        "trading": True,
        "networkList": [_network(asset)],
    }


def _network(asset: str) -> dict[str, Any]:
    return {
        "network": NETWORK,
        "coin": asset,
        "withdrawIntegerMultiple": SMALLEST,
        "isDefault": True,
        "depositEnable": True,
        "withdrawEnable": True,
        "depositDesc": "",
        "withdrawDesc": "",
        "specialTips": "",
        "name": NETWORK,
        "resetAddressStatus": False,
        "addressRegex": "",
        "addressRule": "",
        "memoRegex": "",
        "withdrawFee": format_trimmed(WITHDRAW_FEE),
        "withdrawMin": SMALLEST,
        "withdrawMax": format_trimmed(BALANCE_MAX),
        "withdrawInternalMin": SMALLEST,
        "depositDust": SMALLEST,
        "minConfirm": 1,
        "unLockConfirm": 0,
        "sameAddress": False,
        "withdrawTag": False,
        "estimatedArrivalTime": 0,
        "busy": False,
        "contractAddressUrl": "",
        "contractAddress": "",
    }
