"""What pages are told: topics and ids of what their person may know, once each, however much happens; nothing while idle."""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from tests.support.console_people import PeopleConsole

from watchword.accounts.model import Person
from watchword.accounts.roles import Role
from watchword.config import ConsoleSettings
from watchword.entrypoints.console.live import change_viewer, feed, looking
from watchword.entrypoints.console.live.bulletin import SUBJECTS_MAX, Bulletin
from watchword.entrypoints.console.live.change_viewer import SUBJECTS_NAMED_MAX, ChangeViewer
from watchword.entrypoints.console.live.desk import LiveDesk, live_desk_of
from watchword.entrypoints.console.live.looking import Looking
from watchword.entrypoints.console.live.topics import (
    ACTIONS,
    TOPICS,
    WANTED_MAX,
    Reading,
    Wanted,
    read_wanted,
)
from watchword.entrypoints.console.live.viewers import VIEWERS_MAX, VIEWERS_PER_PERSON_MAX
from watchword.entrypoints.console.neighbours import Neighbours
from watchword.entrypoints.console.problem import INVALID, TOO_MANY, UNAVAILABLE, Problem
from watchword.entrypoints.console.route import Caller
from watchword.entrypoints.console.streaming import Streamed
from watchword.entrypoints.gateway.admin.change_requests import ShowChanges
from watchword.entrypoints.testnet.admin.requests import ShowKeyChanges
from watchword.entrypoints.vault import requests as vault
from watchword.kernel.errors import StorageError

NO = Problem(UNAVAILABLE, "not running")


class Around:
    """Neighbours that say what a test puts in, and count the questions."""

    def __init__(self) -> None:
        self.asked: list[Any] = []
        self.keys: dict[str, Any] | Problem = NO
        self.gateway: dict[str, Any] | Problem = NO
        self.vault: dict[str, Any] | Problem = NO

    async def ask_testnet(self, request: Any) -> Any:
        assert isinstance(request, ShowKeyChanges)
        self.asked.append(request)
        return self.keys

    async def ask_gateway(self, request: Any) -> Any:
        assert isinstance(request, ShowChanges)
        self.asked.append(request)
        return self.gateway

    async def ask_vault(self, request: Any) -> Any:
        assert isinstance(request, vault.ShowChanges)
        self.asked.append(request)
        return self.vault

    def says(self, number: int, keys: list[str], *waiting: tuple[str, list[str]]) -> None:
        """The gateway's answer: virtual keys that changed, and what waits for whom."""
        marks = [{"id": one, "state": "waiting", "said": 0, "approvers": names} for one, names in waiting]
        self.gateway = {
            "began_us": 1, "next": number, "now_us": number, "missed": False, "keys": keys, "approvals": marks,
        }  # fmt: skip


class Floor(PeopleConsole):
    """A console with neighbours of a test's own."""

    def __init__(self, home: Path) -> None:
        super().__init__()
        self.settings = ConsoleSettings(home=home)
        self.around = Around()
        self.at_hand: dict[type, Any] = {Neighbours: self.around}

    def caller(self, name: str, role: Role) -> Caller:
        token = self.session_of(name, role)
        found = self.sessions.find(token, "127.0.0.1", self.clock.us)
        assert found is not None
        return Caller(found[1], session=found[0])

    @property
    def desk(self) -> LiveDesk:
        return live_desk_of(self)  # type: ignore[arg-type]

    def watch(self, who: Caller, topics: str, since_us: int = 0) -> "Listening":
        wanted = read_wanted(topics)
        assert wanted is not None
        found = self.desk.changes(who, "self.read", wanted, since_us or self.clock.us)
        assert isinstance(found, Streamed), found
        return Listening(found)


class Listening:
    """One stream, read."""

    def __init__(self, streamed: Streamed) -> None:
        self.streamed = streamed

    async def next(self, wait_s: float = 2.0) -> list[tuple[str, Any]]:
        """The next events, by name; empty where none came in time."""
        try:
            async with asyncio.timeout(wait_s):
                while True:
                    piece = await anext(self.streamed.pieces)
                    found = [
                        one.split("\ndata: ")
                        for one in piece.decode().split("\n\n")
                        if one.startswith("event: ")
                    ]
                    if found:
                        return [(name.removeprefix("event: "), json.loads(data)) for name, data in found]
        except (TimeoutError, StopAsyncIteration):
            return []

    async def changed(self, wait_s: float = 2.0) -> list[Any]:
        return [content for name, content in await self.next(wait_s) if name == "changed"]


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(feed, "LOOK_S", 0.02)
    monkeypatch.setattr(looking, "LOOK_S", 0.02)
    monkeypatch.setattr(looking, "SOON_S", 0.005)
    monkeypatch.setattr(change_viewer, "PAUSE_S", 0.005)


