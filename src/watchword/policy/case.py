"""The facts of one decision: what each order may cost at the worst, and what of it gives back earlier buying.

Facts are worked out once; rules only compare. Where a fact cannot be known (no reference, a stale one, a book too
thin) the case says so in words, and every rule that needs the fact denies.

Worst case, in quote units:
- BUY with a limit price: price times quantity.
- SELL with a limit price: it fills at that price or better, so the larger of price and median counts.
- without a limit price: the book is walked; never less than at the median, and never less than at the trigger price.
All products are rounded up.
"""

from typing import TYPE_CHECKING, Final

import msgspec

from watchword.binance.enums import CONTINGENT_TYPES
from watchword.kernel.units import SCALE, format_trimmed
from watchword.policy.decision import Charge
from watchword.policy.intent import Cancel, Intent, Order, Place, Reduce
from watchword.policy.references import Market, References, Walk, walk_amount, walk_quantity
from watchword.policy.usage import Usage, charge_key

if TYPE_CHECKING:
    from collections.abc import Sequence

#: Basis points in one.
POINTS: Final = 10_000
#: Types whose trailing trigger follows the price in the direction of loss.
TAKE_PROFITS: Final = frozenset(("TAKE_PROFIT", "TAKE_PROFIT_LIMIT"))
FOLLOWS: Final = "a trailing take-profit without a limit price follows the price down or up without end"
#: Beyond this amounts no longer fit the exchange's own fields.
AMOUNT_MAX: Final = 2**63 - 1


class OrderFacts(msgspec.Struct, frozen=True, gc=False):
    """One order at its worst.

    Attributes:
        order: As sent.
        quantity: Base units; 0 where they are not known.
        gross: Quote units; 0 where they are not known.
        trigger: Price the trigger can be at, at the worst; 0 for orders without one.
        worst: Price of the last level a walk through the book touches; 0 where no walk was needed.
        gap: Why quantity or gross is not known; empty where both are.
        walk_gap: Why the walk says nothing; empty where it does, or none was needed.
    """

    order: Order
    quantity: int
    gross: int
    trigger: int
    worst: int
    gap: str
    walk_gap: str


class GroupFacts(msgspec.Struct, frozen=True, gc=False):
    """Orders of which one can fill.

    Attributes:
        side: BUY or SELL.
        quantity: Base units, the larger of the legs.
        gross: Quote units, the larger of the legs.
        exempt: Base units that give back what the key bought.
        charged: The part of `gross` that counts against spend caps.
        gap: Why an amount is not known; empty where all are, or where everything is exempt.
    """

    side: str
    quantity: int
    gross: int
    exempt: int
    charged: int
    gap: str

    @property
    def exempt_whole(self) -> bool:
        """Whether spend caps have nothing to say."""
        return 0 < self.quantity <= self.exempt


