"""Counts requests, orders and connections in fixed windows, and bans who will not listen. Pure: time is an argument.

Knows no sockets and keeps nothing on disk: a restart forgets counts and bans, as it would behind any front door.

Source: rest-api.md "LIMITS"; faqs/order_count_decrement.md; the amounts are in binance/rate_limits.py.
"""

from typing import Final

import msgspec

from watchword.binance.errors import WireError
from watchword.binance.rate_limits import (
    CONNECTIONS_PER_5_MINUTES,
    ORDERS_PER_10_SECONDS,
    ORDERS_PER_DAY,
    RAW_REQUESTS_PER_5_MINUTES,
    REQUEST_WEIGHT_PER_MINUTE,
    RateLimit,
    scaled,
)

SECOND_US: Final = 1_000_000
#: How many refusals with 429 within one window an address may ignore before it is banned.
IGNORED_REFUSALS_MAX: Final = 10
#: Ban lengths of repeat offenders. Source: "from 2 minutes to 3 days"; the steps between are ours.
BAN_SECONDS: Final = (120, 600, 3_600, 21_600, 86_400, 259_200)
#: After this long without a ban an address starts at the first step again.
OFFENCE_MEMORY_US: Final = 259_200 * SECOND_US
#: Each /sapi route has a budget of its own per address, and one per account. Source: dev.binance.vision.
SAPI_WEIGHT_PER_MINUTE: Final = RateLimit("REQUEST_WEIGHT", "MINUTE", 1, 12_000)
SAPI_ACCOUNT_WEIGHT_PER_MINUTE: Final = RateLimit("REQUEST_WEIGHT", "MINUTE", 1, 180_000)
FIRST_FILL_AS_TAKER: Final = 1
#: Source: the FAQ's example 2. The live amount is not published.
FIRST_FILL_AS_MAKER: Final = 5
#: Addresses (and address-and-route pairs) remembered at once; above it the stale ones are dropped.
ADDRESSES_MAX: Final = 20_000


class Visitor(msgspec.Struct, gc=False):
    """What is counted for one address. `*_slot` is the window's number since the epoch."""

    weight_slot: int = -1
    weight: int = 0
    refusals: int = 0
    raw_slot: int = -1
    raw: int = 0
    connections_slot: int = -1
    connections: int = 0
    banned_until_us: int = 0
    offences: int = 0


class OrderTally(msgspec.Struct, gc=False):
    """Unfilled orders of one account in the two ORDERS windows."""

    seconds_slot: int = -1
    seconds: int = 0
    day_slot: int = -1
    day: int = 0


