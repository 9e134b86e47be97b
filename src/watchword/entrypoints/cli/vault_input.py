"""What the vault commands take in: passphrases, recovery shares, choices of a KEK source. Never from argv, never echoed."""

import sys
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Final

import typer

from watchword.adapters.key_files import read_bounded
from watchword.credentials.passphrase import PASSPHRASE_BYTES_MAX, weakness
from watchword.entrypoints.cli.key_terminal import terminal_present, warn, warn_if_readable
from watchword.kernel.errors import ConfigurationError
from watchword.kernel.secret import Secret

STDIN: Final = Path("-")
SECRET_BYTES_MAX: Final = 8_192


class KekOption(StrEnum):
    """KEK sources by the names of their adapters."""

    PASSPHRASE = "passphrase"  # noqa: S105 - a name, not a passphrase
    KEY_FILE = "key-file"
    KEYRING = "keyring"
    ENVIRONMENT = "environment"
    TRANSIT = "transit"
    AWS_KMS = "aws-kms"
    GCP_KMS = "gcp-kms"


Kek = Annotated[
    KekOption,
    typer.Option(
        "--kek",
        help="Where the key to everything is kept. environment: WATCHWORD_VAULT_KEK or _FILE. transit: HashiCorp Vault, OpenBao.",
    ),
]
PassphraseFile = Annotated[
    Path | None,
    typer.Option(
        help="File whose first line is the passphrase; - is standard input. Without it you are asked."
    ),
]
KeyFile = Annotated[Path | None, typer.Option(help="New key file, for --kek key-file.")]
KmsKey = Annotated[
    str, typer.Option(help="Key of aws-kms (id, ARN, alias), gcp-kms (resource name) or transit (name).")
]
Region = Annotated[str, typer.Option(help="AWS region, if not the environment's.")]
Address = Annotated[str, typer.Option(help="Of the transit engine, for example https://vault:8200.")]
Mount = Annotated[str, typer.Option(help="Where the transit engine is mounted.")]
Demo = Annotated[
    bool,
    typer.Option(
        "--demo", help="A key file beside the vault, for trying things; live credentials are refused."
    ),
]


def settings_of(
    kek: KekOption, key_file: Path | None, key: str, region: str, address: str, mount: str
) -> dict[str, str]:
    """Collect what a KEK source needs, and refuse what does not belong to it.

    Raises:
        ConfigurationError: An option is missing or belongs to another source.
    """
    given = {
        "path": str(key_file.absolute()) if key_file else "",
        "key": key,
        "region": region,
        "address": address,
    }
    wanted: dict[KekOption, tuple[str, ...]] = {
        KekOption.KEY_FILE: ("path",),
        KekOption.TRANSIT: ("key", "address"),
        KekOption.AWS_KMS: ("key", "region"),
        KekOption.GCP_KMS: ("key",),
    }
    needed = wanted.get(kek, ())
    names = {"path": "--key-file", "key": "--kms-key", "region": "--region", "address": "--address"}
    for name, value in given.items():
        if value and name not in needed:
            raise ConfigurationError(f"{names[name]} does not belong to --kek {kek.value}")
        if not value and name in needed and name != "region":
            raise ConfigurationError(f"--kek {kek.value} needs {names[name]}")
    chosen = {name: given[name] for name in needed if given[name]}
    return chosen | ({"mount": mount} if kek is KekOption.TRANSIT else {})


def ask_passphrase(file: Path | None, question: str, *, new: bool) -> Secret:
    """Get a passphrase from a file, from standard input (`-`), or from the terminal.

    Args:
        file: What --passphrase-file named.
        question: What to ask.
        new: Ask twice, and say what makes it weak.

    Raises:
        ConfigurationError: There is none, and nobody to ask.
    """
    if file == STDIN:
        raw = sys.stdin.buffer.readline(SECRET_BYTES_MAX)
    elif file is not None:
        warn_if_readable(file)
        raw = read_bounded(file).partition(b"\n")[0]
    elif terminal_present():
        raw = typer.prompt(question, hide_input=True, confirmation_prompt=new, err=True).encode(
            "utf-8", "surrogateescape"
        )
    else:
        raise ConfigurationError(
            "no passphrase: type it at a terminal, or give --passphrase-file FILE (- is stdin)"
        )
    raw = raw.removesuffix(b"\n").removesuffix(b"\r")
    if not 0 < len(raw) <= PASSPHRASE_BYTES_MAX:
        raise ConfigurationError(f"a passphrase has 1 to {PASSPHRASE_BYTES_MAX} bytes")
    if new and (weak := weakness(raw.decode("utf-8", "replace"))):
        warn(f"the passphrase is weak: {weak}")
    return Secret(raw)


def ask_shares(files: list[Path]) -> list[Secret]:
    """Get recovery shares: from files with one or more lines each, or typed until an empty line.

    Raises:
        ConfigurationError: There are none, and nobody to ask.
    """
    found: list[Secret] = []
    for file in files:
        raw = sys.stdin.buffer.read(SECRET_BYTES_MAX) if file == STDIN else read_bounded(file)
        found += [Secret(line.strip()) for line in raw.splitlines() if line.strip()]
    if not files:
        if not terminal_present():
            raise ConfigurationError(
                "no recovery shares: type them at a terminal, or give --share-file FILE (- is stdin)"
            )
        while typed := typer.prompt(
            f"Share {len(found) + 1} (empty to end)",
            default="",
            show_default=False,
            hide_input=True,
            err=True,
        ):
            found.append(Secret(typed.encode("utf-8", "replace")))
    if not found:
        raise ConfigurationError("no recovery share was given")
    return found


def ask_secret(file: Path | None, *, from_stdin: bool) -> Secret:
    """Get a credential's secret from a file, from standard input, or from the terminal.

    Raises:
        ConfigurationError: There is none, it is too long, or nobody can be asked.
    """
    if file is not None and from_stdin:
        raise ConfigurationError("give --secret-file or --secret-stdin, not both")
    if from_stdin:
        raw = sys.stdin.buffer.read(SECRET_BYTES_MAX + 1)
    elif file is not None:
        warn_if_readable(file)
        raw = read_bounded(file)
    elif terminal_present():
        typed = typer.prompt(
            "Secret (an HMAC secret; a private key comes by --secret-file)", hide_input=True, err=True
        )
        raw = typed.encode("utf-8", "replace")
    else:
        raise ConfigurationError(
            "no secret: type it at a terminal, or give --secret-file FILE or --secret-stdin"
        )
    if not 0 < len(raw.strip()) <= SECRET_BYTES_MAX:
        raise ConfigurationError(f"a secret has 1 to {SECRET_BYTES_MAX} bytes")
    return Secret(raw)
