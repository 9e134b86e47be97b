"""Texts of mails that ask people to look at something: a request that waits for them, a key that will end. Sends nothing."""

from datetime import UTC, datetime
from typing import Final

from watchword.accounts.model import Person
from watchword.accounts.ports import Message

#: What a bot or an owner wrote is shown up to here.
SHOWN_LENGTH_MAX: Final = 300


def approval_waits(person: Person, approval: str, key_label: str, reason: str, until_us: int) -> Message:
    """Ask somebody to decide about a request.

    Args:
        person: An approver.
        approval: Its id.
        key_label: Of the virtual key that asks.
        reason: Why people are asked.
        until_us: When it lapses, epoch microseconds.
    """
    until = datetime.fromtimestamp(until_us // 1_000_000, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
    text = (
        f"Hello {person.name},\n\nA request of the virtual key {_one_line(key_label)} waits for you.\n\n"
        f"Why: {_one_line(reason)}\nUntil: {until}; without an answer it is refused.\n\n"
        f"Look at it before you decide: watchword approval show {_one_line(approval)}\n"
    )
    return Message("mail", person.mail, "A request waits for you", text)


def key_ends(person: Person, account: str, said: str) -> Message:
    """Tell somebody what happens to one of their API keys by itself, or has happened.

    Args:
        person: Whose account it is.
        account: Its name.
        said: What happens, in one line.
    """
    text = (
        f"Hello {person.name},\n\n{_one_line(said)}\n\nAccount: {_one_line(account)}\n"
        "An IP list keeps a key from being deleted for idleness; using it does too.\n"
    )
    return Message("mail", person.mail, "About one of your API keys", text)


def _one_line(text: str) -> str:
    """Keep what others wrote on one line: it must not add lines of its own to a mail."""
    return "".join(one if one.isprintable() else "?" for one in text[:SHOWN_LENGTH_MAX])
