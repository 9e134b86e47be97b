import pytest

from watchword.exchange.market.trades import TRADES_MAX, TRADES_SLACK, AggregateTrade, Tape
from watchword.kernel.errors import InvariantError

ONE = 10**8


def tape_of_aggregates(*sizes: int) -> Tape:
    """Aggregates of so many trades each, a second apart, at prices 1, 2, 3 …"""
    tape = Tape(101, 51)
    for number, size in enumerate(sizes, 1):
        for index in range(size):
            tape.add(
                tape.next_id, number * ONE, (index + 1) * ONE, number * 1_000_000, number % 2 == 0, index == 0
            )
    return tape


def test_tape_latest_are_the_newest_oldest_first() -> None:
    tape = tape_of_aggregates(1, 2, 3)
    assert [trade.trade_id for trade in tape.latest(2)] == [105, 106]
    assert [trade.trade_id for trade in tape.latest(500)] == [101, 102, 103, 104, 105, 106]


def test_tape_quote_is_price_times_quantity_floored() -> None:
    tape = Tape()
    tape.add(1, 3, 99_999_999, 5, True, True)
    assert tape.trade(-1).quote == 2


@pytest.mark.parametrize(("from_id", "ids"), [(0, [101, 102]), (103, [103, 104]), (106, [106]), (107, [])])
def test_tape_starting_at_an_id_skips_what_is_not_held(from_id: int, ids: list[int]) -> None:
    assert [trade.trade_id for trade in tape_of_aggregates(1, 2, 3).starting_at(from_id, 2)] == ids


def test_tape_aggregates_sum_their_trades() -> None:
    assert tape_of_aggregates(1, 3).aggregates(None, None, None, 500) == [
        AggregateTrade(51, ONE, ONE, 101, 101, 1_000_000, False),
        AggregateTrade(52, 2 * ONE, 6 * ONE, 102, 104, 2_000_000, True),
    ]


@pytest.mark.parametrize(
    ("from_id", "start_us", "end_us", "limit", "ids"),
    [
        (None, None, None, 2, [53, 54]),
        (52, None, None, 2, [52, 53]),
        (0, None, None, 2, [51, 52]),
        (99, None, None, 2, []),
        (None, 2_000_000, None, 2, [52, 53]),
        (None, 2_000_001, None, 9, [53, 54]),
        (None, None, 3_000_000, 2, [52, 53]),
        (None, None, 999_999, 2, []),
        (None, 2_000_000, 2_000_000, 9, [52]),
        (None, 3_000_000, 2_000_000, 9, []),
    ],
)
def test_tape_aggregates_in_a_range(
    from_id: int | None, start_us: int | None, end_us: int | None, limit: int, ids: list[int]
) -> None:
    found = tape_of_aggregates(1, 2, 1, 2).aggregates(from_id, start_us, end_us, limit)
    assert [aggregate.aggregate_id for aggregate in found] == ids


def test_tape_bound_is_kept_and_cut_where_an_aggregate_begins() -> None:
    tape = Tape()
    for number in range(3 * TRADES_MAX):
        tape.add(number + 1, ONE, ONE, number, False, number % 5 == 0)
        assert len(tape) < TRADES_MAX + TRADES_SLACK
    oldest = tape.aggregates(0, None, None, 1)[0]
    assert oldest.first_id == tape.first_id
    assert oldest.aggregate_id == (tape.first_id - 1) // 5 + 1
    assert tape.next_id == 3 * TRADES_MAX + 1
    assert tape.trade(-1).trade_id == 3 * TRADES_MAX


def test_tape_one_endless_aggregate_is_not_cut() -> None:
    tape = Tape()
    for number in range(TRADES_MAX + TRADES_SLACK + 5):
        tape.add(number + 1, ONE, ONE, number, False, number == 0)
    assert tape.first_id == 1


def test_tape_gap_in_the_ids_is_a_fault() -> None:
    tape = tape_of_aggregates(1)
    with pytest.raises(InvariantError):
        tape.add(103, ONE, ONE, 9_000_000, False, True)


def test_tape_written_and_read_back_is_the_same_with_huge_amounts() -> None:
    tape = tape_of_aggregates(2, 1)
    tape.add(tape.next_id, 10**30, 2**63, 5_000_000, True, True)
    restored = Tape()
    restored.restore(tape.encode())
    assert restored.encode() == tape.encode()
    assert restored.latest(9) == tape.latest(9)
    assert restored.trade(-1).price == 10**30
    assert restored.aggregates(None, None, None, 9) == tape.aggregates(None, None, None, 9)
