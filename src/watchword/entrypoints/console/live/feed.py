"""One viewer's answer: events as they come, a beat now and then, an end when the caller may no longer look. Asks nobody.

The session is looked at every second without being used: a page that stands open does not keep its session from idling.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING, Final, Protocol, Self

from watchword.accounts.model import ApiToken, Person, Session
from watchword.accounts.roles import may
from watchword.accounts.sessions import over
from watchword.accounts.tokens import token_may

if TYPE_CHECKING:
    from watchword.accounts.roles import Action
    from watchword.bootstrap.console import Console
    from watchword.entrypoints.console.route import Caller

LOOK_S: Final = 1.0
#: Looks between two beats; proxies close what says nothing for longer.
BEAT_LOOKS: Final = 10
#: How long a browser waits before it comes again.
RETRY: Final = b"retry: 3000\n\n"
BEAT: Final = b": beat\n\n"
ENDED: Final = b"event: ended\ndata: {}\n\n"
BEHIND: Final = b"event: behind\ndata: {}\n\n"


class Takes(Protocol):
    """Who looks on: a `Viewer`, or a `ChangeViewer`."""

    dropped: bool

    async def take(self, wait_s: float) -> bytes:
        """Return everything that waits, as one piece; empty where nothing came in time."""
        ...


class Feed:
    """One viewer's events, as pieces; ends with `ended` where the session is over, with `behind` where it was dropped.

    Why not a generator: one that nobody began to read runs no `finally`, and the viewer's seat would stay taken.
    """

    def __init__(self, viewer: Takes, allowed: Callable[[], bool], leave: Callable[[], None]) -> None:
        """Write a viewer's events.

        Args:
            viewer: Whose.
            allowed: Whether the caller may still look.
            leave: Called once at the end, whoever ends it.
        """
        self._viewer, self._allowed, self._leave = viewer, allowed, leave
        self._silent = 0
        self._begun = self._over = self._left = False

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> bytes:
        """Return the next piece, within BEAT_LOOKS looks."""
        if self._over:
            raise StopAsyncIteration
        if not self._begun:
            self._begun = True
            return RETRY
        while True:
            piece = await self._viewer.take(LOOK_S)
            if not self._allowed():
                self._over = True
                return ENDED
            if self._viewer.dropped:
                self._over = True
                return BEHIND
            if piece:
                self._silent = 0
                return piece
            self._silent += 1
            if self._silent % BEAT_LOOKS == 0:
                return BEAT

    async def aclose(self) -> None:
        """Leave."""
        if not self._left:
            self._left = True
            self._leave()


def still_allowed(console: "Console", who: "Caller", action: "Action") -> bool:
    """Whether a caller may still do something: session or token in force, person enabled, role and scope as needed.

    Args:
        console: Knows people.
        who: Who called, as found then.
        action: The route's.
    """
    now_us = console.clock.now_us()
    person = console.register.get(Person, who.person.id)
    if person is None or person.disabled_us or not may(person.role, action):
        return False
    if who.session is not None:
        session = console.register.get(Session, who.session.id)
        return session is not None and session.stage == "full" and not over(session, now_us)
    if who.token is None:
        return False
    token = console.register.get(ApiToken, who.token.id)
    return token is not None and now_us < token.expires_us and token_may(token, person.role, action)
