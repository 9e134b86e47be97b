"""What is asked about approvals over the admin socket, strictly read; and on whose behalf anything is asked."""

import json
from pathlib import Path
from typing import Any

import pytest
from tests.support.approvals import Approver, SeededEntropy
from tests.support.gateway_fakes import FakeTime, FakeTrail
from tests.support.virtual_keys import POLICY, PUBLIC_KEY, RecordingTrail

from watchword.adapters.memory.virtual_keys import MemoryVirtualKeys
from watchword.adapters.system import SystemClock, SystemEntropy
from watchword.adapters.waiting_room import WaitingRoom
from watchword.audit.event import Change, encode_event
from watchword.bootstrap.key_desk import KeyDesk
from watchword.entrypoints.gateway.admin import operations
from watchword.entrypoints.gateway.admin.listener import answer
from watchword.gateway.approval import Approval, request_digest
from watchword.gateway.approval_desk import ApprovalDesk
from watchword.gateway.approvals import Approvals
from watchword.policy.decision import Demand

BIG = Demand("big", "notional above 1", "hold", ("alice", "bob"), False, 600_000_000)
MINE = Demand("mine", "new symbol", "hold", ("carol",), True, 600_000_000)
CONSOLE = {"person": "alice", "ip": "198.51.100.1", "factor": "totp", "session": "s-abcdefghijkl"}


class Office:
    """A desk of keys and approvals, asked in lines."""

    def __init__(self, home: Path) -> None:
        self.clock, self.trail, self.console = FakeTime(), FakeTrail(), Approver()
        self.approvals = Approvals(self.clock, SeededEntropy(), WaitingRoom(), lambda: 0)
        self.changes = RecordingTrail()
        self.kept: list[bytes] = []
        self.desk = KeyDesk(home, MemoryVirtualKeys(), self.changes, SystemClock(), SystemEntropy())
        self.desk.approvals = ApprovalDesk(self.approvals, self.trail, self.kept.append)

    async def ask(self, op: str, **fields: Any) -> Any:
        line = json.dumps({"op": op, **fields}).encode()
        return json.loads(await answer(self.desk, line, "ann (uid 7)"))

    def put(self, key_id: str = "vk-a", *demands: Demand, quantity: str = "1") -> Approval:
        params, now_us = {"symbol": "BTCUSDT", "quantity": quantity}, self.clock.at_us
        one = Approval(
            id=self.approvals.next_id(), digest=request_digest(key_id, "order.place", params), key_id=key_id,
            key_label="bot", operation="order.place", place="POST /api/v3/order", ip="192.0.2.7", params=params,
            demands=demands or (BIG,), reason="'big' (worth 5 USDT) needs an approval",
            line=(key_id, "vk-parent"), values=(("notional", "5 USDT"),), mode="hold", asked_us=now_us, expires_us=now_us + 600_000_000,
        )  # fmt: skip
        self.approvals.put(one)
        return one


@pytest.fixture
def office(tmp_path: Path) -> Office:
    return Office(tmp_path)


async def test_approval_is_pinned_listed_shown_and_decided(office: Office) -> None:
    pinned = await office.ask("approval.pin", public_key=office.console.pem)
    assert pinned["result"]["approver"].startswith("SHA256:")
    assert office.kept == [office.console.pem.encode()]
    one = office.put()
    listed = (await office.ask("approval.list"))["result"]
    assert listed["approver"] == pinned["result"]["approver"]
    (view,) = listed["approvals"]
    assert (view["id"], view["digest"], view["state"], view["key_label"]) == (
        one.id,
        one.digest,
        "waiting",
        "bot",
    )
    assert view["parameters"] == {"symbol": "BTCUSDT", "quantity": "1"}
    assert view["values"] == {"notional": "5 USDT"}
    assert view["line"] == ["vk-a", "vk-parent"]
    assert view["demands"] == [
        {"rule": "big", "when": "notional above 1", "approvers": ["alice", "bob"], "not_by_key_owner": False, "met_by": ""}
    ]  # fmt: skip
    said = office.console.decision(one.id, one.digest, office.clock.at_us)
    decided = (await office.ask("approval.decide", **said, on_behalf=CONSOLE))["result"]
    assert (decided["state"], decided["demands"][0]["met_by"]) == ("confirmed", "alice")
    assert (await office.ask("approval.show", id=one.id))["result"] == decided
    row = office.trail.rows[-1]
    assert isinstance(row, Change)
    assert (row.actor, row.values["from"], row.values["session"]) == (
        "alice",
        "198.51.100.1",
        "s-abcdefghijkl",
    )
    assert "(redacted)" not in encode_event(row).decode(), "the digest must be readable"


