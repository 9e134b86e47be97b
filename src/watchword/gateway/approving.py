"""Step 5d: a request that only people's approval is missing for. It is held, or refused and may be sent again.

What people said is for exactly one request and passes it once. Whatever was judged before they were asked is judged again
with what holds then. No answer, no approver, no record: no. Never decides who may say what: see approval.py.
"""

from collections.abc import Collection
from typing import Final

import msgspec

from watchword.audit.trail import AuditTrail, AuditUnavailable
from watchword.gateway.admission import Admission, Caller
from watchword.gateway.approval import Approval, request_digest
from watchword.gateway.approval_rows import change_of
from watchword.gateway.approvals import Approvals
from watchword.gateway.deciding import Decided, Decider, Denied, Wanted, denied
from watchword.gateway.messages import Inbound, Refused
from watchword.gateway.order_desk import Ask, OrderDesk
from watchword.gateway.ports import ActiveKey, UpstreamTime
from watchword.gateway.refusal import unavailable
from watchword.gateway.resign import without_authentication
from watchword.gateway.routes import Route
from watchword.policy.decision import Demand, Deny
from watchword.policy.policy import with_approvals

Settled = tuple[Caller, Decided | Denied]

NOBODY: Final = "no approver can be reached: no console's key is pinned here"
TOO_MANY: Final = "too many requests wait for an approval"
IN_USE: Final = "the approval is just being used by a request like this one"
#: What a client is told about a request that was asked about before, by the approval's state.
_SAID: Final = {
    "waiting": "{what}; asked as {id}, send the same request again once it is approved",
    "refused": "{what}; {id} was refused by a person",
    "lapsed": "{what}; {id} was not approved in time",
    "used": "{what}; {id} is used",
}


