"""Claim: every page of the console is answered within 50 ms, however much there is; the first one is small; the market keeps up.

Pages: a real console with a testnet, a gateway and a vault behind it, over a home as `_pages_fill` makes it. Every page of
the console's table is asked for as its owner over one kept connection from another process, so the time is that of the
whole answer: sessions, roles, neighbours, rendering and sockets. p95 over all calls of a page in the best of three
rounds, as other benches have it. What is no page is timed apart and judged by nothing: downloads and event streams to
their first bytes, and the proof of a whole trail.

First page: bytes of bodies as they come over the wire to a browser that takes gzip.

Market: the page in a headless Chromium while the testnet changes the book 20 times a second; the browser's own counter
of main-thread task time, and its heap at the beginning and the end of a minute.
"""

import http.client
import json
import re
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any, Final

from bench._pages_browser import watched_market
from bench._pages_home import TeamHome
from bench._pages_visits import DOWNLOADS, Place, page_places

KEYS: Final = 10_000
ROWS: Final = 1_000_000
ORDERS: Final = 11_000
ASKED: Final = 40
ROUNDS: Final = 3
P95_MS_MAX: Final = 50.0
FIRST_PAGE_BYTES_MAX: Final = 300_000
TASK_MS_PER_S_MAX: Final = 200.0
#: What the heap may grow by in a minute at the market, beyond what garbage comes and goes.
GROWTH_MB_MAX: Final = 5.0
"""


def run()
"""
