"""The upstream's clock, asked every few seconds. See `gateway.clock_estimate` for what is believed. Signs nothing.

When unavailable: changes are refused (`trouble`); reads go on by the last estimate.
"""

import asyncio
import logging
from collections.abc import Callable
from typing import Final

import msgspec

from watchword.adapters.upstream.http_link import retry_after_s
from watchword.gateway.clock_estimate import STEADY_COUNT, ClockEstimate, Measurement
from watchword.gateway.messages import Answer, Outbound
from watchword.gateway.ports import Link

LOG = logging.getLogger("watchword.upstream.clock")

INTERVAL_S: Final = 5.0
#: While measurements must agree before they are believed; after a failed one twice that, and so on.
HURRIED_INTERVAL_S: Final = 0.5
#: After failures the pause doubles so often.
_DOUBLINGS_MAX: Final = 6
_OK: Final = 200
#: Below it a time is in milliseconds: the upstream did not take the header. It is the year 2255 in milliseconds.
_MICROSECONDS_MIN: Final = 9_000_000_000_000
_QUESTION: Final = Outbound(
    method="GET", path="/api/v3/time", passing=((b"X-MBX-TIME-UNIT", b"MICROSECOND"),)
)


class _Told(msgspec.Struct):
    serverTime: int  # noqa: N815 - Binance's name


class UpstreamClock:
    """See `watchword.gateway.ports.UpstreamTime`."""

    def __init__(
        self,
        link: Link,
        wall: Callable[[], int],
        monotonic_ns: Callable[[], int],
        *,
        interval_s: float = INTERVAL_S,
        hurried_interval_s: float = HURRIED_INTERVAL_S,
    ) -> None:
        """Prepare; `run` measures.

        Args:
            link: Where the time is asked; of the `rest` door.
            wall: The machine's wall clock as it is, epoch microseconds: it must show steps in both directions.
            monotonic_ns: A clock that only measures spans.
            interval_s: Between measurements.
            hurried_interval_s: Between them while there is trouble.
        """
        self._link = link
        self._wall = wall
        self._monotonic_ns = monotonic_ns
        self._interval_s = interval_s
        self._hurried_interval_s = hurried_interval_s
        self._estimate = ClockEstimate()

    def now_us(self) -> int:
        """See `UpstreamTime.now_us`."""
        now_us = self._estimate.at(self._monotonic_ns())
        return self._wall() if now_us is None else now_us

    def trouble(self) -> str | None:
        """See `UpstreamTime.trouble`. It looks at the machine's own clocks, too, each time it is asked."""
        now_ns = self._monotonic_ns()
        self._estimate.look(now_ns, self._wall())
        return self._estimate.trouble(now_ns)

    def offset_us(self) -> int | None:
        """Return the upstream's time minus the machine's, for people; None before the first measurement."""
        now_us = self._estimate.at(self._monotonic_ns())
        return None if now_us is None else now_us - self._wall()

    def error_us(self) -> int | None:
        """Return how wrong the estimate can be; None before the first measurement."""
        return self._estimate.error_us(self._monotonic_ns())

    async def run(self) -> None:
        """Measure until cancelled."""
        troubled, failures = False, 0
        while True:
            pause_s = await self.measure()
            trouble = self.trouble()
            if (trouble is not None) != troubled:
                troubled = trouble is not None
                LOG.info("upstream clock: %s", trouble or f"steady, within {self.error_us()} us")
            if pause_s is None:
                failures = 0
                pause_s = self._hurried_interval_s if troubled else self._interval_s
            else:
                failures = min(failures + 1, _DOUBLINGS_MAX)
                pause_s = max(pause_s, self._hurried_interval_s * 2**failures)
            await asyncio.sleep(pause_s)

    async def settle(self, timeout_s: float) -> str | None:
        """Measure until the estimate is good, at the start.

        Args:
            timeout_s: How long to try.

        Returns:
            What is wrong still; None where nothing is.
        """
        try:
            async with asyncio.timeout(timeout_s):
                for _ in range(STEADY_COUNT):
                    await self.measure()
                while self.trouble() is not None:
                    await asyncio.sleep(self._hurried_interval_s)
                    await self.measure()
        except TimeoutError:
            pass
        return self.trouble()

    async def measure(self) -> float | None:
        """Ask once.

        Returns:
            None where there was an answer; else how many seconds the upstream wants to be left alone, perhaps 0.
        """
        sent_ns = self._monotonic_ns()
        answer = await self._link.send(_QUESTION)
        received_ns, wall_us = self._monotonic_ns(), self._wall()
        if not isinstance(answer, Answer):
            return 0
        if answer.status != _OK:
            return retry_after_s(answer)
        try:
            told = msgspec.json.decode(answer.body, type=_Told).serverTime
        except msgspec.DecodeError:
            return 0
        in_micros = told >= _MICROSECONDS_MIN
        # A time in whole milliseconds is cut off, never rounded up: its middle is the better guess.
        upstream_us, resolution_us = (told, 1) if in_micros else (told * 1_000 + 500, 500)
        self._estimate.fold(Measurement(sent_ns, received_ns, upstream_us, resolution_us), wall_us)
        return None
