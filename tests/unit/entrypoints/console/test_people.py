"""People over the management API: who may touch whom, what a removed person could use, what another role cannot reach."""

from typing import Any

import pytest
from tests.support.console_people import PeopleConsole

from watchword.audit.event import Change, Outcome, Refusal
from watchword.entrypoints.console import problem as told
from watchword.entrypoints.console.problem import Problem

DRAFT = {"name": "eve", "mail": "eve@example.org", "role": "trader"}


@pytest.fixture
def console() -> PeopleConsole:
    return PeopleConsole()


async def test_invited_person_is_listed_and_has_no_way_in_yet(console: PeopleConsole) -> None:
    token = console.session_of("ann")
    made = await console.call("POST", "/people", token, DRAFT)
    assert (made.person.state, made.person.role, made.enrolment[:4]) == ("invited", "trader", "wwe_")
    listed = await console.call("GET", "/people?query=EVE", token)
    assert [person.name for person in listed.items] == ["eve"]
    signed = await console.call("POST", "/sign-in", None, {"login": "eve", "password": "x" * 12})
    assert signed.kind is told.SIGN_IN_REFUSED


@pytest.mark.parametrize("more", [{"id": "p-1"}, {"enrolled_us": 1}, {"password": "x"}])
async def test_fields_nobody_asked_for_make_no_person(console: PeopleConsole, more: dict[str, Any]) -> None:
    answer = await console.call("POST", "/people", console.session_of("ann"), {**DRAFT, **more})
    assert answer.kind is told.INVALID
    assert console.people.called("eve") is None


async def test_own_contact_takes_no_role_with_it(console: PeopleConsole) -> None:
    token = console.session_of("tim", "trader")
    body = {"mail": "tim@example.net", "role": "owner"}
    assert (await console.call("PUT", "/self/contact", token, body)).kind is told.INVALID
    del body["role"]
    assert await console.call("PUT", "/self/contact", token, body) is None
    assert console.people.called("tim@example.net").role == "trader"  # type: ignore[union-attr]
    assert console.outbox.sent[-1].address == "tim@example.org"


async def test_admin_touches_no_owner(console: PeopleConsole) -> None:
    owner, admin = console.person("ann", "owner"), console.session_of("adam", "admin")
    console.session_of("ann")
    path = f"/people/{owner.id}"
    for method, end, body in (
        ("DELETE", "", None), ("POST", "/disable", None), ("POST", "/invitation", None),
        ("PUT", "/role", {"role": "trader"}), ("PUT", "/contact", {"mail": "adam@evil.example"}),
        ("DELETE", "/sessions", None),
    ):  # fmt: skip
        assert (await console.call(method, path + end, admin, body)).kind is told.FORBIDDEN, end
    promoted = {**DRAFT, "role": "owner"}
    assert (await console.call("POST", "/people", admin, promoted)).kind is told.FORBIDDEN
    himself = f"/people/{console.person('adam', 'admin').id}/role"
    assert (await console.call("PUT", himself, admin, {"role": "owner"})).kind is told.FORBIDDEN
    assert console.people.get(owner.id) == owner
    assert len(console.sessions.listed(owner.id, console.clock.us)) == 1
    assert all(outcome.result == "not_sent" for outcome in console.trail.of(Outcome))


@pytest.mark.parametrize(("method", "end", "body"), [("DELETE", "", None), ("POST", "/disable", None), ("PUT", "/role", {"role": "admin"})])  # fmt: skip
async def test_last_owner_stays(console: PeopleConsole, method: str, end: str, body: Any) -> None:
    token = console.session_of("ann")
    path = f"/people/{console.person('ann', 'owner').id}{end}"
    assert (await console.call(method, path, token, body)).kind is told.CONFLICT
    console.person("olga", "owner")
    assert not isinstance(await console.call(method, path, token, body), Problem)


async def test_demotion_takes_effect_at_the_next_request(console: PeopleConsole) -> None:
    owner, admin = console.session_of("ann"), console.session_of("adam", "admin")
    assert not isinstance(await console.call("GET", "/people", admin), Problem)
    path = f"/people/{console.person('adam', 'admin').id}/role"
    assert (await console.call("PUT", path, owner, {"role": "trader"})).role == "trader"
    assert (await console.call("GET", "/people", admin)).kind is told.FORBIDDEN


async def test_removed_person_is_out_at_once_and_what_they_could_use_is_shown(console: PeopleConsole) -> None:
    owner, trader = console.session_of("ann"), console.session_of("tim", "trader")
    tim = console.person("tim", "trader").id
    await console.call("PUT", f"/people/{tim}/assignments/virtual/vk-grid", owner)
    await console.call("PUT", f"/people/{tim}/assignments/credential/cr-main", owner)
    await console.call("PUT", "/accounts/7/owner", owner, {"person": tim})
    draft = {"label": "bot", "scopes": ["self.read"], "expires_us": console.clock.us + 10**9}
    bot = (await console.call("POST", "/self/tokens", trader, draft)).token
    before = await console.call("GET", f"/people/{tim}/usable", owner)
    removed = await console.call("DELETE", f"/people/{tim}", owner)
    assert removed.could_use == before
    assert [row.subject for row in before.assignments] == ["vk-grid", "cr-main"]
    assert ([row.account for row in before.accounts], before.tokens) == ([7], ["bot"])
    for token in (trader, bot):
        assert (await console.call("GET", "/self", token)).kind is told.NOT_SIGNED_IN
    assert console.assignments.owner_of(7) is None
    row = console.trail.of(Change)[-1]
    assert (row.action, row.subject, row.actor) == ("person:removed", tim, "ann")
    assert (row.values["person"], row.values["keys"], row.values["accounts"]) == (
        "tim",
        "cr-main, vk-grid",
        "7",
    )


