"""`watchword testnet address …`: where an account may withdraw to. Only parses, asks and prints."""

from typing import Annotated, Any

import typer

from watchword.config import read_settings
from watchword.entrypoints.cli.admin_client import administration, home_must_exist
from watchword.entrypoints.cli.output import show_json, show_table
from watchword.entrypoints.cli.testnet_options import AsJson, HomeOption, faults_shown
from watchword.entrypoints.testnet.admin import requests as ask

app = typer.Typer(no_args_is_help=True, help="Where accounts of the testnet may withdraw to.")

AccountArgument = Annotated[str, typer.Argument(help="Name or number of the account.")]
AssetArgument = Annotated[str, typer.Argument(help="For example BTC.")]
AddressArgument = Annotated[str, typer.Argument(help="Compared to the letter.")]


@app.command()
def allow(
    account: AccountArgument,
    asset: AssetArgument,
    address: AddressArgument,
    name: Annotated[str, typer.Option(help="What to call it.")] = "",
    home: HomeOption = None,
    as_json: AsJson = False,
) -> None:
    """Enter an address into an account's address book; only such addresses can be withdrawn to."""
    request = ask.AllowWithdrawal(account=account, asset=asset, address=address, name=name)
    _ask(request, "allow", home, as_json=as_json)


@app.command()
def forget(
    account: AccountArgument,
    asset: AssetArgument,
    address: AddressArgument,
    home: HomeOption = None,
    as_json: AsJson = False,
) -> None:
    """Take an address out of an account's address book."""
    request = ask.ForgetWithdrawal(account=account, asset=asset, address=address)
    _ask(request, "forget", home, as_json=as_json)


@app.command("list")
def list_addresses(account: AccountArgument, home: HomeOption = None, as_json: AsJson = False) -> None:
    """List an account's address book."""
    _ask(ask.ListAddresses(account=account), "list", home, as_json=as_json)


def _ask(
    request: ask.AllowWithdrawal | ask.ForgetWithdrawal | ask.ListAddresses,
    command: str,
    home: HomeOption,
    *,
    as_json: bool,
) -> None:
    with faults_shown(as_json=as_json):
        settings = read_settings(home=home)
        home_must_exist(settings)
        with administration(settings, f"watchword testnet address {command}") as perform:
            book: dict[str, Any] = perform(request)
        if as_json:
            show_json(book)
            return
        rows = [(one["asset"], one["network"], one["address"], one["name"]) for one in book["addresses"]]
        show_table(f"Address book of {book['account']}", ("asset", "network", "address", "name"), rows)
