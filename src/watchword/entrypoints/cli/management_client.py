"""How a command calls the management API of a home's console: as whoever signed in, or with an API token. Never prints.

The session's token lies in `HOME/console/cli-session.json`, 0600, and is replaced at every step; an API token in
`WATCHWORD_TOKEN` (or `WATCHWORD_TOKEN_FILE`) goes before it. TLS is verified; the authority of `watchword tls init` is
trusted where it lies in the same home.
"""

import contextlib
import http.client
import re
import ssl
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, final
from urllib.parse import quote, urlencode, urlsplit

import msgspec

from watchword.adapters.console_home import console_folder, read_run
from watchword.entrypoints.cli.console_client import NoConsoleError
from watchword.kernel.errors import ConfigurationError, StorageError, WatchwordError
from watchword.kernel.secret import Secret
from watchword.storage.private_files import write_atomically

PREFIX: Final = "/manage/v1"
ANSWER_BYTES_MAX: Final = 16 << 20
ANSWER_S_MAX: Final = 200.0
SESSION_NAME: Final = "cli-session.json"
STALE_FACTOR: Final = "urn:watchword:problem:stale-factor"
NOT_SIGNED_IN: Final = "urn:watchword:problem:not-signed-in"
_TOKEN: Final = re.compile(r"[A-Za-z0-9_-]{1,256}")
_NO_CONTENT: Final = 204
_REFUSED_FROM: Final = 400


class ManagementRefusedError(WatchwordError):
    """The console said no.

    Attributes:
        problem: Problem details as answered (RFC 9457).
    """

    def __init__(self, problem: dict[str, Any]) -> None:
        self.problem = problem
        detail = str(problem.get("detail") or problem.get("title") or "refused")
        hint = {
            NOT_SIGNED_IN: "; sign in with: watchword login",
            STALE_FACTOR: "; show it with: watchword step-up",
        }.get(str(problem.get("type")), "")
        super().__init__(f"{detail}{hint}")


@final
class Management:
    """The management API of one home."""

    def __init__(self, home: Path, api_token: Secret | None = None) -> None:
        """Say whose; nothing is sent yet.

        Args:
            home: Absolute.
            api_token: Used instead of a session.

        Raises:
            NoConsoleError: No console runs in this home.
        """
        address = read_run(home).get("console", {}).get("api")
        if not isinstance(address, str):
            raise NoConsoleError
        self._home, self._parts, self._api_token = home, urlsplit(address), api_token

    def call(
        self,
        method: str,
        path: str,
        body: object | None = None,
        query: Mapping[str, object] | None = None,
        *,
        signed_in: bool = True,
    ) -> Any:
        """Call a route.

        Args:
            method: HTTP method.
            path: Below `/manage/v1`, escaped (see `at`).
            body: Sent as JSON; None sends none.
            query: Parameters; None and empty texts are left out.
            signed_in: Whether to send a token.

        Returns:
            The answer's JSON; None where there is no content.

        Raises:
            ManagementRefusedError: It said no.
            ConfigurationError: The token cannot be one.
            NoConsoleError: It does not run any more.
            StorageError: It does not answer as a console.
        """
        headers = {"accept": "application/json"}
        token = self._token() if signed_in else None
        if token:
            if not _TOKEN.fullmatch(token):
                raise ConfigurationError("the token has characters that no token has")
            headers["authorization"] = f"Bearer {token}"
        content = None
        if body is not None:
            headers["content-type"] = "application/json"
            content = msgspec.json.encode(body)
        given = {
            name: _text(value) for name, value in (query or {}).items() if value is not None and value != ""
        }
        target = f"{PREFIX}{path}" + (f"?{urlencode(given)}" if given else "")
        status, raw = self._exchanged(method, target, content, headers)
        if status == _NO_CONTENT:
            return None
        try:
            answer = msgspec.json.decode(raw)
        except msgspec.MsgspecError:
            raise StorageError(f"what answers at {self._parts.netloc} is no console") from None
        if status >= _REFUSED_FROM:
            raise ManagementRefusedError(answer if isinstance(answer, dict) else {})
        return answer

    def _token(self) -> str | None:
        if self._api_token is not None:
            return self._api_token.reveal().decode("utf-8", "replace")
        return self.session_token()

    def session_token(self) -> str | None:
        """Return the token of whoever signed in here; None where nobody did."""
        try:
            kept = msgspec.json.decode(self._session_path.read_bytes(), type=dict[str, str])
        except (OSError, msgspec.MsgspecError):
            return None
        return kept.get("token")

    def keep_session(self, token: str) -> None:
        """Keep the token of a session for the commands to come."""
        write_atomically(self._session_path, msgspec.json.encode({"token": token}))

    def forget_session(self) -> None:
        """Forget it."""
        self._session_path.unlink(missing_ok=True)

    @property
    def _session_path(self) -> Path:
        return console_folder(self._home) / SESSION_NAME

    def _exchanged(
        self, method: str, target: str, content: bytes | None, headers: dict[str, str]
    ) -> tuple[int, bytes]:
        with contextlib.closing(self._connection()) as connection:
            try:
                connection.request(method, target, content, headers)
                answer = connection.getresponse()
                return answer.status, answer.read(ANSWER_BYTES_MAX)
            except ConnectionRefusedError:
                raise NoConsoleError from None
            except (OSError, http.client.HTTPException) as error:
                raise StorageError(f"the console does not answer ({type(error).__name__})") from error

    def _connection(self) -> http.client.HTTPConnection:
        if self._parts.scheme != "https":
            return http.client.HTTPConnection(self._parts.netloc, timeout=ANSWER_S_MAX)
        context = ssl.create_default_context()
        authority = self._home / "tls" / "ca.pem"
        if authority.exists():
            context.load_verify_locations(authority)
        return http.client.HTTPSConnection(self._parts.netloc, timeout=ANSWER_S_MAX, context=context)


def at(*parts: str) -> str:
    """Write a path of the API: every second part is a value and is escaped.

    Raises:
        ConfigurationError: A value is empty, which would name another route.
    """
    if not all(parts[1::2]):
        raise ConfigurationError("a name must not be empty")
    return "".join(quote(part, safe="") if number % 2 else part for number, part in enumerate(parts))


def _text(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
