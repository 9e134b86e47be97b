"""Odd inputs at every entry point of a real gateway, those of the testnet's own fuzz tests: no 5xx, no hang, no traceback."""

from collections.abc import Iterator

import pytest
from tests.e2e.test_fuzz_doors import FUZZERS, RICH, SHORT_INPUTS
from tests.support.gateway_in_front import GatewayInFront, gateway_before
from tests.support.odd_inputs import OddInputs
from tests.support.testnet_process import TestnetProcess

#: What the raw requests put into their Host header.
HOST = "x"


@pytest.fixture(scope="module")
def front(tmp_path_factory: pytest.TempPathFactory) -> Iterator[GatewayInFront]:
    folder = tmp_path_factory.mktemp("fuzz-gateway")
    testnet = TestnetProcess.start(folder / "home", liquidity=True)
    try:
        made = gateway_before(testnet, folder, "--allow-host", HOST)
        yield made
        assert made.gateway.stop() == 0
        assert "Traceback" not in made.gateway.log()
        assert "request failed" not in made.gateway.log()
    finally:
        testnet.stop()


@pytest.fixture(scope="module")
def inputs(front: GatewayInFront) -> OddInputs:
    front.create_account("fuzz", RICH)
    key = front.create_key("fuzz", "HMAC")
    return OddInputs(20_261_122, key.api_key, key.secret)


@pytest.mark.parametrize("door", FUZZERS)
def test_odd_inputs_are_refused_without_fault(front: GatewayInFront, inputs: OddInputs, door: str) -> None:
    FUZZERS[door](front, inputs, SHORT_INPUTS)  # type: ignore[arg-type]
    assert front.ask("gateway", "gateway.status")["refuses"] is None
