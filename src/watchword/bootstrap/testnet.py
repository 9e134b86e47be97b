"""The composition root of the testnet process: which adapter sits behind which port, and in what order they start.

For the entrypoints, in full:

    testnet = open_testnet(read_settings(home=..., port=0))   # takes the lock, recovers, journals OpenVenue if new
    testnet.services.append(...)                              # more context managers, e.g. the admin socket
    await testnet.start()                                     # sequencer, market makers, snapshots, services
    testnet.announce({"rest": ..., "streams": ..., "ws_api": ...})   # run.json: ready
    ...                                                       # serve; everything changes through testnet.sequencer
    await testnet.stop()                                      # drains, stores the closing hash, releases the home

Tests use `open_memory_testnet(settings, clock, entropy)`: same object, nothing on disk, nothing ticking.
Never speaks HTTP and never prints, but for the last words of a process that must stop.
"""

import asyncio
import contextlib
import gc
import os
import sys
from collections.abc import Callable
from functools import partial
from typing import Any, Final, NoReturn

import msgspec

from watchword.adapters.group_commit import Sequencer, later_in_loop
from watchword.adapters.home import Home
from watchword.adapters.journal_sqlite import SqliteJournal
from watchword.adapters.memory.journal import MemoryJournal
from watchword.adapters.memory.keys import MemoryKeyStore
from watchword.adapters.moveable_clock import MoveableClock
from watchword.adapters.snapshot_files import SnapshotFiles
from watchword.adapters.sql.key_store import SqlKeyStore
from watchword.adapters.system import SystemClock, SystemEntropy, monotonic_ns
from watchword.bootstrap.background import (
    Service,
    change_preparer,
    key_sweeper,
    market_makers,
    use_recorder,
)
from watchword.bootstrap.opening import check_closing, note_closing, open_or_check, open_venue
from watchword.bootstrap.recovery import UNOPENED, Recovered, recover
from watchword.bootstrap.snapshots import SnapshotSchedule
from watchword.config import Settings
from watchword.credentials.key_directory import KeyDirectory
from watchword.credentials.key_rules import KeyRules, rules_as_of, start_of_day_us
from watchword.credentials.key_sweep import KeySweep
from watchword.exchange.venue import Venue
from watchword.kernel.clock import Clock
from watchword.kernel.entropy import Entropy
from watchword.kernel.errors import StorageError
from watchword.storage.private_files import write_atomically

EXIT_HALTED: Final = 74


