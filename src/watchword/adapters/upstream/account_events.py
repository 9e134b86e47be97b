"""What happens on the accounts behind the real credentials: one user-data subscription of the gateway's own for each.

Orders fill while no bot is connected; usage and open orders must follow all the same. Each subscription is signed by
a callable given in, anew after every break. Never signs, never sends anything but the subscription.

When unavailable: `on_interrupted`; what happened meanwhile must be asked for after `on_resumed`.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Final

import msgspec

from watchword.adapters.upstream.http_link import retry_after_s
from watchword.adapters.upstream.session import UpstreamSession
from watchword.adapters.upstream.ws_link import WsApiLink
from watchword.gateway.messages import Answer, Outbound

LOG = logging.getLogger("watchword.upstream.account_events")

BACKOFF_S_MIN: Final = 1.0
BACKOFF_S_MAX: Final = 60.0
#: A subscription that stood so long was a good one: the next break is answered at once.
STOOD_S: Final = 60.0
ACCOUNTS_MAX: Final = 256
_OK: Final = 200

#: Gives the signed `userDataStream.subscribe.signature` of a credential; None where it cannot be signed now.
Sign = Callable[[str], Awaitable[Outbound | None]]
#: Called with the credential's id and one event as the upstream sent it, in order.
OnEvent = Callable[[str, bytes], None]
#: Called with the credential's id.
OnChange = Callable[[str], None]


class _Kind(msgspec.Struct):
    e: str = ""


_KIND: Final = msgspec.json.Decoder(_Kind)


class AccountEvents:
    """The gateway's own subscriptions."""

    def __init__(
        self,
        session: UpstreamSession,
        sign: Sign,
        on_event: OnEvent,
        on_interrupted: OnChange,
        on_resumed: OnChange,
        *,
        backoff_s: float = BACKOFF_S_MIN,
    ) -> None:
        """Prepare; nothing is followed yet.

        Args:
            session: The shared one, started.
            sign: Signs the subscription, now; the audit trail's record of it is its business.
            on_event: For what happens on an account.
            on_interrupted: Events were lost from now on, until `on_resumed`.
            on_resumed: Events come again, or for the first time: time to ask for what was missed.
            backoff_s: Pause after the first failure; it doubles.
        """
        self._session = session
        self._sign = sign
        self._on_event = on_event
        self._on_interrupted = on_interrupted
        self._on_resumed = on_resumed
        self._backoff_s = backoff_s
        self._accounts: dict[str, _Account] = {}

    def follow(self, credential_id: str) -> bool:
        """Begin with an account, or try again at once where that is waiting for something (the vault was unsealed).

        Returns:
            False where there are too many.
        """
        account = self._accounts.get(credential_id)
        if account is not None:
            account.hurry.set()
            return True
        if len(self._accounts) >= ACCOUNTS_MAX:
            return False
        account = self._accounts[credential_id] = _Account()
        account.task = asyncio.create_task(self._attend(credential_id, account))
        return True

    async def unfollow(self, credential_id: str) -> None:
        """End with an account: its credential was removed, or nothing uses it any more."""
        account = self._accounts.pop(credential_id, None)
        if account is not None and account.task is not None:
            account.task.cancel()
            await asyncio.wait((account.task,))

    def steady(self, credential_id: str) -> bool:
        """Whether an account's events come."""
        account = self._accounts.get(credential_id)
        return account is not None and account.steady

    @property
    def followed(self) -> tuple[str, ...]:
        """The credentials' ids."""
        return tuple(self._accounts)

    async def close(self) -> None:
        """End with all."""
        for credential_id in tuple(self._accounts):
            await self.unfollow(credential_id)

    async def _attend(self, credential_id: str, account: "_Account") -> None:
        """Subscribe, stay until it breaks, again."""
        pause_s, loop = self._backoff_s, asyncio.get_running_loop()
        while True:
            began_s = loop.time()
            try:
                held_s = await self._once(credential_id, account)
            except Exception:
                LOG.exception("account events of %s", credential_id)
                held_s = 0
            if loop.time() - began_s >= STOOD_S:
                pause_s = self._backoff_s
            account.hurry.clear()
            try:
                if held_s:
                    # The upstream wants to be left alone: nobody may hurry that.
                    await asyncio.sleep(held_s)
                else:
                    await asyncio.wait_for(account.hurry.wait(), pause_s)
            except TimeoutError:
                pass
            pause_s = min(pause_s * 2, BACKOFF_S_MAX)

    async def _once(self, credential_id: str, account: "_Account") -> int:
        """One connection, from subscribing to its end.

        Returns:
            How many seconds the upstream asks to be left alone.
        """
        ended = asyncio.Event()

        def received(subscription_id: int | None, event: bytes) -> None:
            if subscription_id is None:
                return
            if _kind(event) == "eventStreamTerminated":
                ended.set()
            else:
                self._on_event(credential_id, event)

        link = WsApiLink(self._session, on_event=received, on_closed=lambda _: ended.set())
        try:
            failed = await link.open()
            request = await self._sign(credential_id) if failed is None else None
            answer = await link.send(request) if request is not None else None
            if not isinstance(answer, Answer) or answer.status != _OK:
                LOG.info("account events of %s: %s", credential_id, _why(failed or answer))
                return retry_after_s(answer) if isinstance(answer, Answer) else 0
            account.steady = True
            self._on_resumed(credential_id)
            await ended.wait()
            account.steady = False
            self._on_interrupted(credential_id)
            return 0
        finally:
            account.steady = False
            await link.close()


class _Account:
    """One account that is followed."""

    __slots__ = ("hurry", "steady", "task")

    def __init__(self) -> None:
        self.task: asyncio.Task[None] | None = None
        self.hurry = asyncio.Event()
        self.steady = False


def _kind(event: bytes) -> str:
    try:
        return _KIND.decode(event).e
    except msgspec.DecodeError:
        return ""


def _why(what: object) -> str:
    """For the log, never with the request in it."""
    if what is None:
        return "cannot be signed now"
    if isinstance(what, Answer):
        return f"refused with {what.status}"
    return str(getattr(what, "reason", "no answer"))
