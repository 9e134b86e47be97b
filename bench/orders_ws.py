"""Claim: one WebSocket API session with 32 requests in flight takes 8,000 durable order requests a second.

50 % places, 30 % cancels by the session (Ed25519 logon, no signature per request); the 20 % crossing orders come on the
same connection from a second account, each with its own HMAC signature. Every answer came after its command was synced
to disk. Shown beside `ping` on an equal connection, sent by the same generator.
"""

import tempfile
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from tests.support.testnet_process import TestnetProcess

from bench._load import in_own_process

IN_FLIGHT: Final = 32
REQUESTS: Final = 80_000
WARM_UP_REQUESTS: Final = 8_000
PING_REQUESTS: Final = 80_000
PER_SECOND_MIN: Final = 8_000
RICH: Final = {"BTC": "1000000", "USDT": "5000000000"}


def run() -> dict[str, Any]:
    """Measure and print.

    Returns:
        Both results and the claims.
    """
    with tempfile.TemporaryDirectory(prefix="watchword-bench-") as folder:
        server = TestnetProcess.start(Path(folder) / "home", liquidity=False, limits_scale=0)
        try:
            result = _measure(server)
        finally:
            server.stop()
    for name, row in result.items():
        print(
            f"{name:8} {row['per_second']:>7,}/s   p50 {row['p50_ms']:6.2f} ms   p99 {row['p99_ms']:6.2f} ms   "
            f"max {row['max_ms']:6.2f} ms   generator {row['generator_cpu_share']:.0%} of a core"
        )
    orders = result["orders"]
    return {
        **result,
        "claims": {
            f"at least {PER_SECOND_MIN}/s": orders["per_second"] >= PER_SECOND_MIN,
            "nothing was refused": not orders["refused"],
        },
    }


def _measure(server: TestnetProcess) -> dict[str, Any]:
    keys = []
    for name, key_type in (("session", "ED25519"), ("counterparty", "HMAC")):
        server.create_account(name, RICH)
        key = server.create_key(name, key_type)  # type: ignore[arg-type]
        keys.append({"api_key": key.api_key, "secret": key.secret, "pem": key.pem})
    address = urlsplit(server.ws_api)
    plan = {
        "door": "ws",
        "host": address.hostname,
        "port": address.port,
        "path": "/ws-api/v3",
        "in_flight": IN_FLIGHT,
        "keys": keys,
    }
    in_own_process({**plan, "kind": "orders", "requests": WARM_UP_REQUESTS})
    orders = in_own_process({**plan, "kind": "orders", "requests": REQUESTS})
    ping = in_own_process({**plan, "kind": "ping", "requests": PING_REQUESTS})
    return {"orders": orders, "ping": ping}


if __name__ == "__main__":
    run()
