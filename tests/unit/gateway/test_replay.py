"""The guard on its own: what is the same, what is another, how long, how much, and what a restart brings back."""

from collections.abc import Iterator

import pytest
from tests.support.gateway_fakes import OK, Rig

from watchword.audit.chain import Head, seal
from watchword.audit.event import Intent, Refusal, encode_event
from watchword.gateway import replay
from watchword.gateway.messages import Answer, Refused, Reply
from watchword.gateway.refusal import GUARD_FULL, IN_FLIGHT, REPLAYED
from watchword.gateway.replay import LOOK_BACK_US, MARGIN_US, Entry, ReplayGuard

NOW_US = 1_767_614_400_000_000
WINDOW_US = 5_000_000
PLACE = "POST /api/v3/order"


def enter(
    guard: ReplayGuard, payload: bytes | tuple[bytes, ...], *, place: str = PLACE, key: str = "vk-1", at_us: int = NOW_US,
    deadline_us: int = NOW_US + WINDOW_US, read_from: str = "",
) -> Entry | Reply:  # fmt: skip
    payloads = payload if isinstance(payload, tuple) else (payload,)
    return guard.enter(key, payloads, place, deadline_us, at_us, read_from)


def entered(found: Entry | Reply) -> Entry:
    assert isinstance(found, Entry)
    return found


def test_same_request_is_unknown_until_it_is_settled() -> None:
    guard = ReplayGuard()
    entry = entered(enter(guard, b"a=1"))
    assert enter(guard, b"a=1") is IN_FLIGHT
    guard.settle(entry, None)
    assert enter(guard, b"a=1") is IN_FLIGHT
    guard.settle(entry, OK)
    assert enter(guard, b"a=1") is OK


def test_same_payload_elsewhere_is_refused_settled_or_not() -> None:
    guard = ReplayGuard()
    entry = entered(enter(guard, b"a=1"))
    assert enter(guard, b"a=1", place="DELETE /api/v3/order") is REPLAYED
    guard.settle(entry, OK)
    assert enter(guard, b"a=1", place="order.place") is REPLAYED


ACCOUNT, ORDERS, ADDRESS = "GET /api/v3/account", "GET /api/v3/openOrders", "192.0.2.7"


def test_reads_signed_at_once_are_let_in_each_place_once() -> None:
    guard = ReplayGuard()
    first = entered(enter(guard, b"a=1", place=ACCOUNT, read_from=ADDRESS))
    second = entered(enter(guard, b"a=1", place=ORDERS, read_from=ADDRESS))
    assert enter(guard, b"a=1", place=ORDERS, read_from=ADDRESS) is IN_FLIGHT
    other = Answer(status=200, body=b"[]")
    guard.settle(second, other)
    guard.settle(first, OK)
    assert enter(guard, b"a=1", place=ORDERS, read_from=ADDRESS) is other
    assert enter(guard, b"a=1", place=ACCOUNT, read_from=ADDRESS) is OK
    enter(guard, b"b", at_us=NOW_US + 2 * (WINDOW_US + MARGIN_US), deadline_us=NOW_US + 3 * WINDOW_US)
    assert (len(guard), guard._bytes, dict(guard._replies)) == (1, 0, {})


@pytest.mark.parametrize(
    ("place", "read_from", "later_us"),
    [
        ("DELETE /api/v3/order", "", 0),
        (PLACE, "", 0),
        ("userDataStream.subscribe.signature", "", 0),
        (ORDERS, "192.0.2.8", 0),
        (ORDERS, ADDRESS, replay.TOGETHER_US + 1),
    ],
)
def test_read_becomes_nothing_else_nobody_elses_and_nothing_later(
    place: str, read_from: str, later_us: int
) -> None:
    guard = ReplayGuard()
    entered(enter(guard, b"a=1", place=ACCOUNT, read_from=ADDRESS))
    assert enter(guard, b"a=1", place=place, read_from=read_from, at_us=NOW_US + later_us) is REPLAYED


def test_change_becomes_no_read() -> None:
    guard = ReplayGuard()
    entered(enter(guard, b"a=1"))
    assert enter(guard, b"a=1", place=ACCOUNT, read_from=ADDRESS) is REPLAYED


def test_reads_of_the_same_bytes_are_bounded() -> None:
    guard = ReplayGuard()
    for number in range(replay.TOGETHER_COUNT_MAX + 1):
        entered(enter(guard, b"a=1", place=f"GET /{number}", read_from=ADDRESS))
    assert enter(guard, b"a=1", place=ORDERS, read_from=ADDRESS) is REPLAYED


def test_same_payload_of_another_key_is_another_request() -> None:
    guard = ReplayGuard()
    entered(enter(guard, b"a=1"))
    entered(enter(guard, b"a=1", key="vk-2"))


def test_either_form_of_a_ws_request_counts_as_used() -> None:
    guard = ReplayGuard()
    entry = entered(enter(guard, (b"a=\xc3\xa4", b"a=%C3%A4")))
    assert len(entry.replay) == 64
    assert enter(guard, b"a=%C3%A4") is IN_FLIGHT
    assert enter(guard, (b"a=other", b"a=\xc3\xa4"), place="elsewhere") is REPLAYED


@pytest.mark.parametrize("deadline_us", [NOW_US, NOW_US + WINDOW_US, NOW_US + 61_000_000])
def test_request_is_remembered_until_a_second_after_its_deadline(deadline_us: int) -> None:
    guard = ReplayGuard()
    entered(enter(guard, b"a=1", deadline_us=deadline_us))
    assert enter(guard, b"a=1", at_us=deadline_us + MARGIN_US) is IN_FLIGHT
    enter(
        guard, b"b=1", at_us=deadline_us + MARGIN_US + 200_000, deadline_us=deadline_us + MARGIN_US + 200_001
    )
    assert len(guard) == 1
    entered(enter(guard, b"a=1", at_us=deadline_us + MARGIN_US + 200_000))


