"""Counts refusals that must not fill the disk: one row per period, whatever arrives. Never keeps more than its bounds."""

from typing import Final

from watchword.audit.event import REFUSAL_ROWS_MAX, RefusalCount, RefusalsCounted

#: Pairs of reason and origin told apart within one period; what comes after is counted by reason alone.
PAIRS_MAX: Final = 1_024
REASONS_MAX: Final = 64
ORIGIN_LENGTH_MAX: Final = 64
OTHER: Final = "other"
#: Rows of its own that one key gets for refusals per period; the rest is counted.
ROWS_PER_KEY_MAX: Final = 300
KEYS_MAX: Final = 4_096


class RefusalTally:
    """The counters of one period."""

    def __init__(self, now_us: int) -> None:
        """Begin at `now_us`."""
        self._since_us = now_us
        self._pairs: dict[tuple[str, str], int] = {}
        self._reasons: dict[str, int] = {}
        self._rows_by_key: dict[str, int] = {}

    def count(self, reason: str, origin: str) -> None:
        """Count one refusal.

        Args:
            reason: A short text of ours, never the client's.
            origin: Address or key it came from.
        """
        reasons = self._reasons
        if reason not in reasons and len(reasons) >= REASONS_MAX:
            reason = OTHER
        reasons[reason] = reasons.get(reason, 0) + 1
        pair = (reason, origin[:ORIGIN_LENGTH_MAX])
        if pair in self._pairs or len(self._pairs) < PAIRS_MAX:
            self._pairs[pair] = self._pairs.get(pair, 0) + 1

    def deserves_row(self, key: str) -> bool:
        """Whether a known key's refusal still gets a row of its own in this period; asking uses one up."""
        used = self._rows_by_key.get(key, 0)
        if used >= ROWS_PER_KEY_MAX or (not used and len(self._rows_by_key) >= KEYS_MAX):
            return False
        self._rows_by_key[key] = used + 1
        return True

    def take(self, now_us: int) -> RefusalsCounted | None:
        """End the period and begin the next.

        Returns:
            What was counted, or None where nothing was.
        """
        counted = None
        if self._reasons:
            most = sorted(self._pairs.items(), key=lambda item: (-item[1], item[0]))[:REFUSAL_ROWS_MAX]
            counted = RefusalsCounted(
                since_us=self._since_us,
                until_us=now_us,
                total=sum(self._reasons.values()),
                rows=[RefusalCount(reason, origin, count) for (reason, origin), count in most],
                reasons=self._reasons,
            )
        self._since_us = now_us
        self._pairs, self._reasons, self._rows_by_key = {}, {}, {}
        return counted
