"""What pages are told about, who may know, and what of it a page wants. Pure but for looking people up. Tells nobody.

A topic has subjects: ids of what changed. Within a role's reach `ASSIGNED` a person hears of their own subjects only.
"""

import re
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Final, Literal, TypeAlias, get_args

import msgspec

from watchword.accounts.model import Person
from watchword.accounts.roles import ALL, Action, may, reach
from watchword.accounts.tokens import token_may

if TYPE_CHECKING:
    from watchword.bootstrap.console import Console
    from watchword.entrypoints.console.route import Caller

#: keys: subjects are account numbers. virtual_keys, vault (credentials), approvals: ids. people, sessions: ids of people.
#: account: account numbers. audit: has none.
Topic: TypeAlias = Literal[
    "keys", "virtual_keys", "approvals", "vault", "audit", "people", "sessions", "account"
]
TOPICS: Final[tuple[Topic, ...]] = get_args(Topic)
ACTIONS: Final[dict[Topic, Action]] = {
    "keys": "key.read",
    "virtual_keys": "virtual.read",
    "approvals": "approval.read",
    "vault": "credential.read",
    "audit": "audit.read",
    "people": "person.read",
    "sessions": "self.read",
    "account": "account.read",
}
#: Stands for no subject in particular: the vault's seal, a list as a whole.
ANY: Final = ""
WANTED_MAX: Final = 12
#: `keys`, `virtual_keys:vk-abc`.
PATTERN: Final = re.compile(rf"({'|'.join(TOPICS)})(?::([A-Za-z0-9][A-Za-z0-9._-]{{0,63}}))?")

#: Approval id → names of who has a say.
Approvers: TypeAlias = Callable[[], Mapping[str, frozenset[str]]]


class Wanted(msgspec.Struct, frozen=True):
    """What a page shows.

    Attributes:
        topic: Of what kind.
        subject: The one thing that is shown; ANY for all within reach.
    """

    topic: Topic
    subject: str = ANY


def read_wanted(text: str) -> tuple[Wanted, ...] | None:
    """Read what a page wants, commas between; None where it cannot be read."""
    parts = text.split(",")
    if len(parts) > WANTED_MAX:
        return None
    found: dict[Wanted, None] = {}
    for part in parts:
        match = PATTERN.fullmatch(part)
        if match is None:
            return None
        found[Wanted(match[1], match[2] or ANY)] = None  # type: ignore[arg-type]  # the pattern names topics
    return tuple(found)


class Reading:
    """What one caller may know, as it stands at each question: roles and assignments change while somebody looks."""

    def __init__(self, console: "Console", who: "Caller", approvers: Approvers) -> None:
        """Ask for a caller.

        Args:
            console: Knows people and what is given to whom.
            who: Who looks.
            approvers: Says who has a say in what waits now, or waited a moment ago.
        """
        self._console, self._approvers = console, approvers
        self.person_id, self._token = who.person.id, who.token

    def may_read(self, topic: Topic) -> bool:
        """Whether the caller may read anything of this kind."""
        person, action = self._console.register.get(Person, self.person_id), ACTIONS[topic]
        if person is None or not may(person.role, action):
            return False
        return self._token is None or token_may(self._token, person.role, action)

    def reads(self, topic: Topic, subject: str) -> bool:
        """Whether the caller may know that something changed.

        Args:
            topic: Of what kind.
            subject: What; ANY is for who reaches everything.
        """
        person = self._console.register.get(Person, self.person_id)
        if person is None or not self.may_read(topic):
            return False
        if topic == "sessions":
            return subject == person.id
        if reach(person.role, ACTIONS[topic]) == ALL:
            return True
        given = self._console.assignments
        match topic:
            case "keys" | "account":
                return subject.isdecimal() and int(subject) in given.accounts_of(person.id)
            case "virtual_keys":
                return subject in given.subjects_of(person.id, "virtual")
            case "vault":
                return subject in given.subjects_of(person.id, "credential")
            case "approvals":
                return person.name in self._approvers().get(subject, ())
            case _:
                return False
