"""Where viewers come to: takes a seat, joins a relay, and hands out the feed. One for each console; ends with it."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Final

import msgspec

from watchword.accounts.model import Person
from watchword.binance.upstreams import Addresses
from watchword.entrypoints.console.live.account_relay import AccountRelay
from watchword.entrypoints.console.live.changes_desk import ChangesDesk
from watchword.entrypoints.console.live.feed import Feed, Takes, still_allowed
from watchword.entrypoints.console.live.market_relay import MarketRelay
from watchword.entrypoints.console.live.topics import Topic, Wanted
from watchword.entrypoints.console.live.viewers import Seats, Viewer
from watchword.entrypoints.console.neighbours import neighbours_of, shaped
from watchword.entrypoints.console.problem import TOO_MANY, Problem
from watchword.entrypoints.console.streaming import EVENTS, Streamed
from watchword.entrypoints.testnet.admin import requests as testnet

if TYPE_CHECKING:
    from watchword.accounts.roles import Action
    from watchword.bootstrap.console import Console
    from watchword.entrypoints.console.route import Caller

RETRY_S: Final = 5


class _Status(msgspec.Struct, frozen=True):
    """Where the testnet is, as its `status` says."""

    rest: str = ""
    ws_api: str = ""
    streams: str = ""


class Look(msgspec.Struct, frozen=True):
    """An account that is looked at: its number, and whether it still is within reach."""

    number: int
    reaches: Callable[[], bool]


class _Part(msgspec.Struct, frozen=True):
    """A relay joined, and left."""

    join: Callable[[], bool]
    leave: Callable[[], None]


class LiveDesk:
    """All viewers of a console.

    When unavailable: feeds stay open and silent but for their beat.
    """

    def __init__(self, console: "Console") -> None:
        """Look at a console; nothing is opened yet."""
        self._console = console
        self._seats = Seats()
        self._markets = MarketRelay(self._addresses)
        self._accounts = AccountRelay(self._watch)
        self._changes = ChangesDesk(console, self._accounts)
        self._closed = False

    def market(
        self, who: "Caller", action: "Action", symbol: str, interval: str, account: Look | None = None
    ) -> Streamed | Problem:
        """Show a market, and an account beside it where one is given: browsers open few connections to a host.

        Args:
            who: Who looks.
            action: The route's; the feed ends when they may not any more.
            symbol: One that is listed.
            interval: Of the candles.
            account: Within reach.
        """
        viewer, markets = Viewer(interval), self._markets
        joins = [_Part(lambda: markets.join(symbol, viewer), lambda: markets.leave(symbol, viewer))]
        if account is None:
            return self._seated(who, action, viewer, joins, _always)
        joins.append(self._account(account, viewer))
        return self._seated(who, action, viewer, joins, account.reaches)

    def account(self, who: "Caller", action: "Action", account: Look) -> Streamed | Problem:
        """Show what happens in an account.

        Args:
            who: Who looks.
            action: The route's.
            account: Within reach.
        """
        viewer = Viewer()
        return self._seated(who, action, viewer, [self._account(account, viewer)], account.reaches)

    def changes(
        self, who: "Caller", action: "Action", wanted: Sequence[Wanted], since_us: int
    ) -> Streamed | Problem:
        """Tell a page what of that changes which it shows.

        Args:
            who: Who looks.
            action: The route's.
            wanted: What the page shows; what its person may not know of it is never told.
            since_us: When the page was rendered, epoch microseconds.
        """
        viewer, role, ends = self._changes.viewer(who, wanted), who.person.role, []

        def join() -> bool:
            ends.append(self._changes.join(viewer, wanted, since_us))
            return True

        def same_role() -> bool:
            # Somebody with another role comes again and is asked anew what they may know.
            person = self._console.register.get(Person, who.person.id)
            if person is not None and person.role != role:
                viewer.drop()
            return True

        parts = [_Part(join, lambda: ends.pop()() if ends else None)]
        return self._seated(who, action, viewer, parts, same_role)

    def tell_person(self, person_id: str, topic: Topic) -> None:
        """Tell one person's pages that something of theirs went on."""
        self._changes.tell_person(person_id, topic)

    def look_soon(self) -> None:
        """Look at what pages show: something was changed through this console."""
        self._changes.look_soon()

    def close(self) -> None:
        """End every feed, so that the server can end."""
        self._closed = True
        self._changes.close()
        self._markets.close()
        self._accounts.close()

    def _seated(
        self, who: "Caller", action: "Action", viewer: Takes, parts: list[_Part], also: Callable[[], bool]
    ) -> Streamed | Problem:
        """Take a seat and join; all is left when the feed ends. The caller sends the feed, whatever happens."""
        person_id = who.person.id
        if self._closed or not self._seats.take(person_id):
            return Problem(TOO_MANY, "too many pages look on already; close some", retry_after_s=RETRY_S)

        def leave() -> None:
            for part in parts:
                part.leave()
            self._seats.leave(person_id)

        def allowed() -> bool:
            return still_allowed(self._console, who, action) and also()

        if not all(part.join() for part in parts):
            leave()
            return Problem(TOO_MANY, "too much is looked at already", retry_after_s=RETRY_S)
        return Streamed(Feed(viewer, allowed, leave), EVENTS)

    def _account(self, account: Look, viewer: Viewer) -> _Part:
        accounts, number = self._accounts, account.number
        return _Part(lambda: accounts.join(number, viewer), lambda: accounts.leave(number, viewer))

    async def _addresses(self) -> Addresses | None:
        found = shaped(await neighbours_of(self._console).ask_testnet(testnet.ShowStatus()), _Status)
        if isinstance(found, Problem) or not found.streams:
            return None
        return Addresses(found.rest, found.ws_api, found.streams)

    async def _watch(self, account: int, after: int, wait_ms: int) -> Any | Problem:
        request = testnet.WatchAccount(str(account), after, wait_ms)
        return await neighbours_of(self._console).ask_testnet(request)


def _always() -> bool:
    return True


def live_desk_of(console: "Console") -> LiveDesk:
    """Return a console's; made at the first call."""
    found = console.at_hand.get(LiveDesk)
    if found is None:
        found = console.at_hand[LiveDesk] = LiveDesk(console)
    desk: LiveDesk = found
    return desk


def look_soon(console: "Console") -> None:
    """Have pages look soon: something was changed through this console. Where nobody ever looked, nothing."""
    desk: LiveDesk | None = console.at_hand.get(LiveDesk)
    if desk is not None:
        desk.look_soon()


def end_live(console: "Console") -> None:
    """End every feed of a console that is to stop; where there never was one, nothing."""
    desk: LiveDesk | None = console.at_hand.get(LiveDesk)
    if desk is not None:
        desk.close()
