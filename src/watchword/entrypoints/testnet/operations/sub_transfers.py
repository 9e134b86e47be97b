"""Moving money within a family: the master's universal transfers, a sub-account's own, and the histories of both.

Histories show the newest first. What a master's key may move is a permission of its own, which the door looks at.

Source: the official sub-account SDK, "asset management".
"""

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING, Annotated, Final

import msgspec

from watchword.binance.errors import TIMESTAMP_STALE, WireError, either_missing, not_required
from watchword.binance.forms import Query
from watchword.binance.params import Decimal, Limit, Moment, Text, invalid, one_of
from watchword.entrypoints.testnet import render_sub_accounts as render
from watchword.entrypoints.testnet.operations.sapi_form import Asset, SapiForm
from watchword.entrypoints.testnet.operations.sub_family import (
    SUB_ACCOUNT_ONLY,
    UNKNOWN_EMAIL,
    asked_member,
    master_of,
    name_of,
)
from watchword.entrypoints.testnet.operations.time_windows import DAY_US, page
from watchword.entrypoints.testnet.operations.trading import credential_of
from watchword.exchange.commands import AnyCommand, Transfer
from watchword.exchange.treasury import SubAccount, TransferRecord
from watchword.exchange.wallets import TransferChannel, Wallet

if TYPE_CHECKING:
    from watchword.bootstrap.testnet import Testnet
    from watchword.entrypoints.testnet.operations.call import Call
    from watchword.exchange.events import Applied

HISTORY_ROWS_MAX: Final = 500
UNIVERSAL_DAYS_MAX: Final = 7
OWN_DAYS_DEFAULT: Final = 30
CLIENT_TRANSFER_ID_LENGTH_MAX: Final = 64
#: `type` of a sub-account's own history.
INCOMING: Final = "1"
OUTGOING: Final = "2"

_TYPES: Final[Mapping[str, Wallet]] = MappingProxyType(
    {"SPOT": "SPOT", "USDT_FUTURE": "UM_FUTURES", "COIN_FUTURE": "CM_FUTURES", "MARGIN": "MARGIN"}
)
#: Between which wallets whoever may move money. Left out: isolated margin and ALPHA, which nothing here could use.
_OPEN_WAYS: Final = frozenset(
    {("SPOT", wallet) for wallet in ("SPOT", "UM_FUTURES", "CM_FUTURES")}
    | {(wallet, "SPOT") for wallet in ("SPOT", "UM_FUTURES", "CM_FUTURES")}
)
AccountType = Annotated[str, one_of(frozenset(_TYPES))]


def _read_client_transfer_id(name: str, text: str) -> str | WireError:
    return text if len(text) <= CLIENT_TRANSFER_ID_LENGTH_MAX and text.isprintable() else invalid(name)


class UniversalQuery(Query, frozen=True):
    """POST universalTransfer."""

    from_account_type: AccountType
    to_account_type: AccountType
    asset: Asset
    amount: Decimal
    from_email: Text = ""
    to_email: Text = ""
    client_tran_id: Annotated[str, _read_client_transfer_id] = ""


class HistoryQuery(Query, frozen=True):
    """GET universalTransfer and GET sub/transfer/history."""

    from_email: Text = ""
    to_email: Text = ""
    client_tran_id: Text = ""
    start_time: Moment = 0
    end_time: Moment = 0
    page: Limit = 1
    limit: Limit = HISTORY_ROWS_MAX


class ToMasterQuery(Query, frozen=True):
    """POST subToMaster."""

    asset: Asset
    amount: Decimal


class ToSiblingQuery(ToMasterQuery, frozen=True):
    """POST subToSub."""

    to_email: Text


class OwnHistoryQuery(Query, frozen=True):
    """GET subUserHistory."""

    asset: Text = ""
    type: Annotated[str, one_of(frozenset((INCOMING, OUTGOING)))] = OUTGOING
    start_time: Moment = 0
    end_time: Moment = 0
    limit: Limit = HISTORY_ROWS_MAX


class _Way(msgspec.Struct, frozen=True):
    """From which wallet of whom to which of whom."""

    from_id: int
    from_wallet: Wallet
    to_id: int
    to_wallet: Wallet


