"""Made-up requests from the served OpenAPI document, as every role and as nobody: nothing breaks, nothing is let in wrongly.

What is left out, and why:
- `signOut` and `endOwnSession` as somebody signed in: they would end the session the run is made with. They have tests of
  their own, and are called as nobody here.
- `changePassword` and `signIn`, `enrol` in the ordinary run get a few requests only: each costs a password hash.
- A neighbour (testnet, gateway, vault) is not running in the ordinary run, so what needs one answers 503 `unavailable`,
  which the document says. The long run has all of them.
"""

from collections.abc import Iterator
from typing import Any, Final
from urllib.parse import parse_qsl, urlsplit

import jsonschema_rs
import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from hypothesis.errors import Unsatisfiable
from schemathesis import GenerationMode
from schemathesis.checks import CheckFunction
from schemathesis.core import NOT_SET
from schemathesis.core.failures import Failure, FailureGroup
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)
from tests.support.attacked_console import AttackedConsole
from tests.support.console_process import ConsoleProcess, Member
from tests.support.managed_home import ManagedHome, managed_home

CHECKS: Final[list[CheckFunction]] = [
    content_type_conformance,
    response_schema_conformance,
    response_headers_conformance,
    status_code_conformance,
]
#: Examples for each operation and mode. The long run must end while its callers' factors are fresh.
EXAMPLES_SHORT: Final = 2
EXAMPLES_LONG: Final = 30
ENDING: Final = frozenset({"signOut", "endOwnSession"})
#: Live events have no end to wait for; test_trading_desk.py has them.
ENDLESS: Final = frozenset({"watchMarket", "watchAccount"})
HASHING: Final = frozenset({"signIn", "enrol", "changePassword"})
SERVER_ERRORS_DOCUMENTED: Final = frozenset({503})
#: Whoever answers, these are there: no page is built of an answer, none is kept, none is framed.
HEADERS: Final = {
    "cache-control": "no-store",
    "x-content-type-options": "nosniff",
    "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
    "referrer-policy": "no-referrer",
    "x-frame-options": "DENY",
}


class Attack:
    """Callers against every operation of the document: each made-up request is sent as every one of them.

    Attributes:
        calls: By caller and status, so that a run that never got anywhere is seen.
        findings: What was wrong, all of it.
    """

    def __init__(
        self, base: str, callers: dict[str, str], examples: int, known: dict[str, str], *, always_alike: bool
    ) -> None:
        self._base, self._callers, self._examples, self._known = base, callers, examples, known
        self._always_alike = always_alike
        self._session = requests.Session()
        self.calls: dict[str, dict[int, int]] = {name: {} for name in callers}
        self.findings: list[str] = []
        self._document = self._session.get(f"{base}/manage/v1/openapi.json", timeout=30).json()
        self._schema = schemathesis.openapi.from_dict(self._document)

    def run(self) -> None:
        """Send what fits the document and what does not, to each operation."""
        operations: Any = self._schema.get_all_operations()
        for operation in (found.ok() for found in operations):
            name = operation.definition.raw["operationId"]
            if name in ENDLESS:
                continue
            for mode in GenerationMode:
                self._operation(operation, mode, 1 if name in HASHING else self._examples)

    def _operation(self, operation: Any, mode: GenerationMode, examples: int) -> None:
        cases = [operation.as_strategy(generation_mode=mode)]
        known = {
            one.name: self._known[one.name] for one in operation.path_parameters if one.name in self._known
        }
        if known and mode is GenerationMode.POSITIVE:
            cases.append(operation.as_strategy(generation_mode=mode, path_parameters=known))

        @settings(
            max_examples=examples, deadline=None, derandomize=self._always_alike, database=None,
            phases=[Phase.generate], suppress_health_check=list(HealthCheck),
        )  # fmt: skip
        @given(case=st.one_of(cases))
        def attack(case: Any) -> None:
            for name, token in self._callers.items():
                if not token or operation.definition.raw["operationId"] not in ENDING:
                    self._send(case, mode, name, token)

        try:
            attack()
        except Unsatisfiable:  # nothing of this operation can be made wrong
            assert mode is GenerationMode.NEGATIVE
        except (AssertionError, Failure, FailureGroup) as error:
            self.findings.append(f"{operation.label} {mode.value}: {_told(error)}")

    def _send(self, case: Any, mode: GenerationMode, name: str, token: str) -> None:
        sent = {"authorization": f"Bearer {token}"} if token else {}
        answer = case.call(base_url=self._base, session=self._session, headers=sent, timeout=60)
        self.calls[name][answer.status_code] = self.calls[name].get(answer.status_code, 0) + 1
        where = f"{name} {case.method} {case.formatted_path} {case.body!r}: {answer.status_code} {answer.text[:300]}"
        assert token or answer.status_code >= 400 or case.operation.definition.raw["x-action"] is None, where
        assert answer.status_code < 500 or answer.status_code in SERVER_ERRORS_DOCUMENTED, where
        told = {name.lower(): value[0] for name, value in answer.headers.items()}
        assert {name: told.get(name) for name in HEADERS} == HEADERS, where
        assert "x-request-id" in told, where
        if answer.status_code >= 400:
            assert told["content-type"] == "application/problem+json", where
        assert (
            mode is GenerationMode.POSITIVE
            or answer.status_code >= 400
            or self._fits(case, answer.request.url)
        ), where
        case.validate_response(answer, checks=CHECKS)

    def _fits(self, case: Any, url: str) -> bool:
        """Whether something made wrong is right as it was sent: another header was, or a parameter without a value."""
        operation = case.operation.definition.raw
        queried = {one["name"] for one in operation["parameters"] if one["in"] == "query"}
        if not {name for name, _ in parse_qsl(urlsplit(url).query, keep_blank_values=True)} <= queried:
            return False
        if "requestBody" not in operation:
            return case.body in {NOT_SET, b""}
        schema = operation["requestBody"]["content"]["application/json"]["schema"]
        return bool(jsonschema_rs.is_valid({**schema, "components": self._document["components"]}, case.body))


