"""Approvals at a real gateway before a real testnet: asked, approved, used once; held; and what passes nothing.

The console's part is played by a key of its own: the gateway believes nothing but its signature.
"""

import contextlib
import json
import socket
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final

import pytest
from tests.support.approvals import Approver
from tests.support.bot import ORDER, Bot, Reply
from tests.support.gateway_process import Bench, VirtualKey, running_bench
from tests.support.testnet_process import ADMIN_WAIT_S, TestnetProcess
from tests.support.ws_bot import ws_bot

from watchword.adapters.audit.sqlite_sink import SqliteReader
from watchword.audit.chain import read_line
from watchword.bootstrap.audit_trail import audit_path

WAIT_S: Final = 20.0
PLACE: Final = "/api/v3/order"
POLICY: Final = """\
version: 1
name: {mode}
permissions: [read, trade]
symbols: any
sides: any
order_types: any
max_order: {{USDT: 1000}}
require_approval:
  - {{name: large orders, notional_above: {{USDT: 200}}, mode: {mode}, approvers: [alice, bob], not_by_key_owner: true, time_limit: {limit}}}
"""
CONSOLE: Final = {"person": "alice", "ip": "198.51.100.1", "factor": "totp", "session": "s-1"}
Event = dict[str, Any]


class Office:
    """A bench with approvers."""

    def __init__(self, bench: Bench) -> None:
        self.bench, self.console = bench, Approver()
        self._serial = 0

    def ask(self, op: str, **fields: object) -> Event:
        """One request at the gateway's admin socket; the whole answer."""
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
            connection.settimeout(ADMIN_WAIT_S)
            connection.connect(str(self.bench.home / "gateway" / "admin.sock"))
            connection.sendall(json.dumps({"op": op, **fields}).encode() + b"\n")
            with connection.makefile("rb") as lines:
                found: Event = json.loads(lines.readline())
        return found

    def bot(self, mode: str, limit: str = "10m") -> Bot:
        """A bot with a key of its own."""
        self._serial += 1
        made = self.ask(
            "key.issue", label=f"{mode}-{self._serial}", key_type="HMAC", credential=self.bench.credential,
            policy=POLICY.format(mode=mode, limit=limit),
        )["result"]  # fmt: skip
        key = VirtualKey("HMAC", made["key"]["id"], made["api_key"], made["secret_key"])
        return Bot(self.bench.gateway.rest, key)

    def waiting(self, bot: Bot) -> list[Event]:
        """What waits of a bot."""
        key = bot.key.id  # type: ignore[attr-defined]  # all bots here have virtual keys
        found: list[Event] = self.ask("approval.list", key=key)["result"]["approvals"]
        return found

    def wait_for(self, bot: Bot) -> Event:
        """The one request that waits, once it does."""
        deadline = time.monotonic() + WAIT_S
        while not (found := self.waiting(bot)):
            assert time.monotonic() < deadline, self.bench.gateway.log()
            time.sleep(0.02)
        return found[0]

    def say(self, one: Event, console: Approver | None = None, **more: Any) -> Event:
        """A decision, right or wrong."""
        said = (console or self.console).decision(one["id"], one["digest"], _now_us(), **more)
        person = {**CONSOLE, "person": more.get("person", "alice")}
        return self.ask("approval.decide", **said, on_behalf=person)

    def rows(self, subject: str) -> list[Event]:
        """What the trail has about an approval, oldest first."""
        with contextlib.closing(SqliteReader(audit_path(self.bench.home))) as reader:
            rows = [read_line(line) for line in reader.lines_after(0)]
        events = [json.loads(row.body) for row in rows if row is not None]
        return [event for event in events if event.get("subject") == subject]

    def history(self, subject: str) -> list[str]:
        """What happened to an approval."""
        return [row["action"].removeprefix("approval:") for row in self.rows(subject)]

    def open_orders(self, bot: Bot) -> list[Event]:
        """What stands at the testnet."""
        found: list[Event] = bot.ask("GET", "/api/v3/openOrders", symbol="BTCUSDT").json
        return found


def _now_us() -> int:
    return time.time_ns() // 1_000


