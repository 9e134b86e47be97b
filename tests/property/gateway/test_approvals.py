"""Approvals against a naive account of who said what when: whatever happens in whatever order, a yes passes one request."""

from typing import Any

import msgspec
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule
from tests.support.approvals import SeededEntropy
from tests.support.examples import examples
from tests.support.gateway_fakes import FakeTime

from watchword.adapters.waiting_room import WaitingRoom
from watchword.gateway.approval import Approval, judged, request_digest
from watchword.gateway.approval_statement import Statement
from watchword.gateway.approvals import CURRENT_PER_KEY_COUNT_MAX, ENDED_COUNT_MAX, Approvals
from watchword.policy.decision import Demand

SECOND_US = 1_000_000
LIMIT_US = 60 * SECOND_US
DEMANDS = (
    Demand("big", "a", "refuse", ("alice", "bob"), True, LIMIT_US),
    Demand("new", "b", "refuse", ("alice", "carol"), False, LIMIT_US),
)
PEOPLE = ("alice", "alice", "alice", "bob", "carol", "eve")
#: True now and then, so that most of what is said counts.
SELDOM = st.integers(0, 9).map(lambda number: number == 0)


class ApprovalsMachine(RuleBasedStateMachine):
    """Approvals, and beside them the yeses that should count, kept apart."""

    def __init__(self) -> None:
        super().__init__()
        self.clock, self.ticks_us = FakeTime(), 0
        self.approvals = Approvals(self.clock, SeededEntropy(), WaitingRoom(), lambda: self.ticks_us * 1_000)
        self.asked: dict[str, tuple[Approval, int]] = {}
        self.met: dict[str, set[str]] = {}
        self.ended: set[str] = set()
        self.taken: set[str] = set()

    def over(self, approval_id: str) -> bool:
        """By a clock of its own that nobody sets."""
        return self.ticks_us >= self.asked[approval_id][1] + LIMIT_US

    @rule(number=st.integers(0, 2), both=st.booleans())
    def ask(self, number: int, both: bool) -> None:
        digest = request_digest("vk-a", "order.place", {"quantity": str(number)})
        known = self.approvals.of_request(digest)
        if known is not None:
            assert not self.over(known.id)
            return
        if not self.approvals.room_for("vk-a", held=False):
            return
        now_us = self.clock.at_us
        one = Approval(
            id=self.approvals.next_id(), digest=digest, key_id="vk-a", key_label="", operation="order.place", place="",
            ip="", params={}, demands=DEMANDS if both else DEMANDS[:1], reason="", values=(), mode="refuse",
            asked_us=now_us, expires_us=now_us + LIMIT_US,
        )  # fmt: skip
        self.approvals.put(one)
        self.asked[one.id] = (one, self.ticks_us)
        self.met[one.id] = set()

    @precondition(lambda self: self.asked)
    @rule(
        data=st.data(),
        person=st.sampled_from(PEOPLE),
        no=SELDOM,
        owns=SELDOM,
        stale=SELDOM,
        other=SELDOM,
    )
    def say(self, data: Any, person: str, no: bool, owns: bool, stale: bool, other: bool) -> None:
        approval_id = data.draw(st.sampled_from(sorted(self.asked)))
        digest = self.asked[approval_id][0].digest
        now_us = self.clock.at_us
        statement = Statement(
            approval=approval_id, digest=digest[::-1] if other else digest, decision="refuse" if no else "confirm",
            person=person, factor="totp", factor_us=now_us - (301 if stale else 1) * SECOND_US, decided_us=now_us,
            owns_key=owns,
        )  # fmt: skip
        before = self.approvals.get(approval_id)
        if before is None:
            return
        after = judged(before, statement, now_us)
        counted = isinstance(after, Approval) and self.approvals.replace(before, after)
        named = {one.title for one in self.asked[approval_id][0].demands if person in one.approvers}
        if stale or other or not named or self.over(approval_id) or approval_id in self.ended:
            assert not counted
        elif counted and no:
            self.ended.add(approval_id)
        elif counted:
            theirs = named - ({"big"} if owns else set())
            assert theirs - self.met[approval_id]
            self.met[approval_id] |= theirs

    @precondition(lambda self: self.asked)
    @rule(data=st.data())
    def take(self, data: Any) -> None:
        approval_id = data.draw(st.sampled_from(sorted(self.asked)))
        one = self.asked[approval_id][0]
        if self.approvals.take(one):
            assert self.met[approval_id] == {demand.title for demand in one.demands}
            assert not self.over(approval_id)
            assert approval_id not in self.ended
            assert approval_id not in self.taken
            self.taken.add(approval_id)

    @precondition(lambda self: self.taken)
    @rule(data=st.data(), passed=st.booleans())
    def finish(self, data: Any, passed: bool) -> None:
        approval_id = data.draw(st.sampled_from(sorted(self.taken)))
        self.taken.discard(approval_id)
        one = self.asked[approval_id][0]
        if passed:
            self.approvals.used(one)
            self.ended.add(approval_id)
        else:
            self.approvals.give_back(one)

    @rule(span_us=st.sampled_from([1, SECOND_US, LIMIT_US // 2, LIMIT_US - 1, LIMIT_US]), set_back=SELDOM)
    def pass_time(self, span_us: int, set_back: bool) -> None:
        self.ticks_us += span_us
        self.clock.at_us += -span_us if set_back else span_us

    @rule()
    def sweep(self) -> None:
        self.approvals.sweep()

    @invariant()
    def bounded(self) -> None:
        found = self.approvals.listed()
        assert len(found) <= CURRENT_PER_KEY_COUNT_MAX + ENDED_COUNT_MAX
        for one in found:
            if one.state == "used":
                assert one.id in self.ended
                assert not msgspec.structs.replace(one, state="waiting").missing


ApprovalsMachine.TestCase.settings = settings(
    max_examples=examples(100), stateful_step_count=40, deadline=None
)
TestApprovals = ApprovalsMachine.TestCase
