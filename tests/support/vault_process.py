"""A real `watchword vault host` process, and the command line in this process. Stops what it started, by pid."""

import asyncio
import contextlib
import functools
import json
import os
import signal
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final
from unittest import mock

from tests.support import programs
from tests.support.vaults import cheap_host
from typer import testing as typer_testing
from typer.testing import CliRunner

from watchword.adapters.hardening import Hardening
from watchword.audit.trail import AuditTrail
from watchword.bootstrap import vault_host
from watchword.bootstrap.vault_host import VaultHost
from watchword.entrypoints.cli.app import app
from watchword.entrypoints.vault.listener import listening

READY_WAIT_S: Final = 20.0
STOP_WAIT_S: Final = 10.0
POLL_S: Final = 0.02
#: Building the tree of commands takes longer than most commands do; it is built once.
typer_testing._get_command = functools.cache(typer_testing._get_command)  # type: ignore[attr-defined]
_NOT_HARDENED: Final = Hardening(False, False, False, ("in a test's own process",))


class Told:
    """What a command said.

    Attributes:
        code: Exit status.
        out, err: What it printed.
    """

    def __init__(self, code: int, out: str, err: str) -> None:
        self.code = code
        self.out = out
        self.err = err

    @property
    def json(self) -> Any:
        """Standard output as JSON."""
        return json.loads(self.out)


class VaultUser:
    """Somebody at a terminal, with one home.

    Attributes:
        home: The home.
        said: Everything any command printed.
    """

    def __init__(self, home: Path) -> None:
        self.home = home
        self.said: list[str] = []

    def run(self, *words: str | Path, stdin: bytes = b"", fails: bool = False) -> Told:
        """Run a command in this process and check how it ended.

        Args:
            words: After `watchword`, without --home.
            stdin: What it reads.
            fails: Whether it must end with status 1.
        """
        # A command that holds the vault itself hardens its process; in this one that could not be undone.
        with mock.patch.object(vault_host, "harden", return_value=_NOT_HARDENED):
            result = CliRunner().invoke(app, [*map(str, words), "--home", str(self.home)], input=stdin)
        self.said += [result.stdout, result.stderr]
        assert result.exception is None or isinstance(result.exception, SystemExit), result.exc_info
        assert result.exit_code == (1 if fails else 0), (words, result.stdout, result.stderr)
        return Told(result.exit_code, result.stdout, result.stderr)

    @contextlib.contextmanager
    def hosting(self, *options: str, environment: Mapping[str, str] | None = None) -> Iterator["HostProcess"]:
        """Run the vault's process meanwhile."""
        process = HostProcess(self.home, options, environment or {})
        try:
            process.wait_until_ready()
            yield process
        finally:
            process.stop()
            self.said.append(process.log())

    @contextlib.contextmanager
    def hosted_here(self, trail: AuditTrail | None = None) -> Iterator[VaultHost]:
        """Hold the vault in a thread of this process meanwhile: no start to wait for, and cheap passphrases.

        Args:
            trail: Records changes.
        """
        host = cheap_host(self.home)
        loop, ready = asyncio.new_event_loop(), threading.Event()
        ended: asyncio.Future[None] = loop.create_future()

        async def serve() -> None:
            async with listening(host, trail):
                ready.set()
                await ended

        thread = threading.Thread(target=lambda: loop.run_until_complete(serve()))
        thread.start()
        try:
            assert ready.wait(READY_WAIT_S)
            yield host
        finally:
            loop.call_soon_threadsafe(ended.set_result, None)
            thread.join(STOP_WAIT_S)
            loop.close()
            host.close()


class HostProcess:
    """One `watchword vault host`."""

    def __init__(self, home: Path, options: Sequence[str], environment: Mapping[str, str]) -> None:
        self._log = home.parent / f"{home.name}-host-{len(list(home.parent.glob('*-host-*.log')))}.log"
        with self._log.open("xb") as log:
            self._process = programs.start(
                ("vault", "host", "--home", home, *options),
                log,
                {**os.environ, "PYTHONUNBUFFERED": "1", **environment},
            )
        self._socket = home / "vault" / "admin.sock"

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._process.pid

    def log(self) -> str:
        """What it printed."""
        return self._log.read_text(encoding="utf-8", errors="replace")

    def wait_until_ready(self) -> None:
        """Wait until it says that it answers."""
        deadline = time.monotonic() + READY_WAIT_S
        while "ready" not in self.log() or not self._socket.exists():
            if self._process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"the vault's process is not ready:\n{self.log()}")
            time.sleep(POLL_S)

    def wait_ended(self) -> int:
        """Wait until it ended by itself or by a signal, and return its status."""
        return self._process.wait(STOP_WAIT_S)

    def kill(self) -> None:
        """kill -9."""
        self._process.kill()
        self._process.wait(STOP_WAIT_S)

    def stop(self) -> None:
        """Ask it to end, as Ctrl-C does."""
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGTERM)
            self._process.wait(STOP_WAIT_S)
