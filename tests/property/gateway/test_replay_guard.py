"""The guard against a naive one that forgets nothing: it lets nothing through twice within its time, and stays small."""

from hypothesis import given
from hypothesis import strategies as st

from watchword.gateway.messages import Answer
from watchword.gateway.refusal import IN_FLIGHT, REPLAYED
from watchword.gateway.replay import MARGIN_US, Entry, ReplayGuard

PLACES = ("GET /a", "POST /a", "order.place")
OK = Answer(status=200, body=b"{}")
steps = st.lists(
    st.tuples(
        st.integers(-1_500_000, 4_000_000),  # the clock's step
        st.integers(0, 5),  # payload
        st.integers(1, 2),  # key
        st.sampled_from(PLACES),
        st.integers(0, 3_000_000),  # time left
        st.booleans(),  # settled at once
    ),
    max_size=60,
)


@given(steps)
def test_guard_agrees_with_one_that_forgets_nothing(
    asked: list[tuple[int, int, int, str, int, bool]],
) -> None:
    guard = ReplayGuard()
    seen: dict[tuple[int, int], tuple[str, bool, int, int]] = {}
    now_us = highest_us = 1_000_000_000_000
    for step_us, payload, key, place, left_us, settles in asked:
        now_us += step_us
        highest_us = max(highest_us, now_us)
        found = guard.enter(f"vk-{key}", (b"%d" % payload,), place, now_us + left_us, now_us)
        before = seen.get((key, payload))
        remembered = before is not None and highest_us <= before[2] + MARGIN_US
        if isinstance(found, Entry):
            assert not remembered
            seen[key, payload] = (place, settles, now_us + left_us, highest_us)
            if settles:
                guard.settle(found, OK)
        else:
            assert before is not None
            expected = REPLAYED if before[0] != place else OK if before[1] else IN_FLIGHT
            assert found is expected
            # Kept longer than needed, but by no more than two slots of time that had not been before.
            assert highest_us <= max(before[2] + MARGIN_US, before[3]) + 200_000
    assert len(guard) <= len(seen)
