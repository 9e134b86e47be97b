"""Claim: a typical policy decides an order in at most 30 us.

The policy is the grid bot's of docs/recipes/policies with one written condition more. Decisions are timed in
alternation and the best round counts, because the question is what the code costs, not how busy the machine is.
"""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from watchword.kernel.units import SCALE
from watchword.policy.decision import Allow
from watchword.policy.document import read_policy
from watchword.policy.engine import decide, to_fold
from watchword.policy.policy import Policy
from watchword.policy.reading import read_intent
from watchword.policy.references import Market
from watchword.policy.usage import Usage

CALLS: Final = 200
ROUNDS: Final = 100
DECIDE_US_MAX: Final = 30.0
NOW_US: Final = 1_772_452_800_000_000
LEVELS: Final = 100

RECIPE: Final = Path(__file__).parents[1] / "docs/recipes/policies/grid-bot.yaml"
CONDITION: Final = """
conditions:
  - {name: no rush at night, expect: 'hour >= 6 || notional <= amount("100")'}
"""
SIGNED: Final = {"recvWindow": "5000", "timestamp": "1772452800000", "signature": "0" * 64}
LIMIT: Final = {
    "symbol": "BTCUSDT", "side": "BUY", "type": "LIMIT", "timeInForce": "GTC", "price": "59000.00",
    "quantity": "0.00500", "newClientOrderId": "grid-0001", **SIGNED,
}  # fmt: skip
MARKET: Final = {"symbol": "BTCUSDT", "side": "SELL", "type": "MARKET", "quantity": "0.00500", **SIGNED}


def run() -> dict[str, Any]:
    """Measure and print microseconds per call.

    Returns:
        Microseconds by work, and the claim.
    """
    works = _works()
    best = dict.fromkeys(works, float("inf"))
    for _ in range(ROUNDS):
        for name, work in works.items():
            began_ns = time.perf_counter_ns()
            for _ in range(CALLS):
                work()
            best[name] = min(best[name], (time.perf_counter_ns() - began_ns) / CALLS / 1_000)
    for name, microseconds in best.items():
        print(f"{name:34} {microseconds:6.2f} us")
    worst = max(microseconds for name, microseconds in best.items() if name.startswith("decide"))
    return {"us": best, "claims": {f"policy decision <= {DECIDE_US_MAX} us": worst <= DECIDE_US_MAX}}


def _works() -> dict[str, Callable[[], Any]]:
    plain = _policy(RECIPE.read_text(encoding="utf-8"))
    written = _policy(RECIPE.read_text(encoding="utf-8") + CONDITION)
    bids = tuple(((60_000 - step) * SCALE, SCALE // 1_000) for step in range(1, LEVELS))
    asks = tuple(((60_000 + step) * SCALE, SCALE // 1_000) for step in range(1, LEVELS))
    references = {"BTCUSDT": Market("BTC", "USDT", 60_000 * SCALE, NOW_US, bids, asks, NOW_US)}
    limit, market = read_intent("order.place", LIMIT), read_intent("order.place", MARKET)
    cancel = read_intent("order.cancel", {"symbol": "BTCUSDT", "origClientOrderId": "grid-0001", **SIGNED})
    usage = Usage(day=NOW_US // 86_400_000_000, spent={"USDT": 500 * SCALE}, bought={"BTC": SCALE // 1_000})
    allowed = decide(written, limit, usage, references, NOW_US)
    assert isinstance(allowed, Allow), allowed
    placed = to_fold(limit, allowed, NOW_US)
    assert placed is not None
    return {
        "decide limit": lambda: decide(plain, limit, usage, references, NOW_US),
        "decide limit, with a condition": lambda: decide(written, limit, usage, references, NOW_US),
        "decide market, walked 5 levels": lambda: decide(written, market, usage, references, NOW_US),
        "decide cancel": lambda: decide(written, cancel, usage, references, NOW_US),
        "read intent": lambda: read_intent("order.place", LIMIT),
        "fold": lambda: usage.fold(placed),
    }


def _policy(text: str) -> Policy:
    policy = read_policy(text)
    assert isinstance(policy, Policy), policy
    return policy


if __name__ == "__main__":
    run()
