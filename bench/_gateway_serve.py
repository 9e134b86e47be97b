"""The gateway as a trader sets it up, by the command line: vault, real key, policy, virtual key. Then it serves.

The policy is a strict one that the load passes: symbol, sides, types, a price band against the median, caps per order,
per day and on the position, a rate, a condition in CEL. Nothing of the gateway is switched off or imported.
"""

import json
import subprocess
import sys
import time
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from bench._gateway_rig import Target
from bench._gateway_upstream import Server

READY_S_MAX: Final = 30.0
POLL_S: Final = 0.05
COMMAND_S_MAX: Final = 60.0
PROGRAM: Final = (sys.executable, "-m", "watchword")
POLICY: Final = """\
version: 1
name: bench
permissions: [read, trade]
symbols: [BTCUSDT]
sides: any
order_types: [LIMIT, LIMIT_MAKER]
reference: {max_age: 30s}
price_band: {worse: 1%, better: 40%}
max_order: {USDT: 500}
max_day: {USDT: 1000000000}
max_position: {BTC: 1000000}
max_turnover: {USDT: 1000000000}
rate: {per_second: 100000, per_day: 1000000000}
conditions:
  - {name: small orders only, expect: 'notional <= amount("100")'}
"""


def start_gateway(stack: ExitStack, home: Path, upstream_port: int) -> Target:
    """Make a home, start `watchword gateway serve` on it and issue an HMAC key.

    Args:
        stack: Stops the gateway.
        home: Its folder; must not exist.
        upstream_port: Where the canned exchange listens.

    Returns:
        Where it listens, and the bot's key.

    Raises:
        RuntimeError: A command failed, or it does not listen.
    """
    policy = home.parent / "policy.yaml"
    policy.write_text(POLICY)
    command("vault", "init", "--kek", "key-file", "--key-file", str(home.parent / "kek"), home=home)
    server = Server(
        [
            *PROGRAM, "gateway", "serve", "--port", "0", "--upstream", "local",
            "--local-address", f"http://127.0.0.1:{upstream_port}", "--unseal", "--home", str(home),
        ],
        0,
    )  # fmt: skip
    stack.callback(server.stop)
    port = _port(home, server)
    made = command(
        "credential", "create", "--generate", "ed25519", "--upstream", "local", "--label", "real",
        "--permission", "reading", "--permission", "trading", "--json", home=home,
    )  # fmt: skip
    command("credential", "register", json.loads(made)["id"], "R" * 64, home=home)
    key = json.loads(
        command(
            "key", "issue", "--credential", "real", "--policy", str(policy), "--type", "hmac",
            "--label", "bench", "--json", home=home,
        )
    )  # fmt: skip
    return Target("gateway", port, ({"api_key": key["api_key"], "secret": key["secret_key"]},), server.pid)


def command(*words: str, home: Path) -> str:
    """Run a command of Watchword and return what it printed.

    Raises:
        RuntimeError: It failed.
    """
    done = subprocess.run(
        [*PROGRAM, *words, "--home", str(home)],
        capture_output=True,
        text=True,
        timeout=COMMAND_S_MAX,
        stdin=subprocess.DEVNULL,
        check=False,
    )
    if done.returncode:
        raise RuntimeError(f"watchword {' '.join(words[:2])}: {(done.stderr or done.stdout)[-800:]}")
    return done.stdout


def _port(home: Path, server: Server) -> int:
    deadline = time.monotonic() + READY_S_MAX
    while time.monotonic() < deadline:
        if (ended := server.ended()) is not None:
            raise RuntimeError(f"the gateway ended: {ended}")
        try:
            found: dict[str, Any] = json.loads((home / "gateway" / "run.json").read_bytes())
            port = urlsplit(str(found["gateway"]["rest"])).port or 0
        except (FileNotFoundError, ValueError, KeyError):
            time.sleep(POLL_S)
        else:
            return port
    raise RuntimeError("the gateway does not listen")
