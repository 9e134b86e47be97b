"""A testnet in this process: in memory, real sockets, a clock that tests can move. Never touches the disk."""

import asyncio
import base64
import contextlib
import hashlib
import hmac
import http.client
import json
from collections.abc import AsyncIterator
from typing import Any, Final
from urllib.parse import urlencode, urlsplit

import aiohttp
import msgspec
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from watchword.adapters.system import SystemClock
from watchword.bootstrap.testnet import Testnet, open_memory_testnet
from watchword.config import read_settings
from watchword.credentials.key_directory import IssuedKey, KeyTerms
from watchword.credentials.permission import Permission
from watchword.credentials.verifier import KeyType
from watchword.entrypoints.testnet.door import Door
from watchword.entrypoints.testnet.server import serve
from watchword.exchange.commands import Deposit, LiquidityTick, OpenAccount
from watchword.kernel.units import SCALE

RICH: Final = (("BTC", 1_000 * SCALE), ("USDT", 50_000_000 * SCALE), ("BNB", 1_000 * SCALE))
TRADER: Final[frozenset[Permission]] = frozenset(("READING", "SPOT_AND_MARGIN_TRADING"))


class MovedClock:
    """The system's time, and as much later as a test says."""

    def __init__(self) -> None:
        self._system = SystemClock()
        self.offset_us = 0

    def now_us(self) -> int:
        return self._system.now_us() + self.offset_us

    def move(self, seconds: float) -> None:
        self.offset_us += int(seconds * 1_000_000)


class Key(msgspec.Struct):
    """A key as its owner holds it."""

    api_key: str
    secret: bytes = b""
    private: Any = None

    def sign(self, payload: str) -> str:
        if self.private is not None:
            return base64.b64encode(self.private.sign(payload.encode())).decode()
        return hmac.new(self.secret, payload.encode(), hashlib.sha256).hexdigest()


class Doors:
    """The running testnet and how to reach it."""

    def __init__(self, testnet: Testnet, clock: MovedClock, until: asyncio.Event | None = None) -> None:
        self.testnet = testnet
        self.until = until or asyncio.Event()
        self.clock = clock
        self.addresses: dict[str, str] = {}
        self.client: aiohttp.ClientSession = None  # type: ignore[assignment]

    @property
    def door(self) -> Door:
        """What the connections share, found by the listener it registered."""
        for listener in self.testnet.directory.on_revoked:
            owner = getattr(listener, "__self__", None)
            if isinstance(owner, Door):
                return owner
        raise LookupError("the testnet is not served")

    @property
    def host_port(self) -> tuple[str, int]:
        parts = urlsplit(self.addresses["rest"])
        return parts.hostname or "", parts.port or 0

    def now_ms(self) -> int:
        return self.clock.now_us() // 1000

    async def account(self, name: str, grants: tuple[tuple[str, int], ...] = RICH) -> int:
        return await self.testnet.sequencer.submit(
            lambda sequence, now_us: OpenAccount(sequence, now_us, name, grants),
            lambda _command, applied: applied[0].account_id,  # type: ignore[index,union-attr]
        )  # type: ignore[return-value]

    async def deposit(self, account_id: int, asset: str, amount: int) -> None:
        await self.testnet.sequencer.submit(
            lambda sequence, now_us: Deposit(sequence, now_us, account_id, asset, amount * SCALE),
            lambda _command, applied: applied,
        )

    async def tick(self) -> None:
        await self.testnet.sequencer.submit(LiquidityTick, lambda _command, applied: applied)

    def key(
        self, account_id: int, key_type: KeyType = "HMAC", permissions: frozenset[Permission] = TRADER
    ) -> Key:
        private, public = None, b""
        if key_type == "ED25519":
            private = Ed25519PrivateKey.generate()
            public = private.public_key().public_bytes(
                serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
            )
        made = self.testnet.directory.issue(
            account_id,
            key_type,
            public,
            KeyTerms(permissions=permissions),
            self.clock.now_us(),
        )
        assert isinstance(made, IssuedKey), made
        return Key(made.record.api_key, made.secret_key.encode(), private)

    def signed_query(self, key: Key, **params: Any) -> str:
        query = urlencode({**params, "timestamp": params.get("timestamp", self.now_ms())})
        return f"{query}&{urlencode({'signature': key.sign(query)})}"

    async def signed(self, key: Key, method: str, path: str, **params: Any) -> tuple[int, Any, Any]:
        """One signed request: status, headers, decoded body."""
        url = f"{self.addresses['rest']}{path}?{self.signed_query(key, **params)}"
        async with self.client.request(method, _as_is(url), headers={"X-MBX-APIKEY": key.api_key}) as reply:
            return reply.status, reply.headers, json.loads(await reply.read())

    async def public(self, path: str, **headers: str) -> tuple[int, Any, Any]:
        async with self.client.get(_as_is(self.addresses["rest"] + path), headers=headers) as reply:
            body = await reply.read()
            return reply.status, reply.headers, json.loads(body) if body[:1] in {b"{", b"["} else body

    async def ws(self, path: str) -> aiohttp.ClientWebSocketResponse:
        return await self.client.ws_connect(_as_is(self.addresses["streams"] + path), max_msg_size=0)

    def ws_params(self, key: Key, **params: Any) -> dict[str, Any]:
        """Parameters of a WebSocket API request with key and signature."""
        signed = {"apiKey": key.api_key, "timestamp": self.now_ms(), **params}
        payload = "&".join(f"{name}={_ws_text(signed[name])}" for name in sorted(signed))
        return {**signed, "signature": key.sign(payload)}


async def call(
    socket: aiohttp.ClientWebSocketResponse, method: str, params: Any = None, request_id: Any = 1
) -> Any:
    """One WebSocket API request; events that arrive before its reply are thrown away."""
    await socket.send_json(
        {"id": request_id, "method": method, **({"params": params} if params is not None else {})}
    )
    while True:
        message = await socket.receive_json(timeout=5)
        if "status" in message:
            return message


@contextlib.asynccontextmanager
async def open_doors(**settings: Any) -> AsyncIterator[Doors]:
    """Serve a testnet in memory on a free port."""
    settings = {"home": "/nonexistent", "port": 0, "limits_scale": 0.0, "liquidity": False, **settings}
    clock = MovedClock()
    testnet = open_memory_testnet(read_settings(**settings), clock)
    until, ready = asyncio.Event(), asyncio.Event()
    doors = Doors(testnet, clock, until)

    def on_ready(addresses: dict[str, str]) -> None:
        doors.addresses = addresses
        ready.set()

    serving = asyncio.create_task(serve(testnet, until=until, on_ready=on_ready))
    waiting = asyncio.create_task(ready.wait())
    await asyncio.wait((serving, waiting), return_when=asyncio.FIRST_COMPLETED, timeout=20)
    if serving.done():
        waiting.cancel()
        await serving
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(10)) as client:
        doors.client = client
        try:
            yield doors
        finally:
            until.set()
            await asyncio.wait_for(serving, 15)


def read_http(connection: http.client.HTTPConnection) -> tuple[int, bytes]:
    """Read one reply of a plain connection."""
    reply = connection.getresponse()
    return reply.status, reply.read()


def _as_is(url: str) -> Any:
    from yarl import URL

    return URL(url, encoded=True)


def _ws_text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
