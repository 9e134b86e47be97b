"""Made-up policies, narrower children, markets, usages and requests, each a function of one seed.

Hypothesis draws the seeds. Why not the parts: a world has a hundred of them, and one in which anything is allowed at
all needs most of them to agree; drawn part by part that is both rare and slow.
"""

from random import Random
from typing import Any

import msgspec
from hypothesis import strategies as st
from tests.support.policies import NOW_US, TODAY

from watchword.binance.enums import ORDER_TYPES, PRICED_TYPES
from watchword.kernel.units import SCALE
from watchword.policy.decision import ALWAYS_ENFORCED, Charge
from watchword.policy.intent import Cancel, Intent, Order, Place, Read, Reduce, Unknown, Withdraw
from watchword.policy.policy import RULE_NAMES, Policy, build_policy
from watchword.policy.references import Market
from watchword.policy.rules.conditions import Condition, Conditions, compile_condition
from watchword.policy.rules.hours import Hours
from watchword.policy.rules.max_day import MaxDay
from watchword.policy.rules.max_order import MaxOrder
from watchword.policy.rules.max_position import MaxPosition
from watchword.policy.rules.max_turnover import MaxTurnover
from watchword.policy.rules.order_types import OrderTypes
from watchword.policy.rules.permissions import Permissions
from watchword.policy.rules.price_band import PriceBand
from watchword.policy.rules.rate import Rate
from watchword.policy.rules.rule import Names
from watchword.policy.rules.sides import Sides
from watchword.policy.rules.symbols import Symbols
from watchword.policy.rules.withdrawals import Destination, Withdrawals, destination_key
from watchword.policy.usage import Closed, Event, Filled, Placed, Usage, Withdrawn, charge_key

SYMBOLS = {"BTCUSDT": ("BTC", "USDT"), "ETHBTC": ("ETH", "BTC"), "THINUSDT": ("THIN", "USDT")}
ASSETS = ("BTC", "USDT", "ETH", "THIN")
KINDS = sorted(ORDER_TYPES)
MINUTE = 12 * 60
SECOND_US = 1_000_000
GRANTS: tuple[Any, ...] = ("READING", "SPOT_AND_MARGIN_TRADING", "WITHDRAWALS")
SPANS = (
    ((0, 10_080),),
    ((0, 10_080),),
    ((MINUTE, MINUTE + 1),),
    ((0, MINUTE), (MINUTE + 1, 9_000)),
    ((0, 5), (700, 800)),
)
DESTINATIONS = tuple(
    Destination("BTC", network, address, tag, 60 * SCALE, 150 * SCALE)
    for network in ("BTC", "ETH")
    for address in "ab"
    for tag in ("", "7")
)


def written(source: str, on: Any = "place") -> Condition:
    """Compile a condition that must be fine."""
    found = compile_condition(source, on, source)
    assert isinstance(found, Condition), found
    return found


CONDITIONS = (
    written('notional <= amount("500")'),
    written("hour == 12"),
    written('side == "BUY" || quantity < amount("2")'),
    written("median > 0"),
    written('scope != "symbol"', "cancel"),
    written('amount_sent < amount("50")', "withdraw"),
)

#: What the tests draw.
worlds = st.integers(0, 2**48).map(Random)


def amount(random: Random) -> int:
    """Up to 200 units, in halves."""
    return random.randint(1, 400) * SCALE // 2


def near(random: Random) -> int:
    """A price around 100, now and then far from it."""
    return random.choice((random.randint(90, 110), random.randint(95, 105), random.randint(1, 300))) * SCALE


def caps(random: Random) -> dict[str, int]:
    """Caps for every asset, one of them lower or missing."""
    found = dict.fromkeys(ASSETS, random.randint(200, 3_000) * SCALE)
    odd = random.choice(ASSETS)
    if random.random() < 0.2:
        del found[odd]
    else:
        found[odd] = amount(random)
    return found


def names(random: Random, known: tuple[str, ...]) -> Names:
    """Any, all by name, or most by name."""
    chosen = random.randint(0, 5)
    if chosen < 2:
        return Names(anything=True)
    return Names(frozenset(known if chosen < 4 else random.sample(known, len(known) - 1)))


