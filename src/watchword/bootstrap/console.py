"""Composition root of the console: lock, people, trail, messages, slow work. Never listens and decides nothing.

It holds no trading secret and no KEK: what concerns keys, vault and testnet is asked of their processes.
"""

import asyncio
import contextlib
import logging
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final, ParamSpec, Self, TypeVar, final
from urllib.parse import urlsplit

from watchword.accounts.assignments import Assignments
from watchword.accounts.contacts import Contacts
from watchword.accounts.factors import Factors
from watchword.accounts.history import History
from watchword.accounts.lockout import Lockout
from watchword.accounts.people import People
from watchword.accounts.register import Register
from watchword.accounts.sessions import Sessions
from watchword.accounts.showing import Showing
from watchword.accounts.sign_in import SignInDesk
from watchword.accounts.tokens import Tokens
from watchword.accounts.webauthn_factor import Challenges, RelyingParty
from watchword.adapters.accounts.accounts_store import SqlAccounts
from watchword.adapters.console_home import ConsoleHome, accounts_key_path, accounts_path, console_folder
from watchword.adapters.system import SystemClock, SystemEntropy
from watchword.audit.event import Change
from watchword.bootstrap.audit_search import AuditSearch
from watchword.bootstrap.audit_trail import prepare_trail
from watchword.bootstrap.bounded_work import BoundedWork
from watchword.bootstrap.message_senders import senders_of
from watchword.config import ConsoleSettings, accounts_database
from watchword.kernel.errors import StorageError, WatchwordError

if TYPE_CHECKING:
    from watchword.accounts.ports import AccountsStore, Message, MessageSender, Undelivered

LOG = logging.getLogger("watchword.console")
T = TypeVar("T")
P = ParamSpec("P")

ROLE: Final = "watchword console serve"
#: Passwords hashed at once; each takes a core and 64 MiB.
HASHES_AT_ONCE: Final = 2
MESSAGES_AT_ONCE: Final = 2
#: How often last uses are stored and sessions that are over removed.
TEND_S: Final = 10.0
#: How long messages on their way may hold up the end.
STOP_S_MAX: Final = 5.0


