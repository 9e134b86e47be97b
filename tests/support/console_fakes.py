"""A console without people, stores or sockets: what the framework of the management API needs, and a table of probe routes."""

from typing import Any, Final

import msgspec

from watchword.accounts.model import ApiToken, Origin, Person, Session, Stage
from watchword.accounts.roles import Role
from watchword.audit.event import Change, Outcome, Refusal
from watchword.audit.trail import AuditUnavailable
from watchword.entrypoints.console.dispatch import Arrived, Dispatch
from watchword.entrypoints.console.problem import Problem
from watchword.entrypoints.console.rate_limits import RateLimits
from watchword.entrypoints.console.route import Audit, Caller, Route

NOW_US: Final = 1_800_000_000_000_000
SECOND_US: Final = 1_000_000


class FixedClock:
    """A clock that stands still until told."""

    def __init__(self, now_us: int = NOW_US) -> None:
        self.us = now_us

    def now_us(self) -> int:
        return self.us


class CountingEntropy:
    """Draws that never repeat and that a test can foresee."""

    def __init__(self) -> None:
        self.drawn = 0

    def token(self, size_bytes: int) -> bytes:
        self.drawn += 1
        return self.drawn.to_bytes(4, "big").rjust(size_bytes, b"\x00")[-size_bytes:]


class NotedTrail:
    """A trail as a list of events; `broken` refuses every change."""

    def __init__(self) -> None:
        self.events: list[Any] = []
        self.counted: list[tuple[str, str]] = []
        self.broken = False

    async def record_change(self, change: Change) -> int:
        if self.broken:
            raise AuditUnavailable("the disk is full")
        self.events.append(change)
        return len(self.events)

    def record_outcome(self, outcome: Outcome) -> None:
        self.events.append(outcome)

    def record_refusal(self, refusal: Refusal) -> None:
        self.events.append(refusal)

    def count_refusal(self, reason: str, origin: str) -> None:
        self.counted.append((reason, origin))

    def of(self, kind: type) -> list[Any]:
        return [event for event in self.events if isinstance(event, kind)]


class FakeConsole:
    """Knows callers by their token's text."""

    def __init__(self) -> None:
        self.clock, self.entropy = FixedClock(), CountingEntropy()
        self.trail, self.limits = NotedTrail(), RateLimits()
        self.callers: dict[str, Caller] = {}

    def signed_in(
        self, role: Role = "owner", factor_us: int = NOW_US, stage: Stage = "full", name: str = "ann"
    ) -> str:
        """Sign somebody in; returns the token."""
        person = Person(id=f"p-{name}", name=name, mail=f"{name}@example.org", role=role)
        session = Session(
            id=f"s-{name}", person_id=person.id, digest=b"", stage=stage, factor="totp" if factor_us else None,
            factor_us=factor_us,
        )  # fmt: skip
        self.callers[f"wws_{name}"] = Caller(person, session)
        return f"wws_{name}"

    def token_of(self, scopes: set[Any], role: Role = "owner", name: str = "bot") -> str:
        """Give somebody an API token."""
        person = Person(id=f"p-{name}", name=name, mail=f"{name}@example.org", role=role)
        token = ApiToken(id=f"t-{name}", person_id=person.id, label="x", digest=b"", scopes=frozenset(scopes))
        self.callers[f"wwt_{name}"] = Caller(person, None, token)
        return f"wwt_{name}"


class ProbeBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What the probe takes."""

    name: str
    wide: bool = False


class ProbeQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What the probe's query takes."""

    limit: int = 10


class ProbeAnswer(msgspec.Struct, frozen=True):
    """What the probe says."""

    name: str


class Probe:
    """A handler that notes what it was asked."""

    def __init__(self, answer: Any = None) -> None:
        self.asked: list[Any] = []
        self.answer = answer if answer is not None else ProbeAnswer("done")

    async def __call__(self, ask: Any) -> Any:
        self.asked.append(ask)
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


def probe_route(handler: Any, **given: Any) -> Route:
    """One route to the probe; a change of settings unless told otherwise."""
    usual: dict[str, Any] = {
        "method": "POST", "path": "/probes/{probe}", "name": "probe", "summary": "Probe.", "tag": "probes",
        "action": "settings.write", "body": ProbeBody, "answer": ProbeAnswer, "audit": Audit("probe:made"),
        "limit": "write",
    }  # fmt: skip
    return Route(handler=handler, **{**usual, **given})


async def asked(
    console: FakeConsole,
    route: Route,
    token: str | None,
    body: bytes | Problem = b'{"name":"x"}',
    query: list[tuple[str, str]] | None = None,
    ip: str = "127.0.0.1",
    content_type: str = "application/json",
) -> Any:
    """Send one request through the dispatch."""

    async def read() -> bytes | Problem:
        return body

    arrived = Arrived({"probe": "one"}, query or [], token, content_type, Origin(ip, "pytest"), "00ff", read)
    dispatch = Dispatch(console, console.limits, lambda console, token, *_: console.callers.get(token))  # type: ignore[arg-type]
    return await dispatch.answer(route, arrived)
