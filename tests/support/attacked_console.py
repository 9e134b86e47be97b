"""A real console with somebody of every role in it, and a few ways to hurt it. Stops what it started, by pid."""

import contextlib
import socket
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Final

from tests.support.console_process import PASSWORD, ConsoleProcess, Member, founded

ROLE_OF: Final = {"olga": "owner", "adam": "admin", "tom": "trader", "tina": "trader", "uma": "auditor"}
RAW_WAIT_S: Final = 20.0
ANSWER_BYTES_MAX: Final = 1 << 20


class AttackedConsole:
    """One console process and its people, all signed in with a factor shown a moment ago.

    Attributes:
        console: The process.
        people: By name; two traders, so that one can reach for what is the other's.
        ids: Of the people, by name.
        enrolments: Every enrolment token that was handed out.
    """

    def __init__(self, console: ConsoleProcess, enrolment: str, names: Iterable[str] = ROLE_OF) -> None:
        self.console = console
        self.enrolments = [enrolment]
        self.people = {"olga": Member(console, "olga").enrol(enrolment)}
        for name in names:
            if name not in self.people:
                self.people[name] = self.invited(name, ROLE_OF[name])
        self.ids = {name: str(member.call("GET", "/self").json["id"]) for name, member in self.people.items()}

    @property
    def owner(self) -> Member:
        return self.people["olga"]

    def invited(self, name: str, role: str) -> Member:
        """Have the owner invite somebody, who enrols."""
        return Member(self.console, name).enrol(self.enrolment_of(name, role))

    def enrolment_of(self, name: str, role: str) -> str:
        """Have the owner invite somebody who does not enrol yet."""
        draft = {"name": name, "mail": f"{name}@example.org", "role": role}
        made = self.owner.call("POST", "/people", draft)
        assert made.status == 201, made.body
        self.enrolments.append(made.json["enrolment"])
        return str(made.json["enrolment"])

    def password_shown(self, name: str) -> str:
        """Take the first step of signing in; returns the token that waits for a factor."""
        first = self.console.call("POST", "/sign-in", "", {"login": name, "password": PASSWORD})
        assert first.status == 200, first.body
        return str(first.json["token"])

    def everybody(self) -> dict[str, Any]:
        """What the owner sees of everybody, by name."""
        listed = self.owner.call("GET", "/people?limit=200")
        assert listed.status == 200, listed.body
        return {person["name"]: person for person in listed.json["items"]}

    def raw(self, *pieces: bytes, wait_s: float = RAW_WAIT_S) -> bytes:
        """Send bytes as they are over a connection of their own; returns what comes until the end."""
        found = bytearray()
        with socket.create_connection((self.console.host, self.console.port), timeout=wait_s) as connection:
            with contextlib.suppress(BrokenPipeError, ConnectionResetError):
                for piece in pieces:
                    connection.sendall(piece)
            with contextlib.suppress(ConnectionResetError, TimeoutError):
                while len(found) < ANSWER_BYTES_MAX and (more := connection.recv(65_536)):
                    found += more
        return bytes(found)


@contextlib.contextmanager
def attacked_console(
    folder: Path, *options: str, names: Iterable[str] = ROLE_OF, environment: dict[str, str] | None = None
) -> Iterator[AttackedConsole]:
    """A console with everybody in it, or the owner and some; it must still end well."""
    enrolment = founded(folder / "home")
    process = ConsoleProcess.start(folder / "home", *options, environment=environment)
    try:
        yield AttackedConsole(process, enrolment, names)
        assert process.stop() == 0, process.log()
    finally:
        process.kill()
