"""The forward proxy on real sockets: what it takes, what it refuses, and that it ends. The testnet stands behind it."""

import asyncio
import base64
import contextlib
import socket
import ssl
import time
from collections.abc import Callable, Iterator

import pytest
import requests
import uvloop
from tests.support.loopback_only import loopback_only
from tests.support.proxied_testnet import ProxiedTestnet, proxied_testnet, without_trust
from websockets.asyncio.client import connect

from watchword.entrypoints.gateway import forward_proxy

PING = "https://api.binance.com/api/v3/ping"
VARIABLES = (
    "REQUESTS_CA_BUNDLE",
    "CURL_CA_BUNDLE",
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
    "HTTPS_PROXY",
    "NO_PROXY",
)


@pytest.fixture(scope="module", params=["asyncio", "uvloop"])
def proxied(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[ProxiedTestnet]:
    factory = uvloop.new_event_loop if request.param == "uvloop" else asyncio.new_event_loop
    with proxied_testnet(tmp_path_factory.mktemp("proxied"), factory) as served:
        yield served


@pytest.fixture(autouse=True)
def _alone(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    without_trust(monkeypatch)
    with loopback_only() as attempts:
        yield
    assert attempts == []


@pytest.fixture(autouse=True)
def _nothing_is_left(proxied: ProxiedTestnet) -> Iterator[None]:
    proxied.refused.clear()
    yield
    deadline = time.monotonic() + 8
    while proxied.proxy.arriving or proxied.proxy.tunnels:
        assert time.monotonic() < deadline, (proxied.proxy.arriving, proxied.proxy.tunnels)
        time.sleep(0.02)


def _get(
    proxied: ProxiedTestnet, url: str, *, proxy: str | None = None, trusting: bool = True
) -> requests.Response:
    return requests.get(
        url,
        proxies={"https": proxied.url if proxy is None else proxy},
        verify=str(proxied.authority) if trusting else True,
        timeout=10,
        headers={"connection": "close"},
    )


@pytest.mark.parametrize("host", ["api.binance.com", "api1.binance.com", "data-api.binance.vision"])
def test_request_to_the_exchange_is_answered_here(proxied: ProxiedTestnet, host: str) -> None:
    reply = _get(proxied, f"https://{host}/api/v3/exchangeInfo?symbol=BTCUSDT")
    assert reply.json()["symbols"][0]["symbol"] == "BTCUSDT"
    assert proxied.refused == []


def test_connection_is_kept_for_many_requests(proxied: ProxiedTestnet) -> None:
    with requests.Session() as client:
        client.proxies, client.verify = {"https": proxied.url}, str(proxied.authority)
        client.get(PING, timeout=10)
        tunnels = set(proxied.proxy.tunnels)
        for _ in range(20):
            assert client.get(PING, timeout=10).json() == {}
        assert set(proxied.proxy.tunnels) == tunnels


async def test_stream_flows_through(proxied: ProxiedTestnet) -> None:
    context = ssl.create_default_context(cafile=str(proxied.authority))
    url = "wss://stream.binance.com:9443/ws/btcusdt@bookTicker"
    async with connect(url, proxy=proxied.url, ssl=context) as stream:
        asyncio.run_coroutine_threadsafe(proxied.doors.tick(), proxied.loop)
        assert '"s":"BTCUSDT"' in str(await asyncio.wait_for(stream.recv(), 10))


async def test_upstream_under_another_port_of_its_own_is_reached(proxied: ProxiedTestnet) -> None:
    context = ssl.create_default_context(cafile=str(proxied.authority))
    async with connect("wss://ws-api.binance.com:9443/ws-api/v3", proxy=proxied.url, ssl=context) as session:
        await session.send('{"id":1,"method":"ping"}')
        assert '"status":200' in str(await asyncio.wait_for(session.recv(), 10))


def test_client_that_does_not_trust_the_authority_is_safe(proxied: ProxiedTestnet) -> None:
    with pytest.raises(requests.exceptions.SSLError):
        _get(proxied, PING, trusting=False)
    _wait_for(lambda: proxied.refused == ["proxy:tls"])


@pytest.mark.parametrize(
    "url",
    [
        "https://example.com/",
        "https://www.binance.com/",
        "https://testnet.binance.vision/api/v3/ping",
        "https://api.binance.com:8443/api/v3/ping",
        "https://x.api.binance.com/api/v3/ping",
        "https://127.0.0.1/",
    ],
)
def test_other_host_is_refused(proxied: ProxiedTestnet, url: str) -> None:
    with pytest.raises(requests.exceptions.ProxyError, match="403"):
        _get(proxied, url)
    assert proxied.refused == ["proxy:403"]


def test_token_is_asked_for(proxied: ProxiedTestnet) -> None:
    for proxy in (
        f"http://127.0.0.1:{proxied.port}",
        f"http://watchword:@127.0.0.1:{proxied.port}",
        f"http://{proxied.token}:@127.0.0.1:{proxied.port}",
        f"http://watchword:{_turned(proxied.token)}@127.0.0.1:{proxied.port}",
        f"http://watchword:{proxied.token}x@127.0.0.1:{proxied.port}",
    ):
        proxied.refused.clear()
        with pytest.raises(requests.exceptions.ProxyError, match="407"):
            _get(proxied, PING, proxy=proxy)
        assert proxied.refused == ["proxy:407"]


def test_unknown_host_is_not_told_from_known_one_without_token(proxied: ProxiedTestnet) -> None:
    known = _raw(proxied, b"CONNECT api.binance.com:443 HTTP/1.1\r\n\r\n")
    assert known == _raw(proxied, b"CONNECT example.com:443 HTTP/1.1\r\n\r\n")
    assert b'proxy-authenticate: Basic realm="watchword"' in known


def test_plain_http_through_the_proxy_is_refused(proxied: ProxiedTestnet) -> None:
    reply = requests.get("http://api.binance.com/api/v3/ping", proxies={"http": proxied.url}, timeout=10)
    assert (reply.status_code, reply.headers["allow"]) == (405, "CONNECT")


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (b"\x16\x03\x01\x02\x00\x01\r\n\r\n", 400),
        (b"CONNECT api.binance.com HTTP/1.1\r\n\r\n", 400),
        (b"CONNECT api.binance.com:443 HTTP/2\r\n\r\n", 400),
        (b"CONNECT api.binance.com:443 HTTP/1.1\r\nno colon\r\n\r\n", 400),
        (b"CONNECT api.binance.com:443 HTTP/1.1\r\n" + b"a: b\r\n" * 65 + b"\r\n", 400),
        (b"GET /api/v3/ping HTTP/1.1\r\nhost: api.binance.com\r\n\r\n", 405),
        (b"CONNECT api.binance.com:443 HTTP/1.1\r\nx: " + b"a" * 8_192, 431),
        (b"CONNECT api.binance.com:443 HTTP/1.1\r\nx: " + b"a" * 8_192 + b"\r\n\r\n", 431),
    ],
)
def test_junk_is_answered_and_closed(proxied: ProxiedTestnet, sent: bytes, status: int) -> None:
    assert _raw(proxied, sent).startswith(b"HTTP/1.1 %d " % status)
    assert proxied.refused == [f"proxy:{status}"]


