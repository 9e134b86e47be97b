"""Records: every command survives the trip, and every damage is named."""

import random

import pytest
from tests.support.order_flow import OrderFlow, opening

from watchword.binance.errors import BAD_SYMBOL, INSUFFICIENT_BALANCE
from watchword.exchange.commands import AnyCommand, ImportTrade, LiquidityTick, SetLiquidity
from watchword.exchange.journal import NO_CHECKSUM, decode_record, encode_record, fold_outcome
from watchword.kernel.errors import CorruptStoreError


def some_commands(count: int) -> list[AnyCommand]:
    flow = OrderFlow(random.Random(11))
    commands: list[AnyCommand] = [opening(1)]
    commands += [flow.draw()(number, 1_000 + number) for number in range(2, count)]
    return [*commands, LiquidityTick(count, 9_999)]


def test_record_of_every_kind_reads_back_equal() -> None:
    commands = some_commands(300)
    kinds = {type(command) for command in commands}
    commands += [
        ImportTrade(301, 9_999, "BTCUSDT", 1, 2, True),
        SetLiquidity(302, 9_999, "这是测试币456", False),
    ]
    raw, checksum = encode_record(commands, b"p" * 16, 77, 2**64 - 1)
    record = decode_record(raw, "here", 1)
    assert record.commands == commands
    assert (record.previous, record.checksum) == (b"p" * 16, checksum)
    assert (record.applied_sequence, record.outcome) == (77, 2**64 - 1)
    assert len(kinds) > 8


def test_every_flipped_bit_is_refused_naming_place_and_sequence() -> None:
    raw, _ = encode_record(some_commands(6), NO_CHECKSUM, 0, 0)
    for position in range(len(raw)):
        for bit in (1, 0x80):
            damaged = bytearray(raw)
            damaged[position] ^= bit
            with pytest.raises(CorruptStoreError, match=r"journal\.db: record at sequence 1 "):
                decode_record(bytes(damaged), "journal.db", 1)


def test_every_torn_length_is_refused() -> None:
    raw, _ = encode_record(some_commands(4), NO_CHECKSUM, 0, 0)
    for length in range(len(raw)):
        with pytest.raises(CorruptStoreError, match="sequence 1"):
            decode_record(raw[:length], "journal.db", 1)


def test_record_filed_under_another_sequence_is_refused() -> None:
    raw, _ = encode_record(some_commands(4), NO_CHECKSUM, 0, 0)
    with pytest.raises(CorruptStoreError, match="record at sequence 2 says it begins at sequence 1"):
        decode_record(raw, "journal.db", 2)


def test_record_with_a_gap_inside_is_refused() -> None:
    raw, _ = encode_record([LiquidityTick(5, 1), LiquidityTick(7, 1)], NO_CHECKSUM, 0, 0)
    with pytest.raises(CorruptStoreError, match="sequence 5"):
        decode_record(raw, "journal.db", 5)


def test_outcome_tells_refusals_and_event_counts_apart() -> None:
    seen = {
        fold_outcome(1, []),
        fold_outcome(1, BAD_SYMBOL),
        fold_outcome(1, INSUFFICIENT_BALANCE),
        fold_outcome(2, []),
        fold_outcome(fold_outcome(1, []), BAD_SYMBOL),
        fold_outcome(fold_outcome(1, BAD_SYMBOL), []),
    }
    assert len(seen) == 6
