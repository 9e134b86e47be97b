"""Whatever is lost, late, doubled or out of order: once everything has been told, a key's usage is what it executed."""

import json
from typing import Any, Final

from hypothesis import given, settings
from hypothesis import strategies as st
from tests.support.desk_floor import CREDENTIAL, DeskFloor, active_key, drive
from tests.support.examples import examples
from tests.support.gateway_fakes import FakeTrail

from watchword.binance.request import Params
from watchword.gateway.messages import Answer, Refused, Unanswered
from watchword.gateway.reconcile import GRACE_US, WINDOW_US_MAX, Reconciler
from watchword.kernel.units import SCALE, parse_scaled

PARENT: Final = "vk-parent"
KEYS: Final = (active_key("alice", parents=(PARENT,)), active_key("bob", parents=(PARENT,)))
SYMBOL: Final = {"symbol": "BTCUSDT"}

prices = st.integers(100, 104).map(str)
quantities = st.sampled_from(("0.5", "1", "2"))
whose = st.integers(0, 1)
fates = st.sampled_from(("told", "lost", "never"))
steps = st.lists(
    st.one_of(
        st.tuples(st.just("buy"), whose, prices, quantities, fates),
        st.tuples(st.just("replace"), whose, prices, quantities, fates),
        st.tuples(st.just("cancel"), whose, st.integers(0, 9), fates),
        st.tuples(st.just("cancel all"), whose),
        st.tuples(st.just("meet"), prices, quantities),
        st.tuples(st.just("outside"), prices, quantities),
        st.tuples(st.just("query"), whose),
        st.tuples(st.just("events"), st.permutations(range(6)), st.booleans()),
    ),
    min_size=1,
    max_size=24,
)


class Play:
    """One run of steps."""

    def __init__(self, floor: DeskFloor) -> None:
        self.floor = floor
        self.own: tuple[list[str], list[str]] = ([], [])
        self.count = 0

    def step(self, kind: str, *rest: Any) -> None:
        getattr(self, f"do_{kind.replace(' ', '_')}")(*rest)

    def do_buy(self, who: int, price: str, quantity: str, fate: str) -> None:
        self._send(who, "order.place", self._order(who, price, quantity), fate)

    def do_replace(self, who: int, price: str, quantity: str, fate: str) -> None:
        if self.own[who]:
            order = {"cancelOrigClientOrderId": self.own[who][-1], "cancelReplaceMode": "ALLOW_FAILURE"}
            self._send(who, "order.cancelReplace", {**order, **self._order(who, price, quantity)}, fate)

    def do_cancel(self, who: int, which: int, fate: str) -> None:
        if self.own[who]:
            name = self.own[who][which % len(self.own[who])]
            self._send(who, "order.cancel", {**SYMBOL, "origClientOrderId": name}, fate)

    def do_cancel_all(self, who: int) -> None:
        self.floor.cancel_all(KEYS[who])

    def do_meet(self, price: str, quantity: str) -> None:
        self.floor.stranger.limit("SELL", price, quantity)

    def do_outside(self, price: str, quantity: str) -> None:
        self.floor.outside("BUY", price, quantity)

    def do_query(self, who: int) -> None:
        self.floor.send(KEYS[who], "allOrders", **SYMBOL)
        self.floor.send(KEYS[who], "myTrades", **SYMBOL)

    def do_events(self, order: list[int], keep: bool) -> None:
        """Some events, in any order; perhaps they come again later."""
        events = self.floor.events
        chosen = [events[index] for index in order if index < len(events)]
        for event in chosen:
            self.floor.desk.observe_event(CREDENTIAL, event, self.floor.now_us)
        if not keep:
            del events[: len(chosen)]

    def _order(self, who: int, price: str, quantity: str) -> Params:
        self.count += 1
        self.own[who].append(f"o{self.count}")
        return {
            **SYMBOL, "side": "BUY", "type": "LIMIT", "timeInForce": "GTC", "price": price, "quantity": quantity,
            "newClientOrderId": f"o{self.count}",
        }  # fmt: skip

    def _send(self, who: int, name: str, params: Params, fate: str) -> None:
        if fate == "lost":
            self.floor.drops = 1
        elif fate == "never":
            self.floor.fails.append(Unanswered(True, "broken"))
        self.floor.send(KEYS[who], name, **params)
        self.floor.drops, self.floor.fails = 0, []

    def settle(self) -> None:
        """Everything that was missed is asked about; what cannot have arrived is given up."""
        floor = self.floor

        async def ask(_account: str, _key: str, name: str, params: Params) -> Answer | Refused | Unanswered:
            return floor.exchange_says(name, params)

        async def sleep(_seconds: float) -> None:
            return

        reconciler = Reconciler(floor.desk, floor.ledger, FakeTrail(), ask, lambda: floor.now_us, sleep)
        reconciler.restarted({})
        drive(reconciler.step())
        floor.exchange.clock.move((WINDOW_US_MAX + GRACE_US) / 1e6 + 1)
        drive(reconciler.step())
        for key in KEYS:
            floor.send(key, "myTrades", **SYMBOL)


