"""The life of a request, step by step; all branching is here.

 1  route                      routes.py
 2  parameters present    }
 3  key, address, expiry  }    admission.py
 4  timing, signature     }
 5a replay guard               replay.py
 5b budgets                    budgets.py
 5c meaning, owner, policy     deciding.py; what it uses up is reserved at once
 5d people, where policy asks  approving.py; then 2 to 4 and 5c once more
 6  record, durable       }
 7  signature             }    courier.py
 8  sending, once         }
 9  outcome, reply        }

What carries neither key nor signature goes on as it is and is not recorded. The virtual key never reaches the upstream,
the real key never another host. Never touches a socket, a clock or a file.
"""

from functools import partial
from typing import Final

from watchword.audit.event import Intent
from watchword.audit.trail import AuditTrail
from watchword.binance.errors import TIMEOUT, WireError
from watchword.binance.request import Params
from watchword.binance.upstreams import Upstream
from watchword.gateway.admission import Admission, Caller
from watchword.gateway.approvals import Approvals
from watchword.gateway.approving import Approving
from watchword.gateway.asking import Asking
from watchword.gateway.budgets import Budgets, Spent
from watchword.gateway.courier import Courier, Errand
from watchword.gateway.deciding import Decided, Decider, Denied, Wanted
from watchword.gateway.messages import Answer, Inbound, Refused, Reply, Unanswered
from watchword.gateway.order_desk import Ask, OrderDesk
from watchword.gateway.ports import (
    ActiveKey,
    Ledger,
    Link,
    MarketReferences,
    Signers,
    UpstreamTime,
    VirtualKeys,
)
from watchword.gateway.recorder import Recorder
from watchword.gateway.refusal import UNKNOWN, UNPARSED, by_owner, unavailable, wrong_key_type
from watchword.gateway.replay import Entry, ReplayGuard
from watchword.gateway.resign import pass_on, without_authentication
from watchword.gateway.routes import LOGON, SUBSCRIBE_SIGNED, Route, route_named, route_of
from watchword.gateway.told import OK, told
from watchword.kernel.entropy import Entropy
from watchword.policy.intent import Read

CANCEL_ALL: Final = "openOrders.cancelAll"
ONE_BY_ONE: Final = "the key's own orders, one by one; each has a record of its own"
NOTHING_SIGNED: Final = "nothing is signed for a logon"


