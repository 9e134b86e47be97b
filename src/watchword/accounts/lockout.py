"""Failed tries are counted per person and per address, and answered by waiting times that double. Never tells who exists.

A name nobody has is counted like one somebody has, in a pool of its own, so that inventing names forgets nobody.
Tries during a wait are not judged and do not prolong it; only a full sign-in forgets a person's failures, so that a
right password does not buy fresh tries at the second factor. In memory only: a restart forgets.
"""

import hashlib
import ipaddress
from collections import OrderedDict
from typing import Final

import msgspec

from watchword.accounts.model import Person

PERSON_FAILURES_FREE: Final = 5
ADDRESS_FAILURES_FREE: Final = 20
WAIT_FIRST_MS: Final = 30_000
WAIT_MS_MAX: Final = 900_000
#: After so long without a failure the count starts anew.
FORGET_PERSON_MS: Final = 86_400_000
FORGET_ADDRESS_MS: Final = 3_600_000
#: Per pool: people, names nobody has, addresses.
TALLIES_REMEMBERED_MAX: Final = 10_000
#: Who has one IPv6 address has all of its /64.
IPV6_PREFIX_BITS: Final = 64

_DOUBLINGS_MAX: Final = 20


class Failed(msgspec.Struct, frozen=True):
    """What one failure led to.

    Attributes:
        person_until_us: The person's tries are not judged before; 0 where they may go on.
        address_until_us: The same for the address.
    """

    person_until_us: int
    address_until_us: int


class _Tally(msgspec.Struct, frozen=True):
    failures: int
    last_us: int
    until_us: int


class _Pool:
    """Counts of one kind, the one that failed longest ago forgotten first."""

    def __init__(self, free: int, forget_ms: int) -> None:
        self._free = free
        self._forget_us = forget_ms * 1_000
        self._tallies: OrderedDict[str, _Tally] = OrderedDict()

    def until_us(self, who: str, now_us: int) -> int:
        tally = self._tallies.get(who)
        return tally.until_us if tally is not None and tally.until_us > now_us else 0

    def fail(self, who: str, now_us: int) -> int:
        before = self._tallies.get(who)
        stale = before is None or now_us - before.last_us > self._forget_us
        failures = 1 if before is None or stale else before.failures + 1
        over = failures - self._free
        wait_ms = min(WAIT_FIRST_MS << min(over, _DOUBLINGS_MAX), WAIT_MS_MAX) if over >= 0 else 0
        until_us = now_us + wait_ms * 1_000 if wait_ms else 0
        self._tallies[who] = _Tally(failures, now_us, until_us)
        self._tallies.move_to_end(who)
        while len(self._tallies) > TALLIES_REMEMBERED_MAX:
            self._tallies.popitem(last=False)
        return until_us

    def forget(self, who: str) -> None:
        self._tallies.pop(who, None)

    def __len__(self) -> int:
        return len(self._tallies)


class Lockout:
    """Who must wait, and until when."""

    def __init__(self) -> None:
        self._people = _Pool(PERSON_FAILURES_FREE, FORGET_PERSON_MS)
        self._nobodies = _Pool(PERSON_FAILURES_FREE, FORGET_PERSON_MS)
        self._addresses = _Pool(ADDRESS_FAILURES_FREE, FORGET_ADDRESS_MS)

    def until_us(self, who: str, ip: str, now_us: int) -> int:
        """Say from when on a try of this person from this address is judged again; 0 for now.

        Args:
            who: From `tallied_as`.
            ip: The caller's address.
            now_us: Epoch microseconds.
        """
        return max(self._pool(who).until_us(who, now_us), self._addresses.until_us(_network(ip), now_us))

    def failed(self, who: str, ip: str, now_us: int) -> Failed:
        """Count a failure that was judged."""
        return Failed(self._pool(who).fail(who, now_us), self._addresses.fail(_network(ip), now_us))

    def succeeded(self, who: str) -> None:
        """Forget a person's failures after a full sign-in or step-up. The address's stay: it may try others' names."""
        self._pool(who).forget(who)

    def remembered(self) -> int:
        """Return how many tallies are held, of at most three pools of `TALLIES_REMEMBERED_MAX`."""
        return len(self._people) + len(self._nobodies) + len(self._addresses)

    def _pool(self, who: str) -> _Pool:
        return self._nobodies if who.startswith("?") else self._people


def tallied_as(person: Person | None, login: str) -> str:
    """Return under what tries are counted: the person, or a digest of a name nobody has (it may be a password)."""
    if person is not None:
        return person.id
    return "?" + hashlib.sha256(login.strip().lower().encode("utf-8", "surrogatepass")).hexdigest()


def _network(ip: str) -> str:
    try:
        address = ipaddress.ip_address(ip)
    except ValueError:
        return ip[:64]
    if address.version == 4:
        return ip
    if address.ipv4_mapped is not None:
        return str(address.ipv4_mapped)
    return str(int(address) >> (128 - IPV6_PREFIX_BITS)) + "/64"
