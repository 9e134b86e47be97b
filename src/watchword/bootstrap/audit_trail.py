"""Composition root of the audit trail: its folder, its key, its one or two sinks. Never records anything itself."""

import os
import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Final

import msgspec

from watchword.adapters.audit.command_sink import CommandSink
from watchword.adapters.audit.durable_trail import DurableTrail, Pace
from watchword.adapters.audit.file_sink import FileSink
from watchword.adapters.audit.sqlite_sink import SqliteSink
from watchword.adapters.key_files import read_bounded, readable_by_others, write_new
from watchword.credentials.key_problem import KeyProblem
from watchword.credentials.keypair import PrivateKey, PublicKey, generate
from watchword.credentials.pem import read_key
from watchword.kernel.clock import Clock
from watchword.kernel.entropy import Entropy
from watchword.kernel.errors import ConfigurationError
from watchword.storage.private_files import make_folder, write_atomically

if TYPE_CHECKING:
    from watchword.adapters.audit.scribe import SinkOpener

DATABASE_NAME: Final = "audit.db"
KEY_NAME: Final = "checkpoint.key"
PUBLIC_NAME: Final = "checkpoint.pub"
#: What a command may see of this process's environment, unless told otherwise: nothing.
BARE_ENVIRONMENT: Final[Mapping[str, str]] = {"PATH": os.defpath}


class SecondSink(msgspec.Struct, frozen=True):
    """Where the second copy goes: exactly one of both.

    Attributes:
        file: A file, better on another disk or machine.
        command: Program and arguments; it speaks the protocol of `watchword audit receive`.
    """

    file: Path | None = None
    command: tuple[str, ...] = ()


def audit_folder(home: Path) -> Path:
    """Say where a home's trail is."""
    return home / "audit"


def audit_path(home: Path) -> Path:
    """Say where a home's trail database is."""
    return audit_folder(home) / DATABASE_NAME


def public_key_path(home: Path) -> Path:
    """Say where the public half of a home's trail key is."""
    return audit_folder(home) / PUBLIC_NAME


def read_second_sink(text: str) -> SecondSink:
    """Read `file:PATH` or `command:PROGRAM ARGUMENT...`, quoted as in a shell but never given to one.

    Raises:
        ConfigurationError: It is neither.
    """
    kind, _, rest = text.partition(":")
    if kind == "file" and rest:
        return SecondSink(file=Path(rest).expanduser().absolute())
    try:
        command = tuple(shlex.split(rest)) if kind == "command" else ()
    except ValueError as error:
        raise ConfigurationError(f"second audit sink {text!r}: {error}") from error
    if not command:
        raise ConfigurationError(
            f"second audit sink {text!r}: write file:PATH or command:PROGRAM ARGUMENT..."
        )
    return SecondSink(command=command)


def prepare_trail(
    home: Path,
    clock: Clock,
    entropy: Entropy,
    second: SecondSink | None = None,
    environment: Mapping[str, str] = BARE_ENVIRONMENT,
    pace: Pace | None = None,
) -> DurableTrail:
    """Build the trail of a home. `await trail.start()` opens it, `await trail.stop()` closes it.

    Args:
        home: The home, absolute. The trail lies in `audit/`, mode 0700.
        clock: Of the process.
        entropy: Of the process.
        second: The second sink, or None.
        environment: All that a command sees of the environment.
        pace: Bounds in time.

    Raises:
        ConfigurationError: The folder or the key cannot be used.
    """
    folder = audit_folder(home)
    try:
        make_folder(folder)
    except OSError as error:
        raise ConfigurationError(f"cannot use {folder}: {error.strerror}") from error
    path = audit_path(home)
    key = trail_key(folder, entropy, may_make=not path.exists() or path.stat().st_size == 0)
    openers: dict[str, SinkOpener] = {str(path): lambda: SqliteSink(path)}
    if second is not None and second.file is not None:
        file = second.file
        openers[str(file)] = lambda: FileSink(file)
    elif second is not None:
        openers[shlex.join(second.command)] = lambda: CommandSink(second.command, environment)
    return DurableTrail(openers, key.signer(), key.public.fingerprint, clock, entropy, pace)


def trail_key(folder: Path, entropy: Entropy, *, may_make: bool) -> PrivateKey:
    """Read the key that signs checkpoints, or make it.

    Args:
        folder: Of the trail.
        entropy: Makes it.
        may_make: False where a trail exists already, which no other key may go on signing.

    Raises:
        ConfigurationError: It is missing, can be read by others, or is no Ed25519 key.
    """
    path = folder / KEY_NAME
    if not path.exists():
        if not may_make:
            raise ConfigurationError(
                f"{path} is missing, though the trail beside it was signed with it: put it back"
            )
        write_new([(path, generate("ed25519", entropy).export(None, entropy))])
    if readable_by_others(path):
        raise ConfigurationError(f"{path} can be read by others: chmod 600 {path}")
    found = read_key(read_bounded(path))
    if isinstance(found, KeyProblem) or found.private is None or found.private.public.key_type != "ED25519":
        raise ConfigurationError(f"{path} holds no Ed25519 private key")
    write_atomically(folder / PUBLIC_NAME, found.private.public.pem().encode())
    return found.private


def public_trail_key(path: Path) -> PublicKey:
    """Read the public half, from the trail's folder or from wherever it was noted.

    Raises:
        ConfigurationError: There is none.
    """
    found = read_key(read_bounded(path))
    if isinstance(found, KeyProblem) or found.public is None or found.public.key_type != "ED25519":
        raise ConfigurationError(f"{path} holds no Ed25519 public key")
    return found.public
