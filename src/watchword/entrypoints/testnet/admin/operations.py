"""What each administrative request does to a testnet. The same for the socket and for a home nobody serves.

Never parses bytes, never checks who asks: the socket's file mode and peer check did.
"""

import asyncio
import os
from typing import TYPE_CHECKING, Any, Final, assert_never

import msgspec

from watchword.binance.errors import WireError
from watchword.binance.params import SCALED_MAX
from watchword.entrypoints.testnet.admin import requests as ask
from watchword.entrypoints.testnet.admin.account_requests import perform_for_account
from watchword.entrypoints.testnet.admin.account_rows import find_accounts
from watchword.entrypoints.testnet.admin.addresses import made_up_transaction, perform_on_addresses
from watchword.entrypoints.testnet.admin.clock_operations import clock_view, move_clock
from watchword.entrypoints.testnet.admin.expiry import write_expiry
from watchword.entrypoints.testnet.admin.key_changes import show_key_changes
from watchword.entrypoints.testnet.admin.key_operations import (
    endings_near,
    key_view,
    perform_on_keys,
    say_event,
)
from watchword.entrypoints.testnet.admin.key_search import find_keys
from watchword.entrypoints.testnet.admin.lookup import account_named, accounts
from watchword.entrypoints.testnet.admin.requests import Refused
from watchword.entrypoints.testnet.operations.sub_listing import made_up_email
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


async def perform(testnet: "Testnet", request: ask.AnyRequest) -> Answer:  # noqa: C901, PLR0911, PLR0912 - one arm each
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
            return [_account_view(testnet, a) for a in accounts(testnet)]
        case ask.FindAccounts():
            return find_accounts(testnet, request, _account_view)
        case ask.DepositMoney():
            return await _deposit(testnet, request)
        case ask.AllowWithdrawal() | ask.ForgetWithdrawal() | ask.ListAddresses():
            return await perform_on_addresses(testnet, request)
        case ask.CallAccount() | ask.ShowPast() | ask.WatchAccount() | ask.ListOrders() | ask.ListTrades():
            return await perform_for_account(testnet, request)
        case ask.Reset():
            return await _submit(testnet, ResetVenue)
        case ask.ListKeys():
            return _list_keys(testnet, request)
        case ask.ShowKeyChanges():
            return show_key_changes(testnet, request)
        case (
            ask.CreateKey()
            | ask.ShowKey()
            | ask.EditKey()
            | ask.DeleteKey()
            | ask.DeleteAllKeys()
            | ask.ListKeyEvents()
            | ask.ShowKeyRules()
            | ask.ListKeyTemplates()
        ):
            return perform_on_keys(testnet, request)
        case ask.MoveClock():
            return await move_clock(testnet, request)
        case ask.ShowClock():
            return clock_view(testnet)
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
    if account_named(testnet, name) is not None:
        return Refused(f"there is an account {name} already")
    parent_id, email = 0, ""
    if request.parent:
        parent = account_named(testnet, request.parent)
        if parent is None or testnet.venue.engine.treasury.sub_account(parent.account_id) is not None:
            return Refused(f"there is no master account {request.parent}")
        parent_id, name = parent.account_id, name if "@" in name else made_up_email(testnet, name)
        email = name
    nothing_given: dict[str, str] = {} if parent_id else _starter(testnet)
    grants = _amounts(testnet, nothing_given if request.deposits is None else request.deposits)
    if isinstance(grants, Refused):
        return grants
    opened = await testnet.sequencer.submit(
        lambda seq, now_us: OpenAccount(
            seq, now_us, name, tuple(sorted(grants.items())), parent_id=parent_id, email=email
        ),
        _opened,
    )
    if isinstance(opened, WireError):
        return Refused(opened.text)
    return _account_view(testnet, testnet.venue.engine.accounts[opened])


def _opened(_command: AnyCommand, applied: Applied) -> int | WireError:
    if isinstance(applied, WireError):
        return applied
    return next(event.account_id for event in applied if isinstance(event, AccountOpened))


async def _deposit(testnet: "Testnet", request: ask.DepositMoney) -> Answer:
    account = account_named(testnet, request.account)
    if account is None:
        return Refused(f"there is no account {request.account}")
    amounts = _amounts(testnet, request.deposits)
    if isinstance(amounts, Refused):
        return amounts
    results = await asyncio.gather(
        *(
            _submit(
                testnet, Deposit, account.account_id, asset, amount, *made_up_transaction(testnet, account)
            )
            for asset, amount in sorted(amounts.items())
        )
    )
    refused = next((result for result in results if isinstance(result, Refused)), None)
    return refused or _account_view(testnet, account)


def _list_keys(testnet: "Testnet", request: ask.ListKeys) -> Answer:
    account_id = None
    if request.account:
        account = account_named(testnet, request.account)
        if account is None:
            return Refused(f"there is no account {request.account}")
        account_id = account.account_id
    return find_keys(testnet, request, account_id, key_view)


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
        "accounts": len(accounts(testnet)),
        "keys": len(testnet.directory.records()),
        "keys_ending_soon": endings_near(testnet),
        "last_key_event": say_event(testnet.sweep.events[-1]) if testnet.sweep.events else "",
        "clock": clock_view(testnet)["now"],
        "clock_moved_by": clock_view(testnet)["moved_by"],
    }


def _account_view(testnet: "Testnet", account: Account) -> dict[str, Any]:
    engine = testnet.venue.engine
    balances = engine.ledger.balances(account.account_id)
    sub = engine.treasury.sub_account(account.account_id)
    return {
        "account": account.name,
        "account_id": account.account_id,
        "sub_account_of": None if sub is None else engine.accounts[sub.parent_id].name,
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
