"""The OpenAPI document: valid, the same as the published one, and about every route of the table."""

import json
import re
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator
from schemathesis.specs.openapi.definitions import OPENAPI_31

from watchword.entrypoints.console import problem as told
from watchword.entrypoints.console.openapi import document, written
from watchword.entrypoints.console.route import PREFIX
from watchword.entrypoints.console.routes.table import ROUTES

PUBLISHED = Path(__file__).parents[4] / "docs" / "openapi.json"


@pytest.fixture(scope="module")
def parsed() -> dict[str, object]:
    return json.loads(written(ROUTES))


def test_document_is_valid_openapi_31(parsed: dict[str, object]) -> None:
    # The official schema of 2022-10-07: https://spec.openapis.org/oas/3.1/schema/2022-10-07
    assert OPENAPI_31["$id"] == "https://spec.openapis.org/oas/3.1/schema/2022-10-07"
    assert list(Draft202012Validator(OPENAPI_31).iter_errors(parsed)) == []


def test_document_with_one_thing_wrong_is_not_valid(parsed: dict[str, object]) -> None:
    broken = json.loads(json.dumps(parsed))
    broken["paths"][f"{PREFIX}/self"]["get"]["responses"]["200"].pop("description")
    assert list(Draft202012Validator(OPENAPI_31).iter_errors(broken)) != []


def test_schemas_are_valid_and_every_reference_leads_somewhere(parsed: dict[str, object]) -> None:
    components = parsed["components"]
    for schema in components["schemas"].values():  # type: ignore[index]
        Draft202012Validator.check_schema(schema)
    text = json.dumps(parsed)
    for part in text.split('"$ref": "#/components/')[1:]:
        kind, name = part.partition('"')[0].split("/")
        assert name in components[kind]  # type: ignore[index]


def test_published_document_is_the_tables_own() -> None:
    # After a change: watchword console openapi > docs/openapi.json
    assert PUBLISHED.read_text(encoding="utf-8") == written(ROUTES)


def test_document_has_every_route_with_its_terms(parsed: dict[str, object]) -> None:
    paths = parsed["paths"]
    for route in ROUTES:
        operation = paths[PREFIX + route.path][route.method.lower()]  # type: ignore[index]
        assert (operation["operationId"], operation["x-action"]) == (route.name, route.action)
        assert bool(operation["security"]) is (route.action is not None)
        assert ({"token": []} in operation["security"]) is route.takes_tokens
        assert ("requestBody" in operation) is (route.body is not None)
    assert sum(len(methods) for methods in paths.values()) == len(ROUTES)  # type: ignore[attr-defined]


def test_bodies_are_closed_and_fields_described(parsed: dict[str, object]) -> None:
    schemas = document(ROUTES)["components"]["schemas"]
    for route in ROUTES:
        if route.body is not None:
            assert schemas[route.body.__name__]["additionalProperties"] is False
    assert (
        schemas["TokenDraft"]["properties"]["expires_us"]["description"] == "Its end, at most 366 days away."
    )
    assert "Attributes:" not in json.dumps(parsed)


def test_kinds_of_problems_are_listed_with_stable_codes() -> None:
    kinds = {value for value in vars(told).values() if isinstance(value, told.Kind)}
    assert kinds == set(told.KINDS)
    assert len({kind.code for kind in told.KINDS}) == len(told.KINDS)


def test_patterns_let_no_line_end_follow() -> None:
    patterns = set(re.findall(r'"pattern": "((?:[^"\\]|\\.)*)"', PUBLISHED.read_text(encoding="utf-8")))
    assert patterns
    for pattern in (json.loads(f'"{one}"') for one in patterns):
        accepted = next(one for one in ("", "1", "1-1", "https://a.b", "a") if re.search(pattern, one))
        assert re.search(pattern, accepted + "\n") is None, pattern
