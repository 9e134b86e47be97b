"""What happens in an account, kept for a moment for who asks again and again. Tells nothing that user data streams do not.

Why not a WebSocket: those need a key of the account, and the console has none. An account is watched from the first
question on and forgotten when nobody asked for a while.
"""

import asyncio
from collections import deque
from typing import TYPE_CHECKING, Any, Final

import msgspec

from watchword.entrypoints.sockets.frames import payload_of
from watchword.entrypoints.testnet.admin.lookup import account_named
from watchword.entrypoints.testnet.admin.requests import Refused, WatchAccount
from watchword.entrypoints.testnet.user_data import Subscription, UserStreams

if TYPE_CHECKING:
    from watchword.bootstrap.testnet import Testnet

#: Kept for each account; whoever asks too late is told that some are gone.
EVENTS_MAX: Final = 500
ACCOUNTS_MAX: Final = 64
#: Nobody asked for so long: no longer watched.
IDLE_S_MAX: Final = 120.0


class _Told(msgspec.Struct, frozen=True):
    """What a user data stream sends."""

    event: msgspec.Raw


_decoder: Final = msgspec.json.Decoder(_Told)


class AccountWatch:
    """One account's newest events. A listener of `UserStreams`.

    Attributes:
        micros: Events have microseconds.
        asked_s: Loop time of the last question.
        count: Of events so far; what the next question gives as `after`.
    """

    micros = True

    def __init__(self, account_id: int) -> None:
        """Watch from now on.

        Args:
            account_id: Whose.
        """
        self.subscription = Subscription(0, account_id, "", self, by_logon=False)
        self.asked_s, self.count = 0.0, 0
        self._events: deque[msgspec.Raw] = deque(maxlen=EVENTS_MAX)
        self._came = asyncio.Event()

    def send(self, frame: bytes) -> None:
        """Keep one event."""
        self._events.append(_decoder.decode(payload_of(frame)).event)
        self.count += 1
        self._came.set()

    async def after(self, number: int, wait_s: float) -> dict[str, Any]:
        """Return the events after a number, waiting for the first.

        Args:
            number: `next` of the answer before.
            wait_s: For how long; nothing came then.
        """
        self._came.clear()
        if number == self.count:
            try:
                async with asyncio.timeout(wait_s):
                    await self._came.wait()
            except TimeoutError:
                return {"next": self.count, "events": [], "missed": False}
        oldest = self.count - len(self._events)
        # A number from before a restart can be anything; what it missed is not known, so it is told to look anew.
        missed = not oldest <= number <= self.count
        events = [] if missed else list(self._events)[number - oldest :]
        return {"next": self.count, "events": events, "missed": missed}


class AccountWatches:
    """All watched accounts of a testnet; `of` makes it at the first call."""

    def __init__(self, testnet: "Testnet") -> None:
        """Listen to what is applied.

        Args:
            testnet: Started.
        """
        self._streams = UserStreams(testnet.venue)
        self._watched: dict[int, AccountWatch] = {}
        testnet.sequencer.listeners.append(self._streams.on_applied)

    @classmethod
    def of(cls, testnet: "Testnet") -> "AccountWatches":
        """Return the watches of a testnet."""
        found = testnet.at_hand.get(cls)
        if found is None:
            found = testnet.at_hand[cls] = cls(testnet)
        watches: AccountWatches = found
        return watches

    def watch(self, account_id: int) -> AccountWatch | None:
        """Watch an account; None where too many are watched already."""
        now_s = asyncio.get_running_loop().time()
        for one, watch in tuple(self._watched.items()):
            if now_s - watch.asked_s > IDLE_S_MAX and one != account_id:
                self._streams.end(watch.subscription)
                del self._watched[one]
        found = self._watched.get(account_id)
        if found is None:
            if len(self._watched) >= ACCOUNTS_MAX:
                return None
            found = self._watched[account_id] = AccountWatch(account_id)
            self._streams.begin(found.subscription)
        found.asked_s = now_s
        return found


async def watch_account(testnet: "Testnet", request: WatchAccount) -> dict[str, Any] | Refused:
    """Answer with what happened in an account since the last question, or once something does.

    Args:
        testnet: Started.
        request: Whose, since when, and how long to wait.

    Returns:
        `next`, `events` as user data streams have them with microseconds, and `missed`: some are gone, look anew.
    """
    account = account_named(testnet, request.account)
    if account is None:
        return Refused(f"there is no account {request.account}")
    watch = AccountWatches.of(testnet).watch(account.account_id)
    if watch is None:
        return Refused(f"{ACCOUNTS_MAX} accounts are watched already")
    return await watch.after(watch.count if request.after < 0 else request.after, request.wait_ms / 1_000)