class Pipeline:
    """One per gateway process.

    Attributes:
        guard: The replay guard; to be restored from the trail before the first request.
        budgets: Weights and orders.
    """

    def __init__(
        self,
        *,
        upstream: Upstream,
        keys: VirtualKeys,
        signers: Signers,
        trail: AuditTrail,
        time: UpstreamTime,
        market: MarketReferences,
        ledger: Ledger,
        desk: OrderDesk,
        entropy: Entropy,
        budgets: Budgets | None = None,
        guard: ReplayGuard | None = None,
        approvals: Approvals | None = None,
    ) -> None:
        """Join the parts.

        Args:
            upstream: The one exchange this process talks to.
            keys: Virtual keys, from memory.
            signers: The vault.
            trail: The audit trail.
            time: The upstream's clock.
            market: What policies need to know of the market.
            ledger: What keys have used up, and whose orders are whose.
            desk: The rules about whose order is whose.
            entropy: Begins the ids of requests.
            budgets: With other limits than Binance's published ones.
            guard: Given where it was restored already.
            approvals: Of requests that people must approve; without them such requests are refused.
        """
        self.guard = ReplayGuard() if guard is None else guard
        self.budgets = Budgets() if budgets is None else budgets
        self._upstream = upstream
        self._keys = keys
        self._time = time
        self._desk = desk
        self._recorder = Recorder(trail, entropy)
        self._admission = Admission(keys, signers, time, self.guard)
        self._decider = Decider(desk, ledger, market, time)
        self._approving = Approving(approvals, self._admission, self._decider, trail, time, desk)
        self._courier = Courier(upstream, keys, signers, trail, time, desk, self.budgets)
        self._asking = Asking(upstream, self._courier, self.budgets, time, self._recorder)

    async def handle(self, inbound: Inbound, link: Link) -> Reply:
        """Answer one request.

        Args:
            inbound: As received. Whoever calls this must let it finish: what is on its way cannot be taken back.
            link: The way to the upstream for the door it came by.

        Returns:
            The upstream's answer, untouched unless orders of others were left out; or Watchword's refusal.
        """
        route = route_of(inbound)  # 1
        if type(route) is Refused:
            return self._recorder.turned_away(route, inbound)
        proven = inbound.signature is not None or inbound.logged_on
        if route.security == "NONE" or not (proven or inbound.api_key):
            return await self._unsigned(inbound, route, link)
        if not (proven or route.listed):
            return self._recorder.turned_away(UNPARSED, inbound)
        caller = self._admission.admit(inbound, route)  # 2, 3, 4
        if type(caller) is Refused:
            return self._recorder.turned_away(caller, inbound)
        reads = route.kind == "read" and route.security == "USER_DATA"
        entry = self._admission.enter(inbound, caller, reads=reads)  # 5a
        if entry is None or type(entry) is Entry:
            reply: Reply | None = None
            try:
                reply = await self._authenticated(inbound, route, link, caller, entry)
            finally:
                if entry is not None:
                    self.guard.settle(entry, _known(reply, route))
            return reply
        if type(entry) is Refused and entry.rule == "replay":
            return self._recorder.refused(Denied(entry), inbound, caller, None)
        return entry

    async def logon(self, inbound: Inbound) -> ActiveKey | Refused:
        """Judge a `session.logon`. The session itself is the door's business; later requests name its key.

        Args:
            inbound: With path `session.logon`, and its own signature.

        Returns:
            The key the session is logged on with, or the refusal. It is recorded before it is true.
        """
        route, recorder = route_named(LOGON), self._recorder
        caller = self._admission.admit(inbound, route)
        if type(caller) is Refused:
            return recorder.turned_away(caller, inbound)
        credential = self._keys.find(inbound.api_key or "")
        if credential is None or credential.key_type != "ED25519":
            return recorder.turned_away(wrong_key_type(credential.key_type if credential else ""), inbound)
        entry = self._admission.enter(inbound, caller)
        if type(entry) is not Entry:
            # A logon is never answered from the record: who has the bytes has not the session.
            refused = entry if type(entry) is Refused else UNKNOWN
            return recorder.refused(Denied(refused), inbound, caller, None)
        params = without_authentication(inbound.params)
        decided = Decided(Read(LOGON, route.security), params, "", "logon", None)
        errand = self._errand(inbound, route, caller, entry, decided, None)
        row = await self._courier.record(errand)
        if type(row) is Refused:
            return recorder.refused(Denied(row), inbound, caller, entry)
        self._courier.not_sent(errand, row, NOTHING_SIGNED)
        return caller.active

    async def ask(
        self, active: ActiveKey, name: str, method: str, path: str, params: Params, link: Link
    ) -> Answer | Refused | Unanswered:
        """Send a question, or a part of a change, of Watchword's own for a key. Recorded and signed like any other.

        Args:
            active: The key.
            name: Of the operation, as in `binance.endpoints`, or method and path.
            method: HTTP method; empty on the WebSocket API.
            path: Path, or the WebSocket method.
            params: Without those of authentication.
            link: The way to the upstream.
        """
        key = active.key
        return await self._asking.ask(key.credential_id, key.id, name, method, path, params, link, active)

    async def ask_as(
        self, credential_id: str, key_id: str, name: str, method: str, path: str, params: Params, link: Link
    ) -> Answer | Refused | Unanswered:
        """As `ask`, also for a key that is not there any more: its orders must still be looked after."""
        return await self._asking.ask(credential_id, key_id, name, method, path, params, link, None)

    async def _unsigned(self, inbound: Inbound, route: Route, link: Link) -> Reply:
        """Send on what needs no signature, without the virtual key."""
        api_key, key = "", None
        if inbound.api_key and route.family == "sapi" and route.kind == "read":
            # Market data under /sapi wants a key and no signature.
            active = self._admission.lend(inbound)
            if type(active) is Refused:
                return self._recorder.turned_away(active, inbound)
            record = self._courier.credential(active.key.credential_id)
            if type(record) is Refused:
                return self._recorder.turned_away(record, inbound)
            api_key, key = record.api_key, active.key
        spent = self.budgets.take(route, inbound.path, inbound.params, key, self._time.now_us())
        if type(spent) is Refused:
            return self._recorder.turned_away(spent, inbound)
        answer: Answer | Unanswered = Unanswered(True, "")
        try:
            answer = await link.send(pass_on(inbound, api_key))
        finally:
            self.budgets.settle(spent, answer, self._time.now_us())
        if type(answer) is Unanswered:
            return UNKNOWN if answer.sent else unavailable("upstream", answer.reason)
        return answer

    async def _authenticated(
        self, inbound: Inbound, route: Route, link: Link, caller: Caller, entry: Entry | None
    ) -> Reply:
        """Steps 5b to 9."""
        active, budgets = caller.active, self.budgets
        spent = budgets.take(route, inbound.path, inbound.params, active.key, caller.now_us)  # 5b
        if type(spent) is Refused:
            return self._recorder.refused(Denied(spent), inbound, caller, entry)
        ask = partial(self._asking.for_desk, active, link, route.kind == "cancel")
        decided: Decided | Denied | Wanted | None = None
        try:
            params = without_authentication(inbound.params)
            decided = await self._decider.decide(active, route, params, ask)  # 5c
            if type(decided) is Wanted:
                caller, decided = await self._approving.settle(decided, inbound, route, caller, ask)  # 5d
                active = caller.active
        finally:
            if type(decided) is not Decided:
                budgets.settle(spent, None, caller.now_us)
        if type(decided) is Denied:
            return self._recorder.refused(decided, inbound, caller, entry)
        errand = self._errand(inbound, route, caller, entry, decided, spent)
        answer: Answer | Refused | Unanswered
        if route.name == CANCEL_ALL and active.key.own_orders_only and decided.only_cancels:
            answer = await self._cancel_all(active, errand, ask)
        else:
            answer = await self._courier.carry(errand, link)  # 6, 7, 8, 9
        if type(answer) is Unanswered:
            return UNKNOWN
        if type(answer) is Refused:
            return self._recorder.refused(Denied(answer), inbound, caller, entry)
        if answer.status != OK:
            return answer
        narrowed = self._desk.narrow(active, route.name, answer)
        if type(narrowed) is WireError:
            return self._recorder.refused(Denied(by_owner(narrowed)), inbound, caller, entry)
        return narrowed

    async def _cancel_all(self, active: ActiveKey, errand: Errand, ask: Ask) -> Answer | Refused | Unanswered:
        """Cancel only what is the key's own."""
        row = await self._courier.record(errand)
        if type(row) is Refused:
            return row
        try:
            answer = await self._desk.cancel_all(active, errand.intent.parameters, ask)
        except BaseException:
            self._courier.given_up(errand, row, "given up half-way: " + ONE_BY_ONE)
            raise
        if answer == TIMEOUT:
            # One of them was sent and not answered: neither refused nor not sent.
            self._courier.given_up(errand, row, f"{TIMEOUT.text} {ONE_BY_ONE}")
            return Unanswered(True, TIMEOUT.text)
        if type(answer) is WireError:
            self._courier.not_sent(errand, row, f"{answer.text} {ONE_BY_ONE}")
            return by_owner(answer)
        self._courier.answered(row, answer, ONE_BY_ONE)
        if errand.spent is not None:
            # Each of its parts took its own.
            self.budgets.settle(errand.spent, None, self._time.now_us())
        return answer

    def _errand(
        self,
        inbound: Inbound,
        route: Route,
        caller: Caller,
        entry: Entry | None,
        decided: Decided,
        spent: Spent | None,
    ) -> Errand:
        key = caller.active.key
        intent = Intent(
            request=self._recorder.next_id(),
            key=key.id,
            credential=key.credential_id,
            upstream=self._upstream,
            endpoint=caller.place,
            ip=inbound.ip,
            only_cancels=decided.only_cancels,
            client_order_id=decided.client_order_id,
            parameters=decided.params,
            policy=key.policy_digest,
            reason=decided.reason,
            deadline_us=caller.deadline_us,
            replay=entry.replay if entry is not None else "",
            reserved=decided.reservation.reserved if decided.reservation is not None else None,
        )
        return Errand(
            intent=intent,
            route=route,
            door=inbound.door,
            method=inbound.method,
            path=route.ws_method or inbound.path,
            api_key=inbound.api_key or "",
            passing=inbound.passing,
            reservation=decided.reservation,
            spent=spent,
        )


def _known(reply: Reply | None, route: Route) -> Reply | None:
    """What may be told to a retry; None where nobody knows what became of a change."""
    if type(reply) is Refused:
        return None if reply.rule == "unknown" else reply
    if reply is None or (route.kind != "read" and reply.status != OK and told(reply).unknown):
        return None
    if route.name == SUBSCRIBE_SIGNED and reply.status == OK:
        # It names a subscription of one connection: on another the number means another's, or nothing.
        return None
    return reply
