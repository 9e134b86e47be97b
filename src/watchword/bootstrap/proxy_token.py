"""The forward proxy's token: made once, shown once, kept as a digest in `HOME/tls/proxy-token.json`.

    {"version": 1, "sha256": "<64 hex digits>", "made_us": <epoch microseconds>}

Why a plain digest: the token has 256 random bits, so there is nothing to guess. Never keeps the token.
"""

import hashlib
import hmac
from pathlib import Path
from typing import Final

import msgspec

from watchword.adapters.key_files import read_bounded
from watchword.kernel.entropy import Entropy, alphanumeric
from watchword.kernel.errors import ConfigurationError, CorruptStoreError, StorageError
from watchword.storage.private_files import write_atomically

VERSION: Final = 1
#: Letters and digits, 5.95 bits each: 256 bits.
TOKEN_LENGTH: Final = 43
#: Lets people and scanners recognise one.
MARKER: Final = "WWp1"
FOLDER_MODE: Final = 0o700


class _Stored(msgspec.Struct, forbid_unknown_fields=True):
    version: int
    sha256: str
    made_us: int


class ProxyToken:
    """The token of a home. A new one counts at once, also for a proxy that runs.

    When unavailable: refuse.
    """

    def __init__(self, home: Path) -> None:
        """Look at a home's token; nothing is read yet.

        Args:
            home: Absolute.
        """
        self.path = home / "tls" / "proxy-token.json"
        self._stamp: tuple[int, int] = (0, 0)
        self._digest = b""

    def make(self, entropy: Entropy, now_us: int, *, replace: bool) -> str:
        """Make a new token; the old one ends.

        Returns:
            The token, this once.

        Raises:
            ConfigurationError: There is one, and it shall not be replaced.
            StorageError: It could not be written.
        """
        if self.path.exists() and not replace:
            raise ConfigurationError(
                f"{self.path} holds a token already; --replace makes a new one and ends it"
            )
        made = MARKER + alphanumeric(entropy, TOKEN_LENGTH)
        try:
            self.path.parent.mkdir(mode=FOLDER_MODE, parents=True, exist_ok=True)
        except OSError as error:
            raise StorageError(f"cannot use {self.path.parent}: {error.strerror}") from error
        stored = _Stored(VERSION, hashlib.sha256(made.encode()).hexdigest(), now_us)
        write_atomically(self.path, msgspec.json.encode(stored) + b"\n")
        return made

    def admits(self, given: bytes) -> bool:
        """Whether this is the token. Takes the same time for every wrong one; a missing or broken file admits nobody."""
        try:
            found = self.path.stat()
            stamp = (found.st_mtime_ns, found.st_ino)
            if stamp != self._stamp:
                self._digest, self._stamp = self._read(), stamp
        except (OSError, ConfigurationError, CorruptStoreError):
            return False
        return hmac.compare_digest(hashlib.sha256(given).digest(), self._digest)

    def check(self) -> None:
        """Refuse to start a proxy that nobody could use.

        Raises:
            ConfigurationError: There is no token.
            CorruptStoreError: The file cannot be understood.
        """
        if not self.path.exists():
            raise ConfigurationError(
                "the forward proxy has no token; make one with: watchword gateway proxy-token"
            )
        self._read()

    def _read(self) -> bytes:
        try:
            stored = msgspec.json.decode(read_bounded(self.path), type=_Stored)
            digest = bytes.fromhex(stored.sha256)
        except (msgspec.MsgspecError, ValueError) as error:
            raise CorruptStoreError(f"{self.path} is not a proxy token's file") from error
        if stored.version != VERSION or len(digest) != hashlib.sha256().digest_size:
            raise CorruptStoreError(f"{self.path} is not a proxy token's file of version {VERSION}")
        return digest
