"""`watchword credential …`: real credentials. Only parses, encrypts to the vault, asks and prints; decrypts nothing.

No command here can show a secret: the vault's process has no answer with one in it.
"""

from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from watchword.config import home_folder
from watchword.entrypoints.cli.credential_show import show_check, show_credential, show_list
from watchword.entrypoints.cli.output import say, show_json
from watchword.entrypoints.cli.vault_client import AsJson, HomeOption, ask, faults_shown
from watchword.kernel.errors import ConfigurationError

app = typer.Typer(no_args_is_help=True, help="Real API keys: made in the vault, or put into it once.")


class UpstreamOption(StrEnum):
    """Exchanges a credential can belong to."""

    LIVE = "live"
    TESTNET = "testnet"
    DEMO = "demo"
    LOCAL = "local"


class Generated(StrEnum):
    """Pairs the vault makes."""

    ED25519 = "ed25519"
    RSA_2048 = "rsa-2048"
    RSA_3072 = "rsa-3072"
    RSA_4096 = "rsa-4096"


class FormatOption(StrEnum):
    """Files secrets are imported from."""

    AUTO = "auto"
    FREQTRADE = "freqtrade"
    CCXT = "ccxt"
    HUMMINGBOT = "hummingbot"
    ENV = "env"
    PEM = "pem"


_PERMISSION_HELP: Final = (
    "What you mean it to do, compared by `check`: reading, trading, withdrawals, margin, futures …"
)

Upstream = Annotated[
    UpstreamOption,
    typer.Option("--upstream", help="The one exchange it belongs to; it is never sent to another."),
]
Label = Annotated[str, typer.Option(help="What you call it; unique.")]
Permissions = Annotated[list[str] | None, typer.Option("--permission", help=_PERMISSION_HELP)]
Notes = Annotated[str, typer.Option(help="Free text.")]
Reference = Annotated[
    str, typer.Argument(metavar="CREDENTIAL", help="Its label, its id, or a beginning of the id.")
]
KeyPassphrase = Annotated[
    Path | None,
    typer.Option(
        "--passphrase-file",
        help="File with the passphrase of a private key, or hummingbot's password; - is stdin.",
    ),
]


@app.command()
def create(
    generate: Annotated[Generated, typer.Option("--generate", help="ed25519 is what Binance recommends.")],
    upstream: Upstream,
    label: Label,
    permission: Permissions = None,
    notes: Notes = "",
    home: HomeOption = None,
    as_json: AsJson = False,
) -> None:
    """Make a key pair inside the vault and print its public half, to be registered at the exchange."""
    from watchword.entrypoints.cli.credential_intake import declared
    from watchword.entrypoints.vault.requests import GenerateCredential

    with faults_shown(as_json=as_json):
        request = GenerateCredential(generate.value, label, upstream.value, declared(permission), notes)
        made = ask(home_folder(home), request)
        if as_json:
            show_json(made)
            return
        say(f"{made['label']}  {made['id']}  {made['key_type']}  {made['fingerprint']}")
        typer.echo(made["public_key"], nl=False)
        say(
            "Register this public key at the exchange, then: watchword credential register "
            + made["label"]
            + " API_KEY"
        )


@app.command()
def register(
    reference: Reference,
    api_key: Annotated[str, typer.Argument(help="What the exchange gave for the public key.")],
    home: HomeOption = None,
    as_json: AsJson = False,
) -> None:
    """Write down the API key of a pair that was made in the vault."""
    from watchword.entrypoints.cli.credential_intake import resolve
    from watchword.entrypoints.vault.requests import RegisterCredential

    with faults_shown(as_json=as_json):
        folder = home_folder(home)
        changed = ask(folder, RegisterCredential(resolve(folder, reference).record.id, api_key.strip()))
        show_credential(changed, "in vault", as_json=as_json)