def test_clock_that_steps_back_forgets_nothing() -> None:
    guard = ReplayGuard()
    entered(enter(guard, b"a=1"))
    entered(enter(guard, b"b=1", at_us=NOW_US - 3_600_000_000))
    assert enter(guard, b"a=1", at_us=NOW_US - 1_800_000_000) is IN_FLIGHT


def test_memory_is_given_back() -> None:
    guard = ReplayGuard()
    for second in range(300):
        for number in range(20):
            at_us = NOW_US + second * 1_000_000
            entry = entered(
                enter(guard, b"%d %d" % (second, number), at_us=at_us, deadline_us=at_us + WINDOW_US)
            )
            guard.settle(entry, OK)
    assert len(guard) <= 8 * 20
    assert len(guard._replies) <= 8 * 20
    assert len(guard._due) <= 8 * 1_000_000 // (1 << replay.SLOT_SHIFT) + 2
    assert guard._per_key == {"vk-1": len(guard)}
    enter(guard, b"end", at_us=NOW_US + 10**9)
    assert (len(guard), guard._bytes, len(guard._replies)) == (1, 0, 0)


def test_too_many_requests_are_refused_and_nothing_is_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(replay, "ENTRIES_COUNT_MAX", 3)
    monkeypatch.setattr(replay, "ENTRIES_PER_KEY_COUNT_MAX", 2)
    guard = ReplayGuard()
    entered(enter(guard, b"1"))
    entered(enter(guard, b"2"))
    assert enter(guard, b"3") is GUARD_FULL
    entered(enter(guard, b"3", key="vk-2"))
    assert enter(guard, b"4", key="vk-2") is GUARD_FULL
    assert enter(guard, b"1") is IN_FLIGHT


def test_replies_are_bounded_and_a_dropped_one_is_unknown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(replay, "REPLIES_BYTES_MAX", 3_000)
    guard = ReplayGuard()
    for number in range(10):
        guard.settle(entered(enter(guard, b"%d" % number)), Answer(status=200, body=b"x" * 700))
    assert guard._bytes <= 3_000
    assert enter(guard, b"0") is IN_FLIGHT
    assert enter(guard, b"9") == Answer(status=200, body=b"x" * 700)


def test_long_reply_is_not_kept() -> None:
    guard = ReplayGuard()
    guard.settle(entered(enter(guard, b"a")), Answer(status=200, body=b"x" * replay.REPLY_BYTES_MAX))
    assert enter(guard, b"a") is IN_FLIGHT


def test_refusal_is_kept_as_a_reply() -> None:
    guard = ReplayGuard()
    guard.settle(entered(enter(guard, b"a")), REPLAYED)
    assert enter(guard, b"a") is REPLAYED


def lines(*rows: tuple[int, Intent | Refusal]) -> Iterator[bytes]:
    """A trail, the last row first."""
    sealed, head = [], Head()
    for at_us, event in rows:
        row = seal(encode_event(event), head, at_us)
        sealed.append(row.line)
        head = row.head
    return reversed(sealed)


async def test_restart_brings_back_what_was_signed_and_what_was_refused() -> None:
    rig = Rig("max_order: {USDT: 1}\n")
    await rig.send(rig.order())
    await rig.send(rig.rest("GET", "/api/v3/account", "recv=1"))
    await rig.send(rig.order("&newClientOrderId=x&icebergQty=1&stopPrice=3"))
    assert len(rig.trail.refusals) == 1
    stored = lines(*[(rig.time.at_us, row) for row in rig.trail.rows if isinstance(row, Intent | Refusal)])
    after = Rig("max_order: {USDT: 1}\n")
    assert after.pipeline.guard.restore(stored, after.time.at_us - LOOK_BACK_US) == 3
    for inbound in (after.order(), after.rest("GET", "/api/v3/account", "recv=1")):
        reply = await after.send(inbound)
        assert (reply.wire.http_status, reply.wire.code) == (504, -1007)
    elsewhere = await after.send(after.rest("GET", "/api/v3/account", "symbol=BTCUSDT&newClientOrderId=x"))
    assert isinstance(elsewhere, Answer)
    captured = await after.send(
        after.rest("DELETE", "/api/v3/order", after.order().raw_query.decode().split("&recv")[0])
    )
    assert isinstance(captured, Refused)
    assert captured.rule == "replay"
    assert len(after.link.sent) == 1


def test_restart_looks_back_no_further_than_any_request_lives() -> None:
    assert LOOK_BACK_US == 62_000_000
    guard = ReplayGuard()
    row = Intent(
        request="r",
        key="vk-1",
        credential="c",
        upstream="local",
        endpoint=PLACE,
        deadline_us=NOW_US + 1,
        replay="ab" * 16,
    )
    stored = lines((NOW_US - LOOK_BACK_US - 1, row), (NOW_US, row))
    assert guard.restore(stored, NOW_US - LOOK_BACK_US) == 1


async def test_restart_on_a_machine_whose_clock_was_set_forward_still_guards() -> None:
    rig = Rig()
    inbound = rig.order()
    await rig.send(inbound)
    stored = lines(*[(rig.time.at_us - 300_000_000, row) for row in rig.trail.intents])
    after = Rig()
    assert after.pipeline.guard.restore(stored, after.time.at_us - LOOK_BACK_US) == 1
    captured = await after.send(inbound)
    assert isinstance(captured, Refused)
    assert not after.link.sent


def test_restart_passes_over_damaged_lines() -> None:
    guard = ReplayGuard()
    assert guard.restore(iter([b"no row\n", b""]), 0) == 0
