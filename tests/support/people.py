"""A house of people over a store in memory: everything of `accounts` wired, and hands to walk the way in."""

import base64
from dataclasses import dataclass, field
from urllib.parse import parse_qs, urlsplit

import pyotp
from tests.support.authenticator import ORIGIN, RP_ID
from tests.support.trails import FixedEntropy

from watchword.accounts.assignments import Assignments
from watchword.accounts.factors import Factors, TotpStart
from watchword.accounts.history import History
from watchword.accounts.lockout import Lockout
from watchword.accounts.model import Origin, Person, Session, TotpFactor
from watchword.accounts.passwords import PasswordCheck
from watchword.accounts.people import Invited, People
from watchword.accounts.register import Register
from watchword.accounts.roles import Role
from watchword.accounts.sessions import Sessions
from watchword.accounts.showing import Showing, TotpCode
from watchword.accounts.sign_in import SignedIn, SignInDesk, SignInRefused
from watchword.accounts.tokens import Tokens
from watchword.accounts.webauthn_factor import Challenges, RelyingParty
from watchword.adapters.memory.accounts import MemoryAccounts

NOW_US = 1_790_000_000_000_000
MINUTE_US = 60_000_000
STEP_US = 30_000_000
HOME = Origin("192.0.2.7", "Firefox on Linux")
ELSEWHERE = Origin("198.51.100.9", "curl")
RIGHT = PasswordCheck(holds=True)
WRONG = PasswordCheck(holds=False)


@dataclass
class House:
    """Everything about people, as the console wires it."""

    store: MemoryAccounts = field(default_factory=MemoryAccounts)
    entropy: FixedEntropy = field(default_factory=FixedEntropy)

    def __post_init__(self) -> None:
        party = RelyingParty(RP_ID, (ORIGIN,))
        self.register = Register(self.store)
        self.challenges = Challenges(self.entropy)
        self.people = People(self.register, self.entropy)
        self.sessions = Sessions(self.register, self.entropy)
        self.tokens = Tokens(self.register, self.entropy)
        self.factors = Factors(self.register, self.entropy, party, self.challenges)
        self.assignments = Assignments(self.register, self.entropy)
        self.history = History(self.register, self.entropy)
        self.lockout = Lockout()
        self.desk = SignInDesk(
            self.register,
            self.people,
            self.sessions,
            self.factors,
            Showing(self.register, party, self.challenges),
            self.history,
            self.lockout,
        )

    def reloaded(self) -> "House":
        """Return the same house after a restart."""
        return House(self.store, FixedEntropy(10_000))

    def invited(self, name: str, role: Role = "trader", now_us: int = NOW_US) -> Invited:
        """Invite somebody; the first one must be an owner."""
        mail = f"{name}@example.org"
        if not self.people.listed():
            made = self.people.found(name, mail, now_us)
        else:
            made = self.people.invite(None, name, mail, role, now_us)
        assert isinstance(made, Invited), made
        return made

    def enrolled(self, name: str, role: Role = "trader", now_us: int = NOW_US) -> Person:
        """Invite somebody and walk them through password and authenticator app; they hold no session after."""
        token = self.invited(name, role, now_us).token
        step = self.desk.enrol(token, f"phc of {name}", HOME, now_us)
        assert isinstance(step, SignedIn), step
        start = self.factors.start_totp(step.person, "phone", now_us)
        assert isinstance(start, TotpStart), start
        self.factors.confirm_totp(step.person.id, start.factor.id, app_code(start.uri, now_us), now_us)
        self.sessions.end_all(step.person.id)
        return self.person(name)

    def person(self, name: str) -> Person:
        """Return somebody as they stand."""
        person = self.people.called(name)
        assert person is not None
        return person

    def app(self, person: Person) -> TotpFactor:
        """Return somebody's authenticator app as it stands."""
        return self.register.of_person(TotpFactor, person.id)[0]

    def code(self, person: Person, now_us: int) -> TotpCode:
        """Return what their app shows."""
        seed = base64.b32encode(self.app(person).seed.reveal()).decode()
        return TotpCode(pyotp.TOTP(seed).at(now_us // 1_000_000))

    def password(
        self, login: str, check: PasswordCheck = RIGHT, origin: Origin = HOME, now_us: int = NOW_US
    ) -> SignedIn | SignInRefused:
        """Show a password whose check ended so."""
        return self.desk.password_shown(self.desk.password_to_check(login), check, origin, now_us)

    def at_factor(self, login: str, origin: Origin = HOME, now_us: int = NOW_US) -> SignedIn:
        """Show the right password."""
        step = self.password(login, RIGHT, origin, now_us)
        assert isinstance(step, SignedIn), step
        return step

    def signed_in(self, name: str, origin: Origin = HOME, now_us: int = NOW_US + STEP_US) -> SignedIn:
        """Walk the whole way in; each walk needs a step of the clock of its own."""
        step = self.at_factor(name, origin, now_us)
        full = self.desk.factor_shown(step.opened.session, self.code(step.person, now_us), origin, now_us)
        assert isinstance(full, SignedIn), full
        return full

    def found(self, token: str, now_us: int, ip: str = HOME.ip) -> Session | None:
        """Return the session behind a token."""
        hit = self.sessions.find(token, ip, now_us)
        return None if hit is None else hit[0]


def app_code(uri: str, now_us: int) -> str:
    """Return what an app that scanned this text shows."""
    secret = parse_qs(urlsplit(uri).query)["secret"][0]
    return pyotp.TOTP(secret).at(now_us // 1_000_000)


def one_bit_off(text: str) -> str:
    """Return a text whose last character differs in one bit and is still a letter, digit, hyphen or underscore."""
    for bit in range(7):
        changed = chr(ord(text[-1]) ^ (1 << bit))
        if changed.isascii() and (changed.isalnum() or changed in "-_"):
            return text[:-1] + changed
    raise AssertionError(text)
