"""A person's own mail address and phone number, taken once the code sent there came back. Sends nothing to who did not ask.

`changeContact` (`own`) changes both without a code: for consoles that can send none, and for programs. What it changes is
not confirmed, and says so.
"""

from typing import Annotated, Any, Final

import msgspec
from msgspec import Meta

from watchword.accounts.model import Channel
from watchword.accounts.naming import MAIL_LENGTH_MAX
from watchword.accounts.refusal import Refused
from watchword.entrypoints.console.problem import UNAVAILABLE, Problem
from watchword.entrypoints.console.route import Ask, Audit, Route
from watchword.entrypoints.console.routes.own import TAG, tell_former
from watchword.entrypoints.console.routes.refusals import problem_of

CODE_LENGTH_MAX: Final = 64

Code = Annotated[str, Meta(min_length=1, max_length=CODE_LENGTH_MAX)]


class ContactDraft(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An address to be taken; the present one, to confirm it.

    Attributes:
        channel: `mail` is about the mail address, `sms` about the phone number.
    """

    channel: Channel
    address: Annotated[str, Meta(min_length=1, max_length=MAIL_LENGTH_MAX)]


class ContactStarted(msgspec.Struct, frozen=True):
    """An address that waits for the code sent to it."""

    id: str


class ContactCode(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The code that was sent."""

    id: Code
    code: Code


async def start_contact(ask: Ask[ContactDraft, None]) -> ContactStarted | Problem:
    """Send a code to an address."""
    body, console = ask.body, ask.console
    if body.channel not in console.sender.channels():
        return Problem(UNAVAILABLE, f"no way to send {body.channel} is set up")
    started = console.contacts.start(ask.person, body.channel, body.address, ask.now_us)
    if isinstance(started, Refused):
        return problem_of(started)
    undelivered = await console.send(started.message)
    return Problem(UNAVAILABLE, undelivered.reason) if undelivered is not None else ContactStarted(started.id)


async def confirm_contact(ask: Ask[ContactCode, None]) -> Problem | None:
    """Take the address, and tell the one before."""
    before = ask.person
    changed = ask.console.contacts.confirm(before.id, ask.body.id, ask.body.code, ask.now_us)
    if isinstance(changed, Refused):
        return problem_of(changed)
    tell_former(ask, before, changed)
    return None


def _taken(ask: Ask[ContactCode, None]) -> dict[str, str]:
    change = ask.console.contacts.waiting(ask.person.id, ask.body.id)
    return {} if change is None else {"channel": change.channel, "address": change.address}


_CHANGE: Final[dict[str, Any]] = {
    "method": "POST", "tag": TAG, "action": "self.write", "fresh": "always", "limit": "write",
}  # fmt: skip

ROUTES: Final = (
    Route(
        path="/self/contact/codes", name="startContact",
        summary="Send a code to the address I am to be reached at.", handler=start_contact, body=ContactDraft,
        answer=ContactStarted, status=201,
        audit=Audit("person:contact-started", values=lambda ask: {"channel": ask.body.channel, "address": ask.body.address}),
        **_CHANGE,
    ),
    Route(
        path="/self/contact/confirmation", name="confirmContact",
        summary="Take the address once the code sent there came back; the one before is told.",
        handler=confirm_contact, body=ContactCode, status=204, audit=Audit("person:contact-confirmed", values=_taken),
        **_CHANGE,
    ),
)  # fmt: skip
