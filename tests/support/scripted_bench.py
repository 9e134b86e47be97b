"""A real gateway process before a scripted exchange, and somebody who compares what was sent with what was recorded.

Keys are made over the admin sockets, so that a start is one process. Stops what it started, by pid.
"""

import contextlib
import json
import shutil
import socket
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final

from tests.support import programs
from tests.support.bot import Bot
from tests.support.gateway_process import (
    TRADER_POLICY,
    TRADING,
    GatewayProcess,
    VirtualKey,
)
from tests.support.key_pairs import new_key_pair
from tests.support.programs import PROGRAM
from tests.support.scripted_exchange import Received, ScriptedExchange
from tests.support.testnet_process import ADMIN_WAIT_S, KeyType

from watchword.adapters.audit.sqlite_sink import SqliteReader
from watchword.audit.search import Filter, search
from watchword.bootstrap.audit_trail import audit_path
from watchword.gateway.asking import OWN_QUESTION
from watchword.kernel.errors import StorageError

CREDENTIAL: Final = "main"
#: Parameters that the gateway sets itself when it signs.
_OWN: Final = frozenset(("timestamp", "recvWindow", "signature", "apiKey"))
#: What the gateway asks without anybody's request.
_BY_ITSELF: Final = frozenset(
    ("GET /api/v3/time", "GET /api/v3/exchangeInfo", "GET /api/v3/depth", "GET /api/v3/klines",
     "userDataStream.subscribe.signature")
)  # fmt: skip
Event = dict[str, Any]


def new_vault(folder: Path) -> Path:
    """Make a home with a vault that opens by itself; copies of it are homes of their own."""
    home = folder / "new-home"
    done = programs.command(
        "vault", "init", "--kek", "key-file", "--key-file", folder / "kek", "--home", home
    )
    assert done.returncode == 0, done.stderr
    return home