class Approving:
    """Settles requests of all keys of one process."""

    def __init__(
        self,
        approvals: Approvals | None,
        admission: Admission,
        decider: Decider,
        trail: AuditTrail,
        time: UpstreamTime,
        desk: OrderDesk,
    ) -> None:
        """Take what it asks.

        Args:
            approvals: None where nobody can approve anything.
            admission: Admits a held request again.
            decider: Decides again.
            trail: Where it is recorded that somebody was asked, and that what they said was used.
            time: The upstream's, for requests' own deadlines.
            desk: Takes back what was reserved for a request whose approval could not be recorded as used.
        """
        self._approvals = approvals
        self._admission = admission
        self._decider = decider
        self._trail = trail
        self._time = time
        self._desk = desk

    async def settle(
        self, wanted: Wanted, inbound: Inbound, route: Route, caller: Caller, ask: Ask
    ) -> Settled:
        """Find the approval of a request, or ask for it.

        Args:
            wanted: What is demanded.
            inbound: As received.
            route: Of the request.
            caller: Whose it is.
            ask: As the decider takes it.

        Returns:
            The caller as they are then, and the decision.
        """
        deny, approvals = wanted.deny, self._approvals
        if approvals is None or approvals.verifier is None:
            return caller, _refused(deny, route, f"{deny.reason}; {NOBODY}")
        params, key = without_authentication(inbound.params), caller.active.key
        held = all(demand.mode == "hold" for demand in deny.demands)
        digest = request_digest(key.id, route.name, params)
        known = None if held else approvals.of_request(digest)
        if known is not None:
            if set(deny.demands) <= set(known.demands):
                return await self._known(approvals, known, wanted, inbound, route, caller, ask)
            # The policy was changed meanwhile: what was said was said about another one.
            approvals.lapse(known)
        if not approvals.room_for(key.id, held=held):
            return caller, _refused(deny, route, f"{deny.reason}; {TOO_MANY}")
        approval = self._asked(approvals, deny, inbound, route, caller, digest, held=held)
        approvals.put(approval)
        fault = await self._recorded(approvals, approval)
        if fault is not None:
            return caller, fault
        if not held:
            return caller, _refused(deny, route, _told(deny, approval), approval)
        now = await _waited(approvals, approval)
        return await self._known(approvals, now, wanted, inbound, route, caller, ask)

    async def _known(
        self,
        approvals: Approvals,
        approval: Approval,
        wanted: Wanted,
        inbound: Inbound,
        route: Route,
        caller: Caller,
        ask: Ask,
    ) -> Settled:
        """Go by what was said about a request."""
        deny = wanted.deny
        if approval.state != "confirmed":
            return caller, _refused(deny, route, _told(deny, approval), approval)
        if not approvals.take(approval):
            return caller, _refused(deny, route, f"{deny.reason}; {IN_USE} ({approval.id})", approval)
        passed = False
        try:
            if approval.mode == "hold":
                again = self._admission.admit(inbound, route)
                if type(again) is Refused:
                    return caller, Denied(again, _facts(approval))
                caller = again
            decided = await self._again(approval, inbound, route, caller, ask)
            passed = type(decided) is Decided
        finally:
            if passed:
                approvals.used(approval)
            else:
                approvals.give_back(approval)
        return caller, decided

    async def _again(
        self, approval: Approval, inbound: Inbound, route: Route, caller: Caller, ask: Ask
    ) -> Decided | Denied:
        """Decide with what was approved; what passes is recorded as used before anything is signed for it."""
        active = _with(caller.active, approval.demands)
        decided = await self._decider.decide(active, route, without_authentication(inbound.params), ask)
        if type(decided) is Wanted:
            text = f"{decided.deny.reason}; {approval.id} was given for less"
            return _refused(decided.deny, route, text, approval)
        if type(decided) is Denied:
            return decided
        row = change_of("used", approval, approval.key_id, {"from": inbound.ip, "person": approval.people})
        try:
            await self._trail.record_change(row)
        except AuditUnavailable as error:
            self._give_back(decided)
            return Denied(unavailable("audit", str(error)), _facts(approval))
        except BaseException:
            self._give_back(decided)
            raise
        reason = f"{decided.reason}; {approval.id} approved by {approval.people}"
        return msgspec.structs.replace(decided, reason=reason)

    def _asked(
        self,
        approvals: Approvals,
        deny: Deny,
        inbound: Inbound,
        route: Route,
        caller: Caller,
        digest: str,
        *,
        held: bool,
    ) -> Approval:
        now_us, key = approvals.clock.now_us(), caller.active.key
        span_us = min(demand.time_limit_us for demand in deny.demands)
        if held:
            span_us = min(span_us, max(0, caller.deadline_us - self._time.now_us()))
        return Approval(
            id=approvals.next_id(),
            digest=digest,
            key_id=key.id,
            key_label=key.label,
            operation=route.name,
            place=caller.place,
            ip=inbound.ip,
            params=without_authentication(inbound.params),
            demands=deny.demands,
            reason=deny.reason,
            values=deny.values,
            mode="hold" if held else "refuse",
            asked_us=now_us,
            expires_us=now_us + span_us,
            line=tuple(key_id for key_id, _ in caller.active.layers),
        )

    async def _recorded(self, approvals: Approvals, approval: Approval) -> Denied | None:
        """Record that people are asked; what cannot be recorded is not asked."""
        row = change_of("asked", approval, approval.key_id, {"from": approval.ip})
        try:
            await self._trail.record_change(row)
        except AuditUnavailable as error:
            approvals.forget(approval)
            return Denied(unavailable("audit", str(error)), _facts(approval))
        except BaseException:
            approvals.forget(approval)
            raise
        return None

    def _give_back(self, decided: Decided) -> None:
        if decided.reservation is not None:
            self._desk.give_back(decided.reservation, self._time.now_us())


async def _waited(approvals: Approvals, approval: Approval) -> Approval:
    """Wait for people; whatever ends the waiting, afterwards nobody can say anything any more."""
    try:
        # Somebody may have been quicker than the record of the question.
        if (approvals.get(approval.id) or approval).state == "waiting":
            await approvals.room.wait(approval.id, approval.expires_us - approvals.clock.now_us())
    finally:
        now = approvals.get(approval.id) or approval
        if now.state == "waiting":
            approvals.lapse(now)
            now = msgspec.structs.replace(now, state="lapsed")
    return now


def _with(active: ActiveKey, given: Collection[Demand]) -> ActiveKey:
    """A key for one request that was approved: every layer without the demands that are met."""
    layers = tuple((key_id, with_approvals(policy, given)) for key_id, policy in active.layers)
    return msgspec.structs.replace(active, layers=layers)


def _told(deny: Deny, approval: Approval) -> str:
    return _SAID[approval.state].format(what=deny.reason, id=approval.id)


def _refused(deny: Deny, route: Route, text: str, approval: Approval | None = None) -> Denied:
    """Refuse by the rule, naming the approval where there is one."""
    shown = denied(msgspec.structs.replace(deny, reason=text, demands=()), route)
    if approval is None:
        return shown
    return Denied(shown.refused, {**shown.values, **_facts(approval)})


def _facts(approval: Approval) -> dict[str, str]:
    return {"approval": approval.id, "digest": approval.digest}
