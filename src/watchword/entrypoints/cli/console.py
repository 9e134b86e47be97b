"""`watchword console …`: run the console, make its first owner, look at it, print its API's document. Only parses and prints."""

import asyncio
import logging
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from watchword.audit.event import Change
from watchword.config import home_folder, read_console_settings
from watchword.entrypoints.cli.output import say, show_fields, show_json
from watchword.entrypoints.cli.vault_client import AsJson, HomeOption, faults_shown
from watchword.kernel.errors import ConfigurationError

if TYPE_CHECKING:
    from watchword.accounts.people import Invited
    from watchword.accounts.refusal import Refused
    from watchword.bootstrap.console import Console

#: Who acts where nobody has signed in: the user of this machine who owns the home.
HOST: Final = "host"
LOG_FORMAT: Final = "%(asctime)s %(levelname)s %(name)s: %(message)s"
#: How long a running console may take to say how it is.
ANSWER_S_MAX: Final = 10.0

app = typer.Typer(
    no_args_is_help=True, help="Where people manage all of it: accounts, keys, policies, audit."
)


@app.callback()
def _console() -> None:
    """Where people manage all of it: accounts, keys, policies, audit."""


@app.command()
def init(
    name: Annotated[str, typer.Option(help="What the first owner signs in with.")],
    mail: Annotated[str, typer.Option(help="Their mail address, for security mails.")],
    home: HomeOption = None,
    as_json: AsJson = False,
) -> None:
    """Make the first owner; prints the enrolment token, this once. There is no default password.

    The token is good for 72 hours. Until somebody has enrolled, asking again makes a new one and ends the old one.
    """
    from watchword.adapters.hardening import harden
    from watchword.bootstrap.console import Console

    with faults_shown(as_json=as_json):
        settings = read_console_settings(home=home)
        harden()
        console = Console.open(settings, role="watchword console init")
        token, expires_us = asyncio.run(_founded(console, name, mail))
        if as_json:
            show_json({"name": name, "enrolment": token, "expires_us": expires_us})
            return
        say(f"Enrolment token of {name}, shown this once: {token}")
        say(
            "Start the console (watchword console serve), then set password and second factor: at its page /set-up, or by: watchword enrol"
        )


@app.command()
def recover(
    name: Annotated[str, typer.Argument(help="Who lost password or every second factor.")],
    home: HomeOption = None,
    as_json: AsJson = False,
) -> None:
    """Give somebody a fresh start while no console runs; prints the enrolment token, this once.

    For an owner who is locked out and whom nobody else can invite anew. Password,
    factors, sessions and API tokens go; what is assigned to them stays. Whoever
    owns the home can do this: guard it as you guard the keys in it.
    """
    from watchword.adapters.hardening import harden
    from watchword.bootstrap.console import Console

    with faults_shown(as_json=as_json):
        settings = read_console_settings(home=home)
        harden()
        console = Console.open(settings, role="watchword console recover")
        token, expires_us = asyncio.run(_recovered(console, name))
        if as_json:
            show_json({"name": name, "enrolment": token, "expires_us": expires_us})
            return
        say(f"Enrolment token of {name}, shown this once: {token}")
        say(
            "Start the console (watchword console serve), then set password and second factor: at its page /set-up, or by: watchword enrol"
        )


