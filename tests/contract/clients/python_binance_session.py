"""What python-binance must be able to do, written once for its sync and its async client."""

import inspect
import time
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from binance import BinanceSocketManager
from binance.base_client import BaseClient
from tests.support.floor import ASKS, BIDS, LAST, SYMBOL, Floor
from tests.support.testnet_process import TestnetKey, TestnetProcess


def point_at(testnet: TestnetProcess, monkeypatch: pytest.MonkeyPatch) -> None:
    """Point the library at a testnet, as its users do: class attributes, before any client is made."""
    monkeypatch.setattr(BaseClient, "API_URL", testnet.rest + "/api")
    monkeypatch.setattr(BaseClient, "MARGIN_API_URL", testnet.rest + "/sapi")
    monkeypatch.setattr(BaseClient, "WS_API_URL", testnet.ws_api)
    monkeypatch.setattr(BinanceSocketManager, "STREAM_URL", testnet.streams + "/")


def credentials(key: TestnetKey, folder: Path | None = None) -> dict[str, Any]:
    """Constructor arguments for a key: the PEM as text, or as a path when a folder is given."""
    if key.type == "HMAC":
        return {"api_key": key.api_key, "api_secret": key.secret}
    if folder is None:
        return {"api_key": key.api_key, "private_key": key.pem}
    path = folder / f"{key.type}.pem"
    path.write_text(key.pem, encoding="utf-8")
    return {"api_key": key.api_key, "private_key": path}


async def settle(result: Any) -> Any:
    """The result of a call of either client."""
    return await result if inspect.isawaitable(result) else result


async def full_session(client: Any, floor: Floor) -> None:
    """One trading day: public data, account, orders of each kind, lists, trades."""
    await _reads_the_market(client)
    await _reads_the_account(client)
    await _places_and_cancels(client)
    await _trades(client, floor)
    await _places_stops_and_lists(client)
    await _replaces(client)


async def _reads_the_market(client: Any) -> None:
    now_ms = time.time() * 1000
    assert abs((await settle(client.get_server_time()))["serverTime"] - now_ms) < 2000
    info = await settle(client.get_exchange_info())
    assert {"BTCUSDT", "ETHUSDT", "BNBBTC"} <= {found["symbol"] for found in info["symbols"]}
    assert (await settle(client.get_symbol_info(SYMBOL)))["baseAsset"] == "BTC"
    book = await settle(client.get_order_book(symbol=SYMBOL))
    assert [Decimal(price) for price, _ in book["bids"]] == list(BIDS)
    assert [Decimal(price) for price, _ in book["asks"]] == list(ASKS)
    candles = await settle(client.get_klines(symbol=SYMBOL, interval="1m", limit=5))
    assert [len(candle) for candle in candles] == [12] * len(candles)
    assert Decimal(candles[-1][4]) == LAST
    assert (await settle(client.get_ui_klines(symbol=SYMBOL, interval="1h")))[-1][4] == candles[-1][4]
    assert Decimal((await settle(client.get_recent_trades(symbol=SYMBOL)))[-1]["price"]) == LAST
    assert (await settle(client.get_historical_trades(symbol=SYMBOL, limit=1)))[0]["qty"] == "0.01000000"
    assert Decimal((await settle(client.get_aggregate_trades(symbol=SYMBOL)))[-1]["p"]) == LAST
    assert Decimal((await settle(client.get_avg_price(symbol=SYMBOL)))["price"]) > 0
    assert (await settle(client.get_ticker(symbol=SYMBOL)))["symbol"] == SYMBOL
    assert Decimal((await settle(client.get_symbol_ticker(symbol=SYMBOL)))["price"]) == LAST
    assert (await settle(client.get_orderbook_ticker(symbol=SYMBOL)))["bidPrice"] == book["bids"][0][0]
    window = await settle(client.get_symbol_ticker_window(symbol=SYMBOL, windowSize="1h"))
    assert Decimal(window["lastPrice"]) == LAST
    assert (await settle(client.get_system_status()))["status"] == 0


async def _reads_the_account(client: Any) -> None:
    account = await settle(client.get_account())
    assert account["accountType"] == "SPOT"
    assert account["canTrade"] is True
    assert await settle(client.get_asset_balance(asset="BTC")) == {
        "asset": "BTC", "free": "5.00000000", "locked": "0.00000000",
    }  # fmt: skip
    assert (await settle(client.get_account_api_permissions()))["enableSpotAndMarginTrading"] is True
    assert (await settle(client.get_account_status()))["data"] == "Normal"
    assert (await settle(client.get_account_api_trading_status()))["data"]["isLocked"] is False
    assert "makerCommission" in (await settle(client.get_trade_fee(symbol=SYMBOL)))[0]
    assert "standardCommission" in await settle(client.v3_get_account_commission(symbol=SYMBOL))
    limits = await settle(client.get_current_order_count())
    assert {limit["rateLimitType"] for limit in limits} == {"ORDERS"}


