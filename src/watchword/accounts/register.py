"""All rows about people in memory, looked up by id, person, name or digest. Every change is stored before it is visible.

Two things may be late, and a crash may lose them: when a session or token was last used, and lines of the sign-in
history; `flush` stores both. Why: a failed sign-in must cost the same for somebody who exists, so it writes nothing.
Never judges anything: that is the modules' that use it.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import Any, Final, TypeVar

from watchword.accounts.model import ROW_KINDS, ApiToken, FormerName, Invitation, Person, Row, Session, SignIn
from watchword.accounts.ports import AccountsStore
from watchword.kernel.errors import CorruptStoreError, StorageError

AnyRow = TypeVar("AnyRow", bound=Row)

#: Uses and history lines waiting for a flush; one more is flushed at once.
UNFLUSHED_ROWS_MAX: Final = 10_000

_BY_DIGEST: Final = (Session, ApiToken, Invitation)


class Register:
    """Everything known about people.

    Attributes:
        on_changed: Called with the rows that were put or removed, after they were; not at last uses of sessions and tokens.
    """

    def __init__(self, store: AccountsStore) -> None:
        """Load everything.

        Raises:
            CorruptStoreError: A row belongs to nobody.
        """
        self.on_changed: list[Callable[[Sequence[Row]], None]] = []
        self._store = store
        self._rows: dict[type[Any], dict[str, Any]] = {kind: {} for kind in ROW_KINDS}
        self._of_person: dict[tuple[type[Any], str], dict[str, Any]] = {}
        self._by_digest: dict[bytes, Row] = {}
        self._by_login: dict[str, str] = {}
        self._used: dict[str, Session | ApiToken] = {}
        self._late: dict[str, SignIn] = {}
        self._late_gone: dict[str, SignIn] = {}
        for row in store.load():
            self._take(row)
        people = self._rows[Person]
        lost = [
            row
            for kind, rows in self._rows.items()
            for row in rows.values()
            if kind is not FormerName and _owner(row) not in people
        ]
        if lost:
            raise CorruptStoreError(f"{type(lost[0]).__name__} {lost[0].id} belongs to nobody")

    def get(self, kind: type[AnyRow], row_id: str) -> AnyRow | None:
        """Return the row of this kind and id as it stands."""
        return self._rows[kind].get(row_id)

    def everything(self, kind: type[AnyRow]) -> list[AnyRow]:
        """List all rows of a kind, oldest first as far as they were stored in that order."""
        return list(self._rows[kind].values())

    def of_person(self, kind: type[AnyRow], person_id: str) -> list[AnyRow]:
        """List the rows of a kind that belong to one person."""
        return list(self._of_person.get((kind, person_id), {}).values())

    def by_digest(self, kind: type[AnyRow], digest: bytes) -> AnyRow | None:
        """Return the session, API token or invitation whose token has this digest."""
        row = self._by_digest.get(digest)
        return row if isinstance(row, kind) else None

    def person_called(self, login: str) -> Person | None:
        """Return who signs in with this name or mail address; case does not matter."""
        return self.get(Person, self._by_login.get(login.strip().lower(), ""))

    def write(self, put: Sequence[Row], remove: Sequence[Row] = ()) -> None:
        """Store a change, then show it; all of it or nothing.

        Args:
            put: Rows as they now are.
            remove: Rows that go; those that hang on a person included.

        Raises:
            StorageError: It was not stored, or a row would belong to nobody; then nothing changed.
        """
        self._refuse_ownerless(put, remove)
        self._store.write(put, remove)
        for row in remove:
            self._drop(row)
        for row in put:
            self._take(row)
        self._tell((*put, *remove))

    def touch(self, row: Session | ApiToken) -> None:
        """Show a session's or token's last use; it is stored by the next `flush`."""
        if self.get(type(row), row.id) is not None:
            self._take(row)
            self._used[row.id] = row
            self._flush_if_many()

    def note(self, line: SignIn, gone: Iterable[SignIn] = ()) -> None:
        """Show a line of history, and others no longer; stored by the next `flush`."""
        for old in gone:
            self._drop(old)
            if self._late.pop(old.id, None) is None:
                self._late_gone[old.id] = old
        self._take(line)
        self._late[line.id] = line
        self._flush_if_many()
        self._tell((line,))

    def flush(self) -> None:
        """Store what may be late: last uses and history.

        Raises:
            StorageError: Not stored; the next flush tries again.
        """
        if self._late or self._late_gone:
            alive = [line for line in self._late.values() if line.person_id in self._rows[Person]]
            self._store.write(alive, list(self._late_gone.values()))
            self._late.clear()
            self._late_gone.clear()
        alive_now = [self._rows[type(row)].get(row.id) for row in self._used.values()]
        used = [row for row in alive_now if row is not None]
        if used:
            self._store.record_uses(used)
        self._used.clear()

    def _tell(self, changed: Sequence[Row]) -> None:
        for listener in self.on_changed:
            listener(changed)

    def _refuse_ownerless(self, put: Sequence[Row], remove: Sequence[Row]) -> None:
        """Refuse rows of somebody removed a moment ago: they would outlive them, and stop the next start."""
        there = {row.id for row in put if isinstance(row, Person)}
        going = {row.id for row in remove if isinstance(row, Person)} - there
        for row in put:
            owner = _owner(row)
            if isinstance(row, FormerName):
                continue
            if owner in going or (owner not in there and owner not in self._rows[Person]):
                raise StorageError("somebody this belongs to is not there any more; nothing was stored")

    def _flush_if_many(self) -> None:
        if len(self._used) + len(self._late) + len(self._late_gone) > UNFLUSHED_ROWS_MAX:
            self.flush()

    def _take(self, row: Row) -> None:
        self._drop(row)
        self._rows[type(row)][row.id] = row
        self._of_person.setdefault((type(row), _owner(row)), {})[row.id] = row
        if isinstance(row, Person):
            self._by_login[row.name] = self._by_login[row.mail] = row.id
        elif isinstance(row, _BY_DIGEST):
            self._by_digest[row.digest] = row

    def _drop(self, row: Row) -> None:
        before = self._rows[type(row)].pop(row.id, None)
        if before is None:
            return
        of_person = self._of_person[type(row), _owner(before)]
        del of_person[row.id]
        if not of_person:
            del self._of_person[type(row), _owner(before)]
        if isinstance(before, Person):
            for login in (before.name, before.mail):
                self._by_login.pop(login, None)
        elif isinstance(before, _BY_DIGEST):
            self._by_digest.pop(before.digest, None)


def _owner(row: Row) -> str:
    return row.id if isinstance(row, Person) else row.person_id
