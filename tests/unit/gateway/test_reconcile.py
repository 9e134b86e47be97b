"""Unknown outcomes are asked about until they are known; nothing but queries is ever sent."""

import itertools
from collections.abc import Iterator

import pytest
from tests.support.desk_floor import CREDENTIAL, DeskFloor, active_key, drive
from tests.support.gateway_fakes import FakeTrail

from watchword.audit.event import Intent, Outcome
from watchword.binance.endpoints import BY_NAME
from watchword.binance.request import Params
from watchword.gateway.messages import Answer, Refused, Unanswered
from watchword.gateway.questions import askable, endpoint_name
from watchword.gateway.reconcile import GRACE_US, SWEEP_EVERY_US, WINDOW_US_MAX, Reconciler
from watchword.gateway.refusal import SEALED
from watchword.gateway.watched_trail import WatchedTrail
from watchword.kernel.units import SCALE

ALICE = active_key("alice")
SYMBOL = {"symbol": "BTCUSDT"}
LIMIT = {**SYMBOL, "side": "BUY", "type": "LIMIT", "timeInForce": "GTC", "price": "100", "quantity": "1"}
ROW = 41


class Rig:
    """A reconciler over a real exchange."""

    def __init__(self, floor: DeskFloor) -> None:
        self.floor, self.trail = floor, FakeTrail()
        self.sent: list[tuple[str, str, Params]] = []
        self.slept: list[float] = []
        self.reconciler = Reconciler(
            floor.desk, floor.ledger, self.trail, self._ask, lambda: floor.now_us, self._sleep
        )

    async def _ask(
        self, credential_id: str, key_id: str, name: str, params: Params
    ) -> Answer | Refused | Unanswered:
        self.sent.append((key_id, name, params))
        assert credential_id == CREDENTIAL
        assert BY_NAME[name].http_method == "GET", name
        return self.floor.exchange_says(name, params)

    async def _sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        if len(self.slept) > 3:
            raise KeyboardInterrupt

    def step(self, *, after_s: float = 0) -> None:
        self.floor.exchange.clock.move(after_s)
        drive(self.reconciler.step())

    def intent(self, endpoint: str, parameters: dict[str, str]) -> Intent:
        return Intent(
            request="r1",
            key=ALICE.key.id,
            credential=CREDENTIAL,
            upstream="local",
            endpoint=endpoint,
            parameters=parameters,
            deadline_us=self.floor.now_us + 5_000_000,
        )

    def lost(self, name: str = "lost", *, arrives: bool = True) -> Intent:
        """An order whose answer is lost, having arrived or not."""
        if arrives:
            self.floor.drops = 1
        else:
            self.floor.fails.append(Unanswered(True, "broken"))
        self.floor.send(ALICE, "order.place", **LIMIT, newClientOrderId=name)
        return self.intent("POST /api/v3/order", {**LIMIT, "newClientOrderId": name})

    @property
    def outcome(self) -> Outcome:
        (outcome,) = self.trail.outcomes
        return outcome


@pytest.fixture
def rig() -> Iterator[Rig]:
    with DeskFloor() as floor:
        yield Rig(floor)


def test_order_that_arrived_is_found_and_concluded(rig: Rig) -> None:
    rig.reconciler.unknown(ROW, rig.lost())
    rig.step()
    assert rig.sent == []
    rig.step(after_s=2)
    record = rig.floor.record("lost")
    assert (rig.outcome.intent, rig.outcome.result, rig.outcome.order_id) == (
        ROW,
        "answered",
        str(record.order_id),
    )
    assert "NEW" in rig.outcome.note
    assert record.order_id
    assert rig.reconciler.open_questions == 0
    rig.step(after_s=60)
    assert len(rig.sent) == 1


