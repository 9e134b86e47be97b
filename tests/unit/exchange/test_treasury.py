"""The treasury's bytes and bounds; and that a venue without one is, to the byte, what it was before there was any."""

from typing import Any

import msgspec
import pytest
from tests.unit.exchange import test_venue
from tests.unit.exchange.house import NOW_US, units

from watchword.exchange import treasury as module
from watchword.exchange.commands import (
    AllowAddress,
    AnyCommand,
    Deposit,
    OpenAccount,
    OpenVenue,
    Transfer,
    Withdraw,
)
from watchword.exchange.listings import default_instruments
from watchword.exchange.treasury import TREASURY_LAYOUT, Treasury
from watchword.exchange.venue import MAGIC, MAGIC_WITH_TREASURY, Venue
from watchword.kernel.errors import CorruptStoreError

#: Of `test_venue._day(True, 22)`, taken before the treasury existed.
HASH_WITHOUT_TREASURY = "95fc12d563c21947ceda686c0bd5c8b64bd50b7ceb85d26e84f74a0902fe05b7"
#: Two commands as the first version of the journal wrote them.
OLD_COMMANDS = [["account", 2, NOW_US, "user", [["USDT", 5]], -1], ["deposit", 3, NOW_US, 1, "USDT", 7]]


def family() -> Venue:
    """A venue with everything a treasury remembers."""
    venue = Venue()
    rows: list[tuple[Any, ...]] = [
        (OpenVenue, 3, False, default_instruments()[:1]),
        (OpenAccount, "ann", (("USDT", units(1_000)),)),
        (OpenAccount, "dan@x", (), -1, 1, "dan@x"),
        (Deposit, 1, "USDT", 5, "tx", "TESTNET", "here"),
        (Transfer, 1, "SPOT", 2, "SPOT", "USDT", 70, "universal", "one"),
        (AllowAddress, 2, "USDT", "TESTNET", "there"),
        (Withdraw, 2, "SPOT", "USDT", 20, 1, "TESTNET", "there", "w", "t", "", "mine"),
    ]
    for sequence, (kind, *fields) in enumerate(rows, 1):
        assert isinstance(venue.apply(kind(sequence, NOW_US + sequence, *fields)), list)
    return venue


def test_venue_that_never_had_a_treasury_keeps_its_bytes_and_its_hash() -> None:
    venue = Venue()
    for command in test_venue._day(True, 22):
        venue.apply(command)
    assert venue.state_hash().hex() == HASH_WITHOUT_TREASURY
    assert venue.encode().startswith(MAGIC)


def test_commands_of_the_first_journals_still_read() -> None:
    raw = msgspec.msgpack.encode(OLD_COMMANDS)
    opened, paid = msgspec.msgpack.decode(raw, type=list[AnyCommand])
    assert opened == OpenAccount(2, NOW_US, "user", (("USDT", 5),))
    assert (opened.parent_id, opened.email) == (0, "")  # type: ignore[union-attr]  # see above
    assert paid == Deposit(3, NOW_US, 1, "USDT", 7)
    assert paid.transaction_id == ""  # type: ignore[union-attr]  # see above


def test_venue_with_a_treasury_reads_back_and_goes_on_the_same() -> None:
    venue = family()
    raw = venue.encode()
    assert raw.startswith(MAGIC_WITH_TREASURY)
    other = Venue.decode(raw)
    assert other.encode() == raw
    again = [
        Transfer(8, NOW_US + 8, 1, "SPOT", 2, "SPOT", "USDT", 1, "universal", "one"),
        Transfer(9, NOW_US + 9, 2, "SPOT", 1, "FUNDING", "USDT", 1, "user"),
        Withdraw(10, NOW_US + 10, 2, "SPOT", "USDT", 2, 1, "TESTNET", "there", "w", "t", "", "mine"),
        Withdraw(11, NOW_US + 11, 2, "SPOT", "USDT", 2, 1, "TESTNET", "there", "w", "t", "", "more"),
    ]
    assert [venue.apply(command) for command in again] == [other.apply(command) for command in again]
    assert venue.state_hash() == other.state_hash()
    assert len(other.engine.treasury.transfers) == 2
    assert len(other.engine.treasury.withdrawals) == 2


def test_every_fact_of_a_treasury_is_in_the_hash() -> None:
    base = family().state_hash()
    for extra in (
        Deposit(8, NOW_US + 8, 1, "USDT", 5, "tx2"),
        Transfer(8, NOW_US + 8, 1, "SPOT", 2, "SPOT", "USDT", 1, "universal"),
        AllowAddress(8, NOW_US + 8, 1, "USDT", "TESTNET", "there"),
        OpenAccount(8, NOW_US + 8, "eve@x", parent_id=1, email="eve@x"),
    ):
        venue = family()
        venue.apply(extra)
        assert venue.state_hash() != base


def test_treasury_of_another_layout_is_refused() -> None:
    raw = family().engine.treasury.encode()
    rows = msgspec.msgpack.decode(raw)
    assert rows[0] == TREASURY_LAYOUT
    rows[0] += 1
    with pytest.raises(CorruptStoreError, match="treasury layout"):
        Treasury().restore(msgspec.msgpack.encode(rows))


def test_venue_cut_inside_its_treasury_is_refused() -> None:
    raw = family().encode()
    for cut in (1, 10, 40):
        with pytest.raises(CorruptStoreError):
            Venue.decode(raw[:-cut])


def test_history_over_its_bound_forgets_the_oldest_and_its_client_id(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "TRANSFERS_MAX", 2)
    monkeypatch.setattr(module, "WITHDRAWALS_MAX", 1)
    venue = family()
    for number in (8, 9):
        venue.apply(
            Transfer(number, NOW_US + number, 1, "SPOT", 2, "SPOT", "USDT", 1, "universal", f"c{number}")
        )
    treasury = venue.engine.treasury
    assert [record.client_transfer_id for record in treasury.transfers] == ["c8", "c9"]
    assert not treasury.client_id_used(1, "one")
    assert treasury.client_id_used(1, "c8")
    venue.apply(Withdraw(10, NOW_US + 10, 2, "SPOT", "USDT", 2, 1, "TESTNET", "there", "w", "t", "", "next"))
    assert not treasury.withdrawal_by_order_id(2, "mine")
    assert treasury.withdrawal_by_order_id(2, "next")
