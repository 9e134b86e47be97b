"""What an account has, and what moved without a trade: one look at one moment, for whoever adds up a portfolio. Reads only."""

from typing import TYPE_CHECKING, Any, Final

from watchword.entrypoints.testnet.admin.lookup import account_named
from watchword.entrypoints.testnet.admin.requests import Refused, ShowPast
from watchword.exchange.wallets import filing_id
from watchword.kernel.units import format_scaled

if TYPE_CHECKING:
    from collections.abc import Iterator

    from watchword.bootstrap.testnet import Testnet

#: The newest; what is older is left out, and the answer says so.
MOVES_MAX: Final = 5_000
#: Trades of one answer; whoever wants more asks again.
TRADES_MAX: Final = 5_000

Move = tuple[int, dict[str, Any]]


def show_past(testnet: "Testnet", request: ShowPast) -> dict[str, Any] | Refused:
    """Show an account's spot wallet, the symbols it traded, and its deposits, withdrawals and transfers.

    Args:
        testnet: Read only.
        request: Which account.

    Returns:
        `at_us`, `created_us`, `balances`, `symbols`, `prices`, `moves` (newest first, amounts with their sign) and
        `complete`: whether those are all moves since the venue's last reset. Where trades were asked for, see `_trades`.
    """
    account = account_named(testnet, request.account)
    if account is None:
        return Refused(f"there is no account {request.account}")
    engine = testnet.venue.engine
    balances = engine.ledger.balances(account.account_id)
    # Each history is bounded for the whole venue (`treasury`), so reading them through takes milliseconds at most.
    moves = sorted(_moves(testnet, account.account_id), key=lambda move: move[0], reverse=True)
    return {
        "at_us": testnet.clock.now_us(),
        "created_us": account.created_us,
        "balances": {
            asset: {"free": format_scaled(free), "locked": format_scaled(locked)}
            for asset, (free, locked) in balances.items()
        },
        "traded": testnet.venue.archive.symbols_traded(account.account_id),
        "symbols": [
            {
                "symbol": floor.symbol,
                "base": floor.instrument.base_asset,
                "quote": floor.instrument.quote_asset,
                "price": format_scaled(floor.last_price),
            }
            for floor in engine.floors.values()
        ],
        "moves": [move for _, move in moves[:MOVES_MAX]],
        "complete": len(moves) <= MOVES_MAX,
        **({} if request.after is None else _trades(testnet, account.account_id, request.after)),
    }


def _trades(testnet: "Testnet", account_id: int, after: dict[str, int]) -> dict[str, Any]:
    """Give trades as short rows, amounts as counts of 10^-8: thousands are read at once, and only added up.

    Returns:
        `trades` by rising number within each symbol; `more`: whether there are others still; `follows`: False where one
        that is known is not here any more, and `trades` begins with the first ones again.
    """
    archive, room = testnet.venue.archive, TRADES_MAX + 1
    rows: list[tuple[Any, ...]] = []
    symbols = archive.symbols_traded(account_id)
    follows = all(archive.trades_after(account_id, one, last, 1) is not None for one, last in after.items())
    for symbol in symbols:
        known = after.get(symbol, 0) if follows else 0
        rows += [
            (symbol, one.trade_id, one.at_us, one.is_buyer, one.quantity, one.quote, one.commission, one.commission_asset)
            for one in archive.trades_after(account_id, symbol, known, room) or ()
        ]  # fmt: skip
        room = TRADES_MAX + 1 - len(rows)
        if room <= 0:
            break
    return {"trades": rows[:TRADES_MAX], "more": len(rows) > TRADES_MAX, "follows": follows}


def _moves(testnet: "Testnet", account_id: int) -> "Iterator[Move]":
    """Every move into or out of the spot wallet, by the record's number."""
    treasury, spot = testnet.venue.engine.treasury, filing_id(account_id, "SPOT")
    for deposit in treasury.deposits:
        if deposit.account_id == account_id:
            yield deposit.number, _said("deposit", deposit.asset, deposit.amount, deposit.at_us)
    for withdrawal in treasury.withdrawals:
        if filing_id(withdrawal.account_id, withdrawal.wallet) == spot:
            yield (
                withdrawal.number,
                _said("withdrawal", withdrawal.asset, -withdrawal.amount, withdrawal.at_us),
            )
    for transfer in treasury.transfers:
        left = filing_id(transfer.from_id, transfer.from_wallet) == spot
        came = filing_id(transfer.to_id, transfer.to_wallet) == spot
        if left != came:
            amount = transfer.amount if came else -transfer.amount
            yield transfer.number, _said("transfer", transfer.asset, amount, transfer.at_us)


def _said(kind: str, asset: str, amount: int, at_us: int) -> dict[str, Any]:
    return {"kind": kind, "asset": asset, "amount": format_scaled(amount), "at_us": at_us}
