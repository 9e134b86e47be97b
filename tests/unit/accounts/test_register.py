from collections.abc import Sequence

import msgspec
import pytest
from tests.support.people import HOME, NOW_US, WRONG, House

from watchword.accounts.model import ApiToken, Person, Row, Session, SignIn
from watchword.accounts.register import UNFLUSHED_ROWS_MAX, Register
from watchword.adapters.memory.accounts import MemoryAccounts
from watchword.kernel.errors import CorruptStoreError, StorageError

ANA = Person(id="p-ana", name="ana", mail="ana@example.org", role="owner")
SESSION = Session(id="s-1", person_id="p-ana", digest=b"1" * 32, stage="full")


class BrokenStore(MemoryAccounts):
    """Refuses every write."""

    def write(self, put: Sequence[Row], remove: Sequence[Row] = ()) -> None:
        raise StorageError("the disk is full")


class CountingStore(MemoryAccounts):
    """Counts writes."""

    def __init__(self) -> None:
        super().__init__()
        self.writes = 0

    def write(self, put: Sequence[Row], remove: Sequence[Row] = ()) -> None:
        self.writes += 1
        super().write(put, remove)


def line(number: int) -> SignIn:
    return SignIn(id=f"h-{number}", person_id="p-ana", at_us=NOW_US + number, outcome="password_wrong")


def test_row_is_found_by_all_its_names_until_it_goes() -> None:
    register = Register(MemoryAccounts())
    register.write([ANA, SESSION])
    assert register.person_called(" ANA ") == register.person_called("Ana@Example.org") == ANA
    assert register.by_digest(Session, SESSION.digest) == SESSION
    assert register.by_digest(ApiToken, SESSION.digest) is None
    assert register.of_person(Session, "p-ana") == [SESSION]
    register.write([], [SESSION, ANA])
    assert register.person_called("ana") is register.person_called("ana@example.org") is None
    assert register.by_digest(Session, SESSION.digest) is None
    assert register.everything(Session) == register.of_person(Session, "p-ana") == []


def test_replaced_row_is_not_found_by_what_it_was() -> None:
    register = Register(MemoryAccounts())
    register.write([ANA, SESSION])
    register.write(
        [
            msgspec.structs.replace(ANA, mail="new@example.org"),
            msgspec.structs.replace(SESSION, digest=b"2" * 32),
        ]
    )
    assert register.person_called("ana@example.org") is None
    assert register.by_digest(Session, b"1" * 32) is None
    assert register.by_digest(Session, b"2" * 32) is not None


def test_change_that_was_not_stored_is_not_seen() -> None:
    register = Register(BrokenStore())
    with pytest.raises(StorageError):
        register.write([ANA])
    assert register.person_called("ana") is None


def test_row_of_nobody_is_corrupt() -> None:
    store = MemoryAccounts()
    store.write([SESSION])
    with pytest.raises(CorruptStoreError):
        Register(store)


def test_history_and_uses_are_seen_at_once_and_stored_by_flush() -> None:
    store = CountingStore()
    register = Register(store)
    register.write([ANA, SESSION])
    register.note(line(1))
    register.touch(msgspec.structs.replace(SESSION, seen_us=NOW_US, seen_ip="192.0.2.7"))
    assert store.writes == 1
    assert register.of_person(SignIn, "p-ana") == [line(1)]
    assert Register(store).everything(SignIn) == []
    register.flush()
    again = Register(store)
    assert again.everything(SignIn) == [line(1)]
    assert [one.seen_us for one in again.everything(Session)] == [NOW_US]
    register.flush()
    assert store.writes == 2


def test_flush_drops_what_is_gone_meanwhile() -> None:
    store = MemoryAccounts()
    register = Register(store)
    register.write([ANA, SESSION])
    register.note(line(1))
    register.flush()
    register.note(line(2), [line(1)])
    register.touch(SESSION)
    register.write([], [SESSION])
    register.flush()
    assert Register(store).everything(SignIn) == [line(2)]
    register.note(line(3))
    register.write([], [*register.everything(SignIn), ANA])
    register.flush()
    assert list(store.load()) == []


def test_touch_of_an_ended_session_does_not_bring_it_back() -> None:
    register = Register(MemoryAccounts())
    register.write([ANA])
    register.touch(SESSION)
    assert register.everything(Session) == []


def test_unflushed_rows_are_bounded() -> None:
    store = CountingStore()
    register = Register(store)
    register.write([ANA])
    for number in range(UNFLUSHED_ROWS_MAX + 1):
        register.note(line(number))
    assert store.writes == 2


def test_failed_sign_in_writes_nothing_for_anybody() -> None:
    house = House(store=CountingStore())
    house.enrolled("ana")
    writes = house.store.writes  # type: ignore[attr-defined]
    for login in ("ana", "nobody"):
        house.password(login, WRONG, HOME)
    assert house.store.writes == writes  # type: ignore[attr-defined]
