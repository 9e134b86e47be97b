"""`watchword testnet key …`, what concerns many keys at once: the panic button, the rules, what they did, the templates.

Only parses, asks and prints.
"""

from typing import Annotated, Any

import typer

from watchword.config import read_settings
from watchword.entrypoints.cli.admin_client import administration, home_must_exist
from watchword.entrypoints.cli.output import say, show_json, show_table
from watchword.entrypoints.cli.testnet_options import AsJson, HomeOption, faults_shown
from watchword.entrypoints.testnet.admin import requests as ask

app = typer.Typer()


@app.command("delete-all")
def delete_all(
    account: Annotated[str, typer.Argument(help="Name or number of the account.")],
    home: HomeOption = None,
    as_json: AsJson = False,
) -> None:
    """Delete every API key of an account for good; their sessions end at once."""
    with faults_shown(as_json=as_json):
        settings = read_settings(home=home)
        home_must_exist(settings)
        with administration(settings, "watchword testnet key delete-all") as perform:
            done: dict[str, Any] = perform(ask.DeleteAllKeys(account))
        if as_json:
            show_json(done)
        else:
            say(f"Deleted {done['deleted_count']} keys of {done['account']}.")


@app.command()
def events(
    account: Annotated[str | None, typer.Option(help="Only this account's.")] = None,
    limit: Annotated[int, typer.Option(help="At most so many, newest first.", min=1, max=1_000)] = 100,
    home: HomeOption = None,
    as_json: AsJson = False,
) -> None:
    """Show what the rules did to keys since the start, and of what they warned."""
    with faults_shown(as_json=as_json):
        settings = read_settings(home=home)
        home_must_exist(settings)
        with administration(settings, "watchword testnet key events") as perform:
            found = perform(ask.ListKeyEvents(account or "", limit))
        if as_json:
            show_json(found)
        elif not found:
            say("Nothing happened to any key since the testnet started.")
        else:
            show_table("", ("at", "account", "what"), [(e["at"], e["account"], e["text"]) for e in found])


@app.command()
def rules(
    as_of: Annotated[
        str | None, typer.Option(help="A date, 2022-01-31, or a span from now.", show_default="now")
    ] = None,
    home: HomeOption = None,
    as_json: AsJson = False,
) -> None:
    """Show the key rules of a day, with their sources and what is not certain about them."""
    with faults_shown(as_json=as_json):
        settings = read_settings(home=home)
        home_must_exist(settings)
        with administration(settings, "watchword testnet key rules") as perform:
            found = perform(ask.ShowKeyRules(as_of or ""))
        if as_json:
            show_json(found)
            return
        for rule in found:
            say(f"{rule['says']}" + (f" Since {rule['since']}." if rule["since"] else ""))
            say(f"  source: {rule['source']}")
            if rule["doubt"]:
                say(f"  not certain: {rule['doubt']}")


@app.command()
def templates(home: HomeOption = None, as_json: AsJson = False) -> None:
    """Show the tasks a key can be made for, with the permissions each needs."""
    with faults_shown(as_json=as_json):
        settings = read_settings(home=home)
        home_must_exist(settings)
        with administration(settings, "watchword testnet key templates") as perform:
            found = perform(ask.ListKeyTemplates())
        if as_json:
            show_json(found)
        else:
            columns = ("template", "permissions", "says")
            show_table("", columns, [[one[column] for column in columns] for one in found])