class Case:
    """Everything the rules look at.

    Attributes:
        intent: What is asked.
        usage: As of `now_us`.
        market: The symbol's; None where there is none, or the intent has no symbol.
        stale: Why the median cannot be used; empty where it can.
        orders: Facts per order.
        groups: Facts per group.
        now_us: Epoch microseconds.
    """

    __slots__ = ("groups", "intent", "market", "max_age_us", "now_us", "orders", "stale", "usage")

    def __init__(
        self, intent: Intent, usage: Usage, references: References, now_us: int, max_age_us: int
    ) -> None:
        self.intent = intent
        self.usage = usage.at(now_us)
        self.now_us = now_us
        self.max_age_us = max_age_us
        self.market: Market | None = None
        self.stale = ""
        self.orders: list[OrderFacts] = []
        self.groups: list[GroupFacts] = []
        if isinstance(intent, Place):
            market = self.market = references.get(intent.symbol)
            self.stale = _stale(intent.symbol, market, now_us, max_age_us)
            self._weigh(intent)
        elif isinstance(intent, Cancel | Reduce):
            self.market = references.get(intent.symbol)

    def charges(self) -> tuple[Charge, ...]:
        """What the orders reserve; nothing where the market's assets are not known."""
        intent, market = self.intent, self.market
        if not isinstance(intent, Place) or market is None or intent.dry:
            return ()
        return tuple(
            [
                Charge(
                    charge_key(intent.symbol, orders[0].client_order_id),
                    intent.symbol,
                    market.base,
                    market.quote,
                    orders[0].side,
                    group.quantity,
                    group.gross,
                    group.charged,
                    group.exempt,
                )
                for orders, group in zip(intent.groups, self.groups, strict=True)
            ]
        )

    def _weigh(self, intent: Place) -> None:
        market = self.market
        sellable = self.usage.sellable(market.base) if market is not None else 0
        for group in intent.groups:
            facts = [self._facts(order) for order in group]
            self.orders += facts
            self.groups.append(_group(facts, sellable))
            # Only the first group can give back what is already there: the others wait for it to fill.
            sellable = 0

    def _facts(self, order: Order) -> OrderFacts:
        median = self.market.median if self.market is not None and not self.stale else 0
        trigger = _trigger(order, median)
        if order.price:
            buys = order.side == "BUY"
            price = order.price if buys else max(order.price, median, trigger)
            gross = -(-price * order.quantity // SCALE)
            gap = "" if buys or median else self.stale
            return OrderFacts(order, order.quantity, gross, trigger, 0, gap or _too_large(gross), "")
        return self._unpriced(order, median, trigger)

    def _unpriced(self, order: Order, median: int, trigger: int) -> OrderFacts:
        """An order that takes what the book offers."""
        gap = self.stale or (FOLLOWS if order.trailing_delta and order.type in TAKE_PROFITS else "")
        if gap:
            return OrderFacts(order, order.quantity, 0, trigger, 0, gap, gap)
        walk, gap = self._walk(order)
        if walk is None:
            return OrderFacts(order, order.quantity, 0, trigger, 0, gap, gap)
        quantity = order.quantity or walk.quantity
        gross = max(walk.amount, -(-max(median, trigger) * quantity // SCALE), order.quote_quantity)
        if order.side == "BUY" and order.quote_quantity:
            gross = order.quote_quantity
        return OrderFacts(order, quantity, gross, trigger, walk.worst, _too_large(gross), "")

    def _walk(self, order: Order) -> tuple[Walk | None, str]:
        market = self.market
        if market is None or not 0 <= self.now_us - market.book_at_us <= self.max_age_us:
            return None, "there is no fresh order book to walk the order through"
        levels: Sequence[tuple[int, int]] = market.asks if order.side == "BUY" else market.bids
        if order.quote_quantity:
            walk = walk_amount(levels, order.quote_quantity)
            return (walk, "") if walk.whole else (None, _thin(walk.amount, market.quote))
        walk = walk_quantity(levels, order.quantity)
        return (walk, "") if walk.whole else (None, _thin(walk.quantity, market.base))


def _stale(symbol: str, market: Market | None, now_us: int, max_age_us: int) -> str:
    """Why there is no median to judge by."""
    if market is None or market.median <= 0:
        return f"there is no reference price for {symbol}"
    age_us = now_us - market.median_at_us
    if age_us < 0:
        return f"the reference price of {symbol} is from the future"
    if age_us > max_age_us:
        return (
            f"the reference price of {symbol} is {_seconds(age_us)} s old, more than {_seconds(max_age_us)} s"
        )
    return ""


def _trigger(order: Order, median: int) -> int:
    """Where the trigger can be at the worst: as sent, or as far from the median as it may trail.

    Source: enums and rest-api.md, price rules of trigger orders: a trailing stop follows the price to the order's
    gain, so it triggers no farther away than its distance; a trailing take-profit follows it without end.
    """
    if order.type not in CONTINGENT_TYPES or (order.trailing_delta and order.type in TAKE_PROFITS):
        return 0
    trailed = 0
    if order.trailing_delta and median:
        sign = 1 if order.side == "BUY" else -1
        trailed = max(0, median * (POINTS + sign * order.trailing_delta) // POINTS)
    if not order.stop_price or not trailed:
        return order.stop_price or trailed
    return max(order.stop_price, trailed) if order.side == "BUY" else min(order.stop_price, trailed)


def _group(facts: list[OrderFacts], sellable: int) -> GroupFacts:
    first = facts[0]
    side, quantity, gross, gap = first.order.side, first.quantity, first.gross, first.gap
    for fact in facts[1:]:
        quantity, gross, gap = max(quantity, fact.quantity), max(gross, fact.gross), gap or fact.gap
    if side == "BUY" or not sellable:
        return GroupFacts(side, quantity, gross, 0, gross, gap)
    exempt = min(quantity, sellable)
    if exempt and exempt == quantity:
        return GroupFacts(side, quantity, gross, exempt, 0, "")
    charged = -(-gross * (quantity - exempt) // quantity) if quantity else gross
    return GroupFacts(side, quantity, gross, exempt, charged, gap)


def _too_large(gross: int) -> str:
    return "" if gross <= AMOUNT_MAX else "its amount is larger than any account"


def _thin(amount: int, asset: str) -> str:
    return f"the order book holds only {format_trimmed(amount)} {asset} to fill it"


def _seconds(span_us: int) -> str:
    return format_trimmed(span_us * (SCALE // 1_000_000))
