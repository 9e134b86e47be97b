"""API Management as people know it from Binance: the list of keys, and deleting them. Making and changing: `key_forms`."""

import asyncio
from typing import Any, Final
from urllib.parse import urlencode

from watchword.entrypoints.console.pages.key_forms import (
    account_named,
    show_edit,
    show_new,
    take_edit,
    take_new,
)
from watchword.entrypoints.console.pages.page import Answer, Go, Nav, Page, View
from watchword.entrypoints.console.pages.visit import Visit
from watchword.entrypoints.console.pages.wording import field_errors
from watchword.entrypoints.console.problem import CONFLICT, INVALID, REFUSED, Problem
from watchword.entrypoints.console.routes.testnet_accounts import ExchangeAccountView
from watchword.entrypoints.console.routes.testnet_keys import ApiKeyView

PATH: Final = "/keys"
ROWS: Final = 25
#: Accounts to choose from, and buttons that delete all keys of one.
ACCOUNTS_SHOWN: Final = "50"
PANIC_SHOWN: Final = 10
SORTS: Final = {
    "created": "Created",
    "label": "Label",
    "account": "Account",
    "last_used": "Last used",
    "expires": "Expires",
}
_FILTERS: Final = ("query", "account", "state", "key_type")
_SAID_HERE: Final = frozenset({CONFLICT, INVALID, REFUSED})


def is_expired(key: ApiKeyView) -> bool:
    """Whether a key's expiry is past, by the testnet's clock: then what comes next for it comes after."""
    if key.ending == "expired":
        return key.days_left == 0
    return key.expires is not None and (key.ends is None or key.ends > key.expires)


async def show_keys(visit: Visit) -> Answer:
    """List keys."""
    chosen = {name: visit.query.get(name, "") for name in _FILTERS}
    sort = visit.query.get("sort", "")
    order = sort if sort in SORTS else "created"
    query = {
        **chosen, "sort": order, "descending": "" if order in {"label", "account"} else "true",
        "after": visit.query.get("after", ""), "limit": str(ROWS),
    }  # fmt: skip
    found, accounts = await asyncio.gather(
        visit.call("listKeys", query=query), _accounts(visit, chosen["account"])
    )
    following = (
        {**chosen, "sort": sort, "after": found.next} if not isinstance(found, Problem) and found.next else {}
    )
    context: dict[str, Any] = {
        "found": found,
        "failed": found if isinstance(found, Problem) else None,
        "accounts": accounts,
        "panic": [
            one for one in accounts if not chosen["account"] or str(one.account_id) == chosen["account"]
        ][:PANIC_SHOWN],
        "chosen": chosen,
        "sort": order,
        "sorts": SORTS,
        "filtered": any(chosen.values()),
        "first_page": not visit.query.get("after"),
        "next_page": f"{PATH}?{urlencode({name: value for name, value in following.items() if value})}"
        if following
        else "",
        "is_expired": is_expired,
    }
    return View("keys.html", context)


async def _accounts(visit: Visit, chosen: str) -> list[ExchangeAccountView]:
    """List some accounts to narrow the list by, the chosen one among them; keys of others are found by the account's name."""
    found = await visit.call("listExchangeAccounts", query={"limit": ACCOUNTS_SHOWN})
    items: list[ExchangeAccountView] = [] if isinstance(found, Problem) else found.items
    if not chosen or any(str(one.account_id) == chosen for one in items):
        return items
    one = await account_named(visit, chosen)
    return items if isinstance(one, Problem) else [one, *items]


async def show_delete(visit: Visit) -> Answer:
    """Say what deleting a key does."""
    key = await visit.call("showKey", path=visit.path)
    return key if isinstance(key, Problem) else View("key_delete.html", {"key": key})


async def take_delete(visit: Visit) -> Answer:
    """Delete a key."""
    gone = await visit.call("deleteKey", path=visit.path)
    return gone if isinstance(gone, Problem) else Go(PATH, "key-deleted")


async def show_delete_all(visit: Visit) -> Answer:
    """Say what the panic button does."""
    account = await account_named(visit, visit.path["account"])
    if isinstance(account, Problem):
        return account
    keys = await visit.call("listKeys", query={"account": visit.path["account"], "limit": "1"})
    if isinstance(keys, Problem):
        return keys
    return View("keys_delete_all.html", {"account": account, "total": keys.total, "error": ""})


async def take_delete_all(visit: Visit) -> Answer:
    """Delete every key of an account, once its name was typed."""
    account = await account_named(visit, visit.path["account"])
    if isinstance(account, Problem):
        return account
    if visit.form.text("name") != account.account:
        context = {"account": account, "total": None, "error": "This is not the account's name."}
        return View("keys_delete_all.html", context, INVALID.status)
    gone = await visit.call("deleteAllKeys", path=visit.path)
    return gone if isinstance(gone, Problem) else Go(PATH, "keys-deleted")


async def show_open(visit: Visit) -> Answer:
    """Show the form for an account; afterwards it leads back to where it was asked for."""
    return _open_view("", visit.query.get("back", PATH), None)


async def take_open(visit: Visit) -> Answer:
    """Open an account with enough of everything to try."""
    name, back = visit.form.text("name"), visit.form.text("back") or PATH
    opened = await visit.call("openExchangeAccount", body={"name": name})
    if not isinstance(opened, Problem):
        return Go(visit.table.local(back), "account-opened")
    return _open_view(name, back, opened) if opened.kind in _SAID_HERE else opened


def _open_view(name: str, back: str, problem: Problem | None) -> View:
    context = {"problem": problem, "errors": field_errors(problem), "name": name, "back": back}
    return View("account_open.html", context, problem.kind.status if problem is not None else 200)


PAGES: Final = (
    Page(
        path=PATH, get=show_keys, action="key.read",
        nav=Nav("Keys", "API Management", "key", 10),
    ),
    Page(path="/keys/new", get=show_new, post=take_new, action="key.write"),
    Page(path="/keys/accounts/new", get=show_open, post=take_open, action="account.write"),
    Page(
        path="/keys/accounts/{account}/delete", get=show_delete_all, post=take_delete_all, action="key.write",
        confirmed=True,
    ),
    Page(path="/keys/{key}", get=show_edit, post=take_edit, action="key.read"),
    Page(path="/keys/{key}/delete", get=show_delete, post=take_delete, action="key.write", confirmed=True),
)  # fmt: skip
