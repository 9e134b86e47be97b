"""Answers in pieces: readers who go, readers who take nothing, and answers that cannot be finished."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from watchword.entrypoints.console.streaming import CSV, CUT_OFF, Streamed, StreamedResponse
from watchword.kernel.errors import StorageError


class Pieces:
    """Pieces that say whether they were closed."""

    def __init__(self, *pieces: bytes | Exception, for_ever: bool = False) -> None:
        self.pieces, self.for_ever, self.closed = list(pieces), for_ever, False

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self

    async def __anext__(self) -> bytes:
        if not self.pieces:
            if self.for_ever:
                await asyncio.Event().wait()
            raise StopAsyncIteration
        piece = self.pieces.pop(0)
        if isinstance(piece, Exception):
            raise piece
        return piece

    async def aclose(self) -> None:
        self.closed = True


class Reader:
    """The other end."""

    def __init__(self, *, takes: bool = True) -> None:
        self.sent: list[Any] = []
        self.gone = asyncio.Event()
        self.cut = False
        self.takes = takes

    async def receive(self) -> Any:
        await self.gone.wait()
        return {"type": "http.disconnect"}

    async def send(self, message: Any) -> None:
        if not self.takes and message["type"] == "http.response.body":
            await asyncio.Event().wait()
        self.sent.append(message)

    def cut_off(self) -> None:
        self.cut = True

    async def read(self, pieces: Pieces, **options: Any) -> None:
        scope: Any = {"type": "http", CUT_OFF: self.cut_off, "asgi": {"spec_version": "2.3"}}
        answer = Streamed(pieces, CSV, "x.csv")
        await StreamedResponse(answer, {"cache-control": "no-store"}, **options)(
            scope, self.receive, self.send
        )


async def test_pieces_are_sent_and_ended() -> None:
    pieces, reader = Pieces(b"a", b"b"), Reader()
    await reader.read(pieces)
    assert b"".join(one.get("body", b"") for one in reader.sent) == b"ab"
    assert reader.sent[-1]["more_body"] is False
    headers = dict(reader.sent[0]["headers"])
    assert headers[b"cache-control"] == b"no-store"
    assert headers[b"content-disposition"] == b'attachment; filename="x.csv"'
    assert (pieces.closed, reader.cut) == (True, False)


async def test_reader_who_goes_ends_it() -> None:
    pieces, reader = Pieces(b"a", for_ever=True), Reader()
    reading = asyncio.create_task(reader.read(pieces))
    await asyncio.sleep(0.01)
    assert not reading.done()
    reader.gone.set()
    await asyncio.wait_for(reading, 5)
    assert pieces.closed


async def test_reader_who_takes_nothing_is_cut_off() -> None:
    pieces, reader = Pieces(b"a", for_ever=True), Reader(takes=False)
    await asyncio.wait_for(reader.read(pieces, send_s_max=0.02), 5)
    assert (pieces.closed, reader.cut) == (True, True)
    assert all(one.get("more_body", True) for one in reader.sent)


@pytest.mark.parametrize("error", [StorageError("lost"), TimeoutError()])
async def test_answer_that_cannot_be_finished_is_cut_off_and_not_ended(error: Exception) -> None:
    pieces, reader = Pieces(b"a", error), Reader()
    await reader.read(pieces)
    assert (pieces.closed, reader.cut) == (True, True)
    assert all(one.get("more_body", True) for one in reader.sent)


async def test_pieces_nobody_began_to_read_are_closed_too() -> None:
    pieces, reader = Pieces(b"a"), Reader()
    reader.gone.set()
    await reader.read(pieces)
    assert pieces.closed