def test_order_that_never_arrived_is_given_back_only_when_it_cannot_arrive_any_more(rig: Rig) -> None:
    rig.reconciler.unknown(ROW, rig.lost(arrives=False))
    rig.step(after_s=2)
    assert not rig.floor.record("lost").closed
    assert rig.floor.ledger.usage(ALICE.key.id).reserved.charged["USDT"] == 100 * SCALE
    rig.step(after_s=2)
    assert not rig.trail.outcomes
    rig.step(after_s=5 + GRACE_US / 1e6)
    assert rig.floor.record("lost").closed
    assert not rig.floor.ledger.usage(ALICE.key.id).open
    assert (rig.outcome.result, rig.outcome.code) == ("answered", -2013)


def test_fill_of_a_lost_order_is_counted(rig: Rig) -> None:
    rig.floor.stranger.limit("SELL", "100", "1")
    rig.reconciler.unknown(ROW, rig.lost())
    rig.step(after_s=2)
    assert rig.floor.ledger.usage(ALICE.key.id).spent["USDT"] == 100 * SCALE
    assert "FILLED" in rig.outcome.note


@pytest.mark.parametrize(
    "said",
    [Unanswered(True, "late"), Unanswered(False, "down"), SEALED, Answer(status=503, body=b""),
     Answer(status=429, body=b'{"code":-1003,"msg":"x"}'), Answer(status=200, body=b"junk")],
)  # fmt: skip
def test_question_without_an_answer_is_asked_again_ever_later(
    rig: Rig, said: Answer | Unanswered | Refused
) -> None:
    rig.reconciler.unknown(ROW, rig.lost())
    asked: list[int] = []
    for second in range(1, 200):
        rig.floor.fails = [said]
        before = len(rig.sent)
        rig.step(after_s=1)
        if len(rig.sent) > before:
            asked.append(second)
    pauses = [after - before for before, after in itertools.pairwise(asked)]
    assert pauses[:4] == [1, 2, 4, 8]
    assert max(pauses) == 60
    assert not rig.trail.outcomes
    rig.floor.fails = []
    rig.step(after_s=60)
    assert rig.outcome.result == "answered"


def test_lost_cancel_is_concluded_once_the_order_is_gone(rig: Rig) -> None:
    placed = rig.floor.limit(ALICE, "BUY", "100", "1", newClientOrderId="mine")
    for row, named in enumerate(({"orderId": str(placed["orderId"])}, {"origClientOrderId": "mine"}), ROW):
        rig.reconciler.unknown(row, rig.intent("DELETE /api/v3/order", {**SYMBOL, **named}))
    rig.step(after_s=2)
    assert not rig.trail.outcomes
    rig.floor.account.do("order.cancel", **SYMBOL, origClientOrderId="mine")
    rig.step(after_s=3)
    assert [outcome.note for outcome in rig.trail.outcomes] == ["asked later: CANCELED"] * 2
    assert rig.floor.record("mine").closed


def test_lost_cancel_that_never_arrived_is_concluded_with_the_order_open(rig: Rig) -> None:
    rig.floor.limit(ALICE, "BUY", "100", "1", newClientOrderId="mine")
    rig.reconciler.unknown(ROW, rig.intent("order.cancel", {**SYMBOL, "origClientOrderId": "mine"}))
    rig.step(after_s=2)
    rig.step(after_s=20)
    assert rig.outcome.note == "asked later: NEW"


