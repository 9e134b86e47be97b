"""The engine and a naive exchange agree on every fact and every balance, over long random commands."""

import random
from collections.abc import Iterator, Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.property.exchange.facts import facts_of
from tests.property.exchange.oracle import Oracle
from tests.property.exchange.streams import NUMBERS_PER_COMMAND, command, opening
from tests.support.examples import examples

from watchword.exchange.engine import Engine
from watchword.exchange.snapshot import decode_engine, encode_engine

NUMBERS = st.lists(
    st.tuples(*[st.integers(0, 2**16 - 1)] * NUMBERS_PER_COMMAND), min_size=1, max_size=60
)  # fmt: skip


class Pair:
    """An engine and an oracle that are given the same commands and compared after each."""

    def __init__(self) -> None:
        self.engine = Engine()
        self.oracle = Oracle()
        self.kinds: dict[str, int] = {}
        for one in opening():
            self.engine.apply(one)
            self.oracle.apply(one)

    def step(self, numbers: Sequence[int]) -> None:
        sequence = self.engine.sequence + 1
        one = command(numbers, self.oracle, sequence)
        got = facts_of(self.engine.apply(one))
        wanted = self.oracle.apply(one)
        assert got == wanted, one
        for fact in got if isinstance(got, list) else [got]:
            kind = str(fact[0] if isinstance(fact[0], str) else fact[1])
            kind = f"expired {fact[-1]}" if kind == "expired" else kind
            self.kinds[kind] = self.kinds.get(kind, 0) + 1
        self.compare()

    def compare(self) -> None:
        engine, oracle = self.engine, self.oracle
        assert engine.ledger.imbalance() == {}
        rows = {
            (account, asset): (int(free), int(locked))
            for account, asset, free, locked in engine.ledger.rows()
        }
        assert rows == oracle.balances()
        for symbol, floor in engine.floors.items():
            for side, orders in (("BUY", floor.book.bids), ("SELL", floor.book.asks)):
                resting = [(order.price, order.order_id, order.leaves) for order in orders.orders()]
                assert resting == oracle.book(symbol, side)
                totals: dict[int, int] = {}
                for price, _, leaves in resting:
                    totals[price] = totals.get(price, 0) + leaves
                assert orders.rows(1000) == list(totals.items())
            assert floor.last_price == oracle.last[symbol]
            waiting = sorted(t.number for t in oracle.open if t.symbol == symbol and t.waiting)
            assert sorted(floor.stops.orders) == waiting
            for account, desk in floor.desks.items():
                mine = oracle.mine(account, symbol)
                assert list(desk.open) == sorted(desk.open)
                assert sorted(desk.open) == sorted(t.number for t in mine)
                assert {o.client_order_id for o in desk.open.values()} == set(desk.by_client)
                assert set(desk.by_client) == {t.client for t in mine}
                for ticket in mine:
                    order = desk.open[ticket.number]
                    assert (order.status, order.executed, order.executed_quote, order.prevented) == (
                        ticket.state,
                        ticket.done,
                        ticket.done_quote,
                        ticket.prevented,
                    )


@settings(max_examples=examples(60), deadline=None)
@given(NUMBERS)
def test_engine_random_commands_agrees_with_oracle(commands: list[tuple[int, ...]]) -> None:
    pair = Pair()
    for numbers in commands:
        pair.step(numbers)


def test_engine_long_runs_agree_with_oracle_and_meet_everything() -> None:
    kinds = {kind for seed in range(3) for kind in _long_run(seed, 3_000).kinds}
    met = {
        "accepted", "triggered", "traded", "canceled", "expired ", "prevented", "list", "replace", "reset",
        "Account has insufficient balance for requested action.", "Duplicate order sent.", "Unknown order sent.",
        "Order would immediately match and take.", "Order would trigger immediately.", "Market is closed.",
        "The relationship of the prices for the orders is not correct.", "Filter failure: MAX_NUM_ORDERS",
        "Filter failure: MAX_NUM_ALGO_ORDERS", "Filter failure: MAX_POSITION", "expired OCO_TRIGGER",
        "expired INSUFFICIENT_LIQUIDITY", "expired UNFILLED_IOC_QUANTITY_EXPIRED",
        "expired UNFILLED_FOK_ORDER_EXPIRED",
    }  # fmt: skip
    assert met <= kinds, met - kinds


@pytest.mark.long
@pytest.mark.parametrize("seed", range(100, 110))
def test_engine_very_long_run_agrees_with_oracle(seed: int) -> None:
    _long_run(seed, 20_000)


@settings(max_examples=examples(25), deadline=None)
@given(NUMBERS, st.integers(0, 59))
def test_snapshot_in_the_middle_continues_to_the_same_state(commands: list[tuple[int, ...]], at: int) -> None:
    pair = Pair()
    twin: Engine | None = None
    for index, numbers in enumerate(commands):
        one = command(numbers, pair.oracle, pair.engine.sequence + 1)
        facts = facts_of(pair.engine.apply(one))
        pair.oracle.apply(one)
        if twin is not None:
            assert facts_of(twin.apply(one)) == facts
        if index == at:
            raw = encode_engine(pair.engine)
            twin = decode_engine(raw)
            assert encode_engine(twin) == raw
    if twin is not None:
        assert encode_engine(twin) == encode_engine(pair.engine)


def test_snapshots_after_every_command_continue_to_the_same_state() -> None:
    straight, oracle = Engine(), Oracle()
    through = Engine()
    for one in opening():
        for each in (straight, through, oracle):
            each.apply(one)
    for numbers in _numbers(11, 600):
        one = command(numbers, oracle, straight.sequence + 1)
        oracle.apply(one)
        straight.apply(one)
        through.apply(one)
        through = decode_engine(encode_engine(through))
    assert encode_engine(through) == encode_engine(straight)


def _long_run(seed: int, length: int) -> Pair:
    pair = Pair()
    for numbers in _numbers(seed, length):
        pair.step(numbers)
    return pair


def _numbers(seed: int, length: int) -> Iterator[list[int]]:
    dice = random.Random(seed)
    for _ in range(length):
        yield [dice.randrange(2**16) for _ in range(NUMBERS_PER_COMMAND)]
