"""`make up` as a newcomer meets it: what it prints works when pasted, and Ctrl-C leaves nothing behind."""

import json
import os
import signal
import stat
import subprocess
import sys
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.support.demo_up import Up

from watchword.gateway.key_format import is_virtual_key


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[[], Up]]:
    """Start it, always in the same home."""
    started: list[Up] = []

    def start_one() -> Up:
        started.append(Up(tmp_path / "home"))
        return started[-1]

    yield start_one
    for one in started:
        one.process.terminate()
        one.process.wait(30)


@pytest.mark.client
def test_demo_shows_a_bot_trading_through_the_gateway_and_lines_that_work_and_starts_again(
    start: Callable[[], Up], tmp_path: Path
) -> None:
    old = _home_from_before_the_gateway(tmp_path / "home")
    up = start()
    up.wait_for(r"^bot  BTCUSDT \d+\.\d+ / \d+\.\d+")
    kept = _only_virtual_keys(up)
    up.wait_for("Open this in a browser first")
    link, _, token = up.wait_for("/set-up#token=").strip().partition("#token=")
    assert token.startswith("wwe_")
    with urllib.request.urlopen(link, timeout=10) as page:
        assert b"Enrolment token" in page.read()
    assert up.wait_for("1 real key that an earlier Watchword had left in .* deleted at the testnet")
    assert old["secret_key"].encode() not in b"".join(kept.values())
    assert old["api_key"] not in _watchword("testnet", "key", "list", "--json", home=up.home).stdout
    account = json.loads(_shell(up.pasted("curl")))
    assert {row["asset"] for row in account["balances"]} >= {"BTC", "USDT"}
    assert "'status': 'FILLED'" in _shell(up.pasted("ccxt"))
    balance = _shell(up.pasted("python-binance"))
    # 1 BTC to begin with, and 0.001 bought above with its commission taken.
    assert "'free': '1.00099900'" in balance
    again = _watchword("demo", "up", home=up.home)
    assert again.returncode == 1
    assert "runs already" in again.stderr
    assert up.stop() == 0
    assert up.lines[-1] == "stopped"
    assert not (up.home / "run.json").exists()
    assert not (up.home / "gateway" / "run.json").exists()

    up = start()
    up.wait_for(r"^bot  BTCUSDT \d+\.\d+ / \d+\.\d+")
    assert {path.name: path.read_bytes() for path in up.demo.iterdir()} == kept
    os.kill(_pids(up)["gateway"], signal.SIGKILL)
    assert up.process.wait(30) == 1
    assert "the gateway ended with status -9" in up.lines
    assert up.lines[-1] == "stopped"
    assert not (up.home / "run.json").exists(), "the testnet was stopped in order"


def test_vault_that_is_no_demo_one_is_left_alone(start: Callable[[], Up], tmp_path: Path) -> None:
    home = tmp_path / "home"
    made = _watchword("vault", "init", "--kek", "key-file", "--key-file", str(tmp_path / "kek"), home=home)
    assert made.returncode == 0, made.stderr
    up = start()
    assert up.process.wait(30) == 1
    up.wait_for("is not a demo one and stays as it is; choose another --home")
    assert not (home / "demo").exists()
    assert not (home / "testnet").exists()


def _home_from_before_the_gateway(home: Path) -> dict[str, str]:
    """A home with a testnet, and a real key of it in the demo's folder; return that key."""
    (home / "demo").mkdir(parents=True)
    _watchword("testnet", "account", "create", "demo", home=home)
    made = _watchword("testnet", "key", "create", "--account", "demo", "--type", "hmac", "--json", home=home)
    old = {name: json.loads(made.stdout)[name] for name in ("api_key", "secret_key")}
    (home / "demo" / "hmac.json").write_text(json.dumps(old))
    return old


def _only_virtual_keys(up: Up) -> dict[str, bytes]:
    """Check what lies in the demo's folder; return it."""
    for name in ("hmac.json", "rsa.json", "rsa.pem", "ed25519.json", "ed25519.pem", "bot.json", "bot.yaml"):
        assert stat.S_IMODE((up.demo / name).stat().st_mode) == 0o600
    virtual = {json.loads(path.read_bytes())["api_key"] for path in up.demo.glob("*.json")}
    assert len(virtual) == 4
    assert all(is_virtual_key(key) for key in virtual)
    real = json.loads(_watchword("credential", "list", "--json", home=up.home).stdout)
    assert {(one["label"], one["key_type"], one["upstream"]) for one in _records(real)} == {
        ("demo", "ED25519", "local"), ("demo-bot", "ED25519", "local"),
    }  # fmt: skip
    live = _watchword(
        "credential", "create", "--generate", "ed25519", "--upstream", "live", "--label", "mine", home=up.home
    )
    assert live.returncode == 1
    assert "demo key file, which refuses live credentials" in live.stderr
    return {path.name: path.read_bytes() for path in up.demo.iterdir()}


def _records(listed: Any) -> list[dict[str, Any]]:
    rows = listed["credentials"] if isinstance(listed, dict) else listed
    return [row.get("record", row) for row in rows]


def _pids(up: Up) -> dict[str, int]:
    return {"gateway": json.loads((up.home / "gateway" / "run.json").read_bytes())["pid"]}


def _watchword(*words: str, home: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "watchword", *words, "--home", str(home)],
        check=False, capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=60,
    )  # fmt: skip


def _shell(line: str) -> str:
    run = subprocess.run(["bash", "-c", line], check=False, capture_output=True, text=True, timeout=60)
    assert run.returncode == 0, run.stderr
    return run.stdout
