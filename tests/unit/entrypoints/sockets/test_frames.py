"""Frames must be readable by the sans-I/O client of `websockets`, which this code does not use to write them."""

import pytest
from websockets.frames import Close, Frame, Opcode
from websockets.protocol import CLIENT, Protocol, State

from watchword.entrypoints.sockets.frames import close_frame, ping_frame, text_frame


def _read(raw: bytes) -> Frame:
    client = Protocol(CLIENT, state=State.OPEN, max_size=None)
    client.receive_data(raw)
    events = client.events_received()
    assert len(events) == 1
    assert isinstance(events[0], Frame)
    return events[0]


@pytest.mark.parametrize("size", [0, 1, 125, 126, 127, 65_535, 65_536, 100_000])
def test_text_frame_of_any_length_is_read_back(size: int) -> None:
    payload = b"x" * size
    frame = _read(text_frame(payload))
    assert (frame.opcode, bytes(frame.data), frame.fin) == (Opcode.TEXT, payload, True)


def test_ping_frame_is_read_back() -> None:
    frame = _read(ping_frame(b"1700000000000"))
    assert (frame.opcode, bytes(frame.data)) == (Opcode.PING, b"1700000000000")


@pytest.mark.parametrize("reason", ["", "no pong within a minute", "x" * 500])
def test_close_frame_is_read_back_with_its_reason_cut_to_fit(reason: str) -> None:
    frame = _read(close_frame(1008, reason))
    assert frame.opcode is Opcode.CLOSE
    assert Close.parse(frame.data) == Close(1008, reason[:123])
