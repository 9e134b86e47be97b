"""Policies: those in use with their text, and a text checked, compared, and asked about a sample order. Stores none.

Policies are files; here people try them before they give them to a key.
"""

from typing import Any, Final
from urllib.parse import urlencode

import msgspec

from watchword.entrypoints.console.pages.page import Answer, Nav, Page, View
from watchword.entrypoints.console.pages.visit import Form, Visit
from watchword.entrypoints.console.pages.wording import field_errors
from watchword.entrypoints.console.problem import INVALID, REFUSED, Problem

PATH: Final = "/policies"
ROWS: Final = "25"
REQUEST: Final = "order.place"
SIDES: Final = (("BUY", "Buy"), ("SELL", "Sell"))
TYPES: Final = (("LIMIT", "Limit"), ("MARKET", "Market"))
#: Fields of the sample order, as the API calls them.
_ORDER: Final = ("symbol", "side", "type", "quantity", "price")
#: What is known of the market; empty where nothing is.
_MARKET: Final = ("base", "quote", "median")
_TEXT_LENGTH_MAX: Final = 32_768
_SAID_HERE: Final = frozenset({INVALID, REFUSED})
OUTCOMES: Final[dict[str, tuple[str, str]]] = {
    "allow": ("Allowed", "good"),
    "deny": ("Refused", "bad"),
    "approval": ("Asks people first", "warn"),
    "pass": ("Passes", "good"),
    "shadow": ("Would refuse, only watched", "warn"),
}
_SAMPLE: Final = {
    "symbol": "BTCUSDT", "side": "BUY", "type": "LIMIT", "quantity": "0.01", "price": "30000", "base": "BTC",
    "quote": "USDT", "median": "30000", "given": "",
}  # fmt: skip


async def show_policies(visit: Visit) -> Answer:
    """List policies in use."""
    search = visit.query.get("query", "").strip()[:128]
    after = visit.query.get("after", "")
    found = await visit.call("listPolicies", query={"query": search, "limit": ROWS, "after": after})
    failed = found if isinstance(found, Problem) else None
    following = {} if isinstance(found, Problem) or not found.next else {"query": search, "after": found.next}
    context: dict[str, Any] = {
        "failed": failed,
        "items": [] if isinstance(found, Problem) else found.items,
        "total": 0 if isinstance(found, Problem) else found.total,
        "query": search,
        "first_page": not after,
        "here": f"{PATH}?{urlencode({'query': search})}",
        "next_page": f"{PATH}?{urlencode(following)}" if following else "",
    }
    return View("policies.html", context, failed.kind.status if failed else 200)


async def show_policy(visit: Visit) -> Answer:
    """Show the policy of a key."""
    key = await visit.call("showVirtualKey", path=visit.path)
    return key if isinstance(key, Problem) else View("policy.html", {"key": key})


async def show_check(visit: Visit) -> Answer:
    """Show the form for a text to be checked."""
    text = await _text_of(visit)
    return text if isinstance(text, Problem) else _check_view(text, None, None)


async def take_check(visit: Visit) -> Answer:
    """Check a text."""
    text = visit.form.exact("text")
    found = await visit.call("lintPolicy", body={"text": text})
    if isinstance(found, Problem):
        return _check_view(text, None, found) if found.kind in _SAID_HERE else found
    return _check_view(text, found, None)


async def show_compare(visit: Visit) -> Answer:
    """Show the form for two texts."""
    text = await _text_of(visit)
    return text if isinstance(text, Problem) else _compare_view(text, text, None, None)


async def take_compare(visit: Visit) -> Answer:
    """Say what the new text allows more."""
    old, new = visit.form.exact("old"), visit.form.exact("new")
    found = await visit.call("comparePolicies", body={"old": old, "new": new})
    if isinstance(found, Problem):
        return _compare_view(old, new, None, found) if found.kind in _SAID_HERE else found
    return _compare_view(old, new, found, None)


async def show_explain(visit: Visit) -> Answer:
    """Show the form for a sample order."""
    text = await _text_of(visit)
    return text if isinstance(text, Problem) else _explain_view(text, _SAMPLE, None, None)


async def take_explain(visit: Visit) -> Answer:
    """Decide a sample order; nothing is sent."""
    text, form = visit.form.exact("policy"), visit.form
    typed = {name: form.text(name) for name in (*_ORDER, *_MARKET)} | {"given": form.exact("given")}
    draft = {"policy": text, "request": REQUEST, "parameters": _parameters(form), "given": _given(typed)}
    found = await visit.call("explainRequest", body=draft)
    if isinstance(found, Problem):
        return _explain_view(text, typed, None, found) if found.kind in _SAID_HERE else found
    return _explain_view(text, typed, found, None)


def _parameters(form: Form) -> dict[str, str]:
    """Write a sample order as a bot would send it."""
    parameters = {name: form.text(name) for name in _ORDER if form.text(name)}
    if parameters.get("type") == "LIMIT":
        return {**parameters, "timeInForce": "GTC"}
    parameters.pop("price", None)
    return parameters


def _given(typed: dict[str, str]) -> str:
    """Write what the order meets: as typed, else the market; JSON is YAML too, and quotes what people write."""
    if typed["given"].strip():
        return typed["given"]
    market = {name: typed[name] for name in _MARKET if typed[name]}
    if not typed["symbol"] or not {"base", "quote"} <= market.keys():
        return ""
    return msgspec.json.encode({"markets": {typed["symbol"]: market}}).decode()


async def _text_of(visit: Visit) -> str | Problem:
    """Return the policy of the key that is named, to begin with."""
    named = visit.query.get("key", "")
    if not named:
        return ""
    key = await visit.call("showVirtualKey", path={"key": named})
    return key if isinstance(key, Problem) else str(key.policy_text)


def _check_view(text: str, found: Any, problem: Problem | None) -> View:
    context = {"text": text, "found": found, **_said(problem)}
    return View("policy_check.html", context, _status(problem))


def _compare_view(old: str, new: str, found: Any, problem: Problem | None) -> View:
    context = {"old": old, "new": new, "found": found, **_said(problem)}
    return View("policy_compare.html", context, _status(problem))


def _explain_view(text: str, typed: dict[str, str], found: Any, problem: Problem | None) -> View:
    context = {
        "text": text, "typed": typed, "found": found, "outcomes": OUTCOMES, "sides": SIDES, "types": TYPES, **_said(problem)
    }  # fmt: skip
    return View("policy_explain.html", context, _status(problem))


def _said(problem: Problem | None) -> dict[str, Any]:
    return {"problem": problem, "errors": field_errors(problem), "length_max": _TEXT_LENGTH_MAX}


def _status(problem: Problem | None) -> int:
    return problem.kind.status if problem is not None else 200


PAGES: Final = (
    Page(path=PATH, get=show_policies, action="policy.read", nav=Nav("Keys", "Policies", "rules", 40)),
    Page(path="/policies/check", get=show_check, post=take_check, action="policy.read"),
    Page(path="/policies/compare", get=show_compare, post=take_compare, action="policy.read"),
    Page(path="/policies/explain", get=show_explain, post=take_explain, action="policy.read"),
    Page(path="/policies/of/{key}", get=show_policy, action="policy.read"),
)
