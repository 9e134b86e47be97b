"""Three weeks of a desk, lived through in seconds: a new home's testnet with prices that moved, keys and orders of then.

The exchange is opened here, over its real files, with a clock that this module moves; the process that takes the home
over afterwards recovers all of it as after any stop. Prices walk at random from a fixed seed, as recorded trades would be
played; the desk's orders are hit by them.
"""

import asyncio
import random
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from tests.support.key_pairs import new_key_pair
from tests.support.testnet_process import TestnetKey

from watchword.bootstrap.testnet import Testnet, open_testnet
from watchword.config import read_settings
from watchword.entrypoints.testnet.admin import requests as ask
from watchword.entrypoints.testnet.admin.operations import perform
from watchword.entrypoints.testnet.admin.requests import Refused
from watchword.exchange.commands import LiquidityTick
from watchword.kernel.units import SCALE

HOUR_US: Final = 3_600_000_000
FINE_US: Final = 300_000_000
DAYS: Final = 21
#: The last two hours in steps of FINEST_US, the day before in steps of FINE_US, the days before that in hours.
FINEST_US: Final = 30_000_000
FINEST_STEPS: Final = 2 * 60 * 2
FINE_STEPS: Final = 24 * 12
TICKS_AT_THE_END: Final = 40
SEED: Final = 20_261_121

#: Symbol, decimals of its price, how far an hour moves it in parts of a thousand, and what a trade of it is worth in USDT.
MOVING: Final = (
    ("BTCUSDT", 2, 5.0, 9_000), ("ETHUSDT", 2, 6.0, 7_000), ("BNBUSDT", 2, 5.0, 4_000), ("SOLUSDT", 2, 8.0, 5_000),
    ("XRPUSDT", 4, 7.0, 3_000), ("LTCUSDT", 2, 6.0, 2_000),
)  # fmt: skip
#: What the desk trades: symbol, quantity of one order.
DESK_TRADES: Final = (("BTCUSDT", "0.0125"), ("ETHUSDT", "0.21"), ("BNBUSDT", "1.4"), ("SOLUSDT", "6.5"))
DESK_CAPITAL: Final = {"USDT": "62000", "BTC": "0.8", "ETH": "9", "BNB": "12", "SOL": "90", "XRP": "4000"}

READ, TRADE = "READING", "SPOT_AND_MARGIN_TRADING"


@dataclass(frozen=True)
class OldKey:
    """A key that somebody made some days ago."""

    days_ago: float
    account: str
    label: str
    key_type: str = "HMAC"
    permissions: tuple[str, ...] = (READ, TRADE)
    ips: tuple[str, ...] = ("203.0.113.7",)
    symbols: tuple[str, ...] = ()
    expires: str = ""


