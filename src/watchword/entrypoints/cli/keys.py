"""Puts the key commands on the command line: keygen, sign, verify, key inspect. No behaviour of its own."""

import typer

from watchword.entrypoints.cli.key_inspect import inspect
from watchword.entrypoints.cli.keygen import keygen
from watchword.entrypoints.cli.sign import sign, verify

key_app = typer.Typer(no_args_is_help=True, help="Look at key files.")
key_app.command("inspect")(inspect)


@key_app.callback()
def _key() -> None:
    """Look at key files."""


def mount(app: typer.Typer) -> None:
    """Add the key commands to the command line's root."""
    app.command("keygen")(keygen)
    app.command("sign")(sign)
    app.command("verify")(verify)
    app.add_typer(key_app, name="key")
