"""Denies every change nobody parsed: transfers, conversions, sub-account keys, tomorrow's order parameters."""

from typing import Any, ClassVar

import msgspec

from watchword.policy.case import Case
from watchword.policy.decision import Deny
from watchword.policy.intent import Unknown


class Meaning(msgspec.Struct, frozen=True):
    """Part of every policy; there is no way to switch it off."""

    name: ClassVar[str] = "meaning"

    def judge(self, case: Case) -> Deny | None:
        """See Rule."""
        intent = case.intent
        if not isinstance(intent, Unknown):
            return None
        return Deny(
            self.name,
            f"{intent.endpoint} is refused because its meaning is not known: {intent.why}",
            (("endpoint", intent.endpoint),),
            self.limit(),
        )

    def limit(self) -> str:
        """See Rule."""
        return "only operations that are read whole"

    def widening(self, parent: Any) -> str:  # noqa: ARG002 - a rule's signature
        """See Rule."""
        return ""
