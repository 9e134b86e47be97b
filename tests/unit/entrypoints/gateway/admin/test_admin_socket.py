"""The admin socket: private, bounded, of the same user; what is under way is finished before it closes."""

import asyncio
import contextlib
import json
import os
import stat
from pathlib import Path
from typing import Any

import pytest
from tests.support.trails import FixedEntropy, TickingClock
from tests.support.virtual_keys import NOW_US, RecordingTrail, new_key

from watchword.adapters.gateway_home import GatewayHome, gateway_socket_path
from watchword.adapters.memory.virtual_keys import MemoryVirtualKeys
from watchword.bootstrap.key_desk import KeyDesk
from watchword.entrypoints.gateway.admin import listener
from watchword.entrypoints.gateway.admin.listener import actor_name, listening
from watchword.entrypoints.gateway.admin.requests import REQUEST_BYTES_MAX, ListKeys, RevokeKey, write_request
from watchword.entrypoints.sockets.admin_socket import connect


@pytest.fixture
def desk(tmp_path: Path) -> KeyDesk:
    """A desk with one key, in a home with a long path: the kernel takes short socket names only."""
    home = tmp_path / ("long-" * 20) / "home"
    GatewayHome.acquire(home, "test").release()
    store = MemoryVirtualKeys()
    store.put([new_key("bot")])
    return KeyDesk(home, store, RecordingTrail(), TickingClock(NOW_US), FixedEntropy())


async def ask(desk: KeyDesk, *lines: bytes) -> list[Any]:
    """Send lines over one connection, and read an answer to each."""
    reader, writer = await asyncio.open_unix_connection(sock=connect(gateway_socket_path(desk.home)))
    found = []
    for line in lines:
        writer.write(line)
        # A connection that is turned away with something unread in it is reset.
        with contextlib.suppress(ConnectionError):
            found.append(await reader.readline())
    writer.close()
    return [json.loads(line) if line else None for line in found]


async def test_socket_is_private_and_answers_line_by_line(desk: KeyDesk) -> None:
    path = gateway_socket_path(desk.home)
    async with listening(desk):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        first, second, third = await ask(
            desk, write_request(ListKeys()), b"nonsense\n", write_request(ListKeys())
        )
    assert first["result"]["keys"][0]["label"] == "bot"
    assert second["kind"] == "refused"
    assert third == first
    assert not path.exists()
    with pytest.raises(OSError, match=r"."):
        connect(gateway_socket_path(desk.home))


async def test_line_beyond_the_bound_is_refused_and_the_connection_closed(desk: KeyDesk) -> None:
    async with listening(desk):
        (said,) = await ask(desk, b"x" * (REQUEST_BYTES_MAX + 1) + b"\n")
        assert "at most" in said["error"]
        assert (await ask(desk, write_request(ListKeys())))[0]["result"]


async def test_line_that_never_ends_is_no_request(desk: KeyDesk) -> None:
    async with listening(desk):
        reader, writer = await asyncio.open_unix_connection(sock=connect(gateway_socket_path(desk.home)))
        writer.write(write_request(ListKeys()).rstrip(b"\n"))
        writer.write_eof()
        assert await reader.read() == b""
        writer.close()


async def test_another_user_is_turned_away(desk: KeyDesk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listener, "peer_uid", lambda writer: 4_711)
    async with listening(desk):
        assert not any(await ask(desk, write_request(ListKeys())))


async def test_connections_are_bounded(desk: KeyDesk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listener, "CONNECTIONS_MAX", 2)
    async with listening(desk):
        idle = [
            await asyncio.open_unix_connection(sock=connect(gateway_socket_path(desk.home))) for _ in range(2)
        ]
        for reader, writer in idle:
            writer.write(write_request(ListKeys()))
            assert await reader.readline()
        assert not any(await ask(desk, write_request(ListKeys())))
        idle[0][1].close()
        await asyncio.sleep(0.05)
        assert (await ask(desk, write_request(ListKeys())))[0] is not None
        idle[1][1].close()


async def test_request_under_way_is_finished_before_the_socket_closes(
    desk: KeyDesk, monkeypatch: pytest.MonkeyPatch
) -> None:
    began, go = asyncio.Event(), asyncio.Event()
    change = desk.change

    async def slow(*given: Any) -> Any:
        began.set()
        await go.wait()
        return await change(*given)

    monkeypatch.setattr(desk, "change", slow, raising=False)
    async with listening(desk):
        asked = asyncio.create_task(ask(desk, write_request(RevokeKey("bot"))))
        await began.wait()
        asyncio.get_running_loop().call_later(0.05, go.set)
    assert desk.registry.listed()[0].revoked_us
    assert await asked


def test_actor_is_named_for_the_trail() -> None:
    assert actor_name(os.geteuid()).endswith(f"(uid {os.geteuid()})")
    assert actor_name(4_000_000_000) == "uid 4000000000"
