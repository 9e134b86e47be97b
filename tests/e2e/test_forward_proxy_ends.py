"""The forward proxy's ends: of a token, of the process."""

import asyncio
import contextlib
import socket
import ssl
import time
from pathlib import Path
from typing import Any

import pytest
import requests
import uvloop
from tests.support.proxied_testnet import ProxiedTestnet, proxied_testnet, without_trust
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

from watchword.adapters.system import SystemEntropy

PING = "https://api.binance.com/api/v3/ping"


@pytest.fixture(autouse=True)
def _alone(monkeypatch: pytest.MonkeyPatch) -> None:
    without_trust(monkeypatch)


def test_new_token_counts_at_once_and_ends_the_old_one(tmp_path: Path) -> None:
    with proxied_testnet(tmp_path, uvloop.new_event_loop) as proxied:
        old = proxied.url
        proxied.token = proxied.stored.make(SystemEntropy(), 2, replace=True)
        assert _ping(proxied, proxied.url) == {}
        with pytest.raises(requests.exceptions.ProxyError, match="407"):
            _ping(proxied, old)
        proxied.stored.path.unlink()
        with pytest.raises(requests.exceptions.ProxyError, match="407"):
            _ping(proxied, proxied.url)


@pytest.mark.parametrize("loop", [pytest.param("asyncio", marks=pytest.mark.long), "uvloop"])
def test_end_of_the_process_ends_what_is_open(tmp_path: Path, loop: str) -> None:
    factory = uvloop.new_event_loop if loop == "uvloop" else asyncio.new_event_loop
    with proxied_testnet(tmp_path, factory) as proxied, contextlib.ExitStack() as stack:
        client = stack.enter_context(requests.Session())
        client.proxies, client.verify = {"https": proxied.url}, str(proxied.authority)
        client.get(PING, timeout=10)
        idle = stack.enter_context(socket.create_connection(("127.0.0.1", proxied.port), 10))
        while not proxied.proxy.arriving:
            time.sleep(0.01)
        started = time.monotonic()
        proxied.stop()
        assert idle.recv(100) == b""
    assert time.monotonic() - started < 10
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", proxied.port), 1)


@pytest.mark.parametrize("loop", [pytest.param("asyncio", marks=pytest.mark.long), "uvloop"])
def test_end_of_the_process_is_told_to_streams(tmp_path: Path, loop: str) -> None:
    factory = uvloop.new_event_loop if loop == "uvloop" else asyncio.new_event_loop
    with proxied_testnet(tmp_path, factory) as proxied:
        context = ssl.create_default_context(cafile=str(proxied.authority))
        url = "wss://stream.binance.com/ws/thinusdt@trade"
        with connect(url, proxy=proxied.url, ssl=context) as stream:
            assert len(proxied.proxy.tunnels) == 1
            proxied.stop()
            with pytest.raises(ConnectionClosed) as ended:
                _read_on(stream)
        assert ended.value.rcvd is not None
        assert ended.value.rcvd.code in {1001, 1012}


def _read_on(stream: ClientConnection) -> None:
    while True:
        stream.recv(10)


def _ping(proxied: ProxiedTestnet, proxy: str) -> Any:
    return requests.get(PING, proxies={"https": proxy}, verify=str(proxied.authority), timeout=10).json()
