"""The shared pools: what they trust, where they lead, how they end."""

from pathlib import Path
from typing import Literal

import aiohttp
import pytest
from tests.support.fake_upstreams import http_upstream, self_signed, sessions, ws_upstream
from yarl import URL

from watchword.adapters.upstream.http_link import HttpLink
from watchword.adapters.upstream.session import UpstreamSession
from watchword.binance.upstreams import ADDRESSES, UPSTREAMS, Addresses, Upstream, local_addresses
from watchword.gateway.messages import Outbound, Unanswered
from watchword.kernel.errors import ConfigurationError, InvariantError


@pytest.mark.parametrize("content", [None, "nonsense"])
async def test_authority_file_that_is_none_is_a_plain_message(tmp_path: Path, content: str | None) -> None:
    authority = tmp_path / "ca.pem"
    if content is not None:
        authority.write_text(content)
    session = UpstreamSession(local_addresses("http://127.0.0.1:1"), ca_file=authority)
    with pytest.raises(ConfigurationError, match=r"ca\.pem"):
        await session.start()
    await session.close()


async def test_pool_before_its_start_and_after_its_end_is_none() -> None:
    session = UpstreamSession(local_addresses("http://127.0.0.1:1"))
    with pytest.raises(InvariantError):
        session.pool("http://127.0.0.1:1")
    assert isinstance(await session.open_ws("ws_api"), Unanswered)
    await session.start()
    await session.close()
    assert isinstance(await session.open_ws("ws_api"), Unanswered)
    answer = await HttpLink(session).send(Outbound(method="GET", path="/api/v3/time"))
    assert isinstance(answer, Unanswered)


async def test_authorities_of_the_machine_stay_trusted_beside_ones_own(tmp_path: Path) -> None:
    authority, _ = self_signed(tmp_path)
    async with (
        sessions("http://127.0.0.1:1") as plain,
        sessions("http://127.0.0.1:1", ca_file=authority) as more,
    ):
        assert len(more._tls().get_ca_certs()) == len(plain._tls().get_ca_certs()) + 1


@pytest.mark.parametrize("upstream", UPSTREAMS)
@pytest.mark.parametrize(
    ("place", "target"), [("ws_api", "?timeUnit=MICROSECOND"), ("ws_api", ""), ("streams", "/ws/a@trade")]
)
async def test_websockets_lead_to_the_upstreams_own_hosts(
    upstream: Upstream, place: Literal["ws_api", "streams"], target: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[URL] = []

    async def connect(self: aiohttp.ClientSession, url: URL, **options: object) -> None:
        asked.append(url)
        raise aiohttp.ClientConnectionError

    monkeypatch.setattr(aiohttp.ClientSession, "ws_connect", connect)
    async with sessions(ADDRESSES[upstream]) as session:
        assert isinstance(await session.open_ws(place, target), Unanswered)
    base = URL(ADDRESSES[upstream].ws_api if place == "ws_api" else ADDRESSES[upstream].streams)
    assert [(url.scheme, url.host, url.port) for url in asked] == [(base.scheme, base.host, base.port)]
    assert asked[0].raw_path_qs.endswith(target)
    assert asked[0].raw_path_qs.startswith("/")


@pytest.mark.parametrize("target", ["@evil.example/ws", ".evil.example/ws", ":99/ws", "0/ws"])
async def test_target_that_would_change_the_host_opens_nothing(target: str) -> None:
    """Whoever forgets the slash is told, not sent elsewhere."""
    async with ws_upstream() as upstream, sessions(upstream.addresses) as session:
        assert isinstance(await session.open_ws("streams", target), Unanswered)
    assert upstream.paths == []


async def test_websocket_with_a_certificate_nobody_vouches_for_is_refused(tmp_path: Path) -> None:
    _, tls = self_signed(tmp_path)
    async with http_upstream(tls) as upstream:
        secure = upstream.base.replace("https", "wss")
        async with sessions(Addresses(upstream.base, secure + "/ws-api/v3", secure)) as session:
            assert isinstance(await session.open_ws("ws_api"), Unanswered)
    assert upstream.seen == []
