"""Writes sub-accounts, their keys and the transfers among a family as Binance's JSON.

Knows no requests and changes nothing. Amounts are scaled integers, moments epoch microseconds. The quirks are
Binance's: `apikey` beside `apiKey`, `ipRestrict` and a changed `status` as texts, amounts as numbers in v3.

Source: the official sub-account SDK's models.
"""

from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, Final

import msgspec

from watchword.credentials.key_directory import IssuedKey, KeyRecord
from watchword.credentials.permission import Permission
from watchword.exchange.treasury import SubAccount, TransferRecord
from watchword.exchange.wallets import Wallet
from watchword.kernel.units import format_scaled, format_trimmed

US_PER_MS: Final = 1_000
#: (member of a query, name on the wire, what it permits).
FLAGS: Final[tuple[tuple[str, str, Permission], ...]] = (
    ("can_trade", "canTrade", "SPOT_AND_MARGIN_TRADING"),
    ("can_margin_loan_repay", "canMarginLoanRepay", "MARGIN"),
    ("can_futures_trade", "canFuturesTrade", "FUTURES"),
    ("can_universal_transfer", "canUniversalTransfer", "UNIVERSAL_TRANSFER"),
    ("can_vanilla_options", "canVanillaOptions", "VANILLA_OPTIONS"),
)
#: How the sub-account routes call the wallets.
ACCOUNT_TYPES: Final[Mapping[Wallet, str]] = MappingProxyType(
    {
        "SPOT": "SPOT",
        "FUNDING": "FUNDING",
        "MARGIN": "MARGIN",
        "UM_FUTURES": "USDT_FUTURE",
        "CM_FUTURES": "COIN_FUTURE",
        "OPTIONS": "OPTION",
    }
)
SUCCESS: Final = "SUCCESS"
UNRESTRICTED_STATUS: Final = 1
RESTRICTED_STATUS: Final = 2


def created(email: str) -> bytes:
    """Write the answer of `POST virtualSubAccount`."""
    return msgspec.json.encode({"email": email})


def sub_accounts(subs: Iterable[SubAccount]) -> bytes:
    """Write `GET list`."""
    rows = [
        {
            "subUserId": sub.account_id,
            "email": sub.email,
            "remark": "",
            "isFreeze": False,
            "createTime": sub.created_us // US_PER_MS,
            "isManagedSubAccount": False,
            "isAssetManagementSubAccount": False,
        }
        for sub in subs
    ]
    return msgspec.json.encode({"subAccounts": rows})


def statuses(subs: Iterable[SubAccount]) -> bytes:
    """Write `GET status`: neither margin nor futures, and no telephone."""
    return msgspec.json.encode(
        [
            {
                "email": sub.email,
                "isSubUserEnabled": True,
                "isUserActive": True,
                "insertTime": sub.created_us // US_PER_MS,
                "isMarginEnabled": False,
                "isFutureEnabled": False,
                "mobile": None,
            }
            for sub in subs
        ]
    )


def assets(balances: Mapping[str, tuple[int, int]]) -> bytes:
    """Write `GET v4 assets`."""
    rows = [
        {
            "asset": asset,
            "free": format_scaled(free),
            "locked": format_scaled(locked),
            "freeze": "0",
            "withdrawing": "0",
        }
        for asset, (free, locked) in balances.items()
    ]
    return msgspec.json.encode({"balances": rows})


def assets_as_numbers(balances: Mapping[str, tuple[int, int]]) -> bytes:
    """Write `GET v3 assets`: JSON numbers of the exact digits."""
    rows = [
        {
            "asset": asset,
            "free": msgspec.Raw(format_trimmed(free).encode()),
            "locked": msgspec.Raw(format_trimmed(locked).encode()),
            "freeze": 0,
            "withdrawing": 0,
        }
        for asset, (free, locked) in balances.items()
    ]
    return msgspec.json.encode({"balances": rows})


def summary(total: int, master_worth: int, rows: Iterable[tuple[str, int]]) -> bytes:
    """Write `GET spotSummary`.

    Args:
        total: How many sub-accounts there are.
        master_worth: What the master holds, in BTC.
        rows: (email, worth in BTC) of the sub-accounts to show.
    """
    return msgspec.json.encode(
        {
            "totalCount": total,
            "masterAccountTotalAsset": format_scaled(master_worth),
            "spotSubUserAssetBtcVoList": [
                {"email": email, "totalAsset": format_scaled(worth)} for email, worth in rows
            ],
        }
    )


def key_created(issued: IssuedKey) -> bytes:
    """Write the answer of `POST subAccountApi`, the only one with the secret."""
    record = issued.record
    networks = _networks(record)
    answer: dict[str, Any] = {
        "apiName": record.terms.label,
        "apiKey": record.api_key,
        "secretKey": issued.secret_key or None,
        **_flags(record),
        "status": RESTRICTED_STATUS if networks else UNRESTRICTED_STATUS,
        "ipList": networks,
    }
    return msgspec.json.encode(answer)