async def test_disabled_person_is_out_until_enabled(console: PeopleConsole) -> None:
    owner, trader = console.session_of("ann"), console.session_of("tim", "trader")
    path = f"/people/{console.person('tim', 'trader').id}"
    assert (await console.call("POST", f"{path}/disable", owner)).state == "disabled"
    assert (await console.call("GET", "/self", trader)).kind is told.NOT_SIGNED_IN
    assert (await console.call("POST", f"{path}/enable", owner)).state == "active"
    assert not isinstance(await console.call("GET", "/self", console.session_of("tim")), Problem)


async def test_ids_of_others_lead_nowhere(console: PeopleConsole) -> None:
    """IDOR: one person's session and token ids in another's requests."""
    ann, tim = console.session_of("ann"), console.session_of("tim", "trader")
    draft = {"label": "bot", "scopes": ["self.read"], "expires_us": console.clock.us + 10**9}
    made = await console.call("POST", "/self/tokens", ann, draft)
    (session,) = (await console.call("GET", "/self/sessions", ann)).items
    assert (await console.call("DELETE", f"/self/tokens/{made.about.id}", tim)).kind is told.NOT_FOUND
    assert (await console.call("DELETE", f"/self/sessions/{session.id}", tim)).kind is told.NOT_FOUND
    # Also where an owner names the wrong person.
    wrong = f"/people/{console.person('tim', 'trader').id}"
    assert (await console.call("DELETE", f"{wrong}/tokens/{made.about.id}", ann)).kind is told.NOT_FOUND
    assert (await console.call("DELETE", f"{wrong}/sessions/{session.id}", ann)).kind is told.NOT_FOUND
    assert not isinstance(await console.call("GET", "/self", made.token), Problem)


async def test_trader_sees_nobody_and_auditor_everybody(console: PeopleConsole) -> None:
    ann = console.person("ann", "owner")
    trader, auditor = console.session_of("tim", "trader"), console.session_of("una", "auditor")
    for end in ("", "/sessions", "/tokens", "/history", "/usable"):
        assert (await console.call("GET", f"/people/{ann.id}{end}", trader)).kind is told.FORBIDDEN
        assert not isinstance(await console.call("GET", f"/people/{ann.id}{end}", auditor), Problem)
    assert (await console.call("DELETE", f"/people/{ann.id}", auditor)).kind is told.FORBIDDEN
    assert {row.rule for row in console.trail.of(Refusal)} == {"forbidden"}


async def test_token_is_never_wider_than_its_owners_role(console: PeopleConsole) -> None:
    token = console.session_of("tim", "trader")
    draft = {"label": "bot", "scopes": ["self.read", "person.read"], "expires_us": console.clock.us + 10**9}
    assert (await console.call("POST", "/self/tokens", token, draft)).kind is told.REFUSED
    draft["scopes"] = ["self.read"]
    made = await console.call("POST", "/self/tokens", token, draft)
    assert (await console.call("GET", "/self", made.token)).actions == ["self.read"]
    assert (await console.call("GET", "/self/tokens", made.token)).items[0].label == "bot"
    assert (
        await console.call("DELETE", f"/self/tokens/{made.about.id}", made.token)
    ).kind is told.OUTSIDE_SCOPE
    console.clock.us += 10**9
    assert (await console.call("GET", "/self", made.token)).kind is told.NOT_SIGNED_IN


async def test_lists_come_in_pages(console: PeopleConsole) -> None:
    token = console.session_of("ann")
    for number in range(5):
        console.person(f"bob{number}", "trader")
    first = await console.call("GET", "/people?role=trader&limit=3", token)
    rest = await console.call("GET", f"/people?role=trader&limit=3&after={first.next}", token)
    assert [person.name for person in (*first.items, *rest.items)] == [f"bob{number}" for number in range(5)]
    assert rest.next is None


async def test_assignment_goes_to_somebody_and_back(console: PeopleConsole) -> None:
    owner, tim = console.session_of("ann"), console.person("tim", "trader").id
    path = f"/people/{tim}/assignments/virtual/vk-grid"
    made = await console.call("PUT", path, owner)
    assert (made.person, made.subject, made.by) == (tim, "vk-grid", console.person("ann", "owner").id)
    assert await console.call("PUT", path, owner) == made
    assert (await console.call("GET", "/assignments?subject=vk-grid", owner)).items == [made]
    assert (await console.call("PUT", path.replace("virtual", "person"), owner)).kind is told.NOT_FOUND
    assert (await console.call("PUT", path.replace(tim, "p-nobody"), owner)).kind is told.NOT_FOUND
    assert await console.call("DELETE", path, owner) is None
    assert (await console.call("DELETE", path, owner)).kind is told.NOT_FOUND
