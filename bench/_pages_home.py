"""A team's console with all its neighbours, for benches: filled home, processes started, an owner signed in. Stops them."""

import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Final

from tests.support import console_process, gateway_process, testnet_process
from tests.support.console_process import ConsoleProcess, Member, founded, run
from tests.support.gateway_process import GatewayProcess, VirtualKey
from tests.support.managed_home import ManagedHome
from tests.support.testnet_process import TestnetProcess

from bench._many_keys import fill_gateway
from bench._pages_fill import fill_exchange, fill_people, fill_trails

OWNER: Final = "olga"
#: So that no page meets a rate limit; what a limit costs is in every answer all the same.
NO_LIMITS: Final = ("--limits-scale", "1000")
FILLED: Final = "filled.json"
CONSOLE_ROWS: Final = 50_000
APPROVING_KEYS: Final = 4
WAITING_PER_KEY: Final = 25
#: A factor counts as fresh for five minutes; it is shown again in time.
FRESH_S: Final = 200.0
APPROVING: Final = """\
version: 1
name: asks
permissions: [read, trade]
symbols: any
sides: any
order_types: any
require_approval:
  - {name: all orders, notional_above: {USDT: 1}, mode: refuse, approvers: [olga], time_limit: 60m}
"""


# What tests wait for a process is too short for ten thousand keys and a million rows on a busy machine.
for _support in (console_process, gateway_process, testnet_process):
    vars(_support).update(READY_WAIT_S=300.0, STOP_WAIT_S=120.0, COMMAND_WAIT_S=300.0)


def _fill(folder: Path, ids: list[str], rows: int, orders: int) -> None:
    """Fill a home and note what is needed to start on it."""
    home = folder / "home"
    home.mkdir(mode=0o700)
    fill_trails(home, rows, CONSOLE_ROWS, ids)
    indexing = [sys.executable, "-m", "bench._audit_fill", str(home)]
    subprocess.run(indexing, check=True, stdout=subprocess.DEVNULL)
    run(home, "vault", "init", "--kek", "key-file", "--key-file", str(folder / "kek.key"))
    enrolment = founded(home, OWNER)
    busy = fill_exchange(home, len(ids), orders)
    people = fill_people(home, OWNER, list(range(busy + 2, busy + 100)), ids)
    (folder / FILLED).write_text(json.dumps([enrolment, busy, people[0]]), encoding="utf-8")


class TeamHome(ManagedHome):
    """See the module.

    Attributes:
        busy: Number of the account with a past.
        names: What pages are about: ids by `{name}` of their paths.
    """

    def __init__(self, folder: Path, keys: int, rows: int, orders: int) -> None:
        """Fill a home, unless that was done before, and start its processes.

        Args:
            folder: Empty, or with a filled home in which nobody enrolled yet.
            keys: API keys of the testnet, and as many virtual keys.
            rows: Of the audit trails.
            orders: Of the busy account.
        """
        self.home, self._started = folder / "home", []
        ids = [f"vk-{number:012d}" for number in range(keys)]
        if not (folder / FILLED).exists():
            _fill(folder, ids, rows, orders)
        self.enrolment, self.busy, person = json.loads((folder / FILLED).read_text(encoding="utf-8"))
        try:
            self._start(keys)
        except BaseException:
            self.stop()
            raise
        self.names = {"person": person, **self._named(ids)}

    def _start(self, keys: int) -> None:
        self.testnet = TestnetProcess.start(self.home, liquidity=True)
        self._started.append(self.testnet)
        self.console = ConsoleProcess.start(self.home, *NO_LIMITS)
        self._started.append(self.console)
        self.owner, self._shown_s = Member(self.console, OWNER), time.monotonic()
        self.enrolled()
        options = ("--unseal", "--local-address", self.testnet.rest)
        gateway = GatewayProcess.start(self.home, options)
        self._started.append(gateway)
        credential = self.real_key(self.busy)
        # Before the others: nobody may issue a key where there are a thousand.
        asking = [
            self.virtual_key(credential, f"asking-{number}", APPROVING) for number in range(APPROVING_KEYS)
        ]
        assert gateway.stop() == 0
        self._started.remove(gateway)
        fill_gateway(self.home, keys, credential)
        self.gateway = GatewayProcess.start(self.home, options)
        self._started.append(self.gateway)
        self.fresh()
        self.introduced()
        self._ask_for_approvals(asking)

    def fresh(self) -> None:
        """Show the owner's factor where that was a while ago."""
        if time.monotonic() - self._shown_s > FRESH_S:
            self.owner.step_up()
            self._shown_s = time.monotonic()

    def _ask_for_approvals(self, keys: list[VirtualKey]) -> None:
        for number, key in enumerate(keys):
            bot = self.bot(key)
            for order in range(WAITING_PER_KEY):
                reply = bot.place(price=str(30_000 + order), newClientOrderId=f"ask-{number}-{order}")
                assert b"approv" in reply.raw, reply.raw

    def _named(self, ids: list[str]) -> dict[str, str]:
        """Look up one of each thing that a page is about."""
        key = self.done("GET", "/keys?limit=1")["items"][0]
        factor = self.done("GET", "/self/factors")["items"][0]
        approval = self.done("GET", "/approvals")["items"][0]
        row = self.done("GET", "/audit?limit=1&kind=request:refused&trail=gateway")["items"][0]
        draft = {"label": "ci", "scopes": ["key.read"], "expires_us": _tomorrow_us()}
        self.done("POST", "/self/tokens", draft)
        return {
            "key": key["api_key"], "account": str(self.busy), "virtual": ids[77], "approval": approval["id"],
            "credential": self.done("GET", "/credentials")["items"][0]["id"], "factor": factor["id"],
            "trail": row["trail"], "row": str(row["row"]), "which": "mail",
            "session": self.done("GET", "/self/sessions")["items"][0]["id"],
            "token": self.done("GET", "/self/tokens")["items"][0]["id"],
        }  # fmt: skip


def _tomorrow_us() -> int:
    return time.time_ns() // 1_000 + 86_400_000_000
