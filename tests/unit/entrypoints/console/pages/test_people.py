"""People: listed, invited with a token shown once, and changed only after it was said what will happen."""

import html
import re
from pathlib import Path
from typing import Any

import pytest
from tests.support.console_pages import FakeBrowser, PagesConsole

from watchword.entrypoints.console import problem as told
from watchword.entrypoints.console.problem import Problem
from watchword.entrypoints.console.routes.assignments import OwnershipView, UsableView
from watchword.entrypoints.console.routes.testnet_accounts import ExchangeAccountView
from watchword.entrypoints.console.routes.vault import CredentialList
from watchword.entrypoints.console.routes.virtual_keys import VirtualKeyPage

TOKEN = re.compile(r'<output id="enrolment-token"[^>]*>([^<]+)</output>')
NOBODY = Problem(told.UNAVAILABLE, "no gateway runs here")


class Named:
    """What a list of keys is asked for."""

    def __init__(self, key: str, label: str) -> None:
        self.id, self.label = key, label


@pytest.fixture
def console(tmp_path: Path) -> PagesConsole:
    keys: Any = [Named("vk-1", "grid bot"), Named("vk-2", "other bot")]
    credentials: Any = [Named("cr-1", "main account")]
    return PagesConsole(
        tmp_path, listVirtualKeys=VirtualKeyPage(keys, None, 2), listCredentials=CredentialList(credentials)
    )


@pytest.fixture
def olga(console: PagesConsole) -> FakeBrowser:
    return console.signed_in()


@pytest.fixture
def tom(console: PagesConsole, olga: FakeBrowser) -> str:
    """Id of a trader."""
    return console.person("tom", "trader").id


async def test_list_shows_and_searches(console: PagesConsole, olga: FakeBrowser, tom: str) -> None:
    page = (await olga.get("/people")).text
    assert all(
        part in page for part in ("olga@example.org", "tom@example.org", f"/people/{tom}", "Invite somebody")
    )
    rows = (await olga.get("/people?query=tom")).text.partition('id="list"')[2]
    assert "tom@example.org" in rows
    assert "olga@example.org" not in rows
    assert "Nobody found" in (await olga.get("/people?query=nobody")).text
    assert "tom@" not in (await olga.get("/people?role=owner")).text
    assert "tom@" in (await olga.get("/people?role=emperor")).text


async def test_list_failed_says_why(console: PagesConsole, olga: FakeBrowser) -> None:
    console.answers["listPeople"] = NOBODY
    failed = await olga.get("/people")
    assert failed.status_code == told.UNAVAILABLE.status
    assert "Try again" in failed.text


async def test_invited_gets_a_token_that_is_shown_once(console: PagesConsole, olga: FakeBrowser) -> None:
    form = {"name": "mia", "mail": "mia@example.org", "phone": "", "role": "trader"}
    made = await olga.post("/people/new", form)
    assert made.status_code == 200
    found = TOKEN.search(made.text)
    assert found is not None
    assert f"/set-up#token={found[1]}" in made.text
    mia = console.people.called("mia")
    assert mia is not None
    for path in ("/people", f"/people/{mia.id}"):
        again = (await olga.get(path)).text
        assert found[1] not in again
        assert "Invited" in again


async def test_refused_invitation_keeps_what_was_typed(olga: FakeBrowser) -> None:
    for form in (
        {"name": "OLGA!", "mail": "mia@example.org", "role": "trader"},
        {"name": "olga", "mail": "mia@example.org", "role": "trader"},
        {"name": "m", "mail": "mia@example.org", "role": "trader"},
    ):
        refused = await olga.post("/people/new", form)
        assert refused.status_code >= 400, form
        assert "mia@example.org" in refused.text


async def test_inviting_asks_for_a_fresh_factor(console: PagesConsole, olga: FakeBrowser) -> None:
    console.stale()
    form = {"name": "mia", "mail": "mia@example.org", "phone": "", "role": "trader"}
    assert (await olga.post("/people/new", form)).status_code == 403
    assert console.people.called("mia") is None
    shown = {"w_target": "/people/new", "w_kind": "totp", "w_code": console.code_of("olga"), **form}
    assert TOKEN.search((await olga.post("/step-up", shown)).text) is not None


async def test_admin_makes_no_owner(console: PagesConsole, olga: FakeBrowser) -> None:
    anna = console.signed_in("anna", "admin")
    assert 'value="owner"' not in (await anna.get("/people/new")).text
    assert 'value="owner"' in (await olga.get("/people/new")).text
    refused = await anna.post("/people/new", {"name": "mia", "mail": "mia@example.org", "role": "owner"})
    assert refused.status_code == 403
    assert console.people.called("mia") is None
    owner = console.people.called("olga")
    assert owner is not None
    page = (await anna.get(f"/people/{owner.id}")).text
    assert f"/people/{owner.id}/remove" not in page


@pytest.mark.parametrize(
    ("step", "says"),
    [
        ("disable", "cannot sign in any more"),
        ("anew", "set everything up anew"),
        ("remove", "For good"),
        ("sessions/end", "signed out everywhere"),
        ("role", "The last owner stays one"),
        ("contact", "The address before is told"),
    ],
)
async def test_what_is_done_is_said_before(olga: FakeBrowser, tom: str, step: str, says: str) -> None:
    page = await olga.get(f"/people/{tom}/{step}")
    assert page.status_code == 200
    assert says in html.unescape(page.text)


