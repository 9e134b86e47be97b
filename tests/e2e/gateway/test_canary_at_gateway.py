"""A canary secret behind a working gateway: everything is done with it that can be, and it is seen nowhere but in the vault.

The search itself is proven in tests/e2e/test_canary.py: hidden in each of these places, it is found.
"""

import hashlib
import hmac
import http.client
import json
import secrets
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlencode, urlsplit

import pytest
from tests.support.canary import (
    Canary,
    in_core_files,
    in_files,
    in_process,
    in_process_list,
    in_temporary_files,
    seen_in,
)
from tests.support.gateway_process import RICH, TRADER_POLICY, GatewayProcess
from tests.support.programs import PROGRAM
from tests.support.testnet_process import TRADING, TestnetKey, TestnetProcess

pytestmark = pytest.mark.usefixtures("real_starts")
COMMAND_WAIT_S = 60
BOT_WAIT_S = 20.0
#: A bot that was given its key in the environment, trades once, and waits to be looked at.
BOT = """
import os, sys
from binance.base_client import BaseClient
from binance.client import Client
BaseClient.API_URL = os.environ["BINANCE_BASE_URL"] + "/api"
client = Client(os.environ["BINANCE_API_KEY"], os.environ["BINANCE_API_SECRET"])
client.create_order(symbol="BTCUSDT", side="BUY", type="LIMIT", timeInForce="GTC", quantity="0.01", price="50000")
try:
    client.create_order(symbol="NOSUCH", side="BUY", type="MARKET", quantity="1")
except Exception as error:
    print(repr(error))
print("traded", flush=True)
sys.stdin.read()
"""


