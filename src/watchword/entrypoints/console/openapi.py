"""The OpenAPI 3.1 document, made from the table of routes and nothing else. Never describes what the table does not do.

Source: https://spec.openapis.org/oas/v3.1.0. Beside it: `x-action` (what the role must allow), `x-fresh-factor` (`never`,
`always` or `sometimes`) and `x-tokens` (whether API tokens are accepted).
"""

import json
import re
from collections.abc import Sequence
from importlib.metadata import version
from inspect import cleandoc
from typing import Any, Final

import msgspec

from watchword.entrypoints.console import problem as told
from watchword.entrypoints.console.application import PATH_VALUE_PATTERN
from watchword.entrypoints.console.problem import Kind, ProblemAnswer
from watchword.entrypoints.console.reading import MEDIA_TYPE
from watchword.entrypoints.console.route import PREFIX, Route
from watchword.entrypoints.console.streaming import EVENTS

OPENAPI_VERSION: Final = "3.1.0"
_REF: Final = "#/components/schemas/{name}"
_PARAMETER: Final = re.compile(r"\{([a-z_]+)\}")
#: What answers in pieces are, by their media type; others are texts. Of events: each one.
_STREAMED: Final[dict[str, dict[str, Any]]] = {
    MEDIA_TYPE: {"type": "array", "items": {"type": "object"}},
    EVENTS: {"type": "object", "properties": {"event": {"type": "string"}, "data": {"type": "string"}}},
}
#: A line of a docstring's `Attributes:`, with the lines that go on further in.
_ATTRIBUTE: Final = re.compile(r"^ {4}([a-z_]+(?:, [a-z_]+)*): (.*(?:\n {8}.*)*)", re.MULTILINE)
_DESCRIPTION: Final = (
    "Everything the console does. Times are microseconds since the Unix epoch, in UTC. Send `Authorization: Bearer` with "
    "the token of a session (`wws_…`, from sign-in) or an API token (`wwt_…`). Refusals are problem details (RFC 9457) "
    "with a stable `type`."
)


def document(table: Sequence[Route]) -> dict[str, Any]:
    """Describe a table.

    Args:
        table: All routes.

    Returns:
        The document, the same for the same table.
    """
    kinds: list[type[msgspec.Struct]] = [ProblemAnswer]
    for route in table:
        kinds += [kind for kind in (route.body, route.answer) if kind is not None and kind not in kinds]
    _, components = msgspec.json.schema_components(kinds, ref_template=_REF)
    paths: dict[str, dict[str, Any]] = {}
    for route in table:
        paths.setdefault(PREFIX + route.path, {})[route.method.lower()] = _operation(route)
    return {
        "openapi": OPENAPI_VERSION,
        "info": {
            "title": "Watchword management API",
            "version": version("watchword"),
            "description": _DESCRIPTION,
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": "/"}],
        "tags": [{"name": tag} for tag in sorted({route.tag for route in table})],
        "paths": dict(sorted(paths.items())),
        "components": {
            "schemas": {name: _described(components[name]) for name in sorted(components)},
            "responses": {_response_name(kind): _problem_response(kind) for kind in told.KINDS},
            "securitySchemes": {
                "session": {"type": "http", "scheme": "bearer", "bearerFormat": "wws_", "description": "A signed-in person."},
                "token": {"type": "http", "scheme": "bearer", "bearerFormat": "wwt_", "description": "An API token."},
            },
        },
    }  # fmt: skip


def written(table: Sequence[Route]) -> str:
    """Write the document as it is published: indented, with a line end."""
    return json.dumps(document(table), indent=1, ensure_ascii=False) + "\n"


def _described(schema: dict[str, Any]) -> dict[str, Any]:
    """Take a docstring apart: its text belongs to the schema, each line of its `Attributes:` to a property."""
    text, _, attributes = cleandoc(schema.get("description", "")).partition("\n\nAttributes:\n")
    properties = {name: dict(field) for name, field in schema.get("properties", {}).items()}
    for names, words in _ATTRIBUTE.findall(attributes):
        for name in names.split(", "):
            if name in properties:
                properties[name].setdefault("description", " ".join(words.split()))
    return {**schema, "description": text, "properties": properties}


def _operation(route: Route) -> dict[str, Any]:
    answer: dict[str, Any] = {"description": route.summary}
    if route.answer is not None:
        answer["content"] = {MEDIA_TYPE: {"schema": _ref(route.answer)}}
    elif route.media:
        answer["content"] = {route.media: {"schema": _STREAMED.get(route.media, {"type": "string"})}}
    operation: dict[str, Any] = {
        "operationId": route.name,
        "summary": route.summary,
        "tags": [route.tag],
        "parameters": _parameters(route),
        "responses": {str(route.status): answer, **_problems(route)},
        "security": _security(route),
        "x-action": route.action,
        "x-fresh-factor": "sometimes" if callable(route.fresh) else route.fresh,
        "x-tokens": route.takes_tokens,
    }
    if route.body is not None:
        operation["requestBody"] = {"required": True, "content": {MEDIA_TYPE: {"schema": _ref(route.body)}}}
    return operation


def _security(route: Route) -> list[dict[str, list[str]]]:
    if route.action is None:
        return []
    return [{"session": []}, {"token": []}] if route.takes_tokens else [{"session": []}]


def _parameters(route: Route) -> list[dict[str, Any]]:
    """Describe path parameters, then the query's: one for each field of its struct."""
    found: list[dict[str, Any]] = [
        {
            "name": name,
            "in": "path",
            "required": True,
            "schema": {"type": "string", "pattern": f"^{PATH_VALUE_PATTERN}$(?!\\n)"},
        }
        for name in _PARAMETER.findall(route.path)
    ]
    if route.query is None:
        return found
    (_,), schemas = msgspec.json.schema_components([route.query], ref_template=_REF)
    schema = schemas[route.query.__name__]
    required = schema.get("required", [])
    for name, field in schema["properties"].items():
        described = {"description": field.pop("description")} if "description" in field else {}
        found.append(
            {"name": name, "in": "query", "required": name in required, **described, "schema": field}
        )
    return found


def _problems(route: Route) -> dict[str, Any]:
    """Name the problems a route can answer with, by status."""
    kinds = [
        told.MALFORMED,
        told.TOO_MANY,
        told.WRONG_HOST,
        told.TOO_LARGE,
        told.INVALID,
        told.FAULT,
        told.NO_RECORD,
    ]
    kinds += [told.FORBIDDEN, told.NOT_FOUND, told.CONFLICT]
    if route.action is not None:
        kinds.append(told.NOT_SIGNED_IN)
    elif route.limit == "sign_in":
        kinds.append(told.SIGN_IN_REFUSED)
    if route.body is not None:
        kinds.append(told.NOT_JSON)
    by_status = {
        str(kind.status): {"$ref": f"#/components/responses/{_response_name(kind)}"} for kind in kinds
    }
    return dict(sorted(by_status.items()))


def _problem_response(kind: Kind) -> dict[str, Any]:
    content = {told.MEDIA_TYPE: {"schema": _ref(ProblemAnswer)}}
    return {"description": f"{kind.title} (`{told.TYPE_PREFIX}{kind.code}`)", "content": content}


def _response_name(kind: Kind) -> str:
    return "".join(word.capitalize() for word in kind.code.split("-"))


def _ref(kind: type[msgspec.Struct]) -> dict[str, str]:
    return {"$ref": _REF.format(name=kind.__name__)}