OLD_KEYS: Final = (
    OldKey(20.5, "desk", "grid bot", "ED25519", ips=("203.0.113.7", "203.0.113.8", "10.0.0.0/8"), symbols=("BTCUSDT", "ETHUSDT", "BNBUSDT", "SOLUSDT"), expires="90d"),
    OldKey(20, "desk", "tax report 2026", permissions=(READ,), ips=("2001:db8::42",), expires="23d"),
    OldKey(19, "desk", "", permissions=(READ,)),
    OldKey(18.5, "desk", "portfolio spreadsheet of the accounting department, never delete", permissions=(READ,), ips=()),
    OldKey(17, "desk", "market maker, Frankfurt", "ED25519", ips=("198.51.100.17", "198.51.100.18")),
    OldKey(16.2, "desk", "trial of last week", expires="7d"),
    OldKey(15, "treasury", "cold storage mover", "RSA", permissions=(READ, "WITHDRAWALS", "INTERNAL_TRANSFER", "UNIVERSAL_TRANSFER"), ips=("198.51.100.20",), expires="45d"),
    OldKey(14, "desk", "freqtrade (laptop)", ips=()),
    OldKey(13, "desk", "arbitrage 1", "ED25519", symbols=("ETHBTC", "ETHUSDT", "BTCUSDT")),
    OldKey(13, "desk", "arbitrage 2", "ED25519", symbols=("ETHBTC", "ETHUSDT", "BTCUSDT")),
    OldKey(12, "desk", "everything", permissions=(READ, TRADE, "MARGIN", "FUTURES", "VANILLA_OPTIONS", "PORTFOLIO_MARGIN_TRADING", "UNIVERSAL_TRANSFER", "INTERNAL_TRANSFER", "FIX_API_TRADE", "FIX_API_READ_ONLY")),
    OldKey(11, "desk", "hummingbot", "RSA", ips=("203.0.113.64/26",)),
    OldKey(10, "research", "backtest feed", permissions=(READ,), ips=("192.0.2.10",)),
    OldKey(9, "research", "signal study β", permissions=(READ,), ips=("192.0.2.11",), expires="10d"),
    OldKey(8, "research", "notebook", permissions=(READ,), ips=()),
    OldKey(6, "desk", "python-binance", "HMAC", ips=("127.0.0.1", "203.0.113.9"), expires="30d"),
    OldKey(5, "desk", "ccxt rebalancer", "HMAC", ips=("127.0.0.1", "203.0.113.9"), symbols=("BTCUSDT",), expires="12d"),
    OldKey(4, "desk", "alerts", permissions=(READ,), ips=("127.0.0.1", "203.0.113.12")),
    OldKey(3, "treasury", "month-end statement", permissions=(READ,), ips=("2001:db8:77::/48",)),
    OldKey(2, "desk", "nautilus", "ED25519"),
    OldKey(1.5, "desk", "trial of today", expires="1d"),
    OldKey(1, "research", "candles to parquet", permissions=(READ,), ips=("192.0.2.12",)),
    OldKey(0.4, "desk", "new grid bot", "ED25519", ips=("203.0.113.7",), expires="90d"),
    OldKey(0.2, "desk", "stop keeper", ips=("203.0.113.13",), symbols=("BTCUSDT",)),
)  # fmt: skip
ACCOUNTS: Final = {
    "desk": DESK_CAPITAL,
    "treasury": {"USDT": "250000", "BTC": "3.5"},
    "research": {"USDT": "5000"},
}


class _Clock:
    """Stands where the story is."""

    def __init__(self, at_us: int) -> None:
        self.at_us = at_us

    def now_us(self) -> int:
        return self.at_us


