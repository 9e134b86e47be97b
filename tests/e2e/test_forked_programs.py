"""What most tests start is forked; it says, does and ends as what a user starts."""

import os
import signal
from pathlib import Path

import pytest
from tests.support import programs
from tests.support.examples import WHOLE
from tests.support.testnet_process import TestnetProcess


@pytest.fixture(autouse=True)
def forking(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(WHOLE, raising=False)


@pytest.mark.parametrize(
    "words",
    [("keygen", "hmac", "--help"), ("testnet", "status", "--home", "nowhere"), ("nonsense",)],
    ids=["good", "refused", "misspelt"],
)
def test_command_says_and_ends_as_one_started_from_nothing(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, words: tuple[str, ...]
) -> None:
    forked = programs.command(*words, folder=tmp_path)
    monkeypatch.setenv(WHOLE, "1")
    real = programs.command(*words, folder=tmp_path)
    told = (forked.returncode, forked.stdout, forked.stderr)
    assert told == (real.returncode, real.stdout, real.stderr)
    assert forked.stdout + forked.stderr


def test_environment_is_what_was_given_and_nothing_else(tmp_path: Path) -> None:
    environment = {"WATCHWORD_HOME": str(tmp_path / "there"), "PATH": os.environ["PATH"]}
    said = programs.command("testnet", "status", environment=environment)
    assert str(tmp_path / "there") in said.stderr.decode()
    assert said.returncode == 1


def test_server_is_a_process_of_its_own_and_its_end_is_told(tmp_path: Path) -> None:
    first = TestnetProcess.start(tmp_path / "home", liquidity=False)
    assert first.pid != os.getpid()
    first.kill()
    assert first._process.wait(0) == -signal.SIGKILL
    second = TestnetProcess.start(tmp_path / "home", liquidity=False)
    assert second.pid != first.pid
    assert second._process.poll() is None
    assert second.stop() == 0
