"""What each administrative request does to a testnet. The same for the socket and for a home nobody serves.

Never parses bytes, never checks who asks: the socket's file mode and peer check did.
"""

import asyncio
import os
from typing import TYPE_CHECKING, Any, Final, assert_never

import msgspec

from watchword.binance.errors import WireError
from watchword.binance.params import SCALED_MAX
from watchword.credentials.key_directory import KeyRecord, KeyRefused, KeyTerms
from watchword.credentials.key_problem import KeyProblem
from watchword.credentials.pem import read_public
from watchword.credentials.permission import (
    DEFAULT_PERMISSIONS,
    Permission,
    UnknownPermission,
    read_permissions,
)
from watchword.credentials.restriction import BadRestriction, Restrictions, read_networks, read_symbols
from watchword.entrypoints.testnet.admin import requests as ask
from watchword.entrypoints.testnet.admin.expiry import read_expiry, write_expiry
from watchword.entrypoints.testnet.admin.requests import Refused
from watchword.exchange.accounts import HOUSE_PREFIX, Account
from watchword.exchange.commands import (
    AnyCommand,
    Deposit,
    ImportTrade,
    OpenAccount,
    ResetVenue,
    SetLiquidity,
    SetSymbolStatus,
)
from watchword.exchange.events import AccountOpened, Applied
from watchword.kernel.units import TooPrecise, format_trimmed, parse_scaled

if TYPE_CHECKING:
    from watchword.bootstrap.testnet import Testnet

Answer = dict[str, Any] | list[dict[str, Any]] | Refused

NAME_LENGTH_MAX: Final = 64
#: One payment, in whole units, so that no ledger sum ever needs more than 63 bits in anybody's client.
AMOUNT_MAX: Final = 10_000_000_000 * 10**8
#: What an account gets whose deposits were not chosen: enough to try everything. Other assets: STARTER_OTHER.
STARTER_GRANTS: Final = {"USDT": "10000", "BTC": "1", "ETH": "10", "BNB": "20"}
STARTER_OTHER: Final = "1000"


async def perform(testnet: "Testnet", request: ask.AnyRequest) -> Answer:  # noqa: C901, PLR0911 - one arm each
    """Do what a request asks.

    Args:
        testnet: Started.
        request: What to do.

    Returns:
        JSON-ready result, or the refusal.

    Raises:
        StorageError: A store failed; the change has not happened (keys) or may not have (the venue).
    """
    match request:
        case ask.CreateAccount():
            return await _create_account(testnet, request)
        case ask.ListAccounts():
            return [_account_view(testnet, a) for a in _accounts(testnet)]
        case ask.DepositMoney():
            return await _deposit(testnet, request)
        case ask.Reset():
            return await _submit(testnet, ResetVenue)
        case ask.CreateKey():
            return _create_key(testnet, request)
        case ask.ListKeys():
            return _list_keys(testnet, request)
        case ask.ShowKey():
            record = _resolve(testnet, request.api_key)
            return record if isinstance(record, Refused) else key_view(testnet, record)
        case ask.EditKey():
            return _edit_key(testnet, request)
        case ask.DeleteKey():
            return _delete_key(testnet, request)
        case ask.ShowStatus():
            return _status(testnet)
        case ask.ChangeSymbolStatus():
            return await _submit(testnet, SetSymbolStatus, request.symbol, request.status)
        case ask.ChangeLiquidity():
            return await _set_liquidity(testnet, request)
        case ask.ImportTrades():
            return await _import(testnet, request)
        case ask.ShowHash():
            # Position and state move together, and nothing else runs in this loop turn.
            sequence = testnet.sequencer.position.sequence
            return {"sequence": sequence, "state_hash": testnet.venue.state_hash().hex()}
        case ask.MakeSnapshot():
            return await _snapshot(testnet)
        case _:
            assert_never(request)


