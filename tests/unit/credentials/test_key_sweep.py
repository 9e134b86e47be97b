"""The sweep: what it deletes and narrows, what it says, once, and that each turn has a bound."""

from collections.abc import Mapping

import pytest

from watchword.adapters.memory.keys import MemoryKeyStore
from watchword.adapters.system import SystemEntropy
from watchword.credentials.key_directory import IssuedKey, KeyDirectory, KeyTerms, KeyUse
from watchword.credentials.key_rules import DAY_US
from watchword.credentials.key_sweep import CHANGES_PER_TURN_MAX, EVENTS_COUNT_MAX, KeyEvent, KeySweep
from watchword.credentials.permission import Permission
from watchword.credentials.restriction import Network, Restrictions
from watchword.kernel.errors import StorageError

START_US = 1_795_000_000_000_000
TRADER = KeyTerms(permissions=frozenset(("READING", "SPOT_AND_MARGIN_TRADING", "FUTURES")))
READER: frozenset[Permission] = frozenset(("READING",))
BOUND = Restrictions((Network(4, 1, 1, "0.0.0.1"),))


class Rig:
    def __init__(self, store: MemoryKeyStore | None = None) -> None:
        self.keys = KeyDirectory(store or MemoryKeyStore(), SystemEntropy())
        self.sweep = KeySweep(self.keys)
        self.heard: list[KeyEvent] = []
        self.sweep.listeners.append(self.heard.append)

    def make(self, terms: KeyTerms | None = None, account_id: int = 1) -> str:
        made = self.keys.issue(account_id, "HMAC", b"", terms or KeyTerms(), START_US)
        assert isinstance(made, IssuedKey), made
        return made.record.api_key

    def at_day(self, day: float) -> list[tuple[str, int]]:
        """Sweep until nothing is left; return what was said by it."""
        begin = len(self.heard)
        while self.sweep.turn(START_US + int(day * DAY_US)):
            pass
        return [(event.kind, event.days_left) for event in self.heard[begin:]]

    def permissions(self, api_key: str) -> frozenset[Permission] | None:
        found = self.keys.find(api_key)
        return None if found is None else found.permissions


def test_idle_key_is_warned_of_three_times_and_then_deleted() -> None:
    rig = Rig()
    api_key = rig.make()
    revoked: list[str] = []
    rig.keys.on_revoked.append(revoked.append)
    said = [rig.at_day(day) for day in (1, 22, 23, 24, 27, 28, 29, 29.5)]
    assert said == [[], [], [("warned", 7)], [], [("warned", 3)], [], [("warned", 1)], []]
    assert rig.permissions(api_key) is not None
    assert rig.at_day(30) == [("deleted", 0)]
    assert rig.permissions(api_key) is None
    assert revoked == [api_key]
    assert rig.at_day(31) == []


def test_key_used_on_day_29_lives_on_day_30() -> None:
    rig = Rig()
    api_key = rig.make()
    rig.keys.touch(api_key, START_US + 29 * DAY_US)
    assert rig.at_day(30) == []
    assert rig.permissions(api_key) is not None
    assert rig.at_day(59) == [("deleted", 0)]


def test_use_that_could_not_be_stored_counts_all_the_same() -> None:
    store = NoUses()
    rig = Rig(store)
    rig.keys.touch(rig.make(), START_US + 29 * DAY_US)
    with pytest.raises(StorageError):
        rig.keys.flush_uses()
    assert rig.at_day(30) == []
    store.full = False
    rig.keys.flush_uses()
    assert [record.last_used_us for record, _ in store.load()] == [START_US + 29 * DAY_US]


class NoUses(MemoryKeyStore):
    """Stores no uses for as long as it is full."""

    full = True

    def record_uses(self, uses: Mapping[str, KeyUse]) -> None:
        if self.full:
            raise StorageError("the disk is full")
        super().record_uses(uses)


def test_key_with_an_ip_list_lives_for_ever() -> None:
    rig = Rig()
    api_key = rig.make(KeyTerms(permissions=TRADER.permissions, restrictions=BOUND))
    assert rig.at_day(3_000) == []
    assert rig.permissions(api_key) == TRADER.permissions


def test_trading_key_loses_what_trades_and_30_days_later_its_life() -> None:
    rig = Rig()
    api_key = rig.make(TRADER)
    assert rig.at_day(29) == [("warned", 1)]
    assert rig.permissions(api_key) == TRADER.permissions
    assert rig.at_day(30) == [("trading_lost", 0)]
    assert rig.permissions(api_key) == READER
    assert rig.at_day(59) == [("warned", 1)]
    assert rig.at_day(60) == [("deleted", 0)]


def test_two_months_at_once_end_as_two_months_day_by_day() -> None:
    rig = Rig()
    api_key = rig.make(TRADER)
    assert rig.at_day(60) == [("trading_lost", 0), ("deleted", 0)]
    assert rig.permissions(api_key) is None


def test_regranted_trading_counts_from_its_grant() -> None:
    rig = Rig()
    api_key = rig.make(TRADER)
    rig.at_day(30)
    rig.keys.edit(api_key, TRADER, START_US + 40 * DAY_US)
    rig.at_day(69)
    assert rig.permissions(api_key) == TRADER.permissions
    rig.at_day(70)
    assert rig.permissions(api_key) == READER


def test_key_whose_ip_list_went_counts_from_there() -> None:
    rig = Rig()
    api_key = rig.make(KeyTerms(restrictions=BOUND))
    rig.at_day(100)
    rig.keys.edit(api_key, KeyTerms(), START_US + 100 * DAY_US)
    rig.at_day(129)
    assert rig.permissions(api_key) is not None
    rig.at_day(130)
    assert rig.permissions(api_key) is None


def test_other_edits_do_not_count_as_use() -> None:
    rig = Rig()
    api_key = rig.make()
    rig.keys.edit(api_key, KeyTerms("renamed"), START_US + 29 * DAY_US)
    rig.at_day(30)
    assert rig.permissions(api_key) is None


def test_expired_key_is_said_once_and_kept() -> None:
    rig = Rig()
    api_key = rig.make(KeyTerms(restrictions=Restrictions(BOUND.networks, expires_us=START_US + DAY_US)))
    assert rig.at_day(0) == [("warned", 1)]
    assert rig.at_day(1) == [("expired", 0)]
    assert rig.at_day(2) == []
    assert rig.permissions(api_key) is not None


def test_one_turn_changes_a_bounded_number_of_keys() -> None:
    rig = Rig()
    wanted = CHANGES_PER_TURN_MAX + 7
    for number in range(wanted):
        rig.make(account_id=1 + number // 30)
    assert rig.sweep.turn(START_US + 30 * DAY_US)
    assert len(rig.keys.records()) == 7
    assert not rig.sweep.turn(START_US + 30 * DAY_US)
    assert rig.keys.records() == []
    assert rig.sweep.events.maxlen == EVENTS_COUNT_MAX


class FullDisk(MemoryKeyStore):
    full = False

    def delete(self, api_keys: object) -> None:
        if self.full:
            raise StorageError("disk full")
        super().delete(api_keys)  # type: ignore[arg-type]


def test_deletion_that_could_not_be_stored_has_not_happened_and_is_tried_again() -> None:
    store = FullDisk()
    rig = Rig(store)
    api_key = rig.make()
    store.full = True
    with pytest.raises(StorageError):
        rig.sweep.turn(START_US + 30 * DAY_US)
    assert rig.permissions(api_key) is not None
    assert rig.heard == []
    store.full = False
    assert rig.at_day(30) == [("deleted", 0)]
