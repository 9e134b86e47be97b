"""The root of the command line: every part under `watchword`, each loaded when it is asked for. No behaviour of its own.

Why so late: a server or a script starts one command, and would wait for the modules of all others.
"""

from collections import UserDict
from importlib import import_module
from typing import Any, Final, NamedTuple

import typer
from typer.core import TyperCommand, TyperGroup
from typer.main import get_group


class Part(NamedTuple):
    """A command under the root, or a group of them.

    Attributes:
        module: Its file in this folder.
        attribute: What it is called there: a function, or a Typer application.
        summary: The first paragraph of its help, for the list of commands.
    """

    module: str
    attribute: str
    summary: str


PARTS: Final[dict[str, Part]] = {
    "keygen": Part("keygen", "keygen", "Make a key pair, or an HMAC secret."),
    "sign": Part("sign", "sign", "Sign a payload as Binance wants it."),
    "verify": Part("sign", "verify", "Check a signature over a payload."),
    "exec": Part(
        "exec",
        "execute",
        "Run a command with a virtual key made for this run only, and the gateway's address.",
    ),
    "login": Part(
        "signing_in",
        "login",
        "Sign in to the console: password, then second factor. The session is kept for the commands to come.",
    ),
    "enrol": Part(
        "signing_in",
        "enrol",
        "Set your first password with the enrolment token, and set up an authenticator app.",
    ),
    "step-up": Part(
        "signing_in",
        "step_up",
        "Show a second factor again: what is dangerous asks for one no older than five minutes.",
    ),
    "whoami": Part("signing_in", "whoami", "Show who you are at the console, and what you may do."),
    "logout": Part("signing_in", "logout", "End the session of this machine's commands."),
    "api": Part(
        "api",
        "api",
        "Call any route of the management API, as whoever signed in or with the token in WATCHWORD_TOKEN.",
    ),
    "key": Part("keys", "key_app", "Virtual keys of bots; and a look at key files."),
    "testnet": Part("testnet", "app", "A Binance-compatible exchange on this machine."),
    "demo": Part("demo", "app", "Something to see."),
    "vault": Part("vault", "app", "Keeps real secrets encrypted; sealed until somebody unseals it."),
    "credential": Part("credential", "app", "Real API keys: made in the vault, or put into it once."),
    "audit": Part("audit", "app", "The tamper-evident record of what was asked, signed and refused."),
    "policy": Part("policy", "app", "What keys may do: policy files and their tests."),
    "gateway": Part("gateway", "app", "Stands between bots and the exchange: checks, records, signs again."),
    "tls": Part("tls", "app", "Certificates of the gateway, and of its forward proxy."),
    "console": Part("console", "app", "Where people manage all of it: accounts, keys, policies, audit."),
    "person": Part("people", "app", "People: who signs in, with which role, and what they can use."),
    "factor": Part("people", "factor_app", "Your second factors and recovery codes."),
    "contact": Part("addresses", "app", "Where you are reached: mail address and phone number."),
    "token": Part("people", "token_app", "API tokens: for programs that manage, each with its scopes."),
    "approval": Part("approval", "app", "Requests of bots that wait for people to confirm them."),
}


class Root(TyperGroup):
    """`watchword` itself: knows its parts by name, and lists them without loading one."""

    def __init__(self, **given: Any) -> None:
        super().__init__(**given)
        self.commands = _Parts()

    def format_help(self, ctx: Any, formatter: Any) -> None:
        """Print the help with the parts' summaries."""
        listed = TyperGroup(
            name=self.name,
            help=self.help,
            params=self.params,
            commands=[TyperCommand(name, help=part.summary) for name, part in PARTS.items()],
            rich_markup_mode=self.rich_markup_mode,
        )
        listed.format_help(ctx, formatter)


class _Parts(UserDict[str, Any]):
    """The commands by name, each made when first asked for."""

    def __init__(self) -> None:
        super().__init__(dict.fromkeys(PARTS))

    def __getitem__(self, name: str) -> Any:
        if self.data[name] is None:
            self.data[name] = _loaded(name)
        return self.data[name]


def _loaded(name: str) -> Any:
    """Import one part and make its command."""
    part = PARTS[name]
    found = getattr(import_module(f"watchword.entrypoints.cli.{part.module}"), part.attribute)
    around = typer.Typer(pretty_exceptions_enable=False)
    if isinstance(found, typer.Typer):
        around.add_typer(found, name=name)
    else:
        around.command(name)(found)
    return get_group(around).commands[name]


app = typer.Typer(cls=Root, no_args_is_help=True, pretty_exceptions_enable=False)


@app.callback()
def _watchword() -> None:
    """API keys for people who trade on Binance by program, with a testnet of their own."""
