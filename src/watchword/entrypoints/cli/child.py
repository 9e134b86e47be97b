"""Runs one command as a child: signals passed on, output masked unless a terminal shows it, its status returned.

Never starts a shell. Signals the terminal itself sent are not passed on: the child got them too.
"""

import contextlib
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Final

from watchword.entrypoints.cli.masking import Mask
from watchword.kernel.errors import ConfigurationError

READ_BYTES_MAX: Final = 65_536
#: How long output of what the child left behind is waited for.
DRAIN_S_MAX: Final = 2.0
SIGNALLED: Final = 128
_PASSED_ON: Final = frozenset(
    (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT, signal.SIGUSR1, signal.SIGUSR2)
)
_STDOUT: Final = 1
_STDERR: Final = 2


def run(
    command: Sequence[str],
    environment: Mapping[str, str],
    secrets: Iterable[str],
    tend: Callable[[], float],
) -> int:
    """Run a command to its end.

    Args:
        command: Program and arguments; the program is looked up in PATH.
        environment: All of the child's.
        secrets: What its output must not show, where that is not a terminal.
        tend: Called now and then while it runs; returns after how many seconds it wants to be called again.

    Returns:
        The child's status; 128 and the signal's number where a signal ended it.

    Raises:
        ConfigurationError: The program cannot be started.
    """
    waited = _PASSED_ON | {signal.SIGCHLD}
    before = signal.pthread_sigmask(signal.SIG_BLOCK, waited)
    pumps: list[threading.Thread] = []
    try:
        child = _spawn(command, environment, tuple(secrets), before, pumps)
        return _wait(child, waited, tend)
    finally:
        for pump in pumps:
            pump.join(DRAIN_S_MAX)
        # What arrived meanwhile was meant for the child, which is gone.
        while signal.sigtimedwait(waited, 0) is not None:
            pass
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _spawn(
    command: Sequence[str],
    environment: Mapping[str, str],
    secrets: tuple[str, ...],
    mask: Iterable[int],
    pumps: list[threading.Thread],
) -> int:
    """Start the child with the signal mask this process had, and pumps on the streams that must be masked."""
    actions: list[tuple[int, int, int]] = []
    theirs: list[int] = []
    ours: list[tuple[int, int]] = []
    for stream, shown in ((_STDOUT, sys.stdout), (_STDERR, sys.stderr)):
        if not shown.isatty():
            reading, writing = os.pipe()
            actions.append((os.POSIX_SPAWN_DUP2, writing, stream))
            theirs.append(writing)
            ours.append((reading, stream))
    sys.stdout.flush()
    sys.stderr.flush()
    try:
        child = os.posix_spawnp(
            command[0],
            list(command),
            dict(environment),
            file_actions=actions,
            setsigmask=list(mask),
            setsigdef=[signal.SIGPIPE, signal.SIGXFSZ],
        )
    except (OSError, ValueError) as error:
        for reading, _ in ours:
            os.close(reading)
        reason = error.strerror if isinstance(error, OSError) else str(error)
        raise ConfigurationError(f"cannot run {command[0]!r}: {reason}") from error
    finally:
        for writing in theirs:
            os.close(writing)
    for reading, stream in ours:
        pump = threading.Thread(target=_pump, args=(reading, stream, Mask(secrets)), daemon=True)
        pump.start()
        pumps.append(pump)
    return child


def _wait(child: int, waited: Iterable[int], tend: Callable[[], float]) -> int:
    due_s = tend()
    while True:
        ended, status = os.waitpid(child, os.WNOHANG)
        if ended:
            code = os.waitstatus_to_exitcode(status)
            return code if code >= 0 else SIGNALLED - code
        found = signal.sigtimedwait(waited, due_s)
        if found is None:
            due_s = tend()
        # A positive si_code is the kernel's: the terminal told the whole group, the child included.
        elif found.si_signo != signal.SIGCHLD and found.si_code <= 0:
            with contextlib.suppress(ProcessLookupError):
                os.kill(child, found.si_signo)


def _pump(reading: int, stream: int, mask: Mask) -> None:
    """Pass output on until its end, masked. Where nobody reads, the child's next write fails, as it would have."""
    try:
        while chunk := os.read(reading, READ_BYTES_MAX):
            _write(stream, mask.feed(chunk))
        _write(stream, mask.rest())
    except OSError:
        pass
    finally:
        os.close(reading)


def _write(stream: int, content: bytes) -> None:
    while content:
        content = content[os.write(stream, content) :]