def key_view(testnet: "Testnet", record: KeyRecord) -> dict[str, Any]:
    """Show a key as JSON. Never holds a secret."""
    terms = record.terms
    account = testnet.venue.engine.accounts.get(record.account_id)
    return {
        "api_key": record.api_key,
        "account": account.name if account else str(record.account_id),
        "account_id": record.account_id,
        "key_type": record.key_type,
        "label": terms.label,
        "permissions": sorted(terms.permissions),
        "ips": [network.text for network in terms.restrictions.networks],
        "symbols": sorted(terms.restrictions.symbols),
        "expires": write_expiry(terms.restrictions.expires_us),
        "created": write_expiry(record.created_us),
        "last_used": write_expiry(record.last_used_us),
    }


async def _submit(testnet: "Testnet", kind: type[Any], *fields: object) -> dict[str, Any] | Refused:
    """Journal and apply one command; what it gave counts only as done or refused."""
    answer = await testnet.sequencer.submit(lambda seq, now_us: kind(seq, now_us, *fields), _applied)
    if isinstance(answer, WireError):
        return Refused(answer.text)
    return {"sequence": answer}


def _applied(command: AnyCommand, applied: Applied) -> int | WireError:
    return applied if isinstance(applied, WireError) else command.sequence


async def _create_account(testnet: "Testnet", request: ask.CreateAccount) -> Answer:
    name = request.name.strip()
    if not 0 < len(name) <= NAME_LENGTH_MAX or not name.isprintable():
        return Refused(f"an account name has 1 to {NAME_LENGTH_MAX} printable characters")
    if name.startswith(HOUSE_PREFIX) or name.isdigit():
        return Refused(f"an account name is not a number and does not begin with {HOUSE_PREFIX}")
    if _account(testnet, name) is not None:
        return Refused(f"there is an account {name} already")
    deposits = _starter(testnet) if request.deposits is None else request.deposits
    grants = _amounts(testnet, deposits)
    if isinstance(grants, Refused):
        return grants
    opened = await testnet.sequencer.submit(
        lambda seq, now_us: OpenAccount(seq, now_us, name, tuple(sorted(grants.items()))), _opened
    )
    if isinstance(opened, WireError):
        return Refused(opened.text)
    return _account_view(testnet, testnet.venue.engine.accounts[opened])


def _opened(_command: AnyCommand, applied: Applied) -> int | WireError:
    if isinstance(applied, WireError):
        return applied
    return next(event.account_id for event in applied if isinstance(event, AccountOpened))


async def _deposit(testnet: "Testnet", request: ask.DepositMoney) -> Answer:
    account = _account(testnet, request.account)
    if account is None:
        return Refused(f"there is no account {request.account}")
    amounts = _amounts(testnet, request.deposits)
    if isinstance(amounts, Refused):
        return amounts
    results = await asyncio.gather(
        *(
            _submit(testnet, Deposit, account.account_id, asset, amount)
            for asset, amount in sorted(amounts.items())
        )
    )
    refused = next((result for result in results if isinstance(result, Refused)), None)
    return refused or _account_view(testnet, account)


def _create_key(testnet: "Testnet", request: ask.CreateKey) -> Answer:
    account = _account(testnet, request.account)
    if account is None:
        return Refused(
            f"there is no account {request.account}; make it with: watchword testnet account create"
        )
    public_der = b""
    if request.key_type != "HMAC":
        public = read_public(request.public_key.encode())
        if isinstance(public, KeyProblem):
            return Refused(str(public))
        if public.key_type != request.key_type:
            return Refused(f"the public key is of type {public.key_type}, not {request.key_type}")
        public_der = public.der
    now_us = testnet.clock.now_us()
    terms = _terms(testnet, KeyTerms(), request, now_us)
    if isinstance(terms, Refused):
        return terms
    issued = testnet.directory.issue(account.account_id, request.key_type, public_der, terms, now_us)
    if isinstance(issued, KeyRefused):
        return Refused(issued.reason)
    view = key_view(testnet, issued.record)
    return {"api_key": view.pop("api_key"), "secret_key": issued.secret_key or None, **view}