_UNIVERSAL: Final = SapiForm(UniversalQuery)
_HISTORY: Final = SapiForm(HistoryQuery)
_TO_MASTER: Final = SapiForm(ToMasterQuery)
_TO_SIBLING: Final = SapiForm(ToSiblingQuery)
_OWN_HISTORY: Final = SapiForm(OwnHistoryQuery)


async def universal(testnet: "Testnet", call: "Call") -> bytes | WireError:
    """POST universalTransfer: an end without an email is the master."""
    query, master = _UNIVERSAL.read(call.params), master_of(testnet, call)
    if isinstance(query, WireError):
        return query
    if isinstance(master, WireError):
        return master
    if query.from_account_type == query.to_account_type and not (query.from_email or query.to_email):
        return either_missing("fromEmail", "toEmail")
    from_id = asked_member(testnet, master, query.from_email)
    to_id = asked_member(testnet, master, query.to_email)
    if isinstance(from_id, WireError):
        return from_id
    if isinstance(to_id, WireError):
        return to_id
    way = _Way(from_id, _TYPES[query.from_account_type], to_id, _TYPES[query.to_account_type])
    if not _is_open(way, master):
        return invalid("toAccountType")
    return await _move(
        testnet, call, way, query.asset, query.amount, "universal", query.client_tran_id, render.universal
    )


async def to_master(testnet: "Testnet", call: "Call") -> bytes | WireError:
    """POST subToMaster, by the sub-account's own key."""
    query, sub = _TO_MASTER.read(call.params), _sub_account_of(testnet, call)
    if isinstance(query, WireError):
        return query
    if isinstance(sub, WireError):
        return sub
    way = _Way(sub.account_id, "SPOT", sub.parent_id, "SPOT")
    return await _move(testnet, call, way, query.asset, query.amount, "spot", "", render.moved)


async def to_sibling(testnet: "Testnet", call: "Call") -> bytes | WireError:
    """POST subToSub, by the sub-account's own key, to another sub-account of its master."""
    query, sub = _TO_SIBLING.read(call.params), _sub_account_of(testnet, call)
    if isinstance(query, WireError):
        return query
    if isinstance(sub, WireError):
        return sub
    sibling = testnet.venue.engine.treasury.by_email(sub.parent_id, query.to_email)
    if sibling is None or sibling == sub:
        return UNKNOWN_EMAIL
    way = _Way(sub.account_id, "SPOT", sibling.account_id, "SPOT")
    return await _move(testnet, call, way, query.asset, query.amount, "spot", "", render.moved)


async def universal_history(testnet: "Testnet", call: "Call") -> bytes | WireError:
    """GET universalTransfer: seven days at most, those from the master where no email is sent."""
    query = _HISTORY.read(call.params)
    if isinstance(query, WireError):
        return query
    window = _window(query.start_time, query.end_time, call.now_us)
    if isinstance(window, WireError):
        return window

    def wanted(record: TransferRecord) -> bool:
        return (
            record.channel == "universal"
            and window[0] <= record.at_us <= window[1]
            and query.client_tran_id in {"", record.client_transfer_id}
        )

    found = _found(testnet, call, query, wanted)
    if isinstance(found, WireError):
        return found
    shown = page(found, query.page, query.limit, HISTORY_ROWS_MAX)
    if isinstance(shown, WireError):
        return invalid("limit")
    return render.universal_history(len(found), shown, _names(testnet, shown))


async def spot_history(testnet: "Testnet", call: "Call") -> bytes | WireError:
    """GET sub/transfer/history: from spot to spot between two accounts, however it was asked for."""
    query = _HISTORY.read(call.params)
    if isinstance(query, WireError):
        return query

    def wanted(record: TransferRecord) -> bool:
        return (
            record.from_wallet == record.to_wallet == "SPOT"
            and record.from_id != record.to_id
            and query.start_time <= record.at_us <= (query.end_time or call.now_us)
        )

    found = _found(testnet, call, query, wanted)
    if isinstance(found, WireError):
        return found
    shown = page(found, query.page, query.limit, HISTORY_ROWS_MAX)
    return (
        invalid("limit")
        if isinstance(shown, WireError)
        else render.spot_history(shown, _names(testnet, shown))
    )


