"""Refusals in the trail: counted before somebody is known, a row each afterwards. Never decides one."""

from typing import Final

from watchword.audit.event import Refusal
from watchword.audit.trail import AuditTrail
from watchword.gateway.admission import Caller
from watchword.gateway.deciding import Denied
from watchword.gateway.messages import Inbound, Refused
from watchword.gateway.replay import Entry
from watchword.gateway.resign import without_authentication
from watchword.kernel.entropy import Entropy, alphanumeric

#: Begins the ids of this process's requests.
RUN_LENGTH: Final = 8


class Recorder:
    """Writes down refusals, and names requests."""

    def __init__(self, trail: AuditTrail, entropy: Entropy) -> None:
        """Take the trail."""
        self._trail = trail
        self._run = alphanumeric(entropy, RUN_LENGTH)
        self._count = 0

    def next_id(self) -> str:
        """Name a request: the process, and a number."""
        self._count += 1
        return f"{self._run}{self._count}"

    def turned_away(self, refused: Refused, inbound: Inbound) -> Refused:
        """Count a refusal of somebody who has not shown to be whom they name."""
        self._trail.count_refusal(refused.rule, inbound.ip)
        return refused

    def refused(self, denied: Denied, inbound: Inbound, caller: Caller, entry: Entry | None) -> Refused:
        """Record a refusal of a known key.

        Args:
            denied: Why, and what was compared.
            inbound: As received.
            caller: Whose it is.
            entry: In the replay guard; None where it has none.
        """
        refused = denied.refused
        self._trail.record_refusal(
            Refusal(
                key=caller.active.key.id,
                endpoint=caller.place,
                rule=refused.rule,
                reason=refused.wire.text,
                request=self.next_id(),
                ip=inbound.ip,
                parameters=without_authentication(inbound.params),
                values=denied.values,
                code=refused.wire.code,
                deadline_us=caller.deadline_us,
                replay=entry.replay if entry is not None else "",
            )
        )
        return refused