async def test_list_is_narrowed_by_person_key_state_and_number(office: Office) -> None:
    first, second, third = office.put("vk-a"), office.put("vk-b", MINE), office.put("vk-b", BIG, MINE)
    office.approvals.lapse(first)

    async def ids(**fields: Any) -> list[str]:
        return [one["id"] for one in (await office.ask("approval.list", **fields))["result"]["approvals"]]

    assert set(await ids()) == {second.id, third.id}
    assert set(await ids(state="all")) == {first.id, second.id, third.id}
    assert await ids(person="alice") == [third.id]
    assert set(await ids(person="carol")) == {second.id, third.id}
    assert await ids(key="vk-a", state="all") == [first.id]
    assert len(await ids(state="all", limit=1)) == 1
    assert await ids(person="eve") == []


async def test_list_shows_none_whose_time_is_over(office: Office) -> None:
    office.put()
    office.clock.at_us += 600_000_000
    assert (await office.ask("approval.list"))["result"]["approvals"] == []


async def test_decision_in_another_persons_name_does_not_count(office: Office) -> None:
    await office.ask("approval.pin", public_key=office.console.pem)
    one = office.put()
    said = office.console.decision(one.id, one.digest, office.clock.at_us, person="bob")
    refused = await office.ask("approval.decide", **said, on_behalf=CONSOLE)
    assert (refused["kind"], "something else" in refused["error"]) == ("refused", True)
    assert (await office.ask("approval.decide", **said, on_behalf={**CONSOLE, "person": "bob"}))["result"]


@pytest.mark.parametrize(
    ("op", "fields"),
    [
        ("approval.decide", {"decision": "approve"}),
        ("approval.decide", {"more": 1}),
        ("approval.decide", {"statement": "x" * 1_025}),
        ("approval.decide", {"statement": 7}),
        ("approval.decide", {"on_behalf": {"person": "alice", "role": "owner"}}),
        ("approval.decide", {"on_behalf": "alice"}),
        ("approval.list", {"limit": 0}),
        ("approval.list", {"limit": 100_000}),
        ("approval.list", {"state": "used"}),
        ("approval.show", {"id": "x" * 129}),
        ("approval.pin", {"public_key": "x" * 4_097}),
    ],
)
async def test_request_that_is_not_as_documented_is_refused(
    office: Office, op: str, fields: dict[str, Any]
) -> None:
    whole: dict[str, dict[str, Any]] = {
        "approval.decide": {
            "id": "ap",
            "digest": "d",
            "decision": "confirm",
            "statement": "s",
            "signature": "s",
        },
        "approval.list": {},
        "approval.show": {"id": "ap"},
        "approval.pin": {"public_key": "x"},
    }
    assert "not a request" not in str(await office.ask(op, **whole[op]))
    assert "not a request" in (await office.ask(op, **whole[op] | fields))["error"]


async def test_without_a_gateway_there_are_no_approvals(office: Office) -> None:
    office.desk.approvals = None
    assert "no gateway" in (await office.ask("approval.list"))["error"]


async def test_every_change_of_a_key_names_the_person_on_whose_behalf_it_is_made(office: Office) -> None:
    made = await office.ask(
        "key.issue", label="bot", key_type="ED25519", public_key=PUBLIC_KEY, credential="", policy=POLICY, on_behalf=CONSOLE
    )  # fmt: skip
    assert "credential" in made["error"]
    who = operations.Who("alice", {"from": "198.51.100.1", "factor": "totp"})
    from tests.support.virtual_keys import new_key

    from watchword.gateway.issuing import Half

    key = new_key(half=Half("ED25519", PUBLIC_KEY))
    await office.desk.change([(operations._change("issued", who, key, {}), key)])
    for op, fields in (
        ("key.edit", {"expires": "30d"}),
        ("key.roll", {"overlap": "1h", "public_key": Approver(3).pem}),
        ("key.revoke", {}),
    ):
        asked = {"key": key.id, **fields}
        assert "result" in await office.ask(op, **asked, on_behalf=CONSOLE), op
        row = office.changes.changes[-1]
        assert (row.actor, row.values["from"], row.values["factor"]) == ("alice", "198.51.100.1", "totp"), op


async def test_without_a_person_the_sockets_user_is_named(office: Office) -> None:
    from tests.support.virtual_keys import new_key

    from watchword.gateway.issuing import Half

    key = new_key(half=Half("ED25519", PUBLIC_KEY))
    who = operations.Who("nobody", {})
    await office.desk.change([(operations._change("issued", who, key, {}), key)])
    await office.ask("key.revoke", key=key.id)
    row = office.changes.changes[-1]
    assert (row.actor, "from" in row.values) == ("ann (uid 7)", False)
    assert (await office.ask("key.list", on_behalf=CONSOLE))["result"] is not None
