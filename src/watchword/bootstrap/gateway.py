"""Composition root of the gateway: locks, vault, trail, ledger, keys, the way to the upstream, the pipeline between them.

Knows the order in which they begin and end; decides nothing about requests and never listens.
"""

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Callable, Coroutine
from functools import partial
from typing import TYPE_CHECKING, Any, Final, Self, final

from watchword.adapters.approver_key import read_approver_key, write_approver_key
from watchword.adapters.audit.sqlite_sink import SqliteReader
from watchword.adapters.gateway_home import GatewayHome, approver_key_path, ledger_path
from watchword.adapters.ledger.sqlite_ledger import SqliteLedger
from watchword.adapters.system import SystemClock, SystemEntropy, monotonic_ns, wall_us
from watchword.adapters.upstream.account_events import AccountEvents
from watchword.adapters.upstream.clock import UpstreamClock
from watchword.adapters.upstream.http_link import HttpLink
from watchword.adapters.upstream.market import MarketFeed
from watchword.adapters.upstream.session import UpstreamSession
from watchword.adapters.upstream.streams import StreamLink
from watchword.adapters.upstream.ws_link import WsApiLink
from watchword.adapters.waiting_room import WaitingRoom
from watchword.audit.event import Intent
from watchword.audit.trail import AuditUnavailable
from watchword.binance.endpoints import BY_NAME
from watchword.binance.request import Params
from watchword.binance.upstreams import ADDRESSES, Addresses, local_addresses
from watchword.bootstrap.audit_trail import audit_path, prepare_trail, read_second_sink
from watchword.bootstrap.key_desk import KeyDesk
from watchword.bootstrap.ledger_start import start_ledger
from watchword.bootstrap.own_subscriptions import OwnSubscriptions, keep_following
from watchword.bootstrap.vault_host import VaultHost
from watchword.config import GatewaySettings
from watchword.gateway.approval_desk import ApprovalDesk
from watchword.gateway.approvals import Approvals
from watchword.gateway.budgets import BudgetRules, Budgets
from watchword.gateway.messages import Answer, Refused, Unanswered
from watchword.gateway.order_desk import OrderDesk
from watchword.gateway.pipeline import Pipeline
from watchword.gateway.reconcile import Reconciler
from watchword.gateway.refusal import SEALED
from watchword.gateway.replay import LOOK_BACK_US, ReplayGuard
from watchword.gateway.watched_trail import WatchedTrail

if TYPE_CHECKING:
    from watchword.adapters.upstream.ws_link import OnEvent
    from watchword.gateway.registry import Registry

LOG = logging.getLogger("watchword.gateway")

ROLE: Final = "watchword gateway serve"
#: How long the start waits for the upstream's time; afterwards changes are refused until it is known.
CLOCK_WAIT_S: Final = 3.0
#: How often the vault is looked at, to open what waits for unsealing.
VAULT_LOOK_S: Final = 0.5
#: How often requests that wait for people are looked at, to record those whose time is over.
APPROVALS_LOOK_S: Final = 1.0


