"""How a command reaches a testnet: through the admin socket of the running one, or by opening the home itself.

A home that is locked but not yet listening is just starting: it is waited for. Never prints.
"""

import asyncio
import contextlib
import threading
from collections.abc import Callable
from typing import Any, Final

import msgspec

from watchword.adapters.home import admin_socket_path
from watchword.adapters.system import monotonic_ns
from watchword.config import Settings
from watchword.entrypoints.cli.neighbour import Neighbour, result_of
from watchword.entrypoints.sockets.admin_socket import connect
from watchword.entrypoints.testnet.admin.requests import AnyRequest
from watchword.kernel.errors import ConfigurationError, HomeBusyError

#: How long a starting testnet is waited for.
START_NS_MAX: Final = 15_000_000_000
START_POLL_S: Final = 0.05
ANSWER_S_MAX: Final = 120.0

Ask = Callable[[AnyRequest], Any]


class RefusedError(Exception):
    """The testnet said no; the text says why."""


@contextlib.contextmanager
def administration(settings: Settings, role: str) -> Any:
    """Reach the testnet of a home.

    Args:
        settings: Whose `home`; the rest matters only when the home is new.
        role: Name of the command, for whoever finds the home locked meanwhile.

    Yields:
        A function from request to result. It raises RefusedError.

    Raises:
        HomeBusyError: Another command holds the home and does not let go.
    """
    deadline = monotonic_ns() + START_NS_MAX
    while True:
        with contextlib.suppress(OSError):
            with contextlib.closing(_running(settings)) as found:
                yield found.ask
            return
        try:
            offline = _Offline(settings, role)
        except HomeBusyError:
            if monotonic_ns() > deadline:
                raise
            threading.Event().wait(START_POLL_S)
            continue
        with contextlib.closing(offline):
            yield offline.ask
        return


def running(settings: Settings) -> bool:
    """Whether a testnet of this home is listening."""
    try:
        connect(admin_socket_path(settings.home)).close()
    except OSError:
        return False
    return True


def _running(settings: Settings) -> Neighbour[AnyRequest]:
    return Neighbour(admin_socket_path(settings.home), "the testnet", _line, RefusedError, ANSWER_S_MAX)


def _line(request: AnyRequest) -> bytes:
    return msgspec.json.encode(request) + b"\n"


class _Offline:
    """The home itself, held by this process."""

    def __init__(self, settings: Settings, role: str) -> None:
        from watchword.bootstrap.testnet import open_testnet

        self._runner = asyncio.Runner()
        self._testnet = open_testnet(settings, role=role)
        self._testnet.services.clear()
        self._runner.run(self._testnet.start())

    def ask(self, request: AnyRequest) -> Any:
        """Perform one request here."""
        # Here and not above: it brings the whole testnet, and every command would wait for that.
        from watchword.entrypoints.testnet.admin.listener import answer

        return result_of(self._runner.run(answer(self._testnet, msgspec.json.encode(request))), RefusedError)

    def close(self) -> None:
        self._runner.run(self._testnet.stop())
        self._runner.close()


def home_must_exist(settings: Settings) -> None:
    """Refuse commands that only look, where nothing is: they must not make a home.

    Raises:
        ConfigurationError: There is no testnet in this home.
    """
    if not (settings.home / "testnet").is_dir():
        raise ConfigurationError(
            f"there is no testnet in {settings.home}; start one with: watchword testnet serve"
        )