@app.command()
def serve(
    home: HomeOption = None,
    host: Annotated[str | None, typer.Option(help="Address to listen on.", show_default="127.0.0.1")] = None,
    port: Annotated[
        int | None, typer.Option(help="Port to listen on; 0 takes a free one.", show_default="8700")
    ] = None,
    origin: Annotated[
        str | None,
        typer.Option(
            help="What browsers call it by; security keys are bound to it.",
            show_default="http://localhost:PORT",
        ),
    ] = None,
    tls: Annotated[
        bool | None,
        typer.Option(
            "--tls", help="Serve TLS with the certificate of `watchword tls init`.", show_default=False
        ),
    ] = None,
    tls_cert: Annotated[Path | None, typer.Option(help="PEM certificate chain, to serve TLS.")] = None,
    tls_key: Annotated[Path | None, typer.Option(help="PEM private key of the certificate.")] = None,
    allow_host: Annotated[
        list[str] | None,
        typer.Option(help="A further name under which clients may call; repeat for more."),
    ] = None,
    limits_scale: Annotated[
        float | None, typer.Option(help="Multiplies every rate limit.", show_default="1")
    ] = None,
) -> None:
    """Run the console until Ctrl-C: the pages that people use, and the management API for programs.

    When it is ready, HOME/console/run.json says where.
    """
    import uvloop

    from watchword.adapters.hardening import harden
    from watchword.bootstrap.console import Console
    from watchword.entrypoints.console.server import serve as serve_console

    with faults_shown(as_json=False):
        settings = read_console_settings(
            home=home,
            host=host,
            port=port,
            origin=origin,
            tls=tls,
            tls_cert=tls_cert,
            tls_key=tls_key,
            allow_host=",".join(allow_host) if allow_host else None,
            limits_scale=limits_scale,
        )
        _log_to_stderr()
        # Seeds of authenticator apps are in this process's memory.
        harden()
        uvloop.run(serve_console(Console.open(settings), on_ready=_say_ready))


@app.command()
def status(home: HomeOption = None, as_json: AsJson = False) -> None:
    """Show whether the console runs, where, and how it is."""
    from watchword.adapters.console_home import read_run
    from watchword.entrypoints.cli.console_client import NoConsoleError, about

    with faults_shown(as_json=as_json):
        folder = home_folder(home)
        state: dict[str, object] = {"running": False, "home": str(folder)}
        try:
            told = about(folder, ANSWER_S_MAX)
        except NoConsoleError:
            pass
        else:
            run = read_run(folder)
            state = {"running": True, **run.get("console", {}), "pid": run.get("pid"), **told}
        if as_json:
            show_json(state)
        else:
            show_fields(state)


@app.command()
def openapi() -> None:
    """Print the management API's OpenAPI 3.1 document, as docs/openapi.json has it."""
    import sys

    from watchword.entrypoints.console.openapi import written
    from watchword.entrypoints.console.routes.table import ROUTES

    sys.stdout.write(written(ROUTES))


async def _founded(console: "Console", name: str, mail: str) -> tuple[str, int]:
    """Record that there is a first owner, and make them."""
    change = Change(action="person:founded", actor=HOST, subject=name, values={"mail": mail})
    return await _invited(console, change, lambda now_us: console.people.found(name, mail, now_us))


async def _recovered(console: "Console", name: str) -> tuple[str, int]:
    """Record that somebody begins anew, and have them do so."""
    person = console.people.called(name)
    change = Change(
        action="person:recovered", actor=HOST, subject=person.id if person else name, values={"name": name}
    )
    return await _invited(
        console,
        change,
        lambda now_us: console.people.invite_anew(None, person.id if person else "", now_us),
    )


async def _invited(
    console: "Console", change: Change, invite: Callable[[int], "Invited | Refused"]
) -> tuple[str, int]:
    """Record a change, make it, and return the enrolment token with its end."""
    from watchword.accounts.refusal import Refused
    from watchword.audit.event import Outcome

    try:
        await console.start()
        row = await console.trail.record_change(change)
        made = invite(console.clock.now_us())
        if isinstance(made, Refused):
            console.trail.record_outcome(Outcome(intent=row, result="not_sent", note=made.reason))
            raise ConfigurationError(made.reason)
        return made.token, made.invitation.expires_us
    finally:
        await console.stop()


def _log_to_stderr() -> None:
    handler = logging.StreamHandler()
    handler.setFormatter(logging.Formatter(LOG_FORMAT))
    log = logging.getLogger("watchword")
    log.addHandler(handler)
    log.setLevel(logging.INFO)


def _say_ready(told: dict[str, str]) -> None:
    say(f"Console ready: {told['api']}  (Ctrl-C stops it)")
