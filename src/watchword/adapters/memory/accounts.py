"""People and what belongs to them in memory, for tests. Survives nothing."""

from collections.abc import Hashable, Iterable, Sequence
from typing import Final

import msgspec

from watchword.accounts.model import (
    ROW_KINDS,
    ApiToken,
    Assignment,
    Invitation,
    Person,
    RecoveryCode,
    Row,
    Session,
    WebauthnFactor,
)
from watchword.kernel.errors import StorageError

#: What no two rows of a kind may share, besides their id.
UNIQUE: Final[dict[type[Row], tuple[tuple[str, ...], ...]]] = {
    Person: (("name",), ("mail",)),
    WebauthnFactor: (("credential_id",),),
    RecoveryCode: (("digest",),),
    Session: (("digest",),),
    ApiToken: (("digest",), ("person_id", "label")),
    Assignment: (("person_id", "kind", "subject"),),
    Invitation: (("digest",), ("person_id",)),
}


class MemoryAccounts:
    """Implements `accounts.ports.AccountsStore` with a dictionary."""

    def __init__(self) -> None:
        self._rows: dict[tuple[type[Row], str], Row] = {}

    def load(self) -> Iterable[Row]:
        """Return every row."""
        order = {kind: position for position, kind in enumerate(ROW_KINDS)}
        return sorted(self._rows.values(), key=lambda row: (order[type(row)], row.id))

    def write(self, put: Sequence[Row], remove: Sequence[Row] = ()) -> None:
        """Keep rows as they now are, all or none."""
        rows = dict(self._rows)
        for row in remove:
            rows.pop((type(row), row.id), None)
        rows.update({(type(row), row.id): row for row in put})
        _check_unique(rows.values())
        self._rows = rows

    def record_uses(self, rows: Sequence[Session | ApiToken]) -> None:
        """Keep last uses."""
        for row in rows:
            known = self._rows.get((type(row), row.id))
            if isinstance(known, Session) and isinstance(row, Session):
                known = msgspec.structs.replace(known, seen_us=row.seen_us, seen_ip=row.seen_ip)
                self._rows[Session, row.id] = known
            elif isinstance(known, ApiToken) and isinstance(row, ApiToken):
                known = msgspec.structs.replace(known, used_us=row.used_us, used_ip=row.used_ip)
                self._rows[ApiToken, row.id] = known

    def close(self) -> None:
        """Nothing to let go."""


def _check_unique(rows: Iterable[Row]) -> None:
    seen: set[Hashable] = set()
    for row in rows:
        for columns in UNIQUE.get(type(row), ()):
            value = (type(row), columns, *(getattr(row, column) for column in columns))
            if value in seen:
                raise StorageError(f"two rows of {type(row).__name__} share {', '.join(columns)}")
            seen.add(value)
