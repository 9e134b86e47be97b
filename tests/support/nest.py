"""Where forked `watchword` processes come from: imports everything once, then forks one for every request. See `programs`.

Runs as `python -m tests.support.nest FD`. Starts no thread and opens no store, so that what it forks is as good as new.
"""

import array
import contextlib
import gc
import importlib
import json
import os
import runpy
import selectors
import signal
import socket
import struct
import sys
import time
from typing import Any, Final

#: What servers and commands import late; each is a part of a second that a forked one need not wait for.
WARM: Final = (
    "alembic.command",
    "rich.console",
    "rich.table",
    "sqlalchemy.dialects.sqlite",
    "uvloop",
    "watchword.bootstrap.console",
    "watchword.bootstrap.gateway",
    "watchword.bootstrap.testnet",
    "watchword.bootstrap.vault_host",
    "watchword.entrypoints.console.server",
    "watchword.entrypoints.gateway.server",
    "watchword.entrypoints.testnet.admin.listener",
    "watchword.entrypoints.testnet.server",
    "watchword.entrypoints.vault.listener",
    "watchword.entrypoints.vault.operations",
)
REQUEST_BYTES_MAX: Final = 1 << 20
#: Its three standard streams, and where its pid and its end are told.
FDS: Final = 4
NUMBER: Final = struct.Struct("<i")


def main(control: socket.socket) -> None:
    """Fork whatever is asked for until the other side is gone; in a fork, run the command and end as it does."""
    from watchword.entrypoints.cli.app import PARTS

    for module in (*WARM, *(f"watchword.entrypoints.cli.{part.module}" for part in PARTS.values())):
        # What cannot be imported is told by the process that needs it.
        with contextlib.suppress(Exception):
            importlib.import_module(module)
    gc.collect()
    gc.freeze()
    request = _serve(control)
    if request is not None:
        sys.argv = ["watchword", *request["words"]]
        runpy.run_module("watchword", run_name="__main__", alter_sys=True)


def _serve(control: socket.socket) -> dict[str, Any] | None:
    """Returns None at the end, and in a fork what it was asked to be."""
    born: dict[int, socket.socket] = {}
    with selectors.DefaultSelector() as ready:
        ready.register(control, selectors.EVENT_READ)
        while True:
            for key, _ in ready.select():
                if key.fileobj is not control:
                    pid = int(key.data)
                    ready.unregister(key.fileobj)
                    os.close(int(key.fd))
                    status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
                    with born.pop(pid) as told:
                        _tell(told, status)
                    continue
                message, fds = _received(control)
                if not message:
                    # Whoever is still there was forgotten, or the tests were broken off.
                    for pid in born:
                        os.kill(pid, signal.SIGTERM)
                    return None
                request: dict[str, Any] = json.loads(message)
                pid = os.fork()
                if pid == 0:
                    for other in born.values():
                        other.close()
                    _become(request, fds, ready, control)
                    return request
                for fd in fds[:3]:
                    os.close(fd)
                born[pid] = socket.socket(fileno=fds[3])
                _tell(born[pid], pid)
                ready.register(os.pidfd_open(pid), selectors.EVENT_READ, pid)


def _become(
    request: dict[str, Any], fds: list[int], ready: selectors.BaseSelector, control: socket.socket
) -> None:
    """Take on streams, folder and environment, and let go of everything of the nest."""
    for key in list(ready.get_map().values()):
        if key.fileobj is not control:
            os.close(int(key.fd))
    ready.close()
    control.close()
    signal.signal(signal.SIGINT, signal.default_int_handler)
    for number, fd in enumerate(fds[:3]):
        os.dup2(fd, number)
    for fd in fds:
        os.close(fd)
    os.chdir(request["folder"])
    os.environ.clear()
    os.environ.update(request["environment"])
    time.tzset()
    lines = 1 if os.environ.get("PYTHONUNBUFFERED") else -1
    sys.stdin = sys.__stdin__ = open(0, encoding="utf-8", closefd=False)  # type: ignore[misc]  # noqa: SIM115
    sys.stdout = sys.__stdout__ = open(1, "w", lines, encoding="utf-8", closefd=False)  # type: ignore[misc]  # noqa: SIM115
    sys.stderr = sys.__stderr__ = open(2, "w", 1, encoding="utf-8", errors="backslashreplace", closefd=False)  # type: ignore[misc]  # noqa: SIM115


def _received(control: socket.socket) -> tuple[bytes, list[int]]:
    size = array.array("i").itemsize * FDS
    message, extra, _, _ = control.recvmsg(REQUEST_BYTES_MAX, socket.CMSG_SPACE(size))
    fds = array.array("i")
    for level, kind, content in extra:
        if (level, kind) == (socket.SOL_SOCKET, socket.SCM_RIGHTS):
            fds.frombytes(content)
    return message, list(fds)


def _tell(told: socket.socket, number: int) -> None:
    try:
        told.sendall(NUMBER.pack(number))
    except OSError:
        # Nobody waits for it any more.
        return


if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    main(socket.socket(fileno=int(sys.argv[1])))
