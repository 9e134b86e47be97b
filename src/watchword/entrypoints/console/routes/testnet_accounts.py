"""Exchange accounts of the testnet: opened, paid into, their withdrawal addresses. Whose they are is `assignments`'."""

from typing import Annotated, Any, Final

import msgspec
from msgspec import Meta

from watchword.accounts.roles import ALL
from watchword.entrypoints.console.neighbours import neighbours_of, shaped
from watchword.entrypoints.console.problem import NOT_FOUND, Problem
from watchword.entrypoints.console.route import Ask, Audit, Route
from watchword.entrypoints.console.routes.asking import behalf_of
from watchword.entrypoints.console.routes.reaching import reaches_account
from watchword.entrypoints.testnet.admin import requests as testnet

TAG: Final = "testnet"
NAME_LENGTH_MAX: Final = 64
ASSETS_MAX: Final = 50
#: Accounts of one list that was asked for in parts.
ACCOUNTS_MAX: Final = 500
#: Digits of an amount, with its point.
AMOUNT_LENGTH_MAX: Final = 32
ADDRESS_LENGTH_MAX: Final = 128

_NO_ACCOUNT: Final = "there is no such account; name it by its number"

Amounts = Annotated[
    dict[
        Annotated[str, Meta(min_length=1, max_length=20)], Annotated[str, Meta(max_length=AMOUNT_LENGTH_MAX)]
    ],
    Meta(max_length=ASSETS_MAX),
]


class BalanceView(msgspec.Struct, frozen=True):
    """What an account has of an asset, decimal texts."""

    free: str
    locked: str


class ExchangeAccountView(msgspec.Struct, frozen=True):
    """An account of the testnet.

    Attributes:
        owner: Id of the person it belongs to, or None.
        sub_account_of: Name of its master account, or None.
        created: ISO 8601.
        balances: By asset; what is nothing is left out.
    """

    account: str
    account_id: int
    created: str | None
    balances: dict[str, BalanceView]
    sub_account_of: str | None = None
    owner: str | None = None


class ExchangeAccountList(msgspec.Struct, frozen=True):
    """Accounts within the caller's reach, oldest first; where a part was asked for, the caller's own before the others.

    Attributes:
        total: How many were found; None where all are here.
    """

    items: list[ExchangeAccountView]
    total: int | None = None


class AccountQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which accounts."""

    query: Annotated[
        str, Meta(max_length=NAME_LENGTH_MAX, description="In the name, without case, or the whole number.")
    ] = ""
    limit: Annotated[int, Meta(ge=0, le=ACCOUNTS_MAX, description="Accounts at most; 0: all.")] = 0


class _Found(msgspec.Struct, frozen=True):
    """What `account.find` answers."""

    accounts: list[ExchangeAccountView]
    total: int


class ExchangeAccountDraft(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An account to be opened.

    Attributes:
        name: 1 to 64 printable characters, not a number.
        deposits: Decimal texts by asset, paid in now and at every reset; None gives enough of everything to try, and
            a sub-account nothing.
        master: Number of the account it becomes a sub-account of; None for none. The name is then its email, or what
            a virtual email is made of.
    """

    name: Annotated[str, Meta(min_length=1, max_length=NAME_LENGTH_MAX)]
    deposits: Amounts | None = None
    master: Annotated[int, Meta(ge=1, lt=1 << 53)] | None = None