def test_bytes_sent_before_the_tunnel_stands_are_refused(proxied: ProxiedTestnet) -> None:
    assert _raw(proxied, _connect(proxied) + b"\x16\x03\x01").startswith(b"HTTP/1.1 400 ")


def test_head_in_single_bytes_is_read(proxied: ProxiedTestnet) -> None:
    with socket.create_connection(("127.0.0.1", proxied.port), 10) as peer:
        peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for byte in _connect(proxied):
            peer.send(bytes((byte,)))
        assert peer.recv(1_000).startswith(b"HTTP/1.1 200 ")


def test_plain_bytes_inside_the_tunnel_end_it(proxied: ProxiedTestnet) -> None:
    with socket.create_connection(("127.0.0.1", proxied.port), 10) as peer:
        peer.sendall(_connect(proxied))
        assert peer.recv(1_000).startswith(b"HTTP/1.1 200 ")
        peer.sendall(b"GET /api/v3/ping HTTP/1.1\r\n\r\n")
        _read_to_end(peer)
    _wait_for(lambda: proxied.refused == ["proxy:tls"])


def test_request_in_the_same_segment_as_the_end_of_the_handshake_is_answered(proxied: ProxiedTestnet) -> None:
    """TLS 1.3: the client's last handshake bytes and its first request may arrive as one."""
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    context = ssl.create_default_context(cafile=str(proxied.authority))
    tls = context.wrap_bio(incoming, outgoing, server_hostname="api.binance.com")
    with socket.create_connection(("127.0.0.1", proxied.port), 10) as peer:
        peer.sendall(_connect(proxied))
        peer.recv(1_000)
        while True:
            try:
                tls.do_handshake()
                break
            except ssl.SSLWantReadError:
                if outgoing.pending:
                    peer.sendall(outgoing.read())
                incoming.write(peer.recv(65_536))
        tls.write(b"GET /api/v3/ping HTTP/1.1\r\nhost: api.binance.com\r\nconnection: close\r\n\r\n")
        peer.sendall(outgoing.read())
        reply = b""
        while not reply.endswith(b"{}"):
            incoming.write(peer.recv(65_536))
            with contextlib.suppress(ssl.SSLWantReadError):
                reply += tls.read(65_536)
    assert reply.startswith(b"HTTP/1.1 200 ")


