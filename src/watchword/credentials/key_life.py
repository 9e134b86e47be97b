"""What becomes of a key by itself: when it is deleted, loses trading or expires, and when its owner is warned of it.

Pure: a record, the rules and a moment give the answer. Never changes a key: `key_sweep` does.
"""

from typing import Final, Literal

import msgspec

from watchword.credentials.key_record import KeyRecord
from watchword.credentials.key_rules import DAY_US, TRADING, KeyRules

Fate = Literal["deleted", "trading_lost", "expired"]

#: What is to come, for people.
FATES: Final[dict[Fate, str]] = {
    "deleted": "will be deleted: it has no IP list and was not used",
    "trading_lost": "will lose trading: it has no IP list",
    "expired": "will expire",
}


class Ending(msgspec.Struct, frozen=True, order=True):
    """Something that will happen to a key if nobody does anything.

    Attributes:
        at_us: When, epoch microseconds.
        fate: What.
    """

    at_us: int
    fate: Fate


class Due(msgspec.Struct, frozen=True):
    """An ending whose moment has come, or of which its owner is to be warned.

    Attributes:
        ending: What and when.
        days_left: The warning's step (7, 3, 1); 0: the moment has come.
    """

    ending: Ending
    days_left: int


def endings(record: KeyRecord, rules: KeyRules) -> tuple[Ending, ...]:
    """Say what will happen to a key, soonest first.

    Args:
        record: The key, its last use included.
        rules: Of the moment of asking.

    Returns:
        At most two: its own expiry, and what the rules have in store for it.
    """
    restrictions = record.terms.restrictions
    found: list[Ending] = []
    if restrictions.expires_us:
        found.append(Ending(restrictions.expires_us, "expired"))
    if not restrictions.networks:
        ending = _by_rule(record, rules)
        if ending is not None:
            found.append(ending)
    return tuple(sorted(found))


def next_ending(record: KeyRecord, rules: KeyRules, now_us: int) -> Ending | None:
    """Say what happens to a key next; an expiry that has passed is told only where nothing else is to come."""
    found = endings(record, rules)
    coming = [ending for ending in found if ending.fate != "expired" or ending.at_us > now_us]
    return next(iter(coming or found), None)


def due(record: KeyRecord, rules: KeyRules, now_us: int) -> tuple[Due, ...]:
    """Say what has come for a key, and what is near enough to be warned of.

    Args:
        record: The key, its last use included.
        rules: Of this moment.
        now_us: Epoch microseconds.
    """
    found: list[Due] = []
    for ending in endings(record, rules):
        days = days_left(ending, rules, now_us)
        if days is not None:
            found.append(Due(ending, days))
    return tuple(found)


def days_left(ending: Ending, rules: KeyRules, now_us: int) -> int | None:
    """Say which step of the countdown an ending has reached: 0 it has come, None it is further off than any."""
    if ending.at_us <= now_us:
        return 0
    reached = [days for days in rules.warning_days if ending.at_us - days * DAY_US <= now_us]
    return min(reached) if reached else None


def _by_rule(record: KeyRecord, rules: KeyRules) -> Ending | None:
    """What the rules do to a key without an IP list: one with trading loses it, another is deleted."""
    begun_us = max(record.created_us, record.idle_from_us)
    if rules.trading_days and record.terms.permissions & TRADING:
        since_us = max(begun_us, record.trading_since_us)
        if rules.trading_counts_from == "use":
            since_us = max(since_us, record.last_used_us)
        return Ending(since_us + rules.trading_days * DAY_US, "trading_lost")
    if rules.idle_days:
        return Ending(max(begun_us, record.last_used_us) + rules.idle_days * DAY_US, "deleted")
    return None
