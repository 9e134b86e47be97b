"""The calls that wait for their row to be durable, and for how long. Never makes a row and never touches a sink."""

from collections import deque
from collections.abc import Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import asyncio


class Waiter:
    """One call.

    Attributes:
        future: Gets the row's number.
        since: When it began, seconds of the loop's clock.
        any_sink: One sink is enough.
        number: Its row, 0 before it has one.
    """

    __slots__ = ("any_sink", "future", "number", "since")

    def __init__(self, future: "asyncio.Future[int]", since: float, *, any_sink: bool) -> None:
        self.future = future
        self.since = since
        self.any_sink = any_sink
        self.number = 0


class WaitingRoom:
    """All calls that wait, oldest first."""

    def __init__(self) -> None:
        self._everyone: deque[Waiter] = deque()
        self._for_all: deque[Waiter] = deque()
        self._for_any: deque[Waiter] = deque()

    def enter(self, waiter: Waiter) -> None:
        """Begin to wait; the row comes later."""
        self._everyone.append(waiter)

    def sealed(self, waiter: Waiter, number: int) -> None:
        """The call's row was made and handed over."""
        waiter.number = number
        (self._for_any if waiter.any_sink else self._for_all).append(waiter)

    def settle(self, everywhere: int, somewhere: int) -> None:
        """Wake those whose rows are durable.

        Args:
            everywhere: The last row that every sink has.
            somewhere: The last row that one of them has.
        """
        for waiting, reached in ((self._for_all, everywhere), (self._for_any, somewhere)):
            while waiting and (waiting[0].number <= reached or waiting[0].future.done()):
                waiter = waiting.popleft()
                if not waiter.future.done():
                    waiter.future.set_result(waiter.number)
        self._forget_done()

    def overdue(self, before: float) -> Iterator[Waiter]:
        """Yield, and forget, those who wait since `before` or longer."""
        self._forget_done()
        while self._everyone and self._everyone[0].since <= before:
            yield self._everyone.popleft()
            self._forget_done()

    def hopeless(self, *, one_sink_works: bool) -> list[Waiter]:
        """Return those whom a sink's failure leaves without hope."""
        return [
            waiter
            for waiter in self._everyone
            if not waiter.future.done() and not (waiter.any_sink and one_sink_works)
        ]

    def oldest_since(self) -> float | None:
        """Return when the oldest began to wait, or None where nobody does."""
        self._forget_done()
        return self._everyone[0].since if self._everyone else None

    def _forget_done(self) -> None:
        while self._everyone and self._everyone[0].future.done():
            self._everyone.popleft()
