"""The client tests again, with a gateway before the testnet: virtual keys in, an Ed25519 credential out.

Everything the sessions use of `TestnetProcess` is here under the same names, so that the tests themselves are the same.
"""

from collections.abc import Callable, Iterator

import pytest
from tests.contract.clients import conftest as clients
from tests.support.floor import Account, Floor
from tests.support.gateway_in_front import GatewayInFront, gateway_before
from tests.support.loopback_only import loopback_only
from tests.support.testnet_process import TestnetProcess

pytest.register_assert_rewrite(
    "tests.contract.clients.ccxt_session", "tests.contract.clients.python_binance_session"
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """RSA in is verified by the same code as before the testnet and signed again alike; its sessions are long ones here."""
    for item in items:
        if item.path.parent.name == "gateway" and "[RSA" in item.name:
            item.add_marker(pytest.mark.long)


@pytest.fixture(autouse=True)
def _no_network() -> Iterator[None]:
    with loopback_only() as attempts:
        yield
    assert attempts == [], "the client tried to leave this machine"


@pytest.fixture(scope="session")
def quiet_testnet(tmp_path_factory: pytest.TempPathFactory) -> Iterator[GatewayInFront]:
    """A testnet behind a gateway. It overrides the fixture of the same name."""
    folder = tmp_path_factory.mktemp("behind")
    process = TestnetProcess.start(folder / "home", liquidity=False)
    try:
        front = gateway_before(process, folder)
        yield front
        assert front.gateway.stop() == 0, front.gateway.log()
    finally:
        process.stop()


@pytest.fixture(scope="session")
def _floor(quiet_testnet: GatewayInFront) -> Floor:
    return Floor(quiet_testnet)  # type: ignore[arg-type]


@pytest.fixture
def floor(_floor: Floor) -> Iterator[Floor]:
    """A market with known offers, for one test."""
    with _floor.market():
        yield _floor


@pytest.fixture
def account(floor: Floor) -> Iterator[Account]:
    """An account with money, for one test."""
    made = floor.new_account()
    yield made
    made.close()


@pytest.fixture
def settled() -> Callable[[Callable[[], bool]], None]:
    """Wait, at most a few seconds, until something became true."""
    return clients.wait_until_true
