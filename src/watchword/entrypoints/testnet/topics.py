"""One stream with its subscribers: payload in, one shared frame out to each. Knows no exchange."""

from typing import Protocol

from watchword.entrypoints.sockets.frames import text_frame
from watchword.entrypoints.testnet.stream_names import Stream


class Sink(Protocol):
    """A subscriber.

    Attributes:
        combined: Wants payloads wrapped with the stream's name.
        micros: Wants microseconds.
    """

    combined: bool
    micros: bool

    def send(self, frame: bytes) -> None:
        """Take a prepared frame; never waits, never fails."""
        ...


class Topic:
    """A stream in one time unit.

    Attributes:
        name: As subscribed to.
        stream: What it asks for.
        micros: In microseconds.
        sinks: Who listens.
        mark: What was last sent, in whatever form the publisher compares; None before the first.
    """

    __slots__ = ("_prefix", "mark", "micros", "name", "sinks", "stream")

    def __init__(self, name: str, stream: Stream, *, micros: bool) -> None:
        self.name = name
        self.stream = stream
        self.micros = micros
        self.sinks: dict[Sink, None] = {}
        self.mark: object = None
        self._prefix = b'{"stream":"%s","data":' % name.encode()

    def emit(self, payload: bytes) -> None:
        """Send a payload to everybody; each form of frame is built at most once."""
        raw = combined = b""
        for sink in tuple(self.sinks):
            if sink.combined:
                combined = combined or text_frame(b"%s%s}" % (self._prefix, payload))
                sink.send(combined)
            else:
                raw = raw or text_frame(payload)
                sink.send(raw)


class DepthFeed:
    """What changed in one book since the slow diff stream last spoke. Quantities replace each other by price."""

    __slots__ = ("asks", "bids", "first", "last")

    def __init__(self) -> None:
        self.first = 0
        self.last = 0
        self.bids: dict[int, int] = {}
        self.asks: dict[int, int] = {}

    def add(self, first: int, last: int, bids: list[tuple[int, int]], asks: list[tuple[int, int]]) -> None:
        """Merge a diff that follows the last one."""
        self.first = self.first or first
        self.last = last
        self.bids.update(bids)
        self.asks.update(asks)

    def take(self) -> tuple[int, int, list[tuple[int, int]], list[tuple[int, int]]] | None:
        """Return the merged diff, best prices first, and begin anew; None where nothing changed."""
        if not self.first:
            return None
        taken = self.first, self.last, sorted(self.bids.items(), reverse=True), sorted(self.asks.items())
        self.first, self.bids, self.asks = 0, {}, {}
        return taken