def _told(error: BaseException) -> str:
    inner = error.exceptions if isinstance(error, BaseExceptionGroup) else (error,)
    return "; ".join(f"{type(one).__name__}: {one}" for one in inner)


def attacked(
    console: ConsoleProcess, people: dict[str, Member], examples: int, *, always_alike: bool, **known: str
) -> dict[str, dict[int, int]]:
    callers = {"nobody": "", **{name: member.token for name, member in people.items()}}
    base = f"http://{console.host}:{console.port}"
    attack = Attack(base, callers, examples, known, always_alike=always_alike)
    attack.run()
    assert not attack.findings, "\n\n".join(attack.findings)
    for name, member in people.items():
        assert member.call("GET", "/self").status == 200, f"the run signed {name} out"
    assert "Traceback" not in console.log()
    return attack.calls


def test_nothing_made_up_breaks_it_or_gets_through_wrongly(target: AttackedConsole) -> None:
    people = {name: member for name, member in target.people.items() if name != "tina"}
    known = {"person": target.ids["tina"]}
    calls = attacked(target.console, people, EXAMPLES_SHORT, always_alike=True, **known)
    assert set(calls["nobody"]) <= {200, 400, 401, 404, 405, 415, 422}, calls
    assert calls["nobody"][401] > 100, calls
    for name in people:
        assert calls[name][200] > 10, calls
    assert min(calls["olga"][422], calls["adam"][422]) > 20, calls


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ManagedHome]:
    with managed_home(tmp_path_factory.mktemp("whole")) as made:
        yield made


@pytest.mark.long
@pytest.mark.timeout(1_800)
def test_nothing_made_up_breaks_the_whole_home(whole: ManagedHome) -> None:
    people = {"olga": whole.owner}
    people |= {role: whole.person(f"{role}-made-up", role) for role in ("admin", "trader", "auditor")}
    known = {
        "account": str(whole.account("made-up")),
        "person": whole.id_of(whole.person("victim", "trader")),
    }
    attacked(whole.console, people, EXAMPLES_LONG, always_alike=False, **known)
    assert "Traceback" not in whole.testnet.log() + whole.gateway.log()
