"""Mail addresses and phone numbers on the Security page: as second factors, and as where a person is reached. Sends no code itself.

Both go the same way: an address is typed, a code goes there, and only the code that comes back makes anything of it. The
address before is told. Where this console can send nothing the page says so, and how that is changed.
"""

from typing import Any, Final

from watchword.entrypoints.console.pages.page import Answer, Go, Page, View
from watchword.entrypoints.console.pages.visit import Visit
from watchword.entrypoints.console.pages.wording import field_errors
from watchword.entrypoints.console.problem import (
    CONFLICT,
    INVALID,
    NOT_FOUND,
    REFUSED,
    TOO_MANY,
    UNAVAILABLE,
    Problem,
)

BACK: Final = "/security"
ADDRESS_PATH: Final = "/security/address"
CONTACT_PATH: Final = "/security/contact"
#: By the last part of the path: over what a code goes there.
CHANNELS: Final[dict[str, str]] = {"mail": "mail", "phone": "sms"}
CHANNEL_WORDS: Final[dict[str, str]] = {"mail": "Mail", "sms": "Text message"}
#: What a code page carries along.
_CARRIED: Final = ("channel", "address", "replaces")
_SAID_HERE: Final = frozenset({CONFLICT, INVALID, NOT_FOUND, REFUSED, TOO_MANY, UNAVAILABLE})


async def show_address(visit: Visit) -> Answer:
    """Show the form for an address that codes go to."""
    return await _address_view(visit, {"channel": "mail", "replaces": visit.query.get("replaces", "")}, None)


async def take_address(visit: Visit) -> Answer:
    """Send the first code to an address; again where it did not arrive."""
    typed = _typed(visit)
    body = {"channel": typed["channel"], "address": typed["address"]}
    started = await visit.call("startAddress", body=body)
    if not isinstance(started, Problem):
        return _code_view(ADDRESS_PATH, started.id, typed, None)
    if started.kind not in _SAID_HERE:
        return started
    if visit.form.text("id"):
        return _code_view(ADDRESS_PATH, visit.form.text("id"), typed, started)
    return await _address_view(visit, typed, started)


async def take_address_code(visit: Visit) -> Answer:
    """Take the address; the one it replaces goes."""
    typed, factor = _typed(visit), visit.form.text("id")
    body = {"code": visit.form.text("code") or "-", "replaces": typed["replaces"]}
    added = await visit.call("confirmAddress", path={"factor": factor or "-"}, body=body)
    if not isinstance(added, Problem):
        return Go(BACK, "factor-added")
    return _code_view(ADDRESS_PATH, factor, typed, added) if added.kind in _SAID_HERE else added


async def show_contact(visit: Visit) -> Answer:
    """Show the form for mail address or phone number."""
    return await _contact_view(visit, visit.path["which"], None, None)


async def take_contact(visit: Visit) -> Answer:
    """Send a code to the new address; where nothing can be sent, take it without one."""
    which = visit.path["which"]
    if which not in CHANNELS:
        return Problem(NOT_FOUND)
    typed = {**_typed(visit), "channel": CHANNELS[which]}
    typed["address"] = _tidy(CHANNELS[which], typed["address"])
    factors = await visit.call("listFactors")
    if isinstance(factors, Problem):
        return factors
    if CHANNELS[which] not in factors.channels:
        return await _taken_unconfirmed(visit, which, typed["address"])
    body = {"channel": typed["channel"], "address": typed["address"]}
    started = await visit.call("startContact", body=body)
    if not isinstance(started, Problem):
        return _code_view(CONTACT_PATH, started.id, typed, None)
    if started.kind not in _SAID_HERE:
        return started
    if visit.form.text("id"):
        return _code_view(CONTACT_PATH, visit.form.text("id"), typed, started)
    return await _contact_view(visit, which, typed["address"], started)


async def take_contact_code(visit: Visit) -> Answer:
    """Take the address as where this person is reached."""
    typed, change = _typed(visit), visit.form.text("id")
    body = {"id": change or "-", "code": visit.form.text("code") or "-"}
    changed = await visit.call("confirmContact", body=body)
    if not isinstance(changed, Problem):
        return Go(BACK, "contact-confirmed")
    return _code_view(CONTACT_PATH, change, typed, changed) if changed.kind in _SAID_HERE else changed


