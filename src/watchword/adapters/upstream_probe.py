"""Single reads from one exchange over HTTPS, certificate verified. Never follows a redirect and never sends a change."""

import http.client
import ipaddress
import ssl
from typing import Final
from urllib.parse import urlsplit

from watchword.kernel.errors import ConfigurationError
from watchword.vault.checkup import ProbeAnswer, Unreachable

TIMEOUT_S: Final = 10.0
ANSWER_BYTES_MAX: Final = 1 << 20


class HttpProbe:
    """See `UpstreamProbe`."""

    def __init__(self, base: str) -> None:
        """Name the exchange.

        Args:
            base: Scheme, host and port; `http` only to this machine.

        Raises:
            ConfigurationError: It is no such address.
        """
        try:
            address = urlsplit(base)
            self._host, self._port = address.hostname or "", address.port
        except ValueError as error:
            raise ConfigurationError(f"{base!r} is not an address") from error
        self._tls = address.scheme == "https"
        if not self._host or address.scheme not in {"http", "https"} or address.path not in {"", "/"}:
            raise ConfigurationError(f"{base!r} is not the address of an exchange")
        if not self._tls and not _loopback(self._host):
            raise ConfigurationError(f"{base!r}: without TLS only an exchange on this machine is asked")

    def get(self, target: str, headers: dict[str, str]) -> ProbeAnswer | Unreachable:
        """See `UpstreamProbe.get`."""
        connection = (
            http.client.HTTPSConnection(
                self._host, self._port, timeout=TIMEOUT_S, context=ssl.create_default_context()
            )
            if self._tls
            else http.client.HTTPConnection(self._host, self._port, timeout=TIMEOUT_S)
        )
        try:
            connection.request("GET", target, headers={"Accept": "application/json", **headers})
            response = connection.getresponse()
            return ProbeAnswer(response.status, response.read(ANSWER_BYTES_MAX))
        except (OSError, http.client.HTTPException) as error:
            return Unreachable(f"{self._host} cannot be reached ({type(error).__name__})")
        finally:
            connection.close()


def _loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
