"""When a snapshot is due, and what follows it: one niced process at a time, then the archiving of old records.

Due means: so many commands, or so much work (time spent applying), since the last one. Work is what a restart would
have to repeat. Never makes a snapshot in the server's own process.
"""

import asyncio
import contextlib
import json
import sys
from collections.abc import AsyncIterator
from typing import Any, Final

from watchword.adapters.group_commit import Sequencer
from watchword.adapters.home import Home
from watchword.adapters.journal_archive import ArchiveFiles
from watchword.adapters.journal_sqlite import SqliteJournal
from watchword.adapters.snapshot_files import SnapshotFiles
from watchword.config import Settings
from watchword.kernel.errors import StorageError

CHECK_INTERVAL_S: Final = 0.2
#: After a snapshot that failed (a full disk, for example) the next try waits this long.
RETRY_DELAY_S: Final = 30.0
SNAPSHOT_S_MAX: Final = 600.0
REPLAYED_COUNTS_AFTER_S: Final = 30.0
#: Records moved per turn of the writing thread, so that orders never wait long behind it.
ARCHIVE_ROWS_MAX: Final = 500
ARCHIVE_PAUSE_S: Final = 0.05


class SnapshotSchedule:
    """Watches the sequencer and makes snapshots when due.

    Attributes:
        last_sequence: Of the newest snapshot.
        last_error: Why the last try failed; empty after a success.
    """

    def __init__(
        self,
        settings: Settings,
        home: Home,
        journal: SqliteJournal,
        sequencer: Sequencer,
        last_sequence: int,
        replayed_ns: int,
    ) -> None:
        """Prepare.

        Args:
            settings: When a snapshot is due.
            home: Where everything lies.
            journal: To archive from.
            sequencer: Whose position and work are watched.
            last_sequence: Of the newest snapshot; 0 without one.
            replayed_ns: Work already done after it, by the replay at start. It counts a little after the start
                only, so that a testnet used for seconds makes no snapshot.
        """
        self.last_sequence = last_sequence
        self.last_error = ""
        self._settings = settings
        self._home = home
        self._journal = journal
        self._sequencer = sequencer
        self._snapshots = SnapshotFiles(home.snapshots_path)
        self._archive = ArchiveFiles(home.archive_path)
        self._work_begin_ns = sequencer.applied_ns
        self._replayed_ns = replayed_ns
        self._making = asyncio.Lock()

    @contextlib.asynccontextmanager
    async def running(self, _testnet: object) -> AsyncIterator[None]:
        """Watch until left; a snapshot in the making is abandoned then."""
        task = asyncio.create_task(self._watch(), name="snapshots")
        try:
            yield
        finally:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task

    def due(self) -> bool:
        """Whether the next snapshot should be made now."""
        commands = self._sequencer.position.sequence - self.last_sequence
        work_ms = (self._sequencer.applied_ns - self._work_begin_ns) // 1_000_000
        return commands >= self._settings.snapshot_every_commands or (
            commands > 0 and work_ms >= self._settings.snapshot_replay_ms_max
        )

    async def make(self) -> dict[str, Any]:
        """Make a snapshot of the present position.

        Returns:
            `{"sequence": ..., "state_hash": ...}`, or `{"error": ...}`; then everything is as before.
        """
        async with self._making:
            position, work_ns = self._sequencer.position, self._sequencer.applied_ns
            if position.sequence == self.last_sequence:
                return {"sequence": self.last_sequence}
            result = await _run_snapshotter(self._home, position.sequence, position.outcome)
            self.last_error = str(result.get("error", ""))
            if not self.last_error:
                self.last_sequence, self._work_begin_ns = position.sequence, work_ns
                self._replayed_ns = 0
            return result

    def _count_replayed(self) -> None:
        """From now on count what the replay at start did, unless a snapshot has covered it."""
        self._work_begin_ns -= self._replayed_ns

    async def _watch(self) -> None:
        asyncio.get_running_loop().call_later(REPLAYED_COUNTS_AFTER_S, self._count_replayed)
        while True:
            await asyncio.sleep(CHECK_INTERVAL_S)
            if not self.due():
                continue
            result = await self.make()
            if "error" in result:
                sys.stderr.write(f"watchword: no snapshot: {result['error']}\n")
                await asyncio.sleep(RETRY_DELAY_S)
            elif self._settings.archive_journal:
                await self._archive_old()

    async def _archive_old(self) -> None:
        """Move what lies before the last two snapshots, a slice at a time."""
        sequences = self._snapshots.sequences()
        if len(sequences) < 2:
            return
        while True:
            if not await self._sequencer.run_between_writes(lambda: self._archive_slice(sequences[0])):
                return
            await asyncio.sleep(ARCHIVE_PAUSE_S)

    def _archive_slice(self, before_sequence: int) -> bool:
        """On the writing thread: move some records; say whether there are more.

        The record that ends at the older snapshot stays: it is what that snapshot is anchored to.
        """
        try:
            anchor = self._journal.record_containing(before_sequence)
            if anchor is None:
                return False
            rows = self._journal.first_records(ARCHIVE_ROWS_MAX, anchor[0])
            if not rows:
                return False
            self._archive.write(rows)
            self._journal.delete([first for first, _ in rows])
        except StorageError as error:
            sys.stderr.write(f"watchword: journal not archived: {error}\n")
            return False
        return len(rows) == ARCHIVE_ROWS_MAX


async def _run_snapshotter(home: Home, sequence: int, outcome: int) -> dict[str, Any]:
    """Run the process and read its one line."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "watchword.bootstrap.snapshotter",
        str(home.path),
        str(sequence),
        str(outcome),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        async with asyncio.timeout(SNAPSHOT_S_MAX):
            out, err = await process.communicate()
    except TimeoutError:
        return {"error": f"the snapshot took longer than {SNAPSHOT_S_MAX:.0f} s"}
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    try:
        return dict(json.loads(out))
    except ValueError:
        last_line = err.decode(errors="replace").strip().rpartition("\n")[2]
        return {"error": f"the snapshot process ended with status {process.returncode}: {last_line}"}