def truth(floor: DeskFloor, names: list[str]) -> tuple[int, int, int]:
    """(spent, bought less commissions, charged in open orders) of some orders, as the exchange has them."""
    orders = [one for one in floor.account.do("allOrders", **SYMBOL) if one["clientOrderId"] in names]
    trades = floor.account.do("myTrades", **SYMBOL)
    numbers = {one["orderId"] for one in orders}
    spent = sum(scaled(one["cummulativeQuoteQty"]) for one in orders)
    bought = sum(scaled(one["executedQty"]) for one in orders)
    bought -= sum(
        scaled(one["commission"])
        for one in trades
        if one["orderId"] in numbers and one["commissionAsset"] == "BTC"
    )
    charged = sum(
        (scaled(one["origQty"]) - scaled(one["executedQty"])) * scaled(one["price"]) // SCALE
        for one in orders
        if one["status"] in {"NEW", "PARTIALLY_FILLED"}
    )
    return spent, bought, charged


def scaled(text: str) -> int:
    value = parse_scaled(text)
    assert value is not None
    return value


def told(floor: DeskFloor, key_id: str) -> tuple[int, int, int]:
    usage = floor.ledger.usage(key_id)
    return usage.spent.get("USDT", 0), usage.bought.get("BTC", 0), usage.reserved.charged.get("USDT", 0)


@settings(max_examples=examples(60))
@given(steps)
def test_usage_ends_as_what_the_exchange_executed(chosen: list[tuple[Any, ...]]) -> None:
    with DeskFloor() as floor:
        play = Play(floor)
        for step in chosen:
            play.step(*step)
        play.settle()
        for who, key in enumerate(KEYS):
            assert told(floor, key.key.id) == truth(floor, play.own[who]), key.key.label
        assert told(floor, PARENT) == truth(floor, play.own[0] + play.own[1])


@settings(max_examples=examples(40))
@given(steps)
def test_usage_never_says_less_than_was_executed_as_far_as_told(chosen: list[tuple[Any, ...]]) -> None:
    """Spent and reserved together cover whatever own orders may have cost, at every moment."""
    with DeskFloor() as floor:
        play = Play(floor)
        for step in chosen:
            play.step(*step)
            for who, key in enumerate(KEYS):
                spent, _, charged = told(floor, key.key.id)
                really_spent, _, really_open = truth(floor, play.own[who])
                assert spent + charged >= really_spent + really_open


@settings(max_examples=examples(40))
@given(steps)
def test_no_key_ever_sees_or_takes_off_anothers_order(chosen: list[tuple[Any, ...]]) -> None:
    with DeskFloor() as floor:
        play = Play(floor)
        outside = floor.outside("BUY", "100", "1")["orderId"]
        for step in chosen:
            play.step(*step)
        for who, key in enumerate(KEYS):
            shown = floor.send(key, "allOrders", **SYMBOL)
            assert isinstance(shown, Answer)
            assert names_in(shown) <= set(play.own[who])
        left = {one["orderId"]: one for one in floor.account.do("allOrders", **SYMBOL)}
        assert left[outside]["status"] != "CANCELED"


def names_in(answer: Answer) -> set[str]:
    return {one["clientOrderId"] for one in json.loads(answer.body)}
