"""Claim: parsing and rendering a placed and a cancelled order together cost at most 25 us.

Measured through the real handlers, from decoded parameters to the reply's JSON, with a sequencer that answers at once
with what a real engine gave once: so journal and engine are not in it. Operations are timed in alternation and the
best round counts, because the question is what the code costs, not how busy the machine is.
"""

import asyncio
import time
from collections.abc import Callable, Coroutine
from typing import Any, Final

from tests.support.operations import WINDOW_US, OperationsFloor

from watchword.binance.errors import WireError
from watchword.entrypoints.testnet.operations import OPERATIONS, Call
from watchword.exchange.commands import AnyCommand
from watchword.exchange.events import Applied

CALLS: Final = 200
ROUNDS: Final = 150
PLACE_AND_CANCEL_US_MAX: Final = 25.0


class Echo:
    """A sequencer that answers every command with the same outcome."""

    def __init__(self, applied: Applied, now_us: int) -> None:
        self.applied = applied
        self.now_us = now_us

    async def submit(
        self,
        make: Callable[[int, int], AnyCommand | WireError],
        render: Callable[[AnyCommand, Applied], bytes | WireError],
    ) -> bytes | WireError:
        """See Sequencer."""
        command = make(1, self.now_us)
        return command if isinstance(command, WireError) else render(command, self.applied)


def run() -> dict[str, Any]:
    """Measure and print microseconds per call.

    Returns:
        Microseconds by operation, and the claim.
    """
    with OperationsFloor() as floor:
        works = _works(floor)
        best = dict.fromkeys(works, float("inf"))
        for _ in range(ROUNDS):
            for name, work in works.items():
                best[name] = min(best[name], _time(work))
    best["place_and_cancel"] = best["place_full"] + best["cancel"]
    for name, microseconds in best.items():
        print(f"{name:18} {microseconds:6.2f} us")
    return {
        "us": best,
        "claims": {
            f"place + cancel <= {PLACE_AND_CANCEL_US_MAX} us": best["place_and_cancel"]
            <= PLACE_AND_CANCEL_US_MAX
        },
    }


def _works(floor: OperationsFloor) -> dict[str, Callable[[], Coroutine[Any, Any, bytes | WireError]]]:
    """Place and cancel one order for real, and make calls that repeat it."""
    trader = floor.trader()
    testnet, now_us = floor.testnet, floor.clock.now_us()
    outcomes: list[Applied] = []
    testnet.sequencer.listeners.append(lambda _command, applied: outcomes.append(applied))
    trader.limit("BUY", "50000.00", "0.01")
    trader.limit("SELL", "50000.00", "0.01")
    order_id = trader.limit("BUY", "49000.00", "0.01")["orderId"]
    placed = outcomes[-1]
    trader.do("order.cancel", symbol="BTCUSDT", orderId=order_id)
    canceled = outcomes[-1]
    signed = {"recvWindow": "5000", "timestamp": str(now_us // 1000), "signature": "0" * 64}
    limit = {
        "symbol": "BTCUSDT", "side": "BUY", "type": "LIMIT", "timeInForce": "GTC", "quantity": "0.01000",
        "price": "48999.99", **signed,
    }  # fmt: skip
    cancel = {"symbol": "BTCUSDT", "orderId": str(order_id), **signed}
    echo: Any = Echo(placed, now_us)

    def work(
        name: str, params: dict[str, str], applied: Applied
    ) -> Callable[[], Coroutine[Any, Any, bytes | WireError]]:
        handler: Any = OPERATIONS[name]
        call = Call(params, trader.credential, now_us, now_us + WINDOW_US)

        async def repeated() -> bytes | WireError:
            echo.applied, real, testnet.sequencer = applied, testnet.sequencer, echo
            try:
                for _ in range(CALLS - 1):
                    await handler(testnet, call)
                answer: bytes | WireError = await handler(testnet, call)
            finally:
                testnet.sequencer = real
            assert isinstance(answer, bytes)
            return answer

        return repeated

    return {
        "place_full": work("order.place", limit, placed),
        "place_ack": work("order.place", {**limit, "newOrderRespType": "ACK"}, placed),
        "cancel": work("order.cancel", cancel, canceled),
    }


def _time(work: Callable[[], Coroutine[Any, Any, bytes | WireError]]) -> float:
    """Microseconds per call of one round."""
    began_ns = time.perf_counter_ns()
    coroutine = work()
    try:
        coroutine.send(None)
    except StopIteration:
        return (time.perf_counter_ns() - began_ns) / CALLS / 1_000
    raise asyncio.InvalidStateError("an operation waited")


if __name__ == "__main__":
    run()
