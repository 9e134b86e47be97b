"""The static filters against the words of filters.md, recomputed with exact fractions."""

from fractions import Fraction

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from watchword.binance import filters
from watchword.exchange.listings import default_instruments
from watchword.kernel.units import SCALE

BTCUSDT = default_instruments()[0]
amounts = st.integers(0, 10**7 * SCALE)
steps = st.sampled_from([0, 1, 1_000, SCALE // 100, SCALE])


def in_range(value: int, least: int, most: int, step: int) -> bool:
    exact = Fraction(value)
    return exact >= least and (most == 0 or exact <= most) and (step == 0 or exact % step == 0)


@given(
    price=amounts, quantity=amounts, stop=amounts, average=amounts, side=st.sampled_from(["BUY", "SELL"]),
    tick=steps, step=steps, least=amounts, most=amounts,
)  # fmt: skip
def test_priced_order_passes_exactly_where_every_rule_holds(
    price: int, quantity: int, stop: int, average: int, side: str, tick: int, step: int, least: int, most: int
) -> None:
    rules = msgspec.structs.replace(
        BTCUSDT, tick_size=tick, step_size=step, min_notional=least, max_notional=most
    )
    refused = filters.judge_priced(rules, side, price, stop, quantity, average)
    failing = []
    if price == 0:
        failing.append(filters.INVALID_PRICE)
    if quantity == 0:
        failing.append(filters.INVALID_QUANTITY)
    if not in_range(price, rules.min_price, rules.max_price, tick):
        failing.append(filters.PRICE_FILTER)
    if stop and not in_range(stop, rules.min_price, rules.max_price, tick):
        failing.append(filters.PRICE_FILTER)
    up = rules.bid_multiplier_up if side == "BUY" else rules.ask_multiplier_up
    down = rules.bid_multiplier_down if side == "BUY" else rules.ask_multiplier_down
    exact = Fraction(price) * SCALE
    if average and (exact > Fraction(average) * up or exact < Fraction(average) * down):
        failing.append(filters.PERCENT_PRICE_BY_SIDE)
    if not in_range(quantity, rules.min_qty, rules.max_qty, step):
        failing.append(filters.LOT_SIZE)
    notional = int(Fraction(price) * quantity / SCALE)
    if notional == 0:
        failing.append(filters.NOTHING)
    if notional < least or (most and notional > most):
        failing.append(filters.NOTIONAL)
    assert refused == (failing[0] if failing else None)


@given(
    quantity=amounts, quote=amounts, average=amounts, to_market=st.booleans(), most_to_market=st.booleans()
)
def test_market_order_passes_exactly_where_every_rule_holds(
    quantity: int, quote: int, average: int, to_market: bool, most_to_market: bool
) -> None:
    rules = msgspec.structs.replace(
        BTCUSDT,
        min_notional_to_market=to_market,
        max_notional_to_market=most_to_market,
        market_step_size=1_000,
    )
    refused = filters.judge_market(rules, 0, quantity, quote, average)
    failing = []
    if quantity == 0 and quote == 0:
        failing.append(filters.INVALID_QUANTITY)
    if quote:
        if average and int(Fraction(quote) * SCALE / average) > rules.market_max_qty:
            failing.append(filters.MARKET_LOT_SIZE)
        notional = quote
    else:
        if not in_range(quantity, rules.min_qty, rules.max_qty, rules.step_size):
            failing.append(filters.LOT_SIZE)
        if not in_range(quantity, rules.market_min_qty, rules.market_max_qty, rules.market_step_size):
            failing.append(filters.MARKET_LOT_SIZE)
        notional = int(Fraction(average) * quantity / SCALE)
    if to_market and notional < rules.min_notional:
        failing.append(filters.NOTIONAL)
    if most_to_market and notional > rules.max_notional:
        failing.append(filters.NOTIONAL)
    assert refused == (failing[0] if failing else None)


def test_market_order_by_quantity_is_refused_before_the_first_trade() -> None:
    assert filters.judge_market(BTCUSDT, 0, SCALE, 0, average=0) == filters.NOTIONAL
    assert filters.judge_market(BTCUSDT, 0, BTCUSDT.max_qty * 2, 0, average=0) == filters.LOT_SIZE