def _list_keys(testnet: "Testnet", request: ask.ListKeys) -> Answer:
    account_id = None
    if request.account:
        account = _account(testnet, request.account)
        if account is None:
            return Refused(f"there is no account {request.account}")
        account_id = account.account_id
    return [key_view(testnet, record) for record in testnet.directory.records(account_id)]


def _edit_key(testnet: "Testnet", request: ask.EditKey) -> Answer:
    record = _resolve(testnet, request.api_key)
    if isinstance(record, Refused):
        return record
    now_us = testnet.clock.now_us()
    terms = _terms(testnet, record.terms, request, now_us)
    if isinstance(terms, Refused):
        return terms
    changed = testnet.directory.edit(record.api_key, terms, now_us)
    return Refused(changed.reason) if isinstance(changed, KeyRefused) else key_view(testnet, changed)


def _delete_key(testnet: "Testnet", request: ask.DeleteKey) -> Answer:
    record = _resolve(testnet, request.api_key)
    if isinstance(record, Refused):
        return record
    deleted = testnet.directory.delete(record.api_key)
    return Refused(deleted.reason) if isinstance(deleted, KeyRefused) else key_view(testnet, deleted)


def _terms(
    testnet: "Testnet", before: KeyTerms, request: ask.CreateKey | ask.EditKey, now_us: int
) -> KeyTerms | Refused:
    """Read the terms a request gives; what it leaves out stays as before."""
    permissions: frozenset[Permission] | UnknownPermission = before.permissions
    if request.permissions is not None:
        permissions = read_permissions(request.permissions)
        if isinstance(request, ask.CreateKey) and not isinstance(permissions, UnknownPermission):
            permissions |= DEFAULT_PERMISSIONS  # readable by default: --permission adds to it
    old = before.restrictions
    networks = old.networks if request.ips is None else read_networks(request.ips)
    symbols = old.symbols if request.symbols is None else read_symbols(request.symbols)
    expires_us = old.expires_us if request.expires is None else read_expiry(request.expires, now_us)
    if isinstance(permissions, UnknownPermission):
        return Refused(str(permissions))
    if isinstance(networks, BadRestriction):
        return Refused(str(networks))
    if isinstance(symbols, BadRestriction):
        return Refused(str(symbols))
    if isinstance(expires_us, str):
        return Refused(expires_us)
    listed = testnet.venue.engine.floors
    unlisted = sorted(symbols - listed.keys())
    if unlisted and request.symbols is not None:
        return Refused(f"there is no symbol {unlisted[0]} here")
    label = before.label if request.label is None else request.label
    return KeyTerms(label, permissions, Restrictions(networks, symbols, expires_us))


def _resolve(testnet: "Testnet", api_key: str) -> KeyRecord | Refused:
    """Find a key by its text, or by a beginning of at least 6 characters that only it has."""
    record = testnet.directory.record(api_key)
    if record is not None:
        return record
    found = [r for r in testnet.directory.records() if len(api_key) >= 6 and r.api_key.startswith(api_key)]
    if len(found) == 1:
        return found[0]
    return Refused(f"{'several keys begin' if found else 'no key begins'} with {api_key}")


async def _set_liquidity(testnet: "Testnet", request: ask.ChangeLiquidity) -> Answer:
    """Switch the market makers of a symbol; says what they were, so that a replay can put them back."""
    floor = testnet.venue.engine.floors.get(request.symbol)
    was_enabled = floor is not None and floor.liquidity
    done = await _submit(testnet, SetLiquidity, request.symbol, request.enabled)
    return done if isinstance(done, Refused) else {**done, "was_enabled": was_enabled}


