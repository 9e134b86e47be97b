"""Policies: those in use, checked, compared and explained. Policies are files in git; nothing here stores one."""

import asyncio
from typing import Annotated, Any, Final

import msgspec
from msgspec import Meta

from watchword.accounts.roles import ALL, reach
from watchword.entrypoints.console.neighbours import neighbours_of, shaped
from watchword.entrypoints.console.problem import REFUSED, Problem
from watchword.entrypoints.console.route import Ask, Audit, Route
from watchword.entrypoints.console.routes.asking import behalf_of
from watchword.entrypoints.console.routes.paging import PAGE_ROWS, PAGE_ROWS_MAX
from watchword.entrypoints.gateway.admin import requests as gateway
from watchword.policy.advice import advise
from watchword.policy.comparison import compare
from watchword.policy.decision import Deny
from watchword.policy.document import read_policy
from watchword.policy.engine import explain
from watchword.policy.nodes import Problem as PolicyProblem
from watchword.policy.policy import Policy
from watchword.policy.reading import read_intent
from watchword.policy.suite import Scenario, read_scenario

#: A digest, and the policy's name.
CURSOR_LENGTH_MAX: Final = 512
TAG: Final = "policies"
POLICY_LENGTH_MAX: Final = 32_768
PARAMETERS_MAX: Final = 64
KEYS_ASKED_MAX: Final = 500

PolicyText = Annotated[str, Meta(max_length=POLICY_LENGTH_MAX)]


class PolicyInUse(msgspec.Struct, frozen=True):
    """A policy that virtual keys have.

    Attributes:
        name: As the policy calls itself.
        sha256: Of its text; the same name with another text is another policy.
        keys: Ids of some keys that have it, among those within reach; 20 at most.
        labels: What these are called, by id.
        count: How many have it, among those within reach.
    """

    name: str
    sha256: str
    keys: list[str]
    labels: dict[str, str] = {}
    count: int = 0


class PolicyList(msgspec.Struct, frozen=True):
    """Policies in use, by name; `next` is None on the last page.

    Attributes:
        total: Of all pages.
    """

    items: list[PolicyInUse]
    next: str | None = None
    total: int = 0


class PolicyQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which policies."""

    query: Annotated[
        str,
        Meta(max_length=128, description="In the policy's name or a key's label, or a key's id begins so."),
    ] = ""
    limit: Annotated[int, Meta(ge=1, le=PAGE_ROWS_MAX, description="Policies at most.")] = PAGE_ROWS
    after: Annotated[str, Meta(max_length=CURSOR_LENGTH_MAX, description="`next` of the page before.")] = ""


class LintDraft(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A policy to be checked."""

    text: PolicyText


class LintProblem(msgspec.Struct, frozen=True):
    """What is wrong, and where; line and column count from 1."""

    line: int
    column: int
    where: str
    text: str


class LintAdvice(msgspec.Struct, frozen=True):
    """What a policy leaves open."""

    rule: str
    text: str


class LintAnswer(msgspec.Struct, frozen=True):
    """What checking found; a policy with errors is taken by no key."""

    ok: bool
    errors: list[LintProblem]
    advice: list[LintAdvice]


