"""Step 5c: what a request means, and whether the key may: client ids, whose order, policy, reservation.

Prefetches the market, then decides and reserves without an await in between, so that two requests at once cannot both
use the last of a cap. Never sends anything but the desk's questions.
"""

from typing import Final, final

import msgspec

from watchword.binance.errors import WireError
from watchword.binance.request import Params
from watchword.gateway.messages import Refused
from watchword.gateway.order_desk import Ask, OrderDesk, Prepared, Reservation
from watchword.gateway.ports import ActiveKey, Ledger, MarketReferences, UpstreamTime
from watchword.gateway.refusal import WHOSE_IS_NOT_KNOWN, by_owner, by_policy, unavailable
from watchword.gateway.routes import Route
from watchword.policy.decision import Allow, Deny
from watchword.policy.engine import decide_each
from watchword.policy.intent import Cancel, Intent, Place, Read, Reduce, Withdraw
from watchword.policy.policy import Policy
from watchword.policy.reading import read_intent
from watchword.policy.references import References
from watchword.policy.usage import Usage

REPLACE: Final = "order.cancelReplace"
#: Rules that need no market. What they refuse is refused before a symbol is followed for it.
NEED_NO_MARKET: Final = frozenset(
    ("meaning", "permissions", "symbols", "sides", "order_types", "hours", "rate", "open_charges")
)


@final
class Decided(msgspec.Struct, frozen=True, gc=False):
    """A request that may go on.

    Attributes:
        intent: What it would change.
        params: To send, without those of authentication.
        client_order_id: Under which its outcome can be found out later; empty where nothing can be.
        reason: What allowed it, for the trail.
        reservation: What the desk reserved; None where nothing is used up.
    """

    intent: Intent
    params: Params
    client_order_id: str
    reason: str
    reservation: Reservation | None

    @property
    def only_cancels(self) -> bool:
        """Whether it can only take orders away."""
        return type(self.intent) is Cancel


@final
class Denied(msgspec.Struct, frozen=True):
    """A request that may not.

    Attributes:
        refused: What the client is told.
        values: What the rule compared.
    """

    refused: Refused
    values: dict[str, str] = {}


@final
class Wanted(msgspec.Struct, frozen=True):
    """A request that may go on once people approve it.

    Attributes:
        deny: With its demands; there is no other reason against the request.
    """

    deny: Deny


class Decider:
    """Decides for all keys of one process."""

    def __init__(self, desk: OrderDesk, ledger: Ledger, market: MarketReferences, time: UpstreamTime) -> None:
        """Take what it asks."""
        self._desk = desk
        self._ledger = ledger
        self._market = market
        self._time = time

    async def decide(
        self, active: ActiveKey, route: Route, params: Params, ask: Ask
    ) -> Decided | Denied | Wanted:
        """Decide one request of an authenticated key.

        Args:
            active: The key, with the policies of its line.
            route: Of the request.
            params: Without those of authentication.
            ask: For questions to the upstream about whose an order is.
        """
        desk, name = self._desk, route.name
        prepared = await self._prepared(active, route, params, ask)
        if type(prepared) is Denied:
            return prepared
        params, client_order_id = prepared.params, prepared.client_order_id
        intent = read_intent(name, params)
        if type(intent) is not Read:
            trouble = self._time.trouble()
            if trouble is not None:
                return Denied(unavailable("clock", trouble))
        references: References = {}
        now_us = self._time.now_us()
        if type(intent) is Place or type(intent) is Cancel or type(intent) is Reduce:
            references = self._market.references((intent.symbol,), now_us)
            if type(intent) is Place and not references:
                found = await self._fetched(active, intent)
                if type(found) is Deny:
                    return denied(found, route)
                references, now_us = found, self._time.now_us()
        # From here to the reservation nothing is awaited.
        allowed = decide_each(self._layers(active), intent, references, now_us)
        if type(allowed) is Deny:
            return Wanted(allowed) if allowed.demands else denied(allowed, route)
        reservation: Reservation | None = None
        if not intent.dry if type(intent) is Place else type(intent) is Withdraw:
            trouble = self._ledger.trouble()
            if trouble is not None:
                return Denied(unavailable("ledger", trouble))
            reserved = desk.reserve(active, intent, allowed, now_us)
            if type(reserved) is WireError:
                return Denied(by_owner(reserved))
            reservation = reserved
        if type(intent) is Cancel or type(intent) is Reduce:
            client_order_id = intent.client_order_id
        return Decided(intent, params, client_order_id, _reason(active, allowed), reservation)

    async def _prepared(self, active: ActiveKey, route: Route, params: Params, ask: Ask) -> Prepared | Denied:
        """Add client order ids, and see whose order a request is about."""
        desk, name, client_order_id = self._desk, route.name, ""
        if route.kind == "read" and not route.listed and route.family == "api" and active.key.own_orders_only:
            # Orders live there, and whose they are in an answer of unknown shape nobody could tell.
            return Denied(WHOSE_IS_NOT_KNOWN)
        if route.kind == "place":
            prepared = desk.prepare(active, name, params)
            if type(prepared) is WireError:
                return Denied(by_owner(prepared))
            params, client_order_id = prepared.params, prepared.client_order_id
        if route.listed and (route.kind != "place" or name == REPLACE):
            permitted = await desk.permit(active, name, params, ask)
            if type(permitted) is WireError:
                return Denied(by_owner(permitted))
            params = permitted
        return Prepared(params, client_order_id)

    def _layers(self, active: ActiveKey) -> list[tuple[Policy, Usage]]:
        usage = self._ledger.usage
        return [(policy, usage(key_id)) for key_id, policy in active.layers]

    async def _fetched(self, active: ActiveKey, intent: Place) -> References | Deny:
        """Fetch the market of what is to be placed; or say no at once where the market does not matter."""
        symbols = (intent.symbol,)
        first = decide_each(self._layers(active), intent, {}, self._time.now_us())
        if type(first) is Deny and first.rule in NEED_NO_MARKET:
            return first
        await self._market.follow(symbols)
        return self._market.references(symbols, self._time.now_us())


def denied(deny: Deny, route: Route) -> Denied:
    """Say that a rule refused a request."""
    values = dict(deny.values)
    if deny.limit:
        values["limit"] = deny.limit
    return Denied(by_policy(deny, route.kind), values)


def _reason(active: ActiveKey, allowed: tuple[Allow, ...]) -> str:
    """What allowed it; and in shadow mode what would have refused it."""
    shadowed = [str(deny) for allow in allowed for deny in allow.shadowed]
    name = active.key.policy_name
    return f"policy {name}; in shadow: {'; '.join(shadowed)}" if shadowed else f"policy {name}"