async def _import(testnet: "Testnet", request: ask.ImportTrades) -> Answer:
    if len(request.trades) > ask.IMPORT_TRADES_MAX:
        return Refused(f"at most {ask.IMPORT_TRADES_MAX} trades at once")
    for price, quantity, _ in request.trades:
        # What does not fit 64 bits cannot be journaled.
        if not (0 < price <= SCALED_MAX and 0 < quantity <= SCALED_MAX):
            return Refused("price and quantity of a trade are above 0 and below 2^63 hundred-millionths")
    results = await asyncio.gather(
        *(
            _submit(testnet, ImportTrade, request.symbol, price, quantity, buyer_is_maker)
            for price, quantity, buyer_is_maker in request.trades
        )
    )
    refused = [result for result in results if isinstance(result, Refused)]
    answer: dict[str, Any] = {"imported": len(results) - len(refused), "refused": len(refused)}
    if refused:
        answer["reason"] = refused[0].reason
    return answer


async def _snapshot(testnet: "Testnet") -> Answer:
    if testnet.snapshots is None:
        return Refused("a testnet in memory has no snapshots")
    made = await testnet.snapshots.make()
    return Refused(str(made["error"])) if "error" in made else made


def _status(testnet: "Testnet") -> dict[str, Any]:
    engine, snapshots = testnet.venue.engine, testnet.snapshots
    return {
        "pid": os.getpid(),
        "home": str(testnet.home.path) if testnet.home else None,
        **(testnet.addresses or {}),
        "seed": testnet.seed,
        "liquidity": testnet.liquidity,
        "sequence": testnet.sequencer.position.sequence,
        "snapshot_sequence": snapshots.last_sequence if snapshots else 0,
        "snapshot_error": snapshots.last_error if snapshots else "",
        "symbols": list(engine.floors),
        "accounts": len(_accounts(testnet)),
        "keys": len(testnet.directory.records()),
    }


def _accounts(testnet: "Testnet") -> list[Account]:
    return [a for a in testnet.venue.engine.accounts.values() if not a.house]


def _account(testnet: "Testnet", name_or_id: str) -> Account | None:
    """Find an account by name, or else by number; never one of the house's own."""
    accounts = _accounts(testnet)
    by_name = next((a for a in accounts if a.name == name_or_id), None)
    return by_name or next((a for a in accounts if str(a.account_id) == name_or_id), None)


def _account_view(testnet: "Testnet", account: Account) -> dict[str, Any]:
    balances = testnet.venue.engine.ledger.balances(account.account_id)
    return {
        "account": account.name,
        "account_id": account.account_id,
        "created": write_expiry(account.created_us),
        "balances": {
            asset: {"free": format_trimmed(free), "locked": format_trimmed(locked)}
            for asset, (free, locked) in sorted(balances.items())
            if free or locked
        },
    }


def _assets(testnet: "Testnet") -> set[str]:
    listed = testnet.venue.engine.floors.values()
    return {asset for f in listed for asset in (f.instrument.base_asset, f.instrument.quote_asset)}


def _starter(testnet: "Testnet") -> dict[str, str]:
    return {asset: STARTER_GRANTS.get(asset, STARTER_OTHER) for asset in _assets(testnet)}


def _amounts(testnet: "Testnet", deposits: dict[str, str]) -> dict[str, int] | Refused:
    """Read `{"USDT": "1000"}` as scaled integers."""
    amounts: dict[str, int] = {}
    assets = _assets(testnet)
    for asset, text in deposits.items():
        try:
            amount = parse_scaled(text)
        except TooPrecise:
            return Refused(f"{asset}={text}: at most 8 decimals")
        if asset not in assets:
            return Refused(f"there is no asset {asset} here; choose from: {', '.join(sorted(assets))}")
        if amount is None or not 0 < amount <= AMOUNT_MAX:
            return Refused(
                f"{asset}={text}: the amount must be above 0 and at most {format_trimmed(AMOUNT_MAX)}"
            )
        amounts[asset] = amount
    return amounts


def to_json(answer: Answer) -> bytes:
    """Write an answer as one line: `{"result": …}` or `{"error": …}`."""
    if isinstance(answer, Refused):
        return msgspec.json.encode({"error": answer.reason}) + b"\n"
    return msgspec.json.encode({"result": answer}) + b"\n"