class CompareDraft(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Two policies."""

    old: PolicyText
    new: PolicyText


class RuleChange(msgspec.Struct, frozen=True):
    """One difference; `wider` says in what way the new one allows more, or is empty."""

    rule: str
    old: str
    new: str
    wider: str


class CompareAnswer(msgspec.Struct, frozen=True):
    """What changed; `narrower` where the new one allows nothing more."""

    narrower: bool
    changes: list[RuleChange]


class ExplainDraft(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A request to be decided by a policy, without sending anything.

    Attributes:
        policy: Text of the policy.
        request: Name of the operation, for example `order.place`.
        parameters: As a bot would send them, without those of authentication.
        given: What it meets, as under `given` in a policy's tests; empty for an empty world.
    """

    policy: PolicyText
    request: Annotated[str, Meta(min_length=1, max_length=64)]
    parameters: Annotated[
        dict[Annotated[str, Meta(max_length=64)], Annotated[str, Meta(max_length=512)]],
        Meta(max_length=PARAMETERS_MAX),
    ] = {}
    given: PolicyText = ""


class RuleVerdict(msgspec.Struct, frozen=True):
    """What one rule says: `pass`, `deny`, `shadow` or `approval`."""

    rule: str
    outcome: str
    limit: str
    reason: str
    values: dict[str, str]


class ExplainAnswer(msgspec.Struct, frozen=True):
    """A decision, and what led to it.

    Attributes:
        decision: `allow`, `deny`, or `approval`: denied until people confirm it.
        facts: What the request means, as pairs.
    """

    decision: str
    rule: str | None
    reason: str | None
    verdicts: list[RuleVerdict]
    facts: list[tuple[str, str]]


async def list_policies(ask: Ask[None, PolicyQuery]) -> PolicyList | Problem:
    """List the policies of virtual keys within reach."""
    # Which policies there are is told by the keys that have them: as far as the caller reaches those.
    reached = reach(ask.person.role, "virtual.read")
    within = None if reached == ALL else ask.console.assignments.subjects_of(ask.person.id, "virtual")
    query = ask.query
    request = gateway.ListPolicies(query.query, within, query.limit, query.after, on_behalf=behalf_of(ask))
    page = shaped(await neighbours_of(ask.console).ask_gateway(request), gateway.PoliciesAnswer)
    if isinstance(page, Problem):
        return page
    items = [
        PolicyInUse(
            one.name,
            one.sha256,
            [key.id for key in one.keys],
            {key.id: key.label for key in one.keys},
            one.count,
        )
        for one in page.policies
    ]
    return PolicyList(items, page.next or None, page.total)


async def lint_policy(ask: Ask[LintDraft, None]) -> LintAnswer:
    """Check a policy."""
    found = await asyncio.to_thread(read_policy, ask.body.text)
    if isinstance(found, tuple):
        return LintAnswer(ok=False, errors=[_problem(one) for one in found], advice=[])
    return LintAnswer(ok=True, errors=[], advice=[LintAdvice(one.rule, one.text) for one in advise(found)])


async def compare_policies(ask: Ask[CompareDraft, None]) -> CompareAnswer | Problem:
    """Say what a new policy allows that the old one does not."""
    old = await asyncio.to_thread(_policy, ask.body.old)
    new = await asyncio.to_thread(_policy, ask.body.new)
    if isinstance(old, Problem):
        return old
    if isinstance(new, Problem):
        return new
    changes = [RuleChange(one.rule, one.old, one.new, one.wider) for one in compare(old, new)]
    return CompareAnswer(not any(change.wider for change in changes), changes)


async def explain_request(ask: Ask[ExplainDraft, None]) -> ExplainAnswer | Problem:
    """Decide a request by a policy and show what led to it."""
    draft = ask.body
    policy = await asyncio.to_thread(_policy, draft.policy)
    if isinstance(policy, Problem):
        return policy
    scenario = await asyncio.to_thread(read_scenario, draft.given) if draft.given else Scenario()
    if isinstance(scenario, PolicyProblem):
        return Problem(REFUSED, f"given: {scenario}")
    intent = read_intent(draft.request, draft.parameters)
    found = explain(policy, intent, scenario.usage, scenario.references(), scenario.at_us)
    decision = found.decision
    denied = decision if isinstance(decision, Deny) else None
    verdicts = [
        RuleVerdict(one.rule, one.outcome, one.limit, one.reason, dict(one.values)) for one in found.verdicts
    ]
    return ExplainAnswer(
        "allow" if denied is None else "approval" if denied.demands else "deny",
        denied.rule if denied else None,
        denied.reason if denied else None,
        verdicts,
        [(name, value) for name, value in found.facts],
    )


def _policy(text: str) -> Policy | Problem:
    found = read_policy(text)
    if isinstance(found, tuple):
        return Problem(REFUSED, "; ".join(str(one) for one in found[:5]))
    return found


def _problem(one: PolicyProblem) -> LintProblem:
    return LintProblem(one.line, one.column, one.where, one.text)


_ASKED: Final[dict[str, Any]] = {
    "method": "POST", "tag": TAG, "action": "policy.read", "limit": "heavy",
    # Nothing is changed; the row says who tried what.
    "audit": Audit("policy:tried", subject=lambda ask: ask.person.id),
}  # fmt: skip

ROUTES: Final = (
    Route(
        method="GET", path="/policies", name="listPolicies", summary="List policies in use.", tag=TAG,
        action="policy.read", handler=list_policies, query=PolicyQuery, answer=PolicyList,
    ),
    Route(
        path="/policies/lint", name="lintPolicy", summary="Check a policy.", handler=lint_policy, body=LintDraft,
        answer=LintAnswer, **_ASKED,
    ),
    Route(
        path="/policies/compare", name="comparePolicies", summary="Say where a new policy allows more.",
        handler=compare_policies, body=CompareDraft, answer=CompareAnswer, **_ASKED,
    ),
    Route(
        path="/policies/explain", name="explainRequest", summary="Decide a request by a policy, sending nothing.",
        handler=explain_request, body=ExplainDraft, answer=ExplainAnswer, **_ASKED,
    ),
)  # fmt: skip
