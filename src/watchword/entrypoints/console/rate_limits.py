"""How often a person or an address may call. Keeps a bounded table in memory; never judges passwords (`accounts.lockout`).

Each class of routes is a leaky bucket: `burst` calls at once, then `per_minute`. An address is counted before anybody is
known, a person afterwards; both must have room.
"""

import ipaddress
from collections import OrderedDict
from typing import Final, Literal

import msgspec

LimitClass = Literal["read", "write", "sign_in", "heavy"]

MINUTE_US: Final = 60_000_000
SECOND_US: Final = 1_000_000
#: Pairs of class and caller that are told apart; beyond it the longest unused one is forgotten.
CALLERS_MAX: Final = 20_000
#: One household or machine has so many bits of an IPv6 address to itself.
IPV6_PREFIX_BITS: Final = 64


class Limit(msgspec.Struct, frozen=True):
    """One class.

    Attributes:
        per_minute: Calls a minute in the long run.
        burst: Calls at once.
    """

    per_minute: int
    burst: int


LIMITS: Final[dict[LimitClass, Limit]] = {
    "read": Limit(per_minute=600, burst=200),
    "write": Limit(per_minute=120, burst=60),
    "sign_in": Limit(per_minute=20, burst=20),
    "heavy": Limit(per_minute=30, burst=10),
}


class RateLimits:
    """The buckets of one process."""

    def __init__(self, scale: float = 1.0, callers_max: int = CALLERS_MAX) -> None:
        """Begin with empty buckets.

        Args:
            scale: Multiplies every limit.
            callers_max: Buckets kept.
        """
        self._scale, self._callers_max = scale, callers_max
        #: When each bucket will be empty again, epoch microseconds; the longest unused first.
        self._empty_us: OrderedDict[tuple[LimitClass, str], float] = OrderedDict()

    def admit(self, kind: LimitClass, caller: str, now_us: int) -> int:
        """Count one call.

        Args:
            kind: Class of the route.
            caller: From `address_key` or a person's id.
            now_us: Epoch microseconds.

        Returns:
            0, or the seconds to wait where there is no room; such a call is not counted.
        """
        limit = LIMITS[kind]
        step_us = MINUTE_US / (limit.per_minute * self._scale)
        room_us = step_us * max(1, limit.burst * self._scale)
        key = (kind, caller)
        empty_us = max(self._empty_us.pop(key, 0.0), float(now_us))
        over_us = empty_us + step_us - room_us - now_us
        admitted = over_us <= 0
        self._empty_us[key] = empty_us + step_us if admitted else empty_us
        if len(self._empty_us) > self._callers_max:
            self._empty_us.popitem(last=False)
        return 0 if admitted else int(over_us // SECOND_US) + 1

    def __len__(self) -> int:
        return len(self._empty_us)


def address_key(ip: str) -> str:
    """Say by what an address is counted: itself, or the network it has to itself where it is an IPv6 one."""
    try:
        address = ipaddress.ip_address(ip)
    except ValueError:
        return "?"
    if isinstance(address, ipaddress.IPv6Address):
        if address.ipv4_mapped is not None:
            return str(address.ipv4_mapped)
        return str(ipaddress.ip_network((address, IPV6_PREFIX_BITS), strict=False))
    return str(address)
