"""Withdrawing: out of spot or funding, to an address of the account's book and nowhere else; what was withdrawn.

A key withdraws only with the permission (the door looks) and an IP list (looked at here, whatever the key once was).
Entering an address is the operator's: no request of an API key can.

Source: the official wallet SDK, "capital". Codes and texts of refusals: the -40xx of Binance's /sapi error list.
"""

from typing import TYPE_CHECKING, Annotated, Final

from watchword.binance.errors import REJECTED_API_KEY, TIMESTAMP_STALE, WireError
from watchword.binance.forms import Query
from watchword.binance.params import Decimal, Limit, Long, Moment, Text, invalid, one_of
from watchword.entrypoints.testnet import render_wallet as render
from watchword.entrypoints.testnet.operations.assets import UNKNOWN_ASSET, listed_assets
from watchword.entrypoints.testnet.operations.sapi_form import SapiForm
from watchword.entrypoints.testnet.operations.time_windows import money_window
from watchword.entrypoints.testnet.operations.trading import credential_of
from watchword.exchange.commands import AnyCommand, Withdraw
from watchword.exchange.moving import ADDRESS_NOT_LISTED, DESTINATION_LENGTH_MAX
from watchword.exchange.withdraw_quota import DAILY_QUOTA, used_quota

if TYPE_CHECKING:
    from watchword.bootstrap.testnet import Testnet
    from watchword.entrypoints.testnet.operations.call import Call
    from watchword.exchange.events import Applied
    from watchword.exchange.treasury import WithdrawalRecord

HISTORY_ROWS_MAX: Final = 1_000
IDS_MAX: Final = 45
#: A history asked for by the client's own id covers a shorter time.
ORDER_ID_SPAN_DAYS_MAX: Final = 7
ORDER_ID_LENGTH_MAX: Final = 64
WITHDRAWAL_ID_BYTES: Final = 16
TRANSACTION_ID_BYTES: Final = 32

MASTER_ONLY: Final = WireError(-4006, "Support main account only.")
TOO_LITTLE: Final = WireError(-4022, f"Not less than the minimum pick-up quantity {render.SMALLEST}.")
NO_TAGS: Final = WireError(-4106, "Address tag is not supported by this network.")

WalletType = Annotated[str, one_of(frozenset(("0", "1")))]


class WithdrawQuery(Query, frozen=True):
    """POST capital/withdraw/apply; wallet type 0 is spot, 1 funding."""

    coin: Text
    address: Text
    amount: Decimal
    withdraw_order_id: Text = ""
    network: Text = render.NETWORK
    address_tag: Text = ""
    wallet_type: WalletType = "0"


class WithdrawHistoryQuery(Query, frozen=True):
    """GET capital/withdraw/history."""

    coin: Text = ""
    withdraw_order_id: Text = ""
    status: Long = render.COMPLETED
    offset: Long = 0
    limit: Limit = HISTORY_ROWS_MAX
    id_list: Text = ""
    start_time: Moment = 0
    end_time: Moment = 0


_WITHDRAW: Final = SapiForm(WithdrawQuery)
_HISTORY: Final = SapiForm(WithdrawHistoryQuery)


async def withdraw(testnet: "Testnet", call: "Call") -> bytes | WireError:
    """POST capital/withdraw/apply. Address book, quota and balance are looked at when it is applied."""
    credential = credential_of(call)
    if not credential.restrictions.networks:
        return REJECTED_API_KEY
    query = _WITHDRAW.read(call.params)
    if isinstance(query, WireError):
        return query
    refused = _refusal(testnet, credential.account_id, query)
    if refused is not None:
        return refused
    account_id, deadline_us = credential.account_id, call.deadline_us
    withdrawal_id = testnet.entropy.token(WITHDRAWAL_ID_BYTES).hex()
    transaction_id = testnet.entropy.token(TRANSACTION_ID_BYTES).hex()

    def make(sequence: int, now_us: int) -> Withdraw | WireError:
        if now_us > deadline_us:
            return TIMESTAMP_STALE
        return Withdraw(
            sequence,
            now_us,
            account_id,
            "FUNDING" if query.wallet_type == "1" else "SPOT",
            query.coin,
            query.amount,
            render.WITHDRAW_FEE,
            query.network,
            query.address,
            withdrawal_id,
            transaction_id,
            query.address_tag,
            query.withdraw_order_id,
        )

    def answer(_command: AnyCommand, applied: "Applied") -> bytes | WireError:
        return applied if isinstance(applied, WireError) else render.withdrawn(withdrawal_id)

    return await testnet.sequencer.submit(make, answer)


async def withdraw_history(testnet: "Testnet", call: "Call") -> bytes | WireError:
    """GET capital/withdraw/history: newest first."""
    query = _HISTORY.read(call.params)
    if isinstance(query, WireError):
        return query
    chosen_ids = {one for one in query.id_list.split(",") if one}
    if len(chosen_ids) > IDS_MAX:
        return invalid("idList")
    if query.limit > HISTORY_ROWS_MAX:
        return invalid("limit")
    span = (ORDER_ID_SPAN_DAYS_MAX,) if query.withdraw_order_id else ()
    window = money_window(query.start_time, query.end_time, call.now_us, *span)
    if isinstance(window, WireError):
        return window
    first, last = window
    found = [
        record
        for record in reversed(_withdrawals(testnet, credential_of(call).account_id))
        if query.coin in {"", record.asset}
        and query.withdraw_order_id in {"", record.withdraw_order_id}
        and query.status == render.COMPLETED
        and (not chosen_ids or record.withdrawal_id in chosen_ids)
        and first <= record.at_us <= last
    ]
    return render.withdraw_history(found[query.offset : query.offset + query.limit])


async def withdraw_addresses(testnet: "Testnet", call: "Call") -> bytes | WireError:
    """GET capital/withdraw/address/list: the account's address book."""
    return render.address_list(testnet.venue.engine.treasury.addresses(credential_of(call).account_id))


async def withdraw_quota(testnet: "Testnet", call: "Call") -> bytes | WireError:
    """GET capital/withdraw/quota: what may go out in 24 hours, and what went."""
    used = used_quota(testnet.venue.engine, credential_of(call).account_id, call.now_us)
    return render.withdraw_quota(DAILY_QUOTA, used)


def _refusal(testnet: "Testnet", account_id: int, query: WithdrawQuery) -> WireError | None:
    """Judge what needs neither balance, address book nor quota: those are the engine's."""
    engine = testnet.venue.engine
    if engine.treasury.sub_account(account_id) is not None:
        return MASTER_ONLY
    if query.coin not in listed_assets(engine):
        return UNKNOWN_ASSET
    if query.network != render.NETWORK:
        return invalid("network")
    if query.address_tag:
        return NO_TAGS
    if len(query.withdraw_order_id) > ORDER_ID_LENGTH_MAX:
        return invalid("withdrawOrderId")
    if len(query.address) > DESTINATION_LENGTH_MAX:
        # No book has such an address, and what is asked for is journaled.
        return ADDRESS_NOT_LISTED
    return None if query.amount else TOO_LITTLE


def _withdrawals(testnet: "Testnet", account_id: int) -> "list[WithdrawalRecord]":
    return [one for one in testnet.venue.engine.treasury.withdrawals if one.account_id == account_id]
