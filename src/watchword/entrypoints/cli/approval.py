"""`watchword approval …`: requests of bots that wait for people. Only parses, asks the console and prints."""

from typing import Annotated, Any

import typer

from watchword.entrypoints.cli.output import show_fields, show_json, show_table
from watchword.entrypoints.cli.signing_in import management
from watchword.entrypoints.cli.vault_client import AsJson, HomeOption, faults_shown

app = typer.Typer(no_args_is_help=True, help="Requests of bots that wait for people to confirm them.")

Approval = Annotated[str, typer.Argument(metavar="APPROVAL", help="Its id, ap-…")]
Digest = Annotated[
    str,
    typer.Option(
        help="Of the request you were shown; without it the request as it stands now is shown and decided."
    ),
]


@app.command("list")
def list_approvals(
    everything: Annotated[bool, typer.Option("--all", help="Those that are decided as well.")] = False,
    home: HomeOption = None,
    as_json: AsJson = False,
) -> None:
    """List what waits for you; owners, admins and auditors see all."""
    with faults_shown(as_json=as_json):
        found = management(home).call(
            "GET", "/approvals", query={"state": "all" if everything else "waiting"}
        )
        if as_json:
            show_json(found)
            return
        columns = ("id", "state", "key_label", "operation", "reason", "expires")
        show_table("", columns, [[one[column] for column in columns] for one in found["items"]])


@app.command()
def show(approval: Approval, home: HomeOption = None, as_json: AsJson = False) -> None:
    """Show a request that waits: what it would do, and who has a say."""
    with faults_shown(as_json=as_json):
        _shown(_found(home, approval), as_json=as_json)


@app.command()
def confirm(
    approval: Approval, digest: Digest = "", home: HomeOption = None, as_json: AsJson = False
) -> None:
    """Let exactly this request through, once. Asks for a fresh second factor (watchword step-up)."""
    _decide(home, approval, "confirm", digest, as_json=as_json)


@app.command()
def refuse(approval: Approval, digest: Digest = "", home: HomeOption = None, as_json: AsJson = False) -> None:
    """Refuse a request that waits."""
    _decide(home, approval, "refuse", digest, as_json=as_json)


def _decide(home: Any, approval: str, decision: str, digest: str, *, as_json: bool) -> None:
    from watchword.entrypoints.cli.management_client import at

    with faults_shown(as_json=as_json):
        if not digest:
            found = _found(home, approval)
            digest = found["digest"]
            if not as_json:
                _shown(found, as_json=False)
        body = {"decision": decision, "digest": digest}
        decided = management(home).call("POST", at("/approvals/", approval, "/decision"), body)
        if as_json:
            show_json(decided)
        else:
            show_fields({"approval": decided["id"], "state": decided["state"]})


def _found(home: Any, approval: str) -> dict[str, Any]:
    from watchword.entrypoints.cli.management_client import at

    found: dict[str, Any] = management(home).call("GET", at("/approvals/", approval))
    return found


def _shown(found: dict[str, Any], *, as_json: bool) -> None:
    if as_json:
        show_json(found)
        return
    said = {
        name: found[name] for name in ("id", "digest", "state", "key_label", "operation", "reason", "expires")
    }
    parameters = [f"{name}={value}" for name, value in found["parameters"].items()]
    names = sorted({name for demand in found["demands"] for name in demand["approvers"]})
    show_fields({**said, "request": parameters, "approvers": names})
