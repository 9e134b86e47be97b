"""Claim: matching in process is fast: the book alone ahead of the pure-Python peer, the whole engine above 100,000/s.

One stream for everybody: 50 % resting limit orders, 30 % cancels, 20 % orders that cross the best price; 20 accounts,
some 2,000 orders and 100 price levels open throughout. Commands are built before the clock starts; each engine is
measured in turn within every round, so that a busy machine slows all alike, and the best round counts.

- book: `OrderBook` and a bare matching loop, orders created, no money, no events; like what the peers do.
- engine: `Engine.apply`, so risk, ledger, commissions and events. venue: the same plus archive and market data.
- lightmatchingengine: pure Python. bourse: Rust behind Python, shown beside.
"""

import gc
import random
import time
from collections.abc import Callable
from typing import Any, Final

import bourse
import msgspec
from lightmatchingengine.lightmatchingengine import LightMatchingEngine

from watchword.binance.enums import Side
from watchword.exchange.book import OrderBook
from watchword.exchange.commands import AnyCommand, CancelOrder, OpenAccount, OpenVenue, PlaceOrder
from watchword.exchange.engine import Engine
from watchword.exchange.events import OrderTraded
from watchword.exchange.listings import default_instruments
from watchword.exchange.order import Order
from watchword.exchange.venue import Venue

NOW_US: Final = 1_763_000_000_000_000
OPERATIONS: Final = 60_000
PRELOADED: Final = 2_000
ACCOUNTS: Final = 20
ROUNDS: Final = 5
ENGINE_PER_SECOND_MIN: Final = 100_000
SYMBOL: Final = "BTCUSDT"
TICK: Final = 1_000_000
LOT: Final = 1_000
MIDDLE_TICKS: Final = 6_700_000
DEPTH_TICKS: Final = 50
GRANTS: Final = (("BTC", 10**16), ("USDT", 10**18))

#: ("place", account, side, price, quantity) or ("cancel", account, how-manyth order placed, from 1, "", 0).
Operation = tuple[str, int, Any, int, int]


