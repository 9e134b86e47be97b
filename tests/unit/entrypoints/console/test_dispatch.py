"""The steps of a management request: each refuses what is one step off, and nothing is done then."""

import pytest
from tests.support.console_fakes import (
    NOW_US,
    SECOND_US,
    FakeConsole,
    Probe,
    ProbeAnswer,
    ProbeQuery,
    asked,
    probe_route,
)

from watchword.accounts.sessions import FRESH_MS_MAX
from watchword.audit.event import Change, Outcome, Refusal
from watchword.entrypoints.console import problem as told
from watchword.entrypoints.console.problem import Problem
from watchword.entrypoints.console.route import Audit
from watchword.kernel.errors import InvariantError, StorageError


@pytest.fixture
def console() -> FakeConsole:
    return FakeConsole()


async def test_change_is_recorded_with_who_where_and_factor_before_it_is_made(console: FakeConsole) -> None:
    probe = Probe()
    assert await asked(console, probe_route(probe), console.signed_in()) == ProbeAnswer("done")
    (row,) = console.trail.events
    assert (row.action, row.actor, row.subject) == ("probe:made", "ann", "one")
    assert row.values == {
        "by": "p-ann",
        "from": "127.0.0.1",
        "factor": "totp",
        "through": "s-ann",
        "request": "00ff",
    }
    assert probe.asked[0].body.name == "x"


async def test_nothing_is_done_when_it_cannot_be_recorded(console: FakeConsole) -> None:
    probe, console.trail.broken = Probe(), True
    answer = await asked(console, probe_route(probe), console.signed_in())
    assert answer.kind is told.NO_RECORD
    assert not probe.asked


async def test_refusal_by_handler_leaves_a_row_that_it_was_not_done(console: FakeConsole) -> None:
    probe = Probe(Problem(told.CONFLICT, "there is one already"))
    await asked(console, probe_route(probe), console.signed_in())
    change, outcome = console.trail.events
    assert isinstance(change, Change)
    assert (outcome.intent, outcome.result, outcome.note) == (1, "not_sent", "there is one already")


async def test_fault_of_handler_leaves_a_row_that_nobody_knows(console: FakeConsole) -> None:
    answer = await asked(console, probe_route(Probe(StorageError("disk"))), console.signed_in())
    assert answer.kind is told.UNAVAILABLE
    assert console.trail.of(Outcome)[0].result == "unknown"


async def test_unforeseen_fault_says_nothing_about_itself(console: FakeConsole) -> None:
    answer = await asked(console, probe_route(Probe(ValueError("s3cret"))), console.signed_in())
    assert answer == Problem(told.FAULT)


async def test_broken_invariant_is_not_answered(console: FakeConsole) -> None:
    with pytest.raises(InvariantError):
        await asked(console, probe_route(Probe(InvariantError("broken"))), console.signed_in())


@pytest.mark.parametrize("token", [None, "wws_nobody", ""])
async def test_unknown_caller_is_refused_and_counted(console: FakeConsole, token: str | None) -> None:
    probe = Probe()
    assert (await asked(console, probe_route(probe), token)).kind is told.NOT_SIGNED_IN
    assert not probe.asked
    assert console.trail.counted == [("management: not signed in", "127.0.0.1")]


async def test_role_without_the_action_is_refused_with_a_row(console: FakeConsole) -> None:
    probe = Probe()
    assert (await asked(console, probe_route(probe), console.signed_in("auditor"))).kind is told.FORBIDDEN
    (row,) = console.trail.of(Refusal)
    assert (row.key, row.rule, row.ip, row.values["person"]) == ("p-ann", "forbidden", "127.0.0.1", "ann")
    assert not probe.asked
    assert await asked(console, probe_route(probe), console.signed_in("admin")) == ProbeAnswer("done")


async def test_token_needs_the_scope_and_its_persons_role(console: FakeConsole) -> None:
    route = probe_route(Probe())
    assert await asked(console, route, console.token_of({"settings.write"})) == ProbeAnswer("done")
    narrow = console.token_of({"settings.read"})
    assert (await asked(console, route, narrow)).kind is told.OUTSIDE_SCOPE
    demoted = console.token_of({"settings.write"}, role="auditor")
    assert (await asked(console, route, demoted)).kind is told.FORBIDDEN


@pytest.mark.parametrize("given", [{"tokens": False}, {"fresh": "always"}])
async def test_token_is_refused_where_only_a_person_may(
    console: FakeConsole, given: dict[str, object]
) -> None:
    answer = await asked(console, probe_route(Probe(), **given), console.token_of({"settings.write"}))
    assert answer.kind is told.TOKEN_REFUSED


