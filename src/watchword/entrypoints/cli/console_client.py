"""How a command reaches a running console: over the management API, where run.json says. Never prints.

TLS is verified; the authority of `watchword tls init` is trusted where it lies in the same home.
"""

import contextlib
import http.client
import ssl
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import msgspec

from watchword.adapters.console_home import read_run
from watchword.kernel.errors import ConfigurationError, StorageError

ANSWER_BYTES_MAX: Final = 4_194_304
ABOUT_PATH: Final = "/manage/v1/about"


class NoConsoleError(ConfigurationError):
    """No console runs in this home."""

    def __init__(self) -> None:
        super().__init__("no console runs here; start one with: watchword console serve")


def about(home: Path, answer_s: float) -> dict[str, Any]:
    """Ask a home's console what it is.

    Args:
        home: Absolute.
        answer_s: How long it may take.

    Raises:
        NoConsoleError: None runs.
        StorageError: It does not answer as one.
    """
    address = read_run(home).get("console", {}).get("api")
    if not isinstance(address, str):
        raise NoConsoleError
    parts = urlsplit(address)
    if parts.scheme == "https":
        context = ssl.create_default_context()
        authority = home / "tls" / "ca.pem"
        if authority.exists():
            context.load_verify_locations(authority)
        connection: http.client.HTTPConnection = http.client.HTTPSConnection(
            parts.netloc, timeout=answer_s, context=context
        )
    else:
        connection = http.client.HTTPConnection(parts.netloc, timeout=answer_s)
    with contextlib.closing(connection):
        try:
            connection.request("GET", ABOUT_PATH)
            answer = connection.getresponse()
            content = answer.read(ANSWER_BYTES_MAX)
        except ConnectionRefusedError:
            raise NoConsoleError from None
        except (OSError, http.client.HTTPException) as error:
            raise StorageError(
                f"the console at {address} does not answer ({type(error).__name__})"
            ) from error
    try:
        told: dict[str, Any] = msgspec.json.decode(content, type=dict[str, Any])
    except msgspec.MsgspecError:
        raise StorageError(f"what answers at {address} is no console") from None
    return told
