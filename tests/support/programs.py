"""Starts `watchword …` for tests: forked from a process that has imported everything, or from nothing, as a user does it.

A start from nothing is a second of imports, and the tests make hundreds. A forked process is one of its own all the same:
arguments, environment, standard streams, signals and end are its own, and no memory is shared. Where WHOLE is
in the environment (`make test-all`, and tests that look at whole processes), and outside of pytest, every one begins from nothing.
"""

import array
import atexit
import contextlib
import functools
import json
import os
import select
import signal
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO, Final

from tests.support.examples import WHOLE
from tests.support.nest import NUMBER

PROGRAM: Final = (sys.executable, "-m", "watchword")
ROOT: Final = Path(__file__).resolve().parents[2]
BORN_WAIT_S: Final = 60.0
COMMAND_WAIT_S: Final = 60.0


class Process:
    """A forked process; what tests use of `subprocess.Popen`."""

    def __init__(self, told: socket.socket) -> None:
        self._told = told
        self.returncode: int | None = None
        told.settimeout(BORN_WAIT_S)
        self.pid = self._number()

    def poll(self) -> int | None:
        """Its exit status, or None while it runs."""
        if self.returncode is None and select.select([self._told], [], [], 0)[0]:
            self._take_end()
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        """Wait for its end.

        Raises:
            subprocess.TimeoutExpired: It still runs.
        """
        if self.returncode is None:
            if not select.select([self._told], [], [], timeout)[0]:
                raise subprocess.TimeoutExpired("watchword", timeout or 0)
            self._take_end()
        assert self.returncode is not None
        return self.returncode

    def send_signal(self, number: int) -> None:
        """Nothing happens where it has ended."""
        if self.poll() is None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, number)

    def terminate(self) -> None:
        """Ask it to end."""
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        """kill -9."""
        self.send_signal(signal.SIGKILL)

    def _take_end(self) -> None:
        self.returncode = self._number()
        self._told.close()

    def _number(self) -> int:
        found = self._told.recv(NUMBER.size, socket.MSG_WAITALL)
        if len(found) != NUMBER.size:
            raise RuntimeError("the process that forks has ended")
        return int(NUMBER.unpack(found)[0])


class Nest:
    """The process that forks; one for each test process, started when first needed."""

    def __init__(self) -> None:
        self._control, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._sending = threading.Lock()
        with theirs:
            # It ends when this process does: then nobody holds the other end.
            self._process = subprocess.Popen(
                [sys.executable, "-m", "tests.support.nest", str(theirs.fileno())],
                pass_fds=(theirs.fileno(),), cwd=ROOT, stdin=subprocess.DEVNULL,
            )  # fmt: skip

    def fork(
        self,
        words: Sequence[str],
        streams: tuple[int, int, int],
        environment: Mapping[str, str],
        folder: Path | None = None,
    ) -> Process:
        """Have one forked."""
        mine, theirs = socket.socketpair()
        request = {
            "words": list(words),
            "folder": str(folder or Path.cwd()),
            "environment": dict(environment),
        }
        fds = array.array("i", [*streams, theirs.fileno()])
        with theirs, self._sending:
            self._control.sendmsg(
                [json.dumps(request).encode()], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, fds)]
            )
        return Process(mine)

    def close(self) -> None:
        """Let it end, and wait for that."""
        self._control.close()
        self._process.wait()


@functools.cache
def _nest() -> Nest:
    made = Nest()
    atexit.register(made.close)
    return made


_STARTING: Final = threading.Lock()


def start(
    words: Sequence[str | Path], log: IO[bytes], environment: Mapping[str, str] | None = None
) -> "Process | subprocess.Popen[bytes]":
    """Start a server that reads nothing.

    Args:
        words: After `watchword`.
        log: Takes all it prints.
        environment: Its whole; this process's where none is given.
    """
    texts, whole = _told(words, environment)
    if not _forking():
        return subprocess.Popen(
            [*PROGRAM, *texts], stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT, env=whole
        )
    with Path(os.devnull).open("rb") as nothing:
        return _shared().fork(texts, (nothing.fileno(), log.fileno(), log.fileno()), whole)


def command(
    *words: str | Path,
    environment: Mapping[str, str] | None = None,
    folder: Path | None = None,
    timeout: float = COMMAND_WAIT_S,
) -> "subprocess.CompletedProcess[bytes]":
    """Run a command that reads nothing, to its end, whatever that is.

    Args:
        words: After `watchword`.
        environment: Its whole; this process's where none is given.
        folder: Where it works; where this process does unless told otherwise.
        timeout: In seconds.

    Raises:
        subprocess.TimeoutExpired: It did not end; it was killed.
    """
    texts, whole = _told(words, environment)
    if not _forking():
        return subprocess.run(
            [*PROGRAM, *texts], check=False, capture_output=True, stdin=subprocess.DEVNULL, timeout=timeout,
            env=whole, cwd=folder,
        )  # fmt: skip
    with (
        tempfile.TemporaryFile() as out,
        tempfile.TemporaryFile() as err,
        Path(os.devnull).open("rb") as nothing,
    ):
        process = _shared().fork(texts, (nothing.fileno(), out.fileno(), err.fileno()), whole, folder)
        try:
            code = process.wait(timeout)
        except BaseException:
            process.kill()
            raise
        out.seek(0)
        err.seek(0)
        return subprocess.CompletedProcess(texts, code, out.read(), err.read())


def _told(
    words: Sequence[str | Path], environment: Mapping[str, str] | None
) -> tuple[list[str], dict[str, str]]:
    return [str(word) for word in words], dict(os.environ if environment is None else environment)


def _forking() -> bool:
    # What is measured, in bench/, is started as users start it: pytest does not run there.
    return "PYTEST_VERSION" in os.environ and WHOLE not in os.environ


def _shared() -> Nest:
    with _STARTING:
        return _nest()
