"""Rows of the accounts core as columns and back: secrets sealed, sets and lists as JSON. Never touches a database.

What comes back is checked against the row's type: a column that does not fit is damage, not a value.
"""

import json
from collections.abc import Mapping
from typing import Any, Final

import msgspec

from watchword.accounts.model import ApiToken, ExchangeOwnership, Row, TotpFactor, WebauthnFactor
from watchword.adapters.accounts.column_sealing import ColumnSealer
from watchword.kernel.errors import CorruptStoreError
from watchword.kernel.secret import Secret

#: Columns that hold JSON: sets are written in order, lists as they are.
_JSON: Final[Mapping[type[Row], tuple[str, ...]]] = {
    WebauthnFactor: ("transports",),
    ApiToken: ("scopes", "ips"),
}
_SEED: Final = "seed"
_SEALED_SEED: Final = "sealed_seed"


def columns_of(row: Row, table: str, sealer: ColumnSealer) -> dict[str, Any]:
    """Write a row as its columns.

    Args:
        row: Any row of the accounts core.
        table: The table's name, to which secrets are bound.
        sealer: Seals what is secret.
    """
    columns = msgspec.structs.asdict(row)
    for name in _JSON.get(type(row), ()):
        several = columns[name]
        columns[name] = json.dumps(sorted(several) if isinstance(several, frozenset) else several)
    if isinstance(row, WebauthnFactor):
        columns["backed_up"] = int(row.backed_up)
    if isinstance(row, TotpFactor):
        del columns[_SEED]
        columns[_SEALED_SEED] = sealer.seal(_cell(table, row.id, row.person_id), row.seed)
    return columns


def row_of(kind: type[Row], columns: Mapping[str, Any], table: str, sealer: ColumnSealer) -> Row:
    """Read a row back.

    Raises:
        CorruptStoreError: A column does not fit its type, or a secret was altered or comes from another row.
    """
    values = dict(columns)
    try:
        for name in _JSON.get(kind, ()):
            values[name] = json.loads(values[name])
        if kind is WebauthnFactor:
            values["backed_up"] = {0: False, 1: True}.get(values["backed_up"])
        if kind is TotpFactor:
            cell = _cell(table, values["id"], values["person_id"])
            values[_SEED] = sealer.open_sealed(cell, values.pop(_SEALED_SEED))
        row = msgspec.convert(values, kind, dec_hook=_as_it_is, builtin_types=(bytes,))
    except (ValueError, TypeError, AttributeError) as error:
        raise _damaged(table, columns) from error
    if isinstance(row, ExchangeOwnership) and row.id != str(row.account_id):
        raise _damaged(table, columns)
    return row


def _cell(table: str, row_id: str, person_id: str) -> tuple[str, ...]:
    """Name the seed's place. The person belongs to it, so that nobody's factor becomes somebody else's."""
    return (table, row_id, person_id, _SEED)


def _as_it_is(kind: Any, value: Any) -> Any:
    if kind is Secret and isinstance(value, Secret):
        return value
    raise TypeError("not as written")


def _damaged(table: str, columns: Mapping[str, Any]) -> CorruptStoreError:
    return CorruptStoreError(f"{table} {columns.get('id')} of the accounts is not as it was written")
