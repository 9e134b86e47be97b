"""The root of every fault Watchword raises.

    WatchwordError
    ├── InvariantError        a rule that cannot be broken was broken: the process must stop
    ├── ConfigurationError    a setting, flag or file the user gave cannot be used
    ├── StorageError          a store failed; foreign exceptions are mapped to this in adapters
    │   └── CorruptStoreError stored bytes do not match their checksum or layout
    └── HomeBusyError         another process holds this home

Expected refusals (a bad signature, a rejected order) are values, never exceptions.
"""


class WatchwordError(Exception):
    """Root of all faults. The text is safe to show: it never contains a secret."""


class InvariantError(WatchwordError):
    """A broken invariant. Nobody catches this; the process stops and recovery is the normal start.

    Why: `assert` vanishes under `python -O`.
    """


class ConfigurationError(WatchwordError):
    """Something the user supplied cannot be used; the text says what to change."""


class StorageError(WatchwordError):
    """A store could not read or write."""


class CorruptStoreError(StorageError):
    """Stored bytes fail their checksum or do not have the documented layout."""


class HomeBusyError(WatchwordError):
    """Another process holds the home folder's lock; the text names it."""


def invariant(holds: bool, text: str) -> None:
    """Stop when `holds` is false.

    Args:
        holds: The condition that must be true.
        text: What was broken, for the person who reads the crash.

    Raises:
        InvariantError: `holds` is false.
    """
    if not holds:
        raise InvariantError(text)
