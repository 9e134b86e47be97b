"""Viewers and their feeds: bounded, dropped when slow, ended with the session, seats given back."""

import asyncio

import pytest

from watchword.entrypoints.console.live import feed as feeding
from watchword.entrypoints.console.live.feed import BEAT, BEHIND, ENDED, RETRY, Feed
from watchword.entrypoints.console.live.viewers import Seats, Viewer


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(feeding, "LOOK_S", 0.005)


async def test_viewer_gets_what_came_as_one_piece() -> None:
    viewer = Viewer()
    assert await viewer.take(0.001) == b""
    viewer.give(b"a")
    viewer.give(b"b")
    assert await viewer.take(1) == b"ab"
    waiting = asyncio.create_task(viewer.take(5))
    await asyncio.sleep(0)
    viewer.give(b"c")
    assert await waiting == b"c"


async def test_viewer_with_one_too_many_waiting_is_dropped_and_holds_nothing() -> None:
    viewer = Viewer(waiting_max=2)
    viewer.give(b"a")
    viewer.give(b"b")
    assert not viewer.dropped
    viewer.give(b"c")
    assert viewer.dropped
    viewer.give(b"d")
    assert await viewer.take(1) == b""


async def test_feed_relays_beats_and_ends_when_it_may_not_go_on() -> None:
    viewer, may, left = Viewer(), [True], []
    feed = Feed(viewer, lambda: may[0], lambda: left.append(1))
    assert await anext(feed) == RETRY
    viewer.give(b"x")
    assert await anext(feed) == b"x"
    assert await anext(feed) == BEAT
    viewer.give(b"not for them")
    may[0] = False
    assert await anext(feed) == ENDED
    with pytest.raises(StopAsyncIteration):
        await anext(feed)
    await feed.aclose()
    await feed.aclose()
    assert left == [1]


async def test_feed_of_a_dropped_viewer_says_so_and_ends() -> None:
    viewer = Viewer()
    feed = Feed(viewer, lambda: True, lambda: None)
    assert await anext(feed) == RETRY
    viewer.drop()
    assert await anext(feed) == BEHIND
    with pytest.raises(StopAsyncIteration):
        await anext(feed)


async def test_feed_nobody_began_is_left_all_the_same() -> None:
    left: list[int] = []
    await Feed(Viewer(), lambda: True, lambda: left.append(1)).aclose()
    assert left == [1]


def test_seats_are_bounded_by_person_and_in_all() -> None:
    seats = Seats(all_max=3, person_max=2)
    assert [seats.take("a"), seats.take("a"), seats.take("a")] == [True, True, False]
    assert [seats.take("b"), seats.take("c")] == [True, False]
    seats.leave("a")
    assert [seats.take("c"), seats.take("c")] == [True, False]
    seats.leave("nobody")
    assert not seats.take("a")
