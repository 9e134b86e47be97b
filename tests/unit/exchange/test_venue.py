"""The whole exchange: projections folded, traders expanded, replay and snapshot exact."""

from collections.abc import Iterator

import pytest
from tests.unit.exchange.house import NOW_US, units

from watchword.exchange.commands import (
    AnyCommand,
    CancelOpenOrders,
    ImportTrade,
    LiquidityTick,
    OpenAccount,
    OpenVenue,
    PlaceOrder,
    SetLiquidity,
)
from watchword.exchange.events import OrderTraded
from watchword.exchange.listings import default_instruments
from watchword.exchange.venue import Venue
from watchword.kernel.errors import CorruptStoreError, InvariantError


def _day(liquidity: bool, ticks: int) -> Iterator[AnyCommand]:
    """A venue's first seconds: makers, a user who buys, a recorded trade."""
    yield OpenVenue(1, NOW_US, 3, liquidity, default_instruments()[:2])
    yield OpenAccount(2, NOW_US + 1, "user", (("USDT", units(10**6)), ("BTC", units(10))))
    account = 3 if liquidity else 1
    for number in range(3, 3 + ticks):
        now_us = NOW_US + number * 250_000
        if number % 7 == 3:
            yield PlaceOrder(
                number, now_us, account, "BTCUSDT", "BUY", "MARKET", "GTC", units("0.01"), 0, 0, 0, f"m{number}",
                "NONE", 0, 0,
            )  # fmt: skip
        elif number % 7 == 5:
            yield PlaceOrder(
                number, now_us, account, "BTCUSDT", "BUY", "LIMIT", "GTC", units("0.01"), 0, units(50_000), 0,
                f"l{number}", "NONE", 0, 0,
            )  # fmt: skip
        elif number == 19:
            yield CancelOpenOrders(number, now_us, account, "BTCUSDT", "all")
        elif number == 20:
            yield SetLiquidity(number, now_us, "ETHUSDT", False)
        elif number == 21:
            yield ImportTrade(number, now_us, "ETHUSDT", units(3_400), units(1), True)
        else:
            yield LiquidityTick(number, now_us)


@pytest.mark.parametrize("liquidity", [True, False])
def test_venue_snapshot_then_continuing_equals_not_snapshotting(liquidity: bool) -> None:
    straight, through = Venue(), Venue()
    for command in _day(liquidity, 22):
        assert straight.apply(command) == through.apply(command)
        if command.sequence in {1, 4, 12, 20}:
            raw = through.encode()
            through = Venue.decode(raw)
            assert through.encode() == raw
    assert straight.state_hash() == through.state_hash()
    assert straight.sequence == through.sequence == 24
    assert straight.engine.ledger.imbalance() == {}


def test_venue_replay_gives_the_same_hash_and_another_seed_another() -> None:
    hashes = []
    for seed in (3, 3, 4):
        venue = Venue()
        venue.apply(OpenVenue(1, NOW_US, seed, True, default_instruments()[:1]))
        for number in range(2, 12):
            venue.apply(LiquidityTick(number, NOW_US + number * 250_000))
        hashes.append(venue.state_hash())
    assert hashes[0] == hashes[1] != hashes[2]


def test_venue_projections_see_what_happened() -> None:
    venue = Venue()
    traded = [
        event
        for command in _day(True, 10)
        for event in venue.apply(command)
        if isinstance(event, OrderTraded) and event.symbol == "BTCUSDT"
    ]
    last = venue.market.last_trade("BTCUSDT")
    assert last is not None
    assert last.trade_id == traded[-1].trade_id
    bought = [event for event in traded if event.taker.account_id == 3]
    mine = venue.archive.trades(3, "BTCUSDT", None, None, None, None, 500)
    assert [trade.trade_id for trade in mine] == [event.trade_id for event in bought] != []
    assert venue.order(3, "BTCUSDT", bought[0].taker.order_id, "") is bought[0].taker
    opened = venue.engine.open_orders(3, "BTCUSDT")
    assert venue.order(3, "BTCUSDT", opened[0].order_id, "") is opened[0]
    assert venue.order(3, "BTCUSDT", 10**9, "") is None


def test_venue_trade_ids_continue_the_made_up_history() -> None:
    venue = Venue()
    venue.apply(OpenVenue(1, NOW_US, 3, True, default_instruments()[:1]))
    following = venue.market.next_trade_id("BTCUSDT")
    assert following > 1
    assert venue.engine.floors["BTCUSDT"].next_trade_id == following
    assert venue.engine.floors["BTCUSDT"].last_price == venue.market.last_price("BTCUSDT")


@pytest.mark.parametrize("sequence", [0, 1, 3])
def test_venue_command_out_of_sequence_stops_the_process(sequence: int) -> None:
    venue = Venue()
    venue.apply(OpenVenue(1, NOW_US, 1, False, ()))
    with pytest.raises(InvariantError):
        venue.apply(LiquidityTick(sequence, NOW_US))


@pytest.mark.parametrize("damage", [lambda raw: b"", lambda raw: raw[:40], lambda raw: b"x" + raw[1:]])
def test_venue_bytes_not_ours_are_refused(damage: object) -> None:
    venue = Venue()
    venue.apply(OpenVenue(1, NOW_US, 1, False, default_instruments()))
    with pytest.raises(CorruptStoreError):
        Venue.decode(damage(venue.encode()))  # type: ignore[operator]
