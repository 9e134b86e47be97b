"""Upstreams on real local sockets that do what tests tell them: answer, hang, drop the connection, redirect."""

import asyncio
import contextlib
import datetime as dt
import ipaddress
import json
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final

import msgspec
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from websockets.asyncio.server import ServerConnection, serve
from websockets.http11 import Request, Response

from watchword.adapters.upstream.session import UpstreamSession
from watchword.binance.upstreams import Addresses, local_addresses

CLOSED_PORT: Final = 1


class Seen(msgspec.Struct):
    """One request as it arrived.

    Attributes:
        connection: Number of the connection it came by, from 1.
    """

    connection: int
    method: str
    target: str
    headers: list[tuple[str, str]]
    body: bytes

    def header(self, name: str) -> str | None:
        return next((value for each, value in self.headers if each.lower() == name.lower()), None)


#: Gets the request; gives the bytes of the whole answer, or None to drop the connection without one.
Script = Callable[[Seen], Awaitable[bytes | None]]


def http_answer(
    body: bytes = b"{}", status: str = "200 OK", headers: tuple[tuple[str, str], ...] = ()
) -> bytes:
    """An answer as bytes."""
    lines = [f"HTTP/1.1 {status}", *(f"{name}: {value}" for name, value in headers)]
    return "\r\n".join([*lines, f"Content-Length: {len(body)}", "", ""]).encode() + body


class HttpUpstream:
    """A plain HTTP server that remembers everything it was sent."""

    def __init__(self) -> None:
        self.seen: list[Seen] = []
        self.connections = 0
        self.base = ""
        self.script: Script = self._plain

    async def _plain(self, seen: Seen) -> bytes | None:
        return http_answer()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        number = self.connections
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                seen = await _read_request(reader, number)
                self.seen.append(seen)
                answer = await self.script(seen)
                if answer is None:
                    break
                writer.write(answer)
                await writer.drain()
        writer.close()


async def _read_request(reader: asyncio.StreamReader, number: int) -> Seen:
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
    method, target, _ = head[0].split(" ", 2)
    headers = [(name, value.strip()) for name, _, value in (line.partition(":") for line in head[1:] if line)]
    length = next((int(value) for name, value in headers if name.lower() == "content-length"), 0)
    return Seen(number, method, target, headers, await reader.readexactly(length))


@asynccontextmanager
async def http_upstream(tls: ssl.SSLContext | None = None) -> AsyncIterator[HttpUpstream]:
    """Listen on a free port of loopback."""
    upstream = HttpUpstream()
    tasks: set[asyncio.Task[None]] = set()

    def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.create_task(upstream.serve(reader, writer))
        tasks.add(task)
        task.add_done_callback(tasks.discard)

    server = await asyncio.start_server(connected, "127.0.0.1", 0, ssl=tls)
    port = server.sockets[0].getsockname()[1]
    upstream.base = f"{'https' if tls else 'http'}://127.0.0.1:{port}"
    try:
        yield upstream
    finally:
        server.close()
        for task in tuple(tasks):
            task.cancel()
        if tasks:
            await asyncio.wait(tuple(tasks))


@asynccontextmanager
async def sessions(
    addresses: Addresses | str, *, ca_file: Path | None = None, answer_s: float = 5.0, connect_s: float = 2.0
) -> AsyncIterator[UpstreamSession]:
    """A started session, closed at the end."""
    where = local_addresses(addresses) if isinstance(addresses, str) else addresses
    session = UpstreamSession(where, ca_file=ca_file, answer_timeout_s=answer_s, connect_timeout_s=connect_s)
    await session.start()
    try:
        yield session
    finally:
        await session.close()


class WsUpstream:
    """A WebSocket server; `handler` is called with each connection."""

    def __init__(self) -> None:
        self.paths: list[str] = []
        self.requests: list[dict[str, Any]] = []
        self.connections: list[ServerConnection] = []
        self.addresses = local_addresses("http://127.0.0.1:1")
        self.refusal: tuple[int, dict[str, str]] | None = None

    async def handler(self, connection: ServerConnection) -> None:
        """Answer every request with its method's name."""
        async for text in connection:
            request = json.loads(text)
            self.requests.append(request)
            await connection.send(
                json.dumps({"id": request["id"], "status": 200, "result": request["method"]})
            )

    async def attend(self, connection: ServerConnection) -> None:
        self.connections.append(connection)
        await self.handler(connection)

    def process_request(self, connection: ServerConnection, request: Request) -> Response | None:
        self.paths.append(request.path)
        if self.refusal is None:
            return None
        status, headers = self.refusal
        response = connection.respond(status, "no")
        response.headers.update(headers)
        return response


@asynccontextmanager
async def ws_upstream() -> AsyncIterator[WsUpstream]:
    """Listen on a free port of loopback."""
    upstream = WsUpstream()
    async with serve(
        upstream.attend,
        "127.0.0.1",
        0,
        process_request=upstream.process_request,
        ping_interval=None,
        close_timeout=0.2,
    ) as server:
        port = next(iter(server.sockets)).getsockname()[1]
        upstream.addresses = local_addresses(f"http://127.0.0.1:{port}")
        yield upstream


def self_signed(folder: Path, name: str = "127.0.0.1") -> tuple[Path, ssl.SSLContext]:
    """A certificate for an address, and a server's context that shows it."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - dt.timedelta(days=3650))
        .not_valid_after(now + dt.timedelta(days=3650))
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address(name))]), critical=False
        )
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    certificate_path, key_path = folder / f"{name}.crt", folder / f"{name}.key"
    certificate_path.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    key_path.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate_path, key_path)
    return certificate_path, context


async def until(holds: Callable[[], object], wait_s: float = 5.0) -> None:
    """Wait until something holds."""
    async with asyncio.timeout(wait_s):
        while not holds():  # noqa: ASYNC110 - what is waited for has no event
            await asyncio.sleep(0.005)