class DepositDraft(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Money to be paid in: decimal texts by asset."""

    deposits: Annotated[Amounts, Meta(min_length=1)]


class WithdrawalAddressView(msgspec.Struct, frozen=True):
    """A place an account may withdraw to."""

    asset: str
    network: str
    address: str
    name: str


class WithdrawalAddressBook(msgspec.Struct, frozen=True):
    """Where an account may withdraw to."""

    account: str
    account_id: int
    addresses: list[WithdrawalAddressView]


class WithdrawalAddressDraft(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A place to withdraw to, or to forget."""

    asset: Annotated[str, Meta(min_length=1, max_length=20)]
    address: Annotated[str, Meta(min_length=1, max_length=ADDRESS_LENGTH_MAX)]
    name: Annotated[str, Meta(max_length=NAME_LENGTH_MAX)] = ""


async def list_exchange_accounts(ask: Ask[None, AccountQuery]) -> ExchangeAccountList | Problem:
    """List the accounts within reach."""
    if ask.query.limit or ask.query.query:
        return await _some(ask)
    found = await neighbours_of(ask.console).ask_testnet(testnet.ListAccounts(on_behalf=behalf_of(ask)))
    if isinstance(found, Problem):
        return found
    views = shaped(found, list[ExchangeAccountView])
    if isinstance(views, Problem):
        return views
    return ExchangeAccountList([_owned(ask, one) for one in views if reaches_account(ask, one.account_id)])


async def _some(ask: Ask[None, AccountQuery]) -> ExchangeAccountList | Problem:
    """Find some of them: a page shows a few of ten thousand."""
    own = frozenset(ask.console.assignments.accounts_of(ask.person.id))
    request = testnet.FindAccounts(
        ask.query.query, owned_accounts(ask), own, ask.query.limit or ACCOUNTS_MAX, on_behalf=behalf_of(ask)
    )
    found = shaped(await neighbours_of(ask.console).ask_testnet(request), _Found)
    if isinstance(found, Problem):
        return found
    # Looked at here as well: reach is the console's to judge.
    reached = [_owned(ask, one) for one in found.accounts if reaches_account(ask, one.account_id)]
    return ExchangeAccountList(reached, found.total)


async def show_exchange_account(ask: Ask[None, None]) -> ExchangeAccountView | Problem:
    """Show one account."""
    account = account_in_path(ask)
    if isinstance(account, Problem):
        return account
    request = testnet.FindAccounts(account_ids=frozenset({account}), limit=1, on_behalf=behalf_of(ask))
    found = shaped(await neighbours_of(ask.console).ask_testnet(request), _Found)
    if isinstance(found, Problem):
        return found
    one = next((one for one in found.accounts if one.account_id == account), None)
    return Problem(NOT_FOUND, _NO_ACCOUNT) if one is None else _owned(ask, one)


async def open_exchange_account(ask: Ask[ExchangeAccountDraft, None]) -> ExchangeAccountView | Problem:
    """Open an account."""
    draft = ask.body
    master = "" if draft.master is None else str(draft.master)
    request = testnet.CreateAccount(draft.name, draft.deposits, master, on_behalf=behalf_of(ask))
    return await _account(ask, request)


async def deposit(ask: Ask[DepositDraft, None]) -> ExchangeAccountView | Problem:
    """Pay into an account."""
    account = account_in_path(ask)
    if isinstance(account, Problem):
        return account
    request = testnet.DepositMoney(str(account), ask.body.deposits, on_behalf=behalf_of(ask))
    return await _account(ask, request)


async def show_addresses(ask: Ask[None, None]) -> WithdrawalAddressBook | Problem:
    """Show where an account may withdraw to."""
    account = account_in_path(ask)
    if isinstance(account, Problem):
        return account
    return await _book(ask, testnet.ListAddresses(str(account), on_behalf=behalf_of(ask)))


async def allow_address(ask: Ask[WithdrawalAddressDraft, None]) -> WithdrawalAddressBook | Problem:
    """Let an account withdraw to an address."""
    account, draft = account_in_path(ask), ask.body
    if isinstance(account, Problem):
        return account
    by = behalf_of(ask)
    return await _book(
        ask, testnet.AllowWithdrawal(str(account), draft.asset, draft.address, draft.name, on_behalf=by)
    )


async def forget_address(ask: Ask[WithdrawalAddressDraft, None]) -> WithdrawalAddressBook | Problem:
    """Take an address out of an account's book."""
    account, draft = account_in_path(ask), ask.body
    if isinstance(account, Problem):
        return account
    request = testnet.ForgetWithdrawal(str(account), draft.asset, draft.address, on_behalf=behalf_of(ask))
    return await _book(ask, request)


def account_in_path(ask: Ask[Any, Any]) -> int | Problem:
    """Find the account a path names by its number, if it is within reach."""
    text = ask.path["account"]
    missing = Problem(NOT_FOUND, _NO_ACCOUNT)
    if not (text.isascii() and text.isdecimal()) or len(text) > 18:
        return missing
    return int(text) if reaches_account(ask, int(text)) else missing


def owned_accounts(ask: Ask[Any, Any]) -> frozenset[int] | None:
    """Say which accounts a list is about; None for all."""
    return None if ask.reach == ALL else frozenset(ask.console.assignments.accounts_of(ask.person.id))


async def _book(ask: Ask[Any, Any], request: msgspec.Struct) -> WithdrawalAddressBook | Problem:
    return shaped(await neighbours_of(ask.console).ask_testnet(request), WithdrawalAddressBook)


async def _account(ask: Ask[Any, Any], request: msgspec.Struct) -> ExchangeAccountView | Problem:
    found = shaped(await neighbours_of(ask.console).ask_testnet(request), ExchangeAccountView)
    return found if isinstance(found, Problem) else _owned(ask, found)


def _owned(ask: Ask[Any, Any], view: ExchangeAccountView) -> ExchangeAccountView:
    return msgspec.structs.replace(view, owner=ask.console.assignments.owner_of(view.account_id))


def _place(ask: Ask[WithdrawalAddressDraft, None]) -> dict[str, str]:
    """Say in the trail where money may go, or may no longer go."""
    return {"asset": ask.body.asset, "address": ask.body.address}


_CHANGE: Final[dict[str, Any]] = {"tag": TAG, "action": "account.write", "limit": "write"}

ROUTES: Final = (
    Route(
        method="GET", path="/accounts", name="listExchangeAccounts", summary="List accounts of the testnet.", tag=TAG,
        action="account.read", handler=list_exchange_accounts, query=AccountQuery, answer=ExchangeAccountList,
    ),
    Route(
        method="GET", path="/accounts/{account}", name="showExchangeAccount", summary="Show an account of the testnet.",
        tag=TAG, action="account.read", handler=show_exchange_account, answer=ExchangeAccountView,
    ),
    Route(
        method="POST", path="/accounts", name="openExchangeAccount", summary="Open an account on the testnet.",
        handler=open_exchange_account, body=ExchangeAccountDraft, answer=ExchangeAccountView, status=201,
        audit=Audit("account:opened", subject=lambda ask: ask.body.name), **_CHANGE,
    ),
    Route(
        method="POST", path="/accounts/{account}/deposits", name="deposit", summary="Pay into an account of the testnet.",
        handler=deposit, body=DepositDraft, answer=ExchangeAccountView,
        audit=Audit("account:deposited", values=lambda ask: dict(ask.body.deposits)), **_CHANGE,
    ),
    Route(
        method="GET", path="/accounts/{account}/addresses", name="showAddresses",
        summary="Show where an account may withdraw to.", tag=TAG, action="account.read", handler=show_addresses,
        answer=WithdrawalAddressBook,
    ),
    Route(
        method="PUT", path="/accounts/{account}/addresses", name="allowAddress",
        summary="Let an account withdraw to an address.", handler=allow_address, body=WithdrawalAddressDraft, answer=WithdrawalAddressBook,
        fresh="always", audit=Audit("account:address-allowed", values=_place), **_CHANGE,
    ),
    Route(
        method="POST", path="/accounts/{account}/addresses/forget", name="forgetAddress",
        summary="Take an address out of an account's book.", handler=forget_address, body=WithdrawalAddressDraft,
        answer=WithdrawalAddressBook, audit=Audit("account:address-forgotten", values=_place),
        **_CHANGE,
    ),
)  # fmt: skip
