"""Times answers of a console over one kept connection, and what its processes worked for them."""

import contextlib
import http.client
import statistics
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final, Self

from bench._pages_visits import Place
from watchword.entrypoints.console.pages.cookies import SESSION

WAIT_S: Final = 120.0
NS_PER_MS: Final = 1_000_000


class Visitor:
    """Somebody's browser, without the browser: one connection, one cookie.

    Attributes:
        token: Of the session; empty for nobody's.
    """

    def __init__(self, host: str, port: int, token: str) -> None:
        self._address, self.token = (host, port), token
        self._connection = http.client.HTTPConnection(host, port, timeout=WAIT_S)

    def get(self, path: str) -> tuple[int, bytes]:
        """Ask for a page; returns status and body."""
        headers = {"cookie": f"{SESSION}={self.token}"} if self.token else {}
        self._connection.request("GET", path, headers=headers)
        answer = self._connection.getresponse()
        return answer.status, answer.read()

    def first_byte_s(self, path: str) -> float:
        """Seconds to the first bytes of something long, over a connection of its own that is then closed."""
        connection = http.client.HTTPConnection(*self._address, timeout=WAIT_S)
        with contextlib.closing(connection):
            connection.connect()
            began = time.perf_counter()
            connection.request("GET", path, headers={"cookie": f"{SESSION}={self.token}"})
            answer = connection.getresponse()
            assert answer.status == http.client.OK, (path, answer.status)
            answer.read(1)
            return time.perf_counter() - began

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()


def timed(visitor: Visitor, place: Place, asked: int, rounds: int, pids: dict[str, int]) -> dict[str, Any]:
    """Ask for a page again and again.

    Args:
        visitor: Who asks.
        place: Which page.
        asked: Times in one round.
        rounds: How many; the one with the shortest tail counts.
        pids: Processes whose work is counted, by name.

    Returns:
        `p50_ms`, `p95_ms`, `bytes` of the body, and `cpu_ms` of one answer by process.
    """
    status, body = visitor.get(place.path)
    assert status == place.status, (place, status, body[-600:])
    found: list[dict[str, Any]] = []
    for _ in range(rounds):
        before = {name: _worked_ns(pid) for name, pid in pids.items()}
        spent = list(_spent(visitor, place, asked))
        worked = {name: (_worked_ns(pid) - before[name]) / asked / NS_PER_MS for name, pid in pids.items()}
        found.append(
            {
                "p50_ms": statistics.median(spent) * 1_000,
                "p95_ms": statistics.quantiles(spent, n=20)[18] * 1_000,
                "bytes": len(body),
                "cpu_ms": worked,
            }
        )
    return min(found, key=lambda one: one["p95_ms"])


def _spent(visitor: Visitor, place: Place, asked: int) -> Iterator[float]:
    for _ in range(asked):
        began = time.perf_counter()
        status, _ = visitor.get(place.path)
        yield time.perf_counter() - began
        assert status == place.status, (place, status)


def _worked_ns(pid: int) -> int:
    """Say how long a process was on a processor so far, all threads."""
    worked = 0
    for thread in Path(f"/proc/{pid}/task").iterdir():
        with contextlib.suppress(FileNotFoundError):
            worked += int((thread / "schedstat").read_text(encoding="ascii").split()[0])
    return worked