class Limits:
    """All counters of one testnet process."""

    def __init__(self, scale: float = 1) -> None:
        """Start empty.

        Args:
            scale: Multiplies every limit; 0 counts but never refuses.
        """
        self._enforced = scale > 0
        self.weight_rule = scaled(REQUEST_WEIGHT_PER_MINUTE, scale)
        self.raw_rule = scaled(RAW_REQUESTS_PER_5_MINUTES, scale)
        self.connections_rule = scaled(CONNECTIONS_PER_5_MINUTES, scale)
        self.seconds_rule = scaled(ORDERS_PER_10_SECONDS, scale)
        self.day_rule = scaled(ORDERS_PER_DAY, scale)
        self._sapi_rule = scaled(SAPI_WEIGHT_PER_MINUTE, scale)
        self._sapi_account_rule = scaled(SAPI_ACCOUNT_WEIGHT_PER_MINUTE, scale)
        self._weight_us = self.weight_rule.window_us
        self._raw_us = self.raw_rule.window_us
        self._seconds_us = self.seconds_rule.window_us
        self._day_us = self.day_rule.window_us
        self._visitors: dict[str, Visitor] = {}
        self._tallies: dict[int, OrderTally] = {}
        self._sapi: dict[tuple[str | int, str], list[int]] = {}

    def visitor(self, ip: str) -> Visitor:
        """Return the counters of an address. Keep them for the life of a connection: it saves a look-up."""
        found = self._visitors.get(ip)
        if found is None:
            if len(self._visitors) >= ADDRESSES_MAX:
                self._drop_stale()
            found = self._visitors[ip] = Visitor()
        return found

    def admit_request(self, visitor: Visitor, weight: int, now_us: int) -> WireError | None:
        """Count one request, then refuse it if the address is banned or over a limit.

        Args:
            visitor: The caller's counters.
            weight: Request weight. It stays charged when the request is refused.
            now_us: Epoch microseconds.
        """
        slot = now_us // self._weight_us
        if visitor.weight_slot != slot:
            visitor.weight_slot = slot
            visitor.weight = visitor.refusals = 0
        visitor.weight += weight
        raw_slot = now_us // self._raw_us
        if visitor.raw_slot != raw_slot:
            visitor.raw_slot = raw_slot
            visitor.raw = 0
        visitor.raw += 1
        if not self._enforced:
            return None
        if visitor.banned_until_us > now_us:
            return banned(visitor.banned_until_us)
        if visitor.weight > self.weight_rule.limit or visitor.raw > self.raw_rule.limit:
            return self._refuse(visitor, now_us)
        return None

    def give_back(self, visitor: Visitor, weight: int, now_us: int) -> None:
        """Take a charge back (order calls are free when they succeed), if its window is still the current one."""
        if visitor.weight_slot == now_us // self._weight_us:
            visitor.weight = visitor.weight - weight if visitor.weight > weight else 0

    def used_weight(self, visitor: Visitor, now_us: int) -> int:
        """Return the weight used in the current minute."""
        return visitor.weight if visitor.weight_slot == now_us // self._weight_us else 0

    def ban_of(self, visitor: Visitor, now_us: int) -> WireError | None:
        """Return the 418 of a banned address."""
        if self._enforced and visitor.banned_until_us > now_us:
            return banned(visitor.banned_until_us)
        return None

    def admit_connection(self, visitor: Visitor, now_us: int) -> WireError | None:
        """Count one WebSocket connection attempt."""
        rule = self.connections_rule
        slot = now_us // rule.window_us
        if visitor.connections_slot != slot:
            visitor.connections_slot = slot
            visitor.connections = 0
        visitor.connections += 1
        if not self._enforced:
            return None
        if visitor.banned_until_us > now_us:
            return banned(visitor.banned_until_us)
        if visitor.connections > rule.limit:
            return WireError(-1003, "Too many requests queued.", 429, (slot + 1) * rule.window_us)
        return None

    def admit_sapi(self, ip: str, route: str, weight: int, now_us: int) -> tuple[int, WireError | None]:
        """Count a /sapi call against its own budget.

        Returns:
            The weight this address used on this route in the current minute, and the refusal if there is one.
        """
        return self._admit_sapi(self._sapi_rule, ip, route, weight, now_us)

    def admit_sapi_account(
        self, account_id: int, route: str, weight: int, now_us: int
    ) -> tuple[int, WireError | None]:
        """Count a /sapi call against its route's budget of this account, whatever key and address it came by.

        Returns:
            The weight this account used on this route in the current minute, and the refusal if there is one.
        """
        return self._admit_sapi(self._sapi_account_rule, account_id, route, weight, now_us)

    def admit_orders(self, account_id: int, count: int, now_us: int) -> WireError | None:
        """Count new orders of an account before they go to the engine, or refuse them uncounted.

        Args:
            account_id: Whose orders: keys, addresses and doors share one count.
            count: Orders the request would add.
            now_us: Epoch microseconds.
        """
        tally = self._tally(account_id, now_us)
        if self._enforced:
            for used, rule in ((tally.day, self.day_rule), (tally.seconds, self.seconds_rule)):
                if used + count > rule.limit:
                    return too_many_orders(rule, now_us)
        tally.seconds += count
        tally.day += count
        return None

    def give_back_orders(self, account_id: int, count: int, now_us: int) -> None:
        """Uncount orders: they were rejected, or filled for the first time. The counts never go below zero.

        Source: faqs/order_count_decrement.md: it applies to the current window even for older orders.
        """
        tally = self._tally(account_id, now_us)
        tally.seconds = max(0, tally.seconds - count)
        tally.day = max(0, tally.day - count)

    def note_fill(self, account_id: int, count: int, now_us: int) -> None:
        """Take a first fill off an account's counts, if it has any (market makers have none)."""
        if account_id in self._tallies:
            self.give_back_orders(account_id, count, now_us)

    def order_counts(self, account_id: int, now_us: int) -> tuple[tuple[RateLimit, int], ...]:
        """Return each ORDERS window with its current count."""
        tally = self._tally(account_id, now_us)
        return (self.seconds_rule, tally.seconds), (self.day_rule, tally.day)

    def _admit_sapi(
        self, rule: RateLimit, who: str | int, route: str, weight: int, now_us: int
    ) -> tuple[int, WireError | None]:
        slot = now_us // rule.window_us
        entry = self._sapi.get((who, route))
        if entry is None or entry[0] != slot:
            if len(self._sapi) >= ADDRESSES_MAX:
                self._sapi.clear()
            entry = self._sapi[who, route] = [slot, 0]
        entry[1] += weight
        if self._enforced and entry[1] > rule.limit:
            return entry[1], too_much_weight(rule, now_us)
        return entry[1], None

    def _tally(self, account_id: int, now_us: int) -> OrderTally:
        tally = self._tallies.get(account_id)
        if tally is None:
            tally = self._tallies[account_id] = OrderTally()
        slot = now_us // self._seconds_us
        if tally.seconds_slot != slot:
            tally.seconds_slot = slot
            tally.seconds = 0
            day = now_us // self._day_us
            if tally.day_slot != day:
                tally.day_slot = day
                tally.day = 0
        return tally

    def _refuse(self, visitor: Visitor, now_us: int) -> WireError:
        """429, and from the tenth ignored one on a ban, longer for each repeat."""
        visitor.refusals += 1
        if visitor.refusals <= IGNORED_REFUSALS_MAX:
            rule = self.weight_rule if visitor.weight > self.weight_rule.limit else self.raw_rule
            return too_much_weight(rule, now_us)
        if now_us - visitor.banned_until_us > OFFENCE_MEMORY_US:
            visitor.offences = 0
        seconds = BAN_SECONDS[min(visitor.offences, len(BAN_SECONDS) - 1)]
        visitor.offences += 1
        visitor.refusals = 0
        visitor.banned_until_us = now_us + seconds * SECOND_US
        return banned(visitor.banned_until_us)

    def _drop_stale(self) -> None:
        """Forget addresses that are not banned; open connections keep their own reference."""
        self._visitors = {ip: v for ip, v in self._visitors.items() if v.offences}
        if len(self._visitors) >= ADDRESSES_MAX:
            self._visitors.clear()


def window_end_us(rule: RateLimit, now_us: int) -> int:
    """Return when the current window of a limit ends, epoch microseconds."""
    return (now_us // rule.window_us + 1) * rule.window_us


def too_much_weight(rule: RateLimit, now_us: int) -> WireError:
    """-1003 with 429: wait for the next window."""
    text = (
        f"Too much request weight used; current limit is {rule.limit} request weight per "
        f"{rule.interval_num} {rule.interval}. Please use WebSocket Streams for live updates to avoid polling the API."
    )
    return WireError(-1003, text, 429, window_end_us(rule, now_us))


def banned(until_us: int) -> WireError:
    """-1003 with 418: the address is banned."""
    text = (
        f"Way too much request weight used; IP banned until {until_us // 1000}. "
        "Please use WebSocket Streams for live updates to avoid bans."
    )
    return WireError(-1003, text, 418, until_us)


def too_many_orders(rule: RateLimit, now_us: int) -> WireError:
    """-1015 with 429: the account has too many unfilled orders in a window."""
    text = (
        f"Too many new orders; current limit is {rule.limit} orders per {rule.interval_num} {rule.interval}."
    )
    return WireError(-1015, text, 429, window_end_us(rule, now_us))
