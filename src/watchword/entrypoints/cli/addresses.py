"""`watchword factor add-address …`, `contact …`: addresses codes go to, and where you are reached. Only parses, asks and prints."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from watchword.entrypoints.cli.output import say, show_fields, show_json
from watchword.entrypoints.cli.signing_in import CodeFile, management, secret_line
from watchword.entrypoints.cli.vault_client import AsJson, HomeOption, faults_shown

app = typer.Typer(no_args_is_help=True, help="Where you are reached: mail address and phone number.")


class ChannelOption(StrEnum):
    """Over what a code goes to people."""

    MAIL = "mail"
    SMS = "sms"


ChannelName = Annotated[ChannelOption, typer.Argument(help="How codes get there.")]
Address = Annotated[
    str, typer.Argument(help="Mail address in lower case, or phone number such as +4930123456.")
]
Replaces = Annotated[str, typer.Option(help="Id of another address of yours that goes in the same step.")]
QUESTION = "Code that was sent"


def add_address(
    channel: ChannelName,
    address: Address,
    replaces: Replaces = "",
    home: HomeOption = None,
    as_json: AsJson = False,
) -> None:
    """Set up codes by mail or text message. A code is sent; you are asked for it.

    With --json it prints the factor's id and ends; confirm with: watchword factor confirm-address
    """
    with faults_shown(as_json=as_json):
        body = {"channel": channel.value, "address": address}
        started = management(home).call("POST", "/self/factors/addresses", body)
        if as_json:
            show_json(started)
            return
        say(f"A code is on its way to {address}.")
        show_fields(_confirmed(home, started["id"], replaces, None)["factor"])


def confirm_address(
    factor: Annotated[str, typer.Argument(help="Id of the address that was set up.")],
    replaces: Replaces = "",
    code_file: CodeFile = None,
    home: HomeOption = None,
    as_json: AsJson = False,
) -> None:
    """Confirm an address with the code that was sent to it."""
    with faults_shown(as_json=as_json):
        added = _confirmed(home, factor, replaces, code_file)["factor"]
        if as_json:
            show_json(added)
        else:
            show_fields(added)


@app.command("change")
def change_contact(
    channel: ChannelName, address: Address, home: HomeOption = None, as_json: AsJson = False
) -> None:
    """Change or confirm your mail address or phone number. A code is sent; you are asked for it.

    The address before is told. With --json it prints the change's id and ends;
    confirm with: watchword contact confirm
    """
    with faults_shown(as_json=as_json):
        body = {"channel": channel.value, "address": address}
        started = management(home).call("POST", "/self/contact/codes", body)
        if as_json:
            show_json(started)
            return
        say(f"A code is on its way to {address}.")
        _contact_confirmed(home, started["id"], None, as_json=False)


@app.command("confirm")
def confirm_contact(
    change: Annotated[str, typer.Argument(help="Id of the change that waits for its code.")],
    code_file: CodeFile = None,
    home: HomeOption = None,
    as_json: AsJson = False,
) -> None:
    """Take a mail address or phone number with the code that was sent to it."""
    with faults_shown(as_json=as_json):
        _contact_confirmed(home, change, code_file, as_json=as_json)


def _confirmed(home: Path | None, factor: str, replaces: str, code_file: Path | None) -> Any:
    from watchword.entrypoints.cli.management_client import at

    api = management(home)
    body = {"code": secret_line(code_file, QUESTION), "replaces": replaces}
    added = api.call("POST", at("/self/factors/addresses/", factor, "/confirmation"), body)
    if added["token"]:
        api.keep_session(added["token"])
    return added


def _contact_confirmed(home: Path | None, change: str, code_file: Path | None, *, as_json: bool) -> None:
    api = management(home)
    api.call("POST", "/self/contact/confirmation", {"id": change, "code": secret_line(code_file, QUESTION)})
    found = api.call("GET", "/self")
    shown = {name: found[name] for name in ("mail", "mail_confirmed", "phone", "phone_confirmed")}
    if as_json:
        show_json(shown)
    else:
        show_fields(shown)