@pytest.fixture
async def floor(tmp_path: Path) -> AsyncIterator[Floor]:
    made = Floor(tmp_path)
    yield made
    made.desk.close()


def test_every_topic_has_an_action_and_is_read() -> None:
    assert set(ACTIONS) == set(TOPICS)
    assert read_wanted("keys,virtual_keys:vk-1,keys") == (Wanted("keys"), Wanted("virtual_keys", "vk-1"))


@pytest.mark.parametrize(
    "text",
    ["", "keys,", "house", "keys:", "keys:a:b", "Keys", "keys:../x", ",".join(["keys"] * (WANTED_MAX + 1))],
)
def test_what_is_no_topic_is_refused(text: str) -> None:
    assert read_wanted(text) is None


async def test_route_refuses_unknown_topics_and_leaves_out_what_a_role_does_not_read(floor: Floor) -> None:
    token = floor.session_of("tom", "trader")
    refused = await floor.call("GET", "/changes?topics=secrets", token)
    assert isinstance(refused, Problem)
    assert refused.kind is INVALID
    assert isinstance(await floor.call("GET", "/changes", token), Problem)
    streamed = await floor.call("GET", "/changes?topics=audit,people", token)
    listening = Listening(streamed)
    floor.person("mia", "trader")
    assert await listening.changed(0.1) == []
    await streamed.close()


async def test_people_and_own_sessions_are_told_to_who_may_know(floor: Floor) -> None:
    olga, tom = floor.caller("olga", "owner"), floor.caller("tom", "trader")
    at_olga, at_tom = floor.watch(olga, "people,sessions"), floor.watch(tom, "people,sessions")
    floor.caller("tom", "trader")
    assert {(one["topic"], *one["ids"]) for one in await at_olga.changed()} == {("people", tom.person.id)}
    assert [(one["topic"], one["ids"]) for one in await at_tom.changed()] == [("sessions", [tom.person.id])]
    floor.caller("olga", "owner")
    assert await at_tom.changed(0.1) == [], "nobody hears of another's sign-in"
    assert "sessions" in {one["topic"] for one in await at_olga.changed()}


async def test_using_a_session_is_no_news(floor: Floor) -> None:
    listening = floor.watch(floor.caller("olga", "owner"), "people,sessions")
    assert await floor.call("GET", "/self", floor.session_of("ann", "trader")) is not None
    await listening.next()
    token = floor.session_of("ann", "trader")
    await listening.next()
    for _ in range(3):
        await floor.call("GET", "/self", token)
    assert await listening.changed(0.1) == []


async def test_virtual_keys_and_approvals_are_told_within_reach_only(floor: Floor) -> None:
    floor.around.says(0, [])
    olga, tom = floor.caller("olga", "owner"), floor.caller("tom", "trader")
    floor.assignments.assign(tom.person.id, "virtual", "vk-toms", olga.person.id, 1)
    at_olga, at_tom = (floor.watch(one, "virtual_keys,approvals") for one in (olga, tom))
    for one in (at_olga, at_tom):
        first = await one.next()
        assert {content["topic"] for _, content in first} <= {"virtual_keys", "approvals"}
        await one.changed(0.05)
    floor.around.says(1, ["vk-others"], ("ap-1", ["olga"]))
    told = {one["topic"]: one for one in await at_olga.changed()}
    assert told["virtual_keys"]["ids"] == ["vk-others"]
    assert (told["approvals"]["ids"], told["approvals"]["count"]) == (["ap-1"], 1)
    assert await at_tom.changed(0.1) == [], "neither the key nor the request is theirs"
    floor.around.says(2, ["vk-toms"], ("ap-1", ["olga"]), ("ap-2", ["tom"]))
    told = {one["topic"]: one for one in await at_tom.changed()}
    assert told["virtual_keys"]["ids"] == ["vk-toms"]
    assert (told["approvals"]["ids"], told["approvals"]["count"]) == (["ap-2"], 1)
    floor.around.says(3, [], ("ap-1", ["olga"]))
    (over,) = await at_tom.changed()
    assert (over["ids"], over["count"]) == (["ap-2"], 0), "who had a say hears that it is over"


