"""Public data and one's own account: bounds, order, symbol selection, and what is left out."""

from collections.abc import Iterator

import pytest
from tests.support.operations import START_US, OperationsFloor, Trader

from watchword.exchange.commands import SetSymbolStatus

START_MS = START_US // 1000
MINUTE_MS = 60_000


@pytest.fixture
def floor() -> Iterator[OperationsFloor]:
    with OperationsFloor(limits_scale=2.0) as floor:
        yield floor


@pytest.fixture
def alice(floor: OperationsFloor) -> Trader:
    return floor.trader("alice")


@pytest.fixture
def traded(floor: OperationsFloor, alice: Trader) -> list[int]:
    """Five trades a minute apart; their moments in milliseconds."""
    bob, moments = floor.trader("bob"), []
    for number in range(5):
        bob.limit("SELL", str(50_000 + number), "0.1")
        alice.limit("BUY", str(50_000 + number), "0.1")
        moments.append(floor.clock.at_us // 1000)
        floor.clock.move(60)
    return moments


def halt(floor: OperationsFloor, symbol: str) -> None:
    async def submit() -> None:
        await floor.testnet.sequencer.submit(
            lambda sequence, now_us: SetSymbolStatus(sequence, now_us, symbol, "HALT"), lambda _c, _a: None
        )

    floor.loop.run_until_complete(submit())


def test_exchange_info_lists_every_symbol_and_the_scaled_limits(floor: OperationsFloor) -> None:
    info = floor.public("exchangeInfo")
    assert len(info["symbols"]) == len(floor.testnet.venue.engine.floors) > 10
    assert [rule["limit"] for rule in info["rateLimits"]] == [12_000, 100, 320_000, 600_000]
    floor.websocket = True
    assert floor.public("exchangeInfo")["rateLimits"][-1]["rateLimitType"] == "CONNECTIONS"


def test_exchange_info_selects_by_symbol_permission_and_status(floor: OperationsFloor) -> None:
    def names(**params: object) -> list[str]:
        return [symbol["symbol"] for symbol in floor.public("exchangeInfo", **params)["symbols"]]

    assert names(symbol="ETHBTC") == ["ETHBTC"]
    assert names(symbols=["LTCBTC", "ETHBTC"]) == ["LTCBTC", "ETHBTC"]
    assert names(symbol="这是测试币456") == ["这是测试币456"]
    assert names(permissions="LEVERAGED") == []
    assert len(names(permissions='["SPOT","LEVERAGED"]')) == len(names())
    halt(floor, "ETHBTC")
    assert names(symbolStatus="HALT") == ["ETHBTC"]
    assert "ETHBTC" not in names(symbolStatus="TRADING")
    (shown,) = floor.public("exchangeInfo", symbol="ETHBTC", showPermissionSets=False)["symbols"]
    assert (shown["status"], shown["permissionSets"]) == ("HALT", [])


def test_tickers_leave_out_symbols_of_another_status_but_refuse_a_single_one(floor: OperationsFloor) -> None:
    halt(floor, "ETHBTC")
    chosen = floor.public("ticker.price", symbols=["ETHBTC", "BTCUSDT"], symbolStatus="TRADING")
    assert [row["symbol"] for row in chosen] == ["BTCUSDT"]
    assert floor.public_refused("ticker.price", symbol="ETHBTC", symbolStatus="TRADING")[0] == -1220


def test_depth_is_limited_and_on_the_books_counter(floor: OperationsFloor, alice: Trader) -> None:
    for number in range(7):
        alice.limit("BUY", str(100 + number), "1")
    depth = floor.public("depth", symbol="BTCUSDT", limit=3)
    assert [row[0] for row in depth["bids"]] == ["106.00000000", "105.00000000", "104.00000000"]
    assert depth["lastUpdateId"] == floor.testnet.venue.engine.book("BTCUSDT").update_id == 7
    assert len(floor.public("depth", symbol="BTCUSDT", limit=999_999)["bids"]) == 7


def test_trades_and_aggregates_are_bounded_by_id_time_and_limit(
    floor: OperationsFloor, traded: list[int]
) -> None:
    def ids(name: str, key: str, **params: object) -> list[int]:
        return [row[key] for row in floor.public(name, symbol="BTCUSDT", **params)]

    assert ids("trades.recent", "id", limit=2) == [4, 5]
    assert ids("trades.historical", "id", fromId=2, limit=2) == [2, 3]
    assert ids("trades.historical", "id", limit=9999) == [1, 2, 3, 4, 5]
    assert ids("trades.aggregate", "a", fromId=4) == [4, 5]
    assert ids("trades.aggregate", "a", startTime=traded[1], endTime=traded[3]) == [2, 3, 4]
    assert ids("trades.aggregate", "a", endTime=traded[3], limit=2) == [3, 4]
    assert ids("trades.aggregate", "a", startTime=traded[1] * 1000) == [2, 3, 4, 5]


def test_klines_open_where_their_time_zone_says_in_utc_times(
    floor: OperationsFloor, traded: list[int]
) -> None:
    rows = floor.public("klines", symbol="BTCUSDT", interval="1m", limit=2)
    assert rows[-1][0] - rows[0][0] == MINUTE_MS
    assert rows[-1][6] == rows[-1][0] + MINUTE_MS - 1
    (utc,) = floor.public("klines", symbol="BTCUSDT", interval="1d", limit=1)
    (east,) = floor.public("klines", symbol="BTCUSDT", interval="1d", limit=1, timeZone="+2:00")
    assert east[0] == utc[0] - 2 * 60 * MINUTE_MS
    floor.micros = True
    (fine,) = floor.public("klines", symbol="BTCUSDT", interval="1d", limit=1)
    assert (fine[0], fine[6]) == (utc[0] * 1000, utc[6] * 1000 + 999)


def test_one_symbol_is_an_object_and_many_are_an_array(floor: OperationsFloor, traded: list[int]) -> None:
    assert floor.public("ticker.price", symbol="BTCUSDT") == {"symbol": "BTCUSDT", "price": "50004.00000000"}
    assert floor.public("ticker.price", symbols=["BTCUSDT"]) == [
        {"symbol": "BTCUSDT", "price": "50004.00000000"}
    ]
    assert floor.public("ticker.24hr", symbol="BTCUSDT")["count"] == 5
    assert floor.public("ticker", symbol="BTCUSDT", windowSize="2m")["count"] == 2
    assert floor.public("avgPrice", symbol="BTCUSDT")["mins"] == 5


def test_average_price_of_a_symbol_nobody_traded_is_zero(floor: OperationsFloor) -> None:
    assert floor.public("avgPrice", symbol="BTCUSDT") == {"mins": 5, "price": "0.00000000", "closeTime": 0}


def test_account_shows_every_listed_asset_unless_asked_not_to(alice: Trader) -> None:
    alice.limit("BUY", "100", "1")
    everything = {row["asset"]: row for row in alice.do("account.status")["balances"]}
    assert everything["SOL"] == {"asset": "SOL", "free": "0.00000000", "locked": "0.00000000"}
    assert everything["USDT"]["locked"] == "100.00000000"
    held = [row["asset"] for row in alice.do("account.status", omitZeroBalances=True)["balances"]]
    assert sorted(held) == ["BNB", "BTC", "USDT"]


def test_orders_of_others_are_nobodys_business(floor: OperationsFloor, alice: Trader) -> None:
    order_id = alice.limit("BUY", "100", "1")["orderId"]
    mallory = floor.trader("mallory")
    assert mallory.refused("order.status", symbol="BTCUSDT", orderId=order_id)[0] == -2013
    assert mallory.refused("order.cancel", symbol="BTCUSDT", orderId=order_id)[0] == -2011
    assert mallory.do("openOrders.status") == []
    assert mallory.do("allOrders", symbol="BTCUSDT") == []


def test_all_orders_and_trades_are_bounded_by_id_time_and_limit(alice: Trader, traded: list[int]) -> None:
    def ids(name: str, key: str, **params: object) -> list[int]:
        return [row[key] for row in alice.do(name, symbol="BTCUSDT", **params)]

    orders = ids("allOrders", "orderId")
    assert orders == sorted(orders)
    assert len(orders) == 5
    assert ids("allOrders", "orderId", limit=2) == orders[-2:]
    assert ids("allOrders", "orderId", orderId=orders[1], limit=2) == orders[1:3]
    assert ids("allOrders", "orderId", startTime=traded[1], endTime=traded[2]) == orders[1:3]
    assert ids("myTrades", "id", fromId=3) == [3, 4, 5]
    assert ids("myTrades", "id", orderId=orders[2]) == [3]
    assert ids("myTrades", "id", startTime=traded[3]) == [4, 5]
    assert ids("myTrades", "id", endTime=traded[3], limit=1) == [4]
    assert alice.do("myTrades", symbol="BTCUSDT", limit=1)[0]["isBuyer"] is True


def test_open_and_ended_lists_are_found_by_id_and_name(alice: Trader) -> None:
    oco = {
        "symbol": "BTCUSDT", "side": "SELL", "quantity": "1", "aboveType": "LIMIT_MAKER", "abovePrice": "60000",
        "belowType": "STOP_LOSS", "belowStopPrice": "40000",
    }  # fmt: skip
    first = alice.do("orderList.place.oco", **oco, listClientOrderId="one")
    alice.do("orderList.place.oco", **oco, listClientOrderId="two")
    alice.do("orderList.cancel", symbol="BTCUSDT", orderListId=first["orderListId"])
    assert [row["listClientOrderId"] for row in alice.do("openOrderLists.status")] == ["two"]
    assert [row["listOrderStatus"] for row in alice.do("allOrderLists")] == ["ALL_DONE", "EXECUTING"]
    assert alice.do("orderList.status", origClientOrderId="one")["listOrderStatus"] == "ALL_DONE"
    assert alice.do("orderList.status", orderListId=first["orderListId"])["listClientOrderId"] == "one"


def test_wallet_routes_ignore_what_they_do_not_know_and_tell_the_keys_permissions(alice: Trader) -> None:
    flags = alice.do("sapi.v1.account.apiRestrictions", whatever=1)
    assert flags["enableReading"] is True
    assert flags["enableSpotAndMarginTrading"] is False
    assert flags["ipRestrict"] is False
    coins = {coin["coin"]: coin for coin in alice.do("sapi.v1.capital.config.getall")}
    assert coins["BTC"]["free"] == "100"
    assert alice.do("sapi.v1.asset.tradeFee", symbol="BTCUSDT") == [
        {"symbol": "BTCUSDT", "makerCommission": "0.001", "takerCommission": "0.001"}
    ]
    assert len(alice.do("sapi.v1.asset.tradeFee")) > 10


def test_order_counts_are_shown_as_the_door_counts_them(alice: Trader) -> None:
    assert [row["intervalNum"] for row in alice.do("account.rateLimits.orders")] == [10, 1]
