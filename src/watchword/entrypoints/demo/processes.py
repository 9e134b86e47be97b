"""Watchword's own processes, started, waited for and ended for a person who wants to see them at work.

Each is in a session of its own, so that a terminal's Ctrl-C reaches only whoever started it. Never kills what it did
not start.
"""

import json
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any, Final

import msgspec

READY_S_MAX: Final = 60.0
STOP_S_MAX: Final = 15.0
POLL_S: Final = 0.05
LOG_TAIL_LINES: Final = 15


class NotReadyError(Exception):
    """A process ended, or did not listen in time; the text says which and shows the end of its log."""


class Child(msgspec.Struct, frozen=True):
    """One process.

    Attributes:
        name: For people: `testnet`, `gateway`, `bot`.
        process: It.
        log: Where its output goes; None where it goes to ours.
    """

    name: str
    process: "subprocess.Popen[bytes]"
    log: Path | None = None

    def tail(self) -> str:
        """Return the last lines of its log."""
        if self.log is None:
            return ""
        return "\n".join(self.log.read_text("utf-8", "replace").splitlines()[-LOG_TAIL_LINES:])


class Children:
    """What was started in one home, in order.

    Attributes:
        home: Where logs and announcements lie.
        stopping: Set by whoever wants waiting to end.
    """

    def __init__(self, home: Path, stopping: threading.Event | None = None) -> None:
        """Begin with none."""
        self.home = home
        self.stopping = stopping or threading.Event()
        self._all: list[Child] = []

    def start_server(self, role: str, *words: str) -> Child:
        """Start `watchword WORDS --home HOME`, its output in HOME/ROLE.log.

        Args:
            role: `testnet` or `gateway`.
            words: The command.
        """
        log = self.home / f"{role}.log"
        with log.open("wb") as sink:
            process = subprocess.Popen(
                [sys.executable, "-m", "watchword", *words, "--home", str(self.home)],
                stdin=subprocess.DEVNULL, stdout=sink, stderr=sink, start_new_session=True,
            )  # fmt: skip
        return self._keep(Child(role, process, log))

    def start_module(self, name: str, module: str, *words: str) -> Child:
        """Start a Python module whose output is ours."""
        process = subprocess.Popen(
            [sys.executable, "-m", module, *words], stdin=subprocess.DEVNULL, start_new_session=True
        )
        return self._keep(Child(name, process))

    def addresses(self, server: Child) -> dict[str, str] | None:
        """Wait until a server announces where it listens.

        Returns:
            Its addresses; None where `stopping` was set meanwhile.

        Raises:
            NotReadyError: It ended, or took too long.
        """
        run_file = (
            self.home / "run.json" if server.name == "testnet" else self.home / server.name / "run.json"
        )
        for _ in range(int(READY_S_MAX / POLL_S)):
            if self.stopping.is_set():
                return None
            if server.process.poll() is not None:
                break
            run = _read(run_file)
            if run.get("pid") == server.process.pid:
                found: dict[str, str] = run[server.name]
                return found
            self.stopping.wait(POLL_S)
        raise NotReadyError(f"the {server.name} did not start:\n{server.tail()}")

    def ended(self) -> Child | None:
        """Return one that ended by itself, if any did."""
        return next((child for child in self._all if child.process.poll() is not None), None)

    def end(self, child: Child) -> int:
        """Ask one to stop, insist after a while, and return its status."""
        self._all.remove(child)
        return _end(child.process)

    def close(self) -> bool:
        """End all, last first; say whether there were any."""
        any_there = bool(self._all)
        while self._all:
            _end(self._all.pop().process)
        return any_there

    def _keep(self, child: Child) -> Child:
        self._all.append(child)
        return child


def _end(process: "subprocess.Popen[bytes]") -> int:
    if process.poll() is None:
        process.terminate()
        try:
            process.wait(STOP_S_MAX)
        except subprocess.TimeoutExpired:
            process.kill()
    return process.wait()


def _read(path: Path) -> dict[str, Any]:
    """Read an announcement; empty where there is none, or not yet a whole one."""
    try:
        content: dict[str, Any] = json.loads(path.read_bytes())
    except (FileNotFoundError, ValueError):
        return {}
    return content