async def test_disabled_is_refused_and_enabled_again(
    console: PagesConsole, olga: FakeBrowser, tom: str
) -> None:
    his = console.signed_in("tom", "trader")
    assert (await his.get("/security")).status_code == 200
    await olga.post(f"/people/{tom}/disable")
    assert console.people.get(tom).disabled_us  # type: ignore[union-attr]
    assert (await his.get("/security")).status_code == 303, "his session ended"
    page = (await olga.get(f"/people/{tom}")).text
    assert f"/people/{tom}/enable" in page
    assert "Disabled" in page
    await olga.post(f"/people/{tom}/enable")
    assert not console.people.get(tom).disabled_us  # type: ignore[union-attr]


async def test_role_is_given(console: PagesConsole, olga: FakeBrowser, tom: str) -> None:
    await olga.post(f"/people/{tom}/role", {"role": "auditor"})
    assert console.people.get(tom).role == "auditor"  # type: ignore[union-attr]
    assert (await olga.post(f"/people/{tom}/role", {"role": "emperor"})).status_code >= 400
    owner = console.people.called("olga")
    assert owner is not None
    last = await olga.post(f"/people/{owner.id}/role", {"role": "trader"})
    assert last.status_code >= 400, "the last owner stays one"
    assert console.people.get(owner.id).role == "owner"  # type: ignore[union-attr]


async def test_keys_are_assigned_and_taken_back(console: PagesConsole, olga: FakeBrowser, tom: str) -> None:
    form = (await olga.get(f"/people/{tom}/assign")).text
    assert all(
        part in form
        for part in ('value="virtual:vk-1"', "grid bot", 'value="credential:cr-1"', "main account")
    )
    await olga.post(f"/people/{tom}/assign", {"subject": "virtual:vk-1"})
    assert console.assignments.subjects_of(tom, "virtual") == {"vk-1"}
    page = (await olga.get(f"/people/{tom}")).text
    assert "grid bot" in page
    again = (await olga.get(f"/people/{tom}/assign")).text
    assert 'value="virtual:vk-1"' not in again
    said = (await olga.get(f"/people/{tom}/assignments/virtual/vk-1/end")).text
    assert "roll or revoke the key" in said
    await olga.post(f"/people/{tom}/assignments/virtual/vk-1/end")
    assert not console.assignments.subjects_of(tom, "virtual")
    for nonsense in ("", "nonsense", "house:vk-1"):
        assert (await olga.post(f"/people/{tom}/assign", {"subject": nonsense})).status_code >= 400, nonsense


async def test_without_a_gateway_people_are_shown_all_the_same(
    console: PagesConsole, olga: FakeBrowser, tom: str
) -> None:
    await olga.post(f"/people/{tom}/assign", {"subject": "virtual:vk-1"})
    console.answers.update(listVirtualKeys=NOBODY, listCredentials=NOBODY)
    assert "vk-1" in (await olga.get(f"/people/{tom}")).text
    assert "no gateway runs here" in (await olga.get(f"/people/{tom}/assign")).text


async def test_accounts_of_somebody_go_by_their_names_and_by_numbers_without_a_testnet(
    console: PagesConsole, olga: FakeBrowser, tom: str
) -> None:
    console.answers["showUsable"] = UsableView([], [OwnershipView(5, tom, "olga", console.clock.us)], [], 0)
    console.answers["showExchangeAccount"] = ExchangeAccountView("tax desk", 5, None, {})
    assert "<strong>tax desk</strong>" in (await olga.get(f"/people/{tom}")).text
    assert "<strong>tax desk</strong>" in (await olga.get(f"/people/{tom}/remove")).text
    console.answers["showExchangeAccount"] = NOBODY
    assert "<strong>Account 5</strong>" in (await olga.get(f"/people/{tom}")).text


async def test_removal_says_what_they_could_use(console: PagesConsole, olga: FakeBrowser, tom: str) -> None:
    await olga.post(f"/people/{tom}/assign", {"subject": "virtual:vk-1"})
    said = (await olga.get(f"/people/{tom}/remove")).text
    assert "grid bot" in said
    assert "roll or revoke these keys" in said
    console.stale()
    assert (await olga.post(f"/people/{tom}/remove")).status_code == 403
    assert console.people.get(tom) is not None
    shown = {"w_target": f"/people/{tom}/remove", "w_kind": "totp", "w_code": console.code_of("olga")}
    assert (await olga.post("/step-up", shown)).headers["location"] == "/people"
    assert console.people.get(tom) is None


async def test_session_of_somebody_is_ended_after_it_was_said_what_that_does(
    console: PagesConsole, olga: FakeBrowser, tom: str
) -> None:
    his = console.signed_in("tom", "trader")
    page = (await olga.get(f"/people/{tom}")).text
    path = re.search(rf'href="(/people/{tom}/sessions/[^/"]+/end)"', page)
    assert path is not None
    said = (await olga.get(path[1])).text
    assert "End this session of tom?" in said
    assert f'action="{path[1]}"' in said
    assert (await his.get("/security")).status_code == 200
    await olga.post(path[1])
    assert (await his.get("/security")).status_code == 303
    over = await olga.get(path[1])
    assert (over.status_code, over.headers["location"]) == (303, f"/people/{tom}")


async def test_auditor_reads_and_changes_nothing(console: PagesConsole, olga: FakeBrowser, tom: str) -> None:
    uma = console.signed_in("uma", "auditor")
    page = (await uma.get(f"/people/{tom}")).text
    assert "tom@example.org" in page
    assert not re.search(rf"/people/{tom}/[a-z]", page)
    for step in ("disable", "remove", "role", "assign", "anew", "contact", "sessions/end"):
        assert (await uma.get(f"/people/{tom}/{step}")).status_code == 403, step
        assert (await uma.post(f"/people/{tom}/{step}")).status_code == 403, step
    assert console.people.get(tom) is not None


async def test_trader_has_no_such_page(console: PagesConsole) -> None:
    his = console.signed_in("tom", "trader")
    assert (await his.get("/people")).status_code == 403
