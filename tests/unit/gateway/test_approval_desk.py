"""What people say arrives: forged, altered, replayed, late, by the wrong person, about another request; each is recorded."""

import asyncio

import msgspec
import pytest
from tests.support.approvals import Approver, SeededEntropy
from tests.support.gateway_fakes import FakeTime, FakeTrail

from watchword.adapters.waiting_room import WaitingRoom
from watchword.audit.event import Change, Outcome
from watchword.audit.trail import AuditUnavailable
from watchword.gateway.approval import Approval, Objection, request_digest
from watchword.gateway.approval_desk import ApprovalDesk, Said
from watchword.gateway.approvals import ENDED_COUNT_MAX, LAPSED_COUNT_MAX, Approvals
from watchword.kernel.errors import ConfigurationError, StorageError
from watchword.policy.decision import Demand

MINUTE_US = 60_000_000
BIG = Demand("big", "notional above 1", "refuse", ("alice", "bob"), True, 10 * MINUTE_US)
RSA_PEM = """-----BEGIN PUBLIC KEY-----
MCowBQYDK2VuAyEAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=
-----END PUBLIC KEY-----
"""


class Bench:
    def __init__(self, *, pinned: bool = True, seed: int = 0) -> None:
        self.clock, self.trail, self.console = FakeTime(), FakeTrail(), Approver()
        self.ticks_us = 0
        self.approvals = Approvals(
            self.clock, SeededEntropy(seed), WaitingRoom(), lambda: self.ticks_us * 1_000
        )
        self.kept: list[bytes] = []
        self.desk = ApprovalDesk(
            self.approvals, self.trail, self.kept.append, self.console.pem.encode() if pinned else None
        )

    def ask(self, quantity: str = "1") -> Approval:
        params, now_us = {"symbol": "BTCUSDT", "quantity": quantity}, self.clock.at_us
        one = Approval(
            id=self.approvals.next_id(), digest=request_digest("vk-a", "order.place", params), key_id="vk-a",
            key_label="bot", operation="order.place", place="POST /api/v3/order", ip="192.0.2.7", params=params,
            demands=(BIG,), reason="big", values=(), mode="refuse", asked_us=now_us, expires_us=now_us + 10 * MINUTE_US,
        )  # fmt: skip
        self.approvals.put(one)
        return one

    def said(self, one: Approval, console: Approver | None = None, **more: object) -> Said:
        fields = (console or self.console).decision(one.id, one.digest, self.clock.at_us, **more)
        return Said(
            fields["id"],
            fields["digest"],
            fields["decision"],
            fields["statement"].encode(),
            fields["signature"],
        )

    async def decide(self, said: Said) -> Approval | Objection:
        return await self.desk.decide(said, "somebody (uid 1)", {"from": "198.51.100.1"})

    @property
    def last(self) -> Change:
        row = self.trail.rows[-1]
        assert isinstance(row, Change)
        return row


async def objected(bench: Bench, said: Said, one: Approval) -> str:
    """It changes nothing, and the trail says so with the digest and whom it names."""
    rows = len(bench.trail.rows)
    found = await bench.decide(said)
    assert isinstance(found, Objection), found
    assert len(bench.trail.rows) == rows + 1
    row = bench.last
    assert (row.action, row.actor, row.values["why"]) == (
        "approval:objected",
        "somebody (uid 1)",
        found.reason,
    )
    assert row.values["from"] == "198.51.100.1"
    assert "person" in row.values
    now = bench.approvals.get(one.id)
    assert now is not None
    assert not now.confirmations
    return found.reason


async def test_word_that_counts_is_recorded_before_it_is_in_effect() -> None:
    bench = Bench()
    one = bench.ask()
    found = await bench.decide(bench.said(one))
    assert isinstance(found, Approval)
    assert bench.approvals.get(one.id) is found
    assert (bench.last.action, bench.last.actor, bench.last.subject) == (
        "approval:confirmed",
        "alice",
        one.id,
    )
    assert bench.last.values["digest"] == one.digest


async def test_forged_word_does_not_count() -> None:
    bench = Bench()
    one = bench.ask()
    assert "not signed" in await objected(bench, bench.said(one, Approver(2)), one)
    assert bench.last.values["person"] == "alice"
    good = bench.said(one)
    unsigned = msgspec.structs.replace(good, signature="")
    assert "not signed" in await objected(bench, unsigned, one)
    assert isinstance(await bench.decide(good), Approval)


