"""The most a key may spend in a day (UTC), in each quote asset: executed, plus what open orders may still execute."""

from collections.abc import Mapping
from typing import ClassVar

import msgspec

from watchword.policy.case import Case
from watchword.policy.decision import Deny
from watchword.policy.rules.rule import caps_text, caps_widening
from watchword.policy.rules.spending import judge_total


class MaxDay(msgspec.Struct, frozen=True):
    """Caps by quote asset. Buying counts, and selling beyond what this key bought."""

    name: ClassVar[str] = "max_day"

    caps: Mapping[str, int]

    def judge(self, case: Case) -> Deny | None:
        """See Rule."""
        usage = case.usage
        return judge_total(self, case, usage.spent, usage.reserved.charged, "spending today")

    def limit(self) -> str:
        """See Rule."""
        return caps_text(self.caps)

    def widening(self, parent: "MaxDay") -> str:
        """See Rule."""
        return caps_widening(self.caps, parent.caps)
