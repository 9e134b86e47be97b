"""Streams of changes against a real console: who gets one, how many, what ends it, and that idle readers cost nothing."""

import socket
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest
from tests.support.console_process import ConsoleProcess, Member, founded

from watchword.entrypoints.console.live.viewers import VIEWERS_PER_PERSON_MAX
from watchword.entrypoints.console.pages.cookies import SESSION

#: With the long tests: it opens a thousand connections.
pytestmark = pytest.mark.long

WAIT_S: Final = 15.0
PATH: Final = "/live/changes?topics=people,sessions"
#: What a thousand refused and eight idle streams may leave behind.
KIB_MAX: Final = 60_000


class Line:
    """One raw connection."""

    def __init__(
        self, console: ConsoleProcess, token: str, path: str = PATH, method: str = "GET", **headers: str
    ) -> None:
        self.socket = socket.create_connection((console.host, console.port), timeout=WAIT_S)
        told = {"host": f"localhost:{console.port}", **headers}
        if token:
            told["cookie"] = f"{SESSION}={token}"
        lines = [
            f"{method} {path} HTTP/1.1",
            *(f"{name.replace('_', '-')}: {value}" for name, value in told.items()),
        ]
        self.socket.sendall("\r\n".join([*lines, "", ""]).encode())
        self.got = b""

    def head(self) -> str:
        """Status line and headers."""
        return self.until(b"\r\n\r\n").partition(b"\r\n\r\n")[0].decode().lower()

    @property
    def status(self) -> int:
        return int(self.head().split()[1])

    def until(self, mark: bytes) -> bytes:
        """Read until something came, or the end."""
        while mark not in self.got:
            piece = self.socket.recv(65_536)
            if not piece:
                break
            self.got += piece
        return self.got

    def close(self) -> None:
        self.socket.close()


@pytest.fixture(scope="module")
def console(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ConsoleProcess]:
    home: Path = tmp_path_factory.mktemp("streams") / "home"
    enrolment = founded(home)
    process = ConsoleProcess.start(home)
    try:
        olga = Member(process, "olga").enrol(enrolment)
        process.owner = olga  # type: ignore[attr-defined]  # for the tests below
        yield process
    finally:
        assert process.stop() == 0


@pytest.fixture(scope="module")
def olga(console: ConsoleProcess) -> Member:
    return console.owner  # type: ignore[attr-defined,no-any-return]


def memory_kib(pid: int) -> int:
    """What a process has in memory."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return int(next(line.split()[1] for line in lines if line.startswith("VmRSS")))


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"origin": "https://elsewhere.example"}, 403),
        ({"origin": "null"}, 403),
        ({"sec_fetch_site": "cross-site", "sec_fetch_dest": "empty"}, 403),
        ({"sec_fetch_site": "same-site", "sec_fetch_dest": "empty"}, 403),
        ({"host": "elsewhere.example"}, 421),
    ],
)
def test_page_of_elsewhere_gets_no_stream(
    console: ConsoleProcess, olga: Member, headers: dict[str, str], status: int
) -> None:
    line = Line(console, olga.token, **headers)
    assert line.status == status
    assert "event-stream" not in line.head()
    line.close()


def test_nobody_and_tokens_in_the_wrong_place_get_no_stream(console: ConsoleProcess, olga: Member) -> None:
    for line in (
        Line(console, ""),
        Line(console, "wws_nonsense"),
        Line(console, "", authorization=f"Bearer {olga.token}"),
    ):
        assert line.status == 303
        assert "location: /sign-in" in line.head()
        line.close()


def test_question_for_the_head_opens_no_stream_and_keeps_no_seat(
    console: ConsoleProcess, olga: Member
) -> None:
    for _ in range(VIEWERS_PER_PERSON_MAX * 3):
        line = Line(console, olga.token, method="HEAD")
        assert line.status == 200
        line.close()
    refused = Line(console, olga.token, path="/live/changes?topics=secrets")
    assert refused.status == 422
    refused.close()


def test_change_comes_at_once_and_without_content_and_the_session_ends_it(
    console: ConsoleProcess, olga: Member
) -> None:
    tom = console.invite(olga, "tom", "trader")
    line, toms = (
        Line(console, olga.token),
        Line(console, tom.token, "/live/changes?topics=people,audit,vault,sessions"),
    )
    assert (line.status, toms.status) == (200, 200)
    assert "cache-control: no-store" in line.head()
    began = time.monotonic()
    console.invite(olga, "mia", "auditor")
    told = line.until(b'"topic":"people"')
    assert time.monotonic() - began < WAIT_S
    assert b"mia" not in told
    assert tom.call("POST", "/sign-out").status == 204
    assert b"event: ended" in toms.until(b"event: ended")
    assert toms.until(b"no such thing").endswith(b"0\r\n\r\n")
    assert b"people" not in toms.got
    assert b"audit" not in toms.got
    line.close()
    toms.close()


def test_thousand_streams_of_one_person_leave_room_for_others(console: ConsoleProcess, olga: Member) -> None:
    uma = console.invite(olga, "uma", "auditor")
    before_kib = memory_kib(console.pid)
    held: list[Line] = []
    statuses: list[int] = []
    for _ in range(1_000):
        line = Line(console, uma.token, connection="close")
        statuses.append(line.status)
        if line.status == 200:
            held.append(line)
        else:
            line.close()
    assert statuses.count(200) == VIEWERS_PER_PERSON_MAX
    assert set(statuses) == {200, 429}
    other = Line(console, olga.token)
    assert other.status == 200
    # Nobody reads these eight while much happens: each holds one event for each topic, whatever happens.
    for number in range(60):
        draft = {"name": f"guest{number}", "mail": f"g{number}@example.org", "role": "trader"}
        assert olga.call("POST", "/people", draft).status == 201
    assert memory_kib(console.pid) - before_kib < KIB_MAX
    assert console.call("GET", "/about").status == 200
    for line in [*held, other]:
        line.close()


def test_seats_of_who_went_away_are_free_again(console: ConsoleProcess, olga: Member) -> None:
    for _ in range(3):
        lines = [Line(console, olga.token) for _ in range(VIEWERS_PER_PERSON_MAX)]
        deadline = time.monotonic() + WAIT_S
        statuses = [line.status for line in lines]
        while statuses != [200] * VIEWERS_PER_PERSON_MAX and time.monotonic() < deadline:
            for line in lines:
                line.close()
            time.sleep(0.2)
            lines = [Line(console, olga.token) for _ in range(VIEWERS_PER_PERSON_MAX)]
            statuses = [line.status for line in lines]
        assert statuses == [200] * VIEWERS_PER_PERSON_MAX
        for line in lines:
            line.close()