def test_lost_list_is_asked_about_order_by_order(rig: Rig) -> None:
    rig.floor.stranger.limit("SELL", "100000", "0.01")
    rig.floor.exchange.trader("third").limit("BUY", "100000", "0.01")
    oco = {
        **SYMBOL, "side": "SELL", "quantity": "1", "aboveType": "LIMIT_MAKER", "abovePrice": "110000",
        "belowType": "STOP_LOSS", "belowStopPrice": "90000", "aboveClientOrderId": "up",
        "belowClientOrderId": "down", "listClientOrderId": "pair",
    }  # fmt: skip
    rig.floor.drops = 1
    rig.floor.send(ALICE, "orderList.place.oco", **oco)
    rig.reconciler.unknown(ROW, rig.intent("POST /api/v3/orderList/oco", oco))
    rig.step(after_s=2)
    assert rig.outcome.note == "asked later: NEW, NEW"
    assert rig.floor.record("up").order_id
    rig.reconciler.unknown(
        ROW + 1, rig.intent("DELETE /api/v3/orderList", {**SYMBOL, "listClientOrderId": "pair"})
    )
    rig.floor.account.do("orderList.cancel", **SYMBOL, listClientOrderId="pair")
    rig.step(after_s=2)
    assert rig.trail.outcomes[1].note == "asked later: CANCELED, CANCELED"
    assert not rig.floor.ledger.usage(ALICE.key.id).open


def test_lost_cancel_replace_settles_the_order_it_took_off_too(rig: Rig) -> None:
    rig.floor.limit(ALICE, "BUY", "100", "1", newClientOrderId="old")
    replace = {
        **LIMIT, "price": "101", "cancelReplaceMode": "STOP_ON_FAILURE", "cancelOrigClientOrderId": "old",
        "newClientOrderId": "new",
    }  # fmt: skip
    rig.floor.drops = 1
    rig.floor.send(ALICE, "order.cancelReplace", **replace)
    rig.reconciler.unknown(ROW, rig.intent("POST /api/v3/order/cancelReplace", replace))
    rig.step(after_s=2)
    rig.step()
    assert rig.floor.record("old").closed
    assert rig.floor.record("new").order_id


def test_restart_asks_about_what_was_under_way_and_says_of_the_rest_that_it_cannot(rig: Rig) -> None:
    unconcluded = {
        1: rig.lost(),
        2: rig.intent("GET /api/v3/account", {}),
        3: rig.intent("GET /api/v3/order", {**SYMBOL, "origClientOrderId": "lost"}),
        4: rig.intent("POST /sapi/v1/capital/withdraw/apply", {"coin": "BTC"}),
        5: rig.intent("session.logon", {}),
    }
    rig.reconciler.restarted(unconcluded)
    notes = {outcome.intent: (outcome.result, "a read" in outcome.note) for outcome in rig.trail.outcomes}
    assert notes == {2: ("unknown", True), 3: ("unknown", True), 4: ("unknown", False), 5: ("unknown", True)}
    rig.step()
    assert (rig.trail.outcomes[-1].intent, rig.trail.outcomes[-1].result) == (1, "answered")


def test_gap_in_the_events_settles_open_orders(rig: Rig) -> None:
    floor = rig.floor
    for number in range(4):
        floor.limit(ALICE, "BUY", str(100 + number), "1", newClientOrderId=f"o{number}")
    floor.account.do("order.cancel", **SYMBOL, origClientOrderId="o0")
    floor.stranger.limit("SELL", "103", "1")
    rig.reconciler.interrupted(CREDENTIAL)
    rig.step()
    assert [floor.record(f"o{number}").closed for number in range(4)] == [True, False, False, True]
    assert floor.ledger.usage(ALICE.key.id).spent["USDT"] == 103 * SCALE
    assert sorted(name for _, name, _ in rig.sent) == ["openOrders.status", "order.status", "order.status"]
    rig.step(after_s=60)
    assert len(rig.sent) == 3


def test_gap_is_asked_about_again_when_the_question_fails(rig: Rig) -> None:
    rig.floor.limit(ALICE, "BUY", "100", "1")
    rig.floor.limit(ALICE, "BUY", "101", "1")
    rig.reconciler.interrupted(CREDENTIAL)
    rig.floor.fails = [SEALED]
    rig.step()
    rig.step()
    assert len(rig.sent) == 1
    rig.step(after_s=2)
    assert len(rig.sent) == 2


