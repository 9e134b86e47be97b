"""Request weight and orders, so that no bot gets the shared address banned. Counts in fixed windows; time is an argument.

Every limit is met by nine tenths for everything but cancels, which may use it up, and by half for requests without a key. The upstream's own count corrects
ours upwards at once, and its 429 or 418 holds back everything until it says. A restart forgets the counts.

Source: rest-api.md "LIMITS", web-socket-api.md "Rate limits"; the official SDKs for /sapi and futures.
"""

from typing import Final, final

import msgspec

from watchword.binance.rate_limits import ORDERS_PER_10_SECONDS, REQUEST_WEIGHT_PER_MINUTE
from watchword.binance.request import Params
from watchword.gateway.messages import Answer, Refused, Unanswered
from watchword.gateway.refusal import by_budget
from watchword.gateway.routes import Route
from watchword.gateway.virtual_key import VirtualKey

MINUTE_US: Final = REQUEST_WEIGHT_PER_MINUTE.window_us
ORDERS_US: Final = ORDERS_PER_10_SECONDS.window_us
#: One part in so many of each limit is kept for cancels.
RESERVE_PART: Final = 10
#: Requests without a key may use one part in so many: nobody knows whose they are, and bots need the rest.
KEYLESS_PART: Final = 2
#: Windows remembered of one kind (keys, /sapi paths); above it those that are over are dropped.
WINDOWS_COUNT_MAX: Final = 10_000
#: What an upstream can ask for at most. Source: rest-api.md, bans last "from 2 minutes to 3 days".
HOLD_US_MAX: Final = 3 * 86_400_000_000
BAN_US_MIN: Final = 120_000_000
SECOND_US: Final = 1_000_000
TOO_MANY_ORDERS: Final = -1015

_WEIGHT_HEADERS: Final = {"api": b"x-mbx-used-weight-1m", "fapi": b"x-mbx-used-weight-1m",
    "dapi": b"x-mbx-used-weight-1m", "sapi": b"x-sapi-used-ip-weight-1m"}  # fmt: skip
_RETRY: Final = b"retry-after"
_DIGITS_MAX: Final = 15


class BudgetRules(msgspec.Struct, frozen=True):
    """The upstream's limits per address and minute; 0 for none.

    Attributes:
        api: /api and the WebSocket API, together.
        sapi: Each path under /sapi.
        fapi, dapi: The futures' own.
    """

    api: int = REQUEST_WEIGHT_PER_MINUTE.limit
    sapi: int = 12_000
    fapi: int = 2_400
    dapi: int = 2_400


class Window(msgspec.Struct, gc=False):
    """One fixed window: its number since the epoch, and what was used in it."""

    slot: int = -1
    used: int = 0
    in_flight: int = 0

    def at(self, slot: int) -> "Window":
        """Begin anew where time has passed; a clock that steps back begins nothing."""
        if slot > self.slot:
            self.slot, self.used, self.in_flight = slot, 0, 0
        return self


class Spent(msgspec.Struct, frozen=True, gc=False):
    """What one request took, to be given back or confirmed.

    Attributes:
        route: Of the request.
        weight: Taken.
        orders: Taken.
        slot, orders_slot: In which windows.
        shared: The address's window.
        own: The key's; None for requests without a key.
        own_orders: The key's count of orders; None where it is not limited.
        credential_id: Whose order count the upstream speaks of.
    """

    route: Route
    weight: int
    orders: int
    slot: int
    orders_slot: int
    shared: Window
    own: Window | None
    own_orders: Window | None
    credential_id: str


class _Count(msgspec.Struct):
    rateLimitType: str = ""  # noqa: N815 - as the upstream writes it
    count: int = 0


class _Detail(msgspec.Struct):
    retryAfter: int = 0  # noqa: N815 - as the upstream writes it


class _Error(msgspec.Struct):
    code: int = 0
    data: _Detail | None = None


_counts: Final = msgspec.json.Decoder(list[_Count])
_error: Final = msgspec.json.Decoder(_Error)


