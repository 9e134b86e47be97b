"""Virtual keys for tests: short to write, as issued by the real thing; and a home whose gateway answers for keys only."""

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from tests.support.key_pairs import new_key_pair
from tests.support.trails import FixedEntropy
from tests.support.vaults import PASSPHRASE, cheap_host, host_with

from watchword.adapters.gateway_home import GatewayHome
from watchword.adapters.system import SystemClock, SystemEntropy
from watchword.audit.event import Change, Intent, Outcome, Refusal
from watchword.audit.trail import AuditUnavailable, TrailStatus
from watchword.bootstrap.audit_trail import prepare_trail
from watchword.bootstrap.key_desk import KeyDesk
from watchword.credentials.keypair import hmac_verifier
from watchword.credentials.restriction import BadRestriction, Restrictions, read_networks
from watchword.credentials.verifier import Verifier
from watchword.gateway.issuing import Half, KeyRefused, Terms, issue
from watchword.gateway.virtual_key import VirtualKey
from watchword.kernel.secret import Secret
from watchword.vault.outcome import NotFound, Sealed

if TYPE_CHECKING:
    from watchword.bootstrap.vault_host import VaultHost

NOW_US: Final = 1_790_000_000_000_000
HOUR_US: Final = 3_600_000_000
POLICY: Final = """\
version: 1
name: grid
permissions: [read, trade]
symbols: [BTCUSDT, ETHUSDT]
sides: any
order_types: any
max_order: {USDT: 500}
"""
NARROWER: Final = POLICY.replace("[BTCUSDT, ETHUSDT]", "[BTCUSDT]").replace("grid", "narrow")
WIDER: Final = POLICY.replace("500", "900").replace("grid", "wide")
READ_ONLY: Final = "version: 1\nname: look\npermissions: [read]\n"
PUBLIC_KEY: Final = new_key_pair("ED25519")[1]


def networks(*texts: str) -> Restrictions:
    """Restrictions with an IP list."""
    found = read_networks(texts)
    assert not isinstance(found, BadRestriction)
    return Restrictions(found)


def new_key(
    label: str = "bot",
    *line: VirtualKey,
    others: tuple[VirtualKey, ...] = (),
    half: Half | None = None,
    credential: str = "cred-main",
    seed: int = 0,
    now_us: int = NOW_US,
    **terms: Any,
) -> VirtualKey:
    """A key that must be issued; `line` is its parent, the parent's parent, and so on."""
    made = try_key(
        label, *line, others=others, half=half, credential=credential, seed=seed, now_us=now_us, **terms
    )
    assert isinstance(made, VirtualKey), made
    return made


def try_key(
    label: str,
    *line: VirtualKey,
    others: tuple[VirtualKey, ...] = (),
    half: Half | None = None,
    credential: str = "cred-main",
    seed: int = 0,
    now_us: int = NOW_US,
    **terms: Any,
) -> VirtualKey | KeyRefused:
    """Issue a key, or not."""
    terms = {"label": label, **({} if line else {"policy_text": POLICY}), **terms}
    return issue(
        Terms(**terms),
        half or Half("HMAC"),
        credential,
        line,
        (*line, *others),
        FixedEntropy(seed + sum(label.encode()) * 1_000),
        now_us,
    )


class Secrets:
    """A vault's verifiers, with one secret for every key that was put in."""

    def __init__(self, *api_keys: str) -> None:
        self.sealed = False
        self.held = {name: hmac_verifier(Secret(b"s" * 64)) for name in api_keys}

    def verifier_for(self, secret_id: str) -> Verifier | Sealed | NotFound:
        if self.sealed:
            return Sealed()
        return self.held.get(secret_id) or NotFound(secret_id)


class RecordingTrail:
    """Implements `AuditTrail` with a list; refuses on demand."""

    def __init__(self) -> None:
        self.events: list[Change | Outcome] = []
        self.refuses_after: int | None = None

    async def record_intent(self, intent: Intent) -> int:
        raise NotImplementedError

    async def record_change(self, change: Change) -> int:
        await asyncio.sleep(0)
        if self.refuses_after is not None and len(self.events) >= self.refuses_after:
            raise AuditUnavailable("the disk is full")
        self.events.append(change)
        return len(self.events)

    def record_outcome(self, outcome: Outcome) -> None:
        self.events.append(outcome)

    def record_refusal(self, refusal: Refusal) -> None:
        raise NotImplementedError

    def count_refusal(self, reason: str, origin: str) -> None:
        raise NotImplementedError

    def unavailable(self, *, only_cancels: bool) -> str | None:
        return None

    def status(self) -> TrailStatus:
        return TrailStatus(0, (), 0)

    @property
    def changes(self) -> list[Change]:
        return [event for event in self.events if isinstance(event, Change)]


class KeysGateway:
    """What `keys_gateway` runs.

    Attributes:
        home: The home.
        desk: Its keys; use it in `run`.
        host: Its vault, unsealed.
    """

    def __init__(self, home: Path) -> None:
        self.home = home
        self.desk: KeyDesk
        self.host: VaultHost
        self._loop: asyncio.AbstractEventLoop
        self._ready, self._stop = threading.Event(), asyncio.Event()
        self._fault: BaseException | None = None
        self._thread = threading.Thread(target=self._run)
        self._thread.start()
        assert self._ready.wait(20)
        if self._fault is not None:
            raise self._fault

    def stop(self) -> None:
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(20)
        if self._fault is not None:
            raise self._fault

    def _run(self) -> None:
        try:
            asyncio.run(self._serve())
        except BaseException as error:  # noqa: BLE001 - for whoever waits
            self._fault = error
        finally:
            self._ready.set()

    async def _serve(self) -> None:
        from watchword.entrypoints.gateway.admin.listener import listening

        self._loop, self._stop = asyncio.get_running_loop(), asyncio.Event()
        held = GatewayHome.acquire(self.home, "test gateway")
        fresh = not (self.home / "vault" / "vault.db").exists()
        self.host = host_with(self.home, "main") if fresh else cheap_host(self.home)
        self.host.unseal(PASSPHRASE)
        trail = prepare_trail(self.home, SystemClock(), SystemEntropy())
        await trail.start()
        self.desk = KeyDesk.open(self.home, trail, host=self.host)
        try:
            async with listening(self.desk):
                held.write_run(
                    {"gateway": {"rest": "http://127.0.0.1:9", "ws_api": "ws://127.0.0.1:9/ws-api/v3", "streams": "ws://127.0.0.1:9"}}
                )  # fmt: skip
                self._ready.set()
                await self._stop.wait()
        finally:
            self.desk.close()
            await trail.stop()
            self.host.close()
            held.release()


@contextmanager
def keys_gateway(home: Path) -> Iterator[KeysGateway]:
    """A gateway that answers for keys and nothing else: vault, trail, admin socket, in a thread of this process."""
    gateway = KeysGateway(home)
    try:
        yield gateway
    finally:
        gateway.stop()
