"""The one place connections to the upstream are made: certificate verified, redirects never followed, no cookies.

Its hosts come from the `Addresses` it was given and from nowhere else. Never sends anything of its own.
"""

import asyncio
import re
import ssl
from pathlib import Path
from typing import Final, Literal

import aiohttp
from aiohttp import (
    ClientHandlerType,
    ClientRequest,
    ClientResponse,
    ClientSession,
    ClientTimeout,
    TCPConnector,
)
from yarl import URL

from watchword.adapters.upstream.http_pool import HttpPool, PoolBounds
from watchword.binance.upstreams import Addresses
from watchword.gateway.messages import Unanswered
from watchword.kernel.errors import ConfigurationError, InvariantError

ANSWER_TIMEOUT_S: Final = 10.0
#: Waiting for a free connection of the pool counts, too.
CONNECT_TIMEOUT_S: Final = 3.0
HTTP_CONNECTIONS_MAX: Final = 128
WS_CONNECTIONS_MAX: Final = 512
NAMES_REMEMBERED_S: Final = 60
#: The largest is a whole `exchangeInfo`.
MESSAGE_BYTES_MAX: Final = 64 << 20
USER_AGENT: Final = "watchword"

#: Headers the library would add: only what the client sent goes on.
_UNASKED: Final = ("Accept", "Accept-Encoding", "Content-Type", "User-Agent")
_REDIRECTS: Final = range(300, 400)
#: What may follow an address in a request line without changing the host before it.
_TARGET: Final = re.compile(r"(?:[/?][!\"$-~]*)?", re.ASCII)

#: Texts arrive as bytes, as they were sent.
Socket = aiohttp.ClientWebSocketResponse[Literal[False]]


class UpstreamSession:
    """What all links to one upstream share.

    Attributes:
        addresses: Where the upstream listens.
        answer_timeout_s: How long a link waits for one answer, from sending on.
    """

    def __init__(
        self,
        addresses: Addresses,
        *,
        ca_file: Path | None = None,
        answer_timeout_s: float = ANSWER_TIMEOUT_S,
        connect_timeout_s: float = CONNECT_TIMEOUT_S,
    ) -> None:
        """Prepare; `start` opens the pools.

        Args:
            addresses: Of the one upstream this process talks to.
            ca_file: PEM of further authorities to trust, for an upstream with a certificate of one's own.
            answer_timeout_s: For one answer.
            connect_timeout_s: For a connection, name look-up, TLS and waiting for the pool included.
        """
        self.addresses = addresses
        self.answer_timeout_s = answer_timeout_s
        self._connect_timeout_s = connect_timeout_s
        self._ca_file = ca_file
        self._pools: dict[str, HttpPool] = {}
        self._ws: ClientSession | None = None

    async def start(self) -> None:
        """Open the pools, inside a running loop. Connects to nobody yet.

        Raises:
            ConfigurationError: `ca_file` cannot be read, or holds no certificates.
        """
        context = await asyncio.to_thread(self._tls)
        bounds = PoolBounds(
            connections_max=HTTP_CONNECTIONS_MAX,
            connect_s=min(self._connect_timeout_s, self.answer_timeout_s),
            answer_s=self.answer_timeout_s,
        )
        addresses = self.addresses
        bases = {base for base in (addresses.rest, addresses.fapi, addresses.dapi) if base}
        self._pools = {base: HttpPool(base, context, bounds) for base in bases}
        self._ws = self._session(context)

    async def close(self) -> None:
        """Close every connection."""
        for pool in self._pools.values():
            pool.close()
        if self._ws is not None:
            await self._ws.close()
        self._ws = None

    def pool(self, base: str) -> HttpPool:
        """Return the connections for REST to one of the upstream's hosts.

        Args:
            base: As `base_for` gave it.

        Raises:
            InvariantError: Before `start`.
        """
        pool = self._pools.get(base)
        if pool is None:
            raise InvariantError("the upstream's pool is not open")
        return pool

    async def open_ws(
        self,
        place: Literal["ws_api", "streams"],
        target: str = "",
        *,
        heartbeat_s: float | None = None,
        answers_pings: bool = True,
    ) -> Socket | Unanswered:
        """Open a WebSocket to the upstream.

        Args:
            place: Which of the upstream's addresses.
            target: What follows it: a path, a query string, both. It may hold a token and is never shown.
            heartbeat_s: After so long without a frame the upstream is asked whether it lives, and given up after
                half as long again. None: whoever reads the socket sees to it.
            answers_pings: Answer the upstream's pings unseen. Without it pings and pongs are received like messages.
        """
        if self._ws is None:
            return Unanswered(sent=False, reason="the gateway is stopping")
        if _TARGET.fullmatch(target) is None:
            return Unanswered(sent=False, reason="the address cannot be written as HTTP")
        base = URL(self.addresses.ws_api if place == "ws_api" else self.addresses.streams)
        url = URL(f"{str(base).rstrip('/')}{target}", encoded=True)
        if url.host != base.host or url.port != base.port or url.scheme != base.scheme:
            return Unanswered(sent=False, reason="not an address of the upstream")
        try:
            async with asyncio.timeout(self._connect_timeout_s):
                return await self._ws.ws_connect(
                    url,
                    autoping=answers_pings,
                    heartbeat=heartbeat_s,
                    decode_text=False,
                    max_msg_size=MESSAGE_BYTES_MAX,
                    timeout=aiohttp.ClientWSTimeout(ws_close=1.0),
                )
        except aiohttp.WSServerHandshakeError as error:
            return Unanswered(sent=False, reason=f"the upstream refused the connection with {error.status}")
        except (aiohttp.ClientError, OSError, TimeoutError, ValueError) as error:
            return Unanswered(sent=False, reason=f"{base.host} cannot be reached ({type(error).__name__})")

    def _tls(self) -> ssl.SSLContext:
        context = ssl.create_default_context()
        context.set_alpn_protocols(["http/1.1"])
        if self._ca_file is not None:
            try:
                context.load_verify_locations(self._ca_file)
            except OSError as error:
                raise ConfigurationError(f"cannot read authorities from {self._ca_file}: {error}") from error
        return context

    def _session(self, context: ssl.SSLContext) -> ClientSession:
        return ClientSession(
            connector=TCPConnector(ssl=context, limit=WS_CONNECTIONS_MAX, ttl_dns_cache=NAMES_REMEMBERED_S),
            timeout=ClientTimeout(
                total=self.answer_timeout_s,
                connect=self._connect_timeout_s,
                sock_connect=self._connect_timeout_s,
            ),
            cookie_jar=aiohttp.DummyCookieJar(),
            trust_env=False,
            skip_auto_headers=_UNASKED,
            headers={"User-Agent": USER_AGENT},
            middlewares=(_refuse_redirect,),
        )


async def _refuse_redirect(request: ClientRequest, handler: ClientHandlerType) -> ClientResponse:
    """Stop a WebSocket handshake from following a redirect: requests signed for this upstream would go elsewhere."""
    response = await handler(request)
    if response.status in _REDIRECTS:
        response.close()
        raise aiohttp.WSServerHandshakeError(
            response.request_info, response.history, status=response.status, message="redirect"
        )
    return response
