"""The most that may change hands in a day (UTC), both sides together: what ends a churn that loses a little each turn.

Selling back counts towards it and is never refused by it: after the cap a key can leave a position, not enter one.
"""

from collections.abc import Mapping
from typing import ClassVar

import msgspec

from watchword.policy.case import Case
from watchword.policy.decision import Deny
from watchword.policy.rules.rule import caps_text, caps_widening
from watchword.policy.rules.spending import judge_total


class MaxTurnover(msgspec.Struct, frozen=True):
    """Caps by quote asset."""

    name: ClassVar[str] = "max_turnover"

    caps: Mapping[str, int]

    def judge(self, case: Case) -> Deny | None:
        """See Rule."""
        usage = case.usage
        return judge_total(self, case, usage.turnover, usage.reserved.gross, "turnover today")

    def limit(self) -> str:
        """See Rule."""
        return caps_text(self.caps)

    def widening(self, parent: "MaxTurnover") -> str:
        """See Rule."""
        return caps_widening(self.caps, parent.caps)
