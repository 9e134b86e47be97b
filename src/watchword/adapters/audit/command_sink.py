"""The trail at the other end of a command, for example `ssh safe watchword audit receive trail.log`.

One request at a time on the command's standard input, one answer on its standard output; the protocol is in
docs/formats/audit.md. A command that is silent for too long is killed and started anew. Never sees the environment of
this process: the command gets the one it is given.
"""

import os
import select
import subprocess
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from typing import Final

from watchword.audit.chain import LINE_BYTES_MAX, Head, Row
from watchword.kernel.errors import StorageError

ANSWER_MS_MAX: Final = 5_000
LINES_PER_REQUEST: Final = 256
END_S_MAX: Final = 2.0
_READ_BYTES: Final = 64 * 1024


class CommandSink:
    """Implements `audit.trail.AuditSink`.

    When unavailable: refuse.
    """

    def __init__(
        self, command: Sequence[str], environment: Mapping[str, str], answer_ms: int = ANSWER_MS_MAX
    ) -> None:
        """Start the command.

        Args:
            command: Program and arguments; no shell looks at them.
            environment: The command's whole environment.
            answer_ms: Silence longer than this is a failure.

        Raises:
            StorageError: It cannot be started.
        """
        self._name = " ".join(command)
        self._answer_ms = answer_ms
        self._turn = threading.Lock()
        self._unread = b""
        self._reason: str | None = None
        try:
            self._process = subprocess.Popen(
                list(command),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                env=dict(environment),
                start_new_session=True,
                bufsize=0,
            )
        except (OSError, ValueError) as error:
            raise StorageError(f"cannot start {self._name}: {error}") from error
        self._input = self._process.stdin.fileno() if self._process.stdin else -1
        self._output = self._process.stdout.fileno() if self._process.stdout else -1
        os.set_blocking(self._input, False)

    def append(self, rows: Sequence[Row]) -> None:
        """See `AuditSink.append`."""
        with self._turn:
            self._send(b"rows %d\n" % len(rows) + b"".join([row.line for row in rows]))
            verb, _, rest = self._line().partition(b" ")
            number, _, reason = rest.strip().partition(b" ")
            if verb != b"stored" or number != b"%d" % rows[-1].number:
                raise self._refused(verb + b" " + rest)
            self._reason = reason.decode("utf-8", "replace") or None

    def note_stored(self) -> None:
        """See `AuditSink.note_stored`: nothing."""

    def head(self) -> Head:
        """See `AuditSink.head`."""
        with self._turn:
            self._send(b"head\n")
            answer = self._line()
        try:
            verb, number, digest, now_us = answer.split()
            if verb != b"head":
                raise self._refused(answer)
            return Head(int(number), bytes.fromhex(digest.decode("ascii")), int(now_us))
        except ValueError:
            raise self._refused(answer) from None

    def lines_after(self, row: int) -> Iterator[bytes]:
        """See `AuditSink.lines_after`."""
        while True:
            with self._turn:
                self._send(b"lines %d %d\n" % (row, LINES_PER_REQUEST))
                lines: list[bytes] = []
                while (line := self._line()) != b"end\n":
                    lines.append(line)
                    if not line[:1].isdigit() or len(lines) > LINES_PER_REQUEST:
                        raise self._refused(line)
            yield from lines
            if not lines:
                return
            row += len(lines)

    def strained(self) -> str | None:
        """See `AuditSink.strained`: as the command said with its last answer."""
        return self._reason

    def place_name(self) -> str:
        """Return the command line."""
        return self._name

    def close(self) -> None:
        """Let the command end by itself, or end it."""
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                with suppress(OSError):
                    pipe.close()
        try:
            self._process.wait(END_S_MAX)
        except subprocess.TimeoutExpired:
            self._process.kill()
            with suppress(subprocess.TimeoutExpired):
                self._process.wait(END_S_MAX)

    def _send(self, content: bytes) -> None:
        """Write all of it, never waiting longer than `answer_ms` for room in the pipe."""
        view = memoryview(content)
        while view:
            if not self._ready(self._input, select.POLLOUT):
                raise self._silent("takes nothing")
            try:
                view = view[os.write(self._input, view) :]
            except BlockingIOError:
                continue
            except OSError as error:
                raise StorageError(f"{self._name} has ended: {error.strerror}") from error

    def _line(self) -> bytes:
        """Read one line of the answer, with its line end."""
        while (at := self._unread.find(b"\n")) < 0:
            if len(self._unread) > LINE_BYTES_MAX:
                raise self._refused(self._unread[:80])
            if not self._ready(self._output, select.POLLIN):
                raise self._silent("has not answered")
            read = os.read(self._output, _READ_BYTES)
            if not read:
                raise StorageError(f"{self._name} has ended")
            self._unread += read
        line, self._unread = self._unread[: at + 1], self._unread[at + 1 :]
        return line

    def _ready(self, descriptor: int, event: int) -> bool:
        """Wait for a pipe; `poll`, because `select` takes no descriptors above 1023."""
        poll = select.poll()
        poll.register(descriptor, event)
        return bool(poll.poll(self._answer_ms))

    def _silent(self, what: str) -> StorageError:
        """Kill the command: a late answer would be taken for the next one's."""
        self._process.kill()
        return StorageError(f"{self._name} {what} for {self._answer_ms} ms")

    def _refused(self, answer: bytes) -> StorageError:
        text = answer.decode("utf-8", "backslashreplace").strip()[:200]
        return StorageError(f"{self._name} said: {text}")
