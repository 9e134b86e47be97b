"""Claims: what the gateway costs between a bot and the exchange, and that its memory does not grow.

One nginx plays the exchange with canned answers. The same pre-signed HMAC orders (half placed, a third cancelled, a
fifth crossing; see `_load.py`) go to it directly, through nginx as a plain proxy, through mitmproxy with an add-on
that verifies and signs again, and through the gateway, which also applies a policy, guards against replay, counts, and
keeps a durable record before each signature. One connection for the latency, 32 for the throughput; all of them in
turn, round after round, on the same cores.
"""

import json
import tempfile
from collections.abc import Iterable
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Final

from bench._gateway_peers import Missing, find_nginx
from bench._gateway_rig import Rig, Target, start_rig
from bench._gateway_serve import command, start_gateway
from bench._load import ROUNDS, fastest, in_own_process, show
from bench.restart import resident_mb

LONE_REQUESTS: Final = 3_000
CONNECTIONS: Final = 32
REQUESTS: Final = 19_200
WARM_UP_REQUESTS: Final = 3_200
#: As long as the slowest round may take, and no longer: the replay guard keeps a request until then.
RECV_WINDOW_MS: Final = 20_000
MEMORY_REQUESTS: Final = 200_000
MEMORY_STEPS: Final = 10
#: Each step is sent in so many plans: all requests of one are signed before it begins, and their time must not run out on
#: a slow machine.
MEMORY_PLANS: Final = 10
#: As clients send it by themselves. The replay guard keeps a request and its reply as long, some 2 kB of each: with a long
#: one, what is seen is how fast the machine was in the last seconds, not whether anything grows.
MEMORY_RECV_WINDOW_MS: Final = 5_000
#: Before memory is watched the guard must be as full as it gets.
MEMORY_WARM_UP_STEPS: Final = 3
ADDED_P50_MS_MAX: Final = 0.6
PER_SECOND_MIN: Final = 3_000
TIMES_MITMPROXY_MIN: Final = 2.5
#: 40 bytes a request would show.
GROWTH_MB_MAX: Final = 8.0

Rounds = dict[str, dict[str, list[dict[str, Any]]]]


def run() -> dict[str, Any]:
    """Measure and print.

    Returns:
        Every round of every target (`rounds`), the gateway's memory after each step, what is missing, and the claims.
    """
    nginx = find_nginx()
    if isinstance(nginx, Missing):
        print(f"NOT MEASURED {nginx.reason}")
        return {"missing": [nginx.reason], "claims": {}}
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="watchword-bench-")))
        rig = start_rig(stack, folder, nginx)
        gateway = start_gateway(stack, folder / "home", rig.upstream.port)
        targets = [rig.yardstick, rig.upstream, rig.proxy, gateway]
        targets += [rig.resigning] if isinstance(rig.resigning, Target) else []
        sent = Sent()
        rounds = _all_rounds(targets, sent)
        memory = _memory(gateway, sent)
        verified = json.loads(command("audit", "verify", "--json", home=folder / "home"))
    summary = summarise(rounds)
    _show(rig, summary)
    return {
        "versions": rig.versions,
        "missing": [rig.resigning.reason] if isinstance(rig.resigning, Missing) else [],
        "rounds": rounds,
        "summary": summary,
        "memory": memory,
        "audit": verified,
        "claims": _claims(rounds, summary, memory),
    }


class Sent:
    """Counts the plans, so that no two send the same client order id."""

    def __init__(self) -> None:
        self._plans = 0

    def orders(
        self, target: Target, connections: int, requests: int, recv_window_ms: int = RECV_WINDOW_MS
    ) -> dict[str, Any]:
        """Send a target so many orders, or pings where it knows no more, and return what was measured."""
        self._plans += 1
        return in_own_process(
            {
                "door": "http",
                "kind": target.kind,
                "host": "127.0.0.1",
                "port": target.port,
                "keys": list(target.keys),
                "connections": connections,
                "requests": int(requests * target.weight),
                "recv_window_ms": recv_window_ms,
                "prefix": f"w{self._plans:04}",
            }
        )


