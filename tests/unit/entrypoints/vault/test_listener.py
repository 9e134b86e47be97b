"""The vault's admin socket: bounded, private, in order; and a seal that waits for nobody."""

import asyncio
import contextlib
import json
import os
import socket
import stat
import threading
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.support.vaults import PASSPHRASE, cheap_host, host_with

from watchword.adapters.vault_home import vault_socket_path
from watchword.bootstrap.vault_host import VaultHost
from watchword.entrypoints.sockets import admin_socket
from watchword.entrypoints.vault import listener
from watchword.entrypoints.vault import requests as ask
from watchword.entrypoints.vault.requests import REQUEST_BYTES_MAX, write_request

STATUS = write_request(ask.ShowStatus())


@pytest.fixture
def host(tmp_path: Path) -> Iterator[VaultHost]:
    opened = host_with(tmp_path / "home", "main")
    yield opened
    opened.close()


@contextlib.asynccontextmanager
async def connected(host: VaultHost) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    """A client of a listening host."""
    reader, writer = await asyncio.open_unix_connection(
        sock=admin_socket.connect(vault_socket_path(host.home.path))
    )
    try:
        yield reader, writer
    finally:
        writer.close()


async def told(reader: asyncio.StreamReader) -> dict[str, Any]:
    """The next answer."""
    found: dict[str, Any] = json.loads(await asyncio.wait_for(reader.readline(), 10))
    return found


async def rest(reader: asyncio.StreamReader) -> bytes:
    """What still comes before the other end closes; unread requests make that a reset."""
    try:
        return await asyncio.wait_for(reader.read(), 10)
    except ConnectionError:
        return b""


async def test_requests_of_one_connection_are_answered_in_order(host: VaultHost) -> None:
    async with listener.listening(host), connected(host) as (reader, writer):
        writer.write(STATUS + b"nonsense\n" + STATUS)
        assert (await told(reader))["result"]["sealed"] is False
        assert (await told(reader))["kind"] == "refused"
        assert (await told(reader))["result"]["pid"] == os.getpid()


async def test_socket_is_private_from_its_first_moment_and_gone_afterwards(host: VaultHost) -> None:
    path = vault_socket_path(host.home.path)
    path.write_text("left by a process that was killed")
    async with listener.listening(host):
        mode = path.stat().st_mode
        assert stat.S_ISSOCK(mode)
        assert stat.S_IMODE(mode) == 0o600
        assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert not path.exists()
    with pytest.raises(OSError, match="No such file"):
        admin_socket.connect(vault_socket_path(host.home.path))


async def test_other_users_get_no_answer(host: VaultHost, monkeypatch: pytest.MonkeyPatch) -> None:
    async with listener.listening(host):
        monkeypatch.setattr(admin_socket.os, "geteuid", lambda: 12_345)
        monkeypatch.setattr(admin_socket, "_PEER", _Peer(54_321))
        async with connected(host) as (reader, writer):
            writer.write(STATUS)
            assert await rest(reader) == b""
        monkeypatch.setattr(admin_socket, "_PEER", _Peer(12_345))
        async with connected(host) as (reader, writer):
            writer.write(STATUS)
            assert "result" in await told(reader)


class _Peer:
    """Reads another uid out of the kernel's answer than stands in it."""

    size = admin_socket._PEER.size

    def __init__(self, uid: int) -> None:
        self._uid = uid

    def unpack(self, _: bytes) -> tuple[int, int, int]:
        return 1, self._uid, 1


async def test_endless_request_is_refused_and_the_connection_closed(host: VaultHost) -> None:
    async with listener.listening(host), connected(host) as (reader, writer):
        writer.write(b"x" * (REQUEST_BYTES_MAX * 3))
        assert "at most" in (await told(reader))["error"]
        assert await rest(reader) == b""


async def test_request_cut_off_by_a_hang_up_is_not_performed(host: VaultHost) -> None:
    async with listener.listening(host):
        async with connected(host) as (reader, writer):
            writer.write(write_request(ask.Seal())[:-1])
            writer.write_eof()
            assert await rest(reader) == b""
        assert not host.vault.sealed


async def test_connections_are_bounded(host: VaultHost, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listener, "CONNECTIONS_MAX", 1)
    async with listener.listening(host), connected(host) as (reader, writer):
        writer.write(STATUS)
        await told(reader)
        async with connected(host) as (second, _):
            assert await rest(second) == b""
        writer.write(STATUS)
        await told(reader)


