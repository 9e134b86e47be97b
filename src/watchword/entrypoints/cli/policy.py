"""`watchword policy`: check, test, explain and compare policy files, offline. Changes nothing, sends nothing."""

from pathlib import Path
from typing import Annotated, Any

import msgspec
import typer

from watchword.adapters.policy_files import find_policies, read_file, tests_beside
from watchword.entrypoints.cli.output import EXIT_REFUSED, say, show_fields, show_json, show_table
from watchword.entrypoints.cli.testnet_options import AsJson, faults_shown
from watchword.kernel.errors import ConfigurationError
from watchword.policy.advice import advise
from watchword.policy.comparison import compare
from watchword.policy.decision import Deny, Explanation
from watchword.policy.document import read_policy
from watchword.policy.engine import explain as explain_request
from watchword.policy.nodes import Problem
from watchword.policy.policy import Policy
from watchword.policy.reading import read_intent
from watchword.policy.suite import (
    Outcome,
    Scenario,
    TestCase,
    read_scenario,
    read_suite,
    run_case,
)

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
    reports: list[dict[str, Any]] = []
    with faults_shown(as_json=as_json):
        for path in find_policies(files):
            found = read_policy(read_file(path))
            problems = found if isinstance(found, tuple) else ()
            advice = () if isinstance(found, tuple) else advise(found)
            reports.append(
                {
                    "file": str(path),
                    "ok": not problems and not (strict and advice),
                    "errors": [msgspec.to_builtins(problem) for problem in problems],
                    "advice": [msgspec.to_builtins(entry) for entry in advice],
                }
            )
            if not as_json:
                _show_lint(path, problems, [str(entry) for entry in advice])
    if as_json:
        show_json({"files": reports})
    if not all(report["ok"] for report in reports):
        raise typer.Exit(EXIT_REFUSED)


@app.command("test")
def run_tests(files: PolicyPaths, as_json: AsJson = False) -> None:
    """Run the tests beside policy files: NAME.tests.yaml beside NAME.yaml.

    Leaves with status 1 where a test fails, or a policy has no tests.

    Example: watchword policy test policies/
    """
    reports: list[dict[str, Any]] = []
    with faults_shown(as_json=as_json):
        for path in find_policies(files):
            policy = _policy(path)
            outcomes = [run_case(policy, case) for case in _suite(path)]
            reports += [_tested(path, outcome) for outcome in outcomes]
            if not as_json:
                _show_tests(path, outcomes)
    failed = sum(not report["passed"] for report in reports)
    if as_json:
        show_json({"passed": len(reports) - failed, "failed": failed, "tests": reports})
    else:
        say(f"{len(reports) - failed} passed, {failed} failed")
    if failed:
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
    with faults_shown(as_json=as_json):
        policy = _policy(file)
        name, asked, scenario = _asked(file, case, request, params, given)
        intent = read_intent(name, asked)
    found = explain_request(policy, intent, scenario.usage, scenario.references(), scenario.at_us)
    if as_json:
        show_json({"policy": policy.name, "request": name, "params": asked, **_explained(found)})
    else:
        _show_explanation(policy, found)


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
    with faults_shown(as_json=as_json):
        found = compare(_policy(old), _policy(new))
    wider = [change for change in found if change.wider]
    if as_json:
        show_json({"narrower": not wider, "changes": msgspec.to_builtins(found)})
    elif not found:
        say("the two allow the same")
    else:
        rows = [(change.rule, change.old, change.new, change.wider or "no") for change in found]
        show_table("", ("rule", "old", "new", "allows more"), rows)
    if narrower and wider:
        raise typer.Exit(EXIT_REFUSED)


def _policy(path: Path) -> Policy:
    found = read_policy(read_file(path))
    if isinstance(found, tuple):
        raise ConfigurationError("; ".join(f"{path}: {problem}" for problem in found))
    return found


def _suite(policy: Path) -> tuple[TestCase, ...]:
    path = tests_beside(policy)
    if not path.exists():
        raise ConfigurationError(f"{policy} has no tests; write them in {path}")
    cases = read_suite(read_file(path))
    if isinstance(cases, Problem):
        raise ConfigurationError(f"{path}: {cases}")
    return cases


def _asked(
    file: Path, case: str, request: str, params: str, given: Path | None
) -> tuple[str, dict[str, str], Scenario]:
    """What to explain: a test by name, or a request with what it meets."""
    if bool(case) == bool(request):
        raise ConfigurationError("give --test NAME, or --request with --params")
    if case:
        cases = _suite(file)
        found = next((one for one in cases if one.name == case), None)
        if found is None:
            names = ", ".join(repr(one.name) for one in cases)
            raise ConfigurationError(f"no test is called {case!r}; there are {names}")
        return found.request, found.params, found.scenario
    from watchword.binance.errors import WireError
    from watchword.binance.request import read_params

    asked = read_params(params.encode(), b"")
    if isinstance(asked, WireError):
        raise ConfigurationError(f"--params: {asked.text}")
    scenario = Scenario() if given is None else read_scenario(read_file(given))
    if isinstance(scenario, Problem):
        raise ConfigurationError(f"{given}: {scenario}")
    return request, asked, scenario


def _explained(found: Explanation) -> dict[str, Any]:
    decision = found.decision
    denied = decision if isinstance(decision, Deny) else None
    return {
        "decision": "allow" if denied is None else "deny",
        "rule": denied.rule if denied else None,
        "reason": denied.reason if denied else None,
        "limit": denied.limit if denied else None,
        "values": dict(denied.values) if denied else {},
        "rules": [{**msgspec.to_builtins(entry), "values": dict(entry.values)} for entry in found.verdicts],
        "facts": [list(fact) for fact in found.facts],
    }


def _tested(path: Path, outcome: Outcome) -> dict[str, Any]:
    case = outcome.case
    return {
        "file": str(path),
        "line": case.line,
        "name": case.name,
        "passed": outcome.passed,
        "expected": f"{case.expect} {case.rule}".strip(),
        "got": outcome.got,
    }


def _show_lint(path: Path, problems: tuple[Problem, ...], advice: list[str]) -> None:
    for problem in problems:
        say(f"{path}: error: {problem}")
    for entry in advice:
        say(f"{path}: advice: {entry}")
    if not problems and not advice:
        say(f"{path}: fine")


def _show_tests(path: Path, outcomes: list[Outcome]) -> None:
    for outcome in outcomes:
        case = outcome.case
        say(f"{'pass' if outcome.passed else 'FAIL'}  {path.name}: {case.name}")
        if not outcome.passed:
            say(f"      line {case.line}: expected {f'{case.expect} {case.rule}'.strip()}, got {outcome.got}")


def _show_explanation(policy: Policy, found: Explanation) -> None:
    decision = found.decision
    verdict = f"denied by {decision}" if isinstance(decision, Deny) else "allowed"
    say(f"{policy.name}: {verdict}")
    show_fields(dict(found.facts))
    rows = [(entry.rule, entry.outcome, entry.limit, entry.reason) for entry in found.verdicts]
    show_table("", ("rule", "outcome", "limit", "reason"), rows)
