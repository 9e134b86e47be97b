"""A server's certificate reaches OpenSSL without a file."""

import os
import ssl
from pathlib import Path

from watchword.adapters.certificates import DAY_US, Authority
from watchword.adapters.server_context import server_context
from watchword.adapters.system import SystemClock
from watchword.gateway.certificate_names import Names

NAMES = Names(("localhost",))


def test_context_speaks_nothing_older_than_tls_1_2() -> None:
    assert _context().minimum_version is ssl.TLSVersion.TLSv1_2


def test_no_descriptor_is_left_open() -> None:
    before = len(os.listdir("/proc/self/fd"))  # noqa: PTH208 - a count is wanted, of the moment
    for _ in range(20):
        _context()
    assert len(list(Path("/proc/self/fd").iterdir())) <= before + 1


def _context() -> ssl.SSLContext:
    now_us = SystemClock().now_us()
    return server_context(Authority.make("a", NAMES, now_us, 2).issue(NAMES, now_us, DAY_US))
