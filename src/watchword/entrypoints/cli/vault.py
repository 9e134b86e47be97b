"""`watchword vault …`: make it, hold it, unseal and seal it, change its keys, back it up. Only parses, asks and prints."""

from contextlib import closing, suppress
from pathlib import Path
from typing import Annotated, Any

import typer

from watchword.config import home_folder
from watchword.entrypoints.cli.credential_show import show_status
from watchword.entrypoints.cli.output import say, show_json
from watchword.entrypoints.cli.vault_client import (
    AsJson,
    HomeOption,
    NobodyHoldsVaultError,
    ask,
    faults_shown,
    held,
)
from watchword.entrypoints.cli.vault_input import (
    Address,
    Demo,
    Kek,
    KekOption,
    KeyFile,
    KmsKey,
    Mount,
    PassphraseFile,
    Region,
    ask_passphrase,
    ask_shares,
    settings_of,
)
from watchword.kernel.errors import ConfigurationError

app = typer.Typer(
    no_args_is_help=True, help="Keeps real secrets encrypted; sealed until somebody unseals it."
)


@app.command()
def init(
    kek: Kek = KekOption.PASSPHRASE,
    passphrase_file: PassphraseFile = None,
    key_file: KeyFile = None,
    kms_key: KmsKey = "",
    region: Region = "",
    address: Address = "",
    mount: Mount = "transit",
    demo: Demo = False,
    home: HomeOption = None,
    as_json: AsJson = False,
) -> None:
    """Make a new, empty, sealed vault."""
    from watchword.bootstrap.vault_host import VaultHost
    from watchword.entrypoints.vault.operations import perform
    from watchword.entrypoints.vault.requests import CreateVault

    with faults_shown(as_json=as_json):
        folder = home_folder(home)
        settings = settings_of(kek, key_file, kms_key, region, address, mount)
        passphrase = (
            ask_passphrase(passphrase_file, "Passphrase of the new vault", new=True)
            if kek is KekOption.PASSPHRASE
            else None
        )
        request = CreateVault(kek.value, settings, passphrase, demo)
        if held(folder):
            ask(folder, request)
        else:
            # Nobody holds it, and there is no secret in it yet: this process holds the vault while it makes it.
            with closing(VaultHost.open(folder, "watchword vault init")) as host:
                perform(host, request)
        if as_json:
            show_json({"home": str(folder), "kek": kek.value, "demo": demo, "sealed": True})
        else:
            say(
                f"Vault made in {folder / 'vault'}, sealed. Next: watchword gateway serve, then watchword vault unseal"
            )


@app.command()
def host(
    unseal: Annotated[
        bool, typer.Option("--unseal", help="Unseal at start, for KEK sources that ask nobody.")
    ] = False,
    home: HomeOption = None,
) -> None:
    """Hold the vault until Ctrl-C. It starts sealed."""
    import asyncio

    from watchword.bootstrap.vault_host import VaultHost
    from watchword.entrypoints.vault.server import serve

    with faults_shown(as_json=False):
        opened = VaultHost.open(home_folder(home), "watchword vault host")
        asyncio.run(
            serve(opened, lambda state: say(f"Vault host ready: {state}  (Ctrl-C stops it)"), unseal=unseal)
        )


@app.command()
def unseal(
    passphrase_file: PassphraseFile = None,
    shares: Annotated[
        bool, typer.Option("--shares", help="Unseal with recovery shares; you are asked for them.")
    ] = False,
    share_file: Annotated[
        list[Path] | None,
        typer.Option(help="File with recovery shares, one a line; repeat for more; - is stdin."),
    ] = None,
    home: HomeOption = None,
    as_json: AsJson = False,
) -> None:
    """Let the vault use its KEK, so that it can sign."""
    from watchword.entrypoints.vault.requests import Unseal

    with faults_shown(as_json=as_json):
        folder = home_folder(home)
        _must_be_held(folder)
        if shares or share_file:
            request = Unseal(shares=ask_shares(share_file or []))
        else:
            passphrase = None
            if _kek_kind(folder) == KekOption.PASSPHRASE.value:
                passphrase = ask_passphrase(passphrase_file, "Passphrase of the vault", new=False)
            request = Unseal(passphrase)
        _show_unsealed(ask(folder, request), as_json=as_json)


@app.command()
def seal(home: HomeOption = None, as_json: AsJson = False) -> None:
    """Forget the KEK at once: from now on nothing can be signed."""
    from watchword.entrypoints.vault.requests import Seal

    with faults_shown(as_json=as_json):
        with suppress(NobodyHoldsVaultError):
            ask(home_folder(home), Seal())
        if as_json:
            show_json({"sealed": True})
        else:
            say("Sealed.")


@app.command()
def status(home: HomeOption = None, as_json: AsJson = False) -> None:
    """Show whether the vault is sealed, what it holds and how its process is protected."""
    from watchword.entrypoints.vault.requests import ShowStatus

    with faults_shown(as_json=as_json):
        folder = home_folder(home)
        try:
            answer = {"held": True, **ask(folder, ShowStatus())}
        except NobodyHoldsVaultError:
            answer = {"held": False, "sealed": True, "vault": _view(folder)}
        if as_json:
            show_json(answer)
        else:
            show_status(answer)


