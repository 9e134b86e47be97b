"""A ledger brought up to its trail at a start: a crash between the two at each point, and trails that do not fit."""

import contextlib
import logging
import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from tests.support.gateway_fakes import CountingEntropy
from tests.support.trails import QUICK, TRAIL_KEY, FixedEntropy, TickingClock, intent

from watchword.adapters.audit.durable_trail import DurableTrail
from watchword.adapters.audit.sqlite_sink import SqliteSink
from watchword.adapters.ledger.sqlite_ledger import SqliteLedger
from watchword.audit.event import Intent, Outcome
from watchword.audit.reserved import Reserved, ReservedGroup, ReservedLayer
from watchword.bootstrap.ledger_start import start_ledger
from watchword.gateway.order_desk import OrderDesk, Reservation
from watchword.gateway.reserving import fold_reserved, order_records


class Home:
    """The files of one gateway; `running` is a process on them."""

    def __init__(self, folder: Path) -> None:
        self.trail_path, self.ledger_path = folder / "audit.db", folder / "ledger.db"
        self.kept = folder / "kept"
        self.entropy = FixedEntropy()

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator["Process"]:
        trail = DurableTrail(
            {str(self.trail_path): lambda: SqliteSink(self.trail_path, 4096)},
            TRAIL_KEY.signer(), TRAIL_KEY.public.fingerprint, TickingClock(), self.entropy, QUICK,
        )  # fmt: skip
        ledger = SqliteLedger(self.ledger_path)
        desk = OrderDesk(ledger, CountingEntropy())
        await trail.start()
        try:
            await start_ledger(ledger, trail, desk, self.trail_path)
            yield Process(trail, ledger, desk)
        finally:
            await ledger.stop()
            await trail.stop()

    def move_trail_away(self) -> None:
        for file in self.trail_path.parent.glob("audit.*"):
            file.unlink()

    def keep_ledger(self) -> None:
        """Keep the ledger as it is on disk; `lose_writes` brings it back, as if it had not been written since."""
        shutil.rmtree(self.kept, ignore_errors=True)
        self.kept.mkdir()
        for file in self.ledger_path.parent.glob("ledger.db*"):
            shutil.copy(file, self.kept)

    def lose_writes(self) -> None:
        for file in self.ledger_path.parent.glob("ledger.db*"):
            file.unlink()
        for file in self.kept.iterdir():
            shutil.copy(file, self.ledger_path.parent)


class Process:
    def __init__(self, trail: DurableTrail, ledger: SqliteLedger, desk: OrderDesk) -> None:
        self.trail, self.ledger, self.desk = trail, ledger, desk

    def reserve(self, name: str) -> Intent:
        """As the order desk does it."""
        reserved = Reserved(
            number=self.ledger.next_reservation(), at_us=1_790_000_000_000_000, symbol="BTCUSDT", base="BTC",
            quote="USDT", groups=(ReservedGroup("BUY", (name,)),),
            layers=(ReservedLayer("vk-1", ((100, 60, 60, 0),)), ReservedLayer("vk-0", ((100, 60, 60, 0),))),
        )  # fmt: skip
        for record in order_records("main", reserved):
            self.ledger.put_order(record)
        fold_reserved(self.ledger, reserved)
        return intent(name, key="vk-1", client_order_id=name, reserved=reserved)

    async def place(self, name: str) -> int:
        return await self.trail.record_intent(self.reserve(name))

    def not_sent(self, row: int, name: str) -> None:
        self.trail.record_outcome(Outcome(intent=row, result="not_sent"))
        self.desk.give_back(Reservation("main", "BTCUSDT", (name,)), 1_790_000_000_000_001)

    @property
    def open(self) -> list[str]:
        names = sorted(one.client_order_id for one in self.ledger.open_orders())
        for key in ("vk-1", "vk-0"):
            usage = self.ledger.usage(key)
            assert sorted(usage.open) == [f"BTCUSDT {name}" for name in names]
            assert usage.reserved.charged.get("USDT", 0) == 60 * len(names)
        return names


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path)


