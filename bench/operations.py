"""What parsing and rendering cost per order, without journal and engine: claim, place + cancel <= 25 us.

Prints microseconds per call, the best of several rounds; `python -m bench.operations` alone, or in `make bench`.
"""

import json
import timeit
from collections.abc import Callable, Coroutine
from typing import Any, Final

from tests.support.operations import OperationsFloor

from watchword.binance.errors import WireError
from watchword.entrypoints.testnet.operations import OPERATIONS, Call
from watchword.exchange.commands import AnyCommand
from watchword.exchange.events import Applied

CALLS: Final = 500
ROUNDS: Final = 60
CLAIM_US: Final = 25.0


class Echo:
    """A sequencer that answers every command with what a real one gave once."""

    def __init__(self, applied: Applied) -> None:
        self.applied = applied

    async def submit(
        self,
        make: Callable[[int, int], AnyCommand | WireError],
        render: Callable[[AnyCommand, Applied], bytes | WireError],
    ) -> bytes | WireError:
        command = make(1, 1_767_225_630_000_000)
        return command if isinstance(command, WireError) else render(command, self.applied)


def run(coroutine: Coroutine[Any, Any, bytes | WireError]) -> bytes | WireError:
    """Finish a coroutine that never waits."""
    try:
        coroutine.send(None)
    except StopIteration as done:
        result: bytes | WireError = done.value
        return result
    raise AssertionError("it waited")


def measure() -> dict[str, float]:
    """Return microseconds per call of each operation."""
    with OperationsFloor() as floor:
        trader = floor.trader()
        testnet, now_us = floor.testnet, floor.clock.now_us()
        captured: list[Applied] = []
        testnet.sequencer.listeners.append(lambda _command, applied: captured.append(applied))
        trader.limit("BUY", "50000.00", "0.01")
        order_id = trader.limit("SELL", "50000.00", "0.01")["orderId"]
        order_id = trader.limit("BUY", "49000.00", "0.01")["orderId"]
        placed = captured[-1]
        trader.do("order.cancel", symbol="BTCUSDT", orderId=order_id)
        canceled = captured[-1]
        common = {"recvWindow": "5000", "timestamp": str(now_us // 1000), "signature": "0" * 64}
        limit = {
            "symbol": "BTCUSDT", "side": "BUY", "type": "LIMIT", "timeInForce": "GTC", "quantity": "0.01000",
            "price": "48999.99", **common,
        }  # fmt: skip
        cancel = {"symbol": "BTCUSDT", "orderId": str(order_id), **common}
        echo = Echo(placed)
        testnet.sequencer = echo  # type: ignore[assignment]

        def timed(name: str, params: dict[str, str], applied: Applied) -> float:
            echo.applied = applied
            handler = OPERATIONS[name]
            call = Call(params, trader.credential, now_us, now_us + 5_000_000)
            assert isinstance(run(handler(testnet, call)), bytes)  # type: ignore[arg-type]
            seconds = timeit.repeat(lambda: run(handler(testnet, call)), number=CALLS, repeat=ROUNDS)  # type: ignore[arg-type]
            return min(seconds) / CALLS * 1e6

        result = {
            "place_full": timed("order.place", limit, placed),
            "place_ack": timed("order.place", {**limit, "newOrderRespType": "ACK"}, placed),
            "cancel": timed("order.cancel", cancel, canceled),
        }
        floor.testnet.sequencer = echo  # type: ignore[assignment]
        echo.stop = _nothing  # type: ignore[attr-defined]
    result["place_and_cancel"] = result["place_full"] + result["cancel"]
    return result


async def _nothing() -> None:
    """Stop an echo."""


if __name__ == "__main__":
    print(json.dumps(measure(), indent=2))
