"""Runs a real gateway process in front of a testnet, as a user would: the command line, HOME/gateway/run.json, admin socket.

`Bench` is the whole set-up: testnet account, real Ed25519 credential made inside the vault and registered at the
testnet, gateway unsealed, virtual keys. Everything on loopback on free ports; stops what it started, by pid.
"""

import contextlib
import json
import os
import signal
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, Self

import msgspec
from tests.support import programs
from tests.support.programs import PROGRAM
from tests.support.testnet_process import KeyType, TestnetProcess

READY_WAIT_S: Final = 40.0
STOP_WAIT_S: Final = 20.0
COMMAND_WAIT_S: Final = 60.0
POLL_S: Final = 0.02
RICH: Final = {"USDT": "1000000", "BTC": "100", "BNB": "100"}
TRADING: Final = ("READING", "SPOT_AND_MARGIN_TRADING")

#: Everything the testnet's sessions do, and no more.
TRADER_POLICY: Final = """\
version: 1
name: trader
permissions: [read, trade]
symbols: any
sides: any
order_types: any
"""


class VirtualKey(msgspec.Struct, frozen=True):
    """What a bot is given.

    Attributes:
        secret: The HMAC secret; empty for asymmetric keys.
        pem: The private half as PEM text; empty for HMAC.
    """

    type: KeyType
    id: str
    api_key: str
    secret: str = ""
    pem: str = ""


class GatewayProcess:
    """One `watchword gateway serve`."""

    def __init__(
        self,
        home: Path,
        options: Sequence[str] = (),
        environment: Mapping[str, str] | None = None,
        program: Sequence[str] = PROGRAM,
    ) -> None:
        self.home = home
        self._log = home.parent / f"{home.name}-gateway-{len(list(home.parent.glob('*-gateway-*.log')))}.log"
        with self._log.open("xb") as log:
            words = ("gateway", "serve", "--home", str(home), "--port", "0", *options)
            whole = {**os.environ, "PYTHONUNBUFFERED": "1", **(environment or {})}
            self._process: programs.Process | subprocess.Popen[bytes]
            if program == PROGRAM:
                self._process = programs.start(words, log, whole)
            else:
                self._process = subprocess.Popen(
                    [*program, *words],
                    stdout=log,
                    stderr=subprocess.STDOUT,
                    stdin=subprocess.DEVNULL,
                    env=whole,
                )
        self.rest = self.streams = self.ws_api = ""

    @classmethod
    def start(
        cls,
        home: Path,
        options: Sequence[str] = (),
        environment: Mapping[str, str] | None = None,
        program: Sequence[str] = PROGRAM,
    ) -> Self:
        """Start a gateway and wait until it says that it is ready."""
        process = cls(home, options, environment, program)
        try:
            process._wait_until_ready()
        except BaseException:
            process.kill()
            raise
        return process

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._process.pid

    def log(self) -> str:
        """What it printed."""
        return self._log.read_text(encoding="utf-8", errors="replace")

    def stop(self) -> int:
        """Ask it to end, as Ctrl-C does; returns its exit status."""
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGTERM)
        try:
            return self._process.wait(STOP_WAIT_S)
        except subprocess.TimeoutExpired:
            self.kill()
            raise

    def kill(self) -> None:
        """kill -9."""
        if self._process.poll() is None:
            self._process.kill()
        self._process.wait(STOP_WAIT_S)

    def _wait_until_ready(self) -> None:
        deadline = time.monotonic() + READY_WAIT_S
        while "Gateway ready" not in self.log():
            if self._process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"the gateway is not ready:\n{self.log()}")
            time.sleep(POLL_S)
        found = json.loads((self.home / "gateway" / "run.json").read_bytes())["gateway"]
        self.rest, self.streams, self.ws_api = found["rest"], found["streams"], found["ws_api"]


class Bench:
    """A testnet, a gateway in front of it, and somebody who administers both.

    Attributes:
        home: Of the gateway.
        testnet: The upstream.
        gateway: The running gateway; None between `stop` and `start`.
        credential: Label of the real credential.
        real_api_key: Its API key at the testnet.
    """

    def __init__(self, folder: Path, testnet: TestnetProcess, account: str) -> None:
        self.folder = folder
        self.home = folder / "gateway-home"
        self.testnet = testnet
        self.account = account
        self.credential = "main"
        self.real_api_key = ""
        self.gateway: GatewayProcess = None  # type: ignore[assignment]
        self._options: tuple[str, ...] = ()

    def prepare(self, *options: str, kind: str = "ed25519") -> None:
        """Make vault and real credential, register it at the testnet, start the gateway unsealed."""
        self.run("vault", "init", "--kek", "key-file", "--key-file", self.folder / "kek.key")
        self._options = ("--unseal", "--local-address", self.testnet.rest, *options)
        self.start()
        made = self.run(
            "credential", "create", "--generate", kind, "--upstream", "local", "--label", self.credential,
            "--permission", "reading", "--permission", "trading",
        )  # fmt: skip
        key_type = "ED25519" if kind == "ed25519" else "RSA"
        registered = self.testnet.admin(
            "key.create",
            account=self.account,
            key_type=key_type,
            public_key=made["public_key"],
            permissions=list(TRADING),
            ips=[],
        )
        self.real_api_key = registered["api_key"]
        self.run("credential", "register", self.credential, self.real_api_key)

    def start(self) -> GatewayProcess:
        """Start the gateway."""
        self.gateway = GatewayProcess.start(self.home, self._options)
        return self.gateway

    def issue(
        self, key_type: KeyType = "HMAC", *options: str, policy: str = TRADER_POLICY, label: str = "bot"
    ) -> VirtualKey:
        """Issue a virtual key."""
        file = self.folder / f"{label}.policy.yaml"
        file.write_text(policy, encoding="utf-8")
        secret = self.folder / f"{label}.secret"
        made = self.run(
            "key", "issue", "--credential", self.credential, "--policy", file, "--type", key_type.lower(),
            "--label", label, "--out", secret, *options,
        )  # fmt: skip
        text = secret.read_text(encoding="utf-8")
        pair = {"secret": text.strip()} if key_type == "HMAC" else {"pem": text}
        return VirtualKey(key_type, made["key"]["id"], made["api_key"], **pair)

    def run(self, *words: str | Path, fails: bool = False) -> Any:
        """Run a command with --json and return what it printed."""
        done = programs.command(*words, "--home", self.home, "--json")
        if bool(done.returncode) != fails:
            raise RuntimeError(f"{words}: {done.returncode}\n{done.stdout.decode()}\n{done.stderr.decode()}")
        return json.loads(done.stdout) if done.stdout.strip() else {}

    def close(self) -> None:
        """Stop the gateway; the testnet belongs to who started it."""
        if self.gateway is not None:
            self.gateway.stop()


@contextlib.contextmanager
def running_bench(
    folder: Path, testnet: TestnetProcess, *options: str, account: str = "alice", kind: str = "ed25519"
) -> Iterator[Bench]:
    """A prepared bench; the account is made and paid into."""
    testnet.create_account(account, RICH)
    bench = Bench(folder, testnet, account)
    try:
        bench.prepare(*options, kind=kind)
        yield bench
    finally:
        bench.close()