def test_order_nobody_knows_is_closed_by_the_sweep_when_it_cannot_arrive_any_more(rig: Rig) -> None:
    """A process killed between ledger and trail: reserved, never recorded, never sent."""
    rig.lost(arrives=False)
    rig.reconciler.restarted({})
    rig.step()
    assert not rig.floor.record("lost").closed
    rig.step(after_s=(WINDOW_US_MAX + GRACE_US) / 1e6 + 1)
    assert rig.floor.record("lost").closed
    assert not rig.floor.ledger.usage(ALICE.key.id).open


def test_open_orders_are_compared_now_and_then(rig: Rig) -> None:
    rig.floor.limit(ALICE, "BUY", "100", "1", newClientOrderId="mine")
    rig.floor.account.do("order.cancel", **SYMBOL, origClientOrderId="mine")
    rig.step(after_s=SWEEP_EVERY_US / 1e6 - 1)
    assert rig.sent == []
    rig.step(after_s=2)
    assert rig.floor.record("mine").closed


def test_run_goes_on_until_it_is_ended(rig: Rig) -> None:
    rig.reconciler.unknown(ROW, rig.lost())
    with pytest.raises(KeyboardInterrupt):
        drive(rig.reconciler.run())
    assert len(rig.slept) == 4


def test_questions_are_bounded(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("watchword.gateway.reconcile.QUESTIONS_COUNT_MAX", 2)
    for row in range(5):
        rig.reconciler.unknown(row, rig.intent("order.cancel", {**SYMBOL, "orderId": "1"}))
    assert rig.reconciler.open_questions == 2


def test_watched_trail_tells_of_unknown_outcomes_alone() -> None:
    trail, told = FakeTrail(), []
    watched = WatchedTrail(trail, lambda row, intent: told.append((row, intent.request)))

    def intent(name: str) -> int:
        return drive(
            watched.record_intent(
                Intent(request=name, key="k", credential="c", upstream="local", endpoint="order.place")
            )
        )

    first, second = intent("one"), intent("two")
    watched.record_outcome(Outcome(intent=first, result="answered", status=200))
    watched.record_outcome(Outcome(intent=second, result="unknown"))
    watched.record_outcome(Outcome(intent=second, result="unknown"))
    assert told == [(second, "two")]
    assert len(trail.outcomes) == 3
    assert watched.unavailable(only_cancels=True) is None
    assert watched.status() == trail.status()


@pytest.mark.parametrize(
    ("endpoint", "name"),
    [
        ("POST /api/v3/order", "order.place"),
        ("order.place", "order.place"),
        ("DELETE /api/v3/orderList", "orderList.cancel"),
        ("POST /sapi/v1/unheard", "POST /sapi/v1/unheard"),
        ("nonsense", "nonsense"),
    ],
)
def test_endpoint_is_found_from_what_was_recorded(endpoint: str, name: str) -> None:
    assert endpoint_name(endpoint) == name


@pytest.mark.parametrize("parameters", [{}, SYMBOL, {"orderId": "1"}, {**SYMBOL, "orderId": ""}])
def test_cancel_that_names_nothing_is_not_asked_about(rig: Rig, parameters: dict[str, str]) -> None:
    assert not askable("order.cancel", rig.intent("order.cancel", parameters))


def test_older_order_of_the_same_name_is_no_answer(rig: Rig) -> None:
    rig.floor.outside("BUY", "100", "1", newClientOrderId="lost")
    rig.floor.stranger.limit("SELL", "100", "1")
    rig.floor.exchange.clock.move(5)
    rig.reconciler.unknown(ROW, rig.lost(arrives=False))
    rig.step(after_s=2)
    assert not rig.trail.outcomes
    assert not rig.floor.record("lost").closed
    rig.step(after_s=5 + GRACE_US / 1e6)
    assert (rig.outcome.result, rig.outcome.code) == ("answered", -2013)
    assert rig.floor.record("lost").closed
    assert not rig.floor.ledger.usage(ALICE.key.id).spent
