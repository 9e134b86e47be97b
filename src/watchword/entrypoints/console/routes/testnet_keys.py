"""API keys of the testnet: listed, made, narrowed and widened, deleted one by one and all at once.

What the rules for keys say is the testnet's to know. Here is known whose a key is, and when a fresh factor is asked for:
for making one and for widening one. A secret is in the answer to making an HMAC key, and nowhere else.
"""

from typing import Annotated, Any, Final, Literal

import msgspec
from msgspec import Meta

from watchword.credentials.permission import Permission
from watchword.credentials.verifier import KeyType
from watchword.entrypoints.console.neighbours import hidden, neighbours_of, shaped
from watchword.entrypoints.console.problem import NOT_FOUND, Problem
from watchword.entrypoints.console.route import Ask, Audit, Route, sometimes
from watchword.entrypoints.console.routes.asking import behalf_of
from watchword.entrypoints.console.routes.paging import PAGE_ROWS, PAGE_ROWS_MAX
from watchword.entrypoints.console.routes.reaching import reaches_account
from watchword.entrypoints.console.routes.testnet_accounts import account_in_path, owned_accounts
from watchword.entrypoints.testnet.admin import requests as testnet

TAG: Final = "keys"
API_KEY_LENGTH: Final = 64
#: How much of an API key the trail gets: enough to tell it by, too little to look like a secret.
SHOWN_LENGTH: Final = 12
LABEL_LENGTH_MAX: Final = 64
PEM_LENGTH_MAX: Final = 4_096
ENTRIES_MAX: Final = 200
ENTRY_LENGTH_MAX: Final = 64
EXPIRY_LENGTH_MAX: Final = 40
CURSOR_LENGTH_MAX: Final = 512

Entries = Annotated[list[Annotated[str, Meta(max_length=ENTRY_LENGTH_MAX)]], Meta(max_length=ENTRIES_MAX)]
Expiry = Annotated[str, Meta(max_length=EXPIRY_LENGTH_MAX)]


class ApiKeyView(msgspec.Struct, frozen=True, kw_only=True):
    """An API key of the testnet, without a secret.

    Attributes:
        expires, created, last_used: ISO 8601; None for never.
        special: Of a special key of margin trading: `CROSS`, or the symbol of an isolated wallet; else None.
        last_used_from, last_used_for: Address and operation of the last use.
        ending: What will happen to the key by itself: `deleted`, `trading_lost`, `expired`, or None.
        ends: When, ISO 8601.
        days_left: Until then, rounded up.
    """

    api_key: str
    account: str
    account_id: int
    key_type: KeyType
    label: str
    permissions: list[Permission]
    ips: list[str]
    symbols: list[str]
    special: str | None = None
    expires: str | None
    created: str | None
    last_used: str | None
    last_used_from: str | None = None
    last_used_for: str | None = None
    ending: str | None = None
    ends: str | None = None
    days_left: int | None = None


class ApiKeyPage(msgspec.Struct, frozen=True):
    """Keys; `next` is None on the last page.

    Attributes:
        total: Of all pages.
    """

    items: list[ApiKeyView]
    next: str | None
    total: int


class ApiKeyMade(msgspec.Struct, frozen=True):
    """A new key.

    Attributes:
        secret_key: Of an HMAC key, here and never again; None for others.
    """

    key: ApiKeyView
    secret_key: str | None

    def __repr__(self) -> str:
        return f"ApiKeyMade({self.key.api_key})"


class ApiKeysDeleted(msgspec.Struct, frozen=True):
    """Keys that are gone."""

    account: str
    deleted: list[str]


class _Page(msgspec.Struct, frozen=True):
    """A page as the testnet has it."""

    keys: list[ApiKeyView]
    next: str | None
    total: int


class _Secret(msgspec.Struct, frozen=True):
    """What the testnet shows once."""

    secret_key: str | None

    def __repr__(self) -> str:
        return "_Secret(…)"