class _Story:
    """What happens, step by step."""

    def __init__(self, testnet: Testnet, clock: _Clock, now_us: int) -> None:
        self._testnet, self._clock, self._now_us = testnet, clock, now_us
        self._dice = random.Random(SEED)
        self._prices: dict[str, float] = {}
        #: HMAC keys by label.
        self.made: dict[str, TestnetKey] = {}
        self._keys = sorted(OLD_KEYS, key=lambda key: -key.days_ago)

    async def live(self) -> None:
        """Live through all of it."""
        for name, capital in ACCOUNTS.items():
            await self._do(ask.CreateAccount(name=name, deposits=dict(capital)))
        for name, *_ in MOVING:
            await self._do(ask.ChangeLiquidity(symbol=name, enabled=False))
        shown = await self._do(ask.ShowPast(account="desk"))
        self._prices = {one["symbol"]: float(one["price"]) for one in shown["symbols"]}
        finest_from_us = self._now_us - FINEST_STEPS * FINEST_US
        fine_from_us = finest_from_us - FINE_STEPS * FINE_US
        steps = [
            *((at_us, HOUR_US) for at_us in range(self._clock.at_us, fine_from_us, HOUR_US)),
            *((at_us, FINE_US) for at_us in range(fine_from_us, finest_from_us, FINE_US)),
            *((at_us, FINEST_US) for at_us in range(finest_from_us, self._now_us, FINEST_US)),
        ]
        for number, (at_us, length_us) in enumerate(steps):
            self._clock.at_us = at_us
            await self._make_keys()
            await self._trade(number, length_us / HOUR_US)
        for name, *_ in MOVING:
            await self._do(ask.ChangeLiquidity(symbol=name, enabled=True))
        for tick in range(TICKS_AT_THE_END):
            self._clock.at_us = self._now_us - (TICKS_AT_THE_END - tick) * 250_000
            await self._testnet.sequencer.submit(LiquidityTick, lambda _command, applied: applied)
        await self._do(ask.DepositMoney(account="desk", deposits={"USDT": "2500"}))
        # So that who takes the home over need not live through it again.
        await self._do(ask.MakeSnapshot())

    async def _trade(self, number: int, hours: float) -> None:
        """Let prices move, over an order of the desk now and then."""
        symbol, quantity = DESK_TRADES[number % len(DESK_TRADES)]
        if number % 3 == 0:
            await self._order(symbol, quantity)
        if number % 100 == 50:
            await self._do(ask.DepositMoney(account="desk", deposits={"USDT": "1500"}))
        await asyncio.gather(*(self._move(*moving, hours) for moving in MOVING))

    async def _order(self, symbol: str, quantity: str) -> None:
        side = self._dice.choice(("BUY", "SELL"))
        sign = 1 if side == "SELL" else -1
        away = 1 + sign * self._dice.uniform(0.0005, 0.006 if self._dice.random() < 0.9 else 0.08)
        decimals = next(one[1] for one in MOVING if one[0] == symbol)
        params = {
            "symbol": symbol, "side": side, "type": "LIMIT", "timeInForce": "GTC", "quantity": quantity,
            "price": f"{self._prices[symbol] * away:.{decimals}f}",
        }  # fmt: skip
        await self._do(ask.CallAccount(operation="order.place", account="desk", params=params))

    async def _move(self, symbol: str, decimals: int, thousandths: float, worth: int, hours: float) -> None:
        trades, spread = [], thousandths / 1000 * hours**0.5
        for _ in range(3):
            self._prices[symbol] *= 1 + self._dice.gauss(0.00002, spread / 3**0.5)
            price = round(round(self._prices[symbol], decimals) * SCALE)
            quantity = round(
                worth * self._dice.uniform(0.2, 2.4) / self._prices[symbol], 1 if decimals > 2 else 3
            )
            trades.append(
                (
                    price,
                    max(round(quantity * SCALE), SCALE // 10 if decimals > 2 else SCALE // 1000),
                    self._dice.random() < 0.5,
                )
            )
        await self._do(ask.ImportTrades(symbol=symbol, trades=trades))

    async def _make_keys(self) -> None:
        while self._keys and self._clock.at_us >= self._now_us - self._keys[0].days_ago * 24 * HOUR_US:
            key = self._keys.pop(0)
            public = "" if key.key_type == "HMAC" else new_key_pair(key.key_type)[1]  # type: ignore[arg-type]
            made = await self._do(
                ask.CreateKey(
                    account=key.account, key_type=key.key_type, public_key=public, label=key.label,  # type: ignore[arg-type]
                    permissions=list(key.permissions), ips=list(key.ips), symbols=list(key.symbols), expires=key.expires,
                )
            )  # fmt: skip
            if key.key_type == "HMAC":
                self.made[key.label] = TestnetKey("HMAC", made["api_key"], made["secret_key"])

    async def _do(self, request: Any) -> Any:
        done = await perform(self._testnet, request)
        # An order that the exchange refuses is part of a desk's life.
        if isinstance(done, Refused):
            raise RuntimeError(f"{request}: {done}")  # noqa: TRY004 - not of a wrong type, but refused
        return done


def live_through(home: Path) -> dict[str, TestnetKey]:
    """Open a new home's testnet, live three weeks until now, and leave it closed.

    Args:
        home: Has no testnet yet.

    Returns:
        The HMAC keys made, by label.
    """
    now_us = time.time_ns() // 1000
    clock = _Clock(now_us - DAYS * 24 * HOUR_US)

    async def run() -> dict[str, TestnetKey]:
        testnet = open_testnet(
            read_settings(home=str(home), liquidity=True, tick_interval_ms=1_000_000), clock=clock
        )
        await testnet.start()
        try:
            story = _Story(testnet, clock, now_us)
            await story.live()
            clock.at_us = now_us
        finally:
            await testnet.stop()
        return story.made

    # The browser's driver has a loop in the thread that asks for pictures.
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(lambda: asyncio.run(run())).result()
