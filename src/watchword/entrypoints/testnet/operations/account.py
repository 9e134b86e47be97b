"""One's own account: balances, commission rates, unfilled-order counts, filters. Reads only.

Source: rest-api.md, "Account Endpoints".
"""

from typing import TYPE_CHECKING, Final

import msgspec

from watchword.binance.errors import WireError
from watchword.binance.forms import Form, Query
from watchword.binance.params import Boolean
from watchword.entrypoints.testnet import render_account as render
from watchword.entrypoints.testnet.operations.market import NoQuery, unit_us
from watchword.entrypoints.testnet.operations.order_queries import SIGNED_SYMBOL
from watchword.entrypoints.testnet.operations.symbols import find
from watchword.entrypoints.testnet.operations.trading import credential_of
from watchword.exchange.exchange_info import filters_json

if TYPE_CHECKING:
    from watchword.bootstrap.testnet import Testnet
    from watchword.entrypoints.testnet.operations.call import Call


class AccountQuery(Query, frozen=True):
    """GET account."""

    omit_zero_balances: Boolean = False


_ACCOUNT: Final = Form(AccountQuery, "USER_DATA")
_NOTHING: Final = Form(NoQuery, "USER_DATA")


async def account_status(testnet: "Testnet", call: "Call") -> bytes | WireError:
    """GET account: every listed asset, then others the account happens to have."""
    query = _ACCOUNT.read(call.params)
    if isinstance(query, WireError):
        return query
    engine, account_id = testnet.venue.engine, credential_of(call).account_id
    held = engine.ledger.balances(account_id)
    assets: dict[str, tuple[int, int]] = {}
    if not query.omit_zero_balances:
        for floor in engine.floors.values():
            assets[floor.instrument.base_asset] = assets[floor.instrument.quote_asset] = (0, 0)
    assets.update(held)
    rows = [
        (asset, free, locked)
        for asset, (free, locked) in assets.items()
        if free or locked or not query.omit_zero_balances
    ]
    return render.account(engine.accounts[account_id], rows, unit_us(call))


async def account_commission(testnet: "Testnet", call: "Call") -> bytes | WireError:
    """GET account/commission."""
    query = SIGNED_SYMBOL.read(call.params)
    if isinstance(query, WireError):
        return query
    instrument = find(testnet, query.symbol)
    if isinstance(instrument, WireError):
        return instrument
    return render.commission(testnet.venue.engine.accounts[credential_of(call).account_id], query.symbol)


async def order_counts(testnet: "Testnet", call: "Call") -> bytes | WireError:  # noqa: ARG001 - a handler's signature
    """GET rateLimit/order."""
    query = _NOTHING.read(call.params)
    if isinstance(query, WireError):
        return query
    counts = call.order_counts
    if counts is None:
        return b"[]"
    return render.order_counts(counts.order_counts(credential_of(call).account_id, call.now_us))


async def my_filters(testnet: "Testnet", call: "Call") -> bytes | WireError:
    """GET myFilters: the symbol's filters; there are none of the exchange or of assets."""
    query = SIGNED_SYMBOL.read(call.params)
    if isinstance(query, WireError):
        return query
    instrument = find(testnet, query.symbol)
    if isinstance(instrument, WireError):
        return instrument
    return msgspec.json.encode(
        {"exchangeFilters": [], "symbolFilters": filters_json(instrument), "assetFilters": []}
    )
