"""A home as a team has it after a year, for benches: people, keys, orders, trades and a long trail. Starts no server.

python -m bench._pages_fill HOME fills one, so that pages can be looked at and profiled by hand.
"""

import asyncio
import random
import sys
import time
from functools import partial
from pathlib import Path
from typing import Any, Final

from bench._audit_fill import START_US, fill_trail
from bench._many_keys import fill_testnet
from watchword.accounts.model import Assignment, ExchangeOwnership, Person, Session, SignIn
from watchword.accounts.roles import Role
from watchword.adapters.accounts.accounts_store import SqlAccounts
from watchword.adapters.console_home import accounts_key_path, accounts_path, console_folder
from watchword.adapters.system import SystemEntropy
from watchword.bootstrap.audit_search import CONSOLE, GATEWAY, trail_paths
from watchword.bootstrap.audit_trail import prepare_trail
from watchword.bootstrap.testnet import Testnet, open_testnet
from watchword.config import read_settings
from watchword.exchange.commands import AnyCommand, CancelOrder, OpenAccount, PlaceOrder, SetLiquidity
from watchword.exchange.events import AccountOpened, Applied, OrderAccepted
from watchword.kernel.units import SCALE

#: The account that trades, and who trades with it.
BUSY: Final = "busy"
COUNTER: Final = "counter"
TRADED_DAYS: Final = 40
#: Of every ten orders this many are cancelled, the others trade.
CANCELLED_OF_TEN: Final = 1
OPEN_ORDERS_PER_SYMBOL: Final = 100
BATCH: Final = 500
PRICE_STEPS: Final = 150
PEOPLE: Final = 200
SESSIONS_PER_PERSON: Final = 4
SIGN_INS_PER_PERSON: Final = 50
ASSIGNMENTS: Final = 400
DAY_US: Final = 86_400_000_000
ROLES: Final[tuple[Role, ...]] = ("trader", "auditor", "admin")


class StepClock:
    """A clock that goes on by so much at every look: what is filled in a minute then took weeks."""

    def __init__(self, begin_us: int, step_us: int) -> None:
        self._us, self._step_us = begin_us, step_us

    def now_us(self) -> int:
        """Say the time."""
        self._us += self._step_us
        return self._us


def fill_exchange(home: Path, keys: int, orders: int) -> int:
    """Make a testnet with market makers, an account that traded for weeks, and keys of many accounts.

    Args:
        home: New, or without a testnet.
        keys: How many API keys.
        orders: How many orders of the busy account are over.

    Returns:
        The number of the busy account.
    """
    busy = asyncio.run(_fill_orders(home, orders))
    fill_testnet(home, keys, liquidity=True)
    return busy


