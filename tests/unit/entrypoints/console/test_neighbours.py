"""Asking another process: what it says is passed on, and what it does not say is never taken for an answer."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from watchword.entrypoints.console import neighbours
from watchword.entrypoints.console import problem as told
from watchword.entrypoints.console.neighbours import Neighbour, hidden, shaped
from watchword.entrypoints.console.problem import Problem
from watchword.entrypoints.sockets.admin_socket import bind, connect
from watchword.kernel.errors import StorageError


@contextlib.asynccontextmanager
async def process(folder: Path, answer: bytes, *, lingers: bool = False) -> AsyncIterator[Neighbour]:
    """Something that listens, reads one line and says this; then it hangs up, unless it lingers."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readline()
        writer.write(answer)
        await writer.drain()
        if lingers:
            await asyncio.sleep(5)
        writer.close()

    server = await asyncio.start_unix_server(serve, folder / "admin.sock")
    try:
        yield Neighbour(folder / "admin.sock", "the testnet", "watchword testnet serve", 0.2)
    finally:
        server.close()


async def test_process_that_is_down_is_said_to_be_with_the_command_that_starts_it(tmp_path: Path) -> None:
    found = await Neighbour(tmp_path / "admin.sock", "the testnet", "watchword testnet serve").send(b"{}\n")
    assert isinstance(found, Problem)
    assert found.kind is told.UNAVAILABLE
    assert "watchword testnet serve" in found.detail


async def test_socket_nobody_listens_at_any_more_is_a_process_that_is_down(tmp_path: Path) -> None:
    async with process(tmp_path, b"") as one:
        pass
    (tmp_path / "admin.sock").touch()
    found = await one.send(b"{}\n")
    assert isinstance(found, Problem)
    assert found.kind is told.UNAVAILABLE


async def test_process_that_lets_nobody_in_is_not_waited_for(tmp_path: Path) -> None:
    path = tmp_path / "admin.sock"
    # One may wait, and does.
    with contextlib.closing(bind(path, 0)), contextlib.closing(connect(path, blocking=False)):
        found = await Neighbour(path, "the testnet", "watchword testnet serve").send(b"{}\n")
    assert isinstance(found, Problem)
    assert (found.kind, "no room" in found.detail) == (told.UNAVAILABLE, True)


@pytest.mark.parametrize("result", ["[]", "{}", "null", "0", '"text"'])
async def test_result_is_passed_on_whatever_it_is(tmp_path: Path, result: str) -> None:
    async with process(tmp_path, f'{{"result": {result}}}\n'.encode()) as one:
        assert await one.send(b"{}\n") == {"[]": [], "{}": {}, "null": None, "0": 0, '"text"': "text"}[result]


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("refused", told.REFUSED),
        ("sealed", told.CONFLICT),
        ("not_found", told.NOT_FOUND),
        ("new", told.REFUSED),
        (None, told.REFUSED),
    ],
)
async def test_refusal_becomes_a_problem_of_its_kind(
    tmp_path: Path, kind: str | None, expected: told.Kind
) -> None:
    said = f', "kind": "{kind}"' if kind else ""
    async with process(tmp_path, f'{{"error": "no"{said}}}\n'.encode()) as one:
        assert await one.send(b"{}\n") == Problem(expected, "no")


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b'{"result": 1}',
        b'{"result": 1',
        b"garbage\n",
        b"\xff\xfe\n",
        b"[]\n",
        b"null\n",
        b"{}\n",
        b'{"error": 5}\n',
        b'{"error": ""}\n',
        b"[" * 100_000 + b"\n",
    ],
)
async def test_process_that_dies_or_says_garbage_leaves_it_unknown(tmp_path: Path, answer: bytes) -> None:
    async with process(tmp_path, answer) as one:
        with pytest.raises(StorageError, match="whether it was done is unknown"):
            await one.send(b"{}\n")


@pytest.mark.parametrize("answer", [b"", b'{"result": 1}'])
async def test_process_that_never_ends_its_answer_is_waited_for_only_so_long(
    tmp_path: Path, answer: bytes
) -> None:
    async with process(tmp_path, answer, lingers=True) as one:
        with pytest.raises(StorageError, match="lost the testnet"):
            await one.send(b"{}\n")


async def test_answer_beyond_the_bound_is_not_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(neighbours, "ANSWER_BYTES_MAX", 1_000)
    async with process(tmp_path, b'{"result": "' + b"x" * 3_000 + b'"}\n') as one:
        with pytest.raises(StorageError, match="lost the testnet"):
            await one.send(b"{}\n")
    async with process(tmp_path, b'{"result": "' + b"x" * 500 + b'"}\n') as one:
        assert await one.send(b"{}\n") == "x" * 500


async def test_refusals_are_bounded_before_they_are_passed_on(tmp_path: Path) -> None:
    async with process(tmp_path, b'{"error": "' + b"x" * 100_000 + b'"}\n') as one:
        found = await one.send(b"{}\n")
    assert isinstance(found, Problem)
    assert len(found.detail) < 10_000


def test_answer_of_another_shape_is_no_answer() -> None:
    assert shaped([1, 2], list[int]) == [1, 2]
    with pytest.raises(StorageError):
        shaped(["one"], list[int])
    down = Problem(told.UNAVAILABLE)
    assert shaped(down, list[int]) is down


def test_what_is_refused_to_be_shown_is_not_there_and_what_is_down_is_down() -> None:
    missing = Problem(told.NOT_FOUND, "there is no such key")
    assert hidden(Problem(told.REFUSED, "no key begins with abc"), missing) is missing
    assert hidden(Problem(told.NOT_FOUND, "abc"), missing) is missing
    for kept in (Problem(told.UNAVAILABLE), Problem(told.CONFLICT), 1):
        assert hidden(kept, missing) is kept
