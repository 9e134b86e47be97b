"""A long trail for benches, made quickly: rows of every kind, sealed as the trail does, written in large records.

python -m bench._audit_fill HOME indexes the trails of a home and says what it took.
"""

import contextlib
import json
import random
import resource
import sys
import time
from pathlib import Path
from typing import Final

from watchword.adapters.audit.sqlite_sink import SqliteSink
from watchword.audit.chain import Row, seal
from watchword.audit.event import AnyEvent, Change, Intent, Outcome, Refusal, encode_event
from watchword.bootstrap.audit_search import AuditSearch

START_US: Final = 1_760_000_000_000_000
#: Rows of one stored record: what a busy gateway syncs at once.
RECORD_ROWS: Final = 32
SYMBOLS: Final = ("BTCUSDT", "ETHUSDT", "BNBUSDT", "SOLUSDT", "XRPUSDT", "ADAUSDT", "LTCUSDT", "DOGEUSDT")
ENDPOINTS: Final = (
    "POST /api/v3/order", "DELETE /api/v3/order", "GET /api/v3/account", "GET /api/v3/openOrders",
)  # fmt: skip
RULES: Final = (
    "symbols",
    "max_order",
    "price_band",
    "spending",
    "order_types",
    "budget",
    "hours",
    "withdrawals",
)
ACTORS: Final = ("ada", "ben", "cleo", "dan", "eve (uid 1000)")
_ALPHABET: Final = "abcdefghijklmnopqrstuvwxyz0123456789"


def key_names(count: int) -> list[str]:
    """Ids as virtual keys have them, the same each time."""
    dice = random.Random(7)
    return ["vk-" + "".join(dice.choices(_ALPHABET, k=12)) for _ in range(count)]


def fill_trail(path: Path, rows: int, keys: list[str], seed: int, step_us_max: int) -> None:
    """Write a trail, or go on with it.

    Args:
        path: Of its database; the folder exists.
        rows: How many.
        keys: Whose requests they are.
        seed: Of the dice.
        step_us_max: Time between two rows, at most.
    """
    dice, sink = random.Random(seed), SqliteSink(path)
    try:
        head = sink.head()
        now_us, last = head.now_us or START_US, head.row + rows
        batch: list[Row] = []
        for number in range(head.row + 1, last + 1):
            now_us += dice.randint(1, step_us_max)
            batch.append(seal(encode_event(_event(dice, keys, number)), head, now_us))
            head = batch[-1].head
            if len(batch) == RECORD_ROWS or number == last:
                sink.append(batch)
                batch = []
    finally:
        sink.close()


def _event(dice: random.Random, keys: list[str], number: int) -> AnyEvent:
    """One of twenty is a change, three are refusals, the others intents and outcomes."""
    kind = dice.randrange(20)
    key, symbol = dice.choice(keys), dice.choice(SYMBOLS)
    request = f"01J9ZK{number:010d}"
    if kind == 0:
        values = {"label": f"bot {number % 500}", "from": f"10.0.{number % 250}.7", "factor": "totp"}
        return Change(
            action="credential:virtual:edited", actor=dice.choice(ACTORS), subject=key, values=values
        )
    if kind < 4:
        return Refusal(
            key=key, endpoint=ENDPOINTS[0], rule=dice.choice(RULES), reason=f"{symbol} is above the cap",
            request=request, ip="10.0.0.5", parameters={"symbol": symbol, "side": "BUY"}, code=-2010,
        )  # fmt: skip
    if kind < 12 or number == 1:
        return Intent(
            request=request, key=key, credential="main", upstream="live", endpoint=dice.choice(ENDPOINTS),
            ip="10.0.0.5", client_order_id=f"x-{number}", policy="ab" * 32, reason=f"allow: orders on {symbol}",
            parameters={
                "symbol": symbol, "side": dice.choice(("BUY", "SELL")), "type": "LIMIT", "timeInForce": "GTC",
                "quantity": "0.01000000", "price": f"{dice.randrange(40_000, 60_000)}.00", "recvWindow": "5000",
                "timestamp": "1700000000000",
            },
        )  # fmt: skip
    code = -2011 if kind == 12 else 0
    return Outcome(
        intent=number - 1,
        result="answered",
        status=400 if code else 200,
        code=code,
        order_id=str(10**8 + number),
    )


def main() -> None:
    """Index a home's trails in this process, and say what that took."""
    began = time.perf_counter()
    with contextlib.closing(AuditSearch.open(Path(sys.argv[1]), build=True)) as search:
        rows = search.update()
    peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps({"rows": rows, "seconds": time.perf_counter() - began, "peak_mb": peak_mb}))


if __name__ == "__main__":
    main()
