"""Is this request meant for us? The Host header against the names and addresses the gateway goes by. Resolves nothing.

Why: a web page that points a name of its own at 127.0.0.1 could otherwise speak to the gateway as if from this machine.
And a page of elsewhere needs no name: it can spend the address's request weight without reading an answer, so what a
browser sends for such a page is told by the headers browsers add.
"""

import ipaddress
from collections.abc import Iterable, Mapping
from typing import Final

#: Host headers found good, remembered so that a bot's header is looked at once.
REMEMBERED_MAX: Final = 256
HOST_BYTES_MAX: Final = 261
ORIGIN: Final = b"origin"
FETCH_SITE: Final = b"sec-fetch-site"
#: What browsers say of requests that no page of elsewhere made.
_NO_OTHER_PAGE: Final = frozenset((b"none", b"same-origin"))
_ALWAYS: Final = ("localhost", "127.0.0.1", "::1")


class HostNames:
    """The names of one listening socket."""

    def __init__(self, bound: str, allowed: Iterable[str]) -> None:
        """Take the address listened on and what else is allowed.

        Args:
            bound: As bound. Every address of the machine is good where all are listened on: a page can make up names,
                not addresses.
            allowed: Further names or addresses, without ports.
        """
        self._any_address = _is_unspecified(bound)
        self._names = {_plain(name) for name in (*_ALWAYS, bound, *allowed) if name}
        self._remembered: set[bytes] = set()

    def accept(self, host: bytes | None) -> bool:
        """Say whether a Host header names this gateway; the port does not matter."""
        if host in self._remembered:
            return True
        if host is None or len(host) > HOST_BYTES_MAX or not host.isascii():
            return False
        name = _plain(_without_port(host.decode("ascii")))
        if name not in self._names and not (self._any_address and _is_address(name)):
            return False
        if len(self._remembered) < REMEMBERED_MAX:
            self._remembered.add(host)
        return True

    def accept_page(self, headers: Mapping[bytes, bytes]) -> bool:
        """Say whether a request comes from a program, as bots' do, or from a page of this gateway's own names.

        Args:
            headers: Those that were kept, lower case.
        """
        origin = headers.get(ORIGIN)
        if origin is not None:
            # Some WebSocket libraries send it too, with the host they connect to.
            return self.accept(origin.partition(b"://")[2])
        site = headers.get(FETCH_SITE)
        return site is None or site in _NO_OTHER_PAGE


def _without_port(host: str) -> str:
    if host.startswith("["):
        inside, closed, port = host[1:].partition("]")
        return inside if closed and (not port or port[1:].isdigit()) else ""
    name, colon, port = host.partition(":")
    return name if not colon or port.isdigit() else ""


def _plain(name: str) -> str:
    return name.strip("[]").rstrip(".").lower()


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


def _is_unspecified(name: str) -> bool:
    try:
        return ipaddress.ip_address(name).is_unspecified
    except ValueError:
        return False
