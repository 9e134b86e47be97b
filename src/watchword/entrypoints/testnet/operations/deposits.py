"""Where an account is paid in, and what was. Deposits themselves are the operator's business: reads only.

Source: the official wallet SDK, "capital".
"""

import hashlib
from typing import TYPE_CHECKING, Final

from watchword.binance.errors import WireError
from watchword.binance.forms import Query
from watchword.binance.params import Boolean, Limit, Long, Moment, Text, invalid
from watchword.entrypoints.testnet import render_wallet as render
from watchword.entrypoints.testnet.operations.assets import UNKNOWN_ASSET, listed_assets
from watchword.entrypoints.testnet.operations.sapi_form import SapiForm
from watchword.entrypoints.testnet.operations.time_windows import money_window
from watchword.entrypoints.testnet.operations.trading import credential_of

if TYPE_CHECKING:
    from watchword.bootstrap.testnet import Testnet
    from watchword.entrypoints.testnet.operations.call import Call

HISTORY_ROWS_MAX: Final = 1_000
ADDRESS_BYTES: Final = 20
_ADDRESS_BEGIN: Final = "ww1"


class DepositHistoryQuery(Query, frozen=True):
    """GET capital/deposit/hisrec."""

    include_source: Boolean = False
    coin: Text = ""
    status: Long = render.CREDITED
    start_time: Moment = 0
    end_time: Moment = 0
    offset: Long = 0
    limit: Limit = HISTORY_ROWS_MAX
    tx_id: Text = ""


class DepositAddressQuery(Query, frozen=True):
    """GET capital/deposit/address and its list."""

    coin: Text
    network: Text = render.NETWORK


_HISTORY: Final = SapiForm(DepositHistoryQuery)
_ADDRESS: Final = SapiForm(DepositAddressQuery)


def address_of(account_id: int) -> str:
    """Return where an account is paid in: made up from its number, the same for every coin."""
    digest = hashlib.blake2b(b"watchword/deposit/%d" % account_id, digest_size=ADDRESS_BYTES)
    return _ADDRESS_BEGIN + digest.hexdigest()


async def deposit_history(testnet: "Testnet", call: "Call") -> bytes | WireError:
    """GET capital/deposit/hisrec: newest first."""
    return history_of(testnet, call, credential_of(call).account_id)


async def deposit_address(testnet: "Testnet", call: "Call") -> bytes | WireError:
    """GET capital/deposit/address."""
    return address_for(testnet, call, credential_of(call).account_id)


async def deposit_addresses(testnet: "Testnet", call: "Call") -> bytes | WireError:
    """GET capital/deposit/address/list: there is one."""
    coin = _coin(testnet, call)
    if isinstance(coin, WireError):
        return coin
    return render.deposit_address_list(coin, address_of(credential_of(call).account_id))


def history_of(testnet: "Testnet", call: "Call", account_id: int) -> bytes | WireError:
    """Answer for the deposits of an account, which the caller may ask about."""
    query = _HISTORY.read(call.params)
    if isinstance(query, WireError):
        return query
    if query.limit > HISTORY_ROWS_MAX:
        return invalid("limit")
    window = money_window(query.start_time, query.end_time, call.now_us)
    if isinstance(window, WireError):
        return window
    first, last = window
    found = [
        record
        for record in reversed(testnet.venue.engine.treasury.deposits)
        if record.account_id == account_id
        and query.coin in {"", record.asset}
        and query.status == render.CREDITED
        and query.tx_id in {"", record.transaction_id}
        and first <= record.at_us <= last
    ]
    return render.deposit_history(
        found[query.offset : query.offset + query.limit], with_source=query.include_source
    )


def address_for(testnet: "Testnet", call: "Call", account_id: int) -> bytes | WireError:
    """Answer where an account is paid in, which the caller may ask about."""
    coin = _coin(testnet, call)
    if isinstance(coin, WireError):
        return coin
    return render.deposit_address(coin, address_of(account_id))


def _coin(testnet: "Testnet", call: "Call") -> str | WireError:
    """Read which coin is asked for; it is listed, and travels on the one network."""
    query = _ADDRESS.read(call.params)
    if isinstance(query, WireError):
        return query
    if query.coin not in listed_assets(testnet.venue.engine):
        return UNKNOWN_ASSET
    return query.coin if query.network == render.NETWORK else invalid("network")
