"""What keeps guessers out of a real console: waiting times, the same words and the same time for everybody, rate limits."""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.support.console_process import PASSWORD, ConsoleProcess, Member, founded

from watchword.accounts.lockout import PERSON_FAILURES_FREE
from watchword.entrypoints.console.rate_limits import LIMITS

#: One address has twenty wrong tries before it waits; these tests stay below that together.
TIMED_TRIES = 4


@pytest.fixture(scope="module")
def console(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ConsoleProcess]:
    home = tmp_path_factory.mktemp("guards") / "home"
    enrolment = founded(home)
    process = ConsoleProcess.start(home)
    process.owner = Member(process, "olga").enrol(enrolment)  # type: ignore[attr-defined]
    yield process
    assert process.stop() == 0


@pytest.fixture
def owner(console: ConsoleProcess) -> Member:
    return console.owner  # type: ignore[attr-defined,no-any-return]


def test_wrong_passwords_lock_out_and_the_right_one_hears_the_same(
    console: ConsoleProcess, owner: Member
) -> None:
    console.invite(owner, "lena", "trader")
    wrong = {"login": "lena", "password": "not her password at all"}
    refused = [console.call("POST", "/sign-in", "", wrong).json for _ in range(PERSON_FAILURES_FREE)]
    locked = console.call("POST", "/sign-in", "", {"login": "lena", "password": PASSWORD})
    unknown = console.call("POST", "/sign-in", "", {"login": "nobody", "password": PASSWORD})
    told = [{**one, "request": ""} for one in (refused[0], locked.json, unknown.json)]
    assert told[0] == told[1] == told[2]
    assert "lena" in [person["name"] for person in owner.call("GET", "/people").json["items"]]


def test_unknown_people_take_as_long_as_known_ones(console: ConsoleProcess, owner: Member) -> None:
    console.invite(owner, "tara", "trader")
    spent: dict[str, list[float]] = {"tara": [], "nobody": []}
    for number in range(TIMED_TRIES):
        for name, took in spent.items():
            login = name if name == "tara" else f"nobody{number}"
            began = time.perf_counter()
            console.call("POST", "/sign-in", "", {"login": login, "password": "wrong wrong wrong"})
            took.append(time.perf_counter() - began)
    # The quickest of each: what else runs here only ever adds to it.
    known, unknown = (min(took) for took in spent.values())
    # A hash takes a tenth of a second; without one the answer would come within a few milliseconds.
    assert 0.5 < known / unknown < 2


def test_calls_beyond_the_limit_are_told_when_to_come_back(tmp_path: Path) -> None:
    process = ConsoleProcess.start(tmp_path / "home", "--limits-scale", "0.5")
    try:
        room = LIMITS["sign_in"].burst // 2
        body = {"token": "wwe_x", "password": PASSWORD}
        told = [process.call("POST", "/enrolment", "", body) for _ in range(room + 1)]
        assert [answer.status for answer in told] == [401] * room + [429]
        assert int(told[-1].headers["retry-after"]) > 0
        assert process.call("GET", "/about").status == 200
    finally:
        assert process.stop() == 0
