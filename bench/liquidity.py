"""Claim: the living market is cheap: at most a tenth of one core with everything that follows from it, quickly ready.

Drives a whole venue (engine, archive, market data, traders; all default symbols) with the ticks a server sends, four
a second, and reads what the streams of every symbol read each second. No disk, no sockets: the journal's and the
publisher's share is in `operations` and `orders_http`. Memory is what the venue holds after it was made.
"""

import gc
import time
import tracemalloc
from collections import Counter
from typing import Any, Final

from watchword.exchange.commands import LiquidityTick, OpenVenue
from watchword.exchange.events import OrderTraded
from watchword.exchange.listings import default_instruments
from watchword.exchange.market.history import back_fill
from watchword.exchange.market.intervals import INTERVALS
from watchword.exchange.venue import Venue

NOW_US: Final = 1_795_148_167_123_456
SEED: Final = 1
TICK_US: Final = 250_000
TICKS_PER_SECOND: Final = 4
MINUTES: Final = 10
SYMBOL: Final = "BTCUSDT"

CORE_SHARE_MAX: Final = 0.10
BACK_FILL_S_MAX: Final = 3.0
MEMORY_MB_MAX: Final = 35.0
SPREAD_MAX: Final = 0.0005
LEVELS_MIN: Final = 20
TRADES_PER_MINUTE_MIN: Final = 30


def run() -> dict[str, Any]:
    """Measure all and print it.

    Returns:
        Figures by name, and the claims.
    """
    figures = {"back_fill_s": back_fill_seconds(), "memory_mb": memory_megabytes()}
    venue = Venue()
    venue.apply(OpenVenue(1, NOW_US, SEED, True, default_instruments()))
    figures |= lively(venue)
    figures |= written(venue)
    claims = {
        f"ticks and reads take at most {CORE_SHARE_MAX:.0%} of one core": figures["core_share"]
        <= CORE_SHARE_MAX,
        f"history is made in {BACK_FILL_S_MAX:g} s": figures["back_fill_s"] <= BACK_FILL_S_MAX,
        f"history takes at most {MEMORY_MB_MAX:g} MB": figures["memory_mb"] <= MEMORY_MB_MAX,
        f"{SYMBOL} spread at most {SPREAD_MAX:.2%}": figures["spread_max"] <= SPREAD_MAX,
        f"{SYMBOL} at least {LEVELS_MIN} levels a side": figures["levels_min"] >= LEVELS_MIN,
        f"{SYMBOL} at least {TRADES_PER_MINUTE_MIN} trades a minute": figures["trades_per_minute"]
        >= TRADES_PER_MINUTE_MIN,
    }
    for name, value in figures.items():
        print(f"  {name:28} {value:12.4f}")
    for claim, held in claims.items():
        print(f"  {'ok    ' if held else 'MISSED'} {claim}")
    return figures | {"claims": claims}


def back_fill_seconds() -> float:
    """CPU seconds to make up the past of all symbols."""
    began = time.process_time()
    for _ in back_fill(default_instruments(), SEED, NOW_US):
        pass
    return time.process_time() - began


def memory_megabytes() -> float:
    """Megabytes the history of all symbols holds."""
    gc.collect()
    tracemalloc.start()
    kept = list(back_fill(default_instruments(), SEED, NOW_US))
    gc.collect()
    size, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return size / 1e6 if kept else 0.0


def lively(venue: Venue) -> dict[str, float]:
    """Run ten minutes of ticks and, apart from them, the reads that streams cause."""
    ticking = reading = 0.0
    now_us, commands = NOW_US, 0
    trades: Counter[str] = Counter()
    spread, levels = 0.0, LEVELS_MIN * 10
    for number in range(MINUTES * 60 * TICKS_PER_SECOND):
        now_us += TICK_US
        began = time.process_time()
        applied = venue.apply(LiquidityTick(venue.sequence + 1, now_us))
        ticking += time.process_time() - began
        events = applied if isinstance(applied, list) else []
        commands += len(events)
        trades.update(event.symbol for event in events if isinstance(event, OrderTraded))
        bids, asks = venue.engine.book(SYMBOL).depth(LEVELS_MIN * 10)
        spread, levels = max(spread, asks[0][0] / bids[0][0] - 1), min(levels, len(bids), len(asks))
        if number % TICKS_PER_SECOND == 0:
            began = time.process_time()
            read_everything(venue, now_us)
            reading += time.process_time() - began
    seconds = MINUTES * 60
    return {
        "core_share": (ticking + reading) / seconds,
        "core_share_ticks": ticking / seconds,
        "core_share_stream_reads": reading / seconds,
        "events_per_tick": commands / (seconds * TICKS_PER_SECOND),
        "spread_max": spread,
        "levels_min": float(levels),
        "trades_per_minute": trades[SYMBOL] / MINUTES,
        "trades_per_minute_all": trades.total() / MINUTES,
    }


def read_everything(venue: Venue, now_us: int) -> None:
    """Read what one second of every ticker, average and kline stream needs."""
    for symbol in venue.engine.floors:
        venue.market.ticker_24h(symbol, now_us)
        venue.market.average_price(symbol, 5, now_us)
        for interval in INTERVALS:
            venue.market.candle(symbol, interval, now_us, now_us)


def written(venue: Venue) -> dict[str, float]:
    """Write the market's part of a snapshot and read it back."""
    began = time.process_time()
    raw = venue.market.encode()
    encoded = time.process_time()
    venue.market.restore(raw)
    return {
        "encode_s": encoded - began,
        "restore_s": time.process_time() - encoded,
        "encoded_mb": len(raw) / 1e6,
    }


if __name__ == "__main__":
    run()
