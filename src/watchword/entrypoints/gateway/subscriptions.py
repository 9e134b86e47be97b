"""User data on one connection of a client: which subscriptions stand, with which keys, and what of their events it sees.

The upstream's connection belongs to this client alone, so its subscription ids are passed on as they are. Sends nothing
itself; decides nothing about orders.
"""

from typing import Final

import msgspec

from watchword.entrypoints.gateway.door import Door

#: Events that came before the answer that names their subscription.
EARLY_EVENTS_MAX: Final = 256
_TERMINATED: Final = "eventStreamTerminated"
#: Events that belong to no subscription. Anything else without one is nobody's.
_OF_THE_CONNECTION: Final = frozenset(("serverShutdown", _TERMINATED))


class Subscription(msgspec.Struct, frozen=True):
    """One standing subscription.

    Attributes:
        number: The upstream's id.
        api_key: The virtual key it was opened with.
        by_logon: It was opened with the session's key and ends with the session.
    """

    number: int
    api_key: str
    by_logon: bool


class _Kind(msgspec.Struct):
    e: str = ""


class _Opened(msgspec.Struct):
    subscriptionId: int  # noqa: N815 - Binance's name


_KIND: Final = msgspec.json.Decoder(_Kind)
_OPENED: Final = msgspec.json.Decoder(_Opened)


class Subscriptions:
    """The subscriptions of one connection.

    Attributes:
        opening: Requests to subscribe that are on their way; while there are any, unknown events wait.
    """

    def __init__(self, door: Door) -> None:
        """Begin without any."""
        self._door = door
        self._standing: dict[int, Subscription] = {}
        self._early: list[tuple[int, bytes]] = []
        self.opening = 0

    def __len__(self) -> int:
        return len(self._standing)

    def numbers(self) -> list[int]:
        """Return the ids, oldest first."""
        return list(self._standing)

    def api_keys(self) -> set[str]:
        """Return the keys that opened them."""
        return {one.api_key for one in self._standing.values()}

    def opened(self, answer: bytes, api_key: str, *, by_logon: bool) -> Subscription | None:
        """Take a new one from the upstream's answer; None where it names none."""
        try:
            number = _OPENED.decode(answer).subscriptionId
        except msgspec.DecodeError:
            return None
        made = self._standing[number] = Subscription(number, api_key, by_logon)
        return made

    def take(self, *, api_key: str | None = None, by_logon: bool = False) -> list[Subscription]:
        """Take out those of a key, or those of the session; their events are seen no more."""
        taken = [
            one for one in self._standing.values() if one.api_key == api_key or (by_logon and one.by_logon)
        ]
        for one in taken:
            del self._standing[one.number]
        return taken

    def clear(self) -> None:
        """Forget all: the connection is gone."""
        self._standing.clear()
        self._early.clear()

    def early(self) -> list[bytes]:
        """Return frames of the events that waited for an answer that has been sent now."""
        waiting, self._early = self._early, []
        frames = []
        for number, event in waiting:
            if number in self._standing:
                frame = self.frame(number, event)
                if frame is not None:
                    frames.append(frame)
            elif self.opening:
                self._early.append((number, event))
        return frames

    def frame(self, number: int | None, event: bytes) -> bytes | None:
        """Turn an event into what the client gets.

        Args:
            number: Its subscription; None for an event of the connection itself.
            event: JSON, as the upstream sent it.

        Returns:
            The text of a frame; None where the client may not see it, or not yet.
        """
        if number is None:
            return b'{"event":%s}' % event if kind_of(event) in _OF_THE_CONNECTION else None
        subscription = self._standing.get(number)
        if subscription is None:
            if self.opening and len(self._early) < EARLY_EVENTS_MAX:
                self._early.append((number, event))
            return None
        if kind_of(event) == _TERMINATED:
            del self._standing[number]
            return event_text(number, event)
        services = self._door.services
        active = services.keys.active(subscription.api_key)
        if active is None:
            return None
        seen = services.desk.admit_event(active, event, services.time.now_us())
        return None if seen is None else event_text(number, seen)


def kind_of(event: bytes) -> str:
    """Read an event's `e`; empty where it cannot be read."""
    try:
        return _KIND.decode(event).e
    except msgspec.DecodeError:
        return ""


def event_text(number: int, event: bytes) -> bytes:
    """Write an event in the envelope of its subscription."""
    return b'{"subscriptionId":%d,"event":%s}' % (number, event)


def terminated(number: int, now_us: int, *, micros: bool) -> bytes:
    """Write the event that ends a subscription. Source: user-data-stream.md, "Event Stream Terminated"."""
    at = now_us if micros else now_us // 1000
    return event_text(number, b'{"e":"%s","E":%d}' % (_TERMINATED.encode(), at))
