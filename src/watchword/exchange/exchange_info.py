"""Instruments as Binance's `exchangeInfo` writes them, both ways. Never judges an order.

Writing serves the endpoint; reading serves a saved file of another exchange's symbols, so it forgives what it does
not know (unknown filters, order types and keys are left out) and refuses what it cannot trade.

Source: rest-api.md "Exchange information"; filters.md.
"""

from collections.abc import Iterable
from typing import Any, Final

import msgspec

from watchword.binance.enums import ORDER_TYPES, STP_MODES, SYMBOL_STATUSES
from watchword.exchange.instruments import Instrument
from watchword.exchange.listings import default_instruments
from watchword.kernel.errors import ConfigurationError
from watchword.kernel.units import SCALE_DIGITS, TooPrecise, format_scaled, format_trimmed, parse_scaled

#: Symbols of one venue, at most; Binance itself lists some 3,500.
INSTRUMENTS_MAX: Final = 5_000
SYMBOL_LENGTH_MAX: Final = 20

#: Marks that mean something in JSON, in stream names or in query strings.
_SPECIAL: Final = frozenset('"\\ /@&=?#%!')

_Json = dict[str, Any]


def symbol_json(instrument: Instrument, status: str | None = None, *, permission_sets: bool = True) -> _Json:
    """Write one member of `symbols`.

    Args:
        instrument: What to write.
        status: The symbol's present status where it differs from the listed one.
        permission_sets: `showPermissionSets` of the request.

    Returns:
        A JSON object with every key Binance gives, in its order.
    """
    return {
        "symbol": instrument.symbol,
        "status": status or instrument.status,
        "baseAsset": instrument.base_asset,
        "baseAssetPrecision": SCALE_DIGITS,
        "quoteAsset": instrument.quote_asset,
        "quotePrecision": SCALE_DIGITS,
        "quoteAssetPrecision": SCALE_DIGITS,
        "baseCommissionPrecision": SCALE_DIGITS,
        "quoteCommissionPrecision": SCALE_DIGITS,
        "orderTypes": list(instrument.order_types),
        "icebergAllowed": False,
        "ocoAllowed": instrument.oco_allowed,
        "otoAllowed": False,
        "opoAllowed": False,
        "quoteOrderQtyMarketAllowed": instrument.quote_order_qty_market_allowed,
        "allowTrailingStop": False,
        "cancelReplaceAllowed": instrument.cancel_replace_allowed,
        "amendAllowed": False,
        "pegInstructionsAllowed": False,
        "isSpotTradingAllowed": True,
        "isMarginTradingAllowed": False,
        "filters": filters_json(instrument),
        "permissions": [],
        "permissionSets": [list(group) for group in instrument.permission_sets] if permission_sets else [],
        "defaultSelfTradePreventionMode": instrument.default_stp_mode,
        "allowedSelfTradePreventionModes": list(instrument.allowed_stp_modes),
    }


def filters_json(instrument: Instrument) -> list[_Json]:
    """Write the filters a symbol has; a filter that is switched off as a whole is left out."""
    filters: list[_Json] = [
        {
            "filterType": "PRICE_FILTER",
            "minPrice": format_scaled(instrument.min_price),
            "maxPrice": format_scaled(instrument.max_price),
            "tickSize": format_scaled(instrument.tick_size),
        },
        _lot("LOT_SIZE", instrument.min_qty, instrument.max_qty, instrument.step_size),
        _lot(
            "MARKET_LOT_SIZE",
            instrument.market_min_qty,
            instrument.market_max_qty,
            instrument.market_step_size,
        ),
    ]
    if instrument.bid_multiplier_up:
        filters.append(
            {
                "filterType": "PERCENT_PRICE_BY_SIDE",
                "bidMultiplierUp": format_trimmed(instrument.bid_multiplier_up),
                "bidMultiplierDown": format_trimmed(instrument.bid_multiplier_down),
                "askMultiplierUp": format_trimmed(instrument.ask_multiplier_up),
                "askMultiplierDown": format_trimmed(instrument.ask_multiplier_down),
                "avgPriceMins": instrument.avg_price_mins,
            }
        )
    if instrument.min_notional or instrument.max_notional:
        filters.append(
            {
                "filterType": "NOTIONAL",
                "minNotional": format_scaled(instrument.min_notional),
                "applyMinToMarket": instrument.min_notional_to_market,
                "maxNotional": format_scaled(instrument.max_notional),
                "applyMaxToMarket": instrument.max_notional_to_market,
                "avgPriceMins": instrument.avg_price_mins,
            }
        )
    counts = (
        ("MAX_NUM_ORDERS", "maxNumOrders", instrument.max_num_orders),
        ("MAX_NUM_ORDER_LISTS", "maxNumOrderLists", instrument.max_num_order_lists),
        ("MAX_NUM_ALGO_ORDERS", "maxNumAlgoOrders", instrument.max_num_algo_orders),
    )
    filters.extend({"filterType": kind, key: bound} for kind, key, bound in counts if bound)
    if instrument.max_position:
        filters.append({"filterType": "MAX_POSITION", "maxPosition": format_scaled(instrument.max_position)})
    return filters


