"""`watchword demo up` as `make up` runs it: what it prints, line by line, and Ctrl-C. Ports are free ones."""

import os
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Mapping
from pathlib import Path

READY_S_MAX = 120
STOP_S_MAX = 30


class Up:
    """A running demo.

    Attributes:
        home: Its home.
        demo: Where its key files are.
        lines: What it has printed so far.
    """

    def __init__(self, home: Path, environment: Mapping[str, str] | None = None) -> None:
        """Start it.

        Args:
            home: Made by it, if it is not there.
            environment: Of its processes, beside ours.
        """
        self.home = home
        self.demo = home / "demo"
        self.lines: list[str] = []
        self.process = subprocess.Popen(
            [sys.executable, "-m", "watchword", "demo", "up", "--home", str(home), "--port", "0", "--gateway-port", "0",
             "--console-port", "0"],
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env={**os.environ, **(environment or {})},
        )  # fmt: skip
        self._grown = threading.Condition()
        threading.Thread(target=self._read, daemon=True).start()

    def stop(self) -> int:
        """Press Ctrl-C once; return the status."""
        self.process.send_signal(signal.SIGINT)
        return self.process.wait(STOP_S_MAX)

    def wait_for(self, pattern: str) -> str:
        """Return the first line that matches, unless everything ends before."""
        with self._grown:
            self._grown.wait_for(lambda: self._find(pattern) is not None, READY_S_MAX)
        found = self._find(pattern)
        assert found is not None, "\n".join(self.lines)
        return found

    def pasted(self, title: str) -> str:
        """Return the command printed under a title."""
        return self.lines[next(i for i, line in enumerate(self.lines) if line.startswith(title)) + 1].strip()

    def _find(self, pattern: str) -> str | None:
        return next((line for line in self.lines if re.search(pattern, line)), None)

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            with self._grown:
                self.lines.append(line.rstrip("\n"))
                self._grown.notify_all()