async def test_altered_word_does_not_count() -> None:
    bench = Bench()
    one = bench.ask()
    no = bench.said(one, decision="refuse")
    yes = no.statement.replace(b"\nrefuse\n", b"\nconfirm\n")
    assert "not signed" in await objected(
        bench, msgspec.structs.replace(no, statement=yes, decision="confirm"), one
    )
    owner = bench.said(one, owns_key=True)
    altered = owner.statement.replace(b"\nyes\n", b"\nno\n")
    assert "not signed" in await objected(bench, msgspec.structs.replace(owner, statement=altered), one)


@pytest.mark.parametrize("change", [{"decision": "confirm"}, {"digest": "0"}, {"person": "bob"}])
async def test_word_that_says_otherwise_than_what_is_around_it_does_not_count(change: dict[str, str]) -> None:
    bench = Bench()
    one = bench.ask()
    said = msgspec.structs.replace(bench.said(one, decision="refuse"), person="alice")
    assert "something else" in await objected(bench, msgspec.structs.replace(said, **change), one)
    found = await bench.decide(said)
    assert isinstance(found, Approval)
    assert found.state == "refused"


async def test_replayed_word_counts_once() -> None:
    bench = Bench()
    one = bench.ask()
    said = bench.said(one)
    assert isinstance(await bench.decide(said), Approval)
    again = await bench.decide(said)
    assert isinstance(again, Objection)
    assert "already" in again.reason
    assert bench.last.action == "approval:objected"


async def test_word_about_another_approval_does_not_count() -> None:
    bench = Bench()
    one, other = bench.ask("1"), bench.ask("2")
    about_other = bench.said(other)
    moved = msgspec.structs.replace(about_other, approval=one.id)
    assert "something else" in await objected(bench, moved, one)
    named = msgspec.structs.replace(about_other, approval=one.id, digest=one.digest)
    assert "something else" in await objected(bench, named, one)
    lied = bench.console.decision(one.id, other.digest, bench.clock.at_us)
    said = Said(one.id, other.digest, "confirm", lied["statement"].encode(), lied["signature"])
    assert "another request" in await objected(bench, said, one)


async def test_word_of_the_wrong_person_does_not_count() -> None:
    bench = Bench()
    one = bench.ask()
    assert "none of its approvers" in await objected(bench, bench.said(one, person="eve"), one)
    assert "owner" in await objected(bench, bench.said(one, owns_key=True), one)


async def test_late_word_and_stale_factor_do_not_count() -> None:
    bench = Bench()
    one = bench.ask()
    old = bench.clock.at_us - 300_000_001
    assert "fresh" in await objected(bench, bench.said(one, factor_us=old), one)
    kept = bench.said(one)
    bench.clock.at_us += 2 * MINUTE_US
    assert "just now" in await objected(bench, kept, one)
    bench.clock.at_us = one.expires_us
    assert "over" in await objected(bench, bench.said(one), one)


async def test_word_about_nothing_is_recorded_too() -> None:
    bench = Bench()
    one = bench.ask()
    bench.approvals.forget(one)
    assert isinstance(await bench.decide(bench.said(one)), Objection)
    assert (bench.last.action, bench.last.subject) == ("approval:objected", one.id)
    assert bench.last.values["digest_named"].startswith(one.digest[:60])


async def test_word_of_before_a_restart_counts_for_nothing() -> None:
    before, after = Bench(seed=1), Bench(seed=2)
    one = before.ask()
    said = before.said(one)
    assert isinstance(await before.decide(said), Approval)
    after.ask()
    assert isinstance(await after.decide(said), Objection)


async def test_word_that_cannot_be_recorded_is_not_in_effect() -> None:
    bench = Bench()
    one = bench.ask()
    bench.trail.fault = "the disk is full"
    with pytest.raises(AuditUnavailable):
        await bench.decide(bench.said(one))
    assert bench.approvals.get(one.id) is one


