"""The bot's half of a virtual key: a pair made here, whose private half goes to a new file or to the screen, once.

Only the public half is ever sent anywhere. Never keeps a private key.
"""

from enum import StrEnum
from pathlib import Path
from typing import Final

import msgspec

from watchword.adapters.key_files import read_bounded, write_new
from watchword.adapters.system import SystemEntropy
from watchword.credentials.keypair import KeyKind, generate
from watchword.credentials.verifier import KeyType
from watchword.kernel.errors import ConfigurationError


class KindOption(StrEnum):
    """Types of keys."""

    ED25519 = "ed25519"
    HMAC = "hmac"
    RSA = "rsa"


TYPES: Final[dict[KindOption, KeyType]] = {
    KindOption.HMAC: "HMAC",
    KindOption.RSA: "RSA",
    KindOption.ED25519: "ED25519",
}
_MADE: Final[dict[KindOption, KeyKind]] = {KindOption.RSA: "rsa-2048", KindOption.ED25519: "ed25519"}
_NAMES_COUNT_MAX: Final = 1_000


class Wanted(msgspec.Struct, frozen=True):
    """Where a key's halves come from and go to.

    Attributes:
        kind: Which signatures it makes.
        label: Names the file where `out` does not.
        public_key: File of a pair that exists already.
        out: New file for what the bot holds: private key, or HMAC secret.
        on_screen: Print the private key instead.
    """

    kind: KindOption
    label: str
    public_key: Path | None = None
    out: Path | None = None
    on_screen: bool = False


class Pair(msgspec.Struct, frozen=True):
    """What was made, or brought.

    Attributes:
        public: PEM or another dialect; empty for HMAC.
        file: Of the private key; None where it is on the screen, or the owner's own.
        private: PEM of the private key, to be printed once; empty where it went to a file.
    """

    public: str = ""
    file: Path | None = None
    private: str = ""

    def __repr__(self) -> str:
        return f"Pair(file={self.file})"

    def drop(self) -> None:
        """Remove the file of a pair that nothing was issued for."""
        if self.file is not None:
            self.file.unlink(missing_ok=True)


def make_or_read(wanted: Wanted) -> Pair:
    """Make a pair, or read the public half of one that exists.

    Raises:
        ConfigurationError: Options do not fit together, or a file cannot be used; nothing was made.
    """
    _fitting(wanted)
    if wanted.kind is KindOption.HMAC:
        return Pair()
    if wanted.public_key is not None:
        return Pair(read_bounded(wanted.public_key).decode("utf-8", "replace"))
    entropy = SystemEntropy()
    key = generate(_MADE[wanted.kind], entropy)
    content = key.export(None, entropy)
    if wanted.on_screen:
        return Pair(key.public.pem(), None, content.decode("ascii"))
    path = wanted.out or _free_name(wanted)
    write_new([(path, content)])
    return Pair(key.public.pem(), path.absolute())


def write_secret(path: Path, secret: str) -> Path:
    """Write an HMAC secret to a new file, 0600."""
    write_new([(path, secret.encode("ascii") + b"\n")])
    return path.absolute()


def must_be_free(path: Path | None) -> None:
    """Refuse a file that exists before anything is issued.

    Raises:
        ConfigurationError: It exists, or its folder does not.
    """
    if path is not None and (path.exists() or path.is_symlink()):
        raise ConfigurationError(f"{path} exists and is not overwritten; choose another --out")
    if path is not None and not path.absolute().parent.is_dir():
        raise ConfigurationError(f"there is no folder {path.absolute().parent}")


def _fitting(wanted: Wanted) -> None:
    if wanted.kind is KindOption.HMAC and (wanted.public_key or wanted.on_screen):
        raise ConfigurationError("an hmac key has no pair: its secret is made by the gateway and shown once")
    if sum((wanted.public_key is not None, wanted.out is not None, wanted.on_screen)) > 1:
        raise ConfigurationError("give one of --public-key, --out and --print-key")
    must_be_free(wanted.out)


def _free_name(wanted: Wanted) -> Path:
    stem = "".join(c if c.isalnum() else "-" for c in wanted.label) + f"-{wanted.kind.value}"
    names = [f"{stem}.pem", *(f"{stem}-{number}.pem" for number in range(2, _NAMES_COUNT_MAX))]
    return next((Path(name) for name in names if not Path(name).exists()), Path(names[0]))
