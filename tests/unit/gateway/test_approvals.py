"""The collection of approvals: each is used once, in time, by either clock; and it is bounded."""

import msgspec
import pytest
from tests.support.approvals import SeededEntropy
from tests.support.gateway_fakes import FakeTime

from watchword.adapters.waiting_room import WaitingRoom
from watchword.gateway.approval import Approval, State
from watchword.gateway.approvals import (
    CURRENT_COUNT_MAX,
    CURRENT_PER_KEY_COUNT_MAX,
    HELD_COUNT_MAX,
    HELD_PER_KEY_COUNT_MAX,
    Approvals,
)
from watchword.policy.decision import ApprovalMode, Demand

MINUTE_US = 60_000_000
BIG = Demand("big", "notional above 1", "refuse", ("alice",), False, MINUTE_US)


class Shelf:
    def __init__(self) -> None:
        self.clock, self.ticks_us, self.count = FakeTime(), 0, 0
        self.approvals = Approvals(self.clock, SeededEntropy(), WaitingRoom(), lambda: self.ticks_us * 1_000)

    def put(
        self, state: State = "confirmed", mode: ApprovalMode = "refuse", key_id: str = "vk-a"
    ) -> Approval:
        self.count += 1
        now_us = self.clock.at_us
        one = Approval(
            id=self.approvals.next_id(), digest=f"digest {self.count}", key_id=key_id, key_label="", operation="", place="",
            ip="", params={}, demands=(BIG,), reason="", values=(), mode=mode, asked_us=now_us,
            expires_us=now_us + MINUTE_US, state=state,
        )  # fmt: skip
        self.approvals.put(one)
        return one


def test_confirmed_one_is_taken_once_and_used_once() -> None:
    shelf = Shelf()
    one = shelf.put()
    assert shelf.approvals.take(one)
    assert not shelf.approvals.take(one)
    shelf.approvals.used(one)
    assert not shelf.approvals.take(one)
    shelf.approvals.give_back(one)
    assert not shelf.approvals.take(one)


def test_one_that_was_given_back_is_taken_again() -> None:
    shelf = Shelf()
    one = shelf.put()
    assert shelf.approvals.take(one)
    shelf.approvals.give_back(one)
    assert shelf.approvals.take(one)


def test_held_one_that_was_given_back_is_over() -> None:
    shelf = Shelf()
    one = shelf.put(mode="hold")
    assert shelf.approvals.take(one)
    shelf.approvals.give_back(one)
    assert not shelf.approvals.take(one)
    assert shelf.approvals.take_lapsed() is not None
    assert shelf.approvals.take_lapsed() is None


def test_what_is_not_confirmed_is_not_taken() -> None:
    shelf = Shelf()
    assert not shelf.approvals.take(shelf.put("waiting"))
    assert not shelf.approvals.take(shelf.put("refused"))
    forgotten = shelf.put()
    shelf.approvals.forget(forgotten)
    assert not shelf.approvals.take(forgotten)
    assert shelf.approvals.get(forgotten.id) is None


def test_time_is_over_by_the_first_clock_that_says_so() -> None:
    for by_wall in (True, False):
        shelf = Shelf()
        one, waiting = shelf.put(), shelf.put("waiting")
        yes = msgspec.structs.replace(waiting, state="confirmed")
        for span_us, good in ((MINUTE_US - 1, True), (1, False)):
            if by_wall:
                shelf.clock.at_us += span_us
            else:
                shelf.ticks_us += span_us
            assert (shelf.approvals.of_request(one.digest) is one) == good
            assert shelf.approvals.take(one) == good
            shelf.approvals.give_back(one)
            assert shelf.approvals.replace(waiting, yes) == good
            waiting, yes = yes, waiting
        shelf.approvals.sweep()
        assert {found.state for found in shelf.approvals.listed()} == {"lapsed"}


def test_one_in_use_is_not_swept_away() -> None:
    shelf = Shelf()
    one = shelf.put()
    assert shelf.approvals.take(one)
    shelf.clock.at_us += MINUTE_US
    shelf.approvals.sweep()
    shelf.approvals.used(one)
    found = shelf.approvals.get(one.id)
    assert found is not None
    assert found.state == "used"


@pytest.mark.parametrize("passes", [True, False])
def test_one_in_use_ends_once_also_at_the_end_of_the_process(*, passes: bool) -> None:
    shelf = Shelf()
    one = shelf.put()
    assert shelf.approvals.take(one)
    shelf.approvals.end_all()
    assert shelf.approvals.take_lapsed() is None, "what becomes of it is not known yet"
    (shelf.approvals.used if passes else shelf.approvals.give_back)(one)
    found, lapsed = shelf.approvals.get(one.id), shelf.approvals.take_lapsed()
    assert found is not None
    assert (found.state, lapsed is None) == (("used", True) if passes else ("lapsed", False))
    assert not shelf.approvals.take(one)


def test_word_about_an_older_state_changes_nothing() -> None:
    shelf = Shelf()
    before = shelf.put("waiting")
    after = msgspec.structs.replace(before, state="confirmed")
    assert shelf.approvals.replace(before, after)
    assert not shelf.approvals.replace(before, msgspec.structs.replace(before, state="refused"))
    assert shelf.approvals.get(before.id) is after


def test_bounds_of_a_key_and_of_all() -> None:
    shelf = Shelf()
    for number in range(CURRENT_PER_KEY_COUNT_MAX):
        assert shelf.approvals.room_for("vk-a", held=False), number
        shelf.put()
    assert not shelf.approvals.room_for("vk-a", held=False)
    assert shelf.approvals.room_for("vk-b", held=False)
    for number in range(CURRENT_COUNT_MAX - CURRENT_PER_KEY_COUNT_MAX):
        shelf.put(key_id=f"vk-{number}")
    assert not shelf.approvals.room_for("vk-b", held=False)
    assert not shelf.approvals.room_for("vk-b", held=True)
    shelf.clock.at_us += MINUTE_US
    assert shelf.approvals.room_for("vk-a", held=False)


def test_bounds_of_what_is_held() -> None:
    shelf = Shelf()
    for _ in range(HELD_PER_KEY_COUNT_MAX):
        assert shelf.approvals.room_for("vk-a", held=True)
        shelf.put("waiting", "hold")
    assert not shelf.approvals.room_for("vk-a", held=True)
    assert shelf.approvals.room_for("vk-a", held=False)
    for number in range(HELD_COUNT_MAX - HELD_PER_KEY_COUNT_MAX):
        shelf.put("waiting", "hold", f"vk-{number}")
    assert not shelf.approvals.room_for("vk-b", held=True)
    assert shelf.approvals.room_for("vk-b", held=False)


def test_after_the_end_there_is_no_room() -> None:
    shelf = Shelf()
    one = shelf.put()
    shelf.approvals.end_all()
    assert not shelf.approvals.take(one)
    assert not shelf.approvals.room_for("vk-a", held=False)