async def test_connection_left_open_does_not_hold_up_the_end(host: VaultHost) -> None:
    async with connected_after(host) as reader:
        assert await rest(reader) == b""


@contextlib.asynccontextmanager
async def connected_after(host: VaultHost) -> AsyncIterator[asyncio.StreamReader]:
    """A client that stays while the listener goes."""
    async with contextlib.AsyncExitStack() as stack:
        async with listener.listening(host):
            reader, writer = await stack.enter_async_context(connected(host))
            writer.write(STATUS)
            await told(reader)
        yield reader


async def test_home_with_a_long_name_is_no_obstacle(tmp_path: Path) -> None:
    host = cheap_host(tmp_path / ("n" * 120) / "home")
    async with listener.listening(host), connected(host) as (reader, writer):
        writer.write(STATUS)
        assert (await told(reader))["result"]["sealed"] is True
    host.close()


class SlowSource:
    """A KEK source that answers when it is let: a key service far away."""

    def __init__(self, inner: Any) -> None:
        self._inner = inner
        self.asked = threading.Event()
        self.let = threading.Event()

    def unwrap(self, wrapped: bytes, aad: bytes) -> Any:
        self.asked.set()
        assert self.let.wait(10)
        return self._inner.unwrap(wrapped, aad)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)


async def test_seal_waits_for_nobody_and_an_unsealing_under_way_comes_to_nothing(
    host: VaultHost, monkeypatch: pytest.MonkeyPatch
) -> None:
    host.vault.seal()
    slow = SlowSource(host._sources.of(host.vault.description(), PASSPHRASE))
    monkeypatch.setattr(host._sources, "of", lambda *_: slow)
    async with (
        listener.listening(host),
        connected(host) as (reader, writer),
        connected(host) as (second, hasty),
    ):
        writer.write(write_request(ask.Unseal(PASSPHRASE)))
        assert await asyncio.to_thread(slow.asked.wait, 10)
        hasty.write(write_request(ask.Seal()))
        assert "result" in await told(second)
        slow.let.set()
        answer = await told(reader)
        assert "sealed while" in answer["error"]
        assert host.vault.sealed
        # Twin: without a seal in between the same request opens.
        writer.write(write_request(ask.Unseal(PASSPHRASE)))
        assert (await told(reader))["result"]["secrets"] == 1


async def test_source_that_hangs_holds_up_neither_looking_nor_the_end(
    host: VaultHost, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("watchword.entrypoints.vault.apart.ENDING_S_MAX", 0.05)
    host.vault.seal()
    slow = SlowSource(host._sources.of(host.vault.description(), PASSPHRASE))
    monkeypatch.setattr(host._sources, "of", lambda *_: slow)
    async with listener.listening(host), connected(host) as (_, writer), connected(host) as (second, looking):
        writer.write(write_request(ask.Unseal(PASSPHRASE)))
        assert await asyncio.to_thread(slow.asked.wait, 10)
        looking.write(STATUS)
        assert (await told(second))["result"]["sealed"] is True
    host.vault.seal()
    slow.let.set()


async def test_change_under_way_is_finished_before_the_end(
    host: VaultHost, monkeypatch: pytest.MonkeyPatch
) -> None:
    host.vault.seal()
    slow = SlowSource(host._sources.of(host.vault.description(), PASSPHRASE))
    monkeypatch.setattr(host._sources, "of", lambda *_: slow)
    async with listener.listening(host), connected(host) as (_, writer):
        writer.write(write_request(ask.Unseal(PASSPHRASE)))
        assert await asyncio.to_thread(slow.asked.wait, 10)
        asyncio.get_running_loop().call_later(0.05, slow.let.set)
    assert not host.vault.sealed


async def test_fault_becomes_an_answer(host: VaultHost, monkeypatch: pytest.MonkeyPatch) -> None:
    host.vault.seal()
    (host.home.path / "vault" / "vault.db").write_bytes(b"cut")
    async with listener.listening(host), connected(host) as (reader, writer):
        writer.write(write_request(ask.Unseal(PASSPHRASE)))
        assert "damaged or cut off" in (await told(reader))["error"]


async def test_peer_that_goes_while_it_is_answered_harms_nothing(host: VaultHost) -> None:
    async with listener.listening(host):
        client = admin_socket.connect(vault_socket_path(host.home.path))
        client.sendall(STATUS * 200)
        client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\0\0\0\0\0\0\0")
        client.close()
        async with connected(host) as (reader, writer):
            writer.write(STATUS)
            assert "result" in await told(reader)
