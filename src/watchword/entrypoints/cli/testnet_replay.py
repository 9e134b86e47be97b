"""Plays a recording into a testnet at a chosen speed. Reads the file here, prints nothing, decides nothing about trades."""

import threading
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any, Final

from watchword.adapters.system import monotonic_ns
from watchword.adapters.trade_csv import RecordedTrade, read_trades
from watchword.adapters.trade_csv import symbol_of as symbol_in_name
from watchword.entrypoints.cli.admin_client import Ask
from watchword.entrypoints.testnet.admin import requests as ask
from watchword.kernel.errors import ConfigurationError

BATCH_TRADES_MAX: Final = 1_000
#: Trades this close together, in playing time, go in one request.
BATCH_SPAN_NS: Final = 20_000_000
SPEED_MAX: Final = 1_000_000


def symbol_of(path: Path) -> str:
    """Read the symbol from the file's name.

    Raises:
        ConfigurationError: It does not begin with one.
    """
    symbol = symbol_in_name(path)
    if symbol is None:
        raise ConfigurationError(f"{path.name} does not say which symbol it is of; give --symbol")
    return symbol


def read_speed(text: str) -> Fraction | None:
    """Read a speed: a positive number, or `max` (None)."""
    if text == "max":
        return None
    try:
        speed = Fraction(text)
    except (ValueError, ZeroDivisionError):
        speed = Fraction(0)
    if not 0 < speed <= SPEED_MAX:
        raise ConfigurationError(f"--speed {text}: a number above 0 and up to {SPEED_MAX}, or max")
    return speed


def play(perform: Ask, file: Path, symbol: str, speed: Fraction | None) -> dict[str, Any]:
    """Play a recording from its first trade to its last.

    Args:
        perform: Asks the testnet.
        file: CSV or zip.
        symbol: Where it plays; its market makers pause meanwhile.
        speed: Recorded seconds per second; None means as fast as the testnet takes them.

    Returns:
        `{"symbol", "imported", "refused"}`, with the first refusal's reason where there was one.
    """
    batches = _batches(read_trades(file), speed)
    first = next(batches, None)
    played: dict[str, Any] = {"symbol": symbol, "imported": 0, "refused": 0}
    if first is None:
        raise ConfigurationError(f"{file} holds no trades")
    was_on = perform(ask.ChangeLiquidity(symbol, enabled=False))["was_enabled"]
    try:
        _play_batches(perform, symbol, first, batches, played)
    finally:
        if was_on:
            perform(ask.ChangeLiquidity(symbol, enabled=True))
    return played


def _play_batches(
    perform: Ask,
    symbol: str,
    first: "_Batch",
    batches: Iterator["_Batch"],
    played: dict[str, Any],
) -> None:
    began_ns = monotonic_ns()
    pause = threading.Event()
    batch: _Batch | None = first
    while batch is not None:
        due_ns, trades = batch
        wait_ns = began_ns + due_ns - monotonic_ns()
        if wait_ns > 0:
            pause.wait(wait_ns / 1e9)
        done = perform(ask.ImportTrades(symbol, [(t.price, t.quantity, t.buyer_is_maker) for t in trades]))
        played["imported"] += done["imported"]
        played["refused"] += done["refused"]
        if "reason" in done:
            played.setdefault("reason", done["reason"])
        batch = next(batches, None)


_Batch = tuple[int, list[RecordedTrade]]


def _batches(trades: Iterator[RecordedTrade], speed: Fraction | None) -> Iterator[_Batch]:
    """Group trades that are due together; yields (nanoseconds after the beginning, trades)."""
    first_us = -1
    due_ns, batch = 0, list[RecordedTrade]()
    for trade in trades:
        first_us = trade.at_us if first_us < 0 else first_us
        at_ns = 0 if speed is None else int((trade.at_us - first_us) * 1000 / speed)
        if batch and (at_ns - due_ns > BATCH_SPAN_NS or len(batch) >= BATCH_TRADES_MAX):
            yield due_ns, batch
            batch = []
        if not batch:
            due_ns = at_ns
        batch.append(trade)
    if batch:
        yield due_ns, batch
