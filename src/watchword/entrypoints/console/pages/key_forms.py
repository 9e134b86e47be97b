"""Making an API key and changing its restrictions: what the forms say, as the API takes it. Judges no term of a key."""

import asyncio
from typing import Any, Final

import msgspec

from watchword.binance.enums import Permission
from watchword.credentials.permission import PERMISSIONS
from watchword.entrypoints.console.pages.page import Answer, Go, View
from watchword.entrypoints.console.pages.visit import Form, Visit
from watchword.entrypoints.console.pages.wording import field_errors, sentence
from watchword.entrypoints.console.problem import CONFLICT, INVALID, NOT_FOUND, REFUSED, Problem
from watchword.entrypoints.console.routes.testnet_accounts import ACCOUNTS_MAX, ExchangeAccountView
from watchword.entrypoints.console.routes.vault import CredentialView

#: Spans that can be chosen; a key that is to last is chosen to, by the empty one.
EXPIRIES: Final = {
    "": "Never",
    "7d": "7 days",
    "30d": "30 days",
    "90d": "90 days",
    "180d": "180 days",
    "365d": "1 year",
}
KEEP: Final = "keep"
CUSTOM: Final = ""
#: The value of `ip_access` that takes no list.
ANY_IP: Final = "any"
ONE_IP: Final = "list"
#: What is in the testnet's refusals that are about one field.
_ABOUT: Final = {
    "ips": "write an address",
    "symbols": "there is no symbol",
    "label": "a label is",
    "public_key": "public key",
}
_SAID_HERE: Final = frozenset({CONFLICT, INVALID, REFUSED})
#: Reading is what every key may do; the box is there, ticked, and cannot be changed.
_READING: Final[Permission] = "READING"


class Typed(msgspec.Struct, frozen=True):
    """What a form holds, to be shown again beside what is wrong with it."""

    account: str = ""
    key_type: str = "HMAC"
    label: str = ""
    public_key: str = ""
    template: str = "read-only"
    permissions: list[str] = []
    ip_access: str = ONE_IP
    ips: str = ""
    symbols: str = ""
    expires: str = ""


async def show_new(visit: Visit) -> Answer:
    """Show the form for a new key."""
    return await _new_view(visit, Typed(account=visit.query.get("account", "")), None)


async def take_new(visit: Visit) -> Answer:
    """Make a key; an HMAC secret is in the answer to this form and nowhere else."""
    typed = _typed(visit.form)
    if typed.ip_access == ONE_IP and not visit.form.entries("ips"):
        wrong = Problem(INVALID, "at least one address, or choose unrestricted access - at `$.ips`")
        return await _new_view(visit, typed, wrong)
    made = await visit.call("makeKey", body=_draft(typed, visit.form))
    if isinstance(made, Problem):
        return await _new_view(visit, typed, made) if made.kind in _SAID_HERE else made
    return View("key_made.html", {"key": made.key, "secret": made.secret_key})


async def show_edit(visit: Visit) -> Answer:
    """Show a key and the form for its restrictions."""
    return await _edit_view(visit, None, None)


async def take_edit(visit: Visit) -> Answer:
    """Change a key's restrictions."""
    form, typed = visit.form, _typed(visit.form)
    change: dict[str, Any] = {
        "label": typed.label,
        "permissions": [_READING, *typed.permissions],
        "ips": [] if typed.ip_access == ANY_IP else form.entries("ips"),
        "symbols": form.entries("symbols"),
    }
    if typed.expires != KEEP:
        change["expires"] = typed.expires
    if typed.ip_access == ONE_IP and not change["ips"]:
        wrong = Problem(INVALID, "at least one address, or choose unrestricted access - at `$.ips`")
        return await _edit_view(visit, typed, wrong)
    changed = await visit.call("changeKey", path=visit.path, body=change)
    if isinstance(changed, Problem):
        return await _edit_view(visit, typed, changed) if changed.kind in _SAID_HERE else changed
    return Go("/keys", "key-changed")