async def test_subject_is_told_only_where_it_is_shown(floor: Floor) -> None:
    floor.around.says(0, [])
    listening = floor.watch(floor.caller("olga", "owner"), "virtual_keys:vk-1")
    await listening.next()
    floor.around.says(1, ["vk-2"])
    assert await listening.changed(0.1) == []
    floor.around.says(2, ["vk-2", "vk-1"])
    assert [one["ids"] for one in await listening.changed()] == [["vk-1"]]


async def test_keys_of_accounts_are_told_to_their_owner(floor: Floor) -> None:
    keys = {"began_us": 1, "next": 0, "now_us": 1, "missed": True, "accounts": []}
    floor.around.keys = keys
    tom = floor.caller("tom", "trader")
    floor.assignments.own(7, tom.person.id, "p-olga", 1)
    listening = floor.watch(tom, "keys")
    await listening.next()
    floor.around.keys = {**keys, "next": 1, "missed": False, "accounts": [8]}
    assert await listening.changed(0.1) == []
    floor.around.keys = {**keys, "next": 2, "missed": False, "accounts": [7, 8]}
    assert [one["ids"] for one in await listening.changed()] == [["7"]]
    floor.around.keys = {**keys, "began_us": 2, "next": 0, "missed": False}
    assert await listening.changed() == [{"topic": "keys"}], (
        "a testnet that was restarted may have changed anything"
    )


async def test_neighbour_that_ends_or_comes_back_is_told_once(floor: Floor) -> None:
    floor.around.says(1, [])
    listening = floor.watch(floor.caller("olga", "owner"), "virtual_keys")
    await listening.next()
    answer, floor.around.gateway = floor.around.gateway, NO
    assert await listening.changed() == [{"topic": "virtual_keys"}]
    assert await listening.changed(0.1) == []
    floor.around.gateway = answer
    assert await listening.changed() == [{"topic": "virtual_keys"}]
    assert await listening.changed(0.1) == []


async def test_what_is_given_or_taken_back_is_told_though_it_is_out_of_reach_now(floor: Floor) -> None:
    floor.around.says(0, [])
    tom = floor.caller("tom", "trader")
    listening = floor.watch(tom, "virtual_keys")
    await listening.next()
    floor.assignments.assign(tom.person.id, "virtual", "vk-1", "p-olga", 1)
    assert await listening.changed() == [{"topic": "virtual_keys"}]
    floor.assignments.unassign(tom.person.id, "virtual", "vk-1")
    assert await listening.changed() == [{"topic": "virtual_keys"}]


async def test_vault_tells_seal_and_checks_and_traders_their_own_only(
    floor: Floor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        "watchword.entrypoints.console.live.changes_desk.ChangesDesk._credentials",
        lambda _: {"cred-1": 1, "cred-2": 1},
    )
    floor.around.vault = {"sealed": False, "checked_us": {}, "since_us": 1}
    olga, tom = floor.caller("olga", "owner"), floor.caller("tom", "trader")
    floor.assignments.assign(tom.person.id, "credential", "cred-1", olga.person.id, 1)
    at_olga, at_tom = floor.watch(olga, "vault"), floor.watch(tom, "vault")
    await at_olga.next()
    await at_tom.next()
    floor.around.vault = {"sealed": False, "checked_us": {"cred-2": 5}, "since_us": 1}
    assert [one["ids"] for one in await at_olga.changed()] == [["cred-2"]]
    floor.around.vault = {"sealed": True, "checked_us": {"cred-2": 5}, "since_us": 1}
    assert await at_olga.changed() == [{"topic": "vault"}]
    assert await at_tom.changed(0.1) == [], "neither is the trader's to know"
    floor.around.vault = {"sealed": True, "checked_us": {"cred-1": 6, "cred-2": 5}, "since_us": 1}
    assert [one["ids"] for one in await at_tom.changed()] == [["cred-1"]]


