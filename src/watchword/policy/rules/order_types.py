"""Which order types a key may send. A closed set."""

from typing import ClassVar

import msgspec

from watchword.policy.case import Case
from watchword.policy.decision import Deny
from watchword.policy.rules.rule import Names


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
