"""Closes the usual ways of reading a process's memory from outside: core files, debuggers of the same user, swap.

What it cannot do: keep root out, or wipe what Python copied. Never fails: what the system refuses is reported.

Source: prctl(2), mlockall(2), getrlimit(2).
"""

import ctypes
import re
import resource
from pathlib import Path
from typing import Final

import msgspec

_PR_GET_DUMPABLE: Final = 3
_PR_SET_DUMPABLE: Final = 4
_MCL_CURRENT: Final = 1
_MCL_FUTURE: Final = 2
#: Lock pages when they are first touched, not all that is mapped.
_MCL_ONFAULT: Final = 4
#: Source: capabilities(7); with it the limit does not hold.
_CAP_IPC_LOCK: Final = 1 << 14


class Hardening(msgspec.Struct, frozen=True):
    """What was achieved.

    Attributes:
        core_dumps_off: The kernel writes no core file.
        not_dumpable: Other processes of the same user cannot attach or read `/proc/PID/mem` and `environ`.
        memory_locked: Nothing of this process goes to swap.
        notes: Why something was not achieved.
    """

    core_dumps_off: bool
    not_dumpable: bool
    memory_locked: bool
    notes: tuple[str, ...] = ()


def harden() -> Hardening:
    """Harden this process as far as the system lets it."""
    notes: list[str] = []
    libc = ctypes.CDLL(None, use_errno=True)
    return Hardening(_no_core(notes), _not_dumpable(libc, notes), _locked(libc, notes), tuple(notes))


def _no_core(notes: list[str]) -> bool:
    try:
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    except (OSError, ValueError) as error:
        notes.append(f"core dumps could not be switched off: {error}")
        return False
    return True


def _not_dumpable(libc: ctypes.CDLL, notes: list[str]) -> bool:
    try:
        libc.prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0)
        if libc.prctl(_PR_GET_DUMPABLE, 0, 0, 0, 0) == 0:
            return True
    except AttributeError:
        pass
    notes.append("this system has no prctl, so processes of the same user can attach")
    return False


def _locked(libc: ctypes.CDLL, notes: list[str]) -> bool:
    """Lock memory only where no limit holds: under one, a later allocation would fail instead."""
    soft, hard = resource.getrlimit(resource.RLIMIT_MEMLOCK)
    if hard == resource.RLIM_INFINITY and soft != hard:
        resource.setrlimit(resource.RLIMIT_MEMLOCK, (hard, hard))
        soft = hard
    if soft != resource.RLIM_INFINITY and not _may_lock():
        notes.append(
            f"memory is not locked: the limit is {soft} bytes (LimitMEMLOCK=infinity, ulimit -l unlimited)"
        )
        return False
    try:
        failed = libc.mlockall(_MCL_CURRENT | _MCL_FUTURE | _MCL_ONFAULT) != 0
    except AttributeError:
        failed = True
    if failed:
        notes.append(f"memory is not locked: mlockall failed with error {ctypes.get_errno()}")
    return not failed


def _may_lock() -> bool:
    """Whether this process may lock as much as it likes."""
    try:
        found = re.search(
            r"^CapEff:\s*([0-9a-f]+)$", Path("/proc/self/status").read_text("ascii"), re.MULTILINE
        )
    except (OSError, ValueError):
        return False
    return found is not None and bool(int(found[1], 16) & _CAP_IPC_LOCK)
