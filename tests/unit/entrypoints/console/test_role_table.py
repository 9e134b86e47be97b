"""Role x route: every management route has an expected answer for every role, for tokens, and for somebody not signed in.

The table is written by hand: a new route without a line here fails, and so does one whose answer changes.
"""

import pytest
from tests.support.console_fakes import FakeConsole, Probe, asked

from watchword.accounts.roles import ACTIONS, ASSIGNED, ROLES, reach
from watchword.entrypoints.console import problem as told
from watchword.entrypoints.console.problem import Problem
from watchword.entrypoints.console.route import Route
from watchword.entrypoints.console.routes.table import ROUTES

#: Who gets through: o(wner), a(dmin), t(rader), u for auditor. `*`: nobody is asked for.
#: Then, whether a token with the scope does (T or -), and whether an old second factor is enough (old, fresh, some).
EXPECTED = {
    "showAbout": ("*", "-", "old"),
    "showDocument": ("*", "-", "old"),
    "signIn": ("*", "-", "old"),
    "showFactor": ("oatu", "-", "old"),
    "stepUp": ("oatu", "-", "old"),
    "openChallenge": ("oatu", "-", "old"),
    "sendCode": ("oatu", "-", "old"),
    "enrol": ("*", "-", "old"),
    "showSelf": ("oatu", "T", "old"),
    "changePassword": ("oatu", "-", "fresh"),
    "changeContact": ("oatu", "-", "fresh"),
    "startContact": ("oatu", "-", "fresh"),
    "confirmContact": ("oatu", "-", "fresh"),
    "listOwnHistory": ("oatu", "T", "old"),
    "listHistory": ("oau", "T", "old"),
    "listFactors": ("oatu", "T", "old"),
    "removeFactor": ("oatu", "-", "fresh"),
    "startApp": ("oatu", "-", "some"),
    "confirmApp": ("oatu", "-", "some"),
    "startKey": ("oatu", "-", "some"),
    "addKey": ("oatu", "-", "some"),
    "startAddress": ("oatu", "-", "some"),
    "confirmAddress": ("oatu", "-", "some"),
    "drawRecoveryCodes": ("oatu", "-", "fresh"),
    "listOwnSessions": ("oatu", "T", "old"),
    "endOtherSessions": ("oatu", "-", "old"),
    "endOwnSession": ("oatu", "-", "old"),
    "signOut": ("oatu", "-", "old"),
    "listSessions": ("oau", "T", "old"),
    "endSessions": ("oa", "T", "old"),
    "endSession": ("oa", "T", "old"),
    "listOwnTokens": ("oatu", "T", "old"),
    "makeToken": ("oatu", "-", "fresh"),
    "revokeOwnToken": ("oatu", "T", "old"),
    "listTokens": ("oau", "T", "old"),
    "revokeToken": ("oa", "T", "old"),
    "listPeople": ("oau", "T", "old"),
    "invitePerson": ("oa", "-", "fresh"),
    "showPerson": ("oau", "T", "old"),
    "removePerson": ("oa", "-", "fresh"),
    "showUsable": ("oau", "T", "old"),
    "invitePersonAnew": ("oa", "-", "fresh"),
    "assignRole": ("oa", "-", "fresh"),
    "changePersonContact": ("oa", "-", "fresh"),
    "disablePerson": ("oa", "-", "fresh"),
    "enablePerson": ("oa", "-", "fresh"),
    "listOwnAssignments": ("oatu", "T", "old"),
    "listAssignments": ("oau", "T", "old"),
    "assign": ("oa", "T", "old"),
    "unassign": ("oa", "T", "old"),
    "ownAccount": ("oa", "T", "old"),
    "disownAccount": ("oa", "T", "old"),
    "listExchangeAccounts": ("oatu", "T", "old"),
    "showExchangeAccount": ("oatu", "T", "old"),
    "openExchangeAccount": ("oa", "T", "old"),
    "deposit": ("oa", "T", "old"),
    "showAddresses": ("oatu", "T", "old"),
    "allowAddress": ("oa", "-", "fresh"),
    "forgetAddress": ("oa", "T", "old"),
    "listKeys": ("oatu", "T", "old"),
    "makeKey": ("oat", "-", "fresh"),
    "showKey": ("oatu", "T", "old"),
    "changeKey": ("oat", "T", "some"),
    "deleteKey": ("oat", "T", "old"),
    "deleteAllKeys": ("oat", "T", "old"),
    "listKeyRules": ("oatu", "T", "old"),
    "listKeyTemplates": ("oatu", "T", "old"),
    "listKeyEvents": ("oatu", "T", "old"),
    "showClock": ("oau", "T", "old"),
    "moveClock": ("oa", "T", "old"),
    "listBalances": ("oatu", "T", "old"),
    "listOpenOrders": ("oatu", "T", "old"),
    "listOrders": ("oatu", "T", "old"),
    "listTrades": ("oatu", "T", "old"),
    "exportTrades": ("oatu", "T", "old"),
    "listDeposits": ("oatu", "T", "old"),
    "placeOrder": ("oat", "T", "old"),
    "tryOrder": ("oat", "T", "old"),
    "cancelOrder": ("oat", "T", "old"),
    "cancelOpenOrders": ("oat", "T", "old"),
    "showFaucet": ("oatu", "T", "old"),
    "openFaucet": ("oat", "T", "old"),
    "showPortfolio": ("oatu", "T", "old"),
    "listSymbols": ("oatu", "T", "old"),
    "listCandles": ("oatu", "T", "old"),
    "showBook": ("oatu", "T", "old"),
    "listMarketTrades": ("oatu", "T", "old"),
    "watchChanges": ("oatu", "T", "old"),
    "watchMarket": ("oatu", "T", "old"),
    "watchAccount": ("oatu", "T", "old"),
    "listCredentials": ("oatu", "T", "old"),
    "addCredential": ("oa", "-", "fresh"),
    "makePair": ("oa", "-", "fresh"),
    "showCredential": ("oatu", "T", "old"),
    "removeCredential": ("oa", "-", "fresh"),
    "registerCredential": ("oa", "-", "fresh"),
    "checkCredential": ("oatu", "T", "old"),
    "listChecks": ("oatu", "T", "old"),
    "checkCredentials": ("oatu", "T", "old"),
    "showVault": ("oau", "T", "old"),
    "sealVault": ("oa", "T", "old"),
    "unsealVault": ("o", "-", "fresh"),
    "listVirtualKeys": ("oatu", "T", "old"),
    "issueVirtualKey": ("oa", "-", "fresh"),
    "showVirtualKey": ("oatu", "T", "old"),
    "changeVirtualKey": ("oa", "-", "fresh"),
    "rollVirtualKey": ("oa", "-", "fresh"),
    "revokeVirtualKey": ("oat", "T", "old"),
    "showGateway": ("oau", "T", "old"),
    "showGatewayAddresses": ("oatu", "T", "old"),
    "listPolicies": ("oatu", "T", "old"),
    "lintPolicy": ("oatu", "T", "old"),
    "comparePolicies": ("oatu", "T", "old"),
    "explainRequest": ("oatu", "T", "old"),
    "listApprovals": ("oatu", "T", "old"),
    "showApproval": ("oatu", "T", "old"),
    "decideApproval": ("oat", "-", "fresh"),
    "searchAudit": ("oau", "T", "old"),
    "exportAuditCsv": ("oau", "T", "old"),
    "exportAuditJson": ("oau", "T", "old"),
    "verifyAudit": ("oau", "T", "old"),
    "showAuditRow": ("oau", "T", "old"),
}
#: No changes though they are sent with POST: they have a body, and a row that says who tried what.
TRYING = {"checkCredentials", "lintPolicy", "comparePolicies", "explainRequest"}
LETTERS = {"owner": "o", "admin": "a", "trader": "t", "auditor": "u"}
#: Beyond role and scope a probe body may fail; that is after what is looked at here.
_BEFORE_THE_BODY = {
    told.NOT_SIGNED_IN,
    told.FORBIDDEN,
    told.OUTSIDE_SCOPE,
    told.TOKEN_REFUSED,
    told.FACTOR_MISSING,
}


