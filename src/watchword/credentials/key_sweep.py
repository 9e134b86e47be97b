"""Applies the key rules as time passes: deletes, takes trading, and says so; warns before. Reads no clock: it is told.

Each turn has a bound, so that a month that passes at once stops nobody for long. What was said is kept in memory, the
newest first out last; a restart says it again. Never sends anything: listeners do.
"""

from collections import deque
from typing import TYPE_CHECKING, Final, Literal

import msgspec

from watchword.credentials.key_directory import KeyDirectory
from watchword.credentials.key_life import Due, Fate, due
from watchword.credentials.key_record import KeyRecord

if TYPE_CHECKING:
    from collections.abc import Callable

EVENTS_COUNT_MAX: Final = 1_000
#: Keys deleted or narrowed in one turn; each kind is one transaction.
CHANGES_PER_TURN_MAX: Final = 500

EventKind = Literal["warned", "deleted", "trading_lost", "expired"]


class KeyEvent(msgspec.Struct, frozen=True):
    """Something that happened to a key by itself, or soon will.

    Attributes:
        at_us: When it was said or done, epoch microseconds.
        kind: What: `warned`, or the fate that came.
        api_key, account_id, label: Whose.
        fate: What the warning is of, or the same as `kind`.
        due_us: The moment the fate comes, or should have come.
        days_left: The warning's step; 0 for what has come.
    """

    at_us: int
    kind: EventKind
    api_key: str
    account_id: int
    label: str
    fate: Fate
    due_us: int
    days_left: int


class KeySweep:
    """Looks through a directory now and then.

    Attributes:
        events: What was said and done, oldest first, at most EVENTS_COUNT_MAX.
        listeners: Called with each event, for example to send a mail. What they raise goes to the caller of `turn`.
    """

    def __init__(self, directory: KeyDirectory) -> None:
        """Begin, with nothing said."""
        self.events: deque[KeyEvent] = deque(maxlen=EVENTS_COUNT_MAX)
        self.listeners: list[Callable[[KeyEvent], None]] = []
        self._directory = directory
        self._said: dict[str, tuple[Due, ...]] = {}

    def turn(self, now_us: int) -> bool:
        """Do what is due at a moment, up to a bound.

        Args:
            now_us: Epoch microseconds.

        Returns:
            Whether more is due: then ask again soon.

        Raises:
            StorageError: It could not be stored; what was not stored has not happened and is due again.
        """
        rules = self._directory.rules_at(now_us)
        doomed: dict[str, Due] = {}
        lapsed: dict[str, Due] = {}
        told: list[tuple[KeyRecord, Due]] = []
        said: dict[str, tuple[Due, ...]] = {}
        for record in self._directory.records():
            found = due(record, rules, now_us)
            if not found:
                continue
            said[record.api_key] = found
            for one in found:
                if one.days_left == 0 and one.ending.fate == "deleted":
                    doomed[record.api_key] = one
                elif one.days_left == 0 and one.ending.fate == "trading_lost":
                    lapsed[record.api_key] = one
                elif one not in self._said.get(record.api_key, ()):
                    told.append((record, one))
        more = self._carry_out(doomed, lapsed, now_us)
        self._said = said
        for record, one in told:
            if self._directory.find(record.api_key) is not None:
                self._say(record, one, now_us)
        return more

    def _carry_out(self, doomed: dict[str, Due], lapsed: dict[str, Due], now_us: int) -> bool:
        """Delete and narrow as many keys as one turn may. Says whether some are left, or may have become due now."""
        deleting = list(doomed)[:CHANGES_PER_TURN_MAX]
        narrowing = list(lapsed)[: CHANGES_PER_TURN_MAX - len(deleting)]
        for record in self._directory.delete_many(deleting):
            self._say(record, doomed[record.api_key], now_us)
        # From the moment it lapsed, not from now: a month that passed at once counts as it would have day by day.
        for record in self._directory.take_trading({key: lapsed[key].ending.at_us for key in narrowing}):
            self._say(record, lapsed[record.api_key], now_us)
        return bool(narrowing) or len(deleting) < len(doomed) or len(narrowing) < len(lapsed)

    def _say(self, record: KeyRecord, what: Due, now_us: int) -> None:
        fate = what.ending.fate
        kind: EventKind = "warned" if what.days_left else fate
        event = KeyEvent(
            now_us,
            kind,
            record.api_key,
            record.account_id,
            record.terms.label,
            fate,
            what.ending.at_us,
            what.days_left,
        )
        self.events.append(event)
        for listener in self.listeners:
            listener(event)
