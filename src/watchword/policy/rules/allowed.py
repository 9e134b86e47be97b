"""Symbols, sides and order types: closed sets. What is not in the set is refused."""

from typing import ClassVar

import msgspec

from watchword.policy.case import Case
from watchword.policy.decision import Deny
from watchword.policy.intent import Cancel, Place, Reduce
from watchword.policy.rules.rule import Names


class Symbols(msgspec.Struct, frozen=True):
    """Where the key may act, cancelling included: a key must not clear away what others placed elsewhere."""

    name: ClassVar[str] = "symbols"

    allowed: Names

    def judge(self, case: Case) -> Deny | None:
        """See Rule."""
        intent = case.intent
        if not isinstance(intent, Place | Cancel | Reduce) or intent.symbol in self.allowed:
            return None
        return Deny(
            self.name, f"{intent.symbol} is not among the symbols", (("symbol", intent.symbol),), self.limit()
        )

    def limit(self) -> str:
        """See Rule."""
        return str(self.allowed)

    def widening(self, parent: "Symbols") -> str:
        """See Rule."""
        return self.allowed.widening(parent.allowed)


class Sides(msgspec.Struct, frozen=True):
    """BUY, SELL or both; every order of a list is asked."""

    name: ClassVar[str] = "sides"

    allowed: Names

    def judge(self, case: Case) -> Deny | None:
        """See Rule."""
        for fact in case.orders:
            side = fact.order.side
            if side not in self.allowed:
                return Deny(self.name, f"{side} is not among the sides", (("side", side),), self.limit())
        return None

    def limit(self) -> str:
        """See Rule."""
        return str(self.allowed)

    def widening(self, parent: "Sides") -> str:
        """See Rule."""
        return self.allowed.widening(parent.allowed)


class OrderTypes(msgspec.Struct, frozen=True):
    """Order types; every order of a list is asked."""

    name: ClassVar[str] = "order_types"

    allowed: Names

    def judge(self, case: Case) -> Deny | None:
        """See Rule."""
        for fact in case.orders:
            kind = fact.order.type
            if kind not in self.allowed:
                return Deny(
                    self.name, f"{kind} is not among the order types", (("type", kind),), self.limit()
                )
        return None

    def limit(self) -> str:
        """See Rule."""
        return str(self.allowed)

    def widening(self, parent: "OrderTypes") -> str:
        """See Rule."""
        return self.allowed.widening(parent.allowed)
