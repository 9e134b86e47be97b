"""What ccxt must be able to do, written once for its sync and its async exchange classes."""

import inspect
import time
from typing import Any

from tests.support.floor import ASKS, BIDS, LAST, Floor
from tests.support.testnet_process import TestnetKey, TestnetProcess

MARKET = "BTC/USDT"


def configuration(testnet: TestnetProcess, key: TestnetKey | None = None, **more: Any) -> dict[str, Any]:
    """Constructor argument that points ccxt at a testnet, as its users write it; other options keep their defaults."""
    rest = testnet.rest
    urls = {
        "public": f"{rest}/api/v3", "private": f"{rest}/api/v3", "v1": f"{rest}/api/v1",
        "sapi": f"{rest}/sapi/v1", "sapiV2": f"{rest}/sapi/v2", "sapiV3": f"{rest}/sapi/v3",
        "fapiPublic": f"{rest}/fapi/v1", "dapiPublic": f"{rest}/dapi/v1",
        "ws": {"spot": f"{testnet.streams}/ws", "ws-api": {"spot": testnet.ws_api}},
    }  # fmt: skip
    keyed = {} if key is None else {"apiKey": key.api_key, "secret": key.secret or key.pem}
    return {"urls": {"api": urls}, **keyed, **more}


async def settle(result: Any) -> Any:
    """The result of a call of either class."""
    return await result if inspect.isawaitable(result) else result


async def full_session(exchange: Any, floor: Floor) -> None:
    """One trading day: public data, account, orders of each kind, lists, trades."""
    await _reads_the_market(exchange)
    await _reads_the_account(exchange)
    await _places_and_cancels(exchange)
    await _trades(exchange, floor)
    await _places_stops_and_lists(exchange)


async def _reads_the_market(exchange: Any) -> None:
    markets = await settle(exchange.load_markets())
    assert {"BTC/USDT", "ETH/USDT", "ETH/BTC"} <= set(markets)
    precision = markets[MARKET]["precision"]
    assert (precision["amount"], precision["price"]) == (1e-05, 0.01)
    assert markets[MARKET]["limits"]["cost"]["min"] == 5
    assert abs(await settle(exchange.fetch_time()) - time.time() * 1000) < 2000
    assert (await settle(exchange.fetch_status()))["status"] == "ok"
    book = await settle(exchange.fetch_order_book(MARKET))
    assert book["bids"] == [[price, 1] for price in BIDS]
    assert book["asks"] == [[price, 1] for price in ASKS]
    assert book["nonce"] > 0
    assert (await settle(exchange.fetch_ohlcv(MARKET, "1m")))[-1][4] == LAST
    assert (await settle(exchange.fetch_trades(MARKET)))[-1]["price"] == LAST
    assert (await settle(exchange.fetch_ticker(MARKET)))["last"] == LAST
    assert (await settle(exchange.fetch_tickers([MARKET, "ETH/USDT"])))[MARKET]["last"] == LAST
    assert (await settle(exchange.fetch_bids_asks([MARKET])))[MARKET]["bid"] == BIDS[0]
    assert (await settle(exchange.fetch_last_prices([MARKET])))[MARKET]["price"] == LAST


async def _reads_the_account(exchange: Any) -> None:
    balance = await settle(exchange.fetch_balance())
    assert (balance["BTC"], balance["USDT"]["free"]) == ({"free": 5, "used": 0, "total": 5}, 250_000)
    assert (await settle(exchange.fetch_trading_fee(MARKET)))["taker"] >= 0
    assert MARKET in await settle(exchange.fetch_trading_fees())


async def _places_and_cancels(exchange: Any) -> None:
    order = (MARKET, "limit", "buy", 0.01, LAST - 1000)
    tested = await settle(exchange.create_order(*order, {"test": True}))
    assert tested["id"] is None
    placed = await settle(exchange.create_order(*order))
    assert (placed["status"], placed["remaining"]) == ("open", 0.01)
    assert placed["clientOrderId"].startswith("x-TKT5PX2F")
    assert [found["id"] for found in await settle(exchange.fetch_open_orders(MARKET))] == [placed["id"]]
    found = await settle(exchange.fetch_order(placed["id"], MARKET))
    assert (found["price"], found["side"], found["timeInForce"]) == (LAST - 1000, "buy", "GTC")
    edited = await settle(exchange.edit_order(placed["id"], MARKET, "limit", "buy", 0.02, LAST - 1100))
    assert edited["amount"] == 0.02
    assert (await settle(exchange.cancel_order(edited["id"], MARKET)))["status"] == "canceled"
    assert await settle(exchange.fetch_open_orders(MARKET)) == []


async def _trades(exchange: Any, floor: Floor) -> None:
    bought = await settle(exchange.create_order(MARKET, "market", "buy", 1.5))
    assert (bought["status"], bought["filled"]) == ("closed", 1.5)
    assert bought["average"] == (ASKS[0] + ASKS[1] / 2) / 1.5
    assert bought["fees"][0]["currency"] in {"BTC", "BNB"}
    spent = await settle(exchange.create_market_buy_order_with_cost(MARKET, ASKS[1] / 10))
    assert spent["filled"] == 0.1
    trades = await settle(exchange.fetch_my_trades(MARKET))
    assert [(trade["side"], trade["takerOrMaker"], trade["amount"]) for trade in trades] == [
        ("buy", "taker", 1), ("buy", "taker", 0.5), ("buy", "taker", 0.1),
    ]  # fmt: skip
    assert len(await settle(exchange.fetch_order_trades(bought["id"], MARKET))) == 2
    statuses = [order["status"] for order in await settle(exchange.fetch_orders(MARKET))]
    assert statuses == ["canceled", "canceled", "closed", "closed"]
    floor.trade()


async def _places_stops_and_lists(exchange: Any) -> None:
    stop = await settle(
        exchange.create_order(MARKET, "limit", "sell", 0.01, LAST - 1100, {"stopLossPrice": LAST - 1000})
    )
    assert (stop["info"]["type"], stop["triggerPrice"]) == ("STOP_LOSS_LIMIT", LAST - 1000)
    assert (await settle(exchange.cancel_order(stop["id"], MARKET)))["status"] == "canceled"
    legs = {
        "symbol": "BTCUSDT", "side": "SELL", "quantity": "0.01", "aboveType": "LIMIT_MAKER",
        "abovePrice": str(LAST + 5000), "belowType": "STOP_LOSS", "belowStopPrice": str(LAST - 5000),
    }  # fmt: skip
    listed = await settle(exchange.private_post_orderlist_oco(legs))
    assert listed["listOrderStatus"] == "EXECUTING"
    assert len(await settle(exchange.fetch_open_orders(MARKET))) == 2
    assert [found["orderListId"] for found in await settle(exchange.private_get_openorderlist())] == [
        listed["orderListId"]
    ]
    cancelled = await settle(
        exchange.private_delete_orderlist({"symbol": "BTCUSDT", "orderListId": listed["orderListId"]})
    )
    assert cancelled["listOrderStatus"] == "ALL_DONE"
    await settle(exchange.create_order(MARKET, "limit", "sell", 0.01, LAST + 1000, {"postOnly": True}))
    await settle(exchange.cancel_all_orders(MARKET))
    assert await settle(exchange.fetch_open_orders(MARKET)) == []
