"""The console's sockets: slow headers, large headers, and a broken invariant that ends the server."""

import asyncio
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, Any

import pytest
from tests.support.console_fakes import Probe, probe_route
from tests.support.console_people import PeopleConsole

from watchword.config import ConsoleSettings
from watchword.entrypoints.console.application import Application
from watchword.entrypoints.console.patient_protocol import PatientProtocol
from watchword.entrypoints.console.route import Audit
from watchword.entrypoints.console.routes.table import ROUTES
from watchword.entrypoints.console.server import HEADER_BYTES_MAX, Server, _config
from watchword.entrypoints.gateway.host_names import HostNames
from watchword.entrypoints.sockets.listener import bind
from watchword.kernel.errors import InvariantError

if TYPE_CHECKING:
    import uvicorn

BROKEN = probe_route(
    Probe(InvariantError("two plus two is five")), method="GET", path="/broken", action=None, body=None,
    audit=Audit("x", by_handler=True), name="broken",
)  # fmt: skip


@pytest.fixture
def application(tmp_path: Any) -> Application:
    console = PeopleConsole()
    console.settings = ConsoleSettings(home=tmp_path)  # type: ignore[attr-defined]
    return Application(console, (*ROUTES, BROKEN), HostNames("127.0.0.1", ()))  # type: ignore[arg-type]


@pytest.fixture
async def port(application: Application, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[int]:
    monkeypatch.setattr(PatientProtocol, "header_s_max", 0.3)
    sock = bind("127.0.0.1", 0)
    server: uvicorn.Server = Server(_config(application, None, None))
    serving = asyncio.create_task(server.serve([sock]))
    while not server.started:  # noqa: ASYNC110 - uvicorn has no event for it
        await asyncio.sleep(0.005)
    yield sock.getsockname()[1]
    server.should_exit = True
    await serving
    sock.close()


async def _exchanged(port: int, *parts: bytes) -> bytes:
    """Send parts with a pause between them, and read until the other side closes."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    for part in parts:
        writer.write(part)
        await asyncio.sleep(0.05)
    async with asyncio.timeout(5):
        answer = await reader.read()
    writer.close()
    return answer


ABOUT = b"GET /manage/v1/about HTTP/1.1\r\nHost: 127.0.0.1\r\n"


async def test_header_in_parts_is_answered(port: int) -> None:
    answer = await _exchanged(port, ABOUT, b"Connection: close\r\n", b"\r\n")
    assert answer.startswith(b"HTTP/1.1 200")
    assert b"server:" not in answer.lower()


@pytest.mark.parametrize("parts", [(), (b"GET",), (ABOUT, b"X: y\r\n")])
async def test_header_that_never_ends_closes_the_connection(port: int, parts: tuple[bytes, ...]) -> None:
    assert await _exchanged(port, *parts) == b""


async def test_second_header_on_a_kept_connection_has_no_more_time(port: int) -> None:
    answer = await _exchanged(port, ABOUT + b"\r\n", ABOUT)
    assert answer.count(b"HTTP/1.1") == 1


async def test_header_beyond_its_bound_is_refused(port: int) -> None:
    answer = await _exchanged(port, ABOUT + b"X: " + b"y" * HEADER_BYTES_MAX)
    assert answer.startswith(b"HTTP/1.1 400")


@pytest.mark.parametrize(
    "target", [b"*", b"http://127.0.0.1/manage/v1/about", b"/manage/v1/about#x", b"/manage/v1/ab\x01out"]
)
async def test_odd_targets_get_no_answer_of_another_route(port: int, target: bytes) -> None:
    answer = await _exchanged(
        port, b"GET " + target + b" HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
    )
    assert answer.split(b" ")[1] in {b"400", b"404"}


async def test_broken_invariant_is_told_to_the_server(port: int, application: Application) -> None:
    told: list[InvariantError] = []
    application.on_broken = told.append
    request = b"GET /manage/v1/broken HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
    answer = await _exchanged(port, request)
    assert answer.startswith(b"HTTP/1.1 500")
    assert b"five" not in answer
    assert [str(error) for error in told] == ["two plus two is five"]
