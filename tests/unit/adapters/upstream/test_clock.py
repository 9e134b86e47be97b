"""The upstream's clock as it is asked: what is believed, what is refused, and how an upstream is left alone."""

import asyncio
import itertools

import pytest

from watchword.adapters.upstream.clock import UpstreamClock
from watchword.gateway.messages import Answer, Outbound, Unanswered

UPSTREAM_US = 1_700_000_000_123_456
AHEAD_US = 5_000_000


class Machine:
    """A link that takes 2 ms, and the machine's clocks."""

    door = "rest"

    def __init__(self) -> None:
        self.now_ns = 0
        self.wall_us = UPSTREAM_US - AHEAD_US
        self.asked: list[Outbound] = []
        self.status = 200
        self.body: bytes | None = None
        self.headers: tuple[tuple[bytes, bytes], ...] = ()
        self.lost = False
        self.in_millis = False

    def wall(self) -> int:
        return self.wall_us + self.now_ns // 1000

    def monotonic_ns(self) -> int:
        return self.now_ns

    async def send(self, request: Outbound) -> Answer | Unanswered:
        self.asked.append(request)
        self.now_ns += 1_000_000
        told_us = UPSTREAM_US + self.now_ns // 1000
        self.now_ns += 1_000_000
        if self.lost:
            return Unanswered(sent=True, reason="reset")
        told = told_us // 1000 if self.in_millis else told_us
        body = b'{"serverTime":%d}' % told if self.body is None else self.body
        return Answer(status=self.status, body=body, headers=self.headers)

    def clock(self) -> UpstreamClock:
        return UpstreamClock(self, self.wall, self.monotonic_ns, interval_s=0.01, hurried_interval_s=0.001)  # type: ignore[arg-type]  # `door` is no Literal here


async def test_time_follows_the_upstream_and_not_the_machine() -> None:
    machine = Machine()
    clock = machine.clock()
    assert clock.now_us() == machine.wall()
    assert clock.offset_us() is None
    assert await clock.settle(1.0) is None
    assert clock.now_us() == UPSTREAM_US + machine.now_ns // 1000
    assert clock.offset_us() == AHEAD_US
    assert (clock.error_us() or 0) <= 1_100
    machine.now_ns += 7_000_000_000
    assert clock.now_us() == UPSTREAM_US + machine.now_ns // 1000


async def test_question_is_a_public_read_in_microseconds() -> None:
    machine = Machine()
    await machine.clock().measure()
    [asked] = machine.asked
    assert (asked.method, asked.path, asked.query, asked.api_key) == ("GET", "/api/v3/time", b"", "")
    assert (b"X-MBX-TIME-UNIT", b"MICROSECOND") in asked.passing


async def test_milliseconds_are_understood() -> None:
    machine = Machine()
    machine.in_millis = True
    clock = machine.clock()
    assert await clock.settle(1.0) is None
    assert abs(clock.now_us() - (UPSTREAM_US + machine.now_ns // 1000)) <= 500


@pytest.mark.parametrize(
    "body", [b"", b"nonsense", b"{}", b'{"serverTime":"1"}', b"[]", b'{"serverTime":1.5}']
)
async def test_answer_that_is_no_time_is_no_measurement(body: bytes) -> None:
    machine = Machine()
    machine.body = body
    clock = machine.clock()
    assert await clock.measure() == 0
    assert "not been measured" in str(clock.trouble())


async def test_step_of_the_wall_clock_is_noticed_when_asked() -> None:
    machine = Machine()
    clock = machine.clock()
    await clock.settle(1.0)
    machine.wall_us -= 600_000
    before = clock.now_us()
    assert "stepped" in str(clock.trouble())
    assert clock.now_us() == before
    assert await clock.settle(1.0) is None


async def test_unreachable_upstream_refuses_after_a_minute_only() -> None:
    machine = Machine()
    clock = machine.clock()
    await clock.settle(1.0)
    machine.lost = True
    machine.now_ns += 59_000_000_000
    assert await clock.measure() == 0
    assert clock.trouble() is None
    machine.now_ns += 2_000_000_000
    assert "last measured" in str(clock.trouble())


async def test_upstream_that_wants_to_be_left_alone_is() -> None:
    machine = Machine()
    machine.status, machine.headers = 418, ((b"Retry-After", b"120"),)
    assert await machine.clock().measure() == 120


async def test_run_measures_on_and_recovers(monkeypatch: pytest.MonkeyPatch) -> None:
    machine, pauses = Machine(), []
    clock = machine.clock()
    real_sleep, turns = asyncio.sleep, itertools.count()

    async def sleep(seconds: float) -> None:
        pauses.append(seconds)
        turn = next(turns)
        machine.lost = 4 <= turn < 7
        machine.now_ns += 5_000_000_000
        await real_sleep(0)
        if turn == 9:
            raise asyncio.CancelledError

    monkeypatch.setattr("watchword.adapters.upstream.clock.asyncio.sleep", sleep)
    with pytest.raises(asyncio.CancelledError):
        await clock.run()
    assert pauses == [0.001, 0.001, 0.01, 0.01, 0.01, 0.002, 0.004, 0.008, 0.01, 0.01]
    assert clock.trouble() is None


async def test_settle_gives_up_in_time_and_says_why() -> None:
    machine = Machine()
    machine.lost = True
    assert "not been measured" in str(await machine.clock().settle(0.05))