@pytest.mark.parametrize(
    "sent", [b"", b"CONNECT api.bin", b"CONNECT api.binance.com:443 HTTP/1.1\r\nhost: a\r\n"]
)
def test_half_open_connection_is_ended(
    proxied: ProxiedTestnet, monkeypatch: pytest.MonkeyPatch, sent: bytes
) -> None:
    monkeypatch.setattr(forward_proxy, "HEAD_SECONDS_MAX", 0.2)
    assert _raw(proxied, sent).startswith(b"HTTP/1.1 408 ")


def test_handshake_that_never_comes_is_ended(
    proxied: ProxiedTestnet, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(forward_proxy, "HANDSHAKE_SECONDS_MAX", 0.2)
    with socket.create_connection(("127.0.0.1", proxied.port), 10) as peer:
        peer.sendall(_connect(proxied))
        assert _read_to_end(peer).startswith(b"HTTP/1.1 200 ")
    _wait_for(lambda: proxied.refused == ["proxy:tls"])


def test_connections_that_only_arrive_are_bounded(
    proxied: ProxiedTestnet, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(forward_proxy, "ARRIVING_MAX", 2)
    with contextlib.ExitStack() as stack:
        for _ in range(2):
            stack.enter_context(socket.create_connection(("127.0.0.1", proxied.port), 10))
        _wait_for(lambda: len(proxied.proxy.arriving) == 2)
        assert _raw(proxied, b"").startswith(b"HTTP/1.1 503 ")
    _wait_for(lambda: not proxied.proxy.arriving)
    assert _get(proxied, PING).json() == {}


def test_tunnels_are_bounded(proxied: ProxiedTestnet, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(forward_proxy, "TUNNELS_MAX", 1)
    with requests.Session() as client:
        client.proxies, client.verify = {"https": proxied.url}, str(proxied.authority)
        assert client.get(PING, timeout=10).json() == {}
        assert _raw(proxied, _connect(proxied)).startswith(b"HTTP/1.1 503 ")
        assert client.get(PING, timeout=10).json() == {}


def test_connection_that_goes_away_in_between_leaves_nothing(proxied: ProxiedTestnet) -> None:
    for sent in (b"", b"CONN", _connect(proxied)):
        with socket.create_connection(("127.0.0.1", proxied.port), 10) as peer:
            peer.sendall(sent)
        with socket.create_connection(("127.0.0.1", proxied.port), 10) as peer:
            peer.sendall(sent)
            peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\0\0\0\0\0\0\0")  # reset, not end


def _connect(proxied: ProxiedTestnet) -> bytes:
    credentials = base64.b64encode(b"any:" + proxied.token.encode())
    return b"CONNECT api.binance.com:443 HTTP/1.1\r\nProxy-Authorization: Basic %s\r\n\r\n" % credentials


def _raw(proxied: ProxiedTestnet, sent: bytes) -> bytes:
    with socket.create_connection(("127.0.0.1", proxied.port), 10) as peer:
        peer.sendall(sent)
        return _read_to_end(peer)


def _read_to_end(peer: socket.socket) -> bytes:
    read = b""
    with contextlib.suppress(ConnectionResetError):
        while received := peer.recv(65_536):
            read += received
    return read


def _turned(token: str) -> str:
    """Flip one bit of the last character."""
    return token[:-1] + chr(ord(token[-1]) ^ 1)


def _wait_for(holds: Callable[[], object]) -> None:
    deadline = time.monotonic() + 5
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.01)
