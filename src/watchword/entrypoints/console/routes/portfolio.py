"""An account's portfolio: what it is worth and was, how that is divided, what each symbol earned. Adds up in integers.

Equity of the past is what was held then (today's balances, walked back over trades and moves) at candle closes of then.
"""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Final, Literal

import msgspec
from msgspec import Meta

from watchword.entrypoints.console.problem import Problem
from watchword.entrypoints.console.route import Ask, Route
from watchword.entrypoints.console.routes.account_past import Past, course_of
from watchword.entrypoints.console.routes.candle_closes import Closes, closes_at
from watchword.entrypoints.console.routes.market import Interval
from watchword.entrypoints.console.routes.testnet_accounts import account_in_path
from watchword.entrypoints.console.routes.trading_lists import QUOTE, Quote
from watchword.exchange.portfolio import (
    SHARES_WHOLE,
    Changes,
    Course,
    Earned,
    holdings_at,
    price_along,
    route_between,
    shares_of,
    worth_of,
)
from watchword.kernel.units import format_scaled, multiply_scaled

TAG: Final = "portfolio"
Span = Literal["1d", "7d", "30d", "90d", "1y"]

HOUR_US: Final = 3_600_000_000
_DAY_US: Final = 24 * HOUR_US
_SPANS_US: Final[Mapping[Span, int]] = {
    "1d": _DAY_US, "7d": 7 * _DAY_US, "30d": 30 * _DAY_US, "90d": 90 * _DAY_US, "1y": 365 * _DAY_US,
}  # fmt: skip
#: Lengths of candles, from the finest. An account younger than the span is shown finer.
_STEPS: Final[tuple[tuple[int, Interval], ...]] = (
    (HOUR_US // 60, "1m"), (HOUR_US // 12, "5m"), (HOUR_US // 4, "15m"), (HOUR_US, "1h"), (2 * HOUR_US, "2h"),
    (8 * HOUR_US, "8h"), (_DAY_US, "1d"), (3 * _DAY_US, "3d"),
)  # fmt: skip
POINTS_MAX: Final = 130
#: Asset → amount, scaled.
Holdings = Mapping[str, int]


class EquityPoint(msgspec.Struct, frozen=True):
    """What an account was worth at a moment; assets without a price count for nothing."""

    time_us: int
    worth: str


class AllocationRow(msgspec.Struct, frozen=True):
    """One asset's part of the whole.

    Attributes:
        amount: Free and locked.
        worth: None where there is no price.
        share_percent: Of the total, with two decimals; all of them add up to 100.
    """

    asset: str
    amount: str
    worth: str | None
    share_percent: str


class EarnedRow(msgspec.Struct, frozen=True, kw_only=True):
    """What trading one symbol brought, at average cost, in the symbol's quote asset.

    Attributes:
        position: Base bought here and not sold again.
        average_cost: Of one unit of it; None without a position.
        realised: By sales, fees taken off.
        unrealised: Of the position at the last price; None without one.
        uncovered: Base sold that was not bought here, so that its cost is not known; it earned nothing here.
        fees: By asset; those in base or quote are in the other figures already.
        trades: How many.
    """

    symbol: str
    quote: str
    position: str
    average_cost: str | None
    realised: str
    unrealised: str | None
    uncovered: str
    fees: dict[str, str]
    trades: int


class Portfolio(msgspec.Struct, frozen=True, kw_only=True):
    """An account's portfolio, in a quote asset, at one moment.

    Attributes:
        total: What it is worth.
        realised, unrealised: Sums over symbols, in the quote asset at last prices.
        unpriced: Assets that have no price in it, and symbols' quotes.
        complete: Whether everything that moved is known; else what was before may be wrong.
    """

    account: int
    quote: str
    at_us: int
    total: str
    realised: str
    unrealised: str
    equity: list[EquityPoint]
    allocation: list[AllocationRow]
    symbols: list[EarnedRow]
    unpriced: list[str]
    complete: bool


class PortfolioQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Over which time, and in what."""

    span: Annotated[Span, Meta(description="How far back equity goes.")] = "7d"
    quote: Quote = QUOTE


async def show_portfolio(ask: Ask[None, PortfolioQuery]) -> Portfolio | Problem:
    """Show a portfolio."""
    account, query = account_in_path(ask), ask.query
    read = account if isinstance(account, Problem) else await course_of(ask, account)
    if isinstance(account, Problem):
        return account
    if isinstance(read, Problem):
        return read
    # Of this moment: other requests add to the course while candles are waited for.
    (past, course), earned = read, read[1].earned()
    holdings = holdings_of(past, course, query.span)
    closes = await _closes(ask, past, holdings, query)
    return (
        closes
        if isinstance(closes, Problem)
        else portfolio_of(account, past, earned, holdings, closes, query)
    )


def portfolio_of(
    account: int, past: Past, earned: Sequence[Earned], holdings: Sequence[Holdings], closes: Closes, query: PortfolioQuery
) -> Portfolio:  # fmt: skip
    """Add a portfolio up.

    Args:
        account: Its number.
        past: What it has, and what moved.
        earned: What its trades brought until then.
        holdings: What it had at each of the moments that the span is shown at.
        closes: Candle closes by symbol and moment, for the past.
        query: Over which time, and in what.
    """
    quote, held = query.quote, past.held()
    now = worth_of(held, lambda asset, _: past.last_price(asset, quote), past.at_us)
    realised, unrealised, unpriced = _sums(past, earned, quote)
    return Portfolio(
        account=account, quote=quote, at_us=past.at_us, total=format_scaled(now.total),
        realised=format_scaled(realised), unrealised=format_scaled(unrealised),
        equity=_equity(past, holdings, closes, query, now.total), allocation=_allocation(past, held, quote),
        symbols=[_earned_row(past, one) for one in earned], unpriced=sorted({*now.unpriced, *unpriced}),
        complete=past.complete,
    )  # fmt: skip


def holdings_of(past: Past, course: Course, span: Span) -> list[Holdings]:
    """Say what an account had at each moment that a span is shown at."""
    return list(
        holdings_at(past.held(), [course.changes, Changes(past.moves_made())], _moments(past, span)[2])
    )


async def _closes(
    ask: Ask[Any, Any], past: Past, holdings: Sequence[Holdings], query: PortfolioQuery
) -> Closes | Problem:
    """Read the candles that what was held then is valued by."""
    step_us, interval, moments = _moments(past, query.span)
    names = _names(past)
    routes = [route_between(asset, query.quote, names) for asset in sorted(_assets(holdings))]
    symbols = sorted({symbol for route in routes if route for symbol, _ in route})
    return await closes_at(ask, symbols, interval, step_us, moments, past.at_us)


def _equity(
    past: Past, holdings: Sequence[Holdings], closes: Closes, query: PortfolioQuery, total: int
) -> list[EquityPoint]:
    """Value the past at candle boundaries, and now."""
    _, _, moments = _moments(past, query.span)
    names = _names(past)
    routes = {asset: route_between(asset, query.quote, names) for asset in _assets(holdings)}

    def price_of(asset: str, at_us: int) -> int | None:
        return price_along(routes[asset], lambda symbol: closes.get(symbol, {}).get(at_us))

    points = [
        EquityPoint(at_us, format_scaled(worth_of(then, price_of, at_us).total))
        for at_us, then in zip(moments, holdings, strict=True)
    ]
    return [*points, EquityPoint(past.at_us, format_scaled(total))]


def _moments(past: Past, span: Span) -> tuple[int, Interval, list[int]]:
    """Say at which candle boundaries the past is valued: step, its name, and the boundaries, at most POINTS_MAX."""
    first_us = max(past.at_us - _SPANS_US[span], past.created_us)
    life_us = past.at_us - first_us
    step_us, interval = next((one for one in _STEPS if life_us // one[0] < POINTS_MAX), _STEPS[-1])
    begin_us = -(-first_us // step_us) * step_us
    return step_us, interval, list(range(begin_us, past.at_us + 1, step_us))


def _allocation(past: Past, held: Mapping[str, int], quote: str) -> list[AllocationRow]:
    rows = []
    for asset, amount in held.items():
        if amount:
            price = past.last_price(asset, quote)
            rows.append((asset, amount, None if price is None else multiply_scaled(price, amount)))
    rows.sort(key=lambda row: (-(row[2] or 0), row[0]))
    shares = shares_of([worth or 0 for _, _, worth in rows])
    return [
        AllocationRow(
            asset, format_scaled(amount), None if worth is None else format_scaled(worth), _percent(share)
        )
        for (asset, amount, worth), share in zip(rows, shares, strict=True)
    ]


def _earned_row(past: Past, one: Earned) -> EarnedRow:
    price = past.last_price(one.base, one.quote) if one.position else None
    return EarnedRow(
        symbol=one.symbol, quote=one.quote, position=format_scaled(one.position),
        average_cost=format_scaled(one.average_cost) if one.position else None,
        realised=format_scaled(one.earned), unrealised=None if price is None else format_scaled(one.unrealised(price)),
        uncovered=format_scaled(one.uncovered), fees={asset: format_scaled(fee) for asset, fee in one.fees.items()},
        trades=one.trades,
    )  # fmt: skip


def _sums(past: Past, earned: Sequence[Earned], quote: str) -> tuple[int, int, set[str]]:
    """Add up over symbols in one asset; quotes that have no price in it are named and left out."""
    realised = unrealised = 0
    unpriced: set[str] = set()
    for one in earned:
        rate = past.last_price(one.quote, quote)
        if rate is None:
            unpriced.add(one.quote)
            continue
        price = past.last_price(one.base, one.quote) if one.position else None
        realised += multiply_scaled(rate, one.earned)
        unrealised += multiply_scaled(rate, one.unrealised(price)) if price is not None else 0
    return realised, unrealised, unpriced


def _names(past: Past) -> dict[str, str]:
    return {f"{one.base}/{one.quote}": one.symbol for one in past.symbols}


def _assets(holdings: Sequence[Holdings]) -> set[str]:
    return {asset for then in holdings for asset in then}


def _percent(share: int) -> str:
    whole, part = divmod(share, SHARES_WHOLE // 100)
    return f"{whole}.{part:02d}"


ROUTES: Final = (
    Route(
        method="GET", path="/accounts/{account}/portfolio", name="showPortfolio",
        summary="Show an account's equity over time, its allocation, and what each symbol earned.", tag=TAG,
        action="account.read", handler=show_portfolio, query=PortfolioQuery, answer=Portfolio, limit="heavy",
    ),
)  # fmt: skip
