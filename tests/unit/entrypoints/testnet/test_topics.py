"""One payload, one frame per form, shared by all who listen; and diffs that merge without a gap."""

import msgspec

from watchword.entrypoints.testnet.stream_names import Stream
from watchword.entrypoints.testnet.topics import DepthFeed, Topic


class Ear:
    def __init__(self, *, combined: bool) -> None:
        self.combined = combined
        self.micros = False
        self.frames: list[bytes] = []

    def send(self, frame: bytes) -> None:
        self.frames.append(frame)


def test_topic_shares_one_frame_among_equal_subscribers() -> None:
    topic = Topic("btcusdt@trade", Stream("trade", "BTCUSDT"), micros=False)
    raw, other_raw, wrapped = Ear(combined=False), Ear(combined=False), Ear(combined=True)
    topic.sinks.update(dict.fromkeys((raw, other_raw, wrapped)))
    topic.emit(b'{"e":"trade"}')
    assert raw.frames[0] is other_raw.frames[0]
    assert raw.frames[0][2:] == b'{"e":"trade"}'
    assert msgspec.json.decode(wrapped.frames[0][2:]) == {"stream": "btcusdt@trade", "data": {"e": "trade"}}


def test_topic_survives_a_subscriber_that_leaves_while_it_speaks() -> None:
    topic = Topic("x", Stream("trade", "X"), micros=False)

    class Leaver(Ear):
        def send(self, frame: bytes) -> None:
            super().send(frame)
            topic.sinks.clear()

    first, second = Leaver(combined=False), Ear(combined=False)
    topic.sinks.update(dict.fromkeys((first, second)))
    topic.emit(b"{}")
    assert (len(first.frames), len(second.frames)) == (1, 1)


def test_depth_feed_merges_diffs_and_keeps_the_last_quantity() -> None:
    feed = DepthFeed()
    assert feed.take() is None
    feed.add(5, 7, [(100, 1), (99, 2)], [(101, 3)])
    feed.add(8, 9, [(100, 0)], [(102, 4)])
    assert feed.take() == (5, 9, [(100, 0), (99, 2)], [(101, 3), (102, 4)])
    assert feed.take() is None
    feed.add(10, 10, [], [(101, 0)])
    assert feed.take() == (10, 10, [], [(101, 0)])
