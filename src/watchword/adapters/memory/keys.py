"""A key store in memory, for tests and throw-away testnets. Survives nothing."""

from collections.abc import Iterable, Mapping, Sequence

import msgspec

from watchword.credentials.key_record import KeyRecord, KeyUse
from watchword.kernel.errors import StorageError
from watchword.kernel.secret import Secret


class MemoryKeyStore:
    """Implements `credentials.key_directory.KeyStore` with a dictionary."""

    def __init__(self) -> None:
        self._rows: dict[str, tuple[KeyRecord, Secret | None]] = {}

    def load(self) -> Iterable[tuple[KeyRecord, Secret | None]]:
        """Return all keys."""
        return list(self._rows.values())

    def insert(self, record: KeyRecord, secret: Secret | None) -> None:
        """Keep a new key."""
        if record.api_key in self._rows:
            raise StorageError(f"key {record.api_key} exists")
        self._rows[record.api_key] = (record, secret)

    def update(self, records: Sequence[KeyRecord]) -> None:
        """Keep new terms."""
        for record in records:
            _, secret = self._rows[record.api_key]
            self._rows[record.api_key] = (record, secret)

    def delete(self, api_keys: Sequence[str]) -> None:
        """Forget keys."""
        for api_key in api_keys:
            del self._rows[api_key]

    def record_uses(self, uses: Mapping[str, KeyUse]) -> None:
        """Keep last uses."""
        for api_key, use in uses.items():
            record, secret = self._rows[api_key]
            used = msgspec.structs.replace(
                record, last_used_us=use.at_us, last_used_ip=use.ip, last_used_for=use.operation
            )
            self._rows[api_key] = (used, secret)
