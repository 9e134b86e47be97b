"""What an account has, wallet by wallet, and what is true of assets. Reads only; moves no money.

Source: the official wallet SDK, "asset" and "account"; wallet documentation of developers.binance.com.
"""

from typing import TYPE_CHECKING, Final

import msgspec

from watchword.binance.errors import WireError
from watchword.binance.forms import Query
from watchword.binance.params import Boolean, Text
from watchword.entrypoints.testnet import render_wallet as render
from watchword.entrypoints.testnet.operations.sapi_form import SapiForm
from watchword.entrypoints.testnet.operations.trading import credential_of
from watchword.exchange.valuation import worth
from watchword.exchange.wallets import WALLETS, Wallet, filing_id
from watchword.kernel.units import SCALE

if TYPE_CHECKING:
    from watchword.bootstrap.testnet import Testnet
    from watchword.entrypoints.testnet.operations.call import Call
    from watchword.exchange.engine import Engine

VALUED_IN: Final = "BTC"
#: In BTC, scaled: what is worth less can be converted. Binance's own bound is not published.
DUST_BELOW: Final = SCALE // 1_000
DUST_TARGET: Final = "BNB"
UNKNOWN_ASSET: Final = WireError(-4018, "We don't have this asset.")


class AssetsQuery(Query, frozen=True):
    """POST getUserAsset and POST get-funding-asset."""

    asset: Text = ""
    need_btc_valuation: Boolean = False


class WalletsQuery(Query, frozen=True):
    """GET wallet/balance."""

    quote_asset: Text = VALUED_IN
    need_balance_detail: Boolean = False


class AssetQuery(Query, frozen=True):
    """GET assetDetail."""

    asset: Text = ""


_ASSETS: Final = SapiForm(AssetsQuery)
_WALLETS: Final = SapiForm(WalletsQuery)
_ASSET: Final = SapiForm(AssetQuery)


def listed_assets(engine: "Engine") -> dict[str, None]:
    """Return every asset some symbol trades, in listing order."""
    assets: dict[str, None] = {}
    for floor in engine.floors.values():
        assets[floor.instrument.base_asset] = assets[floor.instrument.quote_asset] = None
    return assets


async def user_assets(testnet: "Testnet", call: "Call") -> bytes | WireError:
    """POST v3/asset/getUserAsset: what the spot wallet has, or of one asset."""
    query = _ASSETS.read(call.params)
    if isinstance(query, WireError):
        return query
    return render.user_assets(_chosen(testnet.venue.engine, credential_of(call).account_id, "SPOT", query))


async def funding_assets(testnet: "Testnet", call: "Call") -> bytes | WireError:
    """POST asset/get-funding-asset: what the funding wallet has, or of one asset."""
    query = _ASSETS.read(call.params)
    if isinstance(query, WireError):
        return query
    return render.funding_assets(
        _chosen(testnet.venue.engine, credential_of(call).account_id, "FUNDING", query)
    )


async def wallet_balances(testnet: "Testnet", call: "Call") -> bytes | WireError:
    """GET asset/wallet/balance: what each wallet is worth, valued by this venue's last prices."""
    query = _WALLETS.read(call.params)
    if isinstance(query, WireError):
        return query
    engine, account_id = testnet.venue.engine, credential_of(call).account_id
    quote = query.quote_asset.upper()
    if quote not in listed_assets(engine):
        return UNKNOWN_ASSET
    held = {wallet: holdings(engine, account_id, wallet, valued=True) for wallet in WALLETS}
    worths = {
        wallet: sum(worth(engine, asset, free + locked, quote) for asset, free, locked, _ in rows)
        for wallet, rows in held.items()
    }
    return render.wallet_balances(held, worths, detailed=query.need_balance_detail)


async def dust(testnet: "Testnet", call: "Call") -> bytes | WireError:
    """POST asset/dust-btc: free amounts of the spot wallet too small to be worth much, and what they are in BNB."""
    engine = testnet.venue.engine
    rows: list[tuple[str, int, int, int]] = []
    for asset, free, _locked, _ in holdings(engine, credential_of(call).account_id, "SPOT", valued=False):
        in_btc = worth(engine, asset, free, VALUED_IN)
        if asset != DUST_TARGET and 0 < in_btc < DUST_BELOW:
            rows.append((asset, free, in_btc, worth(engine, asset, free, DUST_TARGET)))
    return render.dust(rows)


async def asset_detail(testnet: "Testnet", call: "Call") -> bytes | WireError:
    """GET asset/assetDetail, of one asset or of all."""
    query = _ASSET.read(call.params)
    if isinstance(query, WireError):
        return query
    assets = listed_assets(testnet.venue.engine)
    if not query.asset:
        return render.asset_details(assets)
    return render.asset_details([query.asset]) if query.asset in assets else UNKNOWN_ASSET


async def account_info(testnet: "Testnet", call: "Call") -> bytes | WireError:  # noqa: ARG001 - a handler's signature
    """GET account/info: nobody is a VIP here, and every wallet money can be moved to is open."""
    return msgspec.json.encode(
        {
            "vipLevel": 0,
            "isMarginEnabled": True,
            "isFutureEnabled": True,
            "isOptionsEnabled": True,
            "isPortfolioMarginRetailEnabled": True,
        }
    )


def holdings(engine: "Engine", account_id: int, wallet: Wallet, *, valued: bool) -> list[render.Holding]:
    """List what a wallet has.

    Args:
        engine: Whose ledger.
        account_id: Whose wallet.
        wallet: Which.
        valued: Whether to value it in BTC.

    Returns:
        (asset, free, locked, worth) of every asset that is there, sorted by asset.
    """
    return [
        (asset, free, locked, worth(engine, asset, free + locked, VALUED_IN) if valued else 0)
        for asset, (free, locked) in engine.ledger.balances(filing_id(account_id, wallet)).items()
        if free or locked
    ]


def _chosen(engine: "Engine", account_id: int, wallet: Wallet, query: AssetsQuery) -> list[render.Holding]:
    found = holdings(engine, account_id, wallet, valued=query.need_btc_valuation)
    return [one for one in found if query.asset in {"", one[0]}]
