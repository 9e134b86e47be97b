"""What only a browser can say of the console's pages: bytes that came for the first ones, and the market's main thread."""

import contextlib
import http.client
import json
import shutil
import threading
import time
from collections.abc import Iterator
from typing import Any, Final

from playwright.sync_api import Browser, CDPSession
from tests.support.browser import PROGRAMS, Tab, browser

from bench._pages_home import TeamHome
from watchword.adapters.home import admin_socket_path
from watchword.entrypoints.console.pages.cookies import SESSION
from watchword.entrypoints.sockets.admin_socket import connect

#: Orders that trade, a second, beside what the market makers do.
ORDERS_PER_S: Final = 20
SETTLE_MS: Final = 3_000
TASKS_S: Final = 10.0
TASK_ROUNDS: Final = 3
#: From the first look at the heap to the last.
WATCHED_S: Final = 60.0
MB: Final = 1_000_000


def browsed(home: TeamHome) -> dict[str, Any] | None:
    """Look at the first pages and the market in Chromium.

    Args:
        home: Served; its owner is signed in.

    Returns:
        `weights`: bytes by page; `market`: see `_watched`; None where there is no Chromium.
    """
    if not any(shutil.which(name) for name in PROGRAMS):
        return None
    with browser() as chromium:
        return {"weights": _weights(chromium, home), "market": _watched(chromium, home)}


def _weights(chromium: Browser, home: TeamHome) -> dict[str, int]:
    """Count the bytes of everything the browser loads for a page it never saw, headers included, as they came."""
    found = {}
    for name, token, path in (("sign-in", "", "/sign-in"), ("first after it", home.owner.token, "/")):
        with _tab(chromium, home, token) as tab:
            network = tab.context.new_cdp_session(tab.page)
            weights: list[float] = []
            network.on(
                "Network.loadingFinished",
                lambda said, all_of=weights: all_of.append(said["encodedDataLength"]),
            )
            network.send("Network.enable")
            tab.page.goto(path)
            tab.page.wait_for_timeout(SETTLE_MS)
            found[name] = int(sum(weights))
    return found


def _watched(chromium: Browser, home: TeamHome) -> dict[str, Any]:
    """Watch the market page while others trade.

    Returns:
        `task_ms_per_s`: of each round, by the main thread's own clock; `updates_per_s` that the stream brought;
        `heap_mb` and `nodes`: before and after a minute, once garbage was collected.
    """
    with _tab(chromium, home, home.owner.token) as tab, _trading(home):
        tab.page.goto(f"/market?symbol=BTCUSDT&account={home.busy}")
        tab.page.locator("[data-live]").get_by_text("Live").wait_for()
        counter = tab.context.new_cdp_session(tab.page)
        # The thread's own time: what others do on this machine meanwhile is not the page's.
        counter.send("Performance.enable", {"timeDomain": "threadTicks"})
        tab.page.wait_for_timeout(SETTLE_MS)
        began_s, before = time.monotonic(), _counted(counter, collected=True)
        with _counting(home) as updates:
            counting_s = time.monotonic()
            rounds = [_task_ms_per_s(tab, counter) for _ in range(TASK_ROUNDS)]
            counted, counted_s = updates[0], time.monotonic() - counting_s
        tab.page.wait_for_timeout(max(0.0, WATCHED_S - (time.monotonic() - began_s)) * 1_000)
        after = _counted(counter, collected=True)
        assert not tab.complaints, tab.complaints
    return {
        "task_ms_per_s": rounds,
        "updates_per_s": counted / counted_s,
        "heap_mb": [one["JSHeapUsedSize"] / MB for one in (before, after)],
        "nodes": [one["Nodes"] for one in (before, after)],
    }


def _task_ms_per_s(tab: Tab, counter: CDPSession) -> float:
    before_s, began = _counted(counter)["TaskDuration"], time.monotonic()
    tab.page.wait_for_timeout(TASKS_S * 1_000)
    return (_counted(counter)["TaskDuration"] - before_s) / (time.monotonic() - began) * 1_000


def _counted(counter: CDPSession, *, collected: bool = False) -> dict[str, float]:
    """Read Chromium's counters, after garbage was collected where that is asked for."""
    if collected:
        counter.send("HeapProfiler.collectGarbage")
    return {one["name"]: float(one["value"]) for one in counter.send("Performance.getMetrics")["metrics"]}


@contextlib.contextmanager
def _tab(chromium: Browser, home: TeamHome, token: str) -> Iterator[Tab]:
    tab = Tab(chromium, home.console.origin)
    try:
        if token:
            cookie = {"name": SESSION, "value": token, "url": home.console.origin, "httpOnly": True}
            tab.context.add_cookies([cookie])  # type: ignore[list-item]  # a TypedDict of Playwright's own
        yield tab
    finally:
        tab.close()


@contextlib.contextmanager
def _trading(home: TeamHome) -> Iterator[None]:
    """Let the busy account trade with the market makers until left: every order is a trade and changes the book."""
    ended = threading.Event()

    def trade() -> None:
        with (
            contextlib.closing(connect(admin_socket_path(home.home))) as socket,
            socket.makefile("rb") as lines,
        ):
            number = 0
            while not ended.wait(1 / ORDERS_PER_S):
                params = {
                    "symbol": "BTCUSDT", "side": ("BUY", "SELL")[number % 2], "type": "MARKET", "quantity": "0.001",
                }  # fmt: skip
                request = {
                    "op": "account.call",
                    "operation": "order.place",
                    "params": params,
                    "account": str(home.busy),
                }
                socket.sendall(json.dumps(request).encode() + b"\n")
                lines.readline()
                number += 1

    yield from _beside(trade, ended)


@contextlib.contextmanager
def _counting(home: TeamHome) -> Iterator[list[int]]:
    """Count the events that a viewer of the market is sent, over a connection of its own, until left."""
    ended, count = threading.Event(), [0]

    def read() -> None:
        connection = http.client.HTTPConnection(home.console.host, home.console.port, timeout=10)
        with contextlib.closing(connection):
            path = f"/market/events?symbol=BTCUSDT&interval=1m&account={home.busy}"
            connection.request("GET", path, headers={"cookie": f"{SESSION}={home.owner.token}"})
            answer = connection.getresponse()
            while not ended.is_set():
                count[0] += answer.readline().startswith(b"event:")

    for _ in _beside(read, ended):
        yield count


def _beside(work: Any, ended: threading.Event) -> Iterator[None]:
    """Run work on a thread of its own until left."""
    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join(20)