class Scene:
    """A vault with the canary in it, a gateway, and all that any command or answer said."""

    def __init__(self, folder: Path, testnet: TestnetProcess, real: TestnetKey) -> None:
        self.folder = folder
        self.home = folder / "home"
        self.testnet = testnet
        self.real = real
        self.canaries = [Canary("real secret", real.secret.encode())]
        self.said: list[bytes] = []
        self.run("vault", "init", "--kek", "key-file", "--key-file", str(folder / "kek"))
        self.gateway = GatewayProcess.start(
            self.home,
            ("--unseal", "--local-address", testnet.rest, "--second-sink", f"file:{folder / 'second.log'}"),
        )

    def run(self, *words: str, stdin: bytes = b"") -> bytes:
        """Run a command, whatever becomes of it, and keep what it said."""
        done = subprocess.run(
            [*PROGRAM, *words, "--home", str(self.home)],
            check=False, input=stdin, capture_output=True, timeout=COMMAND_WAIT_S,
        )  # fmt: skip
        self.said += [done.stdout, done.stderr]
        return done.stdout

    def ask(self, method: str, target: str, headers: dict[str, str], body: bytes = b"") -> int:
        """One HTTP request, whatever becomes of it; its answer is kept whole."""
        address = urlsplit(self.gateway.rest)
        connection = http.client.HTTPConnection(address.hostname or "", address.port, timeout=BOT_WAIT_S)
        try:
            connection.request(method, target, body or None, headers)
            response = connection.getresponse()
            self.said += [str(response.headers).encode(), response.read()]
            return response.status
        finally:
            connection.close()

    def signed(self, method: str, path: str, key: str, secret: str, **params: object) -> int:
        """One signed request."""
        query = urlencode({**params, "timestamp": time.time_ns() // 1_000_000})
        signature = hmac.new(secret.encode(), query.encode(), hashlib.sha256).hexdigest()
        return self.ask(method, f"{path}?{query}&signature={signature}", {"X-MBX-APIKEY": key})


@pytest.fixture
def scene(tmp_path: Path, quiet_testnet: TestnetProcess) -> Iterator[Scene]:
    account = f"canary-{secrets.token_hex(4)}"
    quiet_testnet.create_account(account, RICH)
    made = Scene(tmp_path, quiet_testnet, quiet_testnet.create_key(account, "HMAC", permissions=TRADING))
    try:
        yield made
    finally:
        made.gateway.stop()


@pytest.mark.client
def test_real_secret_is_seen_nowhere_but_in_the_vault(scene: Scene) -> None:
    since_ns = time.time_ns()
    bot = _everything_is_done(scene)
    try:
        _bot_has_traded(scene, bot)
        found = [
            *[sighting for pid in _with_children(bot.pid) for sighting in in_process(scene.canaries, pid)],
            *in_process(scene.canaries, scene.gateway.pid, memory=False),
            *in_process_list(scene.canaries),
        ]
    finally:
        bot.communicate(timeout=BOT_WAIT_S)
    scene.gateway.kill()
    found += in_files(scene.canaries, scene.folder)
    found += in_core_files(scene.canaries, scene.folder, Path.cwd())
    found += in_temporary_files(scene.canaries, since_ns, ignoring=(scene.folder.parent,))
    for text in scene.said:
        found += seen_in(scene.canaries, text, "what a command or an answer said")
    assert found == []
    # What is no secret is there: the search looked where things are.
    public = [Canary("real API key", scene.real.api_key.encode())]
    assert in_files(public, scene.folder) != []
    assert any(list(seen_in(public, text, "said")) for text in scene.said)


def _everything_is_done(scene: Scene) -> "subprocess.Popen[bytes]":
    """Add, check, list, issue, trade, be refused, be sent garbage, seal, unseal, back up; then start the bot."""
    real, run = scene.real, scene.run
    run(
        "credential", "add", "--upstream", "local", "--label", "main", "--api-key", real.api_key,
        "--secret-stdin", "--permission", "trading", stdin=real.secret.encode() + b"\n",
    )  # fmt: skip
    for words in (("check", "main"), ("show", "main"), ("list",)):
        run("credential", *words, "--json")
    policy = scene.folder / "policy.yaml"
    policy.write_text(TRADER_POLICY, encoding="utf-8")
    issued = json.loads(
        run("key", "issue", "--credential", "main", "--policy", str(policy), "--type", "hmac", "--label", "bot",
            "--json")
    )  # fmt: skip
    api_key, secret = issued["api_key"], issued["secret_key"]
    assert scene.signed("GET", "/api/v3/account", api_key, secret) == 200
    _refused_in_every_way(scene, api_key, secret)
    run("vault", "seal")
    assert scene.signed("GET", "/api/v3/account", api_key, secret) == 400
    run("vault", "unseal")
    run("vault", "rewrap", "--json")
    run("vault", "backup", str(scene.folder / "vault.backup"))
    run("key", "show", "bot", "--json")
    for words in (("vault", "status"), ("gateway", "status"), ("audit", "verify"), ("audit", "tail")):
        run(*words, "--json")
    command = ("exec", "--key", "bot", "--home", str(scene.home), "--", sys.executable, "-c", BOT)
    return subprocess.Popen(
        [*PROGRAM, *command], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )


def _refused_in_every_way(scene: Scene, api_key: str, secret: str) -> None:
    """Wrong signature, the real key itself, an unknown order, garbage: errors speak of what they saw."""
    assert scene.signed("GET", "/api/v3/account", api_key, secret[::-1]) == 400
    assert scene.signed("GET", "/api/v3/account", scene.real.api_key, secret) == 401
    assert scene.signed("DELETE", "/api/v3/order", api_key, secret, symbol="BTCUSDT", orderId=1) == 400
    assert scene.signed("POST", "/sapi/v1/asset/transfer", api_key, secret, asset="BTC", amount=1) == 401
    scene.ask("POST", "/api/v3/order?%zz=1&a=1&a=2", {"X-MBX-APIKEY": api_key}, b"\xff\x00=&&&")
    scene.run("credential", "add", "--upstream", "nowhere", "--label", "x")
    scene.run("credential", "remove", "nobody")


def _with_children(pid: int) -> list[int]:
    """`watchword exec`, and the bot it runs."""
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text("ascii").split()
    assert children
    return [pid, *map(int, children)]


def _bot_has_traded(scene: Scene, bot: "subprocess.Popen[bytes]") -> None:
    assert bot.stdout is not None
    for line in bot.stdout:
        scene.said.append(line)
        if line.strip() == b"traded":
            return
    raise AssertionError(b"".join(scene.said[-20:]).decode(errors="replace"))
