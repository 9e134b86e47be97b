"""schemathesis over the routes about people: whatever the document allows, or just does not, is answered as the document says.

In one process over people in memory, as an owner who is signed in anew for every call, because calls may end sessions.
"""

from typing import Any, Final

import pytest
import schemathesis
from hypothesis import HealthCheck, settings
from schemathesis.specs.openapi.checks import positive_data_acceptance
from tests.support.console_people import PeopleConsole

from watchword.config import ConsoleSettings
from watchword.entrypoints.console.application import Application
from watchword.entrypoints.console.openapi import document
from watchword.entrypoints.console.routes import (
    about,
    assignments,
    enrolment,
    factors,
    own,
    people,
    sessions,
    sign_in,
    tokens,
)
from watchword.entrypoints.gateway.host_names import HostNames

EXAMPLES_MAX: Final = 8
HOST: Final = "testserver"
SUBJECTS = (about, assignments, enrolment, factors, own, people, sessions, sign_in, tokens)
TABLE: Final = tuple(route for subject in SUBJECTS for route in subject.ROUTES)
#: What may refuse data that fits the schema: rules that no schema can say.
RULES: Final = "urn:watchword:problem:refused"
#: A whole number written `1.0` is an integer to JSON Schema and none here.
WHOLE_FLOAT: Final = "Expected `int`, got `float`"

CONSOLE: Final = PeopleConsole(TABLE)
CONSOLE.settings = ConsoleSettings(home="/nowhere", limits_scale=1_000)  # type: ignore[attr-defined,arg-type]
APPLICATION: Final = Application(CONSOLE, TABLE, HostNames(HOST, ()))  # type: ignore[arg-type]
SCHEMA: Final = schemathesis.openapi.from_dict(document(TABLE))
SCHEMA.app = APPLICATION


@pytest.mark.timeout(300)
@SCHEMA.parametrize()
@settings(max_examples=EXAMPLES_MAX, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
def test_answers_are_what_the_document_says(case: Any) -> None:
    headers = {} if not case.operation.definition.raw["security"] else _signed_in()
    response = case.call(headers=headers)
    refused = response.json() if response.status_code == 422 else {}
    ruled = refused.get("type") == RULES or WHOLE_FLOAT in refused.get("detail", "")
    case.validate_response(response, excluded_checks=[positive_data_acceptance] if ruled else [])
    assert response.headers["x-request-id"]
    assert response.headers["cache-control"] == ["no-store"]


def _signed_in() -> dict[str, str]:
    """Sign the owner in; a call may have removed, disabled or demoted the last one's neighbour, never the last one."""
    return {"Authorization": f"Bearer {CONSOLE.session_of('ann')}"}
