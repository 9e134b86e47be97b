"""Step 5d in the pipeline: a request waits, or comes again, and passes once; everything else about it passes never."""

import asyncio
from typing import Any

import msgspec
import pytest
from tests.support.approvals import Approver, SeededEntropy
from tests.support.gateway_fakes import (
    BOT_SECRET,
    IP,
    FakeTime,
    Rig,
    only_from,
    virtual_key,
    wire_of,
)
from tests.support.policies import policy

from watchword.adapters.waiting_room import WaitingRoom
from watchword.audit.event import Change
from watchword.credentials.keypair import hmac_verifier
from watchword.gateway.approval import Approval, Objection
from watchword.gateway.approval_desk import ApprovalDesk, Said
from watchword.gateway.approvals import CURRENT_PER_KEY_COUNT_MAX, HELD_PER_KEY_COUNT_MAX, Approvals
from watchword.gateway.messages import Answer, Inbound, Refused
from watchword.policy.usage import charge_key

SECOND_US = 1_000_000
REFUSE = "require_approval: [{name: big, notional_above: {USDT: 0.5}, approvers: [alice, bob]}]\n"
HOLD = REFUSE.replace("approvers", "mode: hold, approvers")
OWN = REFUSE.replace("approvers", "not_by_key_owner: true, approvers")


