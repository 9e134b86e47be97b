"""The most of a base asset a key may have bought and not sold back, open BUY orders included."""

from collections.abc import Mapping
from typing import ClassVar

import msgspec

from watchword.kernel.units import format_trimmed
from watchword.policy.case import Case
from watchword.policy.decision import Deny
from watchword.policy.rules.rule import caps_text, caps_widening


class MaxPosition(msgspec.Struct, frozen=True):
    """Caps by base asset; a base asset without a cap may not be bought."""

    name: ClassVar[str] = "max_position"

    caps: Mapping[str, int]

    def judge(self, case: Case) -> Deny | None:
        """See Rule."""
        bought = 0
        for group in case.groups:
            if group.side == "BUY":
                if group.gap and not group.quantity:
                    return self._gap(group.gap)
                bought += group.quantity
        if not bought:
            return None
        if case.market is None:
            return self._gap(case.stale)
        base = case.market.base
        before = case.usage.bought.get(base, 0) + case.usage.reserved.buying.get(base, 0)
        cap = self.caps.get(base)
        if cap is not None and before + bought <= cap:
            return None
        if cap is None:
            reason = f"there is no cap for {base}, so it may not be bought"
        else:
            reason = f"the position would be {format_trimmed(before + bought)} {base}, more than {format_trimmed(cap)}"
        values = (("asset", base), ("before", format_trimmed(before)), ("added", format_trimmed(bought)))
        return Deny(self.name, reason, values, self.limit())

    def limit(self) -> str:
        """See Rule."""
        return caps_text(self.caps)

    def widening(self, parent: "MaxPosition") -> str:
        """See Rule."""
        return caps_widening(self.caps, parent.caps)

    def _gap(self, gap: str) -> Deny:
        return Deny(self.name, f"the quantity cannot be worked out: {gap}", (("gap", gap),), self.limit())
