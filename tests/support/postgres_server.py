"""A PostgreSQL server of the test's own, in a folder of its own, reachable through a socket file only."""

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Any, Self

READY_S_MAX = 30.0
USER = "watchword"
#: A server refuses to run as root; one of these has to do.
OTHER_USERS = ("postgres", "nobody")


def find_programs() -> Path | None:
    """Say where this machine's PostgreSQL programs are, where it has any."""
    named = shutil.which("initdb")
    if named is not None:
        return Path(named).resolve().parent
    installed = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    return installed[-1].parent if installed else None


class PostgresServer:
    """A running server."""

    def __init__(self, folder: Path, process: subprocess.Popen[bytes]) -> None:
        self._folder = folder
        self._process = process
        self._databases = 0

    @classmethod
    def start(cls, programs: Path) -> Self:
        # Not pytest's folder: its parents are closed to other users, and its path is too long for a socket.
        folder = Path(tempfile.mkdtemp(prefix="wwpg", dir="/tmp"))
        options = _as_someone_else(folder)
        data = str(folder / "data")
        subprocess.run(
            [programs / "initdb", "-D", data, "-U", USER, "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync"],
            check=True, capture_output=True, cwd=folder, timeout=60, **options,
        )  # fmt: skip
        process = subprocess.Popen(
            [programs / "postgres", "-D", data, "-k", folder, "-c", "listen_addresses=", "-c", "fsync=off"],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd=folder, **options,
        )  # fmt: skip
        server = cls(folder, process)
        server._wait()
        return server

    def new_database(self) -> str:
        """Make an empty database and return its address."""
        self._databases += 1
        name = f"accounts_{self._databases}"
        self.run("postgres", f"CREATE DATABASE {name}")
        return f"postgresql://{USER}@/{name}?host={self._folder}"

    def run(self, database: str, statement: str) -> list[tuple[Any, ...]]:
        """Execute one statement aside."""
        import psycopg

        address = f"host={self._folder} user={USER} dbname={database}"
        with psycopg.connect(address, autocommit=True) as connection:
            cursor = connection.execute(statement.encode())
            return cursor.fetchall() if cursor.description else []

    def stop(self) -> None:
        """End it and take its folder away."""
        self._process.send_signal(signal.SIGINT)
        try:
            self._process.wait(20)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        shutil.rmtree(self._folder, ignore_errors=True)

    def _wait(self) -> None:
        import psycopg

        ends = time.monotonic() + READY_S_MAX
        while True:
            try:
                self.run("postgres", "SELECT 1")
            except psycopg.OperationalError:
                if time.monotonic() > ends or self._process.poll() is not None:
                    self.stop()
                    raise
                time.sleep(0.05)
            else:
                return


def _as_someone_else(folder: Path) -> dict[str, Any]:
    """Let root start it as somebody else, to whom the folder then belongs."""
    if os.geteuid() != 0:
        return {}
    known = {entry.pw_name: entry for entry in pwd.getpwall()}
    someone = next(known[name] for name in OTHER_USERS if name in known)
    os.chown(folder, someone.pw_uid, someone.pw_gid)
    return {"user": someone.pw_uid, "group": someone.pw_gid, "extra_groups": []}
