"""The story's bots: unmodified python-binance, and one hand that flips a byte. Never learns more than a URL and a key."""

import importlib
import sqlite3
import threading
from contextlib import closing
from decimal import Decimal
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

WAIT_S_MAX: Final = 20.0
#: Between rounds: quick at first, then slow enough to stay within the exchange's 50 orders in ten seconds.
QUICK_PAUSE_S: Final = 0.1
SLOW_PAUSE_S: Final = 0.4
QUICK_REQUESTS_COUNT: Final = 40
#: A pair with little in its book, and what the thief pays for it: twenty times the market.
THIN_PAIR: Final = "THINUSDT"
DRAIN_PRICE: Final = "5"


def load_client() -> None:
    """Import the client library, which takes a second."""
    importlib.import_module("binance.client")


def connect(rest: str, key: dict[str, Any]) -> Any:
    """Point python-binance at a base URL.

    Args:
        rest: Address, for example `http://127.0.0.1:8701`.
        key: `api_key` and `secret_key`.
    """
    from binance.base_client import BaseClient
    from binance.client import Client

    BaseClient.API_URL = rest + "/api"
    return Client(key["api_key"], key["secret_key"], ping=False)


def buy(rest: str, key: dict[str, Any], symbol: str, quantity: str) -> dict[str, Any]:
    """Buy at the market and return the exchange's answer."""
    order: dict[str, Any] = connect(rest, key).create_order(
        symbol=symbol, side="BUY", type="MARKET", quantity=quantity
    )
    return order


def balance(rest: str, key: dict[str, Any], asset: str) -> str:
    """Ask for the free balance of an asset."""
    found: dict[str, str] = connect(rest, key).get_asset_balance(asset)
    return found["free"]


def drain(rest: str, key: dict[str, Any]) -> tuple[int, str]:
    """Try to buy the thin pair far above the market, from an accomplice's sell order, and return the refusal."""
    return _refused(
        lambda: connect(rest, key).create_order(
            symbol=THIN_PAIR, side="BUY", type="LIMIT", timeInForce="GTC", quantity="80", price=DRAIN_PRICE
        )
    )


def refusal(rest: str, key: dict[str, Any]) -> tuple[int, str]:
    """Ask for the account, which must be refused, and return how."""
    return _refused(lambda: connect(rest, key).get_account())


def resting_price(client: Any) -> str:
    """Return a price for bids of BTCUSDT that will not be met: half a per cent below the best."""
    best = Decimal(client.get_orderbook_ticker(symbol="BTCUSDT")["bidPrice"])
    return str((best * Decimal("0.995")).quantize(Decimal("0.01")))


def _refused(act: Any) -> tuple[int, str]:
    from binance.exceptions import BinanceAPIException

    try:
        answer = act()
    except BinanceAPIException as refused:
        return refused.code, refused.message
    return 0, f"not refused: {answer}"


class Load:
    """A bot that places and cancels an order several times a second, in a thread of its own.

    Attributes:
        done: Requests answered.
        failures: What went wrong.
    """

    def __init__(self, rest: str, key: dict[str, Any]) -> None:
        self.done = 0
        self.failures: list[str] = []
        self._rest = rest
        self._client = connect(rest, key)
        self._stopping = threading.Event()
        self._grown = threading.Condition()
        self._thread = threading.Thread(target=self._trade, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stopping.set()
        self._thread.join(WAIT_S_MAX)

    def use(self, key: dict[str, Any]) -> None:
        """Go on with another key."""
        self._client = connect(self._rest, key)

    def wait_for(self, more: int) -> None:
        """Wait until so many more requests were answered, or one failed."""
        goal = self.done + more
        with self._grown:
            self._grown.wait_for(lambda: self.done >= goal or bool(self.failures), WAIT_S_MAX)
        if self.done < goal and not self.failures:
            self.failures.append("the bot hangs")

    def _trade(self) -> None:
        price = resting_price(self._client)
        while not self._stopping.is_set() and not self.failures:
            client = self._client
            try:
                placed = client.create_order(
                    symbol="BTCUSDT",
                    side="BUY",
                    type="LIMIT",
                    timeInForce="GTC",
                    quantity="0.001",
                    price=price,
                )
                self._count()
                client.cancel_order(symbol="BTCUSDT", orderId=placed["orderId"])
                self._count()
                quick = self.done < QUICK_REQUESTS_COUNT
                self._stopping.wait(QUICK_PAUSE_S if quick else SLOW_PAUSE_S)
            except Exception as error:  # noqa: BLE001 - whatever fails is what the story is about
                with self._grown:
                    self.failures.append(repr(error))
                    self._grown.notify_all()

    def _count(self) -> None:
        with self._grown:
            self.done += 1
            self._grown.notify_all()


def flip_one_byte(path: Path, copy: Path, row: int) -> None:
    """Copy a trail and change one letter of one row's body, as somebody with the disk in hand could.

    Args:
        path: The trail's database; nobody writes it now.
        copy: Where the copy goes.
        row: Which row.
    """
    with closing(sqlite3.connect(path)) as source, closing(sqlite3.connect(copy)) as target:
        source.backup(target)
        first, lines = target.execute(
            "SELECT first, bytes FROM record WHERE first <= ? ORDER BY first DESC LIMIT 1", (row,)
        ).fetchone()
        parts = lines.splitlines(keepends=True)
        parts[row - first] = parts[row - first].replace(b'"type":"', b'"type":"x', 1)
        target.execute("UPDATE record SET bytes = ? WHERE first = ?", (b"".join(parts), first))
        target.commit()
