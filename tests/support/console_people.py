"""The management API over real people in memory: no disk, no socket, a clock that a test moves, cheap passwords."""

import asyncio
import functools
from collections.abc import Callable
from typing import Any, Final
from urllib.parse import parse_qsl, urlsplit

import msgspec
from tests.support.console_fakes import NOW_US, FakeConsole

from watchword.accounts import passwords, totp
from watchword.accounts.assignments import Assignments
from watchword.accounts.contacts import Contacts
from watchword.accounts.factors import Factors
from watchword.accounts.history import History
from watchword.accounts.lockout import Lockout
from watchword.accounts.model import Origin, Person, TotpFactor, new_id
from watchword.accounts.passwords import HASH_COST_MIN
from watchword.accounts.people import People
from watchword.accounts.ports import Message, Undelivered
from watchword.accounts.register import Register
from watchword.accounts.roles import Role
from watchword.accounts.sessions import Sessions
from watchword.accounts.showing import Showing
from watchword.accounts.sign_in import SignInDesk
from watchword.accounts.tokens import Tokens
from watchword.accounts.webauthn_factor import Challenges, RelyingParty
from watchword.adapters.memory.accounts import MemoryAccounts
from watchword.adapters.memory.messages import MemoryOutbox
from watchword.adapters.system import SystemEntropy
from watchword.entrypoints.console.application import paths_of
from watchword.entrypoints.console.dispatch import Arrived, Dispatch
from watchword.entrypoints.console.openapi import document
from watchword.entrypoints.console.problem import Problem
from watchword.entrypoints.console.rate_limits import RateLimits
from watchword.entrypoints.console.route import PREFIX, Route
from watchword.entrypoints.console.routes.table import ROUTES

ORIGIN: Final = "http://localhost:8700"
PASSWORD: Final = "correct horse battery staple"
STEP_US: Final = totp.STEP_SECONDS * 1_000_000
#: So that no test meets a rate limit by accident.
ROOMY: Final = 100.0
_HASHED: Final[dict[str, str]] = {}


@functools.cache
def _whole_document() -> Any:
    """What the whole table's document says: hundreds of tests have a console, and none changes it."""
    return document(ROUTES)


class PeopleConsole(FakeConsole):
    """What handlers need of `bootstrap.console.Console`.

    Attributes:
        outbox: Messages that left.
    """

    def __init__(self, table: tuple[Route, ...] = ROUTES, limits_scale: float = ROOMY) -> None:
        super().__init__()
        self.entropy = SystemEntropy()  # type: ignore[assignment]  # tokens must not be foreseeable even here
        self.limits = RateLimits(limits_scale)
        self.origin = ORIGIN
        self.register = Register(MemoryAccounts())
        self.lockout = Lockout()
        self.sessions = Sessions(self.register, self.entropy)
        self.tokens = Tokens(self.register, self.entropy)
        self.history = History(self.register, self.entropy)
        self.people = People(self.register, self.entropy)
        self.assignments = Assignments(self.register, self.entropy)
        self.sender = self.outbox = MemoryOutbox()
        party, challenges = RelyingParty("localhost", (ORIGIN,)), Challenges(self.entropy)
        self.factors = Factors(self.register, self.entropy, party, challenges)
        showing = Showing(self.register, party, challenges)
        self.sign_in = SignInDesk(
            self.register, self.people, self.sessions, self.factors, showing, self.history, self.lockout
        )
        self.contacts = Contacts(self.people, self.entropy, self.factors.pace)
        # Who stands in for a handler says nothing about the document.
        whole = [one.name for one in table] == [one.name for one in ROUTES]
        self.document = _whole_document() if whole else document(table)
        self._paths = paths_of(table)

    async def hashing(self, function: Callable[..., Any], *args: Any) -> Any:
        cheap = (
            {"cost": HASH_COST_MIN} if function in {passwords.check_password, passwords.hash_password} else {}
        )
        return await asyncio.to_thread(function, *args, **cheap)

    async def send(self, message: Message) -> Undelivered | None:
        return self.sender.send(message)

    def tell(self, person_id: str, message: Message) -> None:
        self.sender.send(message)

    def person(self, name: str, role: Role) -> Person:
        """Somebody enrolled, with PASSWORD and one authenticator app; made where they are not there yet."""
        found = self.people.called(name)
        if found is not None:
            return found
        if PASSWORD not in _HASHED:
            from watchword.kernel.secret import Secret

            _HASHED[PASSWORD] = passwords.hash_password(
                Secret(PASSWORD.encode()), self.entropy, HASH_COST_MIN
            )
        person = Person(
            id=new_id(self.entropy, "p"), name=name, mail=f"{name}@example.org", role=role,
            password=_HASHED[PASSWORD], created_us=NOW_US, password_us=NOW_US, enrolled_us=NOW_US,
        )  # fmt: skip
        app = TotpFactor(
            id=new_id(self.entropy, "f"), person_id=person.id, label="app", seed=totp.new_seed(self.entropy),
            created_us=NOW_US, confirmed_us=NOW_US,
        )  # fmt: skip
        self.register.write([person, app])
        return person

    def code_of(self, name: str, steps: int = 0) -> str:
        """What this person's app shows now, or so many steps later."""
        (app,) = self.register.of_person(TotpFactor, self.people.called(name).id)  # type: ignore[union-attr]
        return totp._totp(app.seed).generate_otp(self.clock.us // STEP_US + steps)

    def session_of(self, name: str, role: Role = "owner") -> str:
        """Sign somebody in without the door; the factor was shown just now. Returns the token."""
        person = self.person(name, role)
        opened = self.sessions.open(person.id, "factor", Origin("127.0.0.1", "pytest"), self.clock.us)
        return self.sessions.rotate(
            opened.session, "totp", Origin("127.0.0.1", "pytest"), self.clock.us
        ).token

    async def call(
        self, method: str, path: str, token: str | None = None, body: Any = None, ip: str = "127.0.0.1"
    ) -> Any:
        """Send one request through dispatch and handler; returns the answer's struct, None or a `Problem`."""
        parts = urlsplit(PREFIX + path)
        for pattern, routes in self._paths:
            match = pattern.fullmatch(parts.path)
            if match is not None and method in routes:
                break
        else:
            raise LookupError(f"{method} {path}")
        content = b"" if body is None else msgspec.json.encode(body)

        async def read() -> bytes | Problem:
            return content

        arrived = Arrived(
            match.groupdict(),
            parse_qsl(parts.query),
            token,
            "application/json",
            Origin(ip, "pytest"),
            "00ff",
            read,
        )
        return await Dispatch(self, self.limits).answer(routes[method], arrived)  # type: ignore[arg-type]
