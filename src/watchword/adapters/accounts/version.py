"""Which version of the accounts database this program reads and writes. Apart, so that reading it loads nothing."""

from typing import Final

#: The newest file in migrations/versions; a test compares.
HEAD: Final = "0003"
