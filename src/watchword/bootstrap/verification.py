"""Proof that the present state is nothing but the journal: replay from the first command, archived records included.

Takes no lock and changes nothing, so it can run beside the server.
"""

import contextlib
from pathlib import Path

from watchword.adapters.journal_archive import ArchiveFiles
from watchword.adapters.journal_sqlite import SqliteJournal
from watchword.bootstrap.recovery import replay_everything
from watchword.kernel.errors import CorruptStoreError


def replayed_hash(home: Path, sequence: int) -> str:
    """Replay a home from the first command.

    Args:
        home: Its folder.
        sequence: Where to stop: the end of a stored record.

    Returns:
        The state hash there, hexadecimal.

    Raises:
        CorruptStoreError: The stored bytes are damaged or do not reach so far.
    """
    folder = home / "testnet"
    with contextlib.closing(SqliteJournal(folder / "journal.db", read_only=True)) as journal:
        recovered = replay_everything(journal, ArchiveFiles(folder / "archive"), sequence)
    if recovered.position.sequence != sequence:
        raise CorruptStoreError(
            f"{folder / 'journal.db'}: replay reaches sequence {recovered.position.sequence}, not {sequence}"
        )
    return recovered.venue.state_hash().hex()
