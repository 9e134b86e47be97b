"""Scripts and styles as the build left them: read once, served under names that change with their content. Builds nothing."""

import gzip
import hashlib
import logging
from pathlib import Path
from typing import Final

import msgspec

LOG = logging.getLogger("watchword.console")

FOLDER: Final = Path(__file__).resolve().parent.parent / "static"
URL: Final = "/static/"
FILES_MAX: Final = 64
FILE_BYTES_MAX: Final = 4 << 20
HASH_LENGTH: Final = 12
_MEDIA: Final = {
    ".js": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".svg": "image/svg+xml",
}


class Asset(msgspec.Struct, frozen=True):
    """One file."""

    content: bytes
    packed: bytes
    media: str


class Assets:
    """All files of one folder."""

    def __init__(self, folder: Path = FOLDER) -> None:
        """Read them; pages go on without, plain, where they were not built."""
        self._urls: dict[str, str] = {}
        self._served: dict[str, Asset] = {}
        found = sorted(folder.iterdir())[:FILES_MAX] if folder.is_dir() else []
        for path in found:
            if path.suffix in _MEDIA and path.stat().st_size <= FILE_BYTES_MAX:
                self._take(path)
        if not self._served:
            LOG.warning("the pages have no scripts and styles: run `make` in the checkout to build them")

    def url(self, name: str) -> str:
        """Say where a file is served, for example `app.css`."""
        return self._urls.get(name, URL + name)

    def find(self, path: str) -> Asset | None:
        """Return the file of a path, or None."""
        return self._served.get(path)

    def _take(self, path: Path) -> None:
        content = path.read_bytes()
        mark = hashlib.sha256(content).hexdigest()[:HASH_LENGTH]
        url = f"{URL}{path.stem}.{mark}{path.suffix}"
        self._urls[path.name] = url
        self._served[url] = Asset(content, gzip.compress(content, mtime=0), _MEDIA[path.suffix])