async def show_phone_removal(visit: Visit) -> Answer:
    """Say what removing the phone number does."""
    myself = await visit.call("showSelf")
    if isinstance(myself, Problem):
        return myself
    return View("contact_remove.html", {"phone": myself.phone}) if myself.phone else Go(BACK)


async def take_phone_removal(visit: Visit) -> Answer:
    """Remove the phone number."""
    return await _changed(visit, {"phone": ""}) or Go(BACK, "contact-removed")


async def _taken_unconfirmed(visit: Visit, which: str, address: str) -> Answer:
    changed = await _changed(visit, {which: address})
    if changed is None:
        return Go(BACK, "contact-changed")
    return await _contact_view(visit, which, address, changed) if changed.kind in _SAID_HERE else changed


async def _changed(visit: Visit, changes: dict[str, str]) -> Problem | None:
    """Change mail address or phone number without a code; the other one stays."""
    myself = await visit.call("showSelf")
    if isinstance(myself, Problem):
        return myself
    body = {"mail": myself.mail, "phone": myself.phone, **changes}
    changed: Problem | None = await visit.call("changeContact", body=body)
    return changed


def _typed(visit: Visit) -> dict[str, str]:
    typed = {name: visit.form.text(name) for name in _CARRIED}
    typed["address"] = _tidy(typed["channel"], typed["address"])
    return typed


def _tidy(channel: str, address: str) -> str:
    """Write an address as it is kept: mail in lower case, numbers without the spaces people put in."""
    if channel == "mail":
        return address.lower()
    return "".join(letter for letter in address if letter not in " -()/")


async def _address_view(visit: Visit, typed: dict[str, str], problem: Problem | None) -> Answer:
    factors = await visit.call("listFactors")
    if isinstance(factors, Problem):
        return factors
    addresses = [one for one in factors.items if one.kind in CHANNEL_WORDS]
    replaced = next((one for one in addresses if one.id == typed["replaces"]), None)
    context: dict[str, Any] = {
        "channels": [(channel, CHANNEL_WORDS[channel]) for channel in factors.channels],
        "confirms": factors.sent_codes_confirm,
        "replaced": replaced,
        "typed": {"address": "", **typed, "replaces": replaced.id if replaced is not None else ""},
        "problem": problem,
        "errors": field_errors(problem),
    }
    return View("address.html", context, problem.kind.status if problem is not None else 200)


async def _contact_view(visit: Visit, which: str, address: str | None, problem: Problem | None) -> Answer:
    if which not in CHANNELS:
        return Problem(NOT_FOUND)
    myself, factors = await visit.call("showSelf"), await visit.call("listFactors")
    for found in (myself, factors):
        if isinstance(found, Problem):
            return found
    present = myself.mail if which == "mail" else myself.phone
    context: dict[str, Any] = {
        "which": which,
        "sends": CHANNELS[which] in factors.channels,
        "present": present,
        "confirmed": myself.mail_confirmed if which == "mail" else myself.phone_confirmed,
        "address": present if address is None else address,
        "problem": problem,
        "errors": field_errors(problem),
    }
    return View("contact.html", context, problem.kind.status if problem is not None else 200)


def _code_view(path: str, started: str, typed: dict[str, str], problem: Problem | None) -> View:
    """Ask for the code that was sent.

    Args:
        path: `ADDRESS_PATH` or `CONTACT_PATH`.
        started: Id of what waits for the code.
        typed: What was typed; to send another code.
        problem: What was wrong with the code before.
    """
    which = "mail" if typed["channel"] == "mail" else "phone"
    context = {
        "started": started,
        "typed": typed,
        "action": f"{path}/code",
        "again": path if path == ADDRESS_PATH else f"{path}/{which}",
        "problem": problem,
        "errors": field_errors(problem),
    }
    return View("address_code.html", context, problem.kind.status if problem is not None else 200)


PAGES: Final = (
    Page(path=ADDRESS_PATH, get=show_address, post=take_address),
    Page(path=f"{ADDRESS_PATH}/code", post=take_address_code),
    Page(path=f"{CONTACT_PATH}/code", post=take_contact_code),
    Page(path=f"{CONTACT_PATH}/phone/remove", get=show_phone_removal, post=take_phone_removal),
    Page(path=f"{CONTACT_PATH}/{{which}}", get=show_contact, post=take_contact),
)
