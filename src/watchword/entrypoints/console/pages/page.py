"""What a page of the console is, and what its handlers answer. Never renders, never dispatches."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final, Literal, TypeAlias

import msgspec

from watchword.accounts.model import Stage
from watchword.accounts.roles import Action
from watchword.entrypoints.console.pages.toasts import ToastName
from watchword.entrypoints.console.problem import Problem
from watchword.entrypoints.console.streaming import Streamed

SIGNED_IN: Final[frozenset[Stage]] = frozenset({"full"})

#: Groups of the sidebar, in this order.
Section = Literal["Trading", "Keys", "Watch", "You"]


class View(msgspec.Struct, frozen=True):
    """A page to be rendered.

    Attributes:
        template: Its file in `templates/`.
        context: What the template shows; escaped there.
        status: HTTP status.
    """

    template: str
    context: Mapping[str, Any] = {}
    status: int = 200


class Go(msgspec.Struct, frozen=True):
    """Another page to look at next, after a form was taken (303).

    Attributes:
        path: Local, written by us or looked up in the table; never what somebody sent.
        toast: What is told there, once.
    """

    path: str
    toast: ToastName | None = None


class Bytes(msgspec.Struct, frozen=True):
    """Something that is no page: JSON for a script, a file to download.

    Attributes:
        content: As it is sent.
        media: Its type.
        filename: To save it under; empty to show it.
        status: HTTP status.
        packs: Sent compressed to browsers that take it. Only for what holds no secret: beside something that somebody
            else chose, its length would tell the secret bit by bit (BREACH), which is why pages are never compressed.
    """

    content: bytes
    media: str
    filename: str = ""
    status: int = 200
    packs: bool = False


Answer: TypeAlias = View | Go | Bytes | Streamed | Problem
#: Takes a `Visit`, which knows its page: named loosely here, so that neither module needs the other.
Handler: TypeAlias = Callable[[Any], Awaitable[Answer]]


class Nav(msgspec.Struct, frozen=True):
    """A page's place in the sidebar.

    Attributes:
        section: Its group.
        label: As people call it.
        icon: Name of a symbol in `icons.py`.
        order: Within the group.
    """

    section: Section
    label: str
    icon: str
    order: int = 50


class Page(msgspec.Struct, frozen=True, kw_only=True):
    """One row of the table of pages.

    Attributes:
        path: With `{name}` for parameters, as in routes of the API.
        get, post: What shows it, and what takes its form; None where there is no such thing.
        action: Without it in the caller's role the page is not in the sidebar and answers `forbidden`. What a page
            shows or does is judged again by every route it calls. None: nobody is asked for.
        stages: Stages of sessions that may look. None: everybody, also who is not signed in.
        fresh: A second factor must have been shown just now before the page is shown at all.
        confirmed: A second factor must have been shown just now before its form is taken: what cannot be undone. The
            routes behind it may ask for none: revoking by a script must not wait for a person.
        nav: Its place in the sidebar; None: it has none.
    """

    path: str
    get: Handler | None = None
    post: Handler | None = None
    action: Action | None = None
    stages: frozenset[Stage] | None = SIGNED_IN
    fresh: bool = False
    confirmed: bool = False
    nav: Nav | None = None


def showing(template: str, **context: Any) -> Handler:
    """Make the handler of a page that is the same for everybody.

    Args:
        template: Its file.
        context: What it shows.
    """

    async def show(_: object) -> Answer:
        return View(template, context)

    return show