@app.command()
def rekey(
    kek: Kek,
    passphrase_file: PassphraseFile = None,
    key_file: KeyFile = None,
    kms_key: KmsKey = "",
    region: Region = "",
    address: Address = "",
    mount: Mount = "transit",
    demo: Demo = False,
    home: HomeOption = None,
    as_json: AsJson = False,
) -> None:
    """Change where the key to everything is kept: another passphrase, another source. Needs an unsealed vault."""
    from watchword.entrypoints.vault.requests import Rekey

    with faults_shown(as_json=as_json):
        folder = home_folder(home)
        _must_be_held(folder)
        settings = settings_of(kek, key_file, kms_key, region, address, mount)
        passphrase = (
            ask_passphrase(passphrase_file, "New passphrase of the vault", new=True)
            if kek is KekOption.PASSPHRASE
            else None
        )
        ask(folder, Rekey(kek.value, settings, passphrase, demo))
        if as_json:
            show_json({"kek": kek.value})
        else:
            say(f"The vault now opens with: {kek.value}. Older backups still open with the old one.")


@app.command()
def rewrap(home: HomeOption = None, as_json: AsJson = False) -> None:
    """Draw a new KEK and wrap every secret's key under it; no secret is entered again. Needs an unsealed vault."""
    from watchword.entrypoints.vault.requests import Rewrap

    with faults_shown(as_json=as_json):
        done = ask(home_folder(home), Rewrap())
        if as_json:
            show_json({"rewrapped": done["count"]})
        else:
            say(f"New KEK; {done['count']} secrets re-wrapped.")


@app.command()
def shares(
    threshold: Annotated[int, typer.Option(help="How many open the vault.")],
    count: Annotated[int, typer.Option(help="How many to make.")],
    out: Annotated[
        Path | None, typer.Option(help="Folder for one new file per share (0600), instead of showing them.")
    ] = None,
    home: HomeOption = None,
    as_json: AsJson = False,
) -> None:
    """Make recovery shares, for when the passphrase or the key is lost. An older set opens nothing any more."""
    from watchword.entrypoints.cli.vault_shares import deliver
    from watchword.entrypoints.vault.requests import MakeShares

    with faults_shown(as_json=as_json):
        made = ask(home_folder(home), MakeShares(threshold, count))["shares"]
        deliver(made, threshold, out, as_json=as_json)


@app.command()
def backup(
    file: Annotated[Path, typer.Argument(help="New file.")], home: HomeOption = None, as_json: AsJson = False
) -> None:
    """Write the vault, all of it encrypted, to one file. Works sealed, unsealed, and beside its process."""
    from watchword.adapters.key_files import write_new
    from watchword.adapters.vault_store.backup import frame
    from watchword.bootstrap.vault_view import store_of

    with faults_shown(as_json=as_json):
        content = frame(store_of(home_folder(home)).content())
        write_new([(file, content)])
        if as_json:
            show_json({"file": str(file), "bytes": len(content)})
        else:
            say(f"{file}: {len(content)} bytes. It opens with what opens the vault now; keep that elsewhere.")


@app.command()
def restore(
    file: Annotated[Path, typer.Argument(help="What `backup` wrote.")],
    replace: Annotated[
        bool, typer.Option("--replace", help="Move a vault that is there aside; it is kept.")
    ] = False,
    home: HomeOption = None,
    as_json: AsJson = False,
) -> None:
    """Bring a backup back. Nobody may hold the vault meanwhile."""
    from watchword.adapters.vault_store.backup import read_backup
    from watchword.bootstrap.vault_host import VaultHost

    with faults_shown(as_json=as_json):
        folder = home_folder(home)
        content = read_backup(file)
        with closing(VaultHost.open(folder, "watchword vault restore")) as holder:
            aside = holder.restore(content, replace=replace)
        if as_json:
            show_json({"restored": str(file), "kept": str(aside) if aside else None})
        else:
            say(f"Restored from {file}." + (f" What was there is {aside}." if aside else ""))


def _must_be_held(folder: Path) -> None:
    """Refuse before anything is typed."""
    if not held(folder):
        raise NobodyHoldsVaultError


def _view(folder: Path) -> dict[str, Any] | None:
    """Look at the store without any key."""
    import msgspec

    from watchword.bootstrap.vault_view import store_of, view

    store = store_of(folder)
    found: dict[str, Any] | None = msgspec.to_builtins(view(store)) if store.exists() else None
    return found


def _kek_kind(folder: Path) -> str:
    found = _view(folder)
    if found is None:
        raise ConfigurationError("there is no vault in this home; make one with: watchword vault init")
    return str(found["kek"]["kind"])


def _show_unsealed(answer: dict[str, Any], *, as_json: bool) -> None:
    if as_json:
        show_json(answer)
        return
    say(f"Unsealed: {answer['secrets']} secrets.")
    if answer["taken"]:
        say(f"Taken in: {', '.join(answer['taken'])}.")
    if answer["rewrapped"]:
        say(f"An interrupted re-wrapping was finished: {answer['rewrapped']} secrets.")
    for secret_id, reason in answer["refused"]:
        say(f"Not taken in: {secret_id}: {reason}")
