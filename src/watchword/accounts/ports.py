"""What accounts need from outside: a place to keep rows, and a way to send a text. Never does either itself."""

from collections.abc import Iterable, Sequence
from typing import Protocol

import msgspec

from watchword.accounts.model import ApiToken, Channel, Row, Session


class AccountsStore(Protocol):
    """Where people, factors, sessions, tokens and assignments live.

    Rows are told apart by their type and `id`; the type names the table. There is no cascade: who removes a person
    names everything that goes with them in the same `write`.

    When unavailable: refuse; a change that was not stored has not happened.
    """

    def load(self) -> Iterable[Row]:
        """Return every row, people first, then in any order.

        Raises:
            CorruptStoreError: Something stored is not as it was written, or was moved from another row.
        """
        ...

    def write(self, put: Sequence[Row], remove: Sequence[Row] = ()) -> None:
        """Change several rows at once; on return that survives power loss.

        Args:
            put: Rows as they now are: a new id is inserted, a known one replaced.
            remove: Rows that go, by type and id; one that is not there is no fault. They go before `put` comes, so
                that a unique digest or name may move from one row to another in one call.

        Raises:
            StorageError: Nothing of it was stored.
        """
        ...

    def record_uses(self, rows: Sequence[Session | ApiToken]) -> None:
        """Store when and from where sessions and tokens were last used (`seen_us`, `seen_ip`; `used_us`, `used_ip`).

        Rows gone meanwhile are passed over, and no other column is touched. May be lost in a crash.
        """
        ...

    def close(self) -> None:
        """Let it go."""
        ...


class Message(msgspec.Struct, frozen=True):
    """A text for one person.

    Attributes:
        channel: Over what.
        address: Mail address or phone number.
        subject: One line, for mail; empty for SMS.
        text: The body; may hold a code, so it is not in the repr.
    """

    channel: Channel
    address: str
    subject: str
    text: str

    def __repr__(self) -> str:
        return (
            f"Message(channel={self.channel!r}, address={self.address!r}, subject={self.subject!r}, text=…)"
        )


class Undelivered(msgspec.Struct, frozen=True):
    """A message that did not leave, and why, in words that hold no secret."""

    reason: str


class MessageSender(Protocol):
    """Sends mails and short messages. May block: callers run it in a thread.

    When unavailable: answers `Undelivered`. A code that did not leave lets nobody in; a security mail that did not
    leave stops nothing, and the trail says so.
    """

    def send(self, message: Message) -> Undelivered | None:
        """Hand one message over; None when the next server took it."""
        ...

    def channels(self) -> frozenset[Channel]:
        """Return the channels that are configured here."""
        ...