def percent(random: Random) -> int:
    """Up to 100 per cent."""
    return random.choice((1, 5, 12, 50, 100)) * SCALE


def one_rule(random: Random, name: str) -> Any:
    """A rule of this name."""
    better = random.choice((None, percent(random)))
    return {
        "permissions": lambda: Permissions(
            frozenset(random.sample(GRANTS, random.choice((1, 2, 3, 3, 3, 3))))
        ),
        "symbols": lambda: Symbols(names(random, tuple(SYMBOLS))),
        "sides": lambda: Sides(names(random, ("BUY", "SELL"))),
        "order_types": lambda: OrderTypes(names(random, tuple(KINDS))),
        "hours": lambda: Hours(random.choice(SPANS)),
        "rate": lambda: Rate(tuple(random.choice((None, None, 2, 5, 30)) for _ in range(4))),
        "price_band": lambda: PriceBand(percent(random), percent(random), better),
        "max_order": lambda: MaxOrder(caps(random)),
        "max_day": lambda: MaxDay(caps(random)),
        "max_position": lambda: MaxPosition(caps(random)),
        "max_turnover": lambda: MaxTurnover(caps(random)),
        "withdrawals": lambda: Withdrawals(tuple(random.sample(DESTINATIONS, random.randint(0, 8)))),
        "conditions": lambda: Conditions(tuple(random.sample(CONDITIONS, random.randint(1, 2)))),
    }[name]()


#: Approvals ask people, which is neither yes nor no: tests/property/gateway/test_approvals.py has their world.
MADE = tuple(name for name in RULE_NAMES if name not in {"meaning", "open_charges", "require_approval"})
BASIC = ("permissions", "symbols", "sides", "order_types")


def policy(random: Random) -> Policy:
    """Any policy: the basics nearly always, a third of the rest, a few rules watched only."""
    rules = [one_rule(random, name) for name in MADE if random.random() < (0.97 if name in BASIC else 0.35)]
    watchable = sorted(set(RULE_NAMES) - ALWAYS_ENFORCED)
    shadow = random.sample(watchable, random.choice((0, 0, 1, 3)))
    return build_policy("p", rules, shadow, random.choice((0, 5, 60)) * SECOND_US)


def child(random: Random, parent: Policy) -> Policy:
    """A policy near the parent: rules kept or narrowed; in every second one, one is replaced, dropped or added."""
    rules = {name: narrowed(random, rule) for name, rule in parent.rules.items()}
    if random.random() < 0.5:
        odd = random.choice(MADE)
        rules.pop(odd, None)
        if random.random() < 0.8:
            rules[odd] = one_rule(random, odd)
    shadow = set(parent.shadow)
    if random.random() < 0.3:
        shadow ^= {random.choice(RULE_NAMES)}
    age_us = random.choice((parent.max_age_us, parent.max_age_us, 5 * SECOND_US))
    return build_policy("c", rules.values(), shadow, age_us)


