"""What the testnet says about keys in general: rules, templates, what happened by itself; and its clock."""

from typing import Annotated, Any, Final

import msgspec
from msgspec import Meta

from watchword.accounts.roles import ALL
from watchword.entrypoints.console.neighbours import neighbours_of, shaped
from watchword.entrypoints.console.problem import Problem
from watchword.entrypoints.console.route import Ask, Audit, Route
from watchword.entrypoints.console.routes.asking import behalf_of
from watchword.entrypoints.console.routes.reaching import reaches_account
from watchword.entrypoints.testnet.admin import requests as testnet

TAG: Final = "testnet"
SPAN_LENGTH_MAX: Final = 16
EVENTS_MAX: Final = 1_000


class KeyRuleView(msgspec.Struct, frozen=True):
    """A rule for keys.

    Attributes:
        value: A number, a word, yes or no, or several numbers.
        since: From which day it holds; None for always.
        source: Where it is written.
        doubt: What is not certain about it.
    """

    rule: str
    value: bool | int | str | list[int]
    since: str | None
    says: str
    source: str
    doubt: str | None


class KeyRuleList(msgspec.Struct, frozen=True):
    """Rules in force at one moment."""

    items: list[KeyRuleView]


class KeyTemplateView(msgspec.Struct, frozen=True):
    """A task, and the least a key needs for it."""

    template: str
    permissions: list[str]
    says: str


class KeyTemplateList(msgspec.Struct, frozen=True):
    """Tasks a key can be made for."""

    items: list[KeyTemplateView]


class KeyEventView(msgspec.Struct, frozen=True):
    """What happened to a key by itself, or was warned of."""

    at: str | None
    kind: str
    fate: str
    due: str | None
    days_left: int
    account: str
    account_id: int
    api_key: str
    label: str
    text: str


class KeyEventList(msgspec.Struct, frozen=True):
    """Events, newest first."""

    items: list[KeyEventView]


class ClockView(msgspec.Struct, frozen=True):
    """The testnet's clock.

    Attributes:
        now: ISO 8601; `now_us` exactly.
        moved_by: By how much it is ahead, for people.
        key_events: What the move brought to keys, one line each.
    """

    now: str
    now_us: int
    moved_by: str
    moved_by_us: int
    key_events: list[str] = []


class ClockMove(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How far forward: `90s`, `12h`, `30d`, `4w`."""

    by: Annotated[str, Meta(min_length=2, max_length=SPAN_LENGTH_MAX)]


class RulesQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Of which day."""

    as_of: Annotated[str, Meta(max_length=40, description="A date; empty for now.")] = ""


class EventsQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How many."""

    limit: Annotated[int, Meta(ge=1, le=EVENTS_MAX, description="Events at most.")] = 100


async def list_key_rules(ask: Ask[None, RulesQuery]) -> KeyRuleList | Problem:
    """List the rules of a day."""
    request = testnet.ShowKeyRules(ask.query.as_of, on_behalf=behalf_of(ask))
    found = shaped(await neighbours_of(ask.console).ask_testnet(request), list[KeyRuleView])
    return found if isinstance(found, Problem) else KeyRuleList(found)


async def list_key_templates(ask: Ask[None, None]) -> KeyTemplateList | Problem:
    """List the tasks a key can be made for."""
    request = testnet.ListKeyTemplates(on_behalf=behalf_of(ask))
    found = shaped(await neighbours_of(ask.console).ask_testnet(request), list[KeyTemplateView])
    return found if isinstance(found, Problem) else KeyTemplateList(found)


async def list_key_events(ask: Ask[None, EventsQuery]) -> KeyEventList | Problem:
    """List what happened to keys by itself, of accounts within reach."""
    limit = ask.query.limit if ask.reach == ALL else EVENTS_MAX
    request = testnet.ListKeyEvents(limit=limit, on_behalf=behalf_of(ask))
    found = shaped(await neighbours_of(ask.console).ask_testnet(request), list[KeyEventView])
    if isinstance(found, Problem):
        return found
    events = [one for one in found if reaches_account(ask, one.account_id)]
    return KeyEventList(events[: ask.query.limit])


async def show_clock(ask: Ask[None, None]) -> ClockView | Problem:
    """Show the testnet's clock."""
    request = testnet.ShowClock(on_behalf=behalf_of(ask))
    return shaped(await neighbours_of(ask.console).ask_testnet(request), ClockView)


async def move_clock(ask: Ask[ClockMove, None]) -> ClockView | Problem:
    """Move the testnet's clock forward; it stays moved."""
    request = testnet.MoveClock(ask.body.by, on_behalf=behalf_of(ask))
    return shaped(await neighbours_of(ask.console).ask_testnet(request), ClockView)


_READ: Final[dict[str, Any]] = {"method": "GET", "tag": TAG, "action": "key.read"}

ROUTES: Final = (
    Route(
        path="/key-rules", name="listKeyRules", summary="List the rules for keys, with their sources.",
        handler=list_key_rules, query=RulesQuery, answer=KeyRuleList, **_READ,
    ),
    Route(
        path="/key-templates", name="listKeyTemplates", summary="List tasks a key can be made for.",
        handler=list_key_templates, answer=KeyTemplateList, **_READ,
    ),
    Route(
        path="/key-events", name="listKeyEvents", summary="List what happened to keys by itself, and warnings.",
        handler=list_key_events, query=EventsQuery, answer=KeyEventList, **_READ,
    ),
    Route(
        method="GET", path="/testnet/clock", name="showClock", summary="Show the testnet's clock.", tag=TAG,
        action="settings.read", handler=show_clock, answer=ClockView,
    ),
    Route(
        method="POST", path="/testnet/clock", name="moveClock", summary="Move the testnet's clock forward.", tag=TAG,
        action="settings.write", handler=move_clock, body=ClockMove, answer=ClockView, limit="write",
        audit=Audit("testnet:clock-moved", subject=lambda _: "testnet", values=lambda ask: {"by": ask.body.by}),
    ),
)  # fmt: skip