def test_every_route_is_in_the_table_and_named_once() -> None:
    names = [route.name for route in ROUTES]
    assert sorted(names) == sorted(EXPECTED)
    assert len({(route.method, route.path) for route in ROUTES}) == len(ROUTES)


def test_every_change_is_audited_and_limited_as_one() -> None:
    silent = [route.name for route in ROUTES if route.method != "GET" and route.audit is None]
    assert silent == []
    assert [route.name for route in ROUTES if route.method == "GET" and route.audit is not None] == []
    assert [route.name for route in ROUTES if route.method != "GET" and route.limit == "read"] == []


def test_every_body_and_query_refuses_what_nobody_asked_for() -> None:
    for route in ROUTES:
        for kind in (route.body, route.query):
            assert kind is None or kind.__struct_config__.forbid_unknown_fields, kind


@pytest.mark.parametrize("route", ROUTES, ids=lambda route: route.name)
@pytest.mark.parametrize("role", ROLES)
async def test_role_gets_what_the_table_says(route: Route, role: str) -> None:
    who = EXPECTED[route.name][0]
    console = FakeConsole()
    stage = "full" if "full" in route.stages else min(route.stages)
    token = console.signed_in(role, stage=stage)  # type: ignore[arg-type]
    through = await _through(console, route, token)
    assert through is (who == "*" or LETTERS[role] in who)


