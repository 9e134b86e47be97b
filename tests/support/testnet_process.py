"""Runs a real testnet process for tests: starts it, waits until it answers, makes accounts and keys, stops it by pid.

It speaks to the process as a user would: the command line to start it, HOME/run.json to find it, the admin socket
for accounts and keys. It never imports the server.
"""

import contextlib
import http.client
import json
import signal
import socket
import subprocess
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final, Literal, Self
from urllib.parse import urlsplit

import msgspec
from tests.support import programs
from tests.support.key_pairs import new_key_pair

KeyType = Literal["HMAC", "RSA", "ED25519"]
KEY_TYPES: Final[tuple[KeyType, ...]] = ("HMAC", "RSA", "ED25519")
TRADING: Final = ("READING", "SPOT_AND_MARGIN_TRADING")

READY_WAIT_S: Final = 40.0
STOP_WAIT_S: Final = 10.0
ADMIN_WAIT_S: Final = 10.0
POLL_S: Final = 0.02


class TestnetKey(msgspec.Struct, frozen=True):
    """What a user holds after creating a key.

    Attributes:
        secret: The HMAC secret; empty for asymmetric keys.
        pem: The private half as PKCS#8 PEM text; empty for HMAC.
    """

    __test__ = False

    type: KeyType
    api_key: str
    secret: str = ""
    pem: str = ""


class TestnetProcess:
    """One `watchword testnet serve`, on loopback, on free ports."""

    __test__ = False

    def __init__(self, home: Path, options: Sequence[str]) -> None:
        self.home = home
        self.home.mkdir(parents=True, exist_ok=True)
        self._log = home.parent / f"{home.name}.log"
        with self._log.open("wb") as log:
            self._process = programs.start(("testnet", "serve", "--home", home, "--port", "0", *options), log)
        self.rest = self.streams = self.ws_api = ""

    @classmethod
    def start(
        cls, home: Path, *, liquidity: bool, limits_scale: float = 0, options: Sequence[str] = ()
    ) -> Self:
        """Start a testnet and wait until it answers.

        Args:
            home: Its folder, made if it is missing.
            liquidity: Whether the built-in market makers trade.
            limits_scale: 0 turns request limits off, 1 is Binance's values.
            options: More arguments of `watchword testnet serve`.

        Raises:
            RuntimeError: It ended, or did not answer in READY_WAIT_S.
        """
        chosen = [
            "--liquidity" if liquidity else "--no-liquidity",
            "--limits-scale",
            str(limits_scale),
            *options,
        ]
        process = cls(home, chosen)
        try:
            process._wait_until_ready()
        except BaseException:
            process.kill()
            raise
        return process

    @property
    def pid(self) -> int:
        """The server's process id."""
        return self._process.pid

    def log(self) -> str:
        """What the server printed so far."""
        return self._log.read_text(encoding="utf-8", errors="replace")

    def stop(self) -> int:
        """Ask the process to end, as Ctrl-C does, and wait for it.

        Returns:
            Its exit status.
        """
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGTERM)
        try:
            return self._process.wait(STOP_WAIT_S)
        except subprocess.TimeoutExpired:
            self.kill()
            raise

    def kill(self) -> None:
        """kill -9, for tests of crashes and for cleaning up."""
        if self._process.poll() is None:
            self._process.kill()
        self._process.wait(STOP_WAIT_S)

    def wait_for_quotes(self, symbol: str) -> None:
        """Wait for the market makers' first offers; they come with their first tick, not with the first answer."""
        deadline = time.monotonic() + READY_WAIT_S
        while not self._get(f"/api/v3/depth?symbol={symbol}&limit=5")["asks"]:
            if time.monotonic() > deadline:
                raise RuntimeError(f"nobody quotes {symbol}:\n{self.log()}")
            time.sleep(POLL_S)

    def admin(self, op: str, **fields: object) -> Any:
        """Send one request to the admin socket.

        Args:
            op: For example `account.create`.
            fields: The request's other members.

        Returns:
            The reply's `result`.

        Raises:
            RuntimeError: The server refused it.
        """
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
            connection.settimeout(ADMIN_WAIT_S)
            connection.connect(str(self.home / "testnet" / "admin.sock"))
            connection.sendall(json.dumps({"op": op, **fields}).encode() + b"\n")
            with connection.makefile("rb") as lines:
                reply = json.loads(lines.readline())
        if "error" in reply:
            raise RuntimeError(f"{op}: {reply['error']}")
        return reply.get("result", reply)

    def create_account(self, name: str, deposits: Mapping[str, str]) -> None:
        """A new account with money."""
        self.admin("account.create", name=name, deposits=dict(deposits))

    def deposit(self, account: str, asset: str, amount: str) -> None:
        """Money from outside."""
        self.admin("deposit", account=account, deposits={asset: amount})

    def delete_key(self, key: TestnetKey) -> None:
        """Delete a key for good."""
        self.admin("key.delete", api_key=key.api_key)

    def create_key(
        self,
        account: str,
        key_type: KeyType,
        *,
        permissions: Sequence[str] = TRADING,
        ips: Sequence[str] = (),
    ) -> TestnetKey:
        """A new key of an account; for RSA and Ed25519 the private half is made here, as a user would.

        Args:
            permissions: Names as in Binance's apiRestrictions.
            ips: Addresses or networks; none means any.
        """
        pem, public = ("", "") if key_type == "HMAC" else new_key_pair(key_type)
        made = self.admin(
            "key.create",
            account=account,
            key_type=key_type,
            public_key=public,
            permissions=list(permissions),
            ips=list(ips),
        )
        return TestnetKey(key_type, made["api_key"], made.get("secret_key") or "", pem)

    def _wait_until_ready(self) -> None:
        deadline = time.monotonic() + READY_WAIT_S
        while time.monotonic() < deadline:
            if self._process.poll() is not None:
                raise RuntimeError(f"the testnet ended with {self._process.returncode}:\n{self.log()}")
            if self._read_addresses() and self._answers():
                return
            time.sleep(POLL_S)
        raise RuntimeError(f"the testnet did not answer in {READY_WAIT_S} s:\n{self.log()}")

    def _read_addresses(self) -> bool:
        try:
            found = json.loads((self.home / "run.json").read_bytes())["testnet"]
        except (FileNotFoundError, ValueError, KeyError):
            return False
        self.rest, self.streams, self.ws_api = found["rest"], found["streams"], found["ws_api"]
        return True

    def _answers(self) -> bool:
        try:
            return bool(self._get("/api/v3/ping") == {})
        except OSError:
            return False

    def _get(self, target: str) -> Any:
        address = urlsplit(self.rest)
        connection = http.client.HTTPConnection(address.hostname or "", address.port, timeout=ADMIN_WAIT_S)
        with contextlib.closing(connection):
            connection.request("GET", target)
            return json.loads(connection.getresponse().read())
