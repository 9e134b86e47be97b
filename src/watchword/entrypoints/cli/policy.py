"""`watchword policy`: check, test, explain and compare policy files, offline. Changes nothing, sends nothing."""

from pathlib import Path
from typing import Annotated

import typer

from watchword.entrypoints.cli.output import EXIT_REFUSED
from watchword.entrypoints.cli.testnet_options import AsJson, faults_shown

app = typer.Typer(no_args_is_help=True, help="What keys may do: policy files and their tests.")

PolicyFile = Annotated[Path, typer.Argument(metavar="POLICY", help="Policy file.", show_default=False)]
PolicyPaths = Annotated[
    list[Path],
    typer.Argument(metavar="POLICY...", help="Policy files, or folders of them.", show_default=False),
]


@app.command()
def lint(
    files: PolicyPaths,
    strict: Annotated[bool, typer.Option("--strict", help="Advice counts as a failure.")] = False,
    as_json: AsJson = False,
) -> None:
    """Check policy files: what cannot be read is an error, what is left open is advice.

    Leaves with status 1 where there is an error.

    Example: watchword policy lint policies/
    """
    from watchword.entrypoints.cli import policy_reports

    with faults_shown(as_json=as_json):
        fine = policy_reports.lint(files, strict=strict, as_json=as_json)
    if not fine:
        raise typer.Exit(EXIT_REFUSED)


@app.command("test")
def run_tests(files: PolicyPaths, as_json: AsJson = False) -> None:
    """Run the tests beside policy files: NAME.tests.yaml beside NAME.yaml.

    Leaves with status 1 where a test fails, or a policy has no tests.

    Example: watchword policy test policies/
    """
    from watchword.entrypoints.cli import policy_reports

    with faults_shown(as_json=as_json):
        passed = policy_reports.test_files(files, as_json=as_json)
    if not passed:
        raise typer.Exit(EXIT_REFUSED)


@app.command()
def explain(
    file: PolicyFile,
    case: Annotated[
        str, typer.Option("--test", help="Name of a test beside the policy.", show_default=False)
    ] = "",
    request: Annotated[
        str,
        typer.Option(help="order.place, order.cancel, …; or METHOD and path.", show_default=False),
    ] = "",
    params: Annotated[
        str, typer.Option(help="As a query string: 'symbol=BTCUSDT&side=BUY&…'.", show_default=False)
    ] = "",
    given: Annotated[
        Path | None,
        typer.Option(help="YAML file with at, markets, usage: as `given` in a test.", show_default=False),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Show how a policy decides one request: every rule, what it measured, and its limit.

    Leaves with status 0, whatever the decision.

    Example: watchword policy explain grid.yaml --test 'a drain through a thin book'
    """
    from watchword.entrypoints.cli import policy_reports

    with faults_shown(as_json=as_json):
        policy_reports.explain(file, case, request, params, given, as_json=as_json)


@app.command()
def diff(
    old: Annotated[Path, typer.Argument(metavar="OLD", help="Policy file before.", show_default=False)],
    new: Annotated[Path, typer.Argument(metavar="NEW", help="Policy file after.", show_default=False)],
    narrower: Annotated[
        bool, typer.Option("--narrower", help="Leave with status 1 where NEW allows more anywhere.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Compare two policies, rule by rule, and say where the new one allows more.

    Example: watchword policy diff --narrower parent.yaml child.yaml
    """
    from watchword.entrypoints.cli import policy_reports

    with faults_shown(as_json=as_json):
        within = policy_reports.diff(old, new, as_json=as_json)
    if narrower and not within:
        raise typer.Exit(EXIT_REFUSED)
