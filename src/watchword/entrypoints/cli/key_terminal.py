"""What the key commands share at the terminal: asking for passphrases, naming refusals. Never prints a secret."""

import os
import shlex
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NoReturn

import msgspec
import typer

from watchword.adapters.key_files import read_bounded, readable_by_others
from watchword.credentials.key_problem import KeyProblem
from watchword.credentials.passphrase import PASSPHRASE_BYTES_MAX, weakness
from watchword.entrypoints.cli import output
from watchword.kernel.errors import ConfigurationError
from watchword.kernel.secret import Secret

#: Names config.KEY_PASSPHRASE_VARIABLE in words, because importing config takes longer than `--help` should.
PASSPHRASE_SOURCES = "--passphrase-file or the environment variable WATCHWORD_KEY_PASSPHRASE"  # noqa: S105


class Passphrase(msgspec.Struct, frozen=True):
    """A passphrase and what is wrong with it.

    Attributes:
        secret: Its UTF-8 bytes, boxed.
        weakness: What makes it easy to guess; None where nothing was found.
    """

    secret: Secret
    weakness: str | None


def find_passphrase(file: Path | None, question: str | None, *, confirm: bool = False) -> Passphrase | None:
    """Find a passphrase: in a file, else in the environment, else by asking at the terminal.

    Args:
        file: What --passphrase-file named; one trailing line end does not count.
        question: What to ask; None never asks.
        confirm: Ask twice.

    Returns:
        The passphrase, or None where there is none and nobody to ask.

    Raises:
        ConfigurationError: The file cannot be read, is empty, or the passphrase is too long.
    """
    from watchword import config

    if file is not None:
        warn_if_readable(file)
        return _boxed(_from_file(file))
    text = config.key_passphrase()
    if text is None and question is not None and terminal_present():
        text = typer.prompt(
            question, hide_input=True, confirmation_prompt=confirm, default="", show_default=False, err=True
        )
    return _boxed(text) if text else None


def terminal_present() -> bool:
    """Whether somebody can be asked."""
    return sys.stdin.isatty() or sys.stderr.isatty()


def warn_if_readable(path: Path) -> None:
    """Warn about a file with a secret in it that others may read, with the command that closes it."""
    if readable_by_others(path):
        warn(f"others on this machine can read {path}; close it: chmod 600 {shlex.quote(str(path))}")


def warn(text: str) -> None:
    """Say something on stderr, so that stdout stays what scripts expect."""
    typer.secho(f"Warning: {text}", err=True, fg=typer.colors.YELLOW)


def refuse(problem: KeyProblem, path: Path, *, as_json: bool) -> NoReturn:
    """Say why a key file cannot be used and leave with status 1."""
    placed = problem.with_path(str(path))
    if as_json:
        output.show_json({"error": {"reason": placed.reason, "found": placed.found, "fix": placed.fix}})
    else:
        typer.secho(f"{path}: {placed.found}.", err=True, fg=typer.colors.RED)
        typer.echo(f"  To fix it:  {placed.fix}", err=True)
    raise typer.Exit(output.EXIT_REFUSED)


@contextmanager
def faults_named(*, as_json: bool) -> Iterator[None]:
    """Turn a ConfigurationError into one line and status 1, instead of a traceback."""
    try:
        yield
    except ConfigurationError as error:
        if as_json:
            output.show_json({"error": {"reason": "configuration", "found": str(error), "fix": ""}})
            raise typer.Exit(output.EXIT_REFUSED) from error
        output.refuse(str(error))


def read_payload(text: str) -> bytes:
    """Return the payload's bytes: the argument, or stdin where it is `-`. Not one byte is added or taken away."""
    payload = sys.stdin.buffer.read() if text == "-" else os.fsencode(text)
    if payload.endswith(b"\n"):
        warn(
            "the payload ends with a line end, which is part of what is signed; printf sends none, echo does"
        )
    return payload


def _from_file(file: Path) -> str:
    raw = read_bounded(file)
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError as error:
        raise ConfigurationError(f"{file} is not UTF-8 text") from error
    text = text.removesuffix("\n").removesuffix("\r")
    if not text:
        raise ConfigurationError(f"{file} is empty; the passphrase is its first line")
    return text


def _boxed(text: str) -> Passphrase:
    raw = text.encode("utf-8", "surrogateescape")
    if len(raw) > PASSPHRASE_BYTES_MAX:
        raise ConfigurationError(f"the passphrase is longer than {PASSPHRASE_BYTES_MAX} bytes")
    return Passphrase(Secret(raw), weakness(text))
