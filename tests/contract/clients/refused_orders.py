"""Orders that every client must see refused, with Binance's code and text. The numbers come from the symbol's filters."""

from decimal import Decimal
from typing import Any, Final

import msgspec
from tests.support.floor import ASKS, BIDS, LAST, SYMBOL, Account, Floor

Order = dict[str, str]


class Refusal(msgspec.Struct, frozen=True):
    """What Binance answers: HTTP status 400 in all these cases."""

    code: int
    text: str


def _filter(name: str, code: int = -1013) -> Refusal:
    return Refusal(code, f"Filter failure: {name}")


#: Judged before the order reaches the engine, or by the engine, from the order alone.
REFUSALS: Final = {
    "PRICE_FILTER": _filter("PRICE_FILTER"),
    "PERCENT_PRICE_BY_SIDE": _filter("PERCENT_PRICE_BY_SIDE"),
    "LOT_SIZE": _filter("LOT_SIZE"),
    "MARKET_LOT_SIZE": _filter("MARKET_LOT_SIZE"),
    "NOTIONAL": _filter("NOTIONAL"),
    "insufficient balance": Refusal(-2010, "Account has insufficient balance for requested action."),
    "maker would take": Refusal(-2010, "Order would immediately match and take."),
    "stop would trigger": Refusal(-2010, "Order would trigger immediately."),
    "unknown symbol": Refusal(-1121, "Invalid symbol."),
}
#: Judged by how many orders the account has open.
COUNT_REFUSALS: Final = {
    "MAX_NUM_ORDERS": _filter("MAX_NUM_ORDERS", -2010),
    "MAX_NUM_ALGO_ORDERS": _filter("MAX_NUM_ALGO_ORDERS", -2010),
}


def filters_of(floor: Floor) -> dict[str, dict[str, Any]]:
    """The filters of SYMBOL, by type."""
    (symbol,) = floor.maker.public("/api/v3/exchangeInfo", symbol=SYMBOL)["symbols"]
    return {found["filterType"]: found for found in symbol["filters"]}


def refused_order(name: str, filters: dict[str, dict[str, Any]]) -> Order:
    """The order that must be refused for the reason `name` of REFUSALS."""
    limit = {
        "symbol": SYMBOL,
        "side": "BUY",
        "type": "LIMIT",
        "timeInForce": "GTC",
        "price": str(BIDS[0] - 1000),
    }
    match name:
        case "PRICE_FILTER":
            tick = Decimal(filters[name]["tickSize"])
            return {**limit, "quantity": "0.01", "price": _plain(LAST - 1000 + tick / 10)}
        case "PERCENT_PRICE_BY_SIDE":
            too_high = LAST * (Decimal(filters[name]["bidMultiplierUp"]) + 1)
            return {**limit, "quantity": "0.001", "price": _plain(too_high.quantize(Decimal("0.01")))}
        case "LOT_SIZE":
            return {**limit, "quantity": _plain(Decimal("0.01") + Decimal(filters[name]["stepSize"]) / 10)}
        case "MARKET_LOT_SIZE":
            most, step = Decimal(filters[name]["maxQty"]), Decimal(filters["LOT_SIZE"]["stepSize"])
            assert most + step <= Decimal(filters["LOT_SIZE"]["maxQty"]), (
                "LOT_SIZE would hide MARKET_LOT_SIZE"
            )
            return {"symbol": SYMBOL, "side": "BUY", "type": "MARKET", "quantity": _plain(most + step)}
        case "NOTIONAL":
            step = Decimal(filters["LOT_SIZE"]["stepSize"])
            quantity = Decimal(filters[name]["minNotional"]) / LAST // step * step
            return {**limit, "quantity": _plain(max(quantity, step))}
        case "insufficient balance":
            return {**limit, "quantity": "8"}
        case "maker would take":
            return {
                "symbol": SYMBOL,
                "side": "BUY",
                "type": "LIMIT_MAKER",
                "quantity": "0.01",
                "price": str(ASKS[1]),
            }
        case "stop would trigger":
            return {**limit, "type": "STOP_LOSS_LIMIT", "quantity": "0.01", "stopPrice": str(LAST - 500)}
        case "unknown symbol":
            return {**limit, "symbol": "NOSUCHUSDT", "quantity": "0.01"}
    raise ValueError(name)


def order_over_count(name: str) -> Order:
    """The order that is one too many for an account filled by `fill_up`."""
    limit = {"symbol": SYMBOL, "side": "BUY", "type": "LIMIT", "timeInForce": "GTC", "quantity": "0.001"}
    if name == "MAX_NUM_ORDERS":
        return {**limit, "price": str(LAST - 5000)}
    return {**limit, "type": "STOP_LOSS_LIMIT", "price": str(LAST + 2500), "stopPrice": str(LAST + 2000)}


def fill_up(account: Account, name: str, filters: dict[str, dict[str, Any]]) -> None:
    """Open as many orders as filter `name` allows."""
    if name == "MAX_NUM_ORDERS":
        for number in range(filters[name]["maxNumOrders"]):
            account.trader.limit("BUY", LAST - 5001 - number, "0.001", newOrderRespType="ACK")
        return
    for _ in range(filters[name]["maxNumAlgoOrders"]):
        account.trader.request("POST", "/api/v3/order", **order_over_count(name))


def _plain(value: Decimal) -> str:
    return f"{value:f}"