async def test_word_that_comes_while_it_ends_is_recorded_as_without_effect() -> None:
    bench = Bench()
    one = bench.ask()
    record = bench.trail.record_change

    async def slowly(change: Change) -> int:
        bench.approvals.lapse(one)
        return await record(change)

    bench.trail.record_change = slowly  # type: ignore[method-assign]  # for once
    assert isinstance(await bench.decide(bench.said(one)), Objection)
    row = bench.trail.rows[-1]
    assert isinstance(row, Outcome)
    assert row.result == "not_sent"


async def test_lapsed_ones_are_recorded_once_the_trail_takes_them() -> None:
    bench = Bench()
    one, other = bench.ask("1"), bench.ask("2")
    bench.clock.at_us = one.expires_us
    bench.trail.fault = "the disk is full"
    with pytest.raises(AuditUnavailable):
        await bench.desk.record_lapsed()
    bench.trail.fault = None
    await bench.desk.record_lapsed()
    await bench.desk.record_lapsed()
    rows = [row for row in bench.trail.rows if isinstance(row, Change)]
    assert [(row.action, row.subject) for row in rows] == [
        ("approval:lapsed", one.id),
        ("approval:lapsed", other.id),
    ]


async def test_two_who_record_lapsed_ones_at_once_record_each_once() -> None:
    bench = Bench()
    asked = [bench.ask(str(number)) for number in range(5)]
    record = bench.trail.record_change

    async def slowly(change: Change) -> int:
        await asyncio.sleep(0)
        return await record(change)

    bench.trail.record_change = slowly  # type: ignore[method-assign]  # for once
    bench.clock.at_us = asked[0].expires_us
    await asyncio.gather(bench.desk.record_lapsed(), bench.desk.close(), bench.desk.record_lapsed())
    rows = [row.subject for row in bench.trail.rows if isinstance(row, Change)]
    assert sorted(rows) == sorted(one.id for one in asked)


async def test_memory_of_ended_ones_is_bounded() -> None:
    bench = Bench()
    for number in range(LAPSED_COUNT_MAX + 5):
        bench.approvals.lapse(bench.ask(str(number)))
    assert len(bench.approvals.listed()) == ENDED_COUNT_MAX
    await bench.desk.record_lapsed()
    assert len(bench.trail.rows) == LAPSED_COUNT_MAX


# The pin.


async def test_key_is_pinned_once() -> None:
    bench = Bench(pinned=False)
    one = bench.ask()
    assert "no console's key" in await objected(bench, bench.said(one), one)
    assert await bench.desk.pin(bench.console.pem, "me", {}) is None
    assert (bench.last.action, bench.last.actor) == ("approval:pinned", "me")
    assert bench.kept == [bench.console.pem.encode()]
    assert await bench.desk.pin(bench.console.pem, "me", {}) is None
    other = await bench.desk.pin(Approver(2).pem, "me", {})
    assert other is not None
    assert "another key is pinned" in other.reason
    assert len(bench.kept) == 1
    assert "not signed" in await objected(bench, bench.said(one, Approver(2)), one)
    assert isinstance(await bench.decide(bench.said(one)), Approval)


@pytest.mark.parametrize("pem", ["", "x", RSA_PEM])
async def test_what_is_no_ed25519_key_is_not_pinned(pem: str) -> None:
    bench = Bench(pinned=False)
    assert isinstance(await bench.desk.pin(pem, "me", {}), Objection)
    assert not bench.kept
    assert bench.approvals.verifier is None
    with pytest.raises(ConfigurationError):
        ApprovalDesk(bench.approvals, bench.trail, bench.kept.append, pem.encode())


async def test_private_key_pinned_by_mistake_is_kept_nowhere() -> None:
    bench = Bench(pinned=False)
    from tests.support.key_pairs import new_key_pair

    private, _ = new_key_pair("ED25519")
    assert isinstance(await bench.desk.pin(private, "me", {}), Objection)
    assert not bench.kept
    assert not bench.trail.rows


async def test_key_that_cannot_be_stored_is_not_pinned() -> None:
    bench = Bench(pinned=False)

    def fail(_pem: bytes) -> None:
        raise StorageError("no room")

    desk = ApprovalDesk(bench.approvals, bench.trail, fail)
    with pytest.raises(StorageError):
        await desk.pin(bench.console.pem, "me", {})
    assert desk.fingerprint == ""
    assert bench.approvals.verifier is None
    assert isinstance(bench.trail.rows[-1], Outcome)