@pytest.fixture(scope="module")
def office(quiet_testnet: TestnetProcess, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    with running_bench(tmp_path_factory.mktemp("approvals"), quiet_testnet, account="approvals") as bench:
        made = Office(bench)
        assert "no approver can be reached" in made.bot("refuse").place().json["msg"]
        pinned = made.ask("approval.pin", public_key=made.console.pem)
        assert pinned["result"]["approver"].startswith("SHA256:")
        yield made


def _refused(reply: Reply) -> str:
    """What a refusal by the rule says."""
    assert (reply.status, reply.code) == (400, -2010), reply
    text = str(reply.json["msg"])
    assert text.startswith("Watchword policy require_approval: 'large orders'"), text
    return text


def test_order_passes_once_after_it_was_approved(office: Office) -> None:
    bot = office.bot("refuse")
    assert bot.place(quantity="0.005").status == 200, "a small one needs nobody"
    text = _refused(bot.place())
    (one,) = office.waiting(bot)
    assert one["id"] in text
    assert one["parameters"]["price"] == "30000"
    assert one["id"] in _refused(bot.place(newClientOrderId="another-attempt"))
    assert office.say(one)["result"]["state"] == "confirmed"
    passed = bot.place(newClientOrderId="approved")
    assert passed.status == 200, passed
    assert one["id"] not in _refused(bot.place())
    assert len(office.open_orders(bot)) == 2
    assert office.history(one["id"]) == ["asked", "confirmed", "used"]
    assert {row["values"]["digest"] for row in office.rows(one["id"])} == {one["digest"]}
    confirmed = office.rows(one["id"])[1]
    assert (confirmed["actor"], confirmed["values"]["factor"], confirmed["values"]["from"]) == (
        "alice", "totp", "198.51.100.1",
    )  # fmt: skip
    for order in office.open_orders(bot):
        assert bot.ask("DELETE", PLACE, symbol="BTCUSDT", orderId=order["orderId"]).status == 200


def test_approved_order_is_no_other_order_and_no_other_keys(office: Office) -> None:
    bot, other = office.bot("refuse"), office.bot("refuse")
    _refused(bot.place())
    assert office.say(office.wait_for(bot))["result"]["state"] == "confirmed"
    for changed in (
        {"quantity": "0.0101"},
        {"price": "30001"},
        {"timeInForce": "IOC"},
        {"icebergQty": "0.001"},
    ):
        _refused(bot.place(**changed))
    _refused(other.place())
    assert office.open_orders(bot) == office.open_orders(other) == []


def test_word_that_is_forged_altered_late_replayed_or_somebody_elses_passes_nothing(office: Office) -> None:
    bot = office.bot("refuse")
    _refused(bot.place())
    _refused(bot.place(quantity="0.011"))
    one, other = office.waiting(bot)
    good = office.console.decision(one["id"], one["digest"], _now_us(), decision="refuse")
    altered = {**good, "decision": "confirm", "statement": good["statement"].replace("refuse", "confirm")}
    moved = {
        **office.console.decision(other["id"], other["digest"], _now_us()),
        "id": one["id"],
        "digest": one["digest"],
    }
    answers = [
        office.say(one, Approver(2)),
        office.ask("approval.decide", **altered),
        office.ask("approval.decide", **moved),
        office.say(one, person="eve"),
        office.say(one, owns_key=True),
        office.say(one, factor_us=_now_us() - 301_000_000),
        office.say(one, decided_us=_now_us() - 61_000_000, factor_us=_now_us() - 61_000_000),
        office.say({**one, "digest": other["digest"]}),
    ]  # fmt: skip
    assert [one.get("kind") for one in answers] == ["refused"] * len(answers), answers
    assert office.history(one["id"]) == ["asked"] + ["objected"] * len(answers)
    _refused(bot.place())
    said = office.console.decision(one["id"], one["digest"], _now_us())
    assert office.ask("approval.decide", **said)["result"]["state"] == "confirmed"
    assert bot.place().status == 200
    assert office.ask("approval.decide", **said)["kind"] == "refused"
    _refused(bot.place())
    assert len(office.open_orders(bot)) == 1
    assert bot.ask("DELETE", "/api/v3/openOrders", symbol="BTCUSDT").status == 200


def test_time_limit_is_the_last_moment_for_asking_and_for_using(office: Office) -> None:
    bot = office.bot("refuse", limit="1500ms")
    _refused(bot.place())
    late = office.wait_for(bot)
    time.sleep(1.6)
    assert office.say(late)["kind"] == "refused"
    _refused(bot.place())
    used_late = office.wait_for(bot)
    assert office.say(used_late)["result"]["state"] == "confirmed"
    time.sleep(1.6)
    _refused(bot.place())
    deadline = time.monotonic() + WAIT_S
    while "lapsed" not in office.history(used_late["id"]) or "lapsed" not in office.history(late["id"]):
        assert time.monotonic() < deadline
        time.sleep(0.1)
    assert office.open_orders(bot) == []


def test_no_is_no(office: Office) -> None:
    bot = office.bot("refuse")
    _refused(bot.place())
    one = office.wait_for(bot)
    assert office.say(one, decision="refuse", person="bob")["result"]["state"] == "refused"
    assert "refused by a person" in _refused(bot.place())
    assert office.say(one)["kind"] == "refused"
    assert office.history(one["id"]) == ["asked", "refused", "objected"]


def test_what_the_policy_denies_is_asked_of_nobody(office: Office) -> None:
    bot = office.bot("refuse")
    reply = bot.place(quantity="0.1")
    assert "max_order" in reply.json["msg"]
    assert office.waiting(bot) == []


def test_held_order_waits_for_a_person_and_goes_on(office: Office) -> None:
    bot = office.bot("hold")
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(bot.place, recvWindow=60_000)
        one = office.wait_for(bot)
        assert bot.ask("GET", "/api/v3/account").status == 200, "others do not wait"
        assert not waiting.done()
        assert office.say(one)["result"]["state"] == "confirmed"
        reply = waiting.result(WAIT_S)
    assert reply.status == 200, reply
    assert office.history(one["id"]) == ["asked", "confirmed", "used"]
    assert bot.ask("DELETE", "/api/v3/openOrders", symbol="BTCUSDT").status == 200


def test_held_order_nobody_answers_is_refused_at_its_deadline(office: Office) -> None:
    bot = office.bot("hold")
    began = time.monotonic()
    assert "not approved in time" in _refused(bot.place(recvWindow=1_500))
    assert time.monotonic() - began < 5
    assert office.waiting(bot) == office.open_orders(bot) == []


def test_held_order_on_a_websocket_lets_others_pass(office: Office) -> None:
    bot = office.bot("hold")
    key: Any = bot.key
    with ws_bot(office.bench.gateway.ws_api, key) as held, ws_bot(office.bench.gateway.ws_api, key) as other:
        with ThreadPoolExecutor(1) as pool:
            waiting = pool.submit(held.ask, "order.place", **ORDER, recvWindow=60_000)
            one = office.wait_for(bot)
            assert one["place"] == "order.place"
            assert other.ask("account.status")["status"] == 200
            office.say(one)
            reply = waiting.result(WAIT_S)
        assert reply["status"] == 200, reply
    assert bot.ask("DELETE", "/api/v3/openOrders", symbol="BTCUSDT").status == 200


def test_approval_survives_no_restart_and_the_pin_does(office: Office) -> None:
    bot, held = office.bot("refuse"), office.bot("hold")
    _refused(bot.place())
    one = office.wait_for(bot)
    assert office.say(one)["result"]["state"] == "confirmed"
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(held.place, recvWindow=60_000)
        office.wait_for(held)
        began = time.monotonic()
        assert office.bench.gateway.stop() == 0, office.bench.gateway.log()
        assert "not approved in time" in _refused(waiting.result(WAIT_S))
        assert time.monotonic() - began < 10
    office.bench.start()
    again = Bot(office.bench.gateway.rest, bot.key)
    assert one["id"] not in _refused(again.place())
    assert office.say(one)["kind"] == "refused"
    assert office.history(one["id"]) == ["asked", "confirmed", "lapsed", "objected"]
    assert office.ask("approval.pin", public_key=Approver(2).pem)["kind"] == "refused"
    assert office.ask("approval.pin", public_key=office.console.pem)["result"]["approver"]
    assert office.bench.run("audit", "verify")["good"] is True
