"""The door of the management API: hosts, pages, paths, methods, bodies, headers; and that nothing sent comes back in a header."""

import json
from typing import Any

import pytest
from httpx import ASGITransport, AsyncClient
from tests.support.console_people import PASSWORD, PeopleConsole

from watchword.config import ConsoleSettings
from watchword.entrypoints.console.application import SECURITY_HEADERS, Application
from watchword.entrypoints.console.authentication import bearer_token
from watchword.entrypoints.console.reading import BODY_BYTES_MAX
from watchword.entrypoints.console.routes.table import ROUTES
from watchword.entrypoints.gateway.host_names import HostNames

JSON = {"content-type": "application/json"}


@pytest.fixture
def console(tmp_path: Any) -> PeopleConsole:
    made = PeopleConsole()
    made.settings = ConsoleSettings(home=tmp_path)  # type: ignore[attr-defined]
    return made


@pytest.fixture
def client(console: PeopleConsole) -> AsyncClient:
    application = Application(console, ROUTES, HostNames("127.0.0.1", ()))  # type: ignore[arg-type]
    return AsyncClient(transport=ASGITransport(application), base_url="http://127.0.0.1:8700")


async def test_answers_and_problems_carry_the_same_security_headers(client: AsyncClient) -> None:
    for path in ("/manage/v1/about", "/manage/v1/self", "/nowhere"):
        answer = await client.get(path)
        assert {name: answer.headers.get(name) for name in SECURITY_HEADERS} == dict(SECURITY_HEADERS)
        assert "access-control-allow-origin" not in answer.headers
        assert len(answer.headers["x-request-id"]) == 16
        assert "server" not in answer.headers


async def test_problem_is_rfc_9457(client: AsyncClient) -> None:
    answer = await client.get("/manage/v1/self")
    assert (answer.status_code, answer.headers["content-type"]) == (401, "application/problem+json")
    assert answer.headers["www-authenticate"] == 'Bearer realm="watchword"'
    problem = answer.json()
    assert problem["type"] == "urn:watchword:problem:not-signed-in"
    assert (problem["status"], problem["request"]) == (401, answer.headers["x-request-id"])


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("127.0.0.1:8700", 200),
        ("localhost", 200),
        ("evil.example", 421),
        ("127.0.0.1.evil.example", 421),
        ("", 421),
    ],
)
async def test_only_our_names_are_answered(client: AsyncClient, host: str, status: int) -> None:
    assert (await client.get("/manage/v1/about", headers={"host": host})).status_code == status


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"origin": "http://evil.example"}, 403),
        ({"origin": "null"}, 403),
        ({"sec-fetch-site": "cross-site"}, 403),
        ({"sec-fetch-site": "same-origin"}, 200),
        ({"origin": "http://127.0.0.1:8700"}, 200),
    ],
)
async def test_pages_of_elsewhere_are_refused(
    client: AsyncClient, headers: dict[str, str], status: int
) -> None:
    assert (await client.get("/manage/v1/about", headers=headers)).status_code == status


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/manage/v1", 404),
        ("GET", "/manage/v1/about/", 404),
        ("GET", "/manage/v1//about", 404),
        ("GET", "/manage/v1/people/%2e%2e/about", 404),
        ("GET", "/manage/v1/people/a%2Fb", 404),
        ("GET", "/manage/v1/people%2Fa", 404),
        ("GET", "/manage/v1/people/a%0Ab", 404),
        ("GET", "/manage/v1/people/a%3Ab", 401),
        ("POST", "/manage/v1/about", 405),
        ("HEAD", "/manage/v1/about", 405),
        ("OPTIONS", "/manage/v1/people", 405),
        ("TRACE", "/manage/v1/about", 405),
    ],
)
async def test_unknown_paths_and_methods(client: AsyncClient, method: str, path: str, status: int) -> None:
    answer = await client.request(method, path)
    assert answer.status_code == status
    if status == 405:
        assert set(answer.headers["allow"].split(", ")) <= {"GET", "POST", "PUT", "DELETE"}


async def test_both_methods_of_a_path_are_allowed(client: AsyncClient) -> None:
    assert (await client.patch("/manage/v1/people")).headers["allow"] == "GET, POST"


async def test_body_beyond_its_bound_is_refused(client: AsyncClient) -> None:
    body = json.dumps({"login": "ann", "password": PASSWORD}).encode()
    fitting = body + b" " * (BODY_BYTES_MAX - len(body))
    assert (await client.post("/manage/v1/sign-in", content=fitting, headers=JSON)).status_code == 401
    assert (await client.post("/manage/v1/sign-in", content=fitting + b" ", headers=JSON)).status_code == 413


async def test_nothing_a_client_sends_comes_back_in_a_header(
    client: AsyncClient, console: PeopleConsole
) -> None:
    console.person("ann", "owner")
    canary = "x-canary"
    sent = {
        "user-agent": canary,
        "x-request-id": canary,
        "referer": canary,
        "authorization": f"Bearer {canary}",
    }
    for path in ("/manage/v1/self", f"/manage/v1/people/{canary}?after={canary}%0d%0aSet-Cookie:a=b"):
        answer = await client.get(path, headers=sent)
        assert canary not in str(answer.headers)
        assert "set-cookie" not in answer.headers


@pytest.mark.parametrize(
    "values",
    [
        [],
        ["Bearer"],
        ["Bearer "],
        ["Basic wws_x"],
        ["Bearer a", "Bearer b"],
        ["Bearer " + "x" * 200],
        ["Bearer ä"],
    ],
)
async def test_header_without_one_token_is_none(values: list[str]) -> None:
    assert bearer_token(values) is None
    assert bearer_token(["bearer wws_x"]) == "wws_x"


async def test_tokens_in_url_or_cookie_count_for_nothing(client: AsyncClient, console: PeopleConsole) -> None:
    token = console.session_of("ann")
    assert (
        await client.get("/manage/v1/self", headers={"authorization": f"Bearer {token}"})
    ).status_code == 200
    assert (await client.get(f"/manage/v1/self?access_token={token}")).status_code == 401
    assert (await client.get("/manage/v1/self", headers={"cookie": f"session={token}"})).status_code == 401


async def test_document_is_served(client: AsyncClient) -> None:
    served = (await client.get("/manage/v1/openapi.json")).json()
    assert served["openapi"] == "3.1.0"
    assert "/manage/v1/sign-in" in served["paths"]