async def _places_and_cancels(client: Any) -> None:
    order = {"symbol": SYMBOL, "quantity": "0.01", "price": str(LAST - 1000)}
    tested = await settle(client.create_test_order(side="BUY", type="LIMIT", timeInForce="GTC", **order))
    assert tested == {}
    placed = await settle(client.order_limit_buy(**order))
    assert placed["status"] == "NEW"
    assert placed["clientOrderId"].startswith("x-HNA2TXFJ")
    (opened,) = await settle(client.get_open_orders(symbol=SYMBOL))
    assert opened["orderId"] == placed["orderId"]
    found = await settle(client.get_order(symbol=SYMBOL, orderId=placed["orderId"]))
    assert found["clientOrderId"] == placed["clientOrderId"]
    assert Decimal((await settle(client.get_asset_balance(asset="USDT")))["locked"]) == 490
    cancelled = await settle(client.cancel_order(symbol=SYMBOL, orderId=placed["orderId"]))
    assert cancelled["status"] == "CANCELED"
    assert cancelled["origClientOrderId"] == placed["clientOrderId"]
    assert await settle(client.get_open_orders(symbol=SYMBOL)) == []


async def _trades(client: Any, floor: Floor) -> None:
    bought = await settle(client.order_market_buy(symbol=SYMBOL, quantity="1.5"))
    assert bought["status"] == "FILLED"
    assert [(Decimal(fill["price"]), fill["qty"]) for fill in bought["fills"]] == [
        (ASKS[0], "1.00000000"), (ASKS[1], "0.50000000"),
    ]  # fmt: skip
    sold = await settle(client.order_market_sell(symbol=SYMBOL, quoteOrderQty="4999"))
    assert sold["status"] == "FILLED"
    assert sold["executedQty"] == "0.10000000"
    trades = await settle(client.get_my_trades(symbol=SYMBOL))
    assert [trade["isBuyer"] for trade in trades] == [True, True, False]
    assert [trade["orderId"] for trade in trades] == [bought["orderId"]] * 2 + [sold["orderId"]]
    floor.maker.limit("SELL", ASKS[0], 1)
    floor.trade()
    every = await settle(client.get_all_orders(symbol=SYMBOL))
    assert [order["status"] for order in every] == ["CANCELED", "FILLED", "FILLED"]


async def _places_stops_and_lists(client: Any) -> None:
    stop = await settle(
        client.create_order(
            symbol=SYMBOL, side="SELL", type="STOP_LOSS_LIMIT", timeInForce="GTC",
            quantity="0.01", price=str(LAST - 1100), stopPrice=str(LAST - 1000),
        )
    )  # fmt: skip
    assert (await settle(client.get_order(symbol=SYMBOL, orderId=stop["orderId"])))["isWorking"] is False
    cancelled = await settle(client.cancel_order(symbol=SYMBOL, origClientOrderId=stop["clientOrderId"]))
    assert cancelled["status"] == "CANCELED"
    legs = {
        "symbol": SYMBOL, "quantity": "0.01", "aboveType": "LIMIT_MAKER", "abovePrice": str(LAST + 5000),
        "belowType": "STOP_LOSS_LIMIT", "belowStopPrice": str(LAST - 5000), "belowPrice": str(LAST - 5100),
        "belowTimeInForce": "GTC",
    }  # fmt: skip
    listed = await settle(client.order_oco_sell(**legs))
    assert listed["contingencyType"] == "OCO"
    assert {report["type"] for report in listed["orderReports"]} == {"LIMIT_MAKER", "STOP_LOSS_LIMIT"}
    (open_list,) = await settle(client.get_open_oco_orders())
    assert open_list["orderListId"] == listed["orderListId"]
    ended = await settle(client.v3_delete_order_list(symbol=SYMBOL, orderListId=listed["orderListId"]))
    assert ended["listOrderStatus"] == "ALL_DONE"
    await settle(client.order_oco_sell(**legs))
    assert len(await settle(client.get_open_orders())) == 2
    await settle(client.cancel_all_open_orders(symbol=SYMBOL))
    assert await settle(client.get_open_orders()) == []


async def _replaces(client: Any) -> None:
    placed = await settle(client.order_limit_buy(symbol=SYMBOL, quantity="0.01", price=str(LAST - 2000)))
    replaced = await settle(
        client.cancel_replace_order(
            symbol=SYMBOL, side="BUY", type="LIMIT", timeInForce="GTC", quantity="0.02", price=str(LAST - 2100),
            cancelReplaceMode="STOP_ON_FAILURE", cancelOrderId=placed["orderId"],
        )
    )  # fmt: skip
    assert (replaced["cancelResult"], replaced["newOrderResult"]) == ("SUCCESS", "SUCCESS")
    (opened,) = await settle(client.get_open_orders(symbol=SYMBOL))
    assert opened["origQty"] == "0.02000000"
    await settle(client.cancel_order(symbol=SYMBOL, orderId=opened["orderId"]))