def read_exchange_info(raw: bytes) -> tuple[Instrument, ...]:
    """Read a saved `exchangeInfo` reply.

    Args:
        raw: JSON bytes: the reply, or its `symbols` array.

    Returns:
        The symbols that can be traded here, in the file's order. Symbols that are also in the default listing take
        its start price, so that made-up liquidity knows where to begin; the others get none.

    Raises:
        ConfigurationError: The bytes are no such JSON, a symbol is unreadable or listed twice, or there are none.
    """
    try:
        document = msgspec.json.decode(raw)
    except msgspec.DecodeError as fault:
        raise ConfigurationError(f"instruments: not JSON ({fault}); save the reply of exchangeInfo") from None
    rows = document.get("symbols") if isinstance(document, dict) else document
    if not isinstance(rows, list) or not rows:
        raise ConfigurationError("instruments: no 'symbols' found; save the reply of exchangeInfo")
    if len(rows) > INSTRUMENTS_MAX:
        raise ConfigurationError(f"instruments: {len(rows)} symbols, at most {INSTRUMENTS_MAX} can be listed")
    listed = {one.symbol: one for one in default_instruments()}
    instruments: dict[str, Instrument] = {}
    for row in rows:
        instrument = read_symbol(row, listed)
        if instrument.symbol in instruments:
            raise ConfigurationError(f"instruments: {instrument.symbol} is listed twice")
        instruments[instrument.symbol] = instrument
    return tuple(instruments.values())


def read_symbol(row: object, listed: dict[str, Instrument]) -> Instrument:
    """Read one member of `symbols`.

    Args:
        row: The decoded JSON value.
        listed: Known instruments by symbol, asked for a start price.

    Raises:
        ConfigurationError: The member is no symbol object or a number in it is unreadable.
    """
    if not isinstance(row, dict):
        raise ConfigurationError("instruments: a member of 'symbols' is not an object")
    symbol = _text(row, "symbol")
    if len(symbol) > SYMBOL_LENGTH_MAX:
        raise ConfigurationError(f"instruments: symbol {symbol!r} is longer than {SYMBOL_LENGTH_MAX}")
    known = listed.get(symbol)
    filters = _Filters(symbol, row.get("filters", ()))
    modes = tuple(mode for mode in row.get("allowedSelfTradePreventionModes", ()) if mode in STP_MODES)
    default_mode = row.get("defaultSelfTradePreventionMode", "NONE")
    status = row.get("status", "TRADING")
    up, down = (
        filters.amount("PERCENT_PRICE", "multiplierUp"),
        filters.amount("PERCENT_PRICE", "multiplierDown"),
    )
    by_side, notional = "PERCENT_PRICE_BY_SIDE", "NOTIONAL" if filters.has("NOTIONAL") else "MIN_NOTIONAL"
    return Instrument(
        symbol=symbol,
        base_asset=_text(row, "baseAsset"),
        quote_asset=_text(row, "quoteAsset"),
        tick_size=filters.amount("PRICE_FILTER", "tickSize"),
        min_price=filters.amount("PRICE_FILTER", "minPrice"),
        max_price=filters.amount("PRICE_FILTER", "maxPrice"),
        step_size=filters.amount("LOT_SIZE", "stepSize"),
        min_qty=filters.amount("LOT_SIZE", "minQty"),
        max_qty=filters.amount("LOT_SIZE", "maxQty"),
        market_step_size=filters.amount("MARKET_LOT_SIZE", "stepSize"),
        market_min_qty=filters.amount("MARKET_LOT_SIZE", "minQty"),
        market_max_qty=filters.amount("MARKET_LOT_SIZE", "maxQty"),
        min_notional=filters.amount(notional, "minNotional"),
        max_notional=filters.amount(notional, "maxNotional"),
        min_notional_to_market=filters.flag(notional, "applyMinToMarket", "applyToMarket"),
        max_notional_to_market=filters.flag(notional, "applyMaxToMarket"),
        avg_price_mins=filters.count(notional, "avgPriceMins") or filters.count(by_side, "avgPriceMins"),
        bid_multiplier_up=filters.amount(by_side, "bidMultiplierUp") or up,
        bid_multiplier_down=filters.amount(by_side, "bidMultiplierDown") or down,
        ask_multiplier_up=filters.amount(by_side, "askMultiplierUp") or up,
        ask_multiplier_down=filters.amount(by_side, "askMultiplierDown") or down,
        max_num_orders=filters.count("MAX_NUM_ORDERS", "maxNumOrders"),
        max_num_algo_orders=filters.count("MAX_NUM_ALGO_ORDERS", "maxNumAlgoOrders"),
        max_num_order_lists=filters.count("MAX_NUM_ORDER_LISTS", "maxNumOrderLists"),
        max_position=filters.amount("MAX_POSITION", "maxPosition"),
        oco_allowed=bool(row.get("ocoAllowed", True)),
        quote_order_qty_market_allowed=bool(row.get("quoteOrderQtyMarketAllowed", True)),
        cancel_replace_allowed=bool(row.get("cancelReplaceAllowed", True)),
        default_stp_mode=default_mode if default_mode in STP_MODES else "NONE",
        allowed_stp_modes=modes or ("NONE",),
        order_types=tuple(kind for kind in row.get("orderTypes", ()) if kind in ORDER_TYPES),
        permission_sets=_permission_sets(row),
        status=status if status in SYMBOL_STATUSES else "BREAK",
        start_price=known.start_price if known else 0,
        thin=known.thin if known else False,
    )