@pytest.mark.parametrize("route", ROUTES, ids=lambda route: route.name)
async def test_nobody_gets_only_what_is_open(route: Route) -> None:
    assert await _through(FakeConsole(), route, None) is (EXPECTED[route.name][0] == "*")


@pytest.mark.parametrize("route", ROUTES, ids=lambda route: route.name)
async def test_token_gets_what_the_table_says_and_needs_the_scope(route: Route) -> None:
    console = FakeConsole()
    if route.action is None:
        return
    fitting = await _through(console, route, console.token_of({route.action}))
    assert fitting is (EXPECTED[route.name][1] == "T")
    others = set(ACTIONS) - {route.action}
    assert await _through(console, route, console.token_of(others)) is False


@pytest.mark.parametrize("route", ROUTES, ids=lambda route: route.name)
def test_freshness_is_what_the_table_says(route: Route) -> None:
    fresh = (
        {"never": "old", "always": "fresh"}.get(route.fresh, "some")
        if isinstance(route.fresh, str)
        else "some"
    )
    assert fresh == EXPECTED[route.name][2]


def test_auditor_changes_nothing_but_their_own_and_trader_only_what_may_be_theirs() -> None:
    theirs = {"self.write", "account.trade", "key.write", "virtual.use", "approval.decide"}
    for route in ROUTES:
        who = set(EXPECTED[route.name][0])
        if route.method != "GET" and route.action is not None and route.name not in TRYING:
            assert "u" not in who or route.action == "self.write", route.name
            assert "t" not in who or route.action in theirs, route.name


def test_what_a_trader_reaches_is_limited_to_what_is_assigned() -> None:
    for route in ROUTES:
        if "t" in EXPECTED[route.name][0] and route.action not in {
            None,
            "self.read",
            "self.write",
            "policy.read",
        }:
            assert reach("trader", route.action) == ASSIGNED, route.name


async def _through(console: FakeConsole, route: Route, token: str | None) -> bool:
    """Whether a caller passes role, scope, stage and token rules; what comes after does not matter here."""
    answer = await asked(console, _with_probe(route), token, b"")
    return not (isinstance(answer, Problem) and answer.kind in _BEFORE_THE_BODY)


def _with_probe(route: Route) -> Route:
    import msgspec

    return msgspec.structs.replace(
        route, handler=Probe(), body=None, query=None, fresh=_as_tokens_see_it(route)
    )


def _as_tokens_see_it(route: Route) -> object:
    """Keep `always`, which refuses tokens; what depends on the body is its own tests'."""
    return route.fresh if isinstance(route.fresh, str) else "never"
