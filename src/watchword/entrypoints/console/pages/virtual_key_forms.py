"""Issuing, changing and rolling virtual keys: what the forms say, as the API takes it. Judges no policy and no key."""

from typing import Any, Final

import msgspec

from watchword.entrypoints.console.pages import policy_draft
from watchword.entrypoints.console.pages.page import Answer, Go, View
from watchword.entrypoints.console.pages.visit import Form, Visit
from watchword.entrypoints.console.pages.wording import field_errors
from watchword.entrypoints.console.problem import CONFLICT, INVALID, REFUSED, Problem
from watchword.entrypoints.console.routes.gateway_addresses import GatewayAddresses
from watchword.entrypoints.console.routes.virtual_keys import VirtualKeyMade

PATH: Final = "/virtual-keys"
EXPIRIES: Final = {"": "Never", "7d": "7 days", "30d": "30 days", "90d": "90 days", "365d": "1 year"}
KEEP: Final = "keep"
OVERLAPS: Final = {"1h": "1 hour", "24h": "1 day", "7d": "7 days", "0s": "Not at all: they end at once"}
_HMAC: Final = "HMAC"
_SAID_HERE: Final = frozenset({CONFLICT, INVALID, REFUSED})


class Typed(msgspec.Struct, frozen=True):
    """What a form holds, to be shown again beside what is wrong with it."""

    label: str = ""
    key_type: str = _HMAC
    public_key: str = ""
    credential: str = ""
    choice: str = "limits"
    pairs: str = "BTCUSDT ETHUSDT"
    asset: str = "USDT"
    max_order: str = "500"
    max_day: str = "5000"
    policy: str = ""
    ips: str = ""
    expires: str = ""
    own_orders_only: bool = True
    overlap: str = "1h"


async def show_new(visit: Visit) -> Answer:
    """Show the form for a new virtual key."""
    return await _new_view(visit, Typed(credential=visit.query.get("credential", "")), None, {})


async def take_new(visit: Visit) -> Answer:
    """Issue a key; an HMAC secret is in the answer to this form and nowhere else."""
    typed = _typed(visit.form)
    policy = _policy(typed, visit.form)
    if isinstance(policy, dict):
        return await _new_view(visit, typed, Problem(INVALID), policy)
    draft = {
        "label": typed.label, "key_type": typed.key_type, "credential": typed.credential, "policy": policy,
        "public_key": _public_key(typed), "ips": visit.form.entries("ips"), "expires": typed.expires,
        "own_orders_only": typed.own_orders_only,
    }  # fmt: skip
    made = await visit.call("issueVirtualKey", body=draft)
    if isinstance(made, Problem):
        return await _new_view(visit, typed, made, {}) if made.kind in _SAID_HERE else made
    return await _made_view(visit, made, is_new=True)


async def show_edit(visit: Visit) -> Answer:
    """Show the form for a key's terms."""
    return await _edit_view(visit, None, None)


async def take_edit(visit: Visit) -> Answer:
    """Change a key's terms."""
    typed = _typed(visit.form)
    change: dict[str, Any] = {
        "label": typed.label,
        "policy": typed.policy,
        "ips": visit.form.entries("ips"),
        "own_orders_only": typed.own_orders_only,
    }
    if typed.expires != KEEP:
        change["expires"] = typed.expires
    changed = await visit.call("changeVirtualKey", path=visit.path, body=change)
    if isinstance(changed, Problem):
        return await _edit_view(visit, typed, changed) if changed.kind in _SAID_HERE else changed
    return Go(PATH, "virtual-changed")


async def show_roll(visit: Visit) -> Answer:
    """Show the form for a new version."""
    return await _roll_view(visit, None, None)


async def take_roll(visit: Visit) -> Answer:
    """Give a key a new version."""
    typed = _typed(visit.form)
    roll = {"overlap": typed.overlap, "key_type": typed.key_type, "public_key": _public_key(typed)}
    made = await visit.call("rollVirtualKey", path=visit.path, body=roll)
    if isinstance(made, Problem):
        return await _roll_view(visit, typed, made) if made.kind in _SAID_HERE else made
    return await _made_view(visit, made, is_new=False)


async def _new_view(visit: Visit, typed: Typed, problem: Problem | None, wrong: dict[str, str]) -> Answer:
    credentials = await visit.call("listCredentials")
    if isinstance(credentials, Problem):
        return credentials
    usable = [(one.id, one.label) for one in credentials.items if one.api_key]
    context = {
        "typed": typed, "credentials": usable, "expiries": EXPIRIES, "problem": problem,
        "errors": wrong or field_errors(problem),
    }  # fmt: skip
    return View("virtual_key_new.html", context, problem.kind.status if problem is not None else 200)


async def _edit_view(visit: Visit, typed: Typed | None, problem: Problem | None) -> Answer:
    key = await visit.call("showVirtualKey", path=visit.path)
    if isinstance(key, Problem):
        return key
    typed = typed or Typed(
        label=key.label, policy=key.policy_text, ips="\n".join(key.ips), expires=KEEP,
        own_orders_only=key.own_orders_only,
    )  # fmt: skip
    context = {
        "key": key, "typed": typed, "keep": KEEP, "expiries": EXPIRIES, "problem": problem,
        "errors": field_errors(problem),
    }  # fmt: skip
    return View("virtual_key_edit.html", context, problem.kind.status if problem is not None else 200)


async def _roll_view(visit: Visit, typed: Typed | None, problem: Problem | None) -> Answer:
    key = await visit.call("showVirtualKey", path=visit.path)
    if isinstance(key, Problem):
        return key
    typed = typed or Typed(key_type=key.versions[0].key_type if key.versions else _HMAC)
    context = {
        "key": key, "typed": typed, "overlaps": OVERLAPS, "problem": problem, "errors": field_errors(problem),
    }  # fmt: skip
    return View("virtual_key_roll.html", context, problem.kind.status if problem is not None else 200)


async def gateway_of(visit: Visit) -> GatewayAddresses | None:
    """Say where bots reach the gateway; None where it does not run."""
    found = await visit.call("showGatewayAddresses")
    return None if isinstance(found, Problem) else found


async def _made_view(visit: Visit, made: VirtualKeyMade, *, is_new: bool) -> View:
    context = {
        "key": made.key, "api_key": made.api_key, "secret": made.secret_key, "is_new": is_new,
        "gateway": await gateway_of(visit),
    }  # fmt: skip
    return View("virtual_key_made.html", context)


def _policy(typed: Typed, form: Form) -> str | dict[str, str]:
    """Return the policy that was chosen, or what is wrong with its fields."""
    if typed.choice == "read":
        return policy_draft.READ_ONLY
    if typed.choice == "limits":
        pairs = [one.upper() for one in form.entries("pairs")]
        return policy_draft.limited(pairs, typed.asset.upper(), typed.max_order, typed.max_day)
    return typed.policy if typed.policy.strip() else {"policy": "Please fill this in."}


def _public_key(typed: Typed) -> str:
    """Leave out what is hidden because something else was chosen."""
    return "" if typed.key_type == _HMAC else typed.public_key


def _typed(form: Form) -> Typed:
    return Typed(
        label=form.text("label"),
        key_type=form.text("key_type"),
        public_key=form.text("public_key"),
        credential=form.text("credential"),
        choice=form.text("choice"),
        pairs=form.text("pairs"),
        asset=form.text("asset"),
        max_order=form.text("max_order"),
        max_day=form.text("max_day"),
        policy=form.exact("policy"),
        ips=form.text("ips"),
        expires=form.text("expires"),
        own_orders_only="own_orders_only" in form,
        overlap=form.text("overlap"),
    )
