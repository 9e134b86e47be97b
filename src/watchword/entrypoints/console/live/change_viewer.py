"""One page that is told what changed: at most one event for each topic waits, however much happens. Knows no connection.

Why no queue: an event says only that something changed, so ten of them say no more than one. Memory is bounded by the
number of topics, and a slow reader misses nothing by being slow.
"""

import asyncio
from collections.abc import Callable, Iterable
from typing import Final

import msgspec

from watchword.entrypoints.console.live.topics import ANY, Reading, Topic, Wanted

#: Subjects named in one event; where more changed, none is named.
SUBJECTS_NAMED_MAX: Final = 20
#: Between two pieces; what happens meanwhile goes together.
PAUSE_S: Final = 0.2


class Changed(msgspec.Struct, frozen=True, omit_defaults=True):
    """`changed`: read what you show again.

    Attributes:
        topic: Of what kind.
        ids: What; none: anything of it.
        count: Of approvals that wait, or of rows in the trails; left out for others.
    """

    topic: Topic
    ids: list[str] = []
    count: int | None = None


class Counted(msgspec.Struct, frozen=True):
    """`count`: how many there are when a page begins to look; nothing changed."""

    topic: Topic
    count: int


#: Topic and who looks → how many; None where nothing is counted, or it is not known.
Count = Callable[[Topic, Reading], int | None]


class ChangeViewer:
    """One who looks on. To `Feed` it is like any `Viewer`.

    Attributes:
        person_id: Whose page.
        topics: What it shows something of.
        dropped: What was looked at is gone, or is to be asked for anew: nothing more comes.
    """

    def __init__(self, wanted: Iterable[Wanted], reading: Reading, count: Count) -> None:
        """Begin with nothing.

        Args:
            wanted: What the page shows.
            reading: What its person may know.
            count: Counts what has a number.
        """
        self.person_id, self.dropped = reading.person_id, False
        self._wanted: dict[Topic, set[str]] = {}
        for one in wanted:
            self._wanted.setdefault(one.topic, set()).add(one.subject)
        self._reading, self._count = reading, count
        self._changed: dict[Topic, set[str]] = {}
        self._counted: dict[Topic, None] = {}
        self._came = asyncio.Event()
        self._taken_s = 0.0

    @property
    def topics(self) -> tuple[Topic, ...]:
        """What it shows something of."""
        return tuple(self._wanted)

    def may_know(self, topic: Topic, subject: str) -> bool:
        """Whether its person may know that this changed, now."""
        return self._reading.reads(topic, subject)

    def note(self, topic: Topic, subject: str) -> None:
        """Something changed; what the page does not show, or its person may not know, leaves no mark."""
        shown = self._wanted.get(topic)
        if shown is None or not (ANY in shown or subject in shown) or not self._reading.reads(topic, subject):
            return
        self._changed.setdefault(topic, set()).add(subject)
        self._came.set()

    def note_all(self, topic: Topic) -> None:
        """Anything of a topic may have changed: says nothing but that the page should look again."""
        if topic in self._wanted and self._reading.may_read(topic):
            self._changed.setdefault(topic, set()).add(ANY)
            self._came.set()

    def note_count(self, topic: Topic) -> None:
        """A number is known that was not."""
        if topic in self._wanted and self._reading.may_read(topic):
            self._counted[topic] = None
            self._came.set()

    def drop(self) -> None:
        """End it; what still waits is let go."""
        self.dropped = True
        self._changed.clear()
        self._counted.clear()
        self._came.set()

    async def take(self, wait_s: float) -> bytes:
        """Return everything that waits, as one piece.

        Args:
            wait_s: For how long; nothing came then.
        """
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(wait_s):
                await self._came.wait()
        except TimeoutError:
            return b""
        pause_s = self._taken_s + PAUSE_S - loop.time()
        if pause_s > 0 and not self.dropped:
            await asyncio.sleep(pause_s)
        self._taken_s = loop.time()
        self._came.clear()
        changed, self._changed = self._changed, {}
        counted, self._counted = self._counted, {}
        pieces = [self._event(topic, subjects) for topic, subjects in changed.items()]
        for topic in counted:
            count = self._count(topic, self._reading)
            if topic not in changed and count is not None:
                pieces.append(_written("count", Counted(topic, count)))
        return b"".join(pieces)

    def _event(self, topic: Topic, subjects: set[str]) -> bytes:
        named = [] if ANY in subjects or len(subjects) > SUBJECTS_NAMED_MAX else sorted(subjects)
        return _written("changed", Changed(topic, named, self._count(topic, self._reading)))


def _written(name: str, content: msgspec.Struct) -> bytes:
    return b"event: %s\ndata: %s\n\n" % (name.encode(), msgspec.json.encode(content))