class _Filters:
    """The filters of one symbol by type."""

    def __init__(self, symbol: str, rows: object) -> None:
        if not isinstance(rows, Iterable):
            raise ConfigurationError(f"instruments: {symbol}: 'filters' is not an array")
        self._symbol = symbol
        self._rows: dict[str, _Json] = {
            row["filterType"]: row for row in rows if isinstance(row, dict) and "filterType" in row
        }

    def has(self, kind: str) -> bool:
        return kind in self._rows

    def amount(self, kind: str, key: str) -> int:
        text = self._rows.get(kind, {}).get(key, "0")
        try:
            value = parse_scaled(str(text))
        except TooPrecise:
            value = None
        if value is None:
            raise ConfigurationError(f"instruments: {self._symbol}: {kind}.{key} is {text!r}, not a decimal")
        return value

    def count(self, kind: str, key: str) -> int:
        value = self._rows.get(kind, {}).get(key, 0)
        if not isinstance(value, int):
            raise ConfigurationError(
                f"instruments: {self._symbol}: {kind}.{key} is {value!r}, not an integer"
            )
        return value

    def flag(self, kind: str, *keys: str) -> bool:
        row = self._rows.get(kind, {})
        return any(bool(row.get(key, False)) for key in keys)


def _lot(kind: str, smallest: int, largest: int, step: int) -> _Json:
    return {
        "filterType": kind,
        "minQty": format_scaled(smallest),
        "maxQty": format_scaled(largest),
        "stepSize": format_scaled(step),
    }


def _text(row: _Json, key: str) -> str:
    value = row.get(key)
    if not isinstance(value, str) or not value:
        raise ConfigurationError(f"instruments: a symbol has no {key!r}")
    return _plain(value)


def _plain(name: str) -> str:
    """Refuse names that could not stand between the quotes of a JSON text or in a stream's name.

    Why: answers are rendered from these names for every order, without escaping them again each time.
    """
    if not name.isprintable() or _SPECIAL & set(name):
        raise ConfigurationError(f"instruments: the name {name!r} has characters a symbol cannot have")
    return name


def _permission_sets(row: _Json) -> tuple[tuple[str, ...], ...]:
    sets = row.get("permissionSets")
    if not isinstance(sets, list) or not sets:
        return (("SPOT",),)
    return tuple(tuple(_plain(str(name)) for name in group) for group in sets if isinstance(group, list))
