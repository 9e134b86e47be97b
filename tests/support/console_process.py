"""A real `watchword console serve`, and people who use it over HTTP. Stops what it started, by pid."""

import http.client
import json
import os
import signal
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final, Self
from urllib.parse import urlencode

import pyotp
from tests.support import programs

READY_WAIT_S: Final = 40.0
STOP_WAIT_S: Final = 20.0
COMMAND_WAIT_S: Final = 60.0
POLL_S: Final = 0.02
PASSWORD: Final = "correct horse battery staple"
#: So that tests meet rate limits only where they look for them.
ROOMY: Final = ("--limits-scale", "100")


class Answered:
    """What the API said.

    Attributes:
        status: HTTP status.
        headers: Names in lower case.
        body: As sent.
    """

    def __init__(self, status: int, headers: dict[str, str], body: bytes) -> None:
        self.status, self.headers, self.body = status, headers, body

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def code(self) -> str:
        """Of the problem; empty where it is none."""
        kind = self.json.get("type", "") if self.body else ""
        return str(kind).rpartition(":")[2]


class Member:
    """Somebody with an authenticator app.

    Attributes:
        token: Of the session, or empty.
        seed: Of the app, base32.
    """

    def __init__(self, console: "ConsoleProcess", name: str) -> None:
        self.console, self.name = console, name
        self.token = self.seed = ""
        self._last_step = 0

    def call(self, method: str, path: str, body: Any = None) -> Answered:
        """Call the API as this person."""
        return self.console.call(method, path, self.token, body)

    def audit_rows(self, rows_max: int = 200, **wanted: str) -> list[dict[str, Any]]:
        """What the trails have, newest first: a page may be short and go on, so this goes on as well."""
        rows: list[dict[str, Any]] = []
        after: str | None = ""
        while after is not None and len(rows) < rows_max:
            page = self.call(
                "GET", f"/audit?{urlencode({**wanted, 'limit': rows_max - len(rows), 'after': after})}"
            )
            assert page.status == 200, page.body
            assert page.json["mismatched"] == 0
            rows += page.json["items"]
            after = page.json["next"]
        return rows

    def enrol(self, enrolment: str, password: str = PASSWORD) -> Self:
        """Set password and app; signed in afterwards."""
        opened = self.console.call("POST", "/enrolment", "", {"token": enrolment, "password": password})
        assert opened.status == 201, opened.body
        self.token = opened.json["token"]
        started = self.call("POST", "/self/factors/apps", {"label": "phone"})
        assert started.status == 201, started.body
        self.seed = pyotp.parse_uri(started.json["uri"]).secret
        path = f"/self/factors/apps/{started.json['id']}/confirmation"
        added = self.call("POST", path, {"code": self.code()})
        assert added.status == 200, added.body
        self.token = added.json["token"]
        return self

    def sign_in(self, password: str = PASSWORD) -> Self:
        """Sign in with password and app."""
        first = self.console.call("POST", "/sign-in", "", {"login": self.name, "password": password})
        assert first.status == 200, first.body
        self.token = first.json["token"]
        return self._show("/sign-in/factor")

    def step_up(self) -> Self:
        """Show the app again."""
        return self._show("/step-up")

    def code(self) -> str:
        """Return a code that was not used yet; a used step is refused, so it may be the next step's."""
        step = max(int(time.time()) // 30, self._last_step + 1)
        while step > int(time.time()) // 30 + 1:
            time.sleep(POLL_S)
        self._last_step = step
        return str(pyotp.TOTP(self.seed).generate_otp(step))

    def _show(self, path: str) -> Self:
        shown = self.call("POST", path, {"attempt": {"type": "totp", "code": self.code()}})
        assert shown.status == 200, shown.body
        self.token = shown.json["token"]
        return self


class ConsoleProcess:
    """One `watchword console serve`."""

    def __init__(self, home: Path, options: Sequence[str], environment: dict[str, str] | None = None) -> None:
        self.home = home
        self._log = home.parent / f"{home.name}-console-{len(list(home.parent.glob('*-console-*.log')))}.log"
        with self._log.open("xb") as log:
            self._process = programs.start(
                ("console", "serve", "--home", home, "--port", "0", *options),
                log,
                {**os.environ, "PYTHONUNBUFFERED": "1", **(environment or {})},
            )
        self.host, self.port, self.origin = "127.0.0.1", 0, ""

    @classmethod
    def start(cls, home: Path, *options: str, environment: dict[str, str] | None = None) -> Self:
        """Start a console and wait until it says that it is ready."""
        process = cls(home, options or ROOMY, environment)
        try:
            process._wait_until_ready()
        except BaseException:
            process.kill()
            raise
        return process

    @property
    def pid(self) -> int:
        return self._process.pid

    def call(
        self, method: str, path: str, token: str = "", body: Any = None, headers: dict[str, str] | None = None
    ) -> Answered:
        """Send one request over a connection of its own."""
        sent = dict(headers or {})
        if token:
            sent["authorization"] = f"Bearer {token}"
        content = None
        if body is not None:
            content, sent["content-type"] = json.dumps(body).encode(), "application/json"
        connection = http.client.HTTPConnection(self.host, self.port, timeout=COMMAND_WAIT_S)
        try:
            connection.request(method, f"/manage/v1{path}", content, sent)
            answer = connection.getresponse()
            told = {name.lower(): value for name, value in answer.getheaders()}
            return Answered(answer.status, told, answer.read())
        finally:
            connection.close()

    def invite(self, by: Member, name: str, role: str) -> Member:
        """Invite somebody and have them enrol; `by` shows a fresh factor where theirs is old."""
        draft = {"name": name, "mail": f"{name}@example.org", "role": role}
        made = by.call("POST", "/people", draft)
        assert made.status == 201, made.body
        return Member(self, name).enrol(made.json["enrolment"])

    def log(self) -> str:
        return self._log.read_text(encoding="utf-8", errors="replace")

    def stop(self) -> int:
        """Ask it to end, as Ctrl-C does; returns its exit status."""
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGTERM)
        try:
            return self._process.wait(STOP_WAIT_S)
        except subprocess.TimeoutExpired:
            self.kill()
            raise

    def kill(self) -> None:
        """kill -9."""
        if self._process.poll() is None:
            self._process.kill()
        self._process.wait(STOP_WAIT_S)

    def _wait_until_ready(self) -> None:
        deadline = time.monotonic() + READY_WAIT_S
        while "Console ready" not in self.log():
            if self._process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"the console is not ready:\n{self.log()}")
            time.sleep(POLL_S)
        found = json.loads((self.home / "console" / "run.json").read_bytes())["console"]
        self.origin = found["origin"]
        self.host, _, port = found["api"].rpartition("/")[2].partition(":")
        self.port = int(port)


def run(home: Path, *words: str, fails: bool = False) -> Any:
    """Run a command with --json and return what it printed."""
    printed = _printed(home, words, fails)
    return json.loads(printed) if printed.strip() else {}


def run_lines(home: Path, *words: str) -> list[Any]:
    """Run a command that prints one JSON document per line."""
    return [json.loads(line) for line in _printed(home, words, fails=False).splitlines()]


def founded(home: Path, name: str = "olga") -> str:
    """Make the first owner; returns the enrolment token."""
    made = run(home, "console", "init", "--name", name, "--mail", f"{name}@example.org")
    return str(made["enrolment"])


def _printed(home: Path, words: Sequence[str], fails: bool) -> bytes:
    done = programs.command(*words, "--home", home, "--json")
    if bool(done.returncode) != fails:
        raise RuntimeError(f"{words}: {done.returncode}\n{done.stdout.decode()}\n{done.stderr.decode()}")
    return done.stdout
