"""The operating system's clock and randomness behind the kernel's ports."""

import secrets
import time


class SystemClock:
    """Wall time that never runs backwards within one process.

    Why: a step of the host's clock must not reorder journal commands; `now_us` follows the wall clock forwards
    and stands still while the wall clock is behind what was already handed out.
    """

    __slots__ = ("_last_us",)

    def __init__(self) -> None:
        self._last_us = 0

    def now_us(self) -> int:
        """Return microseconds since the Unix epoch, never less than the previous answer."""
        now = time.time_ns() // 1000
        if now < self._last_us:
            return self._last_us
        self._last_us = now
        return now


class SystemEntropy:
    """The operating system's random source."""

    __slots__ = ()

    def token(self, size_bytes: int) -> bytes:
        """Return `size_bytes` cryptographically secure random bytes."""
        return secrets.token_bytes(size_bytes)


def monotonic_ns() -> int:
    """Return nanoseconds of a clock that only measures spans; it is no time of day."""
    return time.perf_counter_ns()


def work_ns() -> int:
    """Return nanoseconds this thread has worked: a clock for bounds that a busy machine must not make tighter."""
    return time.thread_time_ns()


def wall_us() -> int:
    """Return the wall clock as it is, microseconds since the epoch: its steps show, in both directions."""
    return time.time_ns() // 1000