@app.command()
def add(
    upstream: Upstream,
    label: Label,
    api_key: Annotated[str, typer.Option(help="Its public name at the exchange, 64 letters and digits.")],
    secret_file: Annotated[
        Path | None, typer.Option(help="File with the HMAC secret, or a private key in any dialect.")
    ] = None,
    secret_stdin: Annotated[
        bool, typer.Option("--secret-stdin", help="Read the secret from standard input.")
    ] = False,
    passphrase_file: KeyPassphrase = None,
    permission: Permissions = None,
    notes: Notes = "",
    home: HomeOption = None,
    as_json: AsJson = False,
) -> None:
    """Put a credential into the vault: asked for, from standard input or from a file; never an argument.

    It is encrypted to the vault's public key here. A sealed vault takes it in when it is next unsealed.
    """
    from watchword.bootstrap.credential_intake import Brought
    from watchword.entrypoints.cli.credential_intake import bring, declared
    from watchword.entrypoints.cli.vault_input import ask_secret

    with faults_shown(as_json=as_json):
        brought = Brought(
            label, upstream.value, api_key.strip(), ask_secret(secret_file, from_stdin=secret_stdin),
            str(secret_file or "FILE"), declared(permission), notes,
        )  # fmt: skip
        done = bring(home_folder(home), brought, passphrase_file)
        show_credential(done.record, done.state, as_json=as_json)


@app.command(name="import")
def import_file(
    file: Annotated[Path, typer.Argument(help="The file a bot keeps its secret in.")],
    upstream: Upstream,
    file_format: Annotated[
        FormatOption, typer.Option("--format", help="What kind of file it is.")
    ] = FormatOption.AUTO,
    label: Annotated[str, typer.Option(help="What you call it.", show_default="the file's name")] = "",
    api_key: Annotated[str, typer.Option(help="Where the file has none: key files.")] = "",
    passphrase_file: KeyPassphrase = None,
    blank: Annotated[
        bool | None,
        typer.Option(
            "--blank/--no-blank", help="Take the secret out of the file afterwards.", show_default="ask"
        ),
    ] = None,
    permission: Permissions = None,
    notes: Notes = "",
    home: HomeOption = None,
    as_json: AsJson = False,
) -> None:
    """Import from a freqtrade or ccxt configuration, an encrypted hummingbot file, a .env file or a private key file."""
    from watchword.entrypoints.cli.credential_import import Wanted, import_from

    with faults_shown(as_json=as_json):
        wanted = Wanted(file, file_format.value, upstream.value, label, api_key.strip(), permission, notes)
        done = import_from(home_folder(home), wanted, passphrase_file, blank, as_json=as_json)
        if as_json:
            show_json(done)


@app.command(name="list")
def list_all(home: HomeOption = None, as_json: AsJson = False) -> None:
    """List credentials. Works sealed; there is nothing secret in it."""
    from watchword.bootstrap.vault_view import listed, store_of

    with faults_shown(as_json=as_json):
        show_list(listed(store_of(home_folder(home))), as_json=as_json)


@app.command()
def show(reference: Reference, home: HomeOption = None, as_json: AsJson = False) -> None:
    """Show one credential; never its secret."""
    from watchword.entrypoints.cli.credential_intake import resolve

    with faults_shown(as_json=as_json):
        found = resolve(home_folder(home), reference)
        show_credential(found.record, found.state, as_json=as_json)


@app.command()
def check(reference: Reference, home: HomeOption = None, as_json: AsJson = False) -> None:
    """Ask the exchange what the key may do, from where, and for how long; compare with what was declared."""
    from watchword.entrypoints.cli.credential_intake import resolve
    from watchword.entrypoints.vault.requests import CheckCredential

    with faults_shown(as_json=as_json):
        folder = home_folder(home)
        report: dict[str, Any] = ask(folder, CheckCredential(resolve(folder, reference).record.id))
        show_check(report, as_json=as_json)
    if not report["accepted"]:
        raise typer.Exit(1)


@app.command()
def remove(
    reference: Reference,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    home: HomeOption = None,
    as_json: AsJson = False,
) -> None:
    """Delete a credential and its secret from the vault for good. At the exchange it stays until you delete it there."""
    from watchword.entrypoints.cli.credential_intake import drop, resolve

    with faults_shown(as_json=as_json):
        folder = home_folder(home)
        found = resolve(folder, reference)
        if not yes and not typer.confirm(
            f"Delete {found.record.label!r} ({found.record.id}) for good?", err=True
        ):
            raise ConfigurationError("nothing was deleted")
        drop(folder, found)
        if as_json:
            show_json({"removed": found.record.id})
        else:
            say(f"Removed {found.record.label}.")
