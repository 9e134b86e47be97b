"""Fills a home with open orders, works on until the next snapshot is nearly due, says so and waits to be killed.

python -m bench._fill HOME OPEN_ORDERS liquid|quiet churn|still
"""

import asyncio
import json
import sys
import threading
from functools import partial
from pathlib import Path
from typing import Any, Final

from watchword.bootstrap.testnet import Testnet, open_testnet
from watchword.config import read_settings
from watchword.exchange.commands import AnyCommand, CancelOrder, LiquidityTick, OpenAccount, PlaceOrder
from watchword.exchange.events import AccountOpened, Applied, OrderAccepted
from watchword.kernel.units import SCALE

BATCH: Final = 500
#: How near the next snapshot is when the process says it is ready to be killed.
NEARLY: Final = 0.97
PRICE_STEPS: Final = 150


async def fill(home: Path, open_orders: int, *, liquidity: bool, churn: bool) -> None:
    """Place orders far from the market, snapshot, then churn."""
    testnet = open_testnet(read_settings(home=home, liquidity=liquidity))
    testnet.services.clear()
    await testnet.start()
    orders = await _place_many(testnet, open_orders)
    schedule = testnet.snapshots
    assert schedule is not None
    report: dict[str, object] = {"open_orders": len(orders)}
    if churn:
        report["snapshot"] = await schedule.make()
        begin_ns, begin = testnet.sequencer.applied_ns, testnet.sequencer.position.sequence
        while not _nearly_due(testnet, begin_ns, begin):
            await _churn(testnet, orders, ticks=liquidity)
        report["commands_after_snapshot"] = testnet.sequencer.position.sequence - begin
        report["work_ms_after_snapshot"] = (testnet.sequencer.applied_ns - begin_ns) // 1_000_000
    report["sequence"] = testnet.sequencer.position.sequence
    report["state_hash"] = testnet.venue.state_hash().hex()
    print(json.dumps(report), flush=True)
    threading.Event().wait()


def _nearly_due(testnet: Testnet, begin_ns: int, begin: int) -> bool:
    settings = testnet.settings
    work_ms = (testnet.sequencer.applied_ns - begin_ns) / 1e6
    commands = testnet.sequencer.position.sequence - begin
    return (
        work_ms >= NEARLY * settings.snapshot_replay_ms_max
        or commands >= NEARLY * settings.snapshot_every_commands
    )


async def _place_many(testnet: Testnet, count: int) -> list[tuple[int, str, int]]:
    """Return (account, symbol, order id) of `count` resting orders."""
    engine = testnet.venue.engine
    symbols = [floor.instrument for floor in engine.floors.values()]
    per_account = sum(instrument.max_num_orders for instrument in symbols)
    grants = tuple(sorted({a: 10**17 for i in symbols for a in (i.base_asset, i.quote_asset)}.items()))
    placed: list[tuple[int, str, int]] = []
    number = 0
    while len(placed) < count:
        name = f"bench-{number}"
        number += 1
        opened = await testnet.sequencer.submit(partial(_open, name, grants), _account)
        assert isinstance(opened, int)
        wanted = min(per_account, count - len(placed))
        batch: list[asyncio.Future[Any]] = []
        for k in range(wanted):
            instrument = symbols[k % len(symbols)]
            price = _price(instrument.start_price, instrument.tick_size, k)
            batch.append(testnet.sequencer.submit(_limit(opened, instrument.symbol, price, f"o{k}"), _order))
            if len(batch) == BATCH:
                placed += [o for o in await asyncio.gather(*batch) if isinstance(o, tuple)]
                batch = []
        placed += [o for o in await asyncio.gather(*batch) if isinstance(o, tuple)]
    return placed


async def _churn(testnet: Testnet, orders: list[tuple[int, str, int]], *, ticks: bool) -> None:
    """Cancel and replace some orders; let the market makers act now and then."""
    engine = testnet.venue.engine
    batch: list[asyncio.Future[Any]] = []
    for at in range(0, len(orders), max(1, len(orders) // (BATCH // 2))):
        account, symbol, order_id = orders[at]
        instrument = engine.floors[symbol].instrument
        price = _price(instrument.start_price, instrument.tick_size, at)
        batch.append(testnet.sequencer.submit(_cancel(account, symbol, order_id), _order))
        batch.append(testnet.sequencer.submit(_limit(account, symbol, price, f"n{order_id}"), _order))
    if ticks:
        batch.append(testnet.sequencer.submit(LiquidityTick, lambda _c, _a: None))
    fresh = [o for o in await asyncio.gather(*batch) if isinstance(o, tuple)]
    step = max(1, len(orders) // (BATCH // 2))
    for slot, order in zip(range(0, len(orders), step), fresh, strict=False):
        orders[slot] = order


def _price(start: int, tick: int, k: int) -> int:
    """A bid between a half and two thirds of the market: nothing trades."""
    start = start or 100 * SCALE
    return (start // 2 + start // 6 * (k % PRICE_STEPS) // PRICE_STEPS) // tick * tick


def _limit(account: int, symbol: str, price: int, client_id: str):  # type: ignore[no-untyped-def]
    return lambda s, n: PlaceOrder(
        s, n, account, symbol, "BUY", "LIMIT", "GTC", SCALE, 0, price, 0, client_id, "NONE", 0, 0
    )


def _open(name: str, grants: tuple[tuple[str, int], ...], sequence: int, now_us: int) -> OpenAccount:
    return OpenAccount(sequence, now_us, name, grants)


def _cancel(account: int, symbol: str, order_id: int):  # type: ignore[no-untyped-def]
    return lambda s, n: CancelOrder(s, n, account, symbol, order_id, "", "bench")


def _account(_command: AnyCommand, applied: Applied) -> int:
    assert isinstance(applied, list), applied
    opened = applied[0]
    assert isinstance(opened, AccountOpened)
    return opened.account_id


def _order(_command: AnyCommand, applied: Applied) -> tuple[int, str, int] | None:
    if not isinstance(applied, list) or not applied or not isinstance(applied[0], OrderAccepted):
        return None
    order = applied[0].order
    return order.account_id, order.symbol, order.order_id


if __name__ == "__main__":
    asyncio.run(
        fill(
            Path(sys.argv[1]),
            int(sys.argv[2]),
            liquidity=sys.argv[3] == "liquid",
            churn=sys.argv[4] == "churn",
        )
    )
