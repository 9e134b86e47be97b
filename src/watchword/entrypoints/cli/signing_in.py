"""`watchword login`, `enrol`, `step-up`, `whoami`, `logout`: who commands act as at the console. Never echoes a password or a code."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from watchword.config import home_folder, management_token
from watchword.entrypoints.cli.output import say, show_fields, show_json
from watchword.entrypoints.cli.vault_client import AsJson, HomeOption, faults_shown
from watchword.kernel.errors import ConfigurationError

if TYPE_CHECKING:
    from watchword.entrypoints.cli.management_client import Management

PasswordFile = Annotated[
    Path | None,
    typer.Option(
        help="File whose first line is the password; - is standard input. Without it you are asked."
    ),
]
CodeFile = Annotated[
    Path | None,
    typer.Option(help="File whose first line is the code; - is standard input. Without it you are asked."),
]
Recovery = Annotated[bool, typer.Option("--recovery", help="The code is one of your recovery codes.")]

DIGITS_LENGTH: Final = 6


def management(home: Path | None) -> "Management":
    """Reach the console of a home as whoever signed in, or with the API token of the environment.

    Raises:
        NoConsoleError: None runs.
    """
    from watchword.entrypoints.cli.management_client import Management

    return Management(home_folder(home), management_token())


def signed_in_here(home: Path | None) -> "Management":
    """Reach the console for whoever signs in, steps up or signs out: never with an API token, which can do none of it.

    Raises:
        NoConsoleError: None runs.
    """
    from watchword.entrypoints.cli.management_client import Management

    return Management(home_folder(home))


def login(
    name: Annotated[str, typer.Argument(help="Your name or mail address.")],
    password_file: PasswordFile = None,
    code_file: CodeFile = None,
    recovery: Recovery = False,
    home: HomeOption = None,
    as_json: AsJson = False,
) -> None:
    """Sign in to the console: password, then second factor. The session is kept for the commands to come.

    It is in HOME/console/cli-session.json, readable for you alone, ends after
    30 minutes without use, and with watchword logout.
    """
    with faults_shown(as_json=as_json):
        api = signed_in_here(home)
        password = secret_line(password_file, "Password")
        step = api.call("POST", "/sign-in", {"login": name, "password": password}, signed_in=False)
        api.keep_session(step["token"])
        if step["stage"] == "factor":
            step = _factor(api, "/sign-in/factor", step["offered"], code_file, recovery=recovery)
        _told(step, as_json=as_json)


def enrol(
    token_file: Annotated[
        Path | None, typer.Option(help="File whose first line is the enrolment token; - is standard input.")
    ] = None,
    password_file: PasswordFile = None,
    home: HomeOption = None,
    as_json: AsJson = False,
) -> None:
    """Set your first password with the enrolment token, and set up an authenticator app.

    Prints the address for the app to scan, then asks for its first code. With
    --json it prints the address and ends; confirm with: watchword factor confirm
    """
    with faults_shown(as_json=as_json):
        api = signed_in_here(home)
        token = secret_line(token_file, "Enrolment token")
        password = secret_line(password_file, "New password", confirm=True)
        step = api.call("POST", "/enrolment", {"token": token, "password": password}, signed_in=False)
        api.keep_session(step["token"])
        started = api.call("POST", "/self/factors/apps", {"label": "authenticator app"})
        if as_json:
            show_json({"person": step["person"], "factor": started["id"], "uri": started["uri"]})
            return
        say(f"Let your authenticator app read this address: {started['uri']}")
        confirm_app(api, started["id"], None)
        say("Signed in. Draw recovery codes with: watchword factor recovery-codes")


def step_up(
    code_file: CodeFile = None,
    recovery: Recovery = False,
    home: HomeOption = None,
    as_json: AsJson = False,
) -> None:
    """Show a second factor again: what is dangerous asks for one no older than five minutes."""
    with faults_shown(as_json=as_json):
        api = signed_in_here(home)
        _told(_factor(api, "/step-up", ["totp"], code_file, recovery=recovery), as_json=as_json)


def whoami(home: HomeOption = None, as_json: AsJson = False) -> None:
    """Show who you are at the console, and what you may do."""
    with faults_shown(as_json=as_json):
        found = management(home).call("GET", "/self")
        if as_json:
            show_json(found)
        else:
            show_fields({**found.pop("person", {}), **found})


def logout(home: HomeOption = None, as_json: AsJson = False) -> None:
    """End the session of this machine's commands."""
    from watchword.entrypoints.cli.management_client import ManagementRefusedError

    with faults_shown(as_json=as_json):
        api = signed_in_here(home)
        try:
            api.call("POST", "/sign-out")
        except ManagementRefusedError as error:
            # Over already: then there is nothing to end.
            if error.problem.get("status") != 401:
                raise
        api.forget_session()
        if as_json:
            show_json({"signed_in": False})
        else:
            say("Signed out.")


def confirm_app(api: "Management", factor: str, code_file: Path | None) -> Any:
    """Show the first code of an authenticator app; returns the console's answer."""
    from watchword.entrypoints.cli.management_client import at

    code = secret_line(code_file, "First code of the app")
    added = api.call("POST", at("/self/factors/apps/", factor, "/confirmation"), {"code": code})
    if added["token"]:
        api.keep_session(added["token"])
    return added["factor"]


def _factor(
    api: "Management", path: str, offered: list[str], code_file: Path | None, *, recovery: bool
) -> dict[str, Any]:
    kind = "recovery" if recovery else "totp"
    if not recovery and "totp" not in offered:
        raise ConfigurationError(
            "only security keys or sent codes are set up: sign in with --recovery, or in a browser"
        )
    question = "Recovery code" if recovery else "Code of your authenticator app"
    code = secret_line(code_file, question)
    step: dict[str, Any] = api.call("POST", path, {"attempt": {"type": kind, "code": code}})
    api.keep_session(step["token"])
    return step


def _told(step: dict[str, Any], *, as_json: bool) -> None:
    """Say how far it got; the token stays out of it."""
    shown = {name: step[name] for name in ("person", "session", "stage")}
    if as_json:
        show_json(shown)
    elif step["stage"] == "full":
        say(f"Signed in as {step['person']}.")
    else:
        say(f"{step['person']}: set up a second factor first: watchword factor add")


def secret_line(file: Path | None, question: str, *, confirm: bool = False) -> str:
    """Take a secret from the first line of a file, or ask for it.

    Raises:
        ConfigurationError: There is nobody to ask, or nothing in the file.
    """
    import sys

    from watchword.adapters.key_files import read_bounded
    from watchword.entrypoints.cli.key_terminal import terminal_present, warn_if_readable

    if file is None:
        if not terminal_present():
            raise ConfigurationError(f"{question}: nobody can be asked here; name a file with it")
        return str(typer.prompt(question, hide_input=True, confirmation_prompt=confirm, err=True))
    if str(file) == "-":
        line = sys.stdin.readline()
    else:
        warn_if_readable(file)
        line = read_bounded(file).decode("utf-8", "replace").partition("\n")[0]
    if not line.strip():
        raise ConfigurationError(f"{question}: {file} has nothing on its first line")
    return line.removesuffix("\n").removesuffix("\r")


def mount(app: typer.Typer) -> None:
    """Put the commands under the root."""
    app.command("login")(login)
    app.command("enrol")(enrol)
    app.command("step-up")(step_up)
    app.command("whoami")(whoami)
    app.command("logout")(logout)
