"""A key store in memory, for tests and throw-away testnets. Survives nothing."""

from collections.abc import Iterable, Mapping

import msgspec

from watchword.credentials.key_directory import KeyRecord
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

    def update(self, record: KeyRecord) -> None:
        """Keep new terms."""
        _, secret = self._rows[record.api_key]
        self._rows[record.api_key] = (record, secret)

    def delete(self, api_key: str) -> None:
        """Forget a key."""
        del self._rows[api_key]

    def record_uses(self, used_us: Mapping[str, int]) -> None:
        """Keep last uses."""
        for api_key, at in used_us.items():
            record, secret = self._rows[api_key]
            self._rows[api_key] = (msgspec.structs.replace(record, last_used_us=at), secret)
