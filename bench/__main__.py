"""Run the benches one after the other and keep each result as JSON.

`make bench` runs all; `python -m bench matching restart` runs two. Results land in bench/results/NAME.json together
with the machine they were taken on. A bench states ratios to a peer or a limit taken in the same run; absolute
figures alone say little on another machine.
"""

import argparse
import importlib
import json
import os
import pkgutil
import platform
import sys
import time
from pathlib import Path
from typing import Any

import bench

RESULTS = Path(__file__).parent / "results"


def conditions() -> dict[str, Any]:
    """Describe the machine, so that a number is never quoted without it."""
    return {
        "python": platform.python_version(),
        "machine": platform.machine(),
        "cores": os.cpu_count(),
        "system": platform.system(),
        "taken_at": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
    }


def main() -> int:
    """Run the named benches, or all, and return 1 where a claim was missed."""
    names = [m.name for m in pkgutil.iter_modules(bench.__path__) if not m.name.startswith("_")]
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__.split("\n", 1)[0])
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"one of: {', '.join(names)}")
    wanted = parser.parse_args().names or names
    if unknown := set(wanted) - set(names):
        parser.error(f"no such bench: {', '.join(sorted(unknown))}")
    RESULTS.mkdir(exist_ok=True)
    where = conditions()
    print(json.dumps(where))
    missed: list[str] = []
    for name in wanted:
        print(f"\n== {name}", flush=True)
        result: dict[str, Any] = importlib.import_module(f"bench.{name}").run()
        (RESULTS / f"{name}.json").write_text(
            json.dumps({"conditions": where, "result": result}, indent=2) + "\n"
        )
        missed += [f"{name}: {claim}" for claim, held in result.get("claims", {}).items() if not held]
    for line in missed:
        print(f"MISSED {line}")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
