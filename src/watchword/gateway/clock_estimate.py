"""What time it is at the upstream: measurements against a monotonic clock, judged. Reads no clock and asks nobody.

A measurement is one question for the time: the answer holds for some moment between sending and receiving, so half of
the round trip is how wrong it can be. The best recent one counts, older ones losing worth as clocks drift. Where
the machine's wall clock and its monotonic clock part (somebody set the one, or the machine slept and the other stood
still), or the upstream's time is not what was expected, nothing is believed until several new measurements agree.
"""

from collections import deque
from typing import Final

import msgspec

#: An estimate older than this refuses changes.
AGE_NS_MAX: Final = 60_000_000_000
#: A step of the wall clock or of the upstream by more than this refuses changes until measured anew.
STEP_US_MAX: Final = 500_000
#: How many measurements must agree before they are believed.
STEADY_COUNT: Final = 3
SAMPLES_COUNT_MAX: Final = 12
#: A measurement that took longer says too little.
ROUND_TRIP_NS_MAX: Final = 1_000_000_000
#: How fast two clocks may part: the worst of ordinary crystals, doubled, in parts of a million.
_DRIFT_PPM: Final = 200
_NS_PER_US: Final = 1_000
_MILLION: Final = 1_000_000


class Measurement(msgspec.Struct, frozen=True, gc=False):
    """One question for the upstream's time.

    Attributes:
        sent_ns: Monotonic clock when it was asked.
        received_ns: Monotonic clock when it was answered.
        upstream_us: The answer, epoch microseconds.
        resolution_us: How coarse the answer is.
    """

    sent_ns: int
    received_ns: int
    upstream_us: int
    resolution_us: int = 1

    @property
    def middle_ns(self) -> int:
        """The moment it most likely holds for."""
        return (self.sent_ns + self.received_ns) // 2

    @property
    def error_us(self) -> int:
        """How wrong it can be."""
        return (self.received_ns - self.sent_ns) // (2 * _NS_PER_US) + self.resolution_us

    def at(self, monotonic_ns: int) -> int:
        """Return the upstream's time at a moment, going by this measurement alone."""
        return self.upstream_us + (monotonic_ns - self.middle_ns) // _NS_PER_US

    def error_at(self, monotonic_ns: int) -> int:
        """Return how wrong `at` can be."""
        return self.error_us + abs(monotonic_ns - self.middle_ns) // _NS_PER_US * _DRIFT_PPM // _MILLION


class ClockEstimate:
    """The measurements that count."""

    __slots__ = ("_best", "_middle_ns", "_newest_ns", "_samples", "_steady", "_stepped", "_wall_offset_us")

    def __init__(self) -> None:
        self._samples: deque[Measurement] = deque(maxlen=SAMPLES_COUNT_MAX)
        self._best: Measurement | None = None
        self._middle_ns = 0
        self._newest_ns = 0
        self._steady = 0
        self._stepped = ""
        self._wall_offset_us = 0

    def fold(self, measured: Measurement, wall_us: int) -> None:
        """Take in a measurement; one that took too long, or began before the last one ended, is left out.

        Args:
            measured: In the order they were made.
            wall_us: The machine's wall clock when the answer came, epoch microseconds.
        """
        trip_ns = measured.received_ns - measured.sent_ns
        if not 0 <= trip_ns <= ROUND_TRIP_NS_MAX or measured.sent_ns < self._newest_ns:
            return
        self.look(measured.received_ns, wall_us)
        now_ns, best = measured.received_ns, self._best
        if best is not None:
            parted_us = abs(measured.at(now_ns) - best.at(now_ns))
            explained_us = measured.error_at(now_ns) + best.error_at(now_ns)
            if parted_us > STEP_US_MAX + explained_us:
                self._step(f"the upstream's clock stepped by {parted_us // 1_000} ms")
            elif parted_us > explained_us:
                # They cannot both be right: a small step, and the newer one knows.
                self._samples.clear()
        self._wall_offset_us = wall_us - now_ns // _NS_PER_US
        self._samples.append(measured)
        self._newest_ns = now_ns
        self._steady += 1
        if self._steady >= STEADY_COUNT:
            self._stepped = ""
        self._best = min(self._samples, key=lambda sample: sample.error_at(now_ns))
        self._middle_ns = self._best.middle_ns

    def look(self, monotonic_ns: int, wall_us: int) -> None:
        """Compare the machine's two clocks: where they parted since the last measurement, believe nothing."""
        if self._best is None:
            return
        offset_us = wall_us - monotonic_ns // _NS_PER_US
        parted_us = abs(offset_us - self._wall_offset_us)
        if parted_us > STEP_US_MAX:
            self._wall_offset_us = offset_us
            self._step(f"this machine's clock stepped by {parted_us // 1_000} ms")

    def at(self, monotonic_ns: int) -> int | None:
        """Return the upstream's time, epoch microseconds; None before the first measurement."""
        best = self._best
        return None if best is None else best.upstream_us + (monotonic_ns - self._middle_ns) // _NS_PER_US

    def error_us(self, monotonic_ns: int) -> int | None:
        """Return how wrong `at` can be; None before the first measurement."""
        return None if self._best is None else self._best.error_at(monotonic_ns)

    def trouble(self, monotonic_ns: int) -> str | None:
        """Say why the estimate is not good enough to sign a change by, or None."""
        if self._best is None:
            return "the upstream's clock has not been measured yet"
        if self._stepped:
            return f"{self._stepped}; it is being measured anew"
        if self._steady < STEADY_COUNT:
            return "the upstream's clock is being measured"
        age_ns = monotonic_ns - self._newest_ns
        if age_ns > AGE_NS_MAX:
            return f"the upstream's clock was last measured {age_ns // 1_000_000_000} s ago"
        return None

    def _step(self, what: str) -> None:
        """Forget what was measured; the last estimate stays for reads until there is a new one."""
        self._samples.clear()
        self._steady = 0
        self._stepped = what
