"""How a command reaches a home's virtual keys: through the running gateway, or by opening them itself. Never prints.

A gateway that holds its lock but does not listen yet is just starting: it is waited for.
"""

import contextlib
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from watchword.adapters.gateway_home import gateway_socket_path
from watchword.adapters.system import monotonic_ns
from watchword.entrypoints.cli.neighbour import Neighbour, result_of
from watchword.entrypoints.gateway.admin.requests import ListKeys, ShowKey, write_request
from watchword.kernel.errors import ConfigurationError, HomeBusyError, WatchwordError

if TYPE_CHECKING:
    from watchword.bootstrap.audit_trail import SecondSink
    from watchword.entrypoints.gateway.admin.offline import OfflineDesk
    from watchword.entrypoints.gateway.admin.requests import AnyRequest

#: How long a starting gateway is waited for.
START_NS_MAX: Final = 15_000_000_000
START_POLL_S: Final = 0.05
ANSWER_S_MAX: Final = 60.0

Ask = Callable[["AnyRequest"], dict[str, Any]]


class KeyRefusedError(WatchwordError):
    """It was refused; the text says why."""


class NoGatewayError(ConfigurationError):
    """No gateway runs in this home."""

    def __init__(self, home: Path) -> None:
        super().__init__(f"no gateway runs in {home}; start it with: watchword gateway serve")


@contextlib.contextmanager
def administration(home: Path, role: str) -> Iterator[Ask]:
    """Reach the virtual keys of a home to change them.

    Args:
        home: Absolute.
        role: Name of the command, for whoever finds the home locked meanwhile.

    Yields:
        A function from request to the answer's fields. It raises KeyRefusedError.

    Raises:
        HomeBusyError: Another command holds the home and does not let go.
    """
    deadline = monotonic_ns() + START_NS_MAX
    while True:
        running = _running(home)
        if running is not None:
            with contextlib.closing(running):
                yield running.ask
            return
        # Late: it brings the vault, the trail and the policies along.
        from watchword.entrypoints.gateway.admin.offline import OfflineDesk

        try:
            offline = OfflineDesk(home, role, _second_sink(home))
        except HomeBusyError:
            if monotonic_ns() > deadline:
                raise
            threading.Event().wait(START_POLL_S)
            continue
        with contextlib.closing(offline):
            yield _Offline(offline).ask
        return


@contextlib.contextmanager
def running_gateway(home: Path) -> Iterator[Ask]:
    """Reach the running gateway of a home, and nothing else.

    Raises:
        NoGatewayError: None runs.
    """
    running = _running(home)
    if running is None:
        raise NoGatewayError(home)
    with contextlib.closing(running):
        yield running.ask


def look(home: Path, request: ListKeys | ShowKey) -> dict[str, Any]:
    """Ask something that changes nothing: the running gateway, else what is stored.

    Raises:
        KeyRefusedError: There is no such key.
        StorageError: What is stored cannot be read.
    """
    running = _running(home)
    if running is None:
        from watchword.entrypoints.gateway.admin import offline

        return _fields(result_of(offline.look(home, request), KeyRefusedError))
    with contextlib.closing(running):
        return _fields(running.ask(request))


class _Offline:
    """Keys this process holds itself."""

    def __init__(self, desk: "OfflineDesk") -> None:
        self._desk = desk

    def ask(self, request: "AnyRequest") -> dict[str, Any]:
        """Carry out one request here."""
        return _fields(result_of(self._desk.ask(request), KeyRefusedError))


def _second_sink(home: Path) -> "SecondSink | None":
    from watchword.bootstrap.audit_trail import read_second_sink
    from watchword.config import read_gateway_settings

    said = read_gateway_settings(home=home).second_sink
    return read_second_sink(said) if said else None


def _running(home: Path) -> "Neighbour[AnyRequest] | None":
    try:
        return Neighbour(
            gateway_socket_path(home), "the gateway", write_request, KeyRefusedError, ANSWER_S_MAX
        )
    except OSError:
        return None


def _fields(result: Any) -> dict[str, Any]:
    fields: dict[str, Any] = result
    return fields
