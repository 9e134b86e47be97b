"""The texts of security mails: what happened, when, from where, and what to do if it was not you. Never sends any.

A mail never holds a code, a token or a link: whoever imitates it gains nothing by it.
"""

from datetime import UTC, datetime
from typing import Final

import msgspec

from watchword.accounts.model import Channel, FactorKind, Origin, Person
from watchword.accounts.ports import Message

LABEL_SHOWN_LENGTH_MAX: Final = 64

_NOT_YOU: Final = (
    "If this was not you, sign in, end all sessions, change your password and look at your second factors. "
    "If you cannot sign in, tell an owner."
)
_FACTOR_WORDS: Final[dict[FactorKind, str]] = {
    "totp": "an authenticator app",
    "webauthn": "a security key",
    "recovery": "recovery codes",
    "mail": "codes by mail",
    "sms": "codes by short message",
}


def new_address(person: Person, origin: Origin, now_us: int) -> Message:
    """Say that somebody signed in from where they never did before."""
    return _mail(person, "New sign-in to Watchword", "You signed in from a new address.", origin, now_us)


def factor_added(person: Person, kind: FactorKind, origin: Origin, now_us: int) -> Message:
    """Say that a second factor was set up."""
    text = f"A second factor was set up: {_FACTOR_WORDS[kind]}."
    return _mail(person, "Second factor added", text, origin, now_us)


def factor_removed(person: Person, kind: FactorKind, origin: Origin, now_us: int) -> Message:
    """Say that a second factor was removed."""
    text = f"A second factor was removed: {_FACTOR_WORDS[kind]}."
    return _mail(person, "Second factor removed", text, origin, now_us)


def recovery_used(person: Person, left_count: int, origin: Origin, now_us: int) -> Message:
    """Say that a recovery code was spent, and how many are left."""
    return _mail(
        person, "Recovery code used", f"A recovery code was used. {left_count} are left.", origin, now_us
    )


def password_changed(person: Person, origin: Origin, now_us: int) -> Message:
    """Say that the password was changed."""
    return _mail(person, "Password changed", "Your password was changed.", origin, now_us)


def contact_changed(before: Person, origin: Origin, now_us: int) -> Message:
    """Say, to the address as it was, that mail address or phone number were changed."""
    text = "Your mail address or phone number was changed. Mails go to the new address from now on."
    return _mail(before, "Contact changed", text, origin, now_us)


def address_gone(person: Person, channel: Channel, address: str, origin: Origin, now_us: int) -> Message:
    """Say, to an address itself, that it is not the person's any more: neither for codes nor for mails.

    Args:
        person: Whose it was.
        channel: Of the address.
        address: To which nothing is sent after this.
        origin: From where it was removed.
        now_us: Epoch microseconds.
    """
    if channel == "sms":
        text = f"Watchword: this number was removed from the account {person.name}. Not you? Tell an owner."
        return Message("sms", address, "", text)
    text = "This address was removed from your account. Neither codes nor mails go here from now on."
    former = msgspec.structs.replace(person, mail=address)
    return _mail(former, "Address removed", text, origin, now_us)


def invited_anew(person: Person, origin: Origin, now_us: int) -> Message:
    """Say that an owner or admin took away password and factors, and can hand out a way in anew."""
    text = "Your password, second factors, sessions and API tokens were removed, and you were invited anew."
    return _mail(person, "Fresh start of your account", text, origin, now_us)


def key_made(person: Person, label: str, what: str, origin: Origin, now_us: int) -> Message:
    """Say that a key or token was made.

    Args:
        person: Whose it is.
        label: What it is called.
        what: `API key`, `virtual key` or `API token`.
        origin: From where.
        now_us: Epoch microseconds.
    """
    text = f"A new {_one_line(what)} was made: {_one_line(label) or 'without a label'}."
    return _mail(person, f"New {_one_line(what)}", text, origin, now_us)


def locked(person: Person, until_us: int, origin: Origin, now_us: int) -> Message:
    """Say that sign-in waits after too many wrong tries."""
    text = (
        f"Too many wrong tries. Signing in is refused until {_time(until_us)}, with the right password too."
    )
    return _mail(person, "Sign-in locked for a while", text, origin, now_us)


def _mail(person: Person, subject: str, what: str, origin: Origin, now_us: int) -> Message:
    text = (
        f"Hello {person.name},\n\n{what}\n\n"
        f"When: {_time(now_us)}\nFrom: {_one_line(origin.ip) or 'this host'}\n"
        f"Device: {_one_line(origin.agent) or 'not said'}\n\n{_NOT_YOU}\n"
    )
    return Message("mail", person.mail, subject, text)


def _time(at_us: int) -> str:
    return datetime.fromtimestamp(at_us // 1_000_000, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")


def _one_line(text: str) -> str:
    """Keep what a stranger wrote on one line: a mail must not be rewritten by a device's name."""
    return "".join(one if one.isprintable() else "?" for one in text[: LABEL_SHOWN_LENGTH_MAX * 3])
