"""The port through which virtual keys are kept. Never keeps any itself."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Final, Protocol

import msgspec

from watchword.gateway.virtual_key import VirtualKey


class KeyUse(msgspec.Struct, frozen=True):
    """When and from where a key was last used.

    Attributes:
        at_us: Epoch microseconds; 0 for never.
        ip: The caller's address.
    """

    at_us: int = 0
    ip: str = ""


UNUSED: Final = KeyUse()


class VirtualKeyStore(Protocol):
    """Where virtual keys live.

    When unavailable: refuse; a change that was not stored has not happened.
    """

    def load(self) -> Iterable[tuple[VirtualKey, KeyUse]]:
        """Return all keys, oldest first.

        Raises:
            CorruptStoreError: Something stored is not as it was written.
        """
        ...

    def put(self, keys: Sequence[VirtualKey], remove: Sequence[str] = ()) -> None:
        """Store keys as they now are, and remove others by id, all at once; on return that survives power loss."""
        ...

    def record_uses(self, uses: Mapping[str, KeyUse]) -> None:
        """Store when keys were last used; may be lost in a crash."""
        ...

    def close(self) -> None:
        """Let it go."""
        ...
