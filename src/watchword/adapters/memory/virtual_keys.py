"""Virtual keys in memory, for tests. Survives nothing."""

from collections.abc import Iterable, Mapping, Sequence

from watchword.gateway.virtual_key import VirtualKey
from watchword.gateway.virtual_key_store import UNUSED, KeyUse


class MemoryVirtualKeys:
    """Implements `gateway.virtual_key_store.VirtualKeyStore` with a dictionary."""

    def __init__(self) -> None:
        self._keys: dict[str, VirtualKey] = {}
        self._uses: dict[str, KeyUse] = {}

    def load(self) -> Iterable[tuple[VirtualKey, KeyUse]]:
        """Return all keys."""
        ordered = sorted(self._keys.values(), key=lambda key: (key.created_us, key.id))
        return [(key, self._uses.get(key.id, UNUSED)) for key in ordered]

    def put(self, keys: Sequence[VirtualKey], remove: Sequence[str] = ()) -> None:
        """Keep keys as they now are."""
        self._keys.update({key.id: key for key in keys})
        for key_id in remove:
            self._keys.pop(key_id, None)
            self._uses.pop(key_id, None)

    def record_uses(self, uses: Mapping[str, KeyUse]) -> None:
        """Keep last uses."""
        self._uses.update(uses)

    def close(self) -> None:
        """Nothing to let go."""
