"""What the client tests share: no network but loopback, a known market, one account for each test."""

import time
from collections.abc import Callable, Iterator

import pytest
from tests.support.floor import Account, Floor
from tests.support.loopback_only import loopback_only
from tests.support.testnet_process import TestnetProcess

# Shared scenarios assert too, and should say what they found.
pytest.register_assert_rewrite(
    "tests.contract.clients.ccxt_session", "tests.contract.clients.python_binance_session"
)

#: Takes fifty seconds of waiting, so it starts first and the other worker does the rest meanwhile.
SOAK = "test_depth_caches.py"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(key=lambda item: item.path.name != SOAK)


@pytest.fixture(autouse=True)
def _no_network() -> Iterator[None]:
    with loopback_only() as attempts:
        yield
    assert attempts == [], "the client tried to leave this machine"


@pytest.fixture(scope="session")
def _floor(quiet_testnet: TestnetProcess) -> Floor:
    return Floor(quiet_testnet)


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


@pytest.fixture(scope="module")
def limited_testnet(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestnetProcess]:
    """A testnet with request limits on, a fiftieth of Binance's. Its tests end with this machine banned."""
    process = TestnetProcess.start(
        tmp_path_factory.mktemp("limited") / "home", liquidity=False, limits_scale=0.02
    )
    yield process
    process.stop()


def wait_until_true(condition: Callable[[], bool]) -> None:
    """Wait, at most a few seconds."""
    deadline = time.monotonic() + 5
    while not condition():
        assert time.monotonic() < deadline, "it never became true"
        time.sleep(0.01)


@pytest.fixture
def settled() -> Callable[[Callable[[], bool]], None]:
    """Wait, at most a few seconds, until something became true."""
    return wait_until_true
