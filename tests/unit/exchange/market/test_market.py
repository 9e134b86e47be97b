"""The projection in a venue: aggregates, tape and candles of orders that really met."""

from itertools import count

import pytest

from watchword.binance.enums import Side
from watchword.binance.errors import WireError
from watchword.exchange.commands import AnyCommand, OpenAccount, OpenVenue, PlaceOrder
from watchword.exchange.listings import default_instruments
from watchword.exchange.market.intervals import MINUTE_US
from watchword.exchange.market.trades import AggregateTrade
from watchword.exchange.venue import Venue

ONE = 10**8
NOW_US = 1_700_000_000_000_000
FUNDS = (("BTC", 10**15), ("USDT", 10**17))


class Pit:
    """Two accounts in an empty venue."""

    def __init__(self) -> None:
        self.venue = Venue()
        self._numbers = count(1)
        self.now_us = NOW_US
        self.do(OpenVenue, 1, False, default_instruments())
        self.do(OpenAccount, "one", FUNDS)
        self.do(OpenAccount, "two", FUNDS)

    def do(self, kind: type[AnyCommand], *fields: object) -> None:
        applied = self.venue.apply(kind(next(self._numbers), self.now_us, *fields))  # type: ignore[call-arg]
        assert not isinstance(applied, WireError), applied

    def order(self, account_id: int, side: Side, price: int, quantity: int) -> None:
        number = str(self.venue.sequence)
        self.do(
            PlaceOrder, account_id, "BTCUSDT", side, "LIMIT", "GTC", quantity, 0, price, 0, number, "NONE", 0, 0
        )  # fmt: skip


def swept() -> Pit:
    """The second account buys two offers at 100 and one at 101."""
    pit = Pit()
    for price, quantity in ((100, 1), (100, 2), (101, 5)):
        pit.order(1, "SELL", price * ONE, quantity * ONE)
    pit.now_us += 7
    pit.order(2, "BUY", 101 * ONE, 4 * ONE)
    return pit


def test_aggregates_join_fills_of_one_taker_at_one_price() -> None:
    market = swept().venue.market
    expected = [
        AggregateTrade(1, 100 * ONE, 3 * ONE, 1, 2, NOW_US + 7, False),
        AggregateTrade(2, 101 * ONE, ONE, 3, 3, NOW_US + 7, False),
    ]
    assert market.aggregate_trades("BTCUSDT", None, None, None, 500) == expected
    assert market.fresh_aggregate_trades() == [("BTCUSDT", aggregate) for aggregate in expected]


def test_aggregates_of_two_takers_at_one_price_stay_apart() -> None:
    pit = swept()
    pit.order(2, "BUY", 101 * ONE, ONE)
    assert [one.aggregate_id for _, one in pit.venue.market.fresh_aggregate_trades()] == [3]
    pit.order(2, "BUY", 101 * ONE, ONE)
    assert [one.first_id for one in pit.venue.market.aggregate_trades("BTCUSDT", 3, None, None, 9)] == [4, 5]


def test_fresh_aggregates_are_gone_after_a_command_without_trades() -> None:
    pit = swept()
    pit.order(2, "BUY", ONE, ONE)
    assert pit.venue.market.fresh_aggregate_trades() == []


def test_trades_show_who_made_the_market() -> None:
    pit = swept()
    pit.order(2, "BUY", 99 * ONE, ONE)
    pit.order(1, "SELL", 99 * ONE, ONE)
    market = pit.venue.market
    assert [trade.buyer_is_maker for trade in market.trades("BTCUSDT", 500)] == [False, False, False, True]
    assert market.last_price("BTCUSDT") == 99 * ONE
    assert [trade.trade_id for trade in market.trades_from("BTCUSDT", 3, 500)] == [3, 4]
    assert market.next_trade_id("BTCUSDT") == pit.venue.engine.floors["BTCUSDT"].next_trade_id == 5


def test_candle_of_a_moment_counts_what_the_taker_bought() -> None:
    pit = swept()
    pit.order(2, "BUY", 99 * ONE, ONE)
    pit.order(1, "SELL", 99 * ONE, ONE)
    candle = pit.venue.market.candle("BTCUSDT", "1m", pit.now_us, pit.now_us)
    assert candle is not None
    assert (candle.open, candle.high, candle.low, candle.close) == (100 * ONE, 101 * ONE, 99 * ONE, 99 * ONE)
    assert (candle.volume, candle.taker_volume, candle.trades) == (5 * ONE, 4 * ONE, 4)
    assert (candle.quote_volume, candle.taker_quote_volume) == (500 * ONE, 401 * ONE)
    assert pit.venue.market.candle("BTCUSDT", "1m", pit.now_us - MINUTE_US, pit.now_us) is None


@pytest.mark.parametrize("symbol", ["ETHUSDT", "NOPE"])
def test_symbol_never_traded_reads_as_empty(symbol: str) -> None:
    market = swept().venue.market
    assert market.last_trade(symbol) is market.last_price(symbol) is None
    assert market.trades(symbol, 5) == market.trades_from(symbol, 0, 5) == []
    assert market.aggregate_trades(symbol, None, None, None, 5) == []
    assert market.klines(symbol, "1h", None, None, 5, 0, NOW_US) == []
    assert market.candle(symbol, "1M", NOW_US, NOW_US) is None
    assert market.average_price(symbol, 5, NOW_US) is None
    assert market.next_trade_id(symbol) == 1
