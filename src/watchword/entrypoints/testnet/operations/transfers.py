"""Moving money between one's own wallets, and what was moved. Sub-accounts have operations of their own.

Source: the official wallet SDK, "User Universal Transfer" and its history: newest first, the last seven days by
default, six months back at most.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Annotated, Final

from watchword.binance.errors import TIMESTAMP_STALE, WireError
from watchword.binance.forms import Query
from watchword.binance.params import Decimal, Limit, Moment, invalid, one_of
from watchword.entrypoints.testnet import render_wallet as render
from watchword.entrypoints.testnet.operations.sapi_form import Asset, SapiForm
from watchword.entrypoints.testnet.operations.time_windows import DAY_US, page
from watchword.entrypoints.testnet.operations.trading import credential_of
from watchword.exchange.commands import AnyCommand, Transfer
from watchword.exchange.moving import INSUFFICIENT_BALANCE
from watchword.exchange.wallets import Wallet

if TYPE_CHECKING:
    from watchword.bootstrap.testnet import Testnet
    from watchword.entrypoints.testnet.operations.call import Call
    from watchword.exchange.events import Applied

HISTORY_DEFAULT_DAYS: Final = 7
HISTORY_DAYS_MAX: Final = 180
PAGE_ROWS: Final = 10
PAGE_ROWS_MAX: Final = 100

#: Source: live answers of this route; the engine's word for it is that of withdrawals.
NOT_ENOUGH: Final = WireError(-5013, "Asset transfer failed: insufficient balance")

_NAMES: Final[Mapping[str, Wallet]] = MappingProxyType(
    {
        "MAIN": "SPOT", "FUNDING": "FUNDING", "MARGIN": "MARGIN", "UMFUTURE": "UM_FUTURES",
        "CMFUTURE": "CM_FUTURES", "OPTION": "OPTIONS",
    }
)  # fmt: skip
#: Left out: isolated margin (a wallet per symbol) and portfolio margin; nothing here could use them.
_TYPE_NAMES: Final = (
    "MAIN_UMFUTURE", "MAIN_CMFUTURE", "MAIN_MARGIN", "MAIN_FUNDING", "MAIN_OPTION",
    "UMFUTURE_MAIN", "UMFUTURE_MARGIN", "UMFUTURE_FUNDING", "UMFUTURE_OPTION",
    "CMFUTURE_MAIN", "CMFUTURE_MARGIN", "CMFUTURE_FUNDING",
    "MARGIN_MAIN", "MARGIN_UMFUTURE", "MARGIN_CMFUTURE", "MARGIN_FUNDING", "MARGIN_OPTION",
    "FUNDING_MAIN", "FUNDING_UMFUTURE", "FUNDING_CMFUTURE", "FUNDING_MARGIN", "FUNDING_OPTION",
    "OPTION_MAIN", "OPTION_UMFUTURE", "OPTION_MARGIN", "OPTION_FUNDING",
)  # fmt: skip


def _ends(name: str) -> tuple[Wallet, Wallet]:
    first, _, second = name.partition("_")
    return _NAMES[first], _NAMES[second]


#: Transfer type → (from, to).
TRANSFER_TYPES: Final[Mapping[str, tuple[Wallet, Wallet]]] = MappingProxyType(
    {name: _ends(name) for name in _TYPE_NAMES}
)
TransferType = Annotated[str, one_of(frozenset(TRANSFER_TYPES))]


class TransferQuery(Query, frozen=True):
    """POST asset/transfer."""

    type: TransferType
    asset: Asset
    amount: Decimal


class TransferHistoryQuery(Query, frozen=True):
    """GET asset/transfer."""

    type: TransferType
    start_time: Moment = 0
    end_time: Moment = 0
    current: Limit = 1
    size: Limit = PAGE_ROWS


_TRANSFER: Final = SapiForm(TransferQuery)
_HISTORY: Final = SapiForm(TransferHistoryQuery)


async def transfer(testnet: "Testnet", call: "Call") -> bytes | WireError:
    """POST asset/transfer: at once, or not at all."""
    query = _TRANSFER.read(call.params)
    if isinstance(query, WireError):
        return query
    if not query.amount:
        return invalid("amount")
    account_id, deadline_us = credential_of(call).account_id, call.deadline_us
    origin, target = TRANSFER_TYPES[query.type]

    def make(sequence: int, now_us: int) -> Transfer | WireError:
        if now_us > deadline_us:
            return TIMESTAMP_STALE
        return Transfer(
            sequence, now_us, account_id, origin, account_id, target, query.asset, query.amount, "user"
        )

    def answer(_command: AnyCommand, applied: "Applied") -> bytes | WireError:
        if isinstance(applied, WireError):
            return NOT_ENOUGH if applied == INSUFFICIENT_BALANCE else applied
        # Rendered between two applies: the newest transfer is this one.
        return render.transferred(testnet.venue.engine.treasury.transfers[-1].number)

    return await testnet.sequencer.submit(make, answer)


async def transfer_history(testnet: "Testnet", call: "Call") -> bytes | WireError:
    """GET asset/transfer: one's own transfers of one type."""
    query = _HISTORY.read(call.params)
    if isinstance(query, WireError):
        return query
    last = query.end_time or call.now_us
    first = query.start_time or last - HISTORY_DEFAULT_DAYS * DAY_US
    first = max(first, call.now_us - HISTORY_DAYS_MAX * DAY_US)
    account_id, ends = credential_of(call).account_id, TRANSFER_TYPES[query.type]
    found = [
        record
        for record in reversed(testnet.venue.engine.treasury.transfers)
        if record.from_id == account_id
        and record.channel == "user"
        and (record.from_wallet, record.to_wallet) == ends
        and first <= record.at_us <= last
    ]
    shown = page(found, query.current, query.size, PAGE_ROWS_MAX)
    if isinstance(shown, WireError):
        return shown
    return render.transfer_history(len(found), shown, query.type)
