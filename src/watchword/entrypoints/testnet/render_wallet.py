"""Writes what an account's wallets hold and what went in and out of them, as Binance's JSON.

Knows no requests and changes nothing. Amounts are scaled integers, moments epoch microseconds.

Source: the official wallet SDK's models and the examples of its documentation.
"""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any, Final

import msgspec

from watchword.exchange.treasury import Address, DepositRecord, TransferRecord, WithdrawalRecord
from watchword.exchange.wallets import Wallet
from watchword.kernel.units import SCALE, format_scaled, format_trimmed

US_PER_MS: Final = 1_000
US_PER_S: Final = 1_000_000
#: The one made-up network coins travel on. Deposits come from the operator.
NETWORK: Final = "TESTNET"
#: What a withdrawal costs: there is no chain to pay.
WITHDRAW_FEE: Final = 0
#: The one state a withdrawal, and a deposit, is ever seen in here: there is no chain to wait for.
COMPLETED: Final = 6
CREDITED: Final = 1
#: What converting dust costs. Source: `dribbletPercentage` of the documented example.
DUST_CHARGE_PERCENT: Final = 2
#: 10^-8 of anything, the smallest amount there is.
SMALLEST: Final = "0.00000001"
#: As `GET wallet/balance` names the wallets, in its order; None: a kind that is always empty here.
WALLET_NAMES: Final[tuple[tuple[str, Wallet | None], ...]] = (
    ("Spot", "SPOT"),
    ("Funding", "FUNDING"),
    ("Cross Margin", "MARGIN"),
    ("Isolated Margin", None),
    ("USDⓈ-M Futures", "UM_FUTURES"),
    ("COIN-M Futures", "CM_FUTURES"),
    ("Earn", None),
    ("Options", "OPTIONS"),
    ("Trading Bots", None),
    ("Copy Trading", None),
)

Holding = tuple[str, int, int, int]


def user_assets(holdings: Iterable[Holding]) -> bytes:
    """Write `POST v3/asset/getUserAsset`.

    Args:
        holdings: (asset, free, locked, worth in BTC), in the order to show.
    """
    return msgspec.json.encode(
        [
            {
                "asset": asset,
                "free": format_trimmed(free),
                "locked": format_trimmed(locked),
                "freeze": "0",
                "withdrawing": "0",
                "ipoable": "0",
                "btcValuation": format_trimmed(worth),
            }
            for asset, free, locked, worth in holdings
        ]
    )


def funding_assets(holdings: Iterable[Holding]) -> bytes:
    """Write `POST asset/get-funding-asset`; `holdings` as for `user_assets`."""
    return msgspec.json.encode([_funding(holding) for holding in holdings])


def wallet_balances(
    held: Mapping[Wallet, list[Holding]], worths: Mapping[Wallet, int], *, detailed: bool
) -> bytes:
    """Write `GET asset/wallet/balance`.

    Args:
        held: Wallet → its holdings, as for `user_assets`.
        worths: Wallet → what all in it is worth, in the asset that was asked for.
        detailed: Whether to list the holdings.
    """
    rows: list[dict[str, Any]] = []
    for name, wallet in WALLET_NAMES:
        row: dict[str, Any] = {
            "activate": wallet is not None,
            "balance": format_trimmed(worths[wallet]) if wallet else "0",
            "walletName": name,
        }
        if detailed:
            holdings = held[wallet] if wallet else []
            row["assetBalances"] = [{**_funding(one), "assetName": one[0]} for one in holdings]
        rows.append(row)
    return msgspec.json.encode(rows)


def asset_details(assets: Iterable[str]) -> bytes:
    """Write `GET asset/assetDetail`."""
    return msgspec.json.encode(
        {
            asset: {
                "minWithdrawAmount": SMALLEST,
                "depositStatus": True,
                "withdrawFee": WITHDRAW_FEE,
                "withdrawStatus": True,
            }
            for asset in assets
        }
    )


