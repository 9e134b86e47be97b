"""Which version of keys.db this program reads and writes. A constant, apart so that reading it loads nothing."""

from typing import Final

#: The newest file in migrations/versions; a test compares.
HEAD: Final = "0003"