class Testnet:
    """What the entrypoints get.

    Attributes:
        settings: What the process was told.
        clock: The exchange's time; move it with `move_clock`, so that everything hears of it.
        entropy: Randomness.
        venue: The exchange. Read it freely from the loop's thread; change it through `sequencer` only.
        directory: The API keys (`find`, `touch`, `on_revoked` …).
        sweep: What becomes of keys as time passes, and what was said of it.
        sequencer: Stores, applies and answers commands; its `listeners` see everything that happened.
        seed, liquidity: What the venue was opened with.
        home: The folder it lives in; None in memory.
        snapshots: Makes snapshots; None in memory.
        addresses: Where it serves, once `announce` was told.
        at_hand: What the operations keep between calls, by its type. No state: nothing depends on it.
        on_clock_moved: Called after the clock was moved and the keys were swept.
        on_close: Called once by `close`.
        services: Context managers entered by `start` and left by `stop`, in order and in reverse.
    """

    __test__ = False

    def __init__(
        self,
        settings: Settings,
        clock: MoveableClock,
        entropy: Entropy,
        venue: Venue,
        directory: KeyDirectory,
        sequencer: Sequencer,
        *,
        seed: int,
        liquidity: bool,
        home: Home | None = None,
    ) -> None:
        self.settings = settings
        self.clock = clock
        self.entropy = entropy
        self.venue = venue
        self.directory = directory
        self.sweep = KeySweep(directory)
        self.sequencer = sequencer
        self.seed = seed
        self.liquidity = liquidity
        self.home = home
        self.snapshots: SnapshotSchedule | None = None
        self.on_clock_moved: list[Callable[[], None]] = []
        self.on_close: Callable[[], None] | None = None
        self.services: list[Service] = []
        self.addresses: dict[str, str] = {}
        self.at_hand: dict[type, Any] = {}
        self._running = contextlib.AsyncExitStack()

    async def start(self) -> None:
        """Begin: the sequencer first, then every service in order."""
        self.sequencer.start()
        for service in self.services:
            await self._running.enter_async_context(service(self))

    def announce(self, addresses: dict[str, str]) -> None:
        """Say in `run.json` that it is ready, and where (`rest`, `streams`, `ws_api`)."""
        self.addresses = addresses
        if self.home is not None:
            self.home.write_run(addresses)

    async def move_clock(self, by_us: int) -> None:
        """Move the exchange's clock forward; what that brings to keys has happened on return.

        Args:
            by_us: Microseconds; see `MoveableClock.move`.

        Raises:
            ValueError: It does not go that way or that far.
            StorageError: The move could not be stored, or what it brings to keys: that is tried again later.
        """
        self.clock.move(by_us)
        await self.sweep_keys()
        for listener in self.on_clock_moved:
            listener()

    async def sweep_keys(self) -> None:
        """Do to the keys what time brings, a bounded number of them at once."""
        more = True
        while more:
            more = self.sweep.turn(self.clock.now_us())
            await asyncio.sleep(0)

    async def stop(self) -> None:
        """End the services in reverse order, apply what was accepted, store the closing hash, let the home go."""
        await self._running.aclose()
        await self.sequencer.stop()
        self.close()

    def close(self) -> None:
        """Let go of the stores and the home; for a testnet that was never started, or by `stop`."""
        on_close, self.on_close = self.on_close, None
        if on_close is not None:
            on_close()


def open_testnet(
    settings: Settings,
    *,
    clock: Clock | None = None,
    entropy: Entropy | None = None,
    role: str = "watchword testnet serve",
    on_halt: Callable[[BaseException], None] | None = None,
) -> Testnet:
    """Open the testnet of a home, made where it is new.

    Args:
        settings: `home` above all; `seed`, `liquidity` and `instruments` matter at the first opening.
        clock: Where time comes from, before it is moved; the system's by default.
        entropy: Where ids and secrets come from; the system's by default.
        role: What this process is, shown to whoever finds the home locked.
        on_halt: What to do when a write fails; by default the process ends at once.

    Returns:
        A testnet that is recovered and not started.

    Raises:
        HomeBusyError: Another process holds the home.
        CorruptStoreError: Stored bytes are damaged or acknowledged commands are missing.
        ConfigurationError: A setting cannot be used with this home.
    """
    entropy = entropy or SystemEntropy()
    with contextlib.ExitStack() as opened:
        stores = _open_stores(settings, role, opened)
        moveable = MoveableClock.open(clock or SystemClock(), stores.home.clock_path, write_atomically)
        began_ns = monotonic_ns()
        recovered = recover(stores.journal, SnapshotFiles(stores.home.snapshots_path))
        check_closing(stores.home, recovered)
        open_or_check(settings, moveable, stores.journal, recovered)
        # What was built now stays: the collector need not look at it again.
        gc.collect()
        gc.freeze()
        testnet = _assemble(settings, moveable, entropy, stores, recovered, on_halt or halt_process)
        testnet.snapshots = SnapshotSchedule(
            settings,
            stores.home,
            stores.journal,
            testnet.sequencer,
            recovered.snapshot_sequence,
            monotonic_ns() - began_ns,
        )
        testnet.services = _services(testnet, testnet.snapshots, stores)
        testnet.on_close = partial(_close, testnet, stores.home, opened.pop_all())
    return testnet