class ApiKeyDraft(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A key to be made.

    Attributes:
        account: Number of the account.
        key_type: `HMAC` is generated here; for `RSA` and `ED25519` give the public half.
        public_key: PEM of the public key. A private key is refused and kept nowhere.
        template: A task (see `listKeyTemplates`) in place of permissions.
        permissions: What it may do, added to reading.
        ips: Addresses and ranges, at most 30; empty for any.
        symbols: At most 30; empty for all.
        expires: A date and time with zone, a date, or a span such as `30d`; empty for never.
    """

    account: Annotated[int, Meta(ge=1, lt=1 << 53)]
    key_type: KeyType
    label: Annotated[str, Meta(max_length=LABEL_LENGTH_MAX)] = ""
    public_key: Annotated[str, Meta(max_length=PEM_LENGTH_MAX)] = ""
    template: Annotated[str, Meta(max_length=ENTRY_LENGTH_MAX)] = ""
    permissions: Entries = []
    ips: Entries = []
    symbols: Entries = []
    expires: Expiry = ""


class ApiKeyChange(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What changes; what is left out stays, an empty list or text clears. What widens asks for a fresh factor."""

    label: Annotated[str, Meta(max_length=LABEL_LENGTH_MAX)] | None = None
    permissions: Entries | None = None
    ips: Entries | None = None
    symbols: Entries | None = None
    expires: Expiry | None = None


class KeyQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which keys, in which order, and which part of the list."""

    account: Annotated[int, Meta(ge=0, lt=1 << 53, description="Only of this account.")] = 0
    query: Annotated[str, Meta(max_length=128, description="In label or account, or the key begins so.")] = ""
    state: Annotated[Literal["works", "expired"] | None, Meta(description="Only in this state.")] = None
    key_type: Annotated[KeyType | None, Meta(description="Only of this type.")] = None
    permission: Annotated[str, Meta(max_length=ENTRY_LENGTH_MAX, description="Only with this one.")] = ""
    sort: Annotated[
        Literal["created", "label", "account", "last_used", "expires"], Meta(description="By what.")
    ] = "created"
    descending: Annotated[bool, Meta(description="The other way round.")] = False
    limit: Annotated[int, Meta(ge=1, le=PAGE_ROWS_MAX, description="Rows at most.")] = PAGE_ROWS
    after: Annotated[str, Meta(max_length=CURSOR_LENGTH_MAX, description="`next` of the page before.")] = ""


async def list_keys(ask: Ask[None, KeyQuery]) -> ApiKeyPage | Problem:
    """List the keys of accounts within reach."""
    query = ask.query
    request = testnet.ListKeys(
        account=str(query.account) if query.account else "", query=query.query, state=query.state,
        key_type=query.key_type, permission=query.permission, account_ids=owned_accounts(ask), sort=query.sort,
        descending=query.descending, limit=query.limit, cursor=query.after, on_behalf=behalf_of(ask),
    )  # fmt: skip
    found = await neighbours_of(ask.console).ask_testnet(request)
    page = shaped(found, _Page)
    return page if isinstance(page, Problem) else ApiKeyPage(page.keys, page.next, page.total)


async def show_key(ask: Ask[None, None]) -> ApiKeyView | Problem:
    """Show one key."""
    return await _key(ask)


async def make_key(ask: Ask[ApiKeyDraft, None]) -> ApiKeyMade | Problem:
    """Make a key."""
    draft = ask.body
    if not reaches_account(ask, draft.account):
        return Problem(NOT_FOUND, "there is no such account")
    request = testnet.CreateKey(
        str(draft.account), draft.key_type, draft.public_key, draft.label, list(draft.permissions),
        list(draft.ips), list(draft.symbols), draft.expires, draft.template, on_behalf=behalf_of(ask),
    )  # fmt: skip
    made = await neighbours_of(ask.console).ask_testnet(request)
    key, secret = shaped(made, ApiKeyView), shaped(made, _Secret)
    if isinstance(key, Problem):
        return key
    return secret if isinstance(secret, Problem) else ApiKeyMade(key, secret.secret_key)


async def change_key(ask: Ask[ApiKeyChange, None]) -> ApiKeyView | Problem:
    """Change a key's terms; widening them asks for a fresh factor.

    Whether they widen is judged by the testnet, in the step that changes them and by its clock.
    """
    key = await _key(ask)
    if isinstance(key, Problem):
        return key
    change = {name: value for name, value in msgspec.structs.asdict(ask.body).items() if value is not None}
    stale = ask.stale()
    request = testnet.EditKey(key.api_key, **change, may_widen=stale is None, on_behalf=behalf_of(ask))
    changed = shaped(await neighbours_of(ask.console).ask_testnet(request), ApiKeyView)
    if isinstance(changed, Problem) and stale is not None and changed.detail.startswith(testnet.WIDENS):
        return Problem(stale.kind, f"{changed.detail}; {stale.detail}")
    return changed


async def delete_key(ask: Ask[None, None]) -> Problem | None:
    """Delete a key for good."""
    key = await _key(ask)
    if isinstance(key, Problem):
        return key
    request = testnet.DeleteKey(key.api_key, on_behalf=behalf_of(ask))
    gone = await neighbours_of(ask.console).ask_testnet(request)
    return gone if isinstance(gone, Problem) else None


async def delete_all_keys(ask: Ask[None, None]) -> ApiKeysDeleted | Problem:
    """Delete every key of an account."""
    account = account_in_path(ask)
    if isinstance(account, Problem):
        return account
    request = testnet.DeleteAllKeys(str(account), on_behalf=behalf_of(ask))
    return shaped(await neighbours_of(ask.console).ask_testnet(request), ApiKeysDeleted)


async def _key(ask: Ask[Any, Any]) -> ApiKeyView | Problem:
    """Find the key a path names, whole, if its account is within reach."""
    missing = Problem(NOT_FOUND, "there is no such key")
    if len(ask.path["key"]) != API_KEY_LENGTH:
        return missing
    request = testnet.ShowKey(ask.path["key"], on_behalf=behalf_of(ask))
    found = hidden(shaped(await neighbours_of(ask.console).ask_testnet(request), ApiKeyView), missing)
    if isinstance(found, Problem):
        return found
    return found if reaches_account(ask, found.account_id) else missing


def _begins(ask: Ask[Any, Any]) -> str:
    return ask.path["key"][:SHOWN_LENGTH]


def _given(ask: Ask[Any, Any]) -> dict[str, str]:
    """Say what was asked for, without the public key."""
    fields = msgspec.structs.asdict(ask.body)
    return {
        name: ", ".join(value) if isinstance(value, list) else str(value)
        for name, value in fields.items()
        if value is not None and name not in {"account", "public_key"}
    }


_CHANGE: Final[dict[str, Any]] = {"tag": TAG, "action": "key.write", "limit": "write"}

ROUTES: Final = (
    Route(
        method="GET", path="/keys", name="listKeys", summary="List and search API keys of the testnet.", tag=TAG,
        action="key.read", handler=list_keys, query=KeyQuery, answer=ApiKeyPage,
    ),
    Route(
        method="POST", path="/keys", name="makeKey", summary="Make an API key; an HMAC secret is shown once.",
        handler=make_key, body=ApiKeyDraft, answer=ApiKeyMade, status=201, fresh="always",
        audit=Audit("key:made", subject=lambda ask: str(ask.body.account), values=_given), **_CHANGE,
    ),
    Route(
        method="GET", path="/keys/{key}", name="showKey", summary="Show an API key.", tag=TAG, action="key.read",
        handler=show_key, answer=ApiKeyView,
    ),
    Route(
        method="PATCH", path="/keys/{key}", name="changeKey", summary="Change an API key; widening asks for a factor.",
        handler=change_key, body=ApiKeyChange, answer=ApiKeyView, fresh=sometimes,
        audit=Audit("key:edited", subject=_begins, values=_given), **_CHANGE,
    ),
    Route(
        method="DELETE", path="/keys/{key}", name="deleteKey", summary="Delete an API key for good.",
        handler=delete_key, status=204, audit=Audit("key:deleted", subject=_begins), **_CHANGE,
    ),
    Route(
        method="DELETE", path="/accounts/{account}/keys", name="deleteAllKeys",
        summary="Delete every API key of an account: the panic button.", handler=delete_all_keys, answer=ApiKeysDeleted,
        audit=Audit("key:all-deleted"), **_CHANGE,
    ),
)  # fmt: skip
