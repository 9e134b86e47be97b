"""Every request that waits for people, in memory and within bounds. Judges no statement and records nothing.

Nothing of it survives the process: a yes that was given before a restart is in the trail and lets nothing pass.
"""

from collections import OrderedDict, deque
from collections.abc import Callable
from typing import TYPE_CHECKING, Final, final

import msgspec

from watchword.gateway.approval import Approval, State
from watchword.gateway.ports import WaitingRoom
from watchword.kernel.clock import Clock
from watchword.kernel.entropy import Entropy, alphanumeric

if TYPE_CHECKING:
    from watchword.credentials.verifier import Verifier

ID_PREFIX: Final = "ap-"
ID_LENGTH: Final = 12
#: Requests whose time is not over, of all keys and of one: asked, approved and refused ones.
CURRENT_COUNT_MAX: Final = 512
CURRENT_PER_KEY_COUNT_MAX: Final = 32
#: Requests that are held, of all keys and of one: each is a connection that waits.
HELD_COUNT_MAX: Final = 64
HELD_PER_KEY_COUNT_MAX: Final = 4
MICROSECOND_NS: Final = 1_000
#: Those that came to an end; shown until so many came after.
ENDED_COUNT_MAX: Final = 256
#: Those that lapsed and are not in the trail yet, because it takes nothing.
LAPSED_COUNT_MAX: Final = 1_024


@final
class Approvals:
    """Those of one process.

    Attributes:
        clock: The machine's: people's decisions are dated by it, not by the exchange's.
        room: Where held requests wait.
        verifier: Of the console's approval key; None where none is pinned, and then nobody can approve.
    """

    def __init__(
        self, clock: Clock, entropy: Entropy, room: WaitingRoom, monotonic_ns: Callable[[], int]
    ) -> None:
        """Begin with none.

        Args:
            clock: The machine's.
            entropy: Draws ids.
            room: Where held requests wait.
            monotonic_ns: A clock nobody can set, since any moment: a wall clock that is set back gives nobody more time.
        """
        self.clock, self.room, self._monotonic_ns = clock, room, monotonic_ns
        self.verifier: Verifier | None = None
        self._entropy = entropy
        self._current: dict[str, Approval] = {}
        self._by_digest: dict[str, str] = {}
        self._taken: set[str] = set()
        self._due_ns: dict[str, int] = {}
        self._ended: OrderedDict[str, Approval] = OrderedDict()
        self._closed = False
        self._lapsed: deque[Approval] = deque(maxlen=LAPSED_COUNT_MAX)

    def get(self, approval_id: str) -> Approval | None:
        """Return one, also an ended one that is still remembered."""
        return self._current.get(approval_id) or self._ended.get(approval_id)

    def listed(self) -> list[Approval]:
        """Return all that are remembered, oldest first."""
        return sorted((*self._ended.values(), *self._current.values()), key=lambda one: one.asked_us)

    def of_request(self, digest: str) -> Approval | None:
        """Return the one under which a request may be sent again, while its time is not over."""
        found = self._current.get(self._by_digest.get(digest, ""))
        return None if found is None or self._over(found) else found

    def room_for(self, key_id: str, *, held: bool) -> bool:
        """Whether one more may be asked."""
        if self._closed:
            return False
        self.sweep()
        current = [one for one in self._current.values() if not held or one.mode == "hold"]
        of_key = sum(one.key_id == key_id for one in current)
        if held and (len(current) >= HELD_COUNT_MAX or of_key >= HELD_PER_KEY_COUNT_MAX):
            return False
        return len(self._current) < CURRENT_COUNT_MAX and of_key < CURRENT_PER_KEY_COUNT_MAX

    def next_id(self) -> str:
        """Draw an id."""
        return ID_PREFIX + alphanumeric(self._entropy, ID_LENGTH)

    def put(self, approval: Approval) -> None:
        """Keep a new one; there must be room."""
        self._current[approval.id] = approval
        span_us = approval.expires_us - self.clock.now_us()
        self._due_ns[approval.id] = self._monotonic_ns() + span_us * MICROSECOND_NS
        if approval.mode == "refuse":
            self._by_digest[approval.digest] = approval.id

    def replace(self, before: Approval, after: Approval) -> bool:
        """Let what somebody said take effect, unless something else happened meanwhile; wake whoever waits for it."""
        if self._current.get(before.id) is not before or self._over(before):
            return False
        self._current[after.id] = after
        if after.state == "refused" and after.mode == "hold":
            # It does not come again, so its no need not be kept ready.
            self._end(after.id, "refused")
        elif after.state != "waiting":
            self.room.call(after.id)
        return True

    def take(self, approval: Approval) -> bool:
        """Begin to use a confirmed one; False where it is used already, or its time is over."""
        held = self._current.get(approval.id)
        if held is None or held.state != "confirmed" or approval.id in self._taken or self._over(held):
            return False
        self._taken.add(approval.id)
        return True

    def give_back(self, approval: Approval) -> None:
        """It was taken, and the request did not pass: it is as before. A held request does not come again."""
        self._taken.discard(approval.id)
        if approval.mode == "hold" or self._closed:
            self.lapse(approval)

    def used(self, approval: Approval) -> None:
        """It was taken, and the request passed."""
        self._end(approval.id, "used")

    def lapse(self, approval: Approval) -> None:
        """Nobody may say anything about it any more. One that is being used ends by that, and only once."""
        if approval.id not in self._taken:
            self._end(approval.id, "lapsed")

    def forget(self, approval: Approval) -> None:
        """It was never asked: it could not be recorded."""
        self._remove(approval)

    def sweep(self) -> None:
        """End those whose time is over."""
        for one in [one for one in self._current.values() if self._over(one)]:
            self.lapse(one)

    def end_all(self) -> None:
        """The process ends: all that wait are over, and nobody is asked any more."""
        self._closed = True
        for one in tuple(self._current.values()):
            self.lapse(one)

    def take_lapsed(self) -> Approval | None:
        """Return the first that lapsed and is not recorded; whoever takes it records it, or puts it back."""
        return self._lapsed.popleft() if self._lapsed else None

    def put_lapsed_back(self, approval: Approval) -> None:
        """It could not be recorded that it lapsed."""
        self._lapsed.appendleft(approval)

    def _over(self, approval: Approval) -> bool:
        """Whether its time is over by either clock."""
        return approval.expires_us <= self.clock.now_us() or self._due_ns[approval.id] <= self._monotonic_ns()

    def _end(self, approval_id: str, state: State) -> None:
        before = self._current.get(approval_id)
        if before is None:
            return
        self._remove(before)
        after = before
        if before.state != "refused":
            after = msgspec.structs.replace(before, state=state, ended_us=self.clock.now_us())
            if state == "lapsed":
                self._lapsed.append(after)
        self._ended[approval_id] = after
        while len(self._ended) > ENDED_COUNT_MAX:
            self._ended.popitem(last=False)
        self.room.call(approval_id)

    def _remove(self, approval: Approval) -> None:
        self._current.pop(approval.id, None)
        self._taken.discard(approval.id)
        self._due_ns.pop(approval.id, None)
        if self._by_digest.get(approval.digest) == approval.id:
            del self._by_digest[approval.digest]