def narrowed(random: Random, rule: Any) -> Any:
    """The rule, or one of its kind that is at most as wide."""
    if random.random() < 0.5:
        return rule

    def lower(value: int) -> int:
        return value - random.randint(0, value // 4)

    if isinstance(rule, MaxOrder | MaxDay | MaxPosition | MaxTurnover):
        return type(rule)({asset: lower(cap) for asset, cap in rule.caps.items() if random.random() < 0.9})
    if isinstance(rule, PriceBand):
        better = None if rule.better is None else lower(rule.better)
        return PriceBand(lower(rule.worse), lower(rule.stop), better)
    if isinstance(rule, Symbols | Sides | OrderTypes):
        known = {"symbols": tuple(SYMBOLS), "sides": ("BUY", "SELL"), "order_types": tuple(KINDS)}[rule.name]
        kept = frozenset(name for name in known if name in rule.allowed and random.random() < 0.9)
        return type(rule)(Names(kept))
    if isinstance(rule, Rate):
        return Rate(tuple(None if most is None else lower(most) for most in rule.orders))
    return rule


def order(random: Random, side: Any) -> Order:
    """Any order that could be read."""
    kind: Any = random.choice((*KINDS, "LIMIT", "MARKET"))
    by_amount = kind == "MARKET" and random.random() < 0.5
    size = random.randint(1, 12) * SCALE // 4
    trigger = near(random) if kind.startswith(("STOP", "TAKE")) else 0
    return Order(
        side,
        kind,
        0 if by_amount else size,
        quote_quantity=size * 80 if by_amount else 0,
        price=near(random) if kind in PRICED_TYPES else 0,
        stop_price=trigger,
        trailing_delta=random.choice((0, 0, 100, 5_000)) if trigger else 0,
        client_order_id=random.choice(("", "a", "b", "c")),
    )


def place(random: Random) -> Place:
    """One order, a pair, or a list; the orders of a group share side and quantity."""
    groups = []
    for size in random.choice(((1,), (1,), (1,), (2,), (1, 1), (1, 2))):
        first = order(random, random.choice(("BUY", "SELL")))
        second = order(random, first.side)
        if size == 2:
            quantity = first.quantity or SCALE
            first = msgspec.structs.replace(first, quantity=quantity, quote_quantity=0)
            second = msgspec.structs.replace(second, quantity=quantity, quote_quantity=0)
        groups.append((first, second)[:size])
    return Place("order.place", random.choice(tuple(SYMBOLS)), tuple(groups), dry=random.random() < 0.2)


def cancel(random: Random) -> Cancel:
    """Any cancel."""
    scope: Any = random.choice(("order", "list", "symbol"))
    return Cancel("order.cancel", random.choice((*SYMBOLS, "OTHER")), scope)


def intent(random: Random) -> Intent:
    """Any intent; mostly placing."""
    security: Any = random.choice(("NONE", "USER_DATA"))
    return random.choice(
        (
            *(place(random),) * 5,
            cancel(random),
            Withdraw("w", "BTC", random.choice(("BTC", "ETH")), random.choice("ab"), "", amount(random) // 4),
            Reduce("r", random.choice((*SYMBOLS, "OTHER")), SCALE),
            Read("x", security),
            Unknown("u", "because"),
        )
    )


def references(random: Random) -> dict[str, Market]:
    """Markets around 100, now and then old, thin, gone or without a median."""
    found = {}
    for symbol, (base, quote) in SYMBOLS.items():
        steps = random.choice(((1, 2, 3), (1, 2, 3), (1, 20, 80), (5,), ()))
        sizes = [random.randint(2, 12) * SCALE // 2 for _ in steps]
        bids = tuple(((100 - step) * SCALE, size) for step, size in zip(steps, sizes, strict=True))
        asks = tuple(((100 + step) * SCALE, size) for step, size in zip(steps, sizes, strict=True))
        ages = [random.choice((0,) * 9 + (5 * SECOND_US, 5 * SECOND_US + 1, -1)) for _ in range(2)]
        median = random.choice((100,) * 8 + (90, 0)) * SCALE
        found[symbol] = Market(base, quote, median, NOW_US - ages[0], bids, asks, NOW_US - ages[1])
    if random.random() < 0.1:
        del found[random.choice(tuple(SYMBOLS))]
    return found


def event(random: Random) -> Event:
    """Anything that can happen to a usage, in any order, within two days."""
    at_us = NOW_US + random.choice((-90_000, -60, 0, 0, 60, 90_000)) * SECOND_US
    symbol = random.choice(tuple(SYMBOLS))
    base, quote = SYMBOLS[symbol]
    key = charge_key(symbol, random.choice("ab"))
    side: Any = random.choice(("BUY", "SELL"))
    quantity, gross = random.randint(1, 5 * SCALE), amount(random)
    what = random.randint(0, 9)
    if what < 4:
        exempt = random.randint(0, quantity) if side == "SELL" else 0
        charge = Charge(key, symbol, base, quote, side, quantity, gross, random.randint(0, gross), exempt)
        return Placed(at_us, (charge,))
    if what < 8:
        return Filled(at_us, key, symbol, base, quote, side, quantity, gross)
    if what == 8:
        return Closed(at_us, key)
    return Withdrawn(at_us, destination_key("BTC", "BTC", "a", ""), gross)


def usage(random: Random) -> Usage:
    """What a few events leave behind."""
    found = Usage(day=TODAY)
    for _ in range(random.randint(0, 4)):
        found = found.fold(event(random))
    return found
