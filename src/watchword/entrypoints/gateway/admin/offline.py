"""Virtual keys without a gateway: this process takes the gateway's lock, opens the trail, does one thing, and lets go.

HMAC keys cannot be made this way: nobody here can open the vault. Never listens.
"""

import asyncio
import os
from pathlib import Path
from typing import TYPE_CHECKING

from watchword.adapters.gateway_home import GatewayHome
from watchword.adapters.system import SystemClock, SystemEntropy
from watchword.bootstrap.audit_trail import SecondSink, prepare_trail
from watchword.bootstrap.key_desk import KeyDesk
from watchword.entrypoints.gateway.admin.listener import actor_name, answer
from watchword.entrypoints.gateway.admin.requests import write_request

if TYPE_CHECKING:
    from watchword.adapters.audit.durable_trail import DurableTrail
    from watchword.entrypoints.gateway.admin.requests import AnyRequest


class OfflineDesk:
    """The keys of a home, held by this process."""

    def __init__(self, home: Path, role: str, second: SecondSink | None = None) -> None:
        """Take the lock and open everything.

        Args:
            home: The home, absolute.
            role: Name of the command, for whoever finds the home locked meanwhile.
            second: The trail's second sink, if the home has one.

        Raises:
            HomeBusyError: A gateway runs, or another command.
            AuditUnavailable: Nothing can be recorded, so nothing may be changed.
            StorageError, ConfigurationError: A file cannot be used.
        """
        self._home = GatewayHome.acquire(home, role)
        self._runner = asyncio.Runner()
        self._trail: DurableTrail | None = None
        self._desk: KeyDesk | None = None
        try:
            trail = prepare_trail(home, SystemClock(), SystemEntropy(), second)
            self._runner.run(trail.start())
            self._trail = trail
            self._desk = KeyDesk.open(home, trail)
        except BaseException:
            self.close()
            raise

    def ask(self, request: "AnyRequest") -> bytes:
        """Carry out one request and return its answer line."""
        if self._desk is None:
            raise RuntimeError("closed")
        return self._runner.run(answer(self._desk, write_request(request), actor_name(os.geteuid())))

    def close(self) -> None:
        """Let everything go, the trail closed in order."""
        if self._desk is not None:
            self._desk.close()
            self._desk = None
        if self._trail is not None:
            self._runner.run(self._trail.stop())
            self._trail = None
        self._runner.close()
        self._home.release()


def look(home: Path, request: "AnyRequest") -> bytes:
    """Answer a request that only looks, from what is stored, beside whoever holds it."""
    desk = KeyDesk.to_read(home)
    try:
        return asyncio.run(answer(desk, write_request(request), ""))
    finally:
        desk.close()
