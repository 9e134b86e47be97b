"""`watchword person …`, `factor …`, `token …`: people, their factors and API tokens, at the console. Only parses, asks and prints."""

from enum import StrEnum
from typing import Annotated, Any

import typer

from watchword.entrypoints.cli.addresses import add_address, confirm_address
from watchword.entrypoints.cli.output import say, show_fields, show_json, show_table
from watchword.entrypoints.cli.signing_in import CodeFile, confirm_app, management
from watchword.entrypoints.cli.vault_client import AsJson, HomeOption, faults_shown

app = typer.Typer(no_args_is_help=True, help="People: who signs in, with which role, and what they can use.")
factor_app = typer.Typer(no_args_is_help=True, help="Your second factors and recovery codes.")
token_app = typer.Typer(
    no_args_is_help=True, help="API tokens: for programs that manage, each with its scopes."
)

PersonId = Annotated[str, typer.Argument(metavar="PERSON", help="Their id, p-…, or their name.")]


class RoleOption(StrEnum):
    """Roles."""

    OWNER = "owner"
    ADMIN = "admin"
    TRADER = "trader"
    AUDITOR = "auditor"


class KindOption(StrEnum):
    """What is given to people."""

    VIRTUAL = "virtual"
    CREDENTIAL = "credential"


@app.command("list")
def list_people(
    query: Annotated[str, typer.Option(help="Part of name or mail address.")] = "",
    home: HomeOption = None,
    as_json: AsJson = False,
) -> None:
    """List people."""
    with faults_shown(as_json=as_json):
        people = _all(home, "/people", {"query": query})
        if as_json:
            show_json(people)
            return
        columns = ("name", "id", "role", "state", "factors", "mail")
        show_table("", columns, [[one[column] for column in columns] for one in people])


@app.command()
def show(person: PersonId, home: HomeOption = None, as_json: AsJson = False) -> None:
    """Show somebody, and what they can use."""
    with faults_shown(as_json=as_json):
        found = _call(home, "GET", "/people/", _id(home, person))
        usable = _call(home, "GET", "/people/", found["id"], "/usable")
        _shown({**found, **_usable(usable)}, {**found, "usable": usable}, as_json=as_json)


@app.command()
def invite(
    name: Annotated[str, typer.Argument(help="What they will sign in with.")],
    mail: Annotated[str, typer.Option(help="Their mail address.")],
    role: Annotated[RoleOption, typer.Option(help="What they may do.")],
    phone: Annotated[str, typer.Option(help="Their phone number, +…; for codes by short message.")] = "",
    home: HomeOption = None,
    as_json: AsJson = False,
) -> None:
    """Invite somebody; prints their enrolment token, this once. Hand it over yourself."""
    with faults_shown(as_json=as_json):
        draft = {"name": name, "mail": mail, "role": role.value, "phone": phone}
        made = management(home).call("POST", "/people", draft)
        if as_json:
            show_json(made)
        else:
            say(f"Enrolment token of {name}, shown this once: {made['enrolment']}")


@app.command()
def role(
    person: PersonId,
    given: Annotated[RoleOption, typer.Argument(metavar="ROLE", help="Their new role.")],
    home: HomeOption = None,
    as_json: AsJson = False,
) -> None:
    """Give somebody another role."""
    with faults_shown(as_json=as_json):
        changed = _call(home, "PUT", "/people/", _id(home, person), "/role", body={"role": given.value})
        _shown(changed, changed, as_json=as_json)


@app.command()
def disable(person: PersonId, home: HomeOption = None, as_json: AsJson = False) -> None:
    """Refuse somebody from now on; their sessions end."""
    with faults_shown(as_json=as_json):
        changed = _call(home, "POST", "/people/", _id(home, person), "/disable")
        _shown(changed, changed, as_json=as_json)


@app.command()
def enable(person: PersonId, home: HomeOption = None, as_json: AsJson = False) -> None:
    """Let somebody in again."""
    with faults_shown(as_json=as_json):
        changed = _call(home, "POST", "/people/", _id(home, person), "/enable")
        _shown(changed, changed, as_json=as_json)


@app.command()
def remove(person: PersonId, home: HomeOption = None, as_json: AsJson = False) -> None:
    """Remove somebody with all that is theirs, and say what they could use until now."""
    with faults_shown(as_json=as_json):
        gone = _call(home, "DELETE", "/people/", _id(home, person))
        _shown({**gone["person"], **_usable(gone["could_use"])}, gone, as_json=as_json)


@app.command()
def assign(
    person: PersonId,
    kind: Annotated[KindOption, typer.Argument(help="What it is.")],
    subject: Annotated[str, typer.Argument(help="Id of the virtual key or the credential.")],
    home: HomeOption = None,
    as_json: AsJson = False,
) -> None:
    """Give somebody a virtual key or a credential to use."""
    with faults_shown(as_json=as_json):
        made = _call(home, "PUT", "/people/", _id(home, person), "/assignments/", kind.value, "/", subject)
        _shown(made, made, as_json=as_json)


@app.command()
def unassign(
    person: PersonId,
    kind: Annotated[KindOption, typer.Argument(help="What it is.")],
    subject: Annotated[str, typer.Argument(help="Id of the virtual key or the credential.")],
    home: HomeOption = None,
    as_json: AsJson = False,
) -> None:
    """Take a virtual key or a credential back from somebody."""
    with faults_shown(as_json=as_json):
        _call(home, "DELETE", "/people/", _id(home, person), "/assignments/", kind.value, "/", subject)
        _shown({"unassigned": subject}, {"unassigned": subject}, as_json=as_json)


