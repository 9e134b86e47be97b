"""Space set aside on the trail's disk, so that a full disk still takes the last rows: outcomes, and why it stopped.

What it cannot promise: file systems that copy on write, and quotas, may count otherwise.
"""

import os
from pathlib import Path
from typing import Final

RESERVE_BYTES: Final = 4 * 1024 * 1024
_BLOCK_BYTES: Final = 512  # the unit of st_blocks, whatever the file system's own


class SpaceReserve:
    """One file of real blocks, given up when the disk is full and taken again when it is not."""

    def __init__(self, path: Path, size_bytes: int = RESERVE_BYTES) -> None:
        """Remember where; `hold` takes the space.

        Args:
            path: A file of this reserve's own.
            size_bytes: How much.
        """
        self._path = path
        self._size_bytes = size_bytes

    def hold(self) -> bool:
        """Take the space, or keep it. Returns whether it is held."""
        try:
            descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError:
            return False
        try:
            if os.fstat(descriptor).st_blocks * _BLOCK_BYTES < self._size_bytes:
                os.posix_fallocate(descriptor, 0, self._size_bytes)
        except OSError:
            self._path.unlink(missing_ok=True)
            return False
        finally:
            os.close(descriptor)
        return True

    def release(self) -> bool:
        """Give the space up. Returns whether there was any."""
        try:
            self._path.unlink()
        except OSError:
            return False
        return True
