"""Writes what belongs to one account as Binance's JSON: balances, rates, trades, prevented matches.

Knows no requests and changes nothing. `unit_us` is 1000 for millisecond timestamps and 1 for microseconds.

Source: rest-api.md, "Account Endpoints".
"""

from collections.abc import Iterable
from typing import Final

from watchword.binance.rate_limits import RateLimit
from watchword.exchange.accounts import Account
from watchword.exchange.archive import AccountTrade, PreventedMatch
from watchword.kernel.units import format_scaled

#: Binance counts commissions in the old members in steps of 0.01 %, here 10^4 of a rate's 10^-8.
BASIS_POINT: Final = 10_000
_NO_RATES: Final = '{"maker":"0.00000000","taker":"0.00000000","buyer":"0.00000000","seller":"0.00000000"}'
_NO_ORDER_RATES: Final = '{"maker":"0.00000000","taker":"0.00000000"}'
#: Paying commissions in BNB is not built, so the discount is shown as switched off.
_DISCOUNT: Final = (
    '{"enabledForAccount":false,"enabledForSymbol":false,"discountAsset":"BNB","discount":"0.25000000"}'
)


def account(
    holder: Account,
    balances: Iterable[tuple[str, int, int]],
    unit_us: int,
) -> bytes:
    """Write `GET account`.

    Args:
        holder: Whose.
        balances: (asset, free, locked), in the order to show.
        unit_us: Microseconds per unit of the timestamps.
    """
    rows = ",".join(
        f'{{"asset":"{asset}","free":"{format_scaled(free)}","locked":"{format_scaled(locked)}"}}'
        for asset, free, locked in balances
    )
    maker, taker = holder.maker_commission, holder.taker_commission
    return (
        f'{{"makerCommission":{maker // BASIS_POINT},"takerCommission":{taker // BASIS_POINT},'
        f'"buyerCommission":0,"sellerCommission":0,"commissionRates":{_rates(maker, taker)},'
        f'"canTrade":true,"canWithdraw":true,"canDeposit":true,"brokered":false,'
        f'"requireSelfTradePrevention":false,"preventSor":false,"updateTime":{holder.updated_us // unit_us},'
        f'"accountType":"SPOT","balances":[{rows}],"permissions":["SPOT"],"uid":{holder.account_id}}}'
    ).encode()


def commission(holder: Account, symbol: str) -> bytes:
    """Write `GET account/commission`."""
    return (
        f'{{"symbol":"{symbol}","standardCommission":{_rates(holder.maker_commission, holder.taker_commission)},'
        f'"specialCommission":{_NO_RATES},"taxCommission":{_NO_RATES},"discount":{_DISCOUNT}}}'
    ).encode()


def order_commission(holder: Account) -> bytes:
    """Write the answer of `POST order/test` with `computeCommissionRates`."""
    standard = (
        f'{{"maker":"{format_scaled(holder.maker_commission)}",'
        f'"taker":"{format_scaled(holder.taker_commission)}"}}'
    )
    return (
        f'{{"standardCommissionForOrder":{standard},"specialCommissionForOrder":{_NO_ORDER_RATES},'
        f'"taxCommissionForOrder":{_NO_ORDER_RATES},"discount":{_DISCOUNT}}}'
    ).encode()


def my_trade(trade: AccountTrade, unit_us: int) -> str:
    """Write one of an account's trades."""
    return (
        f'{{"symbol":"{trade.symbol}","id":{trade.trade_id},"orderId":{trade.order_id},'
        f'"orderListId":{trade.order_list_id},"price":"{format_scaled(trade.price)}",'
        f'"qty":"{format_scaled(trade.quantity)}","quoteQty":"{format_scaled(trade.quote)}",'
        f'"commission":"{format_scaled(trade.commission)}","commissionAsset":"{trade.commission_asset}",'
        f'"time":{trade.at_us // unit_us},"isBuyer":{_boolean(trade.is_buyer)},'
        f'"isMaker":{_boolean(trade.is_maker)},"isBestMatch":true}}'
    )


def prevented_match(match: PreventedMatch, unit_us: int) -> str:
    """Write a prevented match; each side's quantity appears only where it lost some."""
    quantities = ""
    if match.taker_prevented:
        quantities += f'"takerPreventedQuantity":"{format_scaled(match.taker_prevented)}",'
    if match.maker_prevented:
        quantities += f'"makerPreventedQuantity":"{format_scaled(match.maker_prevented)}",'
    return (
        f'{{"symbol":"{match.symbol}","preventedMatchId":{match.prevented_match_id},'
        f'"takerOrderId":{match.taker_order_id},"makerSymbol":"{match.symbol}",'
        f'"makerOrderId":{match.maker_order_id},"tradeGroupId":{match.trade_group_id},'
        f'"selfTradePreventionMode":"{match.mode}","price":"{format_scaled(match.price)}",'
        f'{quantities}"transactTime":{match.at_us // unit_us}}}'
    )


def order_counts(counts: Iterable[tuple[RateLimit, int]]) -> bytes:
    """Write `GET rateLimit/order`: each ORDERS window and its count."""
    rows = [
        f'{{"rateLimitType":"{rule.rate_limit_type}","interval":"{rule.interval}",'
        f'"intervalNum":{rule.interval_num},"limit":{rule.limit},"count":{count}}}'
        for rule, count in counts
    ]
    return f"[{','.join(rows)}]".encode()


def _rates(maker: int, taker: int) -> str:
    return (
        f'{{"maker":"{format_scaled(maker)}","taker":"{format_scaled(taker)}",'
        f'"buyer":"0.00000000","seller":"0.00000000"}}'
    )


def _boolean(value: bool) -> str:
    return "true" if value else "false"
