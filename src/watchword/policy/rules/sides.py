"""Whether a key may buy, sell, or both."""

from typing import ClassVar

import msgspec

from watchword.policy.case import Case
from watchword.policy.decision import Deny
from watchword.policy.rules.rule import Names


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