def dust(rows: Iterable[tuple[str, int, int, int]]) -> bytes:
    """Write `POST asset/dust-btc`.

    Args:
        rows: (asset, free, worth in BTC, worth in BNB).
    """
    details: list[dict[str, str]] = []
    total_btc = total_bnb = 0
    for asset, free, in_btc, in_bnb in rows:
        charge = in_bnb * DUST_CHARGE_PERCENT // 100
        total_btc += in_btc
        total_bnb += in_bnb
        details.append(
            {
                "asset": asset,
                "assetFullName": asset,
                "amountFree": format_trimmed(free),
                "toBTC": format_scaled(in_btc),
                "toBNB": format_scaled(in_bnb),
                "toBNBOffExchange": format_scaled(in_bnb - charge),
                "exchange": format_scaled(charge),
            }
        )
    return msgspec.json.encode(
        {
            "details": details,
            "totalTransferBtc": format_scaled(total_btc),
            "totalTransferBNB": format_scaled(total_bnb),
            "dribbletPercentage": format_trimmed(DUST_CHARGE_PERCENT * SCALE // 100),
        }
    )


def address_list(entries: Iterable[Address]) -> bytes:
    """Write `GET capital/withdraw/address/list`."""
    return msgspec.json.encode(
        [
            {
                "address": entry.address,
                "addressTag": entry.address_tag,
                "coin": entry.asset,
                "name": entry.name,
                "network": entry.network,
                "origin": "",
                "originType": "others",
                "whiteStatus": True,
            }
            for entry in entries
        ]
    )


def transferred(number: int) -> bytes:
    """Write `POST asset/transfer`."""
    return msgspec.json.encode({"tranId": number})


def transfer_history(total: int, records: Iterable[TransferRecord], name: str) -> bytes:
    """Write `GET asset/transfer`: how many there are, and those of one page, all of one type."""
    rows = [
        {
            "timestamp": record.at_us // US_PER_MS,
            "asset": record.asset,
            "amount": format_trimmed(record.amount),
            "type": name,
            "status": "CONFIRMED",
            "tranId": record.number,
        }
        for record in records
    ]
    return msgspec.json.encode({"total": total, "rows": rows})


def withdrawn(withdrawal_id: str) -> bytes:
    """Write `POST capital/withdraw/apply`."""
    return msgspec.json.encode({"id": withdrawal_id})


def withdraw_history(records: Iterable[WithdrawalRecord]) -> bytes:
    """Write `GET capital/withdraw/history`. A withdrawal is complete as soon as it is made."""
    return msgspec.json.encode(
        [
            {
                "id": record.withdrawal_id,
                "amount": format_trimmed(record.amount - record.fee),
                "transactionFee": format_trimmed(record.fee),
                "coin": record.asset,
                "status": COMPLETED,
                "address": record.address,
                "txId": record.transaction_id,
                "applyTime": wall_time(record.at_us),
                "network": record.network,
                "transferType": 0,
                "withdrawOrderId": record.withdraw_order_id,
                "info": "",
                "confirmNo": 1,
                "walletType": int(record.wallet == "FUNDING"),
                "txKey": "",
                "completeTime": wall_time(record.at_us),
            }
            for record in records
        ]
    )


def withdraw_quota(quota: int, used: int) -> bytes:
    """Write `GET capital/withdraw/quota`."""
    return msgspec.json.encode({"wdQuota": format_trimmed(quota), "usedWdQuota": format_trimmed(used)})


def deposit_history(records: Iterable[DepositRecord], *, with_source: bool) -> bytes:
    """Write `GET capital/deposit/hisrec`. A deposit is credited as soon as it is made, by nobody in particular."""
    source = {"sourceAddress": ""} if with_source else {}
    return msgspec.json.encode(
        [
            {
                "id": str(record.number),
                "amount": format_trimmed(record.amount),
                "coin": record.asset,
                "network": record.network,
                "status": CREDITED,
                "address": record.address,
                "addressTag": "",
                "txId": record.transaction_id,
                "insertTime": record.at_us // US_PER_MS,
                "completeTime": record.at_us // US_PER_MS,
                "transferType": 0,
                "confirmTimes": "1/1",
                "unlockConfirm": 0,
                "walletType": 0,
                "travelRuleStatus": 0,
                **source,
            }
            for record in records
        ]
    )


def deposit_address(coin: str, address: str) -> bytes:
    """Write `GET capital/deposit/address`."""
    return msgspec.json.encode({"address": address, "coin": coin, "tag": "", "url": ""})


def deposit_address_list(coin: str, address: str) -> bytes:
    """Write `GET capital/deposit/address/list`."""
    return msgspec.json.encode([{"coin": coin, "address": address, "tag": "", "isDefault": 1}])


def wall_time(at_us: int) -> str:
    """Write a moment as the withdrawal history does: UTC, to the second."""
    return datetime.fromtimestamp(at_us // US_PER_S, UTC).strftime("%Y-%m-%d %H:%M:%S")


def _funding(holding: Holding) -> dict[str, Any]:
    asset, free, locked, worth = holding
    return {
        "asset": asset,
        "free": format_trimmed(free),
        "locked": format_trimmed(locked),
        "freeze": "0",
        "withdrawing": "0",
        "btcValuation": format_scaled(worth),
    }
