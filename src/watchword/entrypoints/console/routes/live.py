"""Live events: a market's, an account's, and what changed, as server-sent events (https://html.spec.whatwg.org).

The events' documents are in `live.events` and `live.change_viewer`; beside them `again` (read anew, something may be
missing), `behind` (come again) and `ended` (the session is over).
"""

from typing import Annotated, Any, Final, Literal

import msgspec
from msgspec import Meta

from watchword.accounts.model import Person
from watchword.accounts.roles import ALL, may, reach
from watchword.entrypoints.console.live.desk import Look, live_desk_of
from watchword.entrypoints.console.live.topics import ACTIONS, TOPICS, read_wanted
from watchword.entrypoints.console.problem import INVALID, NOT_FOUND, Problem
from watchword.entrypoints.console.route import Ask, Route
from watchword.entrypoints.console.routes.account_past import past_of
from watchword.entrypoints.console.routes.exchange_calls import NO_ACCOUNT
from watchword.entrypoints.console.routes.market import TAG, SymbolName, listing_of
from watchword.entrypoints.console.routes.reaching import reaches_account
from watchword.entrypoints.console.routes.testnet_accounts import account_in_path
from watchword.entrypoints.console.routes.trading import TAG as TRADING
from watchword.entrypoints.console.streaming import EVENTS, Streamed

ACTION: Final = "account.read"
CHANGES: Final = "live"
MOMENT_US_MAX: Final = 1 << 53
TOPICS_LENGTH_MAX: Final = 512


class LiveQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which market, and which candles."""

    symbol: SymbolName
    interval: Annotated[Literal["1m", "5m", "15m", "1h", "4h", "1d"], Meta(description="Of the candles.")] = (
        "1m"
    )
    account: Annotated[
        int, Meta(ge=0, lt=1 << 53, description="And this account's events, as `watchAccount` has them.")
    ] = 0


class ChangesQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What is shown, and since when."""

    topics: Annotated[
        str,
        Meta(
            min_length=1, max_length=TOPICS_LENGTH_MAX,
            description=f"What to be told of, commas between; {', '.join(TOPICS)}. With `:id` of one thing only.",
        ),
    ]  # fmt: skip
    since_us: Annotated[
        int, Meta(ge=0, lt=MOMENT_US_MAX, description="And what changed since this moment; 0: from now on.")
    ] = 0


async def watch_changes(ask: Ask[None, ChangesQuery]) -> Streamed | Problem:
    """Tell what changes: topics and ids, no content. What the caller's role does not read is left out."""
    wanted = read_wanted(ask.query.topics)
    if wanted is None:
        return Problem(INVALID, "there are no such topics - at `$.topics`")
    readable = [one for one in wanted if may(ask.person.role, ACTIONS[one.topic])]
    desk = live_desk_of(ask.console)
    return desk.changes(ask.caller, "self.read", readable, ask.query.since_us or ask.now_us)


async def watch_market(ask: Ask[None, LiveQuery]) -> Streamed | Problem:
    """Show a market live."""
    listed = await listing_of(ask)
    if isinstance(listed, Problem):
        return listed
    if all(one.symbol != ask.query.symbol for one in listed):
        return Problem(NOT_FOUND, "there is no such symbol")
    look = None
    if ask.query.account:
        look = await _look(ask, ask.query.account)
    if isinstance(look, Problem):
        return look
    desk = live_desk_of(ask.console)
    return desk.market(ask.caller, ACTION, ask.query.symbol, ask.query.interval, look)


async def watch_account(ask: Ask[None, None]) -> Streamed | Problem:
    """Show what happens in an account live."""
    account = account_in_path(ask)
    look = account if isinstance(account, Problem) else await _look(ask, account)
    return look if isinstance(look, Problem) else live_desk_of(ask.console).account(ask.caller, ACTION, look)


async def _look(ask: Ask[Any, Any], account: int) -> Look | Problem:
    """Look at an account that is there and within reach; roles and owners change while somebody does."""
    if not reaches_account(ask, account):
        return NO_ACCOUNT
    past = await past_of(ask, account)
    if isinstance(past, Problem):
        return past

    def reaches() -> bool:
        person = ask.console.register.get(Person, ask.person.id)
        if person is None:
            return False
        return reach(person.role, ACTION) == ALL or account in ask.console.assignments.accounts_of(person.id)

    return Look(account, reaches)


_READ: Final[dict[str, Any]] = {"method": "GET", "action": ACTION, "media": EVENTS}

ROUTES: Final = (
    Route(
        method="GET", path="/changes", name="watchChanges",
        summary="Tell what changes: keys, approvals, the vault, people and more; topics and ids only.",
        tag=CHANGES, action="self.read", handler=watch_changes, query=ChangesQuery, media=EVENTS,
    ),
    Route(
        path="/market/events", name="watchMarket", summary="Show a market live: candles, book, trades, the last day.",
        tag=TAG, handler=watch_market, query=LiveQuery, **_READ,
    ),
    Route(
        path="/accounts/{account}/events", name="watchAccount", summary="Show an account live: its orders and balances.",
        tag=TRADING, handler=watch_account, **_READ,
    ),
)  # fmt: skip
