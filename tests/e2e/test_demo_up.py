"""`make up` as a newcomer meets it: what it prints works when pasted, and Ctrl-C leaves nothing behind."""

import json
import re
import signal
import stat
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

READY_S_MAX = 60


class Up:
    """A running `watchword demo up` and what it has printed so far."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.lines: list[str] = []
        self.process = subprocess.Popen(
            [sys.executable, "-m", "watchword", "demo", "up", "--home", str(home), "--port", "0"],
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        )  # fmt: skip
        self._grown = threading.Condition()
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            with self._grown:
                self.lines.append(line.rstrip("\n"))
                self._grown.notify_all()

    def wait_for(self, pattern: str) -> str:
        """Return the first line that matches."""
        with self._grown:
            self._grown.wait_for(lambda: self._find(pattern) is not None, READY_S_MAX)
        found = self._find(pattern)
        assert found is not None, "\n".join(self.lines)
        return found

    def _find(self, pattern: str) -> str | None:
        return next((line for line in self.lines if re.search(pattern, line)), None)

    def pasted(self, title: str) -> str:
        """Return the command printed under a title."""
        return self.lines[next(i for i, line in enumerate(self.lines) if line.startswith(title)) + 1].strip()


@pytest.fixture
def up(tmp_path: Path) -> Iterator[Up]:
    running = Up(tmp_path / "home")
    try:
        yield running
    finally:
        running.process.terminate()
        running.process.wait(30)


@pytest.mark.client
def test_demo_shows_a_bot_trading_and_lines_that_work(up: Up) -> None:
    up.wait_for(r"^bot  BTCUSDT \d+\.\d+ / \d+\.\d+")
    for name in ("hmac.json", "rsa.json", "rsa.pem", "ed25519.json", "ed25519.pem", "bot.json"):
        assert stat.S_IMODE((up.home / "demo" / name).stat().st_mode) == 0o600
    account = json.loads(_shell(up.pasted("curl")))
    assert {row["asset"] for row in account["balances"]} >= {"BTC", "USDT"}
    assert "'status': 'FILLED'" in _shell(up.pasted("ccxt"))
    balance = _shell(up.pasted("python-binance"))
    # 1 BTC to begin with, and 0.001 bought above with its commission taken.
    assert "'free': '1.00099900'" in balance
    again = subprocess.run(
        [sys.executable, "-m", "watchword", "demo", "up", "--home", str(up.home)],
        check=False,
        capture_output=True,
        text=True,
    )
    assert again.returncode == 1
    assert "runs already" in again.stderr
    up.process.send_signal(signal.SIGINT)
    assert up.process.wait(30) == 0
    assert up.lines[-1] == "stopped"
    assert not (up.home / "run.json").exists()


def _shell(line: str) -> str:
    run = subprocess.run(["bash", "-c", line], check=False, capture_output=True, text=True, timeout=60)
    assert run.returncode == 0, run.stderr
    return run.stdout