async def test_order_only_the_trail_has_is_counted_after_a_crash(home: Home) -> None:
    async with home.running() as process:
        home.keep_ledger()
        await process.place("a")
    home.lose_writes()
    async with home.running() as process:
        assert process.open == ["a"]
        await process.place("b")
        assert process.ledger.next_reservation() == 3, "numbers go on after those in the trail"
        home.keep_ledger()
    async with home.running() as process:
        assert process.open == ["a", "b"]


async def test_order_both_have_is_counted_once(home: Home) -> None:
    async with home.running() as process:
        await process.place("a")
        await process.ledger.durable()
        home.keep_ledger()
        await process.place("b")
    home.lose_writes()
    async with home.running() as process:
        assert process.open == ["a", "b"]


async def test_order_written_before_its_row_was_is_counted_once(home: Home) -> None:
    async with home.running() as process:
        made = process.reserve("a")
        await process.ledger.durable()
        home.keep_ledger()
        await process.trail.record_intent(made)
    home.lose_writes()
    async with home.running() as process:
        assert process.open == ["a"]


async def test_order_written_and_never_recorded_stays_open_to_be_asked_about(home: Home) -> None:
    async with home.running() as process:
        process.reserve("a")
        await process.ledger.durable()
        home.keep_ledger()
    home.lose_writes()
    async with home.running() as process:
        assert process.open == ["a"]
        await process.place("b")
        home.keep_ledger()
    home.lose_writes()
    async with home.running() as process:
        assert process.open == ["a", "b"], "its number is not given a second time"


@pytest.mark.parametrize("when", ["before the order", "between order and outcome", "after the outcome"])
async def test_order_that_was_not_sent_is_given_back_wherever_the_ledger_stopped(
    home: Home, when: str
) -> None:
    async with home.running() as process:
        await process.place("a")
        if when == "before the order":
            home.keep_ledger()
        row = await process.place("b")
        if when == "between order and outcome":
            await process.ledger.durable()
            home.keep_ledger()
        process.not_sent(row, "b")
        if when == "after the outcome":
            await process.ledger.durable()
            home.keep_ledger()
    home.lose_writes()
    async with home.running() as process:
        assert process.open == ["a"]


async def test_crash_while_catching_up_changes_nothing(home: Home) -> None:
    async with home.running() as process:
        home.keep_ledger()
        await process.place("a")
    for _ in range(3):
        home.lose_writes()
        async with home.running() as process:
            assert process.open == ["a"]


async def test_trail_that_was_moved_away_is_said_and_gone_on_without(
    home: Home, caplog: pytest.LogCaptureFixture
) -> None:
    async with home.running() as process:
        for number in range(5):
            await process.place(f"o{number}")
    home.move_trail_away()
    with caplog.at_level(logging.WARNING):
        async with home.running() as process:
            assert len(process.open) == 5
            await process.place("new")
            home.keep_ledger()
            await process.place("newer")
    assert "goes with another trail" in caplog.text
    caplog.clear()
    home.lose_writes()
    async with home.running() as process:
        assert len(process.open) == 7
    assert not caplog.text, "the new trail is the ledger's now"


async def test_trail_shorter_than_the_mark_is_said_and_gone_on_with(
    home: Home, caplog: pytest.LogCaptureFixture
) -> None:
    async with home.running() as process:
        await process.place("a")
        for file in home.trail_path.parent.glob("audit.*"):
            shutil.copy(file, file.with_name(file.name.replace("audit", "older")))
        for number in range(9):
            await process.place(f"o{number}")
    home.move_trail_away()
    for file in home.trail_path.parent.glob("older.*"):
        file.rename(file.with_name(file.name.replace("older", "audit")))
    async with home.running() as process:
        assert len(process.open) == 10
    assert "ends before row" in caplog.text


async def test_new_ledger_beside_an_old_trail_begins_at_its_end(home: Home) -> None:
    async with home.running() as process:
        await process.place("a")
    for file in home.ledger_path.parent.glob("ledger.db*"):
        file.unlink()
    async with home.running() as process:
        assert process.open == []
        home.keep_ledger()
        await process.place("b")
    home.lose_writes()
    async with home.running() as process:
        assert process.open == ["b"]
