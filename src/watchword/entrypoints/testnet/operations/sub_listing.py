"""Sub-accounts themselves: making virtual ones, listing them, what they hold. For their master only.

Source: the official sub-account SDK, "account management" and "asset management".
"""

from typing import TYPE_CHECKING, Annotated, Final

from watchword.binance.errors import TIMESTAMP_STALE, WireError, illegal
from watchword.binance.forms import Query
from watchword.binance.params import Boolean, Limit, Text, invalid
from watchword.entrypoints.testnet import render_sub_accounts as render
from watchword.entrypoints.testnet.operations.deposits import address_for, history_of
from watchword.entrypoints.testnet.operations.sapi_form import SapiForm
from watchword.entrypoints.testnet.operations.sub_family import (
    UNKNOWN_EMAIL,
    asked_sub_account,
    master_of,
)
from watchword.entrypoints.testnet.operations.time_windows import page
from watchword.exchange.commands import AnyCommand, OpenAccount
from watchword.exchange.valuation import worth
from watchword.kernel.entropy import alphanumeric

if TYPE_CHECKING:
    from collections.abc import Sequence

    from watchword.bootstrap.testnet import Testnet
    from watchword.entrypoints.testnet.operations.call import Call
    from watchword.exchange.events import Applied
    from watchword.exchange.treasury import SubAccount

#: Binance makes up `<text>_virtual@<random>noemail.com`.
EMAIL_RANDOM_LENGTH: Final = 8
VIRTUAL_TEXT_LENGTH_MAX: Final = 32
VIRTUAL_TEXT_RANGE: Final = r"^[a-zA-Z0-9]{1,32}$"
LIST_ROWS: Final = 1
LIST_ROWS_MAX: Final = 200
SUMMARY_ROWS: Final = 10
SUMMARY_ROWS_MAX: Final = 20
VALUED_IN: Final = "BTC"


def _read_virtual_text(name: str, text: str) -> str | WireError:
    """The part of a virtual sub-account's email that its master chooses."""
    if text.isascii() and text.isalnum() and len(text) <= VIRTUAL_TEXT_LENGTH_MAX:
        return text
    return illegal(name, VIRTUAL_TEXT_RANGE)


class CreateQuery(Query, frozen=True):
    """POST virtualSubAccount."""

    sub_account_string: Annotated[str, _read_virtual_text]


class ListQuery(Query, frozen=True):
    """GET list. Its default page has one row, as Binance's has."""

    email: Text = ""
    is_freeze: Boolean | None = None
    page: Limit = 1
    limit: Limit = LIST_ROWS


class StatusQuery(Query, frozen=True):
    """GET status; without an email all of them."""

    email: Text = ""


class NamedQuery(Query, frozen=True):
    """What concerns one sub-account; the rest of a deposit's query is read where deposits are."""

    email: Text


class SummaryQuery(Query, frozen=True):
    """GET spotSummary."""

    email: Text = ""
    page: Limit = 1
    size: Limit = SUMMARY_ROWS


_CREATE: Final = SapiForm(CreateQuery)
_LIST: Final = SapiForm(ListQuery)
_STATUS: Final = SapiForm(StatusQuery)
_NAMED: Final = SapiForm(NamedQuery)
_SUMMARY: Final = SapiForm(SummaryQuery)


def made_up_email(testnet: "Testnet", text: str) -> str:
    """Make the email of a virtual sub-account from what its master calls it."""
    drawn = alphanumeric(testnet.entropy, EMAIL_RANDOM_LENGTH).lower()
    return f"{text}_virtual@{drawn}noemail.com"


async def create(testnet: "Testnet", call: "Call") -> bytes | WireError:
    """POST virtualSubAccount: an empty account under an email nobody reads."""
    query, master = _CREATE.read(call.params), master_of(testnet, call)
    if isinstance(query, WireError):
        return query
    if isinstance(master, WireError):
        return master
    email = made_up_email(testnet, query.sub_account_string)
    deadline_us = call.deadline_us

    def make(sequence: int, now_us: int) -> OpenAccount | WireError:
        if now_us > deadline_us:
            return TIMESTAMP_STALE
        return OpenAccount(sequence, now_us, email, parent_id=master, email=email)

    def answer(_command: AnyCommand, applied: "Applied") -> bytes | WireError:
        return applied if isinstance(applied, WireError) else render.created(email)

    return await testnet.sequencer.submit(make, answer)


