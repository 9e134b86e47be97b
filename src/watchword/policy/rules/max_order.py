"""The most one order may cost, in its quote asset. Cancels and selling back are never asked."""

from collections.abc import Mapping
from typing import ClassVar

import msgspec

from watchword.kernel.units import format_trimmed
from watchword.policy.case import Case
from watchword.policy.decision import Deny
from watchword.policy.rules.rule import caps_text, caps_widening
from watchword.policy.rules.spending import unweighed


class MaxOrder(msgspec.Struct, frozen=True):
    """Caps by quote asset; an asset without a cap may not be spent."""

    name: ClassVar[str] = "max_order"

    caps: Mapping[str, int]

    def judge(self, case: Case) -> Deny | None:
        """See Rule."""
        for group in case.groups:
            if group.exempt_whole:
                continue
            refused = unweighed(self, case, group)
            if refused is not None or case.market is None:
                return refused
            quote = case.market.quote
            cap = self.caps[quote]
            if group.charged > cap:
                amount = format_trimmed(group.charged)
                return Deny(
                    self.name,
                    f"the order is worth {amount} {quote}, more than {format_trimmed(cap)}",
                    (("asset", quote), ("amount", amount)),
                    self.limit(),
                )
        return None

    def limit(self) -> str:
        """See Rule."""
        return caps_text(self.caps)

    def widening(self, parent: "MaxOrder") -> str:
        """See Rule."""
        return caps_widening(self.caps, parent.caps)