def keys(email: str, total: int, records: Iterable[KeyRecord]) -> bytes:
    """Write `GET subAccountApi`."""
    rows = [
        {
            "email": email,
            "apiName": record.terms.label,
            "apikey": record.api_key,
            **_flags(record),
            "timestamp": record.created_us // US_PER_MS,
        }
        for record in records
    ]
    return msgspec.json.encode({"total": total, "rows": rows})


def key_permitted(record: KeyRecord, now_us: int) -> bytes:
    """Write the answer of `POST subAccountApiPermission`."""
    return msgspec.json.encode(
        {
            "apiName": record.terms.label,
            "apikey": record.api_key,
            **_flags(record),
            "timestamp": now_us // US_PER_MS,
        }
    )


def restricted(record: KeyRecord, now_us: int) -> bytes:
    """Write the answer of `POST v2 ipRestriction`."""
    networks = _networks(record)
    return msgspec.json.encode(
        {
            "status": str(RESTRICTED_STATUS if networks else UNRESTRICTED_STATUS),
            "ipList": networks,
            "updateTime": now_us // US_PER_MS,
            "apiKey": record.api_key,
        }
    )


def restriction(record: KeyRecord, at_us: int) -> bytes:
    """Write `GET ipRestriction`, and the answer of `DELETE ipList`."""
    networks = _networks(record)
    return msgspec.json.encode(
        {
            "ipRestrict": "true" if networks else "false",
            "ipList": networks,
            "updateTime": at_us // US_PER_MS,
            "apiKey": record.api_key,
        }
    )


def universal(record: TransferRecord) -> bytes:
    """Write the answer of `POST universalTransfer`."""
    answer: dict[str, Any] = {"tranId": record.number}
    if record.client_transfer_id:
        answer["clientTranId"] = record.client_transfer_id
    return msgspec.json.encode(answer)


def moved(record: TransferRecord) -> bytes:
    """Write the answer of `POST subToMaster` and `subToSub`: the same id as a text, under another name."""
    return msgspec.json.encode({"txnId": str(record.number)})


def universal_history(total: int, records: Sequence[TransferRecord], names: Mapping[int, str]) -> bytes:
    """Write `GET universalTransfer`.

    Args:
        total: How many there are.
        records: Those to show.
        names: Account id → what the family calls it.
    """
    rows = [
        {
            "tranId": record.number,
            "fromEmail": names[record.from_id],
            "toEmail": names[record.to_id],
            "asset": record.asset,
            "amount": format_trimmed(record.amount),
            "createTimeStamp": record.at_us // US_PER_MS,
            "fromAccountType": ACCOUNT_TYPES[record.from_wallet],
            "toAccountType": ACCOUNT_TYPES[record.to_wallet],
            "status": SUCCESS,
            "clientTranId": record.client_transfer_id,
        }
        for record in records
    ]
    return msgspec.json.encode({"result": rows, "totalCount": total})


def spot_history(records: Sequence[TransferRecord], names: Mapping[int, str]) -> bytes:
    """Write `GET sub/transfer/history`. `names` as in `universal_history`."""
    return msgspec.json.encode(
        [
            {
                "from": names[record.from_id],
                "to": names[record.to_id],
                "asset": record.asset,
                "qty": format_trimmed(record.amount),
                "status": SUCCESS,
                "tranId": record.number,
                "time": record.at_us // US_PER_MS,
            }
            for record in records
        ]
    )


def own_history(
    account_id: int, master_id: int, records: Sequence[TransferRecord], names: Mapping[int, str]
) -> bytes:
    """Write `GET subUserHistory`: each transfer as the sub-account `account_id` sees it.

    `names` as in `universal_history`; type 1 is in, 2 is out.
    """
    return msgspec.json.encode(
        [_own(account_id, master_id, record, names) for record in records],
    )


def _own(account_id: int, master_id: int, record: TransferRecord, names: Mapping[int, str]) -> dict[str, Any]:
    received = record.to_id == account_id
    other = record.from_id if received else record.to_id
    return {
        "counterParty": "master" if other == master_id else "subAccount",
        "email": names[other],
        "type": 1 if received else 2,
        "asset": record.asset,
        "qty": format_trimmed(record.amount),
        "fromAccountType": ACCOUNT_TYPES[record.from_wallet],
        "toAccountType": ACCOUNT_TYPES[record.to_wallet],
        "status": SUCCESS,
        "tranId": record.number,
        "time": record.at_us // US_PER_MS,
    }


def _flags(record: KeyRecord) -> dict[str, bool]:
    permissions = record.terms.permissions
    return {name: permission in permissions for _, name, permission in FLAGS}


def _networks(record: KeyRecord) -> list[str]:
    return [network.text for network in record.terms.restrictions.networks]
