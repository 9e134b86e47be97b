"""Whatever was reserved, recorded and written when a process dies: the next one has what the trail says, no more, no less."""

import copy

from hypothesis import given, settings
from hypothesis import strategies as st
from tests.support.crashed_ledger import LedgerAndTrail
from tests.support.desk_floor import active_key
from tests.support.examples import examples
from tests.support.policies import NOW_US

from watchword.audit.event import Intent
from watchword.gateway.order_desk import OrderDesk, Reservation
from watchword.kernel.units import SCALE

KEYS = [
    active_key("alice", "max_day: {USDT: 1000000}\n", parents=("vk-parent",)),
    active_key("bob", "max_day: {USDT: 1000000}\n"),
]
NAMES = st.sampled_from(["a", "b", "c", "d"])
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("reserve"), st.integers(0, 1), NAMES),
        st.tuples(st.just("record"), st.just(0), st.just("")),
        st.tuples(st.just("give back"), st.integers(0, 20), st.just("")),
        st.tuples(st.just("write"), st.just(0), st.just("")),
    ),
    max_size=30,
)
LAYERS = {key.key.id: [layer for layer, _ in key.layers] for key in KEYS}


class Process:
    """A gateway whose trail gets a row some time after the reservation, and whose ledger is written now and then."""

    def __init__(self) -> None:
        self.now = LedgerAndTrail()
        self.waiting: list[tuple[Intent, Reservation]] = []
        self.recorded: list[tuple[int, Intent, Reservation]] = []
        self.given_back: set[int] = set()
        self.written = copy.deepcopy(self.now.ledger)
        self.mark = (0, 0)
        self.moment_us = NOW_US

    def reserve(self, which: int, name: str) -> None:
        self.moment_us += 1
        key = KEYS[which]
        taken = self.now.ledger.open_order("cred-one", "BTCUSDT", name)
        if taken is None:
            self.waiting.append(
                self.now.reserve(
                    key, "order.place", self.moment_us, newClientOrderId=name, price=str(80 + which)
                )
            )

    def record(self) -> None:
        if self.waiting:
            intent, reservation = self.waiting.pop(0)
            self.recorded.append((self.now.record(intent), intent, reservation))

    def give_back(self, which: int) -> None:
        if which < len(self.recorded) and which not in self.given_back:
            row, _, reservation = self.recorded[which]
            self.given_back.add(which)
            self.now.not_sent(row, reservation)

    def write(self) -> None:
        """As `SqliteLedger` does: how far it reaches, and what it holds, in one turn."""
        made = [one for _, one, _ in self.recorded] + [one for one, _ in self.waiting]
        number = max(map(number_of, made), default=0)
        self.mark = (len(self.now.rows), number)
        self.written = copy.deepcopy(self.now.ledger)

    def crash(self) -> LedgerAndTrail:
        """The next process: the ledger as written, the trail as recorded."""
        after = LedgerAndTrail(self.now.rows)
        after.ledger = self.written
        after.desk = OrderDesk(after.ledger, after.desk._entropy)
        after.catch_up(*self.mark)
        return after


def number_of(intent: Intent) -> int:
    assert intent.reserved is not None
    return intent.reserved.number


def order_of(intent: Intent) -> tuple[str, str, int]:
    assert intent.reserved is not None
    return intent.key, intent.reserved.groups[0].orders[0], intent.reserved.at_us


@settings(max_examples=examples(150))
@given(STEPS)
def test_next_process_counts_what_was_recorded_and_whatever_else_was_written(
    steps: list[tuple[str, int, str]],
) -> None:
    process = Process()
    for what, which, name in steps:
        if what == "reserve":
            process.reserve(which, name)
        elif what == "record":
            process.record()
        elif what == "give back":
            process.give_back(which)
        else:
            process.write()
    after = process.crash()
    sent = [one for index, (_, one, _) in enumerate(process.recorded) if index not in process.given_back]
    # Reserved, written, and not recorded in time: never signed, and asked about like every open order.
    sent += [one for one, _ in process.waiting if number_of(one) <= process.mark[1]]
    expected = set(map(order_of, sent))
    found = [(one.key_id, one.client_order_id, one.placed_us) for one in after.ledger.open_orders()]
    assert sorted(found) == sorted(expected)
    for layer in {one for layers in LAYERS.values() for one in layers}:
        usage = after.ledger.usage(layer)
        assert set(usage.open) == {f"BTCUSDT {name}" for key, name, _ in expected if layer in LAYERS[key]}
        assert all(charge.quantity == SCALE for charge in usage.open.values()), "none was counted twice"
        assert usage.reserved.gross.get("USDT", 0) == sum(charge.gross for charge in usage.open.values())
