"""Brings the ledger up to the trail, and starts it: what was signed and not yet in the ledger is read in the trail.

Never sends anything; what became of such orders is then asked by the reconciler, like that of all open ones.
"""

import asyncio
import contextlib
import logging
from pathlib import Path
from typing import Final

from watchword.adapters.audit.durable_trail import DurableTrail
from watchword.adapters.audit.sqlite_sink import SqliteReader
from watchword.adapters.ledger.sqlite_ledger import SqliteLedger
from watchword.audit.chain import read_line
from watchword.audit.event import Intent, TrailOpened, decode_event
from watchword.audit.trail import AuditReader
from watchword.gateway.order_desk import OrderDesk
from watchword.gateway.redoing import redo

LOG = logging.getLogger("watchword.gateway")

#: How long the trail's database may take to get from the second sink what it lacks.
FILL_WAIT_S: Final = 10.0
FILL_LOOK_S: Final = 0.02


async def start_ledger(ledger: SqliteLedger, trail: DurableTrail, desk: OrderDesk, path: Path) -> None:
    """Put into the ledger what only the trail has, then let it write.

    Args:
        ledger: Opened, not started.
        trail: Started.
        desk: On that ledger.
        path: The trail's database.

    Raises:
        StorageError: The trail cannot be read.
    """
    if not await _filled(trail, path):
        LOG.warning(
            "%s has not all rows of the trail; what the missing ones reserved is not counted again", path
        )
    trail_id = await asyncio.to_thread(_catch_up, ledger, desk, path)
    await ledger.start(trail_id, lambda: _stored(trail))


def _catch_up(ledger: SqliteLedger, desk: OrderDesk, path: Path) -> str:
    """Return the trail's id."""
    with contextlib.closing(SqliteReader(path)) as reader:
        opened, mark = _event_in(reader, 1), ledger.mark
        trail_id = opened.trail if isinstance(opened, TrailOpened) else ""
        if not mark.trail:
            LOG.info("the ledger names no row of the trail: it is new, and nothing is read again")
        elif mark.trail != trail_id:
            LOG.warning("the ledger goes with another trail, which was moved away: going on with what it has")
        elif reader.head().row < mark.row:
            LOG.warning(
                "the trail ends before row %d, which the ledger names: going on with what it has", mark.row
            )
        else:
            done = redo(
                reader.lines_after(mark.row), mark.number, ledger, desk, lambda row: _intent_in(reader, row)
            )
            ledger.number_after(done.number)
            LOG.info("reservations counted again from the trail: %d", done.count)
        return trail_id


def _intent_in(reader: AuditReader, row: int) -> Intent | None:
    event = _event_in(reader, row)
    return event if isinstance(event, Intent) else None


def _event_in(reader: AuditReader, row: int) -> object:
    line = next(iter(reader.lines_after(row - 1)), None)
    found = read_line(line) if line is not None else None
    return decode_event(found.body) if found is not None and found.number == row else None


def _stored(trail: DurableTrail) -> int:
    """The last row that a sink has. Why not the last one made: after a crash that one may never have been."""
    return max([sink.stored for sink in trail.status().sinks])


async def _filled(trail: DurableTrail, path: Path) -> bool:
    """Wait until the database has what the second sink had more."""
    rows = trail.status().row
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(FILL_WAIT_S):
            while not (_has(trail, path, rows) or _troubled(trail, path)):  # noqa: ASYNC110 - it tells nobody when
                await asyncio.sleep(FILL_LOOK_S)
    return _has(trail, path, rows)


def _troubled(trail: DurableTrail, path: Path) -> bool:
    return any(sink.trouble for sink in trail.status().sinks if sink.name == str(path))


def _has(trail: DurableTrail, path: Path, rows: int) -> bool:
    return all(sink.stored >= rows for sink in trail.status().sinks if sink.name == str(path))
