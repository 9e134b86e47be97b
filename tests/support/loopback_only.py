"""Keeps a test process on loopback: any other connect or name look-up raises and is remembered.

It listens to the interpreter's audit events, so it sees what every library does, blocking or not. An audit hook cannot
be taken out again; outside `loopback_only()` it does nothing.
"""

import ipaddress
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

LOCAL_NAMES: Final = frozenset({"", "localhost", "ip6-localhost"})


class OutsideLoopbackError(OSError):
    """A test tried to leave this machine."""


_attempts: list[str] | None = None
_hooked = False


@contextmanager
def loopback_only() -> Iterator[list[str]]:
    """Forbid the network inside the block.

    Yields:
        The hosts something tried to reach, filled as it happens: a client that swallows the refusal is still caught.
    """
    global _attempts, _hooked  # noqa: PLW0603 - there is one audit hook per process, and it cannot carry state
    if not _hooked:
        sys.addaudithook(_watch)
        _hooked = True
    before, _attempts = _attempts, []
    try:
        yield _attempts
    finally:
        _attempts = before


def _watch(event: str, arguments: tuple[object, ...]) -> None:
    if _attempts is None:
        return
    if event in {"socket.connect", "socket.sendto"}:
        address = arguments[1]
        if isinstance(address, tuple) and not _is_local(address[0]):
            _refuse(address[0])
    elif event in {"socket.getaddrinfo", "socket.gethostbyname"} and not _is_local(arguments[0]):
        _refuse(arguments[0])


def _is_local(host: object) -> bool:
    name = host.decode() if isinstance(host, bytes) else host
    if name is None or name in LOCAL_NAMES:
        return True
    try:
        return ipaddress.ip_address(str(name)).is_loopback
    except ValueError:
        return False


def _refuse(host: object) -> None:
    if _attempts is not None:
        _attempts.append(str(host))
    raise OutsideLoopbackError(f"no network in tests: {host}")
