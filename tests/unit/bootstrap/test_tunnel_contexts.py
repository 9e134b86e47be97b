"""The forward proxy's certificates: one for each host, made when needed, replaced in time."""

import pytest
from tests.support.tls_hands import shaken

from watchword.adapters.certificates import DAY_US, Authority
from watchword.adapters.system import SystemClock
from watchword.bootstrap.tunnel_contexts import LEAF_DAYS, TunnelContexts
from watchword.gateway.certificate_names import Names
from watchword.kernel.errors import ConfigurationError

HOSTS = ("api.binance.com", "stream.binance.com")


class MovedClock:
    def __init__(self) -> None:
        self.us = SystemClock().now_us()

    def now_us(self) -> int:
        return self.us


@pytest.fixture
def clock() -> MovedClock:
    return MovedClock()


@pytest.fixture
def authority(clock: MovedClock) -> Authority:
    return Authority.make("proxy", Names(HOSTS), clock.us, 30)


@pytest.fixture
def contexts(authority: Authority, clock: MovedClock) -> TunnelContexts:
    return TunnelContexts(authority, clock)


def test_context_speaks_for_its_host_alone(authority: Authority, contexts: TunnelContexts) -> None:
    trusted, context = authority.public_pem().decode(), contexts.context("api.binance.com")
    assert shaken(trusted, context, "api.binance.com") is not None
    assert shaken(trusted, context, "stream.binance.com") is None


def test_context_is_made_once_and_replaced_half_way(contexts: TunnelContexts, clock: MovedClock) -> None:
    first = contexts.context("api.binance.com")
    clock.us += LEAF_DAYS * DAY_US // 2 - 1
    assert contexts.context("api.binance.com") is first
    clock.us += 1
    second = contexts.context("api.binance.com")
    assert second is not first
    assert contexts.context("api.binance.com") is second


@pytest.mark.parametrize("host", ["example.com", "x.api.binance.com", "API.binance.com", "127.0.0.1", ""])
def test_host_of_somebody_else_gets_no_certificate(contexts: TunnelContexts, host: str) -> None:
    with pytest.raises(ConfigurationError, match="may not vouch"):
        contexts.context(host)


def test_ended_authority_gives_nothing_more(contexts: TunnelContexts, clock: MovedClock) -> None:
    contexts.context("api.binance.com")
    clock.us += 30 * DAY_US
    with pytest.raises(ConfigurationError, match="has ended"):
        contexts.context("api.binance.com")
