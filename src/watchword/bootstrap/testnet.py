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

import contextlib
import gc
import json
import os
import sys
from collections.abc import Callable
from typing import Final, NoReturn

from watchword.adapters.group_commit import Sequencer, later_in_loop
from watchword.adapters.home import Home, write_atomically
from watchword.adapters.journal_sqlite import SqliteJournal
from watchword.adapters.memory.journal import MemoryJournal
from watchword.adapters.memory.keys import MemoryKeyStore
from watchword.adapters.snapshot_files import SnapshotFiles
from watchword.adapters.sql.key_store import SqlKeyStore
from watchword.adapters.system import SystemClock, SystemEntropy, monotonic_ns
from watchword.bootstrap.background import Service, change_preparer, market_makers, use_recorder
from watchword.bootstrap.recovery import UNOPENED, Recovered, recover
from watchword.bootstrap.snapshots import SnapshotSchedule
from watchword.config import Settings
from watchword.credentials.key_directory import KeyDirectory
from watchword.exchange.commands import OpenVenue
from watchword.exchange.exchange_info import read_exchange_info
from watchword.exchange.instruments import Instrument
from watchword.exchange.journal import Journal, encode_record, fold_outcome
from watchword.exchange.listings import default_instruments
from watchword.exchange.venue import Venue
from watchword.kernel.clock import Clock
from watchword.kernel.entropy import Entropy
from watchword.kernel.errors import ConfigurationError, CorruptStoreError

EXIT_HALTED: Final = 74


class Testnet:
    """What the entrypoints get.

    Attributes:
        settings: What the process was told.
        clock, entropy: Time and randomness.
        venue: The exchange. Read it freely from the loop's thread; change it through `sequencer` only.
        directory: The API keys (`find`, `touch`, `on_revoked` …).
        sequencer: Stores, applies and answers commands; its `listeners` see everything that happened.
        seed, liquidity: What the venue was opened with.
        home: The folder it lives in; None in memory.
        snapshots: Makes snapshots; None in memory.
        addresses: Where it serves, once `announce` was told.
        services: Context managers entered by `start` and left by `stop`, in order and in reverse.
    """

    __test__ = False

    def __init__(
        self,
        settings: Settings,
        clock: Clock,
        entropy: Entropy,
        venue: Venue,
        directory: KeyDirectory,
        sequencer: Sequencer,
        *,
        seed: int,
        liquidity: bool,
        home: Home | None = None,
        snapshots: SnapshotSchedule | None = None,
        closing: Callable[[], None] | None = None,
    ) -> None:
        self.settings = settings
        self.clock = clock
        self.entropy = entropy
        self.venue = venue
        self.directory = directory
        self.sequencer = sequencer
        self.seed = seed
        self.liquidity = liquidity
        self.home = home
        self.snapshots = snapshots
        self.services: list[Service] = []
        self.addresses: dict[str, str] = {}
        self._closing = closing
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

    async def stop(self) -> None:
        """End the services in reverse order, apply what was accepted, store the closing hash, let the home go."""
        await self._running.aclose()
        await self.sequencer.stop()
        self.close()

    def close(self) -> None:
        """Let go of the stores and the home; for a testnet that was never started, or by `stop`."""
        closing, self._closing = self._closing, None
        if closing is not None:
            closing()


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
        clock: Where time comes from; the system's by default.
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
    clock, entropy = clock or SystemClock(), entropy or SystemEntropy()
    with contextlib.ExitStack() as opened:
        home = Home.acquire(settings.home, role)
        opened.callback(home.release)
        store = SqlKeyStore(home.keys_path, home.wrapping_key_path)
        opened.callback(store.close)
        directory = KeyDirectory(store, entropy)
        journal = SqliteJournal(home.journal_path)
        opened.callback(journal.close)
        began_ns = monotonic_ns()
        recovered = recover(journal, SnapshotFiles(home.snapshots_path))
        check_closing(home, recovered)
        open_or_check(settings, clock, journal, recovered)
        replayed_ns = monotonic_ns() - began_ns
        gc.collect()
        gc.freeze()
        sequencer = Sequencer(
            journal,
            recovered.venue,
            clock,
            recovered.position,
            on_halt or halt_process,
            apply_clock=monotonic_ns,
        )
        schedule = SnapshotSchedule(
            settings, home, journal, sequencer, recovered.snapshot_sequence, replayed_ns
        )
        stack = opened.pop_all()

        def closing() -> None:
            directory.flush_uses()
            note_closing(home, recovered.venue, sequencer)
            stack.close()

        testnet = Testnet(
            settings,
            clock,
            entropy,
            recovered.venue,
            directory,
            sequencer,
            seed=recovered.seed or 0,
            liquidity=bool(recovered.liquidity),
            home=home,
            snapshots=schedule,
            closing=closing,
        )
    testnet.services += [
        use_recorder(directory.flush_uses),
        change_preparer(store.prepare_changes),
        schedule.running,
    ]
    if testnet.liquidity:
        testnet.services.append(market_makers(sequencer, settings.tick_interval_ms))
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
    clock, entropy = clock or SystemClock(), entropy or SystemEntropy()
    journal = MemoryJournal()
    recovered = Recovered(Venue(), UNOPENED)
    open_venue(settings, clock, journal, recovered, liquidity=bool(settings.liquidity))
    sequencer = Sequencer(journal, recovered.venue, clock, recovered.position, _go_on, run_job=later_in_loop)
    return Testnet(
        settings,
        clock,
        entropy,
        recovered.venue,
        KeyDirectory(MemoryKeyStore(), entropy),
        sequencer,
        seed=recovered.seed or 0,
        liquidity=bool(recovered.liquidity),
    )


def halt_process(error: BaseException) -> NoReturn:
    """Stop at once, without a reply to anybody: what the disk holds is unknown. Recovery is the normal start."""
    sys.stderr.write(f"watchword testnet halted: {error}\n")
    sys.stderr.flush()
    os._exit(EXIT_HALTED)


def _go_on(_error: BaseException) -> None:
    """In memory there is nothing to save: whoever waits gets the error, and later submits are refused."""
