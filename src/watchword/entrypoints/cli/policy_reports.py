"""What the policy commands find and print. Imported when one of them runs, so that `--help` stays quick."""

from pathlib import Path
from typing import Any

import msgspec

from watchword.adapters.policy_files import find_policies, read_file, suite_beside
from watchword.binance.errors import WireError
from watchword.binance.request import read_params
from watchword.entrypoints.cli.output import say, show_json, show_table
from watchword.kernel.errors import ConfigurationError
from watchword.policy.advice import advise
from watchword.policy.comparison import compare
from watchword.policy.decision import Decision, Deny, Explanation
from watchword.policy.document import read_policy
from watchword.policy.engine import explain as explain_request
from watchword.policy.nodes import Problem
from watchword.policy.policy import Policy
from watchword.policy.reading import read_intent
from watchword.policy.suite import Outcome, Scenario, TestCase, read_scenario, read_suite, run_case


def lint(files: list[Path], *, strict: bool, as_json: bool) -> bool:
    """Check files and print what was found; returns whether all are fine."""
    reports: list[dict[str, Any]] = []
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
    return all(report["ok"] for report in reports)


def test_files(files: list[Path], *, as_json: bool) -> bool:
    """Run the tests beside files and print how they went; returns whether all passed."""
    reports: list[dict[str, Any]] = []
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
    return not failed


def explain(file: Path, case: str, request: str, params: str, given: Path | None, *, as_json: bool) -> None:
    """Print how a policy decides one request."""
    policy = _policy(file)
    name, asked, scenario = _asked(file, case, request, params, given)
    intent = read_intent(name, asked)
    found = explain_request(policy, intent, scenario.usage, scenario.references(), scenario.at_us)
    if as_json:
        show_json({"policy": policy.name, "request": name, "params": asked, **_explained(found)})
    else:
        _show_explanation(policy, found)


def diff(old: Path, new: Path, *, as_json: bool) -> bool:
    """Print what changed; returns whether the new policy allows nothing more."""
    found = compare(_policy(old), _policy(new))
    wider = [change for change in found if change.wider]
    if as_json:
        show_json({"narrower": not wider, "changes": msgspec.to_builtins(found)})
    elif not found:
        say("the two allow the same")
    else:
        rows = [(change.rule, change.old, change.new, change.wider or "no") for change in found]
        show_table("", ("rule", "old", "new", "allows more"), rows)
    return not wider


def _policy(path: Path) -> Policy:
    found = read_policy(read_file(path))
    if isinstance(found, tuple):
        raise ConfigurationError("; ".join(f"{path}: {problem}" for problem in found))
    return found


def _suite(policy: Path) -> tuple[TestCase, ...]:
    path = suite_beside(policy)
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
        "decision": _decided(decision),
        "rule": denied.rule if denied else None,
        "reason": denied.reason if denied else None,
        "limit": denied.limit if denied else None,
        "values": dict(denied.values) if denied else {},
        "demands": msgspec.to_builtins(denied.demands) if denied else [],
        "rules": [{**msgspec.to_builtins(entry), "values": dict(entry.values)} for entry in found.verdicts],
        "facts": [list(fact) for fact in found.facts],
    }


def _decided(decision: Decision) -> str:
    if isinstance(decision, Deny):
        return "approval" if decision.demands else "deny"
    return "allow"


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
    verdict = {
        "allow": "allowed",
        "deny": f"denied by {decision}",
        "approval": f"denied until approved, by {decision}",
    }[_decided(decision)]
    say(f"{policy.name}: {verdict}")
    show_table("", ("what", "measured"), found.facts)
    rows = [(entry.rule, entry.outcome, entry.limit, entry.reason) for entry in found.verdicts]
    show_table("", ("rule", "outcome", "limit", "reason"), rows)