@final
class Gateway:
    """One gateway process, between `open` and `stop`. It is what the doors call `Services`.

    Attributes:
        settings: As given.
        clock, entropy: Of the process.
        addresses: Of the one upstream.
        host: Holds the vault; sealed until somebody unseals it.
        trail: The audit trail.
        ledger: What keys have used up, and whose orders are whose.
        key_desk: Virtual keys and their administration.
        session: All connections to the upstream.
        rest_link: The shared way for REST requests.
        time: The upstream's clock.
        market: The upstream's market, as policies need it.
        accounts: The gateway's own user-data subscriptions.
        guard: Against replayed requests.
        desk: Whose order is it.
        approvals: Requests that wait for people, and what people say about them.
        pipeline: The life of a request.
        reconciler: Finds out what became of requests nobody answered.
    """

    def __init__(self, settings: GatewaySettings, home: GatewayHome, host: VaultHost) -> None:
        """Put everything together around locks that are held; use `Gateway.open`."""
        self.settings = settings
        self.clock, self.entropy = SystemClock(), SystemEntropy()
        self.home, self.host = home, host
        self.addresses = _addresses(settings, host)
        second = read_second_sink(settings.second_sink) if settings.second_sink else None
        self.trail = prepare_trail(settings.home, self.clock, self.entropy, second)
        self.ledger = SqliteLedger(ledger_path(settings.home))
        self.key_desk = KeyDesk.open(settings.home, self.trail, host=host, usage=self.ledger.usage)
        self.session = UpstreamSession(
            self.addresses, ca_file=settings.upstream_ca, answer_timeout_s=settings.answer_timeout_s
        )
        self.rest_link = HttpLink(self.session)
        self.time = UpstreamClock(self.rest_link, wall_us, monotonic_ns)
        self.market = MarketFeed(self.rest_link, self.session, self.time)
        self.desk = OrderDesk(self.ledger, self.entropy)
        self.guard = ReplayGuard()
        self.approvals = self.key_desk.approvals = self._approval_desk()
        self.pipeline = Pipeline(
            upstream=settings.upstream,
            keys=self.keys,
            signers=host.vault,
            trail=WatchedTrail(self.trail, self._on_unknown),
            time=self.time,
            market=self.market,
            ledger=self.ledger,
            desk=self.desk,
            entropy=self.entropy,
            guard=self.guard,
            budgets=_budgets(settings),
            approvals=self.approvals.approvals,
        )
        self.reconciler = Reconciler(
            self.desk, self.ledger, self.trail, self._ask, self.time.now_us, asyncio.sleep
        )
        self.own = OwnSubscriptions(settings.upstream, host.vault, self.trail, self.time, self.entropy)
        self.accounts = AccountEvents(
            self.session, self.own.sign, self._on_account_event, self._on_interrupted, self._on_resumed
        )
        self._ending = contextlib.AsyncExitStack()

    @classmethod
    def open(cls, settings: GatewaySettings, *, hardened: bool = True) -> Self:
        """Take the locks and open the stores; nothing runs yet and the vault is sealed.

        Args:
            settings: Of this process.
            hardened: Harden the whole process; tests that run in it do not.

        Raises:
            HomeBusyError: Another process holds the home's gateway or its vault.
            ConfigurationError: Something given cannot be used.
            CorruptStoreError, StorageError: A store cannot be read.
        """
        with contextlib.ExitStack() as opening:
            home = GatewayHome.acquire(settings.home, ROLE)
            opening.callback(home.release)
            host = VaultHost.open(settings.home, ROLE, hardened=hardened)
            opening.callback(host.close)
            if settings.local_address:
                host.local_upstream = settings.local_address
            gateway = cls(settings, home, host)
            opening.pop_all()
            return gateway

    @property
    def keys(self) -> "Registry":
        """Virtual keys, as doors and pipeline ask for them."""
        return self.key_desk.registry

    async def start(self) -> None:
        """Begin, inside a running loop. Stop it however this ends.

        Raises:
            AuditUnavailable: Nothing can be recorded, so nothing could be signed.
            StorageError, ConfigurationError: A store or a certificate cannot be used.
        """
        ending = self._ending
        ending.callback(self.home.release)
        await self.trail.start()
        ending.push_async_callback(self.trail.stop)
        ending.push_async_callback(self.approvals.close)
        ending.callback(self.host.close)
        ending.callback(self.key_desk.close)
        await start_ledger(self.ledger, self.trail, self.desk, audit_path(self.settings.home))
        ending.push_async_callback(self.ledger.stop)
        # Not before: by now the trail's database has what only the second sink had.
        guarded = await asyncio.to_thread(self._restore_guard)
        LOG.info("requests still guarded against replay: %d", guarded)
        await self.session.start()
        ending.push_async_callback(self.session.close)
        trouble = await self.time.settle(CLOCK_WAIT_S)
        if trouble:
            LOG.warning("changes are refused for now: %s", trouble)
        ending.callback(self.own.close)
        ending.push_async_callback(self.accounts.close)
        self.reconciler.restarted(self.trail.unconcluded, self.trail.doubtful)
        for work in (
            self.time.run(),
            self.reconciler.run(),
            self.market.run(),
            keep_following(self.accounts, self._wanted_accounts),
            self._watch_vault(),
            self._record_lapsed(),
        ):
            await ending.enter_async_context(_alive(work))

    async def stop(self) -> None:
        """End in order: what is running, the connections, the ledger, the vault, the trail, the locks."""
        await self._ending.aclose()
        # Where the start did not come so far.
        self.host.close()
        self.home.release()

    def session_link(self, query: str, on_event: "OnEvent", on_closed: Callable[[str], None]) -> WsApiLink:
        """Prepare the WebSocket API connection of one client connection."""
        return WsApiLink(self.session, query=query, on_event=on_event, on_closed=on_closed)

    def market_link(
        self, target: str, on_text: Callable[[bytes], None], on_closed: Callable[[int, str], None]
    ) -> StreamLink:
        """Prepare the stream connection of one client connection."""
        return StreamLink(self.session, target, on_text, on_closed)

    def count_refusal(self, reason: str, origin: str) -> None:
        """Count a refusal before anybody was authenticated."""
        self.trail.count_refusal(reason, origin)

    def _restore_guard(self) -> int:
        with contextlib.closing(SqliteReader(audit_path(self.settings.home))) as reader:
            return self.guard.restore(reader.lines_back(), self.clock.now_us() - LOOK_BACK_US)

    def _wanted_accounts(self) -> set[str]:
        """Credentials that a key in use may trade with; none while nothing can be signed."""
        if self.host.vault.sealed:
            return set()
        return {key.credential_id for key in self.keys.listed() if not key.revoked_us}

    async def _watch_vault(self) -> None:
        """Open what waits for the vault as soon as it is unsealed."""
        was_sealed = True
        while True:
            sealed = self.host.vault.sealed
            if was_sealed and not sealed:
                missing = await asyncio.to_thread(self.keys.refresh, self.host.vault)
                if missing:
                    LOG.warning(
                        "%d virtual keys have no secret in this vault and verify nothing", len(missing)
                    )
            was_sealed = sealed
            await asyncio.sleep(VAULT_LOOK_S)

    def _approval_desk(self) -> ApprovalDesk:
        path = approver_key_path(self.settings.home)
        waiting = Approvals(self.clock, self.entropy, WaitingRoom(), monotonic_ns)
        return ApprovalDesk(waiting, self.trail, partial(write_approver_key, path), read_approver_key(path))

    async def _record_lapsed(self) -> None:
        """Record what nobody answered in time."""
        while True:
            await asyncio.sleep(APPROVALS_LOOK_S)
            try:
                await self.approvals.record_lapsed()
            except AuditUnavailable as error:
                LOG.warning("approvals that lapsed are not in the trail: %s", error)

    async def _ask(
        self, credential_id: str, key_id: str, name: str, params: Params
    ) -> Answer | Refused | Unanswered:
        """Ask a question of the gateway's own; while the vault is sealed, without a record of each attempt."""
        if self.host.vault.sealed:
            return SEALED
        endpoint = BY_NAME[name]
        return await self.pipeline.ask_as(
            credential_id, key_id, name, endpoint.http_method, endpoint.path, params, self.rest_link
        )

    def _on_unknown(self, row: int, intent: Intent) -> None:
        self.reconciler.unknown(row, intent)

    def _on_account_event(self, credential_id: str, event: bytes) -> None:
        self.desk.observe_event(credential_id, event, self.time.now_us())

    def _on_interrupted(self, credential_id: str) -> None:
        LOG.info("events of %s are interrupted", credential_id)
        self.reconciler.interrupted(credential_id)

    def _on_resumed(self, credential_id: str) -> None:
        self.own.subscribed(credential_id)
        self.reconciler.interrupted(credential_id)


def _addresses(settings: GatewaySettings, host: VaultHost) -> Addresses:
    if settings.upstream == "local":
        return local_addresses(host.local_address())
    return ADDRESSES[settings.upstream]


def _budgets(settings: GatewaySettings) -> Budgets | None:
    """A testnet of one's own counts by limits of its own and bans nobody; what its answers say is heeded all the same."""
    return Budgets(BudgetRules(0, 0, 0, 0)) if settings.upstream == "local" else None


@contextlib.asynccontextmanager
async def _alive(work: Coroutine[Any, Any, None]) -> AsyncIterator[None]:
    """Let a task live as long as the context. One that breaks is logged: what it did is then not done any more."""
    task = asyncio.create_task(work)
    task.add_done_callback(_say_if_broken)
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


def _say_if_broken(task: "asyncio.Task[None]") -> None:
    if not task.cancelled() and task.exception() is not None:
        LOG.error("a background task broke", exc_info=task.exception())