@factor_app.command("list")
def list_factors(home: HomeOption = None, as_json: AsJson = False) -> None:
    """List your second factors."""
    with faults_shown(as_json=as_json):
        found = management(home).call("GET", "/self/factors")
        if as_json:
            show_json(found)
            return
        columns = ("kind", "id", "label")
        show_table("", columns, [[one[column] for column in columns] for one in found["items"]])
        say(f"{found['recovery_codes_left']} recovery codes are left")


@factor_app.command("add")
def add_factor(
    label: Annotated[str, typer.Option(help="What you call it.")] = "authenticator app",
    home: HomeOption = None,
    as_json: AsJson = False,
) -> None:
    """Set up an authenticator app. Security keys are set up in a browser."""
    with faults_shown(as_json=as_json):
        api = management(home)
        started = api.call("POST", "/self/factors/apps", {"label": label})
        if as_json:
            show_json(started)
            return
        say(f"Let your authenticator app read this address: {started['uri']}")
        show_fields(confirm_app(api, started["id"], None))


@factor_app.command("confirm")
def confirm_factor(
    factor: Annotated[str, typer.Argument(help="Id of the app that was set up.")],
    code_file: CodeFile = None,
    home: HomeOption = None,
    as_json: AsJson = False,
) -> None:
    """Confirm an authenticator app with its first code."""
    with faults_shown(as_json=as_json):
        added = confirm_app(management(home), factor, code_file)
        _shown(added, added, as_json=as_json)


@factor_app.command("remove")
def remove_factor(
    factor: Annotated[str, typer.Argument(help="Its id.")], home: HomeOption = None, as_json: AsJson = False
) -> None:
    """Remove one of your second factors; the last one stays."""
    with faults_shown(as_json=as_json):
        _call(home, "DELETE", "/self/factors/", factor)
        _shown({"removed": factor}, {"removed": factor}, as_json=as_json)


@factor_app.command("recovery-codes")
def recovery_codes(home: HomeOption = None, as_json: AsJson = False) -> None:
    """Draw ten new recovery codes, shown this once; all before are void."""
    with faults_shown(as_json=as_json):
        drawn = management(home).call("POST", "/self/recovery-codes")
        if as_json:
            show_json(drawn)
            return
        for code in drawn["codes"]:
            say(code)


factor_app.command("add-address")(add_address)
factor_app.command("confirm-address")(confirm_address)


@token_app.command("list")
def list_tokens(home: HomeOption = None, as_json: AsJson = False) -> None:
    """List your API tokens."""
    with faults_shown(as_json=as_json):
        found = management(home).call("GET", "/self/tokens")["items"]
        if as_json:
            show_json(found)
            return
        columns = ("label", "id", "scopes", "ips", "used_ip")
        show_table("", columns, [[one[column] for column in columns] for one in found])


@token_app.command("make")
def make_token(
    label: Annotated[str, typer.Argument(help="What you call it.")],
    scope: Annotated[list[str], typer.Option(help="What it may do, for example key.read; repeat for more.")],
    days: Annotated[int, typer.Option(min=1, max=366, help="How long it is good for.")] = 90,
    ip: Annotated[
        list[str] | None, typer.Option(help="Address or range it is accepted from; repeat for more.")
    ] = None,
    home: HomeOption = None,
    as_json: AsJson = False,
) -> None:
    """Make an API token; it is printed this once."""
    from watchword.adapters.system import SystemClock

    with faults_shown(as_json=as_json):
        expires_us = SystemClock().now_us() + days * 86_400_000_000
        draft = {"label": label, "scopes": scope, "expires_us": expires_us, "ips": ip or []}
        made = management(home).call("POST", "/self/tokens", draft)
        if as_json:
            show_json(made)
        else:
            say(f"API token {label}, shown this once: {made['token']}")


@token_app.command("revoke")
def revoke_token(
    token: Annotated[str, typer.Argument(help="Its id, t-…")],
    home: HomeOption = None,
    as_json: AsJson = False,
) -> None:
    """Revoke one of your API tokens."""
    with faults_shown(as_json=as_json):
        _call(home, "DELETE", "/self/tokens/", token)
        _shown({"revoked": token}, {"revoked": token}, as_json=as_json)


def _call(home: Any, method: str, *parts: str, body: object | None = None) -> Any:
    from watchword.entrypoints.cli.management_client import at

    return management(home).call(method, at(*parts), body)


def _all(home: Any, path: str, query: dict[str, object]) -> list[dict[str, Any]]:
    """Fetch a list page by page."""
    api, rows, after = management(home), [], ""
    while True:
        page = api.call("GET", path, query={**query, "limit": 200, "after": after})
        rows += page["items"]
        after = page["next"] or ""
        if not after:
            return rows


def _id(home: Any, reference: str) -> str:
    """Find somebody's id by their name; an id is taken as it is."""
    if reference.startswith("p-"):
        return reference
    found = [one["id"] for one in _all(home, "/people", {"query": reference}) if one["name"] == reference]
    return found[0] if found else reference


def _usable(usable: dict[str, Any]) -> dict[str, Any]:
    return {
        "virtual keys and credentials": [one["subject"] for one in usable["assignments"]],
        "exchange accounts": [one["account"] for one in usable["accounts"]],
        "API tokens": usable["tokens"],
        "sessions": usable["sessions"],
    }


def _shown(fields: dict[str, Any], whole: Any, *, as_json: bool) -> None:
    if as_json:
        show_json(whole)
    else:
        show_fields(fields)
