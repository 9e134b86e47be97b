"""The testnet's faucet: play money for whoever owns an account, so much at once and so much a day.

Whoever may write accounts pays in what they like (`deposit`); the faucet is for those who may only trade on theirs.
"""

import asyncio
from typing import Annotated, Any, Final

import msgspec
from msgspec import Meta

from watchword.entrypoints.console.neighbours import neighbours_of, shaped
from watchword.entrypoints.console.problem import INVALID, TOO_MANY, Problem
from watchword.entrypoints.console.route import Ask, Audit, Route
from watchword.entrypoints.console.routes.account_past import Past, past_of
from watchword.entrypoints.console.routes.asking import behalf_of
from watchword.entrypoints.console.routes.testnet_accounts import ExchangeAccountView, account_in_path
from watchword.entrypoints.console.routes.trading import TAG
from watchword.entrypoints.console.routes.trading_lists import ASSET_LENGTH_MAX
from watchword.entrypoints.console.trading_views import scaled
from watchword.entrypoints.testnet.admin import requests as testnet
from watchword.entrypoints.testnet.admin.operations import STARTER_GRANTS, STARTER_OTHER
from watchword.kernel.units import format_scaled, format_trimmed

DAY_US: Final = 86_400_000_000
#: A day's money: so many times what is paid at once.
PAYMENTS_PER_DAY_MAX: Final = 5


class FaucetDraft(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which play money is wanted; the amount is the faucet's."""

    asset: Annotated[str, Meta(min_length=1, max_length=ASSET_LENGTH_MAX)]


class FaucetRow(msgspec.Struct, frozen=True):
    """What the faucet gives of an asset.

    Attributes:
        amount: At once, a decimal text.
        left: How many times more now; what was paid in during a day counts, by whomever.
    """

    asset: str
    amount: str
    left: int


class Faucet(msgspec.Struct, frozen=True):
    """What the faucet gives this account now."""

    items: list[FaucetRow]


class _Taps:
    """One lock for each account, so that two who ask at once are not both told that there is room."""

    def __init__(self) -> None:
        self._locks: dict[int, asyncio.Lock] = {}

    @classmethod
    def of(cls, ask: Ask[Any, Any]) -> "_Taps":
        """Return the console's; made at the first call."""
        taps: _Taps = ask.console.at_hand.setdefault(cls, cls())
        return taps

    def lock(self, account: int) -> asyncio.Lock:
        """Return an account's. Accounts are few, and known to exist before this is called."""
        return self._locks.setdefault(account, asyncio.Lock())


async def show_faucet(ask: Ask[None, None]) -> Faucet | Problem:
    """Show what the faucet gives."""
    account = account_in_path(ask)
    past = account if isinstance(account, Problem) else await past_of(ask, account)
    if isinstance(past, Problem):
        return past
    return Faucet(
        [
            FaucetRow(asset, format_trimmed(_payment(asset)), payments_left(past, asset))
            for asset in assets_of(past)
        ]
    )


async def open_faucet(ask: Ask[FaucetDraft, None]) -> ExchangeAccountView | Problem:
    """Pay play money in."""
    account, asset = account_in_path(ask), ask.body.asset
    if isinstance(account, Problem):
        return account
    past = await past_of(ask, account)
    if isinstance(past, Problem):
        return past
    if asset not in assets_of(past):
        return Problem(INVALID, "there is no such asset here")
    async with _Taps.of(ask).lock(account):
        past = await past_of(ask, account)
        if isinstance(past, Problem):
            return past
        if not payments_left(past, asset):
            return Problem(TOO_MANY, f"the faucet gives {asset} {PAYMENTS_PER_DAY_MAX} times a day")
        request = testnet.DepositMoney(
            str(account), {asset: format_scaled(_payment(asset))}, on_behalf=behalf_of(ask)
        )
        paid = shaped(await neighbours_of(ask.console).ask_testnet(request), ExchangeAccountView)
    if isinstance(paid, Problem):
        return paid
    return msgspec.structs.replace(paid, owner=ask.console.assignments.owner_of(account))


def assets_of(past: Past) -> list[str]:
    """List the assets of the venue's symbols, those people begin with first."""
    listed = {asset for one in past.symbols for asset in (one.base, one.quote)}
    first = [asset for asset in STARTER_GRANTS if asset in listed]
    return [*first, *sorted(listed - set(first))]


def payments_left(past: Past, asset: str) -> int:
    """Say how many more payments a day's bound leaves room for.

    Args:
        past: The account's.
        asset: Of what.
    """
    since_us = past.at_us - DAY_US
    came = sum(
        scaled(move.amount)
        for move in past.moves
        if move.kind == "deposit" and move.asset == asset and move.at_us > since_us
    )
    return max(0, PAYMENTS_PER_DAY_MAX - -(-came // _payment(asset)))


def _payment(asset: str) -> int:
    return scaled(STARTER_GRANTS.get(asset, STARTER_OTHER))


ROUTES: Final = (
    Route(
        method="GET", path="/accounts/{account}/faucet", name="showFaucet", summary="Show what the faucet gives an account.",
        tag=TAG, action="account.read", handler=show_faucet, answer=Faucet,
    ),
    Route(
        method="POST", path="/accounts/{account}/faucet", name="openFaucet", summary="Pay play money into an account.",
        tag=TAG, action="account.trade", handler=open_faucet, body=FaucetDraft, answer=ExchangeAccountView, limit="write",
        audit=Audit("account:faucet", values=lambda ask: {"asset": ask.body.asset}),
    ),
)  # fmt: skip
