"""TLS and the forward proxy of a real gateway process, used as the commands' own output tells people to.

The bots have virtual keys; the real one is in the vault. Behind the proxy a bot keeps the exchange's own names.
"""

import json
import ssl
import time
from collections.abc import Iterator
from typing import Any

import ccxt
import pytest
import requests
from tests.support.gateway_process import RICH, Bench, GatewayProcess, VirtualKey
from tests.support.loopback_only import loopback_only
from tests.support.proxied_testnet import without_trust
from tests.support.testnet_process import TestnetProcess
from websockets.asyncio.client import connect

#: Files a gateway with both needs, and what makes them.
WITHOUT = {
    "tls/ca-key.pem": "watchword tls init",
    "tls/proxy-token.json": "watchword gateway proxy-token",
}
PING = "https://api.binance.com/api/v3/ping"


class Door:
    """What its user knows of the gateway.

    Attributes:
        proxy: Address of the proxy, token included.
        gateway_ca, proxy_ca: Files to trust.
    """

    def __init__(self, bench: Bench, key: VirtualKey, token: str) -> None:
        self.bench, self.key, self.token = bench, key, token
        found = json.loads((bench.home / "gateway" / "run.json").read_bytes())["gateway"]
        self.port = int(found["proxy"].rpartition(":")[2])
        self.proxy = f"http://watchword:{token}@127.0.0.1:{self.port}"
        self.gateway_ca = bench.home / "tls" / "ca.pem"
        self.proxy_ca = bench.home / "tls" / "proxy-local.pem"


@pytest.fixture(scope="module")
def door(quiet_testnet: TestnetProcess, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Door]:
    bench = Bench(tmp_path_factory.mktemp("tls"), quiet_testnet, "behind-tls")
    quiet_testnet.create_account("behind-tls", RICH)
    bench.run("tls", "init")
    bench.run("tls", "init", "--proxy-for", "local")
    token = bench.run("gateway", "proxy-token")["token"]
    try:
        bench.prepare("--tls", "--proxy-port", "0")
        yield Door(bench, bench.issue("HMAC"), token)
    finally:
        bench.close()


@pytest.fixture(autouse=True)
def _alone(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    without_trust(monkeypatch)
    with loopback_only() as attempts:
        yield
    assert attempts == []


def _through(door: Door, url: str, **options: Any) -> requests.Response:
    return requests.get(url, proxies={"https": door.proxy}, verify=str(door.proxy_ca), timeout=10, **options)


def test_gateway_speaks_tls_with_the_certificate_it_made(door: Door) -> None:
    rest = door.bench.gateway.rest
    assert rest.startswith("https://")
    assert requests.get(f"{rest}/api/v3/ping", verify=str(door.gateway_ca), timeout=10).json() == {}
    with pytest.raises(requests.exceptions.SSLError):
        requests.get(f"{rest}/api/v3/ping", timeout=10)
    with pytest.raises(requests.exceptions.SSLError):
        requests.get(f"{rest}/api/v3/ping", verify=str(door.proxy_ca), timeout=10)


def test_bot_with_another_base_url_trades_over_tls(door: Door, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(door.gateway_ca))
    exchange = _exchange(door)
    rest = door.bench.gateway.rest
    exchange.urls["api"].update(public=f"{rest}/api/v3", private=f"{rest}/api/v3")
    _trade(exchange)


def test_bot_that_keeps_its_base_url_trades_through_the_proxy(
    door: Door, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(door.proxy_ca))
    exchange = _exchange(door)
    exchange.httpsProxy = door.proxy
    _trade(exchange)


async def test_session_through_the_proxy_reaches_the_gateway(door: Door) -> None:
    context = ssl.create_default_context(cafile=str(door.proxy_ca))
    url = "wss://ws-api.binance.com/ws-api/v3"
    async with connect(url, proxy=door.proxy, ssl=context) as session:
        await session.send('{"id":"a","method":"session.status"}')
        assert '"id":"a"' in str(await session.recv())


def test_key_that_is_not_virtual_is_refused_through_the_proxy(door: Door) -> None:
    reply = _through(
        door,
        f"https://api.binance.com/api/v3/account?timestamp={int(time.time() * 1000)}&signature={'0' * 64}",
        headers={"X-MBX-APIKEY": door.bench.real_api_key},
    )
    assert (reply.status_code, reply.json()["code"]) == (401, -2015)


def test_host_header_inside_the_tunnel_must_be_the_host_asked_for(door: Door) -> None:
    assert _through(door, PING).status_code == 200
    reply = _through(door, PING, headers={"Host": "example.com"})
    assert (reply.status_code, reply.json()["code"]) == (403, -1002)


def test_refusals_of_the_proxy_are_counted_in_the_trail(door: Door) -> None:
    with pytest.raises(requests.exceptions.ProxyError, match="407"):
        requests.get(PING, proxies={"https": f"http://127.0.0.1:{door.port}"}, timeout=10)
    with pytest.raises(requests.exceptions.ProxyError, match="403"):
        _through(door, "https://example.com/")
    door.bench.close()
    try:
        files = (door.bench.home / "audit").iterdir()
        trail = b"".join(path.read_bytes() for path in files if path.is_file())
        assert b"proxy:407" in trail
        assert b"proxy:403" in trail
    finally:
        door.bench.start()


def test_token_is_kept_nowhere(door: Door) -> None:
    for path in door.bench.folder.rglob("*"):
        if path.is_file() and path.suffix != ".secret":
            assert door.token.encode() not in path.read_bytes(), path


def test_gateway_without_its_files_says_which_command_makes_them(door: Door) -> None:
    door.bench.close()
    aside = door.bench.folder / "aside"
    try:
        for without, told in WITHOUT.items():
            file = door.bench.home / without
            file.rename(aside)
            with pytest.raises(RuntimeError, match=told):
                GatewayProcess.start(door.bench.home, ("--tls", "--proxy-port", "0"))
            aside.rename(file)
    finally:
        door.bench.start()


def _exchange(door: Door) -> Any:
    return ccxt.binance(
        {
            "apiKey": door.key.api_key,
            "secret": door.key.secret,
            "requests_trust_env": True,
            "options": {"fetchMarkets": {"types": ["spot"]}, "fetchMargins": False, "fetchCurrencies": False},
        }
    )


def _trade(exchange: Any) -> None:
    try:
        placed = exchange.create_order("BTC/USDT", "limit", "buy", 0.001, 48_000)
        assert exchange.cancel_order(placed["id"], "BTC/USDT")["status"] == "canceled"
    finally:
        exchange.close()
