"""A person's own API tokens: made with scopes, an end and an IP list, shown once, revoked. Judges no scope: the routes do."""

from typing import Any, Final

from watchword.accounts.roles import Action
from watchword.entrypoints.console.pages.page import Answer, Go, Page, View
from watchword.entrypoints.console.pages.visit import Form, Visit
from watchword.entrypoints.console.pages.wording import DAY_S, SECOND_US, field_errors
from watchword.entrypoints.console.problem import CONFLICT, INVALID, REFUSED, Problem
from watchword.entrypoints.console.routes.table import ROUTES
from watchword.entrypoints.console.routes.tokens import TokenView

BACK: Final = "/security"
DAY_US: Final = DAY_S * SECOND_US
DAYS: Final[dict[str, str]] = {"7": "7 days", "30": "30 days", "90": "90 days", "365": "1 year"}
DAYS_USUAL: Final = "90"
LIST: Final = "list"
SCOPE_WORDS: Final[dict[Action, str]] = {
    "account.read": "See accounts, balances and orders",
    "account.trade": "Place and cancel orders on the testnet",
    "account.write": "Open and change accounts",
    "approval.read": "See what waits for approval",
    "audit.read": "Read the audit trail",
    "credential.read": "See keys in the vault and check them",
    "key.read": "See API keys of the testnet",
    "key.write": "Narrow and delete API keys of the testnet",
    "person.read": "See people",
    "person.write": "Assign keys to people, end their sessions and tokens",
    "policy.read": "See policies",
    "self.read": "See who its owner is",
    "self.write": "Revoke its owner's tokens",
    "settings.read": "See the gateway and the testnet's clock",
    "settings.write": "Move the testnet's clock",
    "vault.read": "See the vault's state",
    "vault.seal": "Seal the vault",
    "virtual.read": "See virtual keys",
    "virtual.use": "Revoke virtual keys",
}
#: What some route takes a token for; all else would be a scope without use.
_USABLE: Final = frozenset(
    route.action for route in ROUTES if route.action is not None and route.takes_tokens
)
_SAID_HERE: Final = frozenset({CONFLICT, INVALID, REFUSED})


def words_of(token: TokenView) -> str:
    """Say in which words a token is searched.

    Args:
        token: As listed.
    """
    return " ".join((token.label, token.id, token.used_ip, *token.scopes, *token.ips))


async def show_new(visit: Visit) -> Answer:
    """Show the form for a new token."""
    return await _new_view(visit, _typed(Form()), None, {})


async def take_new(visit: Visit) -> Answer:
    """Make a token; its text is in the answer to this form and nowhere else."""
    typed = _typed(visit.form)
    wrong = _wrong(typed)
    if wrong:
        return await _new_view(visit, typed, Problem(INVALID), wrong)
    draft = {
        "label": typed["label"],
        "scopes": typed["scopes"],
        "expires_us": visit.now_us + int(typed["days"]) * DAY_US,
        "ips": visit.form.entries("ips") if typed["ip_access"] == LIST else [],
    }
    made = await visit.call("makeToken", body=draft)
    if isinstance(made, Problem):
        return await _new_view(visit, typed, made, {}) if made.kind in _SAID_HERE else made
    return View("token_made.html", {"made": made, "scopes": SCOPE_WORDS})


async def show_revoke(visit: Visit) -> Answer:
    """Say what revoking a token does."""
    owned = await visit.call("listOwnTokens")
    if isinstance(owned, Problem):
        return owned
    (wanted,) = visit.path.values()
    found = next((one for one in owned.items if one.id == wanted), None)
    return (
        View("token_revoke.html", {"token": found, "scopes": SCOPE_WORDS}) if found is not None else Go(BACK)
    )


async def take_revoke(visit: Visit) -> Answer:
    """Revoke a token."""
    gone = await visit.call("revokeOwnToken", path=visit.path)
    return gone if isinstance(gone, Problem) else Go(BACK, "token-revoked")


def _typed(form: Form) -> dict[str, Any]:
    days = form.text("days")
    return {
        "label": form.text("label"),
        "scopes": [one for one in dict.fromkeys(form.every("scopes")) if one in SCOPE_WORDS],
        "days": days if days in DAYS else DAYS_USUAL,
        "ip_access": form.text("ip_access") or LIST,
        "ips": form.text("ips"),
    }


def _wrong(typed: dict[str, Any]) -> dict[str, str]:
    wrong = {}
    if not typed["scopes"]:
        wrong["scopes"] = "Choose at least one thing it may do."
    if typed["ip_access"] == LIST and not typed["ips"]:
        wrong["ips"] = "Write an address, or choose Unrestricted below."
    return wrong


async def _new_view(
    visit: Visit, typed: dict[str, Any], problem: Problem | None, wrong: dict[str, str]
) -> Answer:
    myself = await visit.call("showSelf")
    if isinstance(myself, Problem):
        return myself
    context = {
        "typed": typed,
        "scopes": [
            (one, SCOPE_WORDS[one]) for one in myself.actions if one in _USABLE and one in SCOPE_WORDS
        ],
        "days": DAYS.items(),
        "problem": problem,
        "errors": wrong or field_errors(problem),
    }
    return View("token_new.html", context, problem.kind.status if problem is not None else 200)


PAGES: Final = (
    Page(path="/security/tokens/new", get=show_new, post=take_new, action="self.write"),
    Page(path="/security/tokens/{token}/revoke", get=show_revoke, post=take_revoke),
)