async def own_history(testnet: "Testnet", call: "Call") -> bytes | WireError:
    """GET subUserHistory: what the asking sub-account sent, or got."""
    query, sub = _OWN_HISTORY.read(call.params), _sub_account_of(testnet, call)
    if isinstance(query, WireError):
        return query
    if isinstance(sub, WireError):
        return sub
    if query.limit > HISTORY_ROWS_MAX:
        return invalid("limit")
    last = query.end_time or call.now_us
    first = query.start_time or last - OWN_DAYS_DEFAULT * DAY_US
    mine, incoming = sub.account_id, query.type == INCOMING
    found = [
        record
        for record in reversed(testnet.venue.engine.treasury.transfers)
        if (record.to_id if incoming else record.from_id) == mine
        and record.from_id != record.to_id
        and query.asset in {"", record.asset}
        and first <= record.at_us <= last
    ][: query.limit]
    return render.own_history(mine, sub.parent_id, found, _names(testnet, found))


async def _move(
    testnet: "Testnet",
    call: "Call",
    way: _Way,
    asset: str,
    amount: int,
    channel: TransferChannel,
    client_transfer_id: str,
    write: Callable[[TransferRecord], bytes],
) -> bytes | WireError:
    """Submit one transfer and write its answer."""
    deadline_us = call.deadline_us

    def make(sequence: int, now_us: int) -> Transfer | WireError:
        if now_us > deadline_us:
            return TIMESTAMP_STALE
        return Transfer(
            sequence, now_us, way.from_id, way.from_wallet, way.to_id, way.to_wallet, asset, amount, channel,
            client_transfer_id,
        )  # fmt: skip

    def answer(_command: AnyCommand, applied: "Applied") -> bytes | WireError:
        if isinstance(applied, WireError):
            return applied
        # Rendered between two applies: the newest transfer is this one.
        return write(testnet.venue.engine.treasury.transfers[-1])

    return await testnet.sequencer.submit(make, answer)


def _is_open(way: _Way, master_id: int) -> bool:
    """Whether Binance moves money this way: margin only between the master's spot and subs, or among subs."""
    wallets = (way.from_wallet, way.to_wallet)
    if "MARGIN" not in wallets:
        return wallets in _OPEN_WAYS
    from_master, to_master = way.from_id == master_id, way.to_id == master_id
    if wallets == ("SPOT", "MARGIN"):
        return from_master and not to_master
    if wallets == ("MARGIN", "SPOT"):
        return to_master and not from_master
    return wallets == ("MARGIN", "MARGIN") and not from_master and not to_master


def _sub_account_of(testnet: "Testnet", call: "Call") -> SubAccount | WireError:
    """Return the sub-account that asks, or refuse a master's key."""
    sub = testnet.venue.engine.treasury.sub_account(credential_of(call).account_id)
    return SUB_ACCOUNT_ONLY if sub is None else sub


def _window(start_us: int, end_us: int, now_us: int) -> tuple[int, int] | WireError:
    span_us = UNIVERSAL_DAYS_MAX * DAY_US
    last = end_us or (start_us + span_us if start_us else now_us)
    first = start_us or last - span_us
    return (first, last) if 0 <= last - first <= span_us else invalid("startTime")


def _found(
    testnet: "Testnet", call: "Call", query: HistoryQuery, wanted: Callable[[TransferRecord], bool]
) -> list[TransferRecord] | WireError:
    """Collect a master's history from, or to, the one member it asks about."""
    master = master_of(testnet, call)
    if isinstance(master, WireError):
        return master
    if query.from_email and query.to_email:
        return not_required("toEmail")
    member = asked_member(testnet, master, query.from_email or query.to_email)
    if isinstance(member, WireError):
        return member
    incoming = bool(query.to_email)
    return [
        record
        for record in reversed(testnet.venue.engine.treasury.transfers)
        if (record.to_id if incoming else record.from_id) == member and wanted(record)
    ]


def _names(testnet: "Testnet", records: Sequence[TransferRecord]) -> dict[int, str]:
    members = {member for record in records for member in (record.from_id, record.to_id)}
    return {member: name_of(testnet, member) for member in members}
