"""Puts the key commands on the command line: keygen, sign, verify, key …, exec. No behaviour of its own."""

import typer

from watchword.entrypoints.cli import virtual_keys
from watchword.entrypoints.cli.exec import execute
from watchword.entrypoints.cli.key_inspect import inspect
from watchword.entrypoints.cli.keygen import keygen
from watchword.entrypoints.cli.sign import sign, verify

key_app = typer.Typer(no_args_is_help=True, help="Virtual keys of bots; and a look at key files.")
key_app.command("inspect")(inspect)
virtual_keys.mount(key_app)


@key_app.callback()
def _key() -> None:
    """Virtual keys of bots; and a look at key files."""


def mount(app: typer.Typer) -> None:
    """Add the key commands to the command line's root."""
    app.command("keygen")(keygen)
    app.command("sign")(sign)
    app.command("verify")(verify)
    app.add_typer(key_app, name="key")
    app.command("exec")(execute)