@final
class Budgets:
    """All budgets of one process, which talks to one upstream from one address."""

    def __init__(self, rules: BudgetRules | None = None) -> None:
        """Start with nothing used."""
        rules = rules or BudgetRules()
        self._limits = {"api": rules.api, "sapi": rules.sapi, "fapi": rules.fapi, "dapi": rules.dapi}
        self._shared: dict[str, Window] = {}
        self._keys: dict[str, Window] = {}
        self._orders: dict[str, Window] = {}
        self._held_until_us = 0
        self._orders_held: dict[str, int] = {}

    def take(
        self, route: Route, path: str, params: Params, key: VirtualKey | None, now_us: int
    ) -> Spent | Refused:
        """Take what a request will use, or refuse it.

        Args:
            route: Of the request.
            path: As asked; each path under /sapi has a budget of its own.
            params: Its weight may depend on them.
            key: Who asks; None for requests without a key.
            now_us: Epoch microseconds.
        """
        if now_us < self._held_until_us:
            return by_budget("the exchange asked this address to wait.", self._held_until_us)
        slot, orders_slot = now_us // MINUTE_US, now_us // ORDERS_US
        family, weight = route.family, route.weigh(params)
        # Anybody can make up paths: those of nobody known share one window.
        apart = family == "sapi" and (key is not None or route.listed)
        shared = _window(self._shared, path if apart else family, slot)
        cancels = route.kind == "cancel"
        limit = self._limits[family]
        reach = _reach(limit, cancels=cancels) if key is not None else limit // KEYLESS_PART
        if limit and shared.used + weight > reach:
            return by_budget(
                "this address's request weight for the minute is used up.", (slot + 1) * MINUTE_US
            )
        if key is None:
            shared.used += weight
            shared.in_flight += weight
            return Spent(route, weight, 0, slot, orders_slot, shared, None, None, "")
        own, limit = _window(self._keys, key.id, slot), key.weight_per_minute_max
        if limit and own.used + weight > _reach(limit, cancels=cancels):
            return by_budget("this key's request weight for the minute is used up.", (slot + 1) * MINUTE_US)
        orders = route.unfilled_count
        own_orders: Window | None = None
        if orders:
            refused = self._take_orders(key, orders, orders_slot, now_us)
            if type(refused) is Refused:
                return refused
            own_orders = refused
        own.used += weight
        shared.used += weight
        shared.in_flight += weight
        return Spent(route, weight, orders, slot, orders_slot, shared, own, own_orders, key.credential_id)

    def settle(self, spent: Spent, answer: Answer | Unanswered | None, now_us: int) -> None:
        """Learn from what came back.

        Args:
            spent: As `take` gave it.
            answer: None where nothing was sent.
            now_us: Epoch microseconds.
        """
        shared, weight = spent.shared, spent.weight
        same = shared.slot == spent.slot
        if same:
            shared.in_flight -= weight
        succeeded = type(answer) is Answer and answer.status == 200
        unsent = answer is None or (type(answer) is Unanswered and not answer.sent)
        if unsent or (succeeded and spent.route.free_on_success):
            if same:
                shared.used -= weight
            if spent.own is not None and spent.own.slot == spent.slot:
                spent.own.used -= weight
        # An order that did not come to be is not counted; one nobody knows of may have.
        own_orders = spent.own_orders
        failed = unsent or (type(answer) is Answer and not succeeded)
        if failed and own_orders is not None and own_orders.slot == spent.orders_slot:
            own_orders.used -= spent.orders
        if type(answer) is not Answer:
            return
        if same and now_us // MINUTE_US == spent.slot:
            counted = _counted(answer, spent.route)
            shared.used = max(shared.used, counted + shared.in_flight)
        if answer.status in {429, 418}:
            self._hold(answer, spent, now_us)

    def _take_orders(self, key: VirtualKey, orders: int, slot: int, now_us: int) -> Window | Refused | None:
        held_us = self._orders_held.get(key.credential_id, 0)
        if now_us < held_us:
            return by_budget("the exchange asked this account to place no orders for now.", held_us)
        limit = key.orders_per_10s_max
        if not limit:
            return None
        window = _window(self._orders, key.id, slot)
        if window.used + orders > limit:
            return by_budget("this key's orders for these ten seconds are used up.", (slot + 1) * ORDERS_US)
        window.used += orders
        return window

    def _hold(self, answer: Answer, spent: Spent, now_us: int) -> None:
        """Wait as long as the upstream says, or as long as it would count."""
        until_us, code = _retry_at_us(answer, now_us)
        if code == TOO_MANY_ORDERS and answer.status == 429:
            until_us = until_us or (now_us // ORDERS_US + 1) * ORDERS_US
            self._orders_held[spent.credential_id] = until_us
            return
        if not until_us:
            until_us = now_us + BAN_US_MIN if answer.status == 418 else (now_us // MINUTE_US + 1) * MINUTE_US
        self._held_until_us = max(self._held_until_us, until_us)


def _window(windows: dict[str, Window], name: str, slot: int) -> Window:
    found = windows.get(name)
    if found is not None:
        return found.at(slot)
    if len(windows) >= WINDOWS_COUNT_MAX:
        for over in [one for one, window in windows.items() if window.slot < slot]:
            del windows[over]
        if len(windows) >= WINDOWS_COUNT_MAX:
            # More names within one window than anybody uses: they share what is left.
            name = "other"
            if name in windows:
                return windows[name].at(slot)
    made = windows[name] = Window(slot)
    return made


def _reach(limit: int, *, cancels: bool) -> int:
    return limit if cancels else limit - limit // RESERVE_PART


def _counted(answer: Answer, route: Route) -> int:
    """What the upstream says this address has used; 0 where it does not say."""
    if answer.rate_limits:
        try:
            found = _counts.decode(answer.rate_limits)
        except (msgspec.MsgspecError, UnicodeDecodeError):
            return 0
        return max([one.count for one in found if one.rateLimitType == "REQUEST_WEIGHT"], default=0)
    return _number(_header(answer, _WEIGHT_HEADERS[route.family]))


def _retry_at_us(answer: Answer, now_us: int) -> tuple[int, int]:
    """When the upstream wants to hear from us again (0 where it does not say), and its error code."""
    try:
        error = _error.decode(answer.body)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        error = _Error()
    until_us = now_us + _number(_header(answer, _RETRY)) * SECOND_US
    if error.data is not None:
        until_us = max(until_us, error.data.retryAfter * 1_000)
    return (min(until_us, now_us + HOLD_US_MAX) if until_us > now_us else 0), error.code


def _header(answer: Answer, name: bytes) -> bytes:
    length = len(name)
    for given, value in answer.headers:
        if len(given) == length and given.lower() == name:
            return value
    return b""


def _number(text: bytes) -> int:
    text = text.strip()
    return int(text) if text.isdigit() and len(text) <= _DIGITS_MAX else 0
