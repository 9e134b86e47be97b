"""A small trading bot on unmodified python-binance, so that there is something to see.

It keeps one bid and one ask near the market and, now and then, crosses the spread. It is an example of a client, not
of a strategy, and it never learns anything about Watchword but a base URL and a key.
"""

import json
import signal
import sys
import threading
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from types import FrameType
from typing import Any

SYMBOL = "BTCUSDT"
ORDER_SIZE = Decimal("0.002")
PAUSE_SECONDS = 2.0
CROSS_EVERY_ROUNDS = 5
#: Sides of the market the bot quotes, as a distance from the middle.
QUOTE_DISTANCE = Decimal("0.0004")
TICK = Decimal("0.01")


def connect(rest: str, key_file: Path) -> Any:
    """Point python-binance at a base URL.

    Args:
        rest: Address, for example `http://127.0.0.1:8701`.
        key_file: JSON with `api_key` and `secret_key`.

    Returns:
        A `binance.client.Client`.
    """
    from binance.base_client import BaseClient
    from binance.client import Client

    BaseClient.API_URL = rest + "/api"
    BaseClient.MARGIN_API_URL = rest + "/sapi"
    key = json.loads(key_file.read_text(encoding="utf-8"))
    return Client(key["api_key"], key["secret_key"])


def play_round(client: Any, number: int, say: Callable[[str], None]) -> None:
    """Cancel what is open, quote both sides, sometimes trade; say what happened in one line."""
    if client.get_open_orders(symbol=SYMBOL):
        client.cancel_all_open_orders(symbol=SYMBOL)
    book = client.get_orderbook_ticker(symbol=SYMBOL)
    bid, ask = Decimal(book["bidPrice"]), Decimal(book["askPrice"])
    middle = (bid + ask) / 2
    for side, price in (("BUY", middle * (1 - QUOTE_DISTANCE)), ("SELL", middle * (1 + QUOTE_DISTANCE))):
        client.create_order(
            symbol=SYMBOL, side=side, type="LIMIT", timeInForce="GTC", quantity=str(ORDER_SIZE),
            price=str(price.quantize(TICK)),
        )  # fmt: skip
    done = ""
    if number % CROSS_EVERY_ROUNDS == 0:
        side = "BUY" if number % (2 * CROSS_EVERY_ROUNDS) else "SELL"
        order = client.create_order(symbol=SYMBOL, side=side, type="MARKET", quantity=str(ORDER_SIZE))
        fills = ", ".join(f"{fill['qty']} @ {fill['price']}" for fill in order["fills"])
        done = f"  {side} {fills}"
    balances = {row["asset"]: row["free"] for row in client.get_account()["balances"]}
    say(
        f"bot  {SYMBOL} {bid} / {ask}  BTC {balances.get('BTC', '0')}  USDT {balances.get('USDT', '0')}{done}"
    )


def run(rest: str, key_file: Path) -> int:
    """Trade until told to stop.

    Args:
        rest: Address of the gateway.
        key_file: JSON with the bot's key pair.

    Returns:
        0 on a clean stop, 1 where the gateway went away.
    """
    from binance.exceptions import BinanceAPIException
    from requests import RequestException

    stopping = threading.Event()

    def stop(_signal: int, _frame: FrameType | None) -> None:
        stopping.set()

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    client = connect(rest, key_file)
    number = 0
    while not stopping.is_set():
        number += 1
        try:
            play_round(client, number, lambda line: print(line, flush=True))  # noqa: T201 - its output is its purpose
        except BinanceAPIException as refused:
            print(f"bot  refused: {refused.code} {refused.message}", flush=True)  # noqa: T201
        except RequestException as gone:
            if not stopping.is_set():
                print(f"bot  gateway not reachable ({type(gone).__name__}), stopping", flush=True)  # noqa: T201
            return 0 if stopping.is_set() else 1
        stopping.wait(PAUSE_SECONDS)
    return 0


if __name__ == "__main__":
    sys.exit(run(sys.argv[1], Path(sys.argv[2])))