def run() -> dict[str, Any]:
    """Measure all and print a table.

    Returns:
        Operations per second by engine, and the claims.
    """
    commands, operations = make_stream()
    trades = sum(isinstance(event, OrderTraded) for event in _engine_events(commands))
    print(f"{OPERATIONS} operations after {PRELOADED} preloaded orders, {trades} trades, {ACCOUNTS} accounts")
    contestants: dict[str, Callable[[], int]] = {
        "book": lambda: run_book(operations),
        "lightmatchingengine (pure Python)": lambda: run_light(operations),
        "bourse (Rust)": lambda: run_bourse(operations),
        "engine (risk, ledger, events)": lambda: run_engine(commands),
        "venue (engine, archive, market data)": lambda: run_venue(commands),
    }
    best: dict[str, int] = dict.fromkeys(contestants, 0)
    for _ in range(ROUNDS):
        for name, contestant in contestants.items():
            best[name] = max(best[name], OPERATIONS * 1_000_000_000 // contestant())
    for name, per_second in best.items():
        print(f"  {name:<38} {per_second:>9,} operations/s  {1e6 / per_second:6.2f} us each")
    engine = best["engine (risk, ledger, events)"]
    return {
        "operations_per_second": best,
        "claims": {
            "book alone ahead of lightmatchingengine": best["book"]
            > best["lightmatchingengine (pure Python)"],
            f"whole engine >= {ENGINE_PER_SECOND_MIN}/s": engine >= ENGINE_PER_SECOND_MIN,
        },
    }


def make_stream() -> tuple[list[AnyCommand], list[Operation]]:
    """Draw the stream once, by running it: what to cancel and where the market is follow from what happened.

    Returns:
        The commands after the set-up (the first `PRELOADED` are the preload), and the same for the peers.
    """
    dice = random.Random(7)
    engine = _opened()
    operations: list[Operation] = []
    commands: list[AnyCommand] = []
    live: list[Order] = []
    while len(operations) < PRELOADED + OPERATIONS:
        draw = dice.random() if len(operations) >= PRELOADED else 0.0
        if 0.5 <= draw < 0.8:
            order = live.pop(dice.randrange(len(live)))
            if not order.leaves:
                continue
            operations.append(("cancel", order.account_id, order.order_id, 0, 0))
        else:
            operations.append(_drawn_order(dice, engine, crossing=draw >= 0.8))
        commands.append(_command(engine.sequence + 1, operations[-1]))
        _apply(engine, commands[-1])
        if operations[-1][0] == "place":
            placed = engine.order(operations[-1][1], SYMBOL, engine.next_order_id - 1, "")
            if placed is not None:
                live.append(placed)
        if len(live) > 2 * PRELOADED:
            live = [order for order in live if order.leaves]
    return commands, operations


def run_engine(commands: list[AnyCommand]) -> int:
    """Return nanoseconds for the measured part of the stream."""
    engine = _opened()
    for command in commands[:PRELOADED]:
        engine.apply(command)
    apply, measured = engine.apply, commands[PRELOADED:]
    return _clocked(lambda: [None for command in measured if apply(command) is None])


def run_venue(commands: list[AnyCommand]) -> int:
    """Return nanoseconds for the measured part of the stream."""
    venue = Venue(_opened())
    for command in commands[:PRELOADED]:
        venue.apply(command)
    apply, measured = venue.apply, commands[PRELOADED:]
    return _clocked(lambda: [None for command in measured if apply(command) is None])


def run_book(operations: list[Operation]) -> int:
    """Return nanoseconds for the measured part of the stream."""
    book = OrderBook()
    orders: list[Order | None] = [None]

    def work(part: list[Operation]) -> None:
        for kind, account, side_or_id, price, quantity in part:
            if kind == "cancel":
                resting = orders[side_or_id]
                if resting is not None and resting.leaves:
                    book.remove(resting)
                continue
            order = _order(len(orders), account, side_or_id, price, quantity)
            orders.append(order)
            leaves = take(book, order, quantity)
            if leaves:
                book.add(order, leaves)

    work(operations[:PRELOADED])
    measured = operations[PRELOADED:]
    return _clocked(lambda: work(measured))


def take(book: OrderBook, taker: Order, leaves: int) -> int:
    """Match a taker against the book, without money and without events; return what is left of it."""
    buying = taker.side == "BUY"
    side = book.asks if buying else book.bids
    limit_key = -taker.price if buying else taker.price
    keys, levels = side.keys, side.levels
    while leaves and keys:
        key = keys[-1]
        if key < limit_key:
            break
        maker = levels[key].first()
        quantity = min(leaves, maker.leaves)
        leaves -= quantity
        maker.executed += quantity
        taker.executed += quantity
        book.fill(side, maker, quantity)
    return leaves


def run_light(operations: list[Operation]) -> int:
    """Return nanoseconds for the measured part of the stream in lightmatchingengine."""
    engine = LightMatchingEngine()

    def work(part: list[Operation]) -> None:
        for kind, _, side_or_id, price, quantity in part:
            if kind == "cancel":
                engine.cancel_order(side_or_id, SYMBOL)
            else:
                engine.add_order(SYMBOL, price, quantity, 1 if side_or_id == "BUY" else 2)

    work(operations[:PRELOADED])
    measured = operations[PRELOADED:]
    return _clocked(lambda: work(measured))


def run_bourse(operations: list[Operation]) -> int:
    """Return nanoseconds for the measured part of the stream in bourse, which counts orders from 0."""
    book = bourse.core.OrderBook(0, 1, True)

    def work(part: list[Operation]) -> None:
        for kind, account, side_or_id, price, quantity in part:
            if kind == "cancel":
                book.cancel_order(side_or_id - 1)
            else:
                book.place_order(side_or_id == "BUY", quantity // LOT, account, price=price // TICK)

    work(operations[:PRELOADED])
    measured = operations[PRELOADED:]
    return _clocked(lambda: work(measured))


def _clocked(work: Callable[[], object]) -> int:
    gc.collect()
    begun = time.perf_counter_ns()
    work()
    return time.perf_counter_ns() - begun


def _opened() -> Engine:
    """Open a venue with rich accounts and no limit on open orders."""
    engine = Engine()
    instrument = msgspec.structs.replace(default_instruments()[0], max_num_orders=0)
    _apply(engine, OpenVenue(1, NOW_US, 1, False, (instrument,)))
    for number in range(1, ACCOUNTS + 1):
        _apply(engine, OpenAccount(engine.sequence + 1, NOW_US, f"trader {number}", GRANTS))
    return engine


def _apply(engine: Engine, command: AnyCommand) -> None:
    if not isinstance(engine.apply(command), list):
        raise SystemExit(f"refused: {command}")


def _engine_events(commands: list[AnyCommand]) -> list[object]:
    engine = _opened()
    events: list[object] = []
    for command in commands:
        applied = engine.apply(command)
        if isinstance(applied, list):
            events.extend(applied)
    return events


def _drawn_order(dice: random.Random, engine: Engine, *, crossing: bool) -> Operation:
    """Draw an order that rests behind the other side's best price, or one that takes some of it."""
    buying = dice.random() < 0.5
    side: Side = "BUY" if buying else "SELL"
    account = dice.randrange(1, ACCOUNTS + 1)
    quantity = dice.randrange(1, 100) * LOT
    bid, ask = engine.book(SYMBOL).best_bid(), engine.book(SYMBOL).best_ask()
    best = ask if buying else bid
    if crossing and best is not None:
        return ("place", account, side, best[0], quantity)
    away = dice.randrange(DEPTH_TICKS)
    price = (MIDDLE_TICKS - 1 - away if buying else MIDDLE_TICKS + away) * TICK
    if best is not None:
        price = min(price, best[0] - TICK) if buying else max(price, best[0] + TICK)
    return ("place", account, side, price, quantity)


def _command(sequence: int, operation: Operation) -> AnyCommand:
    kind, account, side_or_id, price, quantity = operation
    if kind == "cancel":
        return CancelOrder(sequence, NOW_US + sequence, account, SYMBOL, side_or_id, "", f"c{sequence}")
    return PlaceOrder(
        sequence, NOW_US + sequence, account, SYMBOL, side_or_id, "LIMIT", "GTC", quantity, 0, price, 0, f"o{sequence}", "NONE", 0, 0
    )  # fmt: skip


def _order(order_id: int, account: int, side: Side, price: int, quantity: int) -> Order:
    return Order(
        order_id, account, SYMBOL, "", side, "LIMIT", "GTC", price, quantity, 0, 0, "NONE", NOW_US, NOW_US, NOW_US
    )  # fmt: skip


if __name__ == "__main__":
    run()
