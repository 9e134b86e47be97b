"""`watchword key inspect`: says what a key file is. Never shows the private half."""

from pathlib import Path
from typing import Annotated, Any

import typer

from watchword.adapters.key_files import read_bounded, readable_by_others
from watchword.credentials.key_problem import KeyProblem
from watchword.credentials.pem import KeyFile, read_key
from watchword.entrypoints.cli.key_terminal import (
    faults_named,
    find_passphrase,
    refuse,
    warn_if_readable,
)
from watchword.entrypoints.cli.output import show_json


def inspect(
    file: Annotated[Path, typer.Argument(help="Key file, PEM or any other dialect.", show_default=False)],
    passphrase_file: Annotated[
        Path | None, typer.Option(help="File whose first line is the passphrase.", show_default=False)
    ] = None,
    public: Annotated[bool, typer.Option("--public", help="Also print the public key as PEM.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Show what a key file holds: type, size, fingerprint, and whether it is encrypted.

    An encrypted file is opened where a passphrase is given: by
    --passphrase-file, the environment variable WATCHWORD_KEY_PASSPHRASE, or at
    the prompt (Enter leaves it closed). What cannot be used is named, with the
    command that fixes it.

    Example: watchword key inspect my-bot.pem
    """
    with faults_named(as_json=as_json):
        found = _read(file, passphrase_file)
    if isinstance(found, KeyProblem):
        refuse(found, file, as_json=as_json)
    report = _report(file, found)
    if as_json:
        show_json(report)
        return
    _show(report, with_public=public)
    if report["private"]:
        warn_if_readable(file)


def _read(file: Path, passphrase_file: Path | None) -> KeyFile | KeyProblem:
    raw = read_bounded(file)
    found = read_key(raw)
    if isinstance(found, KeyProblem) or found.encryption is None:
        return found
    passphrase = find_passphrase(passphrase_file, f"Passphrase of {file} (Enter leaves it closed)")
    return found if passphrase is None else read_key(raw, passphrase.secret)


def _report(file: Path, found: KeyFile) -> dict[str, Any]:
    key, encryption = found.public, found.encryption
    return {
        "file": str(file),
        "form": found.form,
        "private": found.private is not None or encryption is not None,
        "opened": encryption is None or found.private is not None,
        "encrypted": encryption is not None,
        "encryption": str(encryption) if encryption is not None else None,
        "encryption_weak": encryption.weak if encryption is not None else None,
        "key_type": key.key_type if key is not None else None,
        "bits": key.bits if key is not None else None,
        "fingerprint": key.fingerprint if key is not None else None,
        "public_key": key.pem() if key is not None else None,
        "readable_by_others": readable_by_others(file),
    }


def _show(report: dict[str, Any], *, with_public: bool) -> None:
    half = "private key" if report["private"] else "public key"
    kind = (
        f"{report['key_type']}, {report['bits']} bits" if report["key_type"] else "unknown until it is opened"
    )
    typer.echo(f"file          {report['file']}  ({report['form']}, {half})")
    typer.echo(f"type          {kind}")
    typer.echo(f"fingerprint   {report['fingerprint'] or 'unknown until it is opened'}")
    if not report["private"]:
        typer.echo("encrypted     no (public keys need not be)")
    elif not report["encrypted"]:
        typer.echo("encrypted     NO: whoever reads the file can sign")
    else:
        weak = "; weak: make it anew with watchword keygen" if report["encryption_weak"] else ""
        typer.echo(f"encrypted     yes ({report['encryption']}{weak})")
    if with_public and report["public_key"]:
        typer.echo(report["public_key"], nl=False)
