"""The process that makes one snapshot: load the newest, replay to a given sequence, check, write, leave.

    python -m watchword.bootstrap.snapshotter HOME SEQUENCE OUTCOME

It runs niced beside the server, which therefore never stalls for a snapshot. It takes no lock, changes no record,
and refuses to write a state whose outcome is not the one the live server had at that sequence, or that does not
read back to the same state hash. Never runs inside the server.
"""

import contextlib
import json
import os
import sys
from pathlib import Path
from typing import Final

from watchword.adapters.journal_sqlite import SqliteJournal
from watchword.adapters.snapshot_files import SnapshotFiles, SnapshotHead
from watchword.bootstrap.recovery import collector_paused, recover
from watchword.exchange.venue import Venue
from watchword.kernel.errors import CorruptStoreError, WatchwordError

NICENESS: Final = 10
EXIT_REFUSED: Final = 3


def make_snapshot(testnet_folder: Path, sequence: int, outcome: int | None) -> SnapshotHead:
    """Write the snapshot of one sequence.

    Args:
        testnet_folder: `HOME/testnet`.
        sequence: The end of a stored record.
        outcome: What the live venue had folded there; None checks nothing.

    Raises:
        CorruptStoreError: The stored bytes are damaged, or lead elsewhere than the live venue went.
        StorageError: The snapshot could not be written.
    """
    journal = SqliteJournal(testnet_folder / "journal.db", read_only=True)
    snapshots = SnapshotFiles(testnet_folder / "snapshots")
    with contextlib.closing(journal):
        recovered = recover(journal, snapshots, sequence)
    position = recovered.position
    if position.sequence != sequence or (outcome is not None and position.outcome != outcome):
        raise CorruptStoreError(
            f"replay to sequence {sequence} does not give what the running testnet has: no snapshot was written"
        )
    body = recovered.venue.encode()
    state_hash = recovered.venue.state_hash()
    with collector_paused():
        if Venue.decode(body).state_hash() != state_hash:
            raise CorruptStoreError(
                f"the snapshot of sequence {sequence} would not read back to the same state"
            )
    head = SnapshotHead(position, recovered.seed or 0, bool(recovered.liquidity), state_hash)
    snapshots.write(head, body)
    return head


def main(arguments: list[str]) -> int:
    """Run from the command line; the result, or why there is none, is one line of JSON."""
    home, sequence, outcome = Path(arguments[0]), int(arguments[1]), int(arguments[2])
    with contextlib.suppress(OSError):
        os.nice(NICENESS)
    try:
        head = make_snapshot(home / "testnet", sequence, outcome)
    except WatchwordError as error:
        sys.stdout.write(json.dumps({"error": str(error)}) + "\n")
        return EXIT_REFUSED
    sys.stdout.write(json.dumps({"sequence": sequence, "state_hash": head.state_hash.hex()}) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
