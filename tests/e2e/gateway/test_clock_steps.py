"""Clocks that step, the exchange's or this machine's own: no change is signed until it is known again what time it is.

A real gateway process whose wall clock is read through a file, so that a test can set it; it measures more often than
usual, so that a test need not wait.
"""

import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest
from tests.support.bot import ORDER, Reply
from tests.support.scripted_bench import ScriptedBench, scripted_bench
from tests.support.scripted_exchange import wait_until
from tests.support.ws_bot import ws_bot

STEP_US: Final = 2_000_000
#: `python -m watchword`, but for the clock: its path follows.
_PROGRAM: Final = """
import runpy, sys
from pathlib import Path
from watchword.adapters.upstream.clock import UpstreamClock
from watchword.bootstrap import gateway
step, real = Path(sys.argv.pop(1)), gateway.wall_us
def wall_us():
    return real() + int(step.read_text())
def quick(link, _, monotonic_ns):
    return UpstreamClock(link, wall_us, monotonic_ns, interval_s=0.2, hurried_interval_s=0.1)
gateway.UpstreamClock = quick
sys.argv[0] = "watchword"
runpy.run_module("watchword", run_name="__main__", alter_sys=True)
"""


class Clocks:
    """The gateway and both its clocks."""

    def __init__(self, bench: ScriptedBench, wall: Path) -> None:
        self.bench, self._wall = bench, wall
        self.bot = bench.bot()

    def step_wall(self, us: int) -> None:
        other = self._wall.with_suffix(".new")
        other.write_text(str(us))
        other.replace(self._wall)

    def steady(self) -> None:
        wait_until(
            lambda: self.bench.ask("gateway", "gateway.status")["refuses"] is None, "steady again", wait_s=8
        )


@pytest.fixture(scope="module")
def clocks(vault_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Clocks]:
    folder = tmp_path_factory.mktemp("clocks")
    wall = folder / "wall"
    wall.write_text("0")
    with scripted_bench(vault_home, folder, program=(sys.executable, "-c", _PROGRAM, str(wall))) as bench:
        yield Clocks(bench, wall)
        assert bench.unrecorded() == []


def _assert_refused(clocks: Clocks, reply: Reply) -> None:
    assert (reply.status, reply.code) == (400, -1008), reply
    assert "clock" in reply.json["msg"]
    wait_until(
        lambda: "clock" in {one["rule"] for one in clocks.bench.refusals(clocks.bot.key)},  # type: ignore[arg-type]
        "the reason is in the trail",
    )


def _assert_right_time(clocks: Clocks, name: str) -> None:
    """What was signed is dated by the exchange's clock, whatever this machine's says."""
    (sent,) = [one for one in clocks.bench.exchange.signed() if one.params.get("newClientOrderId") == name]
    assert abs(int(sent.params["timestamp"]) - clocks.bench.now_ms()) < 2_000


@pytest.mark.parametrize("ahead_us", [STEP_US, 0], ids=["forwards", "backwards"])
def test_step_of_the_exchanges_clock_refuses_changes_until_it_is_measured_anew(
    clocks: Clocks, ahead_us: int
) -> None:
    bench, bot = clocks.bench, clocks.bot
    clocks.steady()
    bench.exchange.ahead_us = ahead_us or bench.exchange.ahead_us - STEP_US
    wait_until(lambda: bench.ask("gateway", "gateway.status")["refuses"], "the step is seen")
    sent = len(bench.exchange.signed())
    reply = bot.place(timestamp=bench.now_ms())
    if reply.status != 200:  # it may be steady again by now
        _assert_refused(clocks, reply)
        assert not [one for one in bench.exchange.signed()[sent:] if one.place == "POST /api/v3/order"]
    clocks.steady()
    name = f"steady-{ahead_us}"
    assert bot.place(newClientOrderId=name, timestamp=bench.now_ms()).status == 200
    _assert_right_time(clocks, name)


@pytest.mark.parametrize(
    "step_us", [STEP_US, -STEP_US, 3_600_000_000], ids=["forwards", "backwards", "an hour"]
)
def test_step_of_this_machines_clock_refuses_the_very_next_change(clocks: Clocks, step_us: int) -> None:
    bench, bot = clocks.bench, clocks.bot
    clocks.steady()
    began = len(bench.exchange.signed())
    clocks.step_wall(step_us)
    refused = bot.place(timestamp=bench.now_ms())
    _assert_refused(clocks, refused)
    with ws_bot(bench.gateway.ws_api, bot.key) as session:
        said = session.ask("order.place", **ORDER, timestamp=bench.now_ms())
        assert said["status"] in {200, 400}
    assert bot.ask("GET", "/api/v3/account", timestamp=bench.now_ms()).status == 200, "reads go on"
    clocks.steady()
    placed = [one for one in bench.exchange.signed()[began:] if one.place == "POST /api/v3/order"]
    assert placed == []
    name = f"after-{step_us}"
    assert bot.place(newClientOrderId=name, timestamp=bench.now_ms()).status == 200
    _assert_right_time(clocks, name)
    clocks.step_wall(0)
    time.sleep(0.1)


def test_small_drift_refuses_nothing(clocks: Clocks) -> None:
    clocks.steady()
    clocks.bench.exchange.ahead_us += 200_000
    for _ in range(5):
        assert clocks.bot.place(timestamp=clocks.bench.now_ms()).status == 200
        time.sleep(0.1)
