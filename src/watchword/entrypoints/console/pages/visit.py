"""One request for a page, as its handlers get it: who looks, what the form says, and the way to call the API. Decides nothing."""

import hmac
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import parse_qsl

import msgspec

from watchword.accounts.model import Origin, Person
from watchword.accounts.roles import Action, may
from watchword.entrypoints.console.pages import cookies
from watchword.entrypoints.console.pages.calling import Calls
from watchword.entrypoints.console.pages.cookies import Jar
from watchword.entrypoints.console.problem import MALFORMED, Problem
from watchword.entrypoints.console.route import Caller
from watchword.kernel.errors import invariant

if TYPE_CHECKING:
    from watchword.entrypoints.console.pages.finding import PageTable
    from watchword.entrypoints.console.pages.page import Page

FORM_MEDIA: Final = "application/x-www-form-urlencoded"
FIELDS_MAX: Final = 400
#: Fields of forms that are ours and not a page's: the form's token, and the second factor of a step-up.
OWN_FIELDS_PREFIX: Final = "w_"


class Form(msgspec.Struct, frozen=True):
    """What was typed: names and values in order; a name may be there more than once."""

    pairs: tuple[tuple[str, str], ...] = ()

    def text(self, name: str) -> str:
        """Return a field without spaces around it; empty where it is missing."""
        return self.exact(name).strip()

    def exact(self, name: str) -> str:
        """Return a field as typed: for passwords."""
        return next((value for key, value in self.pairs if key == name), "")

    def every(self, name: str) -> list[str]:
        """Return all values of a field: for check boxes."""
        return [value for key, value in self.pairs if key == name]

    def alike(self, name: str, again: str) -> bool:
        """Whether two fields hold the same: a password and its repetition."""
        return hmac.compare_digest(self.exact(name).encode(), self.exact(again).encode())

    def entries(self, name: str) -> list[str]:
        """Return what was typed one a line or between commas."""
        return [entry for entry in self.text(name).replace(",", " ").split() if entry]

    def __contains__(self, name: object) -> bool:
        return any(key == name for key, _ in self.pairs)

    def __repr__(self) -> str:
        # Passwords and codes are in here.
        return f"Form({sorted({key for key, _ in self.pairs})})"


def read_form(content_type: str, content: bytes) -> Form | Problem:
    """Read a form.

    Args:
        content_type: The header as sent.
        content: The body.
    """
    if content_type.partition(";")[0].strip().lower() != FORM_MEDIA:
        return Problem(MALFORMED, "send a form")
    try:
        pairs = parse_qsl(
            content.decode("ascii"), keep_blank_values=True, max_num_fields=FIELDS_MAX, errors="strict"
        )
    except ValueError:  # UnicodeDecodeError is one
        return Problem(MALFORMED, "the form cannot be read")
    # Browsers send line ends of text areas as CRLF (HTML, form submission).
    return Form(tuple((name, value.replace("\r\n", "\n")) for name, value in pairs))


class Visit:
    """One request for a page.

    Attributes:
        who: Who looks, through a session at any stage; None for nobody.
        path: Values of the path's parameters.
        query: Parameters; of one that is there twice the last.
        form: What was typed; empty on GET.
        jar: Cookies.
        origin: Address and device.
        request: Its id.
        now_us: When it came, epoch microseconds.
        page, table: The row of the table, and all of it.
        address: The path as it was asked for.
        partial: Whether htmx asks, which shows a part of the page.
        console_origin: What browsers call the console by; security keys are bound to it.
    """

    def __init__(
        self,
        calls: Calls,
        page: "Page",
        *,
        who: Caller | None,
        path: Mapping[str, str],
        query: Mapping[str, str],
        jar: Jar,
        origin: Origin,
        request: str,
        now_us: int,
        address: str,
        table: "PageTable",
        partial: bool = False,
        console_origin: str = "",
    ) -> None:
        self._calls = calls
        self.page, self.table = page, table
        self.who, self.path, self.query, self.jar = who, path, query, jar
        self.origin, self.request, self.now_us = origin, request, now_us
        self.address, self.partial, self.console_origin = address, partial, console_origin
        self.form = Form()
        #: Whether the factor was shown by this very request.
        self.just_shown = False

    @property
    def person(self) -> Person:
        """Who looks.

        Raises:
            InvariantError: On a page for everybody, where nobody was asked for.
        """
        invariant(self.who is not None, "a page for everybody asked who looks")
        return self.who.person  # type: ignore[union-attr]  # the line above

    @property
    def fresh(self) -> bool:
        """Whether a second factor was shown just now."""
        return self.just_shown or (self.who is not None and self.who.fresh(self.now_us))

    def may(self, action: Action) -> bool:
        """Whether the role allows it: to leave out buttons that would only be refused."""
        return self.who is not None and may(self.who.person.role, action)

    async def call(
        self,
        name: str,
        *,
        path: Mapping[str, str] | None = None,
        query: Mapping[str, str] | None = None,
        body: Any = None,
    ) -> Any:
        """Call a route of the API as who looks; see `Calls.call`."""
        token = self.jar.get(cookies.SESSION) or None
        return await self._calls.call(
            name, token, self.origin, self.request, path=path, query=query, body=body
        )

    def keep(self, token: str) -> None:
        """Keep a session's new token; the one before opens nothing any more."""
        self.jar.put(cookies.SESSION, token)

    def forget(self) -> None:
        """Forget the session in this browser."""
        self.jar.drop(cookies.SESSION)