def summarise(rounds: Rounds) -> dict[str, Any]:
    """Boil the rounds down.

    Returns:
        By target: `added_p50_ms`, over the upstream asked directly in the same round, least of all rounds; `lone`, the
        round it is from; `many`, the round with the highest throughput.
    """
    direct = rounds["upstream"]["lone"]
    summary = {}
    for name, of_target in rounds.items():
        added = [
            round(row["p50_ms"] - base["p50_ms"], 3)
            for row, base in zip(of_target["lone"], direct, strict=True)
        ]
        least = min(range(len(added)), key=added.__getitem__)
        summary[name] = {
            "added_p50_ms": added[least],
            "lone": of_target["lone"][least],
            "many": fastest(of_target["many"]),
        }
    return summary


def _all_rounds(targets: Iterable[Target], sent: Sent) -> Rounds:
    targets = list(targets)
    for target in targets:
        sent.orders(target, CONNECTIONS, WARM_UP_REQUESTS)
    rounds: Rounds = {target.name: {"lone": [], "many": []} for target in targets}
    for number in range(1, ROUNDS + 1):
        for target in targets:
            lone = sent.orders(target, 1, LONE_REQUESTS)
            many = sent.orders(target, CONNECTIONS, REQUESTS)
            rounds[target.name]["lone"].append(lone)
            rounds[target.name]["many"].append(many)
            show(f"{target.name} {number}: 1", lone)
            show(f"{target.name} {number}: {CONNECTIONS}", many)
    return rounds


def _memory(gateway: Target, sent: Sent) -> dict[str, Any]:
    """Watch resident memory (MB) after the warm-up and after each of ten steps."""
    plan = MEMORY_REQUESTS // MEMORY_STEPS // MEMORY_PLANS

    def step(plans: int) -> list[dict[str, Any]]:
        return [sent.orders(gateway, CONNECTIONS, plan, MEMORY_RECV_WINDOW_MS) for _ in range(plans)]

    rows = step(MEMORY_WARM_UP_STEPS * MEMORY_PLANS)
    seen = [resident_mb(gateway.pid)]
    for _ in range(MEMORY_STEPS):
        rows += step(MEMORY_PLANS)
        seen.append(resident_mb(gateway.pid))
    print(f"gateway's memory over {MEMORY_REQUESTS:,} requests, MB: {seen}")
    return {
        "mb": seen,
        "per_second": [row["per_second"] for row in rows],
        "refused": [row["refused"] for row in rows if row["refused"]],
    }


def _show(rig: Rig, summary: dict[str, Any]) -> None:
    for name, row in summary.items():
        print(f"{name:12} added p50 {row['added_p50_ms']:6.3f} ms   {row['many']['per_second']:>7,}/s")
    if isinstance(rig.resigning, Missing):
        print(f"NOT MEASURED {rig.resigning.reason}")
    share = summary["gateway"]["many"]["per_second"] / summary[rig.yardstick.name]["many"]["per_second"]
    print(f"gateway takes {share:.3f} as many orders as {rig.yardstick.name} takes pings")


def _claims(rounds: Rounds, summary: dict[str, Any], memory: dict[str, Any]) -> dict[str, bool]:
    gateway = summary["gateway"]
    per_second = gateway["many"]["per_second"]
    growth_mb = memory["mb"][-1] - memory["mb"][0]
    refused = any(row["refused"] for rows in rounds["gateway"].values() for row in rows) or memory["refused"]
    claims = {
        f"added p50 <= {ADDED_P50_MS_MAX} ms at one connection": gateway["added_p50_ms"] <= ADDED_P50_MS_MAX,
        f"at least {PER_SECOND_MIN}/s at {CONNECTIONS} connections": per_second >= PER_SECOND_MIN,
        f"memory grows by at most {GROWTH_MB_MAX} MB over {MEMORY_REQUESTS:,} requests": growth_mb
        <= GROWTH_MB_MAX,
        "nothing was refused (any round)": not refused,
    }
    if "mitmproxy" in summary:
        times = per_second / summary["mitmproxy"]["many"]["per_second"]
        claims[f"at least {TIMES_MITMPROXY_MIN} x mitmproxy"] = times >= TIMES_MITMPROXY_MIN
    return claims


if __name__ == "__main__":
    print(json.dumps(run()["claims"], indent=2))
