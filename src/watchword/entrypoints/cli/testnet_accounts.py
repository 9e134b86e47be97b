"""`watchword testnet account …`. Only parses, asks and prints."""

from typing import Annotated, Any

import typer

from watchword.config import read_settings
from watchword.entrypoints.cli.admin_client import administration, home_must_exist
from watchword.entrypoints.cli.output import show_json, show_table
from watchword.entrypoints.cli.testnet_options import AsJson, HomeOption, faults_shown, read_deposits
from watchword.entrypoints.testnet.admin import requests as ask
from watchword.kernel.errors import ConfigurationError

app = typer.Typer(no_args_is_help=True, help="Accounts of the testnet.")


@app.command()
def create(
    name: Annotated[str, typer.Argument(help="What to call it.")],
    deposit: Annotated[
        list[str] | None,
        typer.Option(
            metavar="ASSET=AMOUNT",
            help="Opening deposit, paid again at every reset; repeat for more.",
            show_default="some of every asset",
        ),
    ] = None,
    no_deposit: Annotated[bool, typer.Option("--no-deposit", help="Open it empty.")] = False,
    sub_account_of: Annotated[
        str,
        typer.Option(
            metavar="MASTER",
            help="Open it as a sub-account of this one: NAME is its email, or a virtual email is made of it.",
            show_default="a master account",
        ),
    ] = "",
    home: HomeOption = None,
    as_json: AsJson = False,
) -> None:
    """Open an account."""
    with faults_shown(as_json=as_json):
        if deposit and no_deposit:
            raise ConfigurationError("give --deposit or --no-deposit, not both")
        deposits = {} if no_deposit else read_deposits(deposit) if deposit else None
        with administration(read_settings(home=home), "watchword testnet account create") as perform:
            account = perform(ask.CreateAccount(name=name, deposits=deposits, parent=sub_account_of))
        if as_json:
            show_json(account)
        else:
            show_accounts([account])


@app.command("list")
def list_accounts(home: HomeOption = None, as_json: AsJson = False) -> None:
    """List accounts with their balances."""
    with faults_shown(as_json=as_json):
        settings = read_settings(home=home)
        home_must_exist(settings)
        with administration(settings, "watchword testnet account list") as perform:
            accounts = perform(ask.ListAccounts())
        if as_json:
            show_json(accounts)
        else:
            show_accounts(accounts)


def show_accounts(accounts: list[dict[str, Any]]) -> None:
    """Print accounts, one line per balance."""
    rows: list[tuple[object, ...]] = []
    for account in accounts:
        begin: tuple[object, ...] = (
            account["account_id"], account["account"], account["sub_account_of"] or "-"
        )  # fmt: skip
        for asset, balance in account["balances"].items() or [("-", {"free": "-", "locked": "-"})]:
            rows.append((*begin, asset, balance["free"], balance["locked"]))
            begin = (" ", " ", " ")
    show_table("", ("id", "account", "sub-account of", "asset", "free", "locked"), rows)