async def account_named(visit: Visit, number: str) -> ExchangeAccountView | Problem:
    """Find an account within reach by its number."""
    if not number.isdecimal():
        return Problem(NOT_FOUND, "there is no such account")
    found: ExchangeAccountView | Problem = await visit.call("showExchangeAccount", path={"account": number})
    return found


async def _new_view(visit: Visit, typed: Typed, problem: Problem | None) -> Answer:
    accounts, templates = await asyncio.gather(
        visit.call("listExchangeAccounts", query={"limit": str(ACCOUNTS_MAX)}), visit.call("listKeyTemplates")
    )
    for found in (accounts, templates):
        if isinstance(found, Problem):
            return found
    offered: list[ExchangeAccountView] = accounts.items
    if typed.account and all(str(one.account_id) != typed.account for one in offered):
        # One of many, chosen in the list this form was opened from.
        chosen = await account_named(visit, typed.account)
        offered = offered if isinstance(chosen, Problem) else [chosen, *offered]
    context = {
        "accounts": offered,
        "account_options": [(one.account_id, one.account) for one in offered], "templates": templates.items, "typed": typed, "permissions": PERMISSIONS,
        "expiries": EXPIRIES, "problem": problem, "errors": _errors(problem),
    }  # fmt: skip
    return View("key_new.html", context, problem.kind.status if problem is not None else 200)


async def _edit_view(visit: Visit, typed: Typed | None, problem: Problem | None) -> Answer:
    key = await visit.call("showKey", path=visit.path)
    if isinstance(key, Problem):
        return key
    if typed is None:
        typed = Typed(
            label=key.label, permissions=list(key.permissions), ip_access=ONE_IP if key.ips else ANY_IP,
            ips="\n".join(key.ips), symbols=" ".join(key.symbols), expires=KEEP,
        )  # fmt: skip
    context = {
        "key": key, "typed": typed, "permissions": PERMISSIONS, "expiries": EXPIRIES, "keep": KEEP,
        "problem": problem, "errors": _errors(problem), "held": await _held(visit, key.api_key),
    }  # fmt: skip
    return View("key_edit.html", context, problem.kind.status if problem is not None else 200)


async def _held(visit: Visit, api_key: str) -> CredentialView | None:
    """Find a key's secret in the vault; None where it is not, or where that cannot be known now."""
    found = await visit.call("listCredentials") if visit.may("credential.read") else None
    if found is None or isinstance(found, Problem):
        return None
    return next((one for one in found.items if one.api_key == api_key), None)


def _errors(problem: Problem | None) -> dict[str, str]:
    """Say which field is wrong; the testnet's own refusals are told by their words."""
    found = field_errors(problem)
    if problem is not None and problem.kind is REFUSED and not found:
        field = next((name for name, words in _ABOUT.items() if words in problem.detail), None)
        return {} if field is None else {field: sentence(problem.detail)}
    return found


def _typed(form: Form) -> Typed:
    return Typed(
        account=form.text("account"),
        key_type=form.text("key_type"),
        label=form.text("label"),
        public_key=form.text("public_key"),
        template=form.text("template"),
        permissions=form.every("permissions"),
        ip_access=ANY_IP if form.text("ip_access") == ANY_IP else ONE_IP,
        ips=form.text("ips"),
        symbols=form.text("symbols"),
        expires=form.text("expires"),
    )


def _draft(typed: Typed, form: Form) -> dict[str, Any]:
    """Write the body of `makeKey`. What is hidden because something else was chosen is left out."""
    account = typed.account if typed.account.isascii() and typed.account.isdecimal() else "0"
    return {
        "account": int(account[:16]),
        "key_type": typed.key_type,
        "label": typed.label,
        "public_key": "" if typed.key_type == "HMAC" else typed.public_key,
        "template": typed.template,
        "permissions": typed.permissions if typed.template == CUSTOM else [],
        "ips": [] if typed.ip_access == ANY_IP else form.entries("ips"),
        "symbols": form.entries("symbols"),
        "expires": typed.expires,
    }