class ScriptedBench:
    """See the module.

    Attributes:
        exchange: The upstream.
        home: Of the gateway.
        gateway: The running process.
    """

    def __init__(
        self,
        vault: Path,
        folder: Path,
        exchange: ScriptedExchange,
        options: Sequence[str],
        program: Sequence[str],
    ) -> None:
        self.exchange = exchange
        self.folder = folder
        self.home = folder / "home"
        shutil.copytree(vault, self.home)
        self._options = ("--unseal", "--local-address", exchange.rest, *options)
        self._program = program
        self._serial = 0
        self.start()
        made = self.ask(
            "vault", "credential.generate", key_kind="ed25519", label=CREDENTIAL, upstream="local", permissions=list(TRADING)
        )  # fmt: skip
        registered = exchange.admin("key.create", public_key=made["public_key"])
        self.ask("vault", "credential.register", id=made["id"], api_key=registered["api_key"])

    def start(self) -> None:
        """Start the gateway, again perhaps."""
        self.gateway = GatewayProcess.start(self.home, self._options, program=self._program)

    def restart(self) -> None:
        """Stop it in order and start it again."""
        assert self.gateway.stop() == 0, self.gateway.log()
        self.start()

    def ask(self, part: str, op: str, **fields: object) -> Any:
        """Send one request to the admin socket of `vault` or `gateway`."""
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
            connection.settimeout(ADMIN_WAIT_S)
            connection.connect(str(self.home / part / "admin.sock"))
            connection.sendall(json.dumps({"op": op, **fields}).encode() + b"\n")
            with connection.makefile("rb") as lines:
                reply = json.loads(lines.readline())
        if "error" in reply:
            raise RuntimeError(f"{op}: {reply['error']}")
        return reply["result"]

    def issue(self, key_type: KeyType = "HMAC", policy: str = TRADER_POLICY, **fields: object) -> VirtualKey:
        """Issue a virtual key."""
        self._serial += 1
        pem, public = ("", "") if key_type == "HMAC" else new_key_pair(key_type)
        made = self.ask(
            "gateway", "key.issue", label=f"bot {self._serial}", key_type=key_type, public_key=public,
            credential=CREDENTIAL, policy=policy, **fields,
        )  # fmt: skip
        return VirtualKey(key_type, made["key"]["id"], made["api_key"], made["secret_key"], pem)

    def bot(self, key: VirtualKey | None = None, **fields: object) -> Bot:
        """A bot with a key of its own, or with this one."""
        return Bot(self.gateway.rest, key or self.issue(**fields))  # type: ignore[arg-type]  # of `issue`

    def now_ms(self) -> int:
        """The exchange's time, by which a bot dates its requests."""
        return (time.time_ns() // 1000 + self.exchange.ahead_us) // 1000

    # The trail.

    def trail(self, kind: str = "", file: Path | None = None) -> list[Event]:
        """Rows of a kind, oldest first, each with its number as `row`."""
        with contextlib.closing(SqliteReader(file or audit_path(self.home))) as reader:
            found = search(reader.lines_after(0), Filter(kind=kind or None))
            return [{"row": row.number, **event} for row, event in found]

    def intents(self, name: str = "") -> list[Event]:
        """Intents; of the order with a client order id, if one is given."""
        return [
            one for one in self.trail("signature:intended")
            if not name or name in {one["client_order_id"], *one["parameters"].values()}
        ]  # fmt: skip

    def outcomes(self, name: str) -> list[Event]:
        """Outcomes of the intents about one order that were to change something."""
        rows = {one["row"] for one in self.intents(name) if one["reason"] != OWN_QUESTION}
        return [one for one in self.trail("signature:concluded") if one["intent"] in rows]

    def open_intents(self) -> list[Event]:
        """Intents without any outcome, but for those of the last moment."""
        concluded = {one["intent"] for one in self.trail("signature:concluded")}
        return [one for one in self.intents() if one["row"] not in concluded and one["key"] != "watchword"]

    def refusals(self, key: VirtualKey) -> list[Event]:
        """Refusals of a key."""
        return [one for one in self.trail("request:refused") if one["key"] == key.id]

    def settled(self, name: str, count: int = 1, wait_s: float = 8.0) -> list[str]:
        """Wait for so many outcomes of an order's intents; return their results."""
        deadline = time.monotonic() + wait_s
        while True:
            with contextlib.suppress(StorageError):
                found = [one["result"] for one in self.outcomes(name)]
                if len(found) >= count:
                    return found
            assert time.monotonic() < deadline, self.trail()
            time.sleep(0.02)

    def asked_for_bots(self) -> list[Received]:
        """What came to the exchange, but for the clock, the market, and questions that are recorded as Watchword's own."""
        own = Counter(
            _shape(one["endpoint"], one["parameters"])
            for one in self.intents()
            if one["reason"] == OWN_QUESTION
        )
        found = []
        for one in self.exchange.received:
            shape = _shape(one.place, one.params)
            if own[shape]:
                own[shape] -= 1
            elif one.place not in _BY_ITSELF and "@" not in one.text:
                found.append(one)
        return found

    def unrecorded(self) -> list[str]:
        """What was signed and sent without an intent, or more often than intended, or signed wrongly. Shall be empty."""
        intended = Counter(_shape(one["endpoint"], one["parameters"]) for one in self.intents())
        sent = Counter(_shape(one.place, one.params) for one in self.exchange.signed())
        wrong = [one.place for one in self.exchange.signed() if not one.sound]
        return [f"{shape} {count} times" for shape, count in (sent - intended).items()] + wrong

    def verified(self) -> bool:
        """Whether `watchword audit verify` finds the trail whole."""
        done = programs.command("audit", "verify", "--json", "--home", self.home)
        return done.returncode == 0 and bool(json.loads(done.stdout)["good"])


def _shape(place: str, params: dict[str, str]) -> str:
    kept = {name: value for name, value in sorted(params.items()) if name not in _OWN}
    return f"{place} {kept}"


@contextlib.contextmanager
def scripted_bench(
    vault: Path, folder: Path, *options: str, program: Sequence[str] = PROGRAM
) -> Iterator[ScriptedBench]:
    """Start an exchange and a gateway before it."""
    with ScriptedExchange().running() as exchange:
        bench = ScriptedBench(vault, folder, exchange, options, program)
        try:
            yield bench
        finally:
            exchange.release()
            bench.gateway.stop()
