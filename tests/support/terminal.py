"""Somebody at a real terminal: runs a command on a pseudo-terminal and types answers when it asks."""

import os
import pty
import select
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

SECONDS_MAX: Final = 30


class Shown:
    """What a terminal session came to.

    Attributes:
        status: Exit status.
        screen: Everything the terminal showed, echoes included.
    """

    def __init__(self, status: int, screen: bytes) -> None:
        self.status = status
        self.screen = screen

    @property
    def text(self) -> str:
        """The screen as text."""
        return self.screen.decode("utf-8", "replace").replace("\r\n", "\n")


#: What to type, or what says so from the screen as it stands.
Typing = bytes | Callable[[bytes], bytes]


def typed(words: Sequence[str | Path], answers: Sequence[tuple[str, Typing]], folder: Path) -> Shown:
    """Run `watchword` at a terminal.

    Args:
        words: After `watchword`.
        answers: What to wait for on the screen, lower case, and what to type then, without the line end.
        folder: Where it runs.

    Returns:
        How it ended; a question that never came makes it fail.
    """
    master, slave = pty.openpty()
    environment = {name: value for name, value in os.environ.items() if not name.startswith("WATCHWORD_")}
    process = subprocess.Popen(
        [sys.executable, "-m", "watchword", *map(str, words)],
        cwd=folder, env=environment, stdin=slave, stdout=slave, stderr=slave, start_new_session=True,
    )  # fmt: skip
    os.close(slave)
    try:
        screen, left = _converse(master, list(answers))
        status = process.wait(SECONDS_MAX)
    finally:
        process.kill()
        process.wait()
        os.close(master)
    assert not left, f"never asked for {left[0][0]!r}:\n{screen.decode('utf-8', 'replace')}"
    return Shown(status, screen)


def _converse(master: int, waiting: list[tuple[str, Typing]]) -> tuple[bytes, list[tuple[str, Typing]]]:
    """Type each answer when its question stands there, and read until the other end closes."""
    screen, at, deadline = b"", 0, time.monotonic() + SECONDS_MAX
    while time.monotonic() < deadline:
        if not select.select([master], [], [], 0.5)[0]:
            continue
        try:
            piece = os.read(master, 4096)
        except OSError:  # Linux says EIO when the other end is closed
            break
        if not piece:
            break
        screen += piece
        if waiting and waiting[0][0].encode() in screen[at:].lower():
            at = len(screen)
            answer = waiting.pop(0)[1]
            os.write(master, (answer(screen) if callable(answer) else answer) + b"\n")
    return screen, waiting