async def sub_accounts(testnet: "Testnet", call: "Call") -> bytes | WireError:
    """GET list: oldest first. None is ever frozen here."""
    query = _LIST.read(call.params)
    if isinstance(query, WireError):
        return query
    found = _asked(testnet, call, query.email)
    if isinstance(found, WireError):
        return found
    if query.limit > LIST_ROWS_MAX:
        return invalid("limit")
    shown = page(() if query.is_freeze else found, query.page, query.limit, LIST_ROWS_MAX)
    return shown if isinstance(shown, WireError) else render.sub_accounts(shown)


async def statuses(testnet: "Testnet", call: "Call") -> bytes | WireError:
    """GET status."""
    query = _STATUS.read(call.params)
    if isinstance(query, WireError):
        return query
    found = _asked(testnet, call, query.email)
    if isinstance(found, WireError):
        return found
    if query.email and not found:
        return UNKNOWN_EMAIL
    return render.statuses(found)


async def assets(testnet: "Testnet", call: "Call") -> bytes | WireError:
    """GET v4 assets: amounts as texts."""
    balances = _balances(testnet, call)
    return balances if isinstance(balances, WireError) else render.assets(balances)


async def assets_as_numbers(testnet: "Testnet", call: "Call") -> bytes | WireError:
    """GET v3 assets: amounts as numbers."""
    balances = _balances(testnet, call)
    return balances if isinstance(balances, WireError) else render.assets_as_numbers(balances)


async def deposit_address(testnet: "Testnet", call: "Call") -> bytes | WireError:
    """GET capital/deposit/subAddress."""
    sub = _named(testnet, call)
    return sub if isinstance(sub, WireError) else address_for(testnet, call, sub.account_id)


async def deposit_history(testnet: "Testnet", call: "Call") -> bytes | WireError:
    """GET capital/deposit/subHisrec."""
    sub = _named(testnet, call)
    return sub if isinstance(sub, WireError) else history_of(testnet, call, sub.account_id)


async def summary(testnet: "Testnet", call: "Call") -> bytes | WireError:
    """GET spotSummary: what the master and each sub-account hold, in BTC."""
    query, master = _SUMMARY.read(call.params), master_of(testnet, call)
    if isinstance(query, WireError):
        return query
    found = _asked(testnet, call, query.email)
    if isinstance(found, WireError):
        return found
    if isinstance(master, WireError):
        return master
    shown = page(found, query.page, query.size, SUMMARY_ROWS_MAX)
    if isinstance(shown, WireError):
        return shown
    rows = [(sub.email, _worth(testnet, sub.account_id)) for sub in shown]
    return render.summary(len(found), _worth(testnet, master), rows)


def _asked(testnet: "Testnet", call: "Call", email: str) -> "Sequence[SubAccount] | WireError":
    """Return the caller's sub-accounts: the one with this email where one is named, none where it has no such."""
    master = master_of(testnet, call)
    if isinstance(master, WireError):
        return master
    treasury = testnet.venue.engine.treasury
    if not email:
        return treasury.sub_accounts(master)
    sub = treasury.by_email(master, email)
    return () if sub is None else (sub,)


def _named(testnet: "Testnet", call: "Call") -> "SubAccount | WireError":
    """Find the sub-account a request must name."""
    query = _NAMED.read(call.params)
    return query if isinstance(query, WireError) else asked_sub_account(testnet, call, query.email)


def _balances(testnet: "Testnet", call: "Call") -> dict[str, tuple[int, int]] | WireError:
    sub = _named(testnet, call)
    if isinstance(sub, WireError):
        return sub
    held = testnet.venue.engine.ledger.balances(sub.account_id)
    return {asset: amounts for asset, amounts in held.items() if any(amounts)}


def _worth(testnet: "Testnet", account_id: int) -> int:
    engine = testnet.venue.engine
    held = engine.ledger.balances(account_id)
    return sum(worth(engine, asset, free + locked, VALUED_IN) for asset, (free, locked) in held.items())