async def test_page_hears_what_changed_between_its_rendering_and_its_stream(floor: Floor) -> None:
    olga = floor.caller("olga", "owner")
    await floor.watch(olga, "people").streamed.close()
    rendered_us = floor.clock.us = floor.clock.us + 1_000
    floor.clock.us += 5
    mia = floor.person("mia", "trader")
    floor.clock.us += 5
    late = floor.watch(olga, "people", rendered_us)
    assert [one["ids"] for one in await late.changed()] == [[mia.id]]
    since_then = floor.watch(olga, "people", floor.clock.us)
    assert await since_then.changed(0.1) == []
    long_ago = floor.watch(olga, "people", 1)
    assert await long_ago.changed() == [{"topic": "people"}], "what is not known is said to be anything"


async def test_idle_console_asks_nobody(floor: Floor) -> None:
    floor.around.says(0, [])
    floor.desk.look_soon()
    await asyncio.sleep(0.06)
    assert floor.around.asked == []
    listening = floor.watch(floor.caller("olga", "owner"), "approvals")
    await listening.next()
    assert floor.around.asked
    assert {type(one) for one in floor.around.asked} == {ShowChanges}, "only what a page shows is looked at"
    await listening.streamed.close()
    await asyncio.sleep(0.03)
    count = len(floor.around.asked)
    await asyncio.sleep(0.08)
    assert len(floor.around.asked) == count


async def test_stream_ends_with_its_session_and_begins_anew_with_another_role(floor: Floor) -> None:
    tom, uma = floor.caller("tom", "trader"), floor.caller("uma", "auditor")
    at_tom, at_uma = floor.watch(tom, "sessions"), floor.watch(uma, "people")
    floor.sessions.end_all(uma.person.id)
    assert ("ended", {}) in await at_uma.next()
    person = floor.register.get(Person, tom.person.id)
    assert person is not None
    floor.register.write([msgspec.structs.replace(person, role="auditor")])
    names = [name for name, _ in [*await at_tom.next(), *await at_tom.next(0.1)] if name != "changed"]
    assert names == ["behind"]


async def test_one_person_and_all_together_have_so_many_streams_and_no_more(floor: Floor) -> None:
    olga = floor.caller("olga", "owner")
    wanted = (Wanted("people"),)
    open_ = [floor.desk.changes(olga, "self.read", wanted, 1) for _ in range(1_000)]
    held = [one for one in open_ if isinstance(one, Streamed)]
    assert len(held) == VIEWERS_PER_PERSON_MAX
    assert {one.kind for one in open_ if isinstance(one, Problem)} == {TOO_MANY}
    for number in range(VIEWERS_MAX):
        other = floor.caller(f"guest{number}", "auditor")
        found = floor.desk.changes(other, "self.read", wanted, 1)
        held += [found] if isinstance(found, Streamed) else []
    assert len(held) == VIEWERS_MAX
    for one in held:
        await one.close()
    assert isinstance(floor.desk.changes(olga, "self.read", wanted, 1), Streamed)


def viewer_of(floor: Floor, topics: str) -> ChangeViewer:
    wanted = read_wanted(topics)
    assert wanted is not None
    reading = Reading(floor, floor.caller("olga", "owner"), dict)  # type: ignore[arg-type]
    return ChangeViewer(wanted, reading, lambda *_: None)


async def test_reader_who_takes_nothing_holds_one_event_for_each_topic(floor: Floor) -> None:
    viewer, bulletin = viewer_of(floor, "people,audit"), Bulletin(1)
    bulletin.join(viewer, 1)
    for number in range(100_000):
        bulletin.publish("people", [f"p-{number % 5_000}"], number + 2)
    piece = await viewer.take(1)
    assert piece == b'event: changed\ndata: {"topic":"people"}\n\n', (
        f"more than {SUBJECTS_NAMED_MAX} are not named"
    )
    assert await viewer.take(0.01) == b""
    assert len(bulletin._changed_us["people"]) == SUBJECTS_MAX


async def test_looking_goes_on_after_faults_and_says_each_once(caplog: pytest.LogCaptureFixture) -> None:
    looks: list[int] = []

    async def look() -> None:
        looks.append(1)
        if len(looks) < 4:
            raise StorageError("lost the testnet")
        if len(looks) == 4:
            raise ValueError("something else")

    one = Looking("the testnet", look)
    with caplog.at_level("INFO"):
        one.join()
        one.join()
        one.leave()
        assert one.runs
        while len(looks) < 6:  # noqa: ASYNC110 - it has no event for it
            await asyncio.sleep(0.005)
        one.leave()
    assert not one.runs
    assert caplog.text.count("cannot be looked at") == 1
    assert "looking at the testnet broke" in caplog.text
