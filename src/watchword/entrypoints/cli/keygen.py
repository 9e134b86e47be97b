"""`watchword keygen`: makes a key pair or an HMAC secret and writes it to new files. Never prints a secret."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from watchword.adapters.key_files import write_new
from watchword.adapters.system import SystemEntropy
from watchword.credentials.keypair import KEY_KINDS, KeyKind, PublicKey, generate
from watchword.credentials.model import new_hmac_secret
from watchword.credentials.pkcs8 import KDF_ROUNDS
from watchword.entrypoints.cli.key_terminal import (
    PASSPHRASE_SOURCES,
    Passphrase,
    faults_named,
    find_passphrase,
    warn,
)
from watchword.entrypoints.cli.output import show_json
from watchword.kernel.errors import ConfigurationError


class KeygenKind(StrEnum):
    """What can be made."""

    ED25519 = "ed25519"
    RSA_2048 = "rsa-2048"
    RSA_3072 = "rsa-3072"
    RSA_4096 = "rsa-4096"
    HMAC = "hmac"


def keygen(
    kind: Annotated[
        KeygenKind, typer.Argument(help="ed25519 is what Binance recommends.", show_default=False)
    ],
    out: Annotated[
        Path | None,
        typer.Option(
            "--out",
            "-o",
            help="Path without suffix; makes PATH.pem and PATH.pub.pem, or PATH.secret for hmac.",
            show_default="watchword-KIND",
        ),
    ] = None,
    passphrase_file: Annotated[
        Path | None, typer.Option(help="File whose first line is the passphrase.", show_default=False)
    ] = None,
    no_passphrase: Annotated[
        bool,
        typer.Option("--no-passphrase", help="Write the private key in plain, for a bot that cannot ask."),
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Make a key pair, or an HMAC secret.

    The private key is written as encrypted PKCS#8 (PBKDF2-HMAC-SHA256 with
    600,000 rounds, AES-256-CBC) to a new file that only you can read. Nothing
    is overwritten, and no other copy is made. The passphrase is asked for, or
    taken from --passphrase-file or the environment variable
    WATCHWORD_KEY_PASSPHRASE; it is never an argument.

    The public key file is what you paste into an API-management page.

    Example: watchword keygen ed25519 --out my-bot
    """
    base = out if out is not None else Path(f"watchword-{kind.value}")
    with faults_named(as_json=as_json):
        if kind is KeygenKind.HMAC:
            if passphrase_file is not None:
                raise ConfigurationError(
                    "an HMAC secret is one line of text and has no encrypted form; leave --passphrase-file out"
                )
            report = _make_hmac(base)
        else:
            passphrase = None if no_passphrase else _ask(passphrase_file)
            report = make_pair(next(k for k in KEY_KINDS if k == kind.value), base, passphrase)
    _show(report, as_json=as_json)


def make_pair(kind: KeyKind, base: Path, passphrase: Passphrase | None) -> dict[str, Any]:
    """Make a key pair and its two files.

    Args:
        kind: Type and size.
        base: Path to which `.pem` and `.pub.pem` are added.
        passphrase: Encrypts the private key; None leaves it in plain.

    Returns:
        What `--json` prints.

    Raises:
        ConfigurationError: A file exists or cannot be written.
    """
    entropy = SystemEntropy()
    key = generate(kind, entropy)
    private_path, public_path = _beside(base, ".pem"), _beside(base, ".pub.pem")
    content = key.export(passphrase.secret if passphrase else None, entropy)
    write_new([(private_path, content), (public_path, key.public.pem().encode("ascii"))])
    return _report(key.public, private_path, public_path, passphrase)


def _make_hmac(base: Path) -> dict[str, Any]:
    path = _beside(base, ".secret")
    write_new([(path, new_hmac_secret(SystemEntropy()).encode("ascii") + b"\n")])
    return {"key_type": "HMAC", "secret_file": str(path), "encrypted": False}


def _ask(file: Path | None) -> Passphrase:
    passphrase = find_passphrase(file, "Passphrase for the private key", confirm=True)
    if passphrase is None:
        raise ConfigurationError(
            f"no passphrase: type one, or give it by {PASSPHRASE_SOURCES}; "
            "--no-passphrase writes the private key in plain"
        )
    if passphrase.weakness is not None:
        warn(f"the passphrase is weak: {passphrase.weakness}")
    return passphrase


def _beside(base: Path, suffix: str) -> Path:
    return base.with_name(base.name + suffix)


def _report(
    public: PublicKey, private_path: Path, public_path: Path, passphrase: Passphrase | None
) -> dict[str, Any]:
    encrypted = passphrase is not None
    return {
        "key_type": public.key_type,
        "bits": public.bits,
        "fingerprint": public.fingerprint,
        "private_key_file": str(private_path),
        "public_key_file": str(public_path),
        "public_key": public.pem(),
        "encrypted": encrypted,
        "kdf": "PBKDF2-HMAC-SHA256" if encrypted else None,
        "kdf_rounds": KDF_ROUNDS if encrypted else None,
        "passphrase_weakness": passphrase.weakness if passphrase is not None else None,
    }


def _show(report: dict[str, Any], *, as_json: bool) -> None:
    if as_json:
        show_json(report)
        return
    if report["key_type"] == "HMAC":
        typer.echo(f"HMAC secret   {report['secret_file']}  (mode 0600, in plain: whoever reads it can sign)")
        return
    state = "encrypted" if report["encrypted"] else "NOT encrypted: whoever reads it can sign"
    typer.echo(f"{report['key_type']} key, {report['bits']} bits, {report['fingerprint']}")
    typer.echo(f"  private key   {report['private_key_file']}  (mode 0600, {state})")
    typer.echo(f"  public key    {report['public_key_file']}  (paste this one into the API-management page)")
    typer.echo(report["public_key"], nl=False)
