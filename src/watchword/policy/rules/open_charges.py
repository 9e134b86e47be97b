"""A bound of the machinery: so many order groups may be open under one key, and no more."""

from typing import Any, ClassVar

import msgspec

from watchword.policy.case import Case
from watchword.policy.decision import Deny
from watchword.policy.usage import CHARGES_COUNT_MAX


class OpenCharges(msgspec.Struct, frozen=True):
    """Part of every policy."""

    name: ClassVar[str] = "open_charges"

    def judge(self, case: Case) -> Deny | None:
        """See Rule."""
        count = len(case.usage.open) + len(case.groups)
        if not case.groups or count <= CHARGES_COUNT_MAX:
            return None
        return Deny(self.name, f"{count} order groups would be open", (("open", str(count)),), self.limit())

    def limit(self) -> str:
        """See Rule."""
        return f"{CHARGES_COUNT_MAX} order groups"

    def widening(self, parent: Any) -> str:  # noqa: ARG002 - a rule's signature
        """See Rule."""
        return ""
