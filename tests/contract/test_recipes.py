"""The recipe of the gateway as its reader follows it: its files are written, its lines are run, its versions are installed.

Nothing is repeated here: what runs is what `docs/recipes/gateway.md` says.
"""

import importlib.metadata
import importlib.util
import json
import os
import re
import select
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

import pytest
from tests.support.gateway_process import running_bench
from tests.support.testnet_process import TestnetProcess

pytestmark = pytest.mark.client

ROOT: Final = Path(__file__).resolve().parents[2]
RECIPE: Final = (ROOT / "docs" / "recipes" / "gateway.md").read_text(encoding="utf-8")
NODE_MODULES: Final = Path(__file__).with_name("node") / "node_modules"
BLOCK: Final = re.compile(r"^```(\w+)(?: (\S+))?\n(.*?)^```$", re.MULTILINE | re.DOTALL)
FILES: Final = {name: text for _, name, text in BLOCK.findall(RECIPE) if name}
LINES: Final = re.findall(r"^\$ (watchword .*)$", RECIPE, re.MULTILINE)
ISSUE: Final = [line for line in LINES if line.startswith("watchword key issue")]
RUNS: Final = {line.split(" -- ")[1]: line for line in LINES if line.startswith("watchword exec")}
FREQTRADE: Final = next(command for command in RUNS if command.startswith("freqtrade"))
WAIT_S: Final = 60.0
#: What each prints when its orders were filled.
PRINTED: Final = {
    "python with_python_binance.py": "FILLED 0.00100000\n",
    "python with_ccxt.py": "closed 0.001\n",
    "python with_binance_sdk_spot.py": "FILLED 0.00100000\n",
    "node with_binance.mjs": "FILLED 0.00100000\n",
    "node with_binance_spot.mjs": "FILLED 0.00100000\n",
}


class Reader:
    """Somebody who follows the recipe, in a folder of their own."""

    def __init__(self, folder: Path, home: Path) -> None:
        self.folder = folder
        self.environment: Mapping[str, str] = {
            **os.environ,
            "WATCHWORD_HOME": str(home),
            "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        }
        for name, text in FILES.items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_text(text, encoding="utf-8")
        if NODE_MODULES.is_dir():
            (folder / "node_modules").symlink_to(NODE_MODULES)

    def start(self, line: str) -> "subprocess.Popen[str]":
        """Type a line."""
        return subprocess.Popen(
            ["bash", "-c", f"exec {line}"], cwd=self.folder, env=self.environment, text=True,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        )  # fmt: skip

    def run(self, line: str) -> str:
        """Type a line and wait; return what it printed."""
        with self.start(line) as process:
            printed, _ = process.communicate(timeout=WAIT_S)
        assert process.returncode == 0, printed
        return printed


@pytest.fixture(scope="module")
def reader(live_testnet: TestnetProcess, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Reader]:
    """A reader for whom a gateway runs, and who has come as far as having a key."""
    folder = tmp_path_factory.mktemp("recipe")
    with running_bench(tmp_path_factory.mktemp("gateway"), live_testnet, account="reader") as bench:
        found = Reader(folder, bench.home)
        for line in ISSUE:
            found.run(line)
        yield found


@pytest.mark.parametrize("command", PRINTED)
def test_client_of_the_recipe_trades_through_the_gateway(reader: Reader, command: str) -> None:
    if command.startswith("node"):
        _need_node(reader)
    assert reader.run(RUNS[command]) == PRINTED[command]


def test_freqtrade_trades_live_through_the_gateway_and_ends_on_ctrl_c(reader: Reader) -> None:
    if importlib.util.find_spec("freqtrade") is None:
        pytest.skip("freqtrade is not installed; `make test` installs it")
    process = reader.start(RUNS[FREQTRADE])
    printed = _read_until(process, "MARKET_BUY has been fulfilled")
    process.send_signal(signal.SIGINT)
    rest, _ = process.communicate(timeout=WAIT_S)
    assert process.returncode == 130, printed + rest
    assert "was created for BTC/USDT and status is closed" in " ".join(printed.split())


def test_recipe_runs_every_file_and_every_line_it_shows() -> None:
    assert set(RUNS) == {*PRINTED, FREQTRADE}
    assert len(ISSUE) == 1
    assert len(LINES) == len(RUNS) + len(ISSUE)
    used = " ".join((*RUNS, *ISSUE))
    assert [name for name in FILES if name not in used and Path(name).stem not in used] == []


def test_versions_in_the_recipe_are_those_it_was_run_with() -> None:
    locked = json.loads((NODE_MODULES.parent / "package-lock.json").read_bytes())["packages"]
    rows = re.findall(r"^\| \[([^\]]+)\]\([^)]*\)( \(npm\))? \| ([0-9.]+) \|", RECIPE, re.MULTILINE)
    assert len(rows) == len(RUNS)
    for client, npm, version in rows:
        if npm:
            assert locked[f"node_modules/{client}"]["version"] == version
        elif client != "freqtrade" or importlib.util.find_spec("freqtrade"):
            assert importlib.metadata.version(client) == version


def _need_node(reader: Reader) -> None:
    # Not a skip: npm's registry may be out of reach where PyPI is not, and strict runs count skips as failures.
    if shutil.which("node", path=reader.environment["PATH"]) is None:
        pytest.xfail("there is no node; `make test` installs one where npm is missing")
    if not NODE_MODULES.is_dir():
        pytest.xfail(f"{NODE_MODULES} is missing; `make test` fills it with npm ci")


def _read_until(process: "subprocess.Popen[str]", text: str) -> str:
    """Read output until a text comes, wherever its lines are folded; fails where it does not."""
    assert process.stdout is not None
    printed, deadline = b"", time.monotonic() + WAIT_S
    while text.encode() not in b" ".join(printed.split()):
        readable, _, _ = select.select([process.stdout], [], [], max(0.0, deadline - time.monotonic()))
        chunk = os.read(process.stdout.fileno(), 65_536) if readable else b""
        printed += chunk
        if not chunk:
            process.kill()
            pytest.fail(printed.decode("utf-8", "replace"))
    return printed.decode("utf-8", "replace")
