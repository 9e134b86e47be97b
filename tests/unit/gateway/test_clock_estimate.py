"""The upstream's time out of measurements: the best counts, steps are noticed, nothing is believed too early or late."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from watchword.gateway.clock_estimate import (
    AGE_NS_MAX,
    ROUND_TRIP_NS_MAX,
    STEADY_COUNT,
    STEP_US_MAX,
    ClockEstimate,
    Measurement,
)

SECOND_NS = 1_000_000_000
SECOND_US = 1_000_000
UPSTREAM_US = 1_700_000_000_000_000
WALL_US = UPSTREAM_US + 37_000_000


class World:
    """Three clocks: the upstream's, the machine's wall clock, and a monotonic one that starts at zero."""

    def __init__(self) -> None:
        self.now_ns = 10 * SECOND_NS
        self.upstream_us = UPSTREAM_US
        self.wall_us = WALL_US
        self.estimate = ClockEstimate()

    def measure(
        self, there_ns: int = 5_000_000, back_ns: int = 5_000_000, pause_ns: int = 5 * SECOND_NS
    ) -> None:
        """Ask once: the answer is the upstream's time when the question arrives."""
        self.now_ns += pause_ns
        told = self.true_us(self.now_ns + there_ns)
        received = self.now_ns + there_ns + back_ns
        self.estimate.fold(Measurement(self.now_ns, received, told), self.true_wall_us(received))
        self.now_ns = received

    def true_us(self, at_ns: int) -> int:
        return self.upstream_us + at_ns // 1_000

    def true_wall_us(self, at_ns: int) -> int:
        return self.wall_us + at_ns // 1_000

    def trouble(self) -> str | None:
        self.estimate.look(self.now_ns, self.true_wall_us(self.now_ns))
        return self.estimate.trouble(self.now_ns)

    def error_us(self) -> int:
        at = self.estimate.at(self.now_ns)
        assert at is not None
        return abs(at - self.true_us(self.now_ns))

    def settle(self) -> None:
        for _ in range(STEADY_COUNT):
            self.measure()
        assert self.trouble() is None


def test_nothing_is_known_before_the_first_measurement() -> None:
    world = World()
    assert world.estimate.at(world.now_ns) is None
    assert world.estimate.error_us(world.now_ns) is None
    assert "not been measured" in str(world.trouble())


def test_changes_wait_until_measurements_agree() -> None:
    world = World()
    for _ in range(STEADY_COUNT - 1):
        world.measure()
        assert "being measured" in str(world.trouble())
    world.measure()
    assert world.trouble() is None


def test_best_measurement_counts() -> None:
    world = World()
    world.measure(there_ns=400_000_000, back_ns=2_000_000)
    world.measure(there_ns=1_000_000, back_ns=1_000_000)
    world.measure(there_ns=300_000_000, back_ns=2_000_000)
    assert world.error_us() <= 10
    assert (world.estimate.error_us(world.now_ns) or 0) < 5_000


@given(
    st.lists(
        st.tuples(st.integers(0, 500_000_000), st.integers(0, 500_000_000), st.integers(0, 9 * SECOND_NS)),
        min_size=1,
        max_size=30,
    )
)
def test_error_never_exceeds_what_is_claimed(trips: list[tuple[int, int, int]]) -> None:
    world = World()
    for there_ns, back_ns, pause_ns in trips:
        world.measure(there_ns, back_ns, pause_ns)
        claimed = world.estimate.error_us(world.now_ns)
        assert claimed is not None
        assert world.error_us() <= claimed + 1
        assert "stepped" not in str(world.trouble())


def test_old_estimate_refuses_to_the_nanosecond() -> None:
    world = World()
    world.settle()
    measured_ns = world.now_ns
    world.now_ns = measured_ns + AGE_NS_MAX
    assert world.trouble() is None
    world.now_ns += 1
    assert "60 s ago" in str(world.trouble())
    world.measure()
    assert world.trouble() is None


@pytest.mark.parametrize("direction", [1, -1])
def test_wall_clock_step_refuses_until_measured_anew(direction: int) -> None:
    world = World()
    world.settle()
    world.wall_us += direction * (STEP_US_MAX + 1)
    assert "this machine's clock stepped by 500 ms" in str(world.trouble())
    for _ in range(STEADY_COUNT - 1):
        world.measure()
        assert "measured anew" in str(world.trouble())
    world.measure()
    assert world.trouble() is None
    assert world.error_us() <= 10


@pytest.mark.parametrize("direction", [1, -1])
def test_wall_clock_step_within_bounds_is_nothing(direction: int) -> None:
    world = World()
    world.settle()
    world.wall_us += direction * STEP_US_MAX
    assert world.trouble() is None
    assert world.error_us() <= 10


@pytest.mark.parametrize("direction", [1, -1])
def test_upstream_step_refuses_until_measurements_agree(direction: int) -> None:
    world = World()
    world.settle()
    world.upstream_us += direction * 20 * SECOND_US
    world.measure()
    assert "the upstream's clock stepped by 2000" in str(world.trouble()).replace("19999", "20000")
    world.measure()
    assert world.trouble() is not None
    world.measure()
    assert world.trouble() is None
    assert world.error_us() <= 10


def test_upstream_that_keeps_stepping_is_never_believed() -> None:
    world = World()
    world.settle()
    for turn in range(20):
        world.upstream_us += (10 if turn % 2 else -10) * SECOND_US
        world.measure()
        assert world.trouble() is not None


def test_small_upstream_step_is_followed_at_once() -> None:
    world = World()
    world.settle()
    world.upstream_us += 200_000
    world.measure()
    assert world.trouble() is None
    assert world.error_us() <= 10


def test_small_upstream_step_is_followed_even_by_a_worse_measurement() -> None:
    world = World()
    for _ in range(STEADY_COUNT):
        world.measure(there_ns=100_000, back_ns=100_000)
    world.upstream_us += 300_000
    world.measure(there_ns=40_000_000, back_ns=2_000_000)
    assert world.trouble() is None
    assert world.error_us() <= 20_000


def test_sleep_of_the_machine_is_a_step() -> None:
    """Asleep, the monotonic clock stands still and the others go on."""
    world = World()
    world.settle()
    world.wall_us += 3600 * SECOND_US
    world.upstream_us += 3600 * SECOND_US
    assert "stepped" in str(world.trouble())
    for _ in range(STEADY_COUNT):
        world.measure()
    assert world.trouble() is None
    assert world.error_us() <= 10


def test_slow_answer_says_nothing() -> None:
    world = World()
    world.settle()
    before = world.estimate.error_us(world.now_ns)
    world.upstream_us += 100 * SECOND_US
    world.measure(there_ns=ROUND_TRIP_NS_MAX, back_ns=1, pause_ns=0)
    assert world.trouble() is None
    assert before is not None


def test_measurement_that_overlaps_the_last_one_is_left_out() -> None:
    world = World()
    world.settle()
    late = Measurement(world.now_ns - 1, world.now_ns + 5, UPSTREAM_US * 2)
    world.estimate.fold(late, world.true_wall_us(world.now_ns))
    assert world.trouble() is None


def test_drift_of_clocks_is_followed() -> None:
    world = World()
    world.settle()
    for _ in range(200):
        # 100 parts in a million: 500 us in 5 s.
        world.upstream_us += 500
        world.measure()
        assert world.trouble() is None
        assert world.error_us() < 20_000
