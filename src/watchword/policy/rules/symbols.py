"""On which symbols a key may act. A closed set: what is not in it is refused."""

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
        if not isinstance(intent, (Place, Cancel, Reduce)) or intent.symbol in self.allowed:
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