@final
class Console:
    """One console process, between `open` and `stop`.

    Attributes:
        settings: As given.
        clock, entropy: Of the process.
        home: Its folder, locked.
        origin: What browsers call it by; security keys are bound to it. Known once the port is.
        trail: The console's own audit trail, in `HOME/console/audit`.
        register: Everything known about people; behind it `people`, `sessions`, `tokens`, `history`, `assignments`.
        factors, sign_in: Second factors, and the way in.
        contacts: Changes of addresses that wait for a code.
        lockout: Who must wait.
        sender: Mails and short messages.
    """

    def __init__(
        self, settings: ConsoleSettings, home: ConsoleHome, store: "AccountsStore", sender: "MessageSender"
    ) -> None:
        """Put everything together around a lock that is held; use `Console.open`."""
        self.settings, self.home = settings, home
        self.clock, self.entropy = SystemClock(), SystemEntropy()
        self.origin = settings.origin or f"http://localhost:{settings.port}"
        self.trail = prepare_trail(console_folder(settings.home), self.clock, self.entropy)
        self.register = Register(store)
        self.lockout = Lockout()
        self.sessions = Sessions(self.register, self.entropy)
        self.tokens = Tokens(self.register, self.entropy)
        self.history = History(self.register, self.entropy)
        self.people = People(self.register, self.entropy)
        self.assignments = Assignments(self.register, self.entropy)
        self.sender = sender
        #: The OpenAPI document; the door puts it here.
        self.document: dict[str, Any] = {}
        #: What doors keep between calls, by its type.
        self.at_hand: dict[type, Any] = {}
        self._store = store
        self._hashing = BoundedWork("password checking", HASHES_AT_ONCE)
        self._sending = BoundedWork("message sending", MESSAGES_AT_ONCE)
        self._ending = contextlib.AsyncExitStack()
        self._telling: set[asyncio.Task[None]] = set()
        self._bind_factors()

    @classmethod
    def open(cls, settings: ConsoleSettings, *, role: str = ROLE) -> Self:
        """Take the lock and open the stores; nothing runs yet.

        Args:
            settings: Of this process.
            role: What this process is, for whoever comes second.

        Raises:
            HomeBusyError: Another process holds the console's folder.
            ConfigurationError: Something given cannot be used.
            CorruptStoreError, StorageError: A store cannot be read.
        """
        with contextlib.ExitStack() as opening:
            home = ConsoleHome.acquire(settings.home, role)
            opening.callback(home.release)
            sender = senders_of(settings, SystemClock(), SystemEntropy())
            address, key = accounts_database(), accounts_key_path(settings.home)
            store = (
                SqlAccounts.open_server(address, key)
                if address is not None
                else SqlAccounts.open_file(accounts_path(settings.home), key)
            )
            opening.callback(store.close)
            console = cls(settings, home, store, sender)
            opening.pop_all()
            return console

    async def start(self) -> None:
        """Begin, inside a running loop. Stop it however this ends.

        Raises:
            AuditUnavailable: Nothing can be recorded, so nothing could be changed.
        """
        await self.trail.start()
        self._ending.push_async_callback(self.trail.stop)
        await self._start_search()
        tending = asyncio.create_task(self._tend(), name="tending people")
        self._ending.callback(tending.cancel)

    async def stop(self) -> None:
        """End in order: messages on their way, last uses, the trail, the store, the lock."""
        if self._telling:
            await asyncio.wait(self._telling, timeout=STOP_S_MAX)
        with contextlib.suppress(WatchwordError):
            self.register.flush()
        await self._ending.aclose()
        for work in (self._hashing, self._sending):
            work.close()
        self._store.close()
        self.home.release()

    def know_address(self, port: int, *, tls: bool) -> None:
        """Take the port that was bound into the origin, unless the settings name one."""
        if self.settings.origin is None:
            self.origin = f"{'https' if tls else 'http'}://localhost:{port}"
            self._bind_factors()

    async def hashing(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Hash or check a password in a thread, few at a time.

        Raises:
            TooBusyError: Too many wait.
        """
        return await self._hashing.run(function, *args, **kwargs)

    async def send(self, message: "Message") -> "Undelivered | None":
        """Send a text somebody waits for.

        Raises:
            TooBusyError: Too many wait.
        """
        return await self._sending.run(self.sender.send, message)

    def tell(self, person_id: str, message: "Message") -> None:
        """Send a text nobody waits for; one that does not leave gets a row in the trail.

        Where no way to send it is set up, nothing happens: the owner knows that there are no mails.
        """
        if message.channel not in self.sender.channels():
            return
        task = asyncio.create_task(self._told(person_id, message), name="telling somebody")
        self._telling.add(task)
        task.add_done_callback(self._telling.discard)

    def _bind_factors(self) -> None:
        """Put together what security keys bind to our origin: second factors, and the way in through them."""
        party = RelyingParty(urlsplit(self.origin).hostname or "localhost", (self.origin,))
        challenges = Challenges(self.entropy)
        self.factors = Factors(self.register, self.entropy, party, challenges)
        self.sign_in = SignInDesk(
            self.register, self.people, self.sessions, self.factors,
            Showing(self.register, party, challenges), self.history, self.lockout,
        )  # fmt: skip
        self.contacts = Contacts(self.people, self.entropy, self.factors.pace)

    async def _start_search(self) -> None:
        """Search both trails and keep the index up. One that is broken locks nobody out."""
        try:
            search = AuditSearch.open(self.settings.home, build=True)
        except StorageError as error:
            LOG.warning("the audit trails cannot be searched: %s", error)
            return
        self._ending.callback(search.close)
        await self._ending.enter_async_context(search.keeping_up())
        self.at_hand[AuditSearch] = search

    async def _told(self, person_id: str, message: "Message") -> None:
        try:
            undelivered = await self.send(message)
            reason = undelivered.reason if undelivered is not None else ""
        except WatchwordError as error:
            reason = str(error)
        if not reason:
            return
        values = {"channel": message.channel, "about": message.subject, "reason": reason}
        LOG.warning("a %s to %s did not leave: %s", message.channel, person_id, reason)
        with contextlib.suppress(WatchwordError):
            change = Change(action="message:undelivered", actor="console", subject=person_id, values=values)
            await self.trail.record_change(change)

    async def _tend(self) -> None:
        """Store last uses and remove sessions that are over, again and again."""
        while True:
            await asyncio.sleep(TEND_S)
            try:
                self.register.flush()
                now_us = self.clock.now_us()
                self.sessions.sweep(now_us)
                self.people.sweep(now_us)
            except WatchwordError as error:
                LOG.warning("people could not be tended: %s", error)
