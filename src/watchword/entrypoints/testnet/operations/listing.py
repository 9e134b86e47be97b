"""exchangeInfo: limits, symbols and their filters. Reads only.

Source: rest-api.md "Exchange information".
"""

from typing import TYPE_CHECKING, Any, Final

import msgspec

from watchword.binance.errors import WireError
from watchword.binance.forms import Form, Query
from watchword.binance.params import Boolean, Permissions, StatusFilter, Symbol, Symbols
from watchword.binance.rate_limits import REST_LIMITS, WS_LIMITS, scaled
from watchword.entrypoints.testnet.operations.market import unit_us
from watchword.entrypoints.testnet.operations.symbols import BAD_COMBINATION, select
from watchword.exchange.exchange_info import symbol_json

if TYPE_CHECKING:
    from watchword.bootstrap.testnet import Testnet
    from watchword.entrypoints.testnet.operations.call import Call
    from watchword.exchange.instruments import Instrument

DEFAULT_PERMISSIONS: Final = ("SPOT", "MARGIN", "LEVERAGED")


class ExchangeInfoQuery(Query, frozen=True):
    """GET exchangeInfo."""

    symbol: Symbol = ""
    symbols: Symbols = ()
    permissions: Permissions = ()
    show_permission_sets: Boolean = True
    symbol_status: StatusFilter = ""


_INFO: Final = Form(ExchangeInfoQuery, "NONE")


async def exchange_info(testnet: "Testnet", call: "Call") -> bytes | WireError:
    """GET exchangeInfo. The WebSocket API shows its CONNECTIONS limit as well."""
    query = _INFO.read(call.params)
    if isinstance(query, WireError):
        return query
    named = bool(query.symbol or query.symbols)
    if named and (query.permissions or query.symbol_status):
        return BAD_COMBINATION
    instruments = select(testnet, query.symbol, query.symbols, query.symbol_status)
    if isinstance(instruments, WireError):
        return instruments
    if not named:
        wanted = frozenset(query.permissions or DEFAULT_PERMISSIONS)
        instruments = [one for one in instruments if _permitted(one, wanted)]
    scale = testnet.settings.limits_scale
    floors = testnet.venue.engine.floors
    return msgspec.json.encode(
        {
            "timezone": "UTC",
            "serverTime": testnet.clock.now_us() // unit_us(call),
            "rateLimits": [scaled(rule, scale) for rule in (WS_LIMITS if call.websocket else REST_LIMITS)],
            "exchangeFilters": [],
            "symbols": [
                symbol_json(one, floors[one.symbol].status, permission_sets=query.show_permission_sets)
                for one in instruments
            ],
        }
    )


async def futures_exchange_info(testnet: "Testnet", call: "Call") -> bytes | WireError:
    """GET /fapi/v1/exchangeInfo: there are no futures. It exists so that clients can load their markets."""
    return msgspec.json.encode({**_empty_info(testnet, call), "futuresType": "U_MARGINED", "assets": []})


async def coin_futures_exchange_info(testnet: "Testnet", call: "Call") -> bytes | WireError:
    """GET /dapi/v1/exchangeInfo: there are no coin-margined futures either."""
    return msgspec.json.encode(_empty_info(testnet, call))


def _empty_info(testnet: "Testnet", call: "Call") -> dict[str, Any]:
    return {
        "timezone": "UTC",
        "serverTime": testnet.clock.now_us() // unit_us(call),
        "rateLimits": [scaled(REST_LIMITS[0], testnet.settings.limits_scale)],
        "exchangeFilters": [],
        "symbols": [],
    }


def _permitted(instrument: "Instrument", wanted: frozenset[str]) -> bool:
    """Whether any group of a symbol's permissions names a wanted one."""
    return any(not wanted.isdisjoint(group) for group in instrument.permission_sets)
