"""A trail that tells somebody of requests whose outcome is recorded as unknown. Records nothing of its own."""

from collections.abc import Callable

from watchword.audit.event import Change, Intent, Outcome, Refusal
from watchword.audit.trail import AuditTrail, TrailStatus


class WatchedTrail:
    """Implements `audit.trail.AuditTrail` over another one.

    When unavailable: refuse, as that one does.
    """

    def __init__(self, trail: AuditTrail, on_unknown: Callable[[int, Intent], None]) -> None:
        """Take the trail, and who is told the row and the intent right after the outcome was queued."""
        self._trail = trail
        self._on_unknown = on_unknown
        self._under_way: dict[int, Intent] = {}

    async def record_intent(self, intent: Intent) -> int:
        """See `AuditTrail.record_intent`."""
        row = await self._trail.record_intent(intent)
        self._under_way[row] = intent
        return row

    async def record_change(self, change: Change) -> int:
        """See `AuditTrail.record_change`."""
        return await self._trail.record_change(change)

    def record_outcome(self, outcome: Outcome) -> None:
        """See `AuditTrail.record_outcome`."""
        self._trail.record_outcome(outcome)
        intent = self._under_way.pop(outcome.intent, None)
        if intent is not None and outcome.result == "unknown":
            self._on_unknown(outcome.intent, intent)

    def record_refusal(self, refusal: Refusal) -> None:
        """See `AuditTrail.record_refusal`."""
        self._trail.record_refusal(refusal)

    def count_refusal(self, reason: str, origin: str) -> None:
        """See `AuditTrail.count_refusal`."""
        self._trail.count_refusal(reason, origin)

    def unavailable(self, *, only_cancels: bool) -> str | None:
        """See `AuditTrail.unavailable`."""
        return self._trail.unavailable(only_cancels=only_cancels)

    def status(self) -> TrailStatus:
        """See `AuditTrail.status`."""
        return self._trail.status()
