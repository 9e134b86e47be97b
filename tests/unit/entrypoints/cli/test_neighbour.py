"""A neighbour asked from the command line: its answer, its no, and that a lost one is never asked twice."""

import contextlib
import socket
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec
import pytest

from watchword.entrypoints.cli.neighbour import Neighbour
from watchword.kernel.errors import StorageError


class Look(msgspec.Struct):
    """A request."""

    name: str = "it"


class NoError(Exception):
    """It said no."""


@contextlib.contextmanager
def answering(folder: Path, answer: Callable[[socket.socket], None]) -> Iterator[Neighbour[Look]]:
    """Somebody who takes one connection."""
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(folder / "s"))
        listener.listen()

        def serve() -> None:
            taken, _ = listener.accept()
            with taken:
                answer(taken)

        thread = threading.Thread(target=serve)
        thread.start()
        neighbour: Neighbour[Look] = Neighbour(folder / "s", "the gateway", msgspec.json.encode, NoError, 5)
        with contextlib.closing(neighbour):
            yield neighbour
        thread.join()


def says(line: bytes) -> Callable[[socket.socket], None]:
    def answer(taken: socket.socket) -> None:
        taken.recv(100)
        taken.sendall(line)

    return answer


def test_answer_is_its_result(tmp_path: Path) -> None:
    with answering(tmp_path, says(b'{"result": {"keys": []}}\n')) as neighbour:
        assert neighbour.ask(Look()) == {"keys": []}


def test_its_no_is_raised_with_its_words(tmp_path: Path) -> None:
    with (
        answering(tmp_path, says(b'{"error": "no such key"}\n')) as neighbour,
        pytest.raises(NoError, match="no such"),
    ):
        neighbour.ask(Look())


def test_one_that_ends_leaves_it_open_what_was_done(tmp_path: Path) -> None:
    with (
        answering(tmp_path, says(b"")) as neighbour,
        pytest.raises(
            StorageError, match="the gateway ended before it answered; whether it was done is unknown"
        ),
    ):
        neighbour.ask(Look())


def test_one_that_hangs_up_before_it_reads_does_too(tmp_path: Path) -> None:
    with (
        answering(tmp_path, lambda taken: taken.shutdown(socket.SHUT_RDWR)) as neighbour,
        pytest.raises(StorageError, match=r"the gateway .*before it answered.*unknown"),
    ):
        neighbour.ask(Look("x" * 10_000_000))


def test_nobody_there_is_the_systems_own_fault(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="No such file"):
        Neighbour(tmp_path / "s", "the gateway", msgspec.json.encode, NoError, 5)
