"""Clients trust the gateway's certificate when told as `watchword tls init` says, and only then. Each in a process of its
own, because some read the environment when they are imported.
"""

import asyncio
import contextlib
import os
import sys
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import pytest
from tests.support.doors import open_doors
from tests.support.proxied_testnet import VARIABLES

from watchword.adapters.system import SystemClock
from watchword.bootstrap.tls import TlsFolder
from watchword.entrypoints.cli.tls_trust import environment, ways_to_trust
from watchword.gateway.certificate_names import read_names

pytestmark = pytest.mark.client

REQUESTS = """
import requests
assert requests.get(REST + "/api/v3/ping", timeout=10).json() == {}
"""
PYTHON_BINANCE = """
import asyncio
from binance.async_client import AsyncClient
from binance.base_client import BaseClient
from binance.client import Client
from binance.ws.streams import BinanceSocketManager
BaseClient.API_URL = REST + "/api"
BinanceSocketManager.STREAM_URL = WS + "/"
assert Client().ping() == {}
async def main():
    client = await AsyncClient.create()
    async with BinanceSocketManager(client).multiplex_socket(["btcusdt@bookTicker"]) as stream:
        assert stream.ws is not None
    await client.close_connection()
asyncio.run(main())
"""
SDK = """
import asyncio
from binance_common.configuration import ConfigurationRestAPI, ConfigurationWebSocketAPI
from binance_sdk_spot.spot import Spot
Spot(config_rest_api=ConfigurationRestAPI(base_path=REST)).rest_api.ping()
async def main():
    client = Spot(config_ws_api=ConfigurationWebSocketAPI(stream_url=WS + "/ws-api/v3")).websocket_api
    await client.create_connection()
    assert (await client.ping()).data().status == 200
    await client.close_connection()
asyncio.run(main())
"""
CCXT = """
import asyncio, ccxt, ccxt.async_support
settings = {"requests_trust_env": True, "cafile": CA}
exchange = ccxt.binance(settings)
exchange.urls["api"]["public"] = REST + "/api/v3"
assert exchange.public_get_ping() == {}
async def main():
    exchange = ccxt.async_support.binance(settings)
    exchange.urls["api"]["public"] = REST + "/api/v3"
    try:
        assert await exchange.public_get_ping() == {}
    finally:
        await exchange.close()
asyncio.run(main())
"""
WEBSOCKETS = """
from websockets.sync.client import connect
with connect(WS + "/ws-api/v3") as session:
    session.send('{"id":1,"method":"ping"}')
    assert '"status":200' in session.recv(10)
"""
AIOHTTP = """
import asyncio, aiohttp
async def main():
    async with aiohttp.ClientSession() as client, client.get(REST + "/api/v3/ping") as reply:
        assert await reply.json() == {}
asyncio.run(main())
"""
#: Script, and the variables it needs.
CLIENTS = {
    "python-binance": (PYTHON_BINANCE, "REQUESTS_CA_BUNDLE", "SSL_CERT_FILE"),
    "binance-sdk-spot": (SDK, "REQUESTS_CA_BUNDLE", "SSL_CERT_FILE"),
    "ccxt": (CCXT, "REQUESTS_CA_BUNDLE"),
}
#: What the clients are built on: quick enough to be tried untold as well.
LIBRARIES = {
    "requests": (REQUESTS, "REQUESTS_CA_BUNDLE"),
    "websockets": (WEBSOCKETS, "SSL_CERT_FILE"),
    "aiohttp": (AIOHTTP, "SSL_CERT_FILE"),
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> TlsFolder:
    made = TlsFolder(tmp_path_factory.mktemp("home"), SystemClock())
    made.make_server(read_names(["localhost"], ["127.0.0.1"]), replace=False)
    return made


@pytest.mark.parametrize("client", CLIENTS)
async def test_client_trusts_the_gateway_when_told(folder: TlsFolder, client: str) -> None:
    script, *variables = CLIENTS[client]
    async with _gateway(folder) as port:
        status, said = await _run(script, "127.0.0.1", port, folder, variables)
        assert status == 0, said


@pytest.mark.long
@pytest.mark.parametrize("library", LIBRARIES)
async def test_library_trusts_the_gateway_only_when_told(folder: TlsFolder, library: str) -> None:
    script, *variables = LIBRARIES[library]
    async with _gateway(folder) as port:
        for host in ("127.0.0.1", "localhost"):
            status, said = await _run(script, host, port, folder, variables)
            assert status == 0, said
        status, said = await _run(script, "127.0.0.1", port, folder, [])
        assert status != 0
        assert "certificate" in said.lower()


def test_every_variable_that_is_named_is_set() -> None:
    """Scripts get from `environment` what people read in the table."""
    authority = Path("/a/ca.pem")
    named = {how.partition("=")[0].split()[-1] for _, how in ways_to_trust(authority) if "=" in how}
    assert named == set(environment(authority))


@contextlib.asynccontextmanager
async def _gateway(folder: TlsFolder) -> AsyncIterator[int]:
    """Something that speaks Binance's API behind the gateway's certificate."""
    server = folder.server_file()
    async with open_doors(tls_cert=server, tls_key=server) as doors:
        yield doors.host_port[1]


async def _run(
    script: str, host: str, port: int, folder: TlsFolder, variables: Sequence[str]
) -> tuple[int, str]:
    authority = folder.path / "ca.pem"
    head = f"REST, WS, CA = 'https://{host}:{port}', 'wss://{host}:{port}', {str(authority)!r}\n"
    kept = {name: text for name, text in os.environ.items() if name.upper() not in VARIABLES}
    told = {name: environment(authority)[name] for name in variables}
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-W", "ignore", "-c", head + script,
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT, env={**kept, **told},
    )  # fmt: skip
    said, _ = await asyncio.wait_for(process.communicate(), 60)
    return process.returncode or 0, said.decode(errors="replace")
