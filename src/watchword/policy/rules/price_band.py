"""How far from the median an order may fill, to the owner's loss. Where a drain through a thin pair dies.

A drain sells to the thief far below the market, or buys from him far above it: with a limit price of his choosing, or
with a market order into a book he alone has filled. So limit prices are held against a median that one trade does not
move, orders without a limit price are walked through the book first, and without a fresh reference nothing is placed.
"""

from typing import ClassVar, Final

import msgspec

from watchword.kernel.units import SCALE, format_trimmed
from watchword.policy.case import Case, OrderFacts
from watchword.policy.decision import Deny

#: One hundred per cent, scaled.
WHOLE: Final = 100 * SCALE


class PriceBand(msgspec.Struct, frozen=True):
    """Distances from the median, in per cent times 10^8.

    Attributes:
        worse: How much above it a BUY, below it a SELL may fill.
        stop: How far away in that direction a trigger may lie. A limit price behind a trigger is held against the
            trigger or the median, whichever gives more room.
        better: How far in the other direction a limit price may lie; None for any distance.
    """

    name: ClassVar[str] = "price_band"

    worse: int
    stop: int
    better: int | None = None

    def judge(self, case: Case) -> Deny | None:
        """See Rule."""
        if not case.orders:
            return None
        if case.stale or case.market is None:
            return Deny(self.name, case.stale, (("reference", "none"),), self.limit())
        median = case.market.median
        for fact in case.orders:
            refused = self._judge(fact, median)
            if refused is not None:
                return refused
        return None

    def limit(self) -> str:
        """See Rule."""
        better = "any" if self.better is None else f"{format_trimmed(self.better)} %"
        return f"worse {format_trimmed(self.worse)} %, stop {format_trimmed(self.stop)} %, better {better}"

    def widening(self, parent: "PriceBand") -> str:
        """See Rule."""
        if self.worse > parent.worse:
            return (
                f"worse {format_trimmed(self.worse)} %, where the parent has {format_trimmed(parent.worse)} %"
            )
        if self.stop > parent.stop:
            return f"stop {format_trimmed(self.stop)} %, where the parent has {format_trimmed(parent.stop)} %"
        if parent.better is not None and (self.better is None or self.better > parent.better):
            return f"better than {format_trimmed(parent.better)} %, which is the parent's"
        return ""

    def _judge(self, fact: OrderFacts, median: int) -> Deny | None:
        order = fact.order
        buys, price, trigger = order.side == "BUY", order.price, fact.trigger
        if trigger and _beyond(trigger, median, self.stop, buys=buys):
            return self._deny(fact, "its trigger at", trigger, median, self.stop)
        if not price:
            if fact.walk_gap:
                return Deny(self.name, fact.walk_gap, (("median", format_trimmed(median)),), self.limit())
            if _beyond(fact.worst, median, self.worse, buys=buys):
                return self._deny(fact, "through the book it would fill at", fact.worst, median, self.worse)
            return None
        anchor = median
        if trigger:
            anchor = max(median, trigger) if buys else min(median, trigger)
        if _beyond(price, anchor, self.worse, buys=buys):
            return self._deny(fact, "its price of", price, anchor, self.worse)
        if self.better is not None and _beyond(price, median, self.better, buys=not buys):
            return self._deny(fact, "its price of", price, median, self.better)
        return None

    def _deny(self, fact: OrderFacts, what: str, price: int, anchor: int, distance: int) -> Deny:
        side, bound = fact.order.side, "above" if price > anchor else "below"
        reason = (
            f"{side} {fact.order.type}: {what} {format_trimmed(price)} is more than"
            f" {format_trimmed(distance)} % {bound} the reference {format_trimmed(anchor)}"
        )
        values = (("side", side), ("price", format_trimmed(price)), ("reference", format_trimmed(anchor)))
        return Deny(self.name, reason, values, self.limit())


def _beyond(price: int, anchor: int, distance: int, *, buys: bool) -> bool:
    """Whether a price is farther from the anchor than allowed: above it for a BUY, below it for a SELL. Exact."""
    if buys:
        return price * WHOLE > anchor * (WHOLE + distance)
    return price * WHOLE < anchor * (WHOLE - distance)
