"""Small trails, whole and tampered with; sinks that fail on demand; a trail wired to them."""

import asyncio
import contextlib
import hashlib
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from watchword.adapters.audit.durable_trail import DurableTrail, Pace
from watchword.adapters.memory.audit import MemorySink
from watchword.audit.chain import Head, Row, seal
from watchword.audit.event import (
    AnyEvent,
    Change,
    Intent,
    Outcome,
    Refusal,
    TrailClosed,
    TrailOpened,
    decode_event,
    encode_event,
)
from watchword.audit.sealer import Sealer
from watchword.audit.trail import AuditSink
from watchword.audit.verify import verify
from watchword.credentials.keypair import PrivateKey, generate
from watchword.kernel.errors import StorageError

NOW_US = 1_790_000_000_000_000
#: Quick enough for tests, slow enough for a busy machine.
QUICK = Pace(
    write_ms=400, open_ms=3_000, outcome_ms=10, retry_ms=20, checkpoint_rows=50, checkpoint_ms=60_000
)


class FixedEntropy:
    """Bytes from a counter: the same trail every time."""

    def __init__(self, seed: int = 1) -> None:
        self._seed = seed

    def token(self, size_bytes: int) -> bytes:
        self._seed += 1
        return hashlib.shake_128(self._seed.to_bytes(8, "big")).digest(size_bytes)


class TickingClock:
    """Every look is a microsecond later."""

    def __init__(self, now_us: int = NOW_US) -> None:
        self.current_us = now_us

    def now_us(self) -> int:
        self.current_us += 1
        return self.current_us


TRAIL_KEY: PrivateKey = generate("ed25519", FixedEntropy())
OTHER_KEY: PrivateKey = generate("ed25519", FixedEntropy(99))
TRAIL_ID = "5a" * 16


def intent(request: str = "r-1", **fields: object) -> Intent:
    """An order about to be signed."""
    given = {
        "key": "WWk" + "a" * 61,
        "credential": "main",
        "upstream": "testnet",
        "endpoint": "POST /api/v3/order",
        "ip": "10.0.0.7",
        "client_order_id": "x-1",
        "parameters": {"symbol": "BTCUSDT", "side": "BUY", "quantity": "0.01"},
        **fields,
    }
    return Intent(request=request, **given)  # type: ignore[arg-type]


def cancel(request: str = "c-1") -> Intent:
    """A cancel about to be signed."""
    return intent(request, endpoint="DELETE /api/v3/order", only_cancels=True)


def small_trail() -> list[Row]:
    """Twelve rows: opened, signed, some life, signed twice, closed."""
    sealer = Sealer(TRAIL_KEY.signer(), TRAIL_ID)
    opened = TrailOpened(trail=TRAIL_ID, format=1, fingerprint=TRAIL_KEY.public.fingerprint)
    events: list[AnyEvent | None] = [
        opened, None, intent("r-1"), Outcome(intent=3, result="answered", status=200, order_id="77"),
        intent("r-2"), Refusal(key="k", endpoint="POST /api/v3/order", rule="symbols", values={"symbol": "THINUSDT"}),
        None, Outcome(intent=5, result="unknown", note="no answer within 10 s"),
        Change(action="credential:virtual:issued", actor="uid 1000", subject="WWkey"), None, TrailClosed(), None,
    ]  # fmt: skip
    rows: list[Row] = []
    for number, event in enumerate(events, start=1):
        now_us = NOW_US + number * 1_000
        rows.append(sealer.sign(now_us) if event is None else sealer.seal(encode_event(event), now_us))
    return rows


def resealed(rows: Sequence[Row], head: Head) -> list[Row]:
    """What somebody without the key can do: give events new places, with digests that fit."""
    made: list[Row] = []
    for row in rows:
        made.append(seal(row.body, head, row.now_us))
        head = made[-1].head
    return made


def replaced(row: Row, body: bytes, *, after: Head | None = None) -> Row:
    """The row with another body and a digest that fits it."""
    return seal(body, after or Head(row.number - 1, row.previous), row.now_us)


def events(lines: Iterator[bytes] | list[bytes]) -> list[AnyEvent]:
    """What lines say."""
    found = [decode_event(line.split(b" ", 4)[4].rstrip(b"\n")) for line in lines]
    assert None not in found
    return found  # type: ignore[return-value]


class FaultySink:
    """A sink over another one that fails, hangs or strains on demand."""

    def __init__(self, inner: AuditSink | None = None) -> None:
        self.inner = inner or MemorySink()
        self.error: Exception | None = None
        self.open_error: Exception | None = None
        self.strain: str | None = None
        self.gate = threading.Event()
        self.gate.set()
        self.appends: list[int] = []
        self.before: Callable[[Sequence[Row]], None] = lambda rows: None

    def opener(self) -> AuditSink:
        if self.open_error is not None:
            raise self.open_error
        return self

    def append(self, rows: Sequence[Row]) -> None:
        self.before(rows)
        assert self.gate.wait(20)
        if self.error is not None:
            raise self.error
        self.inner.append(rows)
        self.appends.append(len(rows))

    def note_stored(self) -> None:
        self.inner.note_stored()

    def head(self) -> Head:
        return self.inner.head()

    def lines_after(self, row: int) -> Iterator[bytes]:
        return self.inner.lines_after(row)

    def strained(self) -> str | None:
        return self.strain

    def place_name(self) -> str:
        return "faulty"

    def close(self) -> None:
        pass

    def lines(self) -> list[bytes]:
        return list(self.inner.lines_after(0))

    def events(self) -> list[AnyEvent]:
        return events(self.lines())


def disk_full() -> StorageError:
    return StorageError("database or disk is full")


def make_trail(*sinks: FaultySink, pace: Pace = QUICK) -> DurableTrail:
    """A trail over sinks named first, second."""
    openers = {name: sink.opener for name, sink in zip(("first", "second"), sinks, strict=False)}
    return DurableTrail(
        openers, TRAIL_KEY.signer(), TRAIL_KEY.public.fingerprint, TickingClock(), FixedEntropy(7), pace
    )


@contextlib.asynccontextmanager
async def running(*sinks: FaultySink, pace: Pace = QUICK) -> AsyncIterator[DurableTrail]:
    """The same, started, and stopped in the end."""
    trail = make_trail(*sinks, pace=pace)
    await trail.start()
    try:
        yield trail
    finally:
        for sink in sinks:
            sink.gate.set()
        await trail.stop()


def whole(sink: FaultySink) -> bool:
    """Whether a sink has rows, all of them proven."""
    report = verify(sink.lines(), TRAIL_KEY.public.verifier())
    assert report.good, report.findings
    return report.rows > 0


def of(sink: FaultySink, kind: type) -> list[Any]:
    """The events of one kind in a sink."""
    return [event for event in sink.events() if isinstance(event, kind)]


async def until(true: Callable[[], bool], seconds: float = 5.0) -> None:
    """Wait for something another thread does."""
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "it did not happen"
        await asyncio.sleep(0.005)


def as_lines(content: bytes) -> list[bytes]:
    """Bytes as a reader of a file gives them: lines with their ends, and perhaps a rest without one."""
    parts = content.split(b"\n")
    return [part + b"\n" for part in parts[:-1]] + ([parts[-1]] if parts[-1] else [])


def all_bytes(folder: Path) -> bytes:
    """Everything in a folder, whatever its name."""
    return b"".join(path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file())
