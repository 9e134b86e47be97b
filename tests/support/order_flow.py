"""A seeded flow of commands over two symbols and a few accounts: every kind, many that cross, some that are refused."""

import random
from collections.abc import Callable

from watchword.exchange.commands import (
    AnyCommand,
    CancelOpenOrders,
    CancelOrder,
    CancelOrderList,
    CancelReplace,
    Deposit,
    Leg,
    OpenAccount,
    OpenVenue,
    PlaceOco,
    PlaceOrder,
    ResetVenue,
    SetSymbolStatus,
)
from watchword.exchange.listings import default_instruments
from watchword.kernel.units import SCALE

SYMBOLS = ("BTCUSDT", "ETHUSDT")
MIDDLE = {"BTCUSDT": 50_000 * SCALE, "ETHUSDT": 3_000 * SCALE}
ACCOUNTS = 4
GRANTS = (("BTC", 50 * SCALE), ("ETH", 500 * SCALE), ("USDT", 5_000_000 * SCALE))
START_US = 1_795_000_000_000_000

Make = Callable[[int, int], AnyCommand]


def opening(sequence: int = 1, now_us: int = START_US) -> OpenVenue:
    """A quiet venue of the two symbols."""
    instruments = tuple(i for i in default_instruments() if i.symbol in SYMBOLS)
    return OpenVenue(sequence, now_us, 7, False, instruments)


class OrderFlow:
    """Draws commands; the same seed draws the same ones."""

    def __init__(self, dice: random.Random) -> None:
        self._dice = dice
        self._accounts = 0
        self._made = 0

    def draw(self) -> Make:
        """The next command, still without sequence and time."""
        if self._accounts < ACCOUNTS:
            self._accounts += 1
            name = f"account-{self._accounts}-{self._dice.randrange(10**9)}"
            return lambda seq, now: OpenAccount(seq, now, name, GRANTS)
        dice = self._dice
        self._made += 1
        account, symbol = dice.randint(1, ACCOUNTS), dice.choice(SYMBOLS)
        kind = dice.random()
        if kind < 0.55:
            return self._place(account, symbol)
        if kind < 0.78:
            return self._cancel(account, symbol)
        if kind < 0.84:
            return self._oco(account, symbol)
        if kind < 0.90:
            return self._replace(account, symbol)
        if kind < 0.93:
            return lambda seq, now: CancelOpenOrders(seq, now, account, symbol, "all")
        if kind < 0.95:
            number = dice.randint(1, 10)
            return lambda seq, now: CancelOrderList(seq, now, account, symbol, number, "", "x")
        if kind < 0.98:
            amount = dice.randint(1, 10**12)
            return lambda seq, now: Deposit(seq, now, account, "USDT", amount)
        if kind < 0.995:
            status = dice.choice(("TRADING", "TRADING", "HALT"))
            return lambda seq, now: SetSymbolStatus(seq, now, symbol, status)  # type: ignore[arg-type]
        return ResetVenue

    def _terms(self, account: int, symbol: str) -> tuple[object, ...]:
        dice = self._dice
        side = dice.choice(("BUY", "SELL"))
        kind = dice.choice(("LIMIT",) * 7 + ("MARKET", "LIMIT_MAKER", "STOP_LOSS_LIMIT", "TAKE_PROFIT"))
        price = MIDDLE[symbol] + dice.randint(-40, 40) * SCALE
        stop = MIDDLE[symbol] + dice.randint(-60, 60) * SCALE if "STOP" in kind or "TAKE" in kind else 0
        priced = kind in {"LIMIT", "LIMIT_MAKER", "STOP_LOSS_LIMIT"}
        tif = dice.choice(("GTC", "GTC", "IOC", "FOK")) if kind == "LIMIT" else "GTC"
        return (
            account, symbol, side, kind, tif, dice.randint(1, 300) * SCALE // 100, 0, price if priced else 0, stop,
            f"c{self._made}-{dice.randrange(10**6)}", dice.choice(("NONE", "EXPIRE_TAKER", "EXPIRE_BOTH", "DECREMENT")),
            0, 0,
        )  # fmt: skip

    def _place(self, account: int, symbol: str) -> Make:
        terms = self._terms(account, symbol)
        return lambda seq, now: PlaceOrder(seq, now, *terms)  # type: ignore[arg-type]

    def _replace(self, account: int, symbol: str) -> Make:
        terms = self._terms(account, symbol)
        order_id = self._dice.randint(1, self._made)
        mode = self._dice.choice(("STOP_ON_FAILURE", "ALLOW_FAILURE"))
        return lambda seq, now: CancelReplace(seq, now, *terms, order_id, "", "r", "", mode)  # type: ignore[arg-type, call-arg]

    def _cancel(self, account: int, symbol: str) -> Make:
        order_id = self._dice.randint(1, max(1, self._made))
        return lambda seq, now: CancelOrder(seq, now, account, symbol, order_id, "", "x")

    def _oco(self, account: int, symbol: str) -> Make:
        middle, dice, made = MIDDLE[symbol], self._dice, self._made
        quantity = dice.randint(1, 100) * SCALE // 100
        above = Leg("LIMIT_MAKER", "GTC", middle + dice.randint(20, 80) * SCALE, 0, f"a{made}")
        low = middle - dice.randint(20, 80) * SCALE
        below = Leg("STOP_LOSS_LIMIT", "GTC", low, low, f"b{made}")
        return lambda seq, now: PlaceOco(
            seq, now, account, symbol, "SELL", quantity, f"l{made}", "NONE", above, below
        )