def open_memory_testnet(
    settings: Settings, clock: Clock | None = None, entropy: Entropy | None = None
) -> Testnet:
    """Make a testnet that lives in memory, whose sequencer needs no thread and where nothing ticks by itself.

    Args:
        settings: As for a real one; `home` is not touched. `liquidity` None means none.
        clock: Where time comes from; the system's by default.
        entropy: Where ids and secrets come from; the system's by default.

    Returns:
        A testnet that is opened (the first command is applied) and not started.
    """
    moveable, entropy = MoveableClock(clock or SystemClock()), entropy or SystemEntropy()
    journal = MemoryJournal()
    recovered = Recovered(Venue(), UNOPENED)
    open_venue(settings, moveable, journal, recovered, liquidity=bool(settings.liquidity))
    sequencer = Sequencer(
        journal, recovered.venue, moveable, recovered.position, _go_on, run_job=later_in_loop
    )
    return Testnet(
        settings,
        moveable,
        entropy,
        recovered.venue,
        KeyDirectory(MemoryKeyStore(), entropy, _rules(settings)),
        sequencer,
        seed=recovered.seed or 0,
        liquidity=bool(recovered.liquidity),
    )


class _Stores(msgspec.Struct):
    """What lies in a home, opened."""

    home: Home
    keys: SqlKeyStore
    journal: SqliteJournal


def _open_stores(settings: Settings, role: str, opened: contextlib.ExitStack) -> _Stores:
    """Take the home and open what is in it; `opened` closes it all."""
    home = Home.acquire(settings.home, role)
    opened.callback(home.release)
    keys = SqlKeyStore(home.keys_path, home.wrapping_key_path)
    opened.callback(keys.close)
    journal = SqliteJournal(home.journal_path)
    opened.callback(journal.close)
    return _Stores(home, keys, journal)


def _assemble(
    settings: Settings,
    clock: MoveableClock,
    entropy: Entropy,
    stores: _Stores,
    recovered: Recovered,
    on_halt: Callable[[BaseException], None],
) -> Testnet:
    """Put the sequencer over the recovered venue, and the directory over the keys."""
    sequencer = Sequencer(
        stores.journal, recovered.venue, clock, recovered.position, on_halt, apply_clock=monotonic_ns
    )
    return Testnet(
        settings,
        clock,
        entropy,
        recovered.venue,
        KeyDirectory(stores.keys, entropy, _rules(settings)),
        sequencer,
        seed=recovered.seed or 0,
        liquidity=bool(recovered.liquidity),
        home=stores.home,
    )


def _rules(settings: Settings) -> Callable[[int], KeyRules]:
    """The key rules of every moment, or those of one day for ever."""
    chosen = settings.key_rules_as_of
    if chosen is None:
        return rules_as_of
    pinned = rules_as_of(start_of_day_us(chosen))
    return lambda _now_us: pinned


def _services(testnet: Testnet, snapshots: SnapshotSchedule, stores: _Stores) -> list[Service]:
    """What goes on by itself."""
    services = [
        use_recorder(testnet.directory.flush_uses),
        change_preparer(stores.keys.prepare_changes),
        key_sweeper(testnet.sweep_keys),
        snapshots.running,
    ]
    if testnet.liquidity:
        services.append(market_makers(testnet.sequencer, testnet.settings.tick_interval_ms))
    return services


def _close(testnet: Testnet, home: Home, opened: contextlib.ExitStack) -> None:
    """Leave a clean home; after a fault leave it as it is, and let go of it all the same."""
    with opened:
        if testnet.sequencer.halted:
            return
        try:
            testnet.directory.flush_uses()
            note_closing(home, testnet.venue, testnet.sequencer)
        except StorageError as error:
            sys.stderr.write(f"watchword testnet: not everything was stored at the end: {error}\n")


def halt_process(error: BaseException) -> NoReturn:
    """Stop at once, without a reply to anybody: what the disk holds is unknown. Recovery is the normal start."""
    sys.stderr.write(f"watchword testnet halted: {error}\n")
    sys.stderr.flush()
    os._exit(EXIT_HALTED)


def _go_on(_error: BaseException) -> None:
    """In memory there is nothing to save: whoever waits gets the error, and later submits are refused."""
