"""Portfolio arithmetic against plain bookkeeping: equity is balances at prices, profits add up, nothing is lost to rounding."""

from decimal import Decimal, getcontext

from hypothesis import given
from hypothesis import strategies as st

from watchword.exchange.portfolio import (
    SHARES_WHOLE,
    Change,
    Changes,
    Course,
    Fill,
    changes_of,
    earned_by,
    holdings_at,
    shares_of,
    worth_of,
)
from watchword.kernel.units import SCALE, multiply_scaled

getcontext().prec = 60
AMOUNT = st.integers(1, 10**14)
ASSETS = ("BTC", "USDT", "BNB")


@st.composite
def fills(draw: st.DrawFn, symbols: tuple[str, ...] = ("BTC", "ETH")) -> list[Fill]:
    count = draw(st.integers(0, 30))
    made = []
    for number in range(count):
        base = draw(st.sampled_from(symbols))
        quantity, price = draw(AMOUNT), draw(st.integers(1, 10**13))
        fee_asset = draw(st.sampled_from([base, "USDT", "BNB"]))
        fee = draw(st.integers(0, quantity // 1_000 if fee_asset == base else 10**6))
        made.append(
            Fill(
                f"{base}USDT", base, "USDT", draw(st.booleans()), quantity, multiply_scaled(price, quantity), fee,
                fee_asset, number // 2,
            )
        )  # fmt: skip
    return made


@given(
    st.lists(
        st.tuples(st.sampled_from(ASSETS), st.integers(-(10**12), 10**12), st.integers(0, 20)), max_size=40
    ),
    st.lists(st.integers(-1, 21), min_size=1, max_size=8, unique=True),
)
def test_holdings_walked_back_are_those_walked_forward(
    rows: list[tuple[str, int, int]], moments: list[int]
) -> None:
    changes, moments = [Change(*row) for row in rows], sorted(moments)
    now: dict[str, int] = {}
    for change in changes:
        now[change.asset] = now.get(change.asset, 0) + change.amount
    found = holdings_at(now, [Changes(changes)], moments)
    for moment, holdings in zip(moments, found, strict=True):
        forward: dict[str, int] = {}
        for change in changes:
            if change.at_us <= moment:
                forward[change.asset] = forward.get(change.asset, 0) + change.amount
        assert holdings == {asset: amount for asset, amount in forward.items() if amount}


@given(st.dictionaries(st.sampled_from(ASSETS), AMOUNT), st.dictionaries(st.sampled_from(ASSETS), AMOUNT))
def test_equity_is_balances_at_prices(held: dict[str, int], prices: dict[str, int]) -> None:
    worth = worth_of(held, lambda asset, _: prices.get(asset), 0)
    exact = sum(
        (
            Decimal(amount) / SCALE * Decimal(prices[asset]) / SCALE
            for asset, amount in held.items()
            if asset in prices
        ),
        Decimal(0),
    )
    assert 0 <= exact - Decimal(worth.total) / SCALE < Decimal(len(held) + 1) / SCALE
    assert worth.unpriced == tuple(sorted(held.keys() - prices.keys()))


@given(fills())
def test_profits_add_up_to_what_came_and_went(made: list[Fill]) -> None:
    for one in earned_by(made):
        mine = [fill for fill in made if fill.symbol == one.symbol]
        got = sum(
            fill.proceeds - (fill.fee if fill.fee_asset == "USDT" else 0)
            for fill in mine
            if not fill.is_buyer
        )
        paid = sum(
            fill.proceeds + (fill.fee if fill.fee_asset == "USDT" else 0) for fill in mine if fill.is_buyer
        )
        assert one.earned + one.uncovered_proceeds - one.cost == got - paid
        came = sum(
            fill.quantity - (fill.fee if fill.fee_asset == fill.base else 0) for fill in mine if fill.is_buyer
        )
        went = sum(
            fill.quantity + (fill.fee if fill.fee_asset == fill.base else 0)
            for fill in mine
            if not fill.is_buyer
        )
        assert one.position - one.uncovered == came - went
        assert one.position >= 0
        assert one.cost >= 0
        assert one.position or not one.cost
        assert one.trades == len(mine)


@given(fills(), st.integers(0, 30))
def test_trades_added_in_parts_are_those_added_at_once(made: list[Fill], cut: int) -> None:
    parts, whole = Course(made[:cut]), Course(made)
    early = parts.earned()
    for fill in made[cut:]:
        parts.add(fill)
    assert parts.earned() == whole.earned()
    assert early == earned_by(made[:cut]), "what was said before does not change afterwards"
    for asset in ASSETS:
        for moment in range(-1, 17):
            assert parts.changes.since(asset, moment) == whole.changes.since(asset, moment)


@given(fills(("BTC",)), st.integers(1, 10**13))
def test_profit_is_what_equity_grew_by(made: list[Fill], price: int) -> None:
    """Who began with nothing but quote and sold only what they had: realised and unrealised profit is the equity's growth."""
    kept, position = [], 0
    for fill in made:
        if fill.fee_asset == "BNB":
            continue
        in_base = fill.fee if fill.fee_asset == fill.base else 0
        if fill.is_buyer or fill.quantity + in_base <= position:
            kept.append(fill)
            position += fill.quantity - in_base if fill.is_buyer else -(fill.quantity + in_base)
    balances: dict[str, int] = {}
    for fill in kept:
        for change in changes_of(fill):
            balances[change.asset] = balances.get(change.asset, 0) + change.amount
    profit = sum(one.earned + one.unrealised(price) for one in earned_by(kept))
    assert profit == balances.get("USDT", 0) + multiply_scaled(price, balances.get("BTC", 0))


@given(st.lists(st.integers(0, 10**20), max_size=30))
def test_shares_add_up_to_the_whole_and_are_within_one_step_of_exact(values: list[int]) -> None:
    shares = shares_of(values)
    assert sum(shares) == (SHARES_WHOLE if sum(values) else 0)
    for value, share in zip(values, shares, strict=True):
        if sum(values):
            assert abs(Decimal(value) * SHARES_WHOLE / sum(values) - share) < 1
