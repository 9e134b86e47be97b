"""Which kinds of requests a key may make at all. Public market data needs no permission."""

from typing import ClassVar

import msgspec

from watchword.credentials.permission import NEEDED, Permission
from watchword.policy.case import Case
from watchword.policy.decision import Deny
from watchword.policy.intent import Read, Unknown, Withdraw


class Permissions(msgspec.Struct, frozen=True):
    """What is granted, in the words of apiRestrictions."""

    name: ClassVar[str] = "permissions"

    granted: frozenset[Permission]

    def judge(self, case: Case) -> Deny | None:
        """See Rule."""
        intent = case.intent
        needed: Permission | None
        if isinstance(intent, Read):
            needed = NEEDED.get(intent.security)
        elif isinstance(intent, Withdraw):
            needed = "WITHDRAWALS"
        elif isinstance(intent, Unknown):
            needed = None
        else:
            needed = "SPOT_AND_MARGIN_TRADING"
        if needed is None or needed in self.granted:
            return None
        return Deny(
            self.name,
            f"{intent.endpoint} needs the permission {needed}",
            (("endpoint", intent.endpoint), ("needed", needed)),
            self.limit(),
        )

    def limit(self) -> str:
        """See Rule."""
        return " ".join(sorted(self.granted)) or "none"

    def widening(self, parent: "Permissions") -> str:
        """See Rule."""
        extra = self.granted - parent.granted
        return " ".join(sorted(extra))