class Office:
    """A rig with an approver's key pinned, and the people behind it."""

    def __init__(self, rules: str = REFUSE, *, pinned: bool = True, key: Any = None, **more: Any) -> None:
        self.clock, self.console = FakeTime(), Approver()
        self.ticks_us = 0
        self.approvals = Approvals(self.clock, SeededEntropy(), WaitingRoom(), lambda: self.ticks_us * 1_000)
        self.rig = Rig(rules, key, approvals=self.approvals, **more)
        self.kept: list[bytes] = []
        self.desk = ApprovalDesk(
            self.approvals, self.rig.trail, self.kept.append, self.console.pem.encode() if pinned else None
        )
        self._sent = 0

    def order(self, more: str = "", **how: Any) -> Inbound:
        """The same order, asked a millisecond later each time."""
        self._sent += 1
        return self.rig.order(more, timestamp=self.rig.time.at_us // 1000 - self._sent, **how)

    async def send(self, more: str = "", **how: Any) -> Any:
        return await self.rig.send(self.order(more, **how))

    def pass_time(self, span_us: int) -> None:
        self.clock.at_us += span_us
        self.ticks_us += span_us
        self.rig.time.at_us += span_us

    @property
    def only(self) -> Approval:
        """The one approval there is, or the last one asked."""
        return self.approvals.listed()[-1]

    async def say(self, one: Approval | None = None, **more: Any) -> Approval | Objection:
        one = one or self.only
        fields = self.console.decision(one.id, one.digest, self.clock.at_us, **more)
        said = Said(
            fields["id"],
            fields["digest"],
            fields["decision"],
            fields["statement"].encode(),
            fields["signature"],
        )
        return await self.desk.decide(said, "console", {"from": "198.51.100.1"})

    async def yes(self, one: Approval | None = None, **more: Any) -> Approval:
        found = await self.say(one, **more)
        assert isinstance(found, Approval), found
        return found

    def rows(self, what: str = "") -> list[Change]:
        """What the trail has about approvals."""
        found = [row for row in self.rig.trail.rows if isinstance(row, Change)]
        return [row for row in found if row.action.startswith(f"approval:{what}")]

    @property
    def sent(self) -> int:
        return len(self.rig.link.sent)

    async def held(self, count: int = 1) -> None:
        """Wait until so many requests wait."""
        for _ in range(200):
            if sum(one.state == "waiting" for one in self.approvals.listed()) >= count:
                return
            await asyncio.sleep(0)
        raise AssertionError(self.approvals.listed())


def refused(reply: Any) -> str:
    """What a refusal by the rule says."""
    assert isinstance(reply, Refused), reply
    assert reply.rule == "require_approval"
    assert wire_of(reply) == (400, -2010)
    return reply.wire.text


# Refused, and sent again.


async def test_order_is_refused_names_rule_and_approval_and_sends_nothing() -> None:
    office = Office()
    text = refused(await office.send())
    assert "'big'" in text
    assert office.only.id in text
    assert office.sent == 0
    assert not office.rig.ledger.orders
    (row,) = office.rig.trail.refusals
    assert row.values["approval"] == office.only.id
    assert row.values["digest"] == office.only.digest


async def test_approved_order_passes_once() -> None:
    office = Office()
    await office.send()
    await office.yes()
    assert isinstance(await office.send("&newClientOrderId=a"), Answer)
    assert office.sent == 1
    again = refused(await office.send("&newClientOrderId=b"))
    assert office.sent == 1
    assert office.only.id in again
    assert len(office.approvals.listed()) == 2


async def test_used_approval_is_reserved_like_any_order_and_named_in_its_intent() -> None:
    office = Office()
    await office.send()
    await office.yes()
    await office.send("&newClientOrderId=a")
    assert charge_key("BTCUSDT", "a") in office.rig.ledger.usage(virtual_key().id).open
    (intent,) = office.rig.trail.intents
    assert f"{office.only.id} approved by alice" in intent.reason
    rows = office.rig.trail.rows
    assert rows.index(office.rows("used")[0]) < rows.index(intent)


async def test_same_order_waits_under_one_approval() -> None:
    office = Office()
    for _ in range(3):
        assert office.only.id in refused(await office.send()) if office.rows() else await office.send()
    assert len(office.approvals.listed()) == len(office.rows("asked")) == 1


@pytest.mark.parametrize("more", ["&newOrderRespType=ACK", "&icebergQty=0.005"])
async def test_approval_of_one_order_is_none_of_another(more: str) -> None:
    office = Office()
    await office.send()
    await office.yes()
    refused(await office.send(more))
    assert office.sent == 0
    assert len(office.approvals.listed()) == 2


async def test_approval_of_one_key_is_none_of_another() -> None:
    office = Office()
    other = virtual_key(id="vk-otherotherot")
    api_key = "WWk1" + "o" * 60
    office.rig.keys.add(other, ((other.id, policy(REFUSE)),), hmac_verifier(BOT_SECRET), api_key)
    await office.send()
    await office.yes()
    refused(await office.send(api_key=api_key))
    assert office.sent == 0


async def test_approval_is_over_with_its_time() -> None:
    office = Office()
    await office.send()
    await office.yes()
    one = office.only
    office.pass_time(600 * SECOND_US)
    refused(await office.send())
    assert office.sent == 0
    assert office.approvals.get(one.id).state == "lapsed"  # type: ignore[union-attr]  # it is there
    await office.desk.record_lapsed()
    (lapsed,) = office.rows("lapsed")
    assert (lapsed.subject, lapsed.values["approved_by"]) == (one.id, "alice")


async def test_wall_clock_set_back_gives_nobody_more_time() -> None:
    office = Office()
    await office.send()
    await office.yes()
    office.clock.at_us -= 3_600 * SECOND_US
    office.ticks_us += 600 * SECOND_US - 1
    one = office.only
    assert office.approvals.of_request(one.digest) is one
    office.ticks_us += 1
    refused(await office.send())
    assert office.sent == 0
    assert office.approvals.get(one.id).state == "lapsed"  # type: ignore[union-attr]  # it is there


async def test_approval_is_good_until_the_last_moment() -> None:
    office = Office()
    await office.send()
    await office.yes()
    office.pass_time(600 * SECOND_US - 1)
    assert isinstance(await office.send(), Answer)


async def test_refused_order_is_not_asked_again_until_its_time_is_over() -> None:
    office = Office()
    await office.send()
    await office.yes(decision="refuse")
    assert "refused by a person" in refused(await office.send())
    assert "alice" not in refused(await office.send())
    assert len(office.approvals.listed()) == 1
    assert isinstance(await office.say(), Objection)
    office.pass_time(600 * SECOND_US)
    await office.send()
    assert len(office.rows("asked")) == 2


async def test_two_at_once_use_an_approval_once() -> None:
    office = Office()
    await office.send()
    await office.yes()
    record = office.rig.trail.record_change

    async def slowly(change: Change) -> int:
        await asyncio.sleep(0.01)
        return await record(change)

    office.rig.trail.record_change = slowly  # type: ignore[method-assign]  # for once
    replies = await asyncio.gather(office.send("&newClientOrderId=a"), office.send("&newClientOrderId=b"))
    assert [type(one) for one in replies].count(Answer) == 1
    assert office.sent == 1


async def test_policy_is_judged_again_and_a_refusal_leaves_the_approval() -> None:
    office = Office(REFUSE + "max_day: {USDT: 1}\n")
    await office.send()
    await office.yes()
    # What is open by now leaves nothing of the cap.
    small = office.rig.order("&newClientOrderId=s", timestamp=office.rig.time.at_us // 1000).params
    query = "&".join(
        f"{name}={value}"
        for name, value in {**small, "price": "49"}.items()
        if name not in {"timestamp", "recvWindow", "signature"}
    )
    assert isinstance(await office.rig.send(office.rig.rest("POST", "/api/v3/order", query)), Answer)
    reply = await office.send()
    assert reply.rule == "max_day"
    assert office.only.state == "confirmed"
    assert not office.rows("used")


async def test_changed_policy_asks_anew() -> None:
    office = Office()
    await office.send()
    await office.yes()
    before = office.only
    made = virtual_key()
    stricter = REFUSE.replace("[alice, bob]", "[carol]")
    office.rig.keys.add(made, ((made.id, policy(stricter)),), hmac_verifier(BOT_SECRET))
    refused(await office.send())
    assert office.sent == 0
    assert office.approvals.get(before.id).state == "lapsed"  # type: ignore[union-attr]  # it is there
    assert office.only.approvers == ("carol",)


async def test_parents_rule_must_be_met_too() -> None:
    office = Office()
    made = virtual_key(parent_id="vk-parent")
    theirs = REFUSE.replace("alice, bob", "carol").replace("big", "theirs")
    layers = ((made.id, policy(REFUSE)), ("vk-parent", policy(theirs)))
    office.rig.keys.add(made, layers, hmac_verifier(BOT_SECRET))
    await office.send()
    # Whoever owns the parent owns what descends from it: the console is told of the whole line.
    assert office.only.line == (made.id, "vk-parent")
    assert (await office.yes()).state == "waiting"
    refused(await office.send())
    assert (await office.yes(person="carol")).state == "confirmed"
    assert isinstance(await office.send(), Answer)


async def test_withdrawal_is_asked_with_its_own_code() -> None:
    base = """
version: 1
name: test
permissions: [read, withdrawals]
withdrawals:
  - {coin: BTC, network: BTC, address: abc, max_each: 2, max_day: 3}
require_approval: [{withdrawals: true, approvers: [alice]}]
"""
    office = Office()
    made = virtual_key()
    office.rig.keys.add(made, ((made.id, policy(base=base)),), hmac_verifier(BOT_SECRET))
    where, query = "/sapi/v1/capital/withdraw/apply", "coin=BTC&network=BTC&address=abc&amount=2"
    reply = await office.rig.send(office.rig.rest("POST", where, query + "&withdrawOrderId=a"))
    assert (wire_of(reply), reply.rule) == ((401, -1002), "require_approval")
    await office.yes()
    again = office.rig.rest("POST", where, query + "&withdrawOrderId=b")
    assert isinstance(await office.rig.send(again), Answer)
    assert office.rig.link.sent[0].path == where


async def test_cancel_and_test_order_need_nobody() -> None:
    office = Office()
    assert isinstance(
        await office.rig.send(office.rig.rest("DELETE", "/api/v3/order", "symbol=BTCUSDT&orderId=1")), Answer
    )
    tested = office.order()
    assert isinstance(
        await office.rig.send(msgspec.structs.replace(tested, path="/api/v3/order/test")), Answer
    )
    assert not office.approvals.listed()


# Nobody there.


async def test_without_a_pinned_key_nobody_is_asked() -> None:
    office = Office(pinned=False)
    assert "no approver can be reached" in refused(await office.send())
    assert not office.approvals.listed()
    assert "no approver" in refused(await Rig(REFUSE).send(Rig(REFUSE).order()))


@pytest.mark.parametrize("rules", [REFUSE, HOLD])
async def test_what_cannot_be_recorded_is_not_asked(rules: str) -> None:
    office = Office(rules)
    office.rig.trail.fault = "the disk is full"
    reply = await office.send()
    assert (wire_of(reply), reply.rule) == ((400, -1008), "audit")
    assert not office.approvals.listed()


async def test_use_that_cannot_be_recorded_passes_nothing_and_gives_back() -> None:
    office = Office()
    await office.send()
    await office.yes()
    office.rig.trail.fault = "the disk is full"
    reply = await office.send("&newClientOrderId=a")
    assert reply.rule == "audit"
    assert office.sent == 0
    assert not office.rig.ledger.usage(virtual_key().id).open
    office.rig.trail.fault = None
    assert isinstance(await office.send("&newClientOrderId=b"), Answer)


async def test_one_key_can_ask_for_so_many_and_no_more() -> None:
    office = Office()
    texts = [
        refused(await office.send(f"&icebergQty=0.0{number + 1:03}"))
        for number in range(CURRENT_PER_KEY_COUNT_MAX + 1)
    ]
    assert ["too many" in text for text in texts] == [False] * CURRENT_PER_KEY_COUNT_MAX + [True]
    assert len(office.approvals.listed()) == CURRENT_PER_KEY_COUNT_MAX
    office.pass_time(600 * SECOND_US)
    assert "too many" not in refused(await office.send())


# Held.


async def test_held_order_goes_on_once_it_is_approved() -> None:
    office = Office(HOLD)
    waiting = asyncio.create_task(office.send())
    await office.held()
    assert office.sent == 0
    await office.yes()
    assert isinstance(await waiting, Answer)
    assert office.sent == 1
    assert [row.action for row in office.rows()] == ["approval:asked", "approval:confirmed", "approval:used"]
    assert office.only.state == "used"


@pytest.mark.parametrize("decision", ["confirm", "refuse"])
async def test_word_that_is_quicker_than_the_record_is_not_missed(decision: str) -> None:
    office = Office(HOLD)
    record = office.rig.trail.record_change

    async def decided_meanwhile(change: Change) -> int:
        office.rig.trail.record_change = record  # type: ignore[method-assign]  # only once
        await office.yes(decision=decision)
        return await record(change)

    office.rig.trail.record_change = decided_meanwhile  # type: ignore[method-assign]  # for once
    reply = await asyncio.wait_for(office.send(), 2)
    assert isinstance(reply, Answer) == (decision == "confirm")
    assert office.sent == (decision == "confirm")


async def test_held_order_is_refused_at_once_when_somebody_says_no() -> None:
    office = Office(HOLD)
    waiting = asyncio.create_task(office.send())
    await office.held()
    await office.yes(decision="refuse")
    assert "refused by a person" in refused(await waiting)
    assert office.sent == 0


async def test_held_order_nobody_answers_is_refused_at_its_deadline() -> None:
    office = Office(HOLD)
    reply = await asyncio.wait_for(office.send(window=60), 5)
    assert "not approved in time" in refused(reply)
    one = office.only
    assert one.expires_us - one.asked_us <= 60_000
    assert isinstance(await office.say(), Objection)
    await office.desk.record_lapsed()
    assert [row.subject for row in office.rows("lapsed")] == [one.id]
    assert office.sent == 0


async def test_time_limit_shorter_than_the_deadline_counts() -> None:
    office = Office(HOLD.replace("mode", "time_limit: 20ms, mode"))
    assert "not approved in time" in refused(await asyncio.wait_for(office.send(window=60_000), 5))


async def test_yes_at_the_last_moment_does_not_make_a_stale_order_fresh() -> None:
    office = Office(HOLD)
    waiting = asyncio.create_task(office.send())
    await office.held()
    await office.yes()
    office.rig.time.at_us += 6 * SECOND_US
    reply = await waiting
    assert wire_of(reply) == (400, -1021)
    assert office.sent == 0
    assert office.only.state == "lapsed"
    assert not office.rows("used")


@pytest.mark.parametrize("what", ["revoked", "sealed", "policy", "address"])
async def test_what_changed_while_it_was_held_counts(what: str) -> None:
    office = Office(HOLD)
    waiting = asyncio.create_task(office.send())
    await office.held()
    await office.yes()
    made, verifier = virtual_key(), hmac_verifier(BOT_SECRET)
    if what == "revoked":
        office.rig.keys.forget(office.order().api_key or "")
    elif what == "sealed":
        office.rig.signers.is_sealed = True
    elif what == "policy":
        office.rig.keys.add(made, ((made.id, policy(HOLD + "max_order: {USDT: 0.9}\n")),), verifier)
    else:
        narrow = virtual_key(restrictions=only_from("203.0.113.0/24"))
        office.rig.keys.add(narrow, ((made.id, policy(HOLD)),), verifier)
    reply = await waiting
    assert isinstance(reply, Refused)
    assert reply.rule != "require_approval"
    assert office.sent == 0
    assert not office.rows("used")


async def test_yes_is_no_help_where_the_policy_meanwhile_wants_others() -> None:
    office = Office(HOLD)
    waiting = asyncio.create_task(office.send())
    await office.held()
    await office.yes()
    made = virtual_key()
    theirs = policy(HOLD.replace("[alice, bob]", "[carol]"))
    office.rig.keys.add(made, ((made.id, theirs),), hmac_verifier(BOT_SECRET))
    assert "given for less" in refused(await waiting)
    assert office.sent == 0


async def test_so_many_are_held_for_a_key_and_no_more() -> None:
    office = Office(HOLD)
    tasks = [asyncio.create_task(office.send(window=300)) for _ in range(HELD_PER_KEY_COUNT_MAX)]
    await office.held(HELD_PER_KEY_COUNT_MAX)
    assert "too many" in refused(await office.send())
    texts = [refused(one) for one in await asyncio.gather(*tasks)]
    assert all("not approved in time" in text for text in texts)
    assert len({one.id for one in office.approvals.listed()}) == HELD_PER_KEY_COUNT_MAX


async def test_each_held_order_has_an_approval_of_its_own() -> None:
    office = Office(HOLD)
    first, second = (asyncio.create_task(office.send(window=window)) for window in (5_000, 300))
    await office.held(2)
    await office.yes(
        next(one for one in office.approvals.listed() if one.expires_us - one.asked_us > SECOND_US)
    )
    assert isinstance(await first, Answer)
    refused(await second)
    assert office.sent == 1


async def test_held_order_given_up_by_its_caller_is_over() -> None:
    office = Office(HOLD)
    waiting = asyncio.create_task(office.send())
    await office.held()
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert office.only.state == "lapsed"
    assert isinstance(await office.say(), Objection)


async def test_end_of_the_process_refuses_what_is_held() -> None:
    office = Office(HOLD)
    waiting = asyncio.create_task(office.send())
    await office.held()
    await office.desk.close()
    refused(await waiting)
    refused(await office.send())
    assert office.sent == 0
    assert len(office.rows("lapsed")) == 1


async def test_one_rule_that_refuses_makes_a_holding_one_refuse() -> None:
    office = Office(REFUSE[:-2] + ", {name: also, new_symbol: true, mode: hold, approvers: [alice]}]\n")
    refused(await office.send())
    assert office.only.mode == "refuse"


# What the trail says.


async def test_rows_name_digest_and_people() -> None:
    office = Office(OWN)
    await office.send()
    digest = office.only.digest
    assert isinstance(await office.say(owns_key=True), Objection)
    await office.yes(person="bob")
    await office.send()
    rows = office.rows()
    assert [row.action.removeprefix("approval:") for row in rows] == [
        "asked",
        "objected",
        "confirmed",
        "used",
    ]
    assert {row.values["digest"] for row in rows} == {digest}
    asked, objected, confirmed, used = rows
    assert (asked.actor, asked.values["approvers"], asked.values["from"]) == (
        virtual_key().id,
        "alice or bob",
        IP,
    )
    assert asked.values["quantity"] == "0.01"
    assert (objected.actor, objected.values["person"]) == ("console", "alice")
    assert "owner" in objected.values["why"]
    assert (confirmed.actor, confirmed.values["factor"], confirmed.values["from"]) == (
        "bob",
        "totp",
        "198.51.100.1",
    )
    assert (used.actor, used.values["person"]) == (virtual_key().id, "bob")
