"""One home with all its processes: testnet, vault and gateway, console; and an owner signed in. Stops what it started."""

import contextlib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Final

from tests.support.bot import Bot
from tests.support.console_process import Answered, ConsoleProcess, Member, founded, run
from tests.support.gateway_process import TRADER_POLICY, GatewayProcess, VirtualKey
from tests.support.scripted_exchange import wait_until
from tests.support.testnet_process import TRADING, TestnetProcess

from watchword.adapters.gateway_home import approver_key_path

INTRODUCED_WAIT_S: Final = 40.0
CREATED: Final = 201
DONE: Final = 200


class ManagedHome:
    """What people manage through one console.

    Attributes:
        home: The folder.
        owner: The first owner, signed in a moment ago.
    """

    def __init__(self, folder: Path, *, liquidity: bool = False) -> None:
        """Start all of it.

        Args:
            folder: The home is made in it, or already there with a testnet that is closed.
            liquidity: Whether the built-in market makers trade.
        """
        self.home = folder / "home"
        run(self.home, "vault", "init", "--kek", "key-file", "--key-file", str(folder / "kek.key"))
        self.enrolment = founded(self.home)
        self._started: list[TestnetProcess | GatewayProcess | ConsoleProcess] = []
        with ThreadPoolExecutor(2) as pool:
            testnet = pool.submit(TestnetProcess.start, self.home, liquidity=liquidity)
            console = pool.submit(ConsoleProcess.start, self.home)
        for begun in (testnet, console):
            if begun.exception() is None:
                self._started.append(begun.result())
        try:
            self.testnet, self.console = testnet.result(), console.result()
            options = ("--unseal", "--local-address", self.testnet.rest)
            self.gateway = GatewayProcess.start(self.home, options)
            self._started.append(self.gateway)
        except BaseException:
            self.stop()
            raise
        self.owner = Member(self.console, "olga")

    def enrolled(self) -> "ManagedHome":
        """Let the owner in."""
        self.owner.enrol(self.enrolment)
        return self

    def introduced(self) -> "ManagedHome":
        """Wait until the gateway knows the console's approval key; before, nobody can be asked for anything."""
        pinned = approver_key_path(self.home)
        wait_until(pinned.exists, "the console introduced itself to the gateway", INTRODUCED_WAIT_S)
        return self

    def account(self, name: str, **deposits: str) -> int:
        """Open an exchange account; returns its number."""
        made = self.done("POST", "/accounts", {"name": name, "deposits": deposits or {"USDT": "100000"}})
        return int(made["account_id"])

    def real_key(self, account: int, label: str = "main") -> str:
        """A pair made in the vault and registered at the exchange, all over the API; returns the credential's id."""
        made = self.done(
            "POST", "/credentials/pairs",
            {"label": label, "upstream": "local", "permissions": ["SPOT_AND_MARGIN_TRADING"]},
        )  # fmt: skip
        key = self.done(
            "POST", "/keys",
            {"account": account, "key_type": "ED25519", "public_key": made["public_key"], "permissions": list(TRADING)},
        )  # fmt: skip
        path = f"/credentials/{made['id']}/api-key"
        self.done("PUT", path, {"api_key": key["key"]["api_key"]})
        return str(made["id"])

    def virtual_key(self, credential: str, label: str, policy: str = TRADER_POLICY) -> VirtualKey:
        """Issue an HMAC virtual key."""
        draft = {"label": label, "key_type": "HMAC", "credential": credential, "policy": policy}
        made = self.done("POST", "/virtual-keys", draft)
        return VirtualKey("HMAC", made["key"]["id"], made["api_key"], made["secret_key"])

    def bot(self, key: VirtualKey) -> Bot:
        """A bot with a virtual key."""
        return Bot(self.gateway.rest, key)

    def person(self, name: str, role: str) -> Member:
        """Invite somebody and let them enrol."""
        return self.console.invite(self.owner, name, role)

    def id_of(self, member: Member) -> str:
        """Somebody's id."""
        found = member.call("GET", "/self")
        assert found.status == DONE, found.body
        return str(found.json["id"])

    def done(self, method: str, path: str, body: Any = None, by: Member | None = None) -> Any:
        """A call that must be done; returns what it answers."""
        answer = (by or self.owner).call(method, path, body)
        assert answer.status in {DONE, CREATED, 204}, (method, path, answer.status, answer.body)
        return answer.json if answer.body else None

    def asked(self, by: Member, method: str, path: str, body: Any = None) -> Answered:
        """A call, whatever becomes of it."""
        return by.call(method, path, body)

    def stop(self) -> None:
        """Stop all of it, the console first; each must end well."""
        codes = [process.stop() for process in reversed(self._started)]
        assert codes == [0] * len(codes), codes


@contextlib.contextmanager
def managed_home(folder: Path) -> Iterator[ManagedHome]:
    """A home with an owner signed in."""
    made = ManagedHome(folder)
    try:
        yield made.enrolled().introduced()
    finally:
        made.stop()