async def test_half_signed_in_session_gets_only_where_its_stage_is_accepted(console: FakeConsole) -> None:
    token = console.signed_in(stage="factor")
    assert (await asked(console, probe_route(Probe()), token)).kind is told.FACTOR_MISSING
    fitting = probe_route(Probe(), stages=frozenset({"factor"}))
    assert await asked(console, fitting, token) == ProbeAnswer("done")
    assert (await asked(console, fitting, console.signed_in())).kind is told.FACTOR_MISSING


@pytest.mark.parametrize(
    ("age_us", "kind"),
    [(0, None), (FRESH_MS_MAX * 1_000, None), (FRESH_MS_MAX * 1_000 + 1, told.STALE_FACTOR)],
)
async def test_factor_is_fresh_for_300_seconds(console: FakeConsole, age_us: int, kind: object) -> None:
    probe = Probe()
    answer = await asked(
        console, probe_route(probe, fresh="always"), console.signed_in(factor_us=NOW_US - age_us)
    )
    assert getattr(answer, "kind", None) is kind
    assert bool(probe.asked) is (kind is None)


async def test_session_without_a_factor_is_never_fresh(console: FakeConsole) -> None:
    answer = await asked(console, probe_route(Probe(), fresh="always"), console.signed_in(factor_us=0))
    assert answer.kind is told.STALE_FACTOR


async def test_freshness_may_depend_on_the_body(console: FakeConsole) -> None:
    route = probe_route(Probe(), fresh=lambda ask: ask.body.wide)
    stale = console.signed_in(factor_us=NOW_US - 600 * SECOND_US)
    assert await asked(console, route, stale) == ProbeAnswer("done")
    assert (await asked(console, route, stale, b'{"name":"x","wide":true}')).kind is told.STALE_FACTOR
    bot = console.token_of({"settings.write"})
    assert (await asked(console, route, bot, b'{"name":"x","wide":true}')).kind is told.TOKEN_REFUSED


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b'{"name":"x","role":"owner"}', told.INVALID),
        (b'{"name":1}', told.INVALID),
        (b"{}", told.INVALID),
        (b"{", told.MALFORMED),
        (b"", told.MALFORMED),
        (b"\xff", told.MALFORMED),
        (b"[" * 100_000, told.INVALID),
        (Problem(told.TOO_LARGE), told.TOO_LARGE),
    ],
)
async def test_body_that_does_not_fit_changes_nothing(
    console: FakeConsole, body: bytes, kind: told.Kind
) -> None:
    probe = Probe()
    assert (await asked(console, probe_route(probe), console.signed_in(), body)).kind is kind
    assert not probe.asked
    assert not console.trail.events


async def test_body_must_be_called_json(console: FakeConsole) -> None:
    route, token = probe_route(Probe()), console.signed_in()
    fitting = await asked(console, route, token, content_type="application/json; charset=utf-8")
    assert fitting == ProbeAnswer("done")
    # What a form of another page can send without asking.
    assert (await asked(console, route, token, content_type="text/plain")).kind is told.NOT_JSON


@pytest.mark.parametrize(
    ("query", "kind"),
    [
        ([("limit", "5")], None),
        ([("limit", "5"), ("limit", "6")], told.INVALID),
        ([("limit", "five")], told.INVALID),
        ([("unknown", "1")], told.INVALID),
    ],
)
async def test_query_is_read_strictly(
    console: FakeConsole, query: list[tuple[str, str]], kind: object
) -> None:
    route = probe_route(Probe(), query=ProbeQuery)
    answer = await asked(console, route, console.signed_in(), query=query)
    assert getattr(answer, "kind", None) is kind


async def test_route_without_body_or_query_refuses_them(console: FakeConsole) -> None:
    route, token = probe_route(Probe(), body=None), console.signed_in()
    assert await asked(console, route, token, b"") == ProbeAnswer("done")
    assert (await asked(console, route, token, b"{}")).kind is told.MALFORMED
    assert (await asked(console, route, token, b"", [("a", "b")])).kind is told.INVALID


async def test_calls_beyond_the_burst_wait_for_address_and_person(console: FakeConsole) -> None:
    route, token = probe_route(Probe()), console.signed_in()
    for _ in range(60):
        assert await asked(console, route, token) == ProbeAnswer("done")
    refused = await asked(console, route, token)
    assert (refused.kind, refused.retry_after_s > 0) == (told.TOO_MANY, True)
    # The same person from elsewhere; then somebody else from there.
    assert (await asked(console, route, token, ip="192.0.2.1")).kind is told.TOO_MANY
    other = console.signed_in(name="bob")
    assert await asked(console, route, other, ip="192.0.2.1") == ProbeAnswer("done")
    console.clock.us += refused.retry_after_s * SECOND_US
    assert await asked(console, route, token) == ProbeAnswer("done")


async def test_open_route_asks_nobody_and_records_by_its_handler(console: FakeConsole) -> None:
    route = probe_route(Probe(), action=None, audit=Audit("probe:made", by_handler=True))
    assert await asked(console, route, None) == ProbeAnswer("done")
    assert not console.trail.events
