"""Opens a trail for reading, whichever way it is kept. Never writes."""

from pathlib import Path
from typing import Final

from watchword.adapters.audit.file_sink import FileReader
from watchword.adapters.audit.sqlite_sink import SqliteReader
from watchword.audit.trail import AuditReader
from watchword.kernel.errors import StorageError

_SQLITE: Final = b"SQLite format 3\0"


def open_reader(path: Path) -> AuditReader:
    """Open a trail that lies in a database or in a plain file.

    Raises:
        StorageError: It cannot be read.
    """
    try:
        with path.open("rb") as file:
            start = file.read(len(_SQLITE))
    except OSError as error:
        raise StorageError(f"cannot read {path}: {error.strerror}") from error
    return SqliteReader(path) if start == _SQLITE else FileReader(path)