async def _fill_orders(home: Path, orders: int) -> int:
    span_us = TRADED_DAYS * DAY_US
    clock = StepClock(time.time_ns() // 1_000 - span_us - DAY_US, span_us // (orders * 6))
    testnet = open_testnet(read_settings(home=home, liquidity=True), clock=clock)
    testnet.services.clear()
    await testnet.start()
    try:
        symbols = testnet.venue.engine.symbols()
        busy, counter = [await _opened(testnet, name) for name in (BUSY, COUNTER)]
        await _switch_makers(testnet, on=False)
        for first in range(0, orders, BATCH):
            await _trade(testnet, busy, counter, range(first, min(first + BATCH, orders)))
        resting = [
            _placed(testnet, busy, symbol, "BUY", number, f"open-{symbol}-{number}", resting=True)
            for symbol in symbols
            for number in range(OPEN_ORDERS_PER_SYMBOL)
        ]
        assert all(isinstance(one, int) for one in await asyncio.gather(*resting))
        await _switch_makers(testnet, on=True)
        archive = testnet.venue.archive
        assert sum(len(archive.orders(busy, one, None, None, None, orders)) for one in symbols) >= orders
        assert testnet.snapshots is not None
        await testnet.snapshots.make()
        return busy
    finally:
        await testnet.stop()


async def _switch_makers(testnet: Testnet, *, on: bool) -> None:
    """Let the market makers quote, or take their quotes away, so that the two accounts trade with each other."""
    for symbol in testnet.venue.engine.symbols():
        await testnet.sequencer.submit(partial(_makers, symbol, on), _done)


async def _trade(testnet: Testnet, busy: int, counter: int, numbers: range) -> None:
    """Place orders of the busy account: some are cancelled, the others meet one of the counter account's."""
    symbols = testnet.venue.engine.symbols()
    waiting: list[asyncio.Future[Any]] = []
    cancelled: list[tuple[str, asyncio.Future[Any]]] = []
    for number in numbers:
        symbol, name = symbols[number % len(symbols)], f"grid-{number:07d}"
        if number % 10 < CANCELLED_OF_TEN:
            cancelled.append((symbol, _placed(testnet, busy, symbol, "BUY", number, name, resting=True)))
            continue
        sides = ("BUY", "SELL") if number // len(symbols) % 2 else ("SELL", "BUY")
        makers = ((busy, name), (counter, f"c-{number}"))
        first, second = makers if number % 3 else makers[::-1]
        for (account, called), side in zip((first, second), sides, strict=True):
            waiting.append(_placed(testnet, account, symbol, side, number, called, resting=False))
    await asyncio.gather(*waiting)
    for symbol, placing in cancelled:
        order_id = await placing
        await testnet.sequencer.submit(partial(_cancel, busy, symbol, order_id), _done)


def _placed(
    testnet: Testnet, account: int, symbol: str, side: str, number: int, name: str, *, resting: bool
) -> asyncio.Future[Any]:
    """Place a limit order: near the market, or so far below it that nothing trades."""
    instrument = testnet.venue.engine.floors[symbol].instrument
    start, step = instrument.start_price, number % PRICE_STEPS
    price = (
        start // 2 + start // 6 * step // PRICE_STEPS
        if resting
        else start + start // 50 * step // PRICE_STEPS
    )
    price = price // instrument.tick_size * instrument.tick_size
    return testnet.sequencer.submit(partial(_limit, account, symbol, side, price, name), _order)


async def _opened(testnet: Testnet, name: str) -> int:
    instruments = [floor.instrument for floor in testnet.venue.engine.floors.values()]
    grants = tuple(sorted({a: 10**15 for i in instruments for a in (i.base_asset, i.quote_asset)}.items()))
    opened = await testnet.sequencer.submit(lambda s, n: OpenAccount(s, n, name, grants), _account)
    assert isinstance(opened, int)
    return opened


def _limit(
    account: int, symbol: str, side: Any, price: int, name: str, sequence: int, now_us: int
) -> PlaceOrder:
    return PlaceOrder(
        sequence, now_us, account, symbol, side, "LIMIT", "GTC", SCALE, 0, price, 0, name, "NONE", 0, 0
    )


def _makers(symbol: str, on: bool, sequence: int, now_us: int) -> SetLiquidity:
    return SetLiquidity(sequence, now_us, symbol, on)


def _cancel(account: int, symbol: str, order_id: int, sequence: int, now_us: int) -> CancelOrder:
    return CancelOrder(sequence, now_us, account, symbol, order_id, "", "bench")


def _account(_command: AnyCommand, applied: Applied) -> int:
    assert isinstance(applied, list), applied
    opened = applied[0]
    assert isinstance(opened, AccountOpened)
    return opened.account_id


def _order(_command: AnyCommand, applied: Applied) -> int:
    assert isinstance(applied, list), applied
    accepted = applied[0]
    assert isinstance(accepted, OrderAccepted), accepted
    return accepted.order.order_id


def _done(_command: AnyCommand, applied: Applied) -> None:
    assert isinstance(applied, list), applied


def fill_trails(home: Path, rows: int, console_rows: int, keys: list[str]) -> None:
    """Write the trails of a gateway and of a console.

    Args:
        home: Without trails.
        rows: Of both together.
        console_rows: Of the console's.
        keys: Whose requests they are.
    """
    paths = trail_paths(home)
    for folder in (home, console_folder(home)):
        folder.mkdir(exist_ok=True, mode=0o700)
        asyncio.run(_begin_trail(folder))
    fill_trail(paths[GATEWAY], rows - console_rows, keys, 1, 4_000_000)
    fill_trail(paths[CONSOLE], console_rows, keys, 2, 76_000_000)


async def _begin_trail(folder: Path) -> None:
    """Begin a trail a year ago, as a process does that opens it: its key, and its first row."""
    trail = prepare_trail(folder, StepClock(START_US, 1), SystemEntropy())
    await trail.start()
    await trail.stop()


def fill_people(home: Path, owner: str, accounts: list[int], keys: list[str]) -> list[str]:
    """Put people, their sessions, sign-ins and what they may use into a console's home.

    Args:
        home: Of a console that has an owner and does not run.
        owner: The owner's name, who gets sessions and sign-ins as well.
        accounts: Numbers of exchange accounts to be given away.
        keys: Ids of virtual keys to be given away.

    Returns:
        Ids of the people put in.
    """
    dice, now_us = random.Random(11), time.time_ns() // 1_000
    store = SqlAccounts.open_file(accounts_path(home), accounts_key_path(home))
    try:
        olga = next(row for row in store.load() if isinstance(row, Person) and row.name == owner)
        people = [_person(number, now_us) for number in range(PEOPLE)]
        store.write(people)
        for number, one in enumerate([olga, *people]):
            store.write([_session(dice, one, number, n, now_us) for n in range(SESSIONS_PER_PERSON)])
            store.write([_sign_in(one, number, n, now_us) for n in range(SIGN_INS_PER_PERSON)])
        given = [people[number % PEOPLE].id for number in range(ASSIGNMENTS)]
        store.write([
            Assignment(id=f"a-{n:012d}", person_id=who, kind="virtual", subject=key, by=olga.id, created_us=now_us)
            for n, (who, key) in enumerate(zip(given, keys, strict=False))
        ])  # fmt: skip
        store.write([
            ExchangeOwnership(id=str(account), account_id=account, person_id=who, by=olga.id, created_us=now_us)
            for who, account in zip(given, accounts, strict=False)
        ])  # fmt: skip
        return [one.id for one in people]
    finally:
        store.close()


def _person(number: int, now_us: int) -> Person:
    name = f"person{number:04d}"
    return Person(
        id=f"p-{number:012d}", name=name, mail=f"{name}@example.org", role=ROLES[number % len(ROLES)],
        password="$argon2id$v=19$m=8,t=1,p=1$c2FsdA$x", created_us=now_us - 9 * DAY_US, password_us=now_us - DAY_US,
        enrolled_us=now_us - DAY_US,
    )  # fmt: skip


def _session(dice: random.Random, person: Person, number: int, n: int, now_us: int) -> Session:
    return Session(
        id=f"s-{number:06d}{n:06d}", person_id=person.id, digest=dice.randbytes(32), stage="full", factor="totp",
        factor_us=now_us - 60_000_000, ip="192.0.2.1", agent="Firefox on Linux", created_us=now_us - 60_000_000,
        seen_us=now_us, seen_ip="192.0.2.1",
    )  # fmt: skip


def _sign_in(person: Person, number: int, n: int, now_us: int) -> SignIn:
    return SignIn(
        id=f"h-{number:06d}{n:06d}", person_id=person.id, at_us=now_us - n * 3_600_000_000,
        outcome="signed_in" if n % 5 else "password_wrong", factor="totp", ip="192.0.2.1", agent="Firefox on Linux",
    )  # fmt: skip


if __name__ == "__main__":
    print(fill_exchange(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])))
