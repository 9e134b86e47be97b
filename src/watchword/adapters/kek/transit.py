"""A KEK source: the transit engine of HashiCorp Vault or OpenBao. The key never leaves it; the KEK is wrapped there.

Plain HTTP API, no client library. Never follows a redirect, never sends the token over an unencrypted connection
except to this machine itself.

Source: the transit secrets engine's HTTP API, "Encrypt data" and "Decrypt data" (`plaintext`, `ciphertext` and
`associated_data` in base64; keys of an AEAD type such as aes256-gcm96).
"""

import base64
import http.client
import ipaddress
import json
import re
import ssl
from typing import Any, Final
from urllib.parse import SplitResult, quote, urlsplit

from watchword.kernel.errors import ConfigurationError
from watchword.kernel.secret import Secret
from watchword.vault.kek import KekDescription, KekRefused, KekUnavailableError

TIMEOUT_S: Final = 10.0
ANSWER_BYTES_MAX: Final = 1 << 20
_NAME: Final = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,200}(?:/[A-Za-z0-9_][A-Za-z0-9_.-]{0,200})*")
_OK: Final = 200
_BAD_REQUEST: Final = 400


class TransitSource:
    """See `KekSource`."""

    def __init__(
        self,
        settings: dict[str, str],
        token: Secret | None,
        *,
        ca_file: str | None = None,
        namespace: str = "",
    ) -> None:
        """Name the key; nothing is sent yet.

        Args:
            settings: `address` (https, or http to this machine), `mount`, `key`.
            token: Lets us use the key.
            ca_file: PEM of the authority that signed the server's certificate; None takes the system's.
            namespace: Of Vault Enterprise; empty for none.

        Raises:
            ConfigurationError: The settings cannot be used.
            KekUnavailableError: There is no token.
        """
        self._address = _checked_address(settings.get("address", ""))
        self._mount, self._key = settings.get("mount") or "transit", settings.get("key", "")
        if not _NAME.fullmatch(self._mount) or not _NAME.fullmatch(self._key):
            raise ConfigurationError("transit needs the name of a key, and a mount if it is not `transit`")
        if token is None:
            raise KekUnavailableError(
                "set VAULT_TOKEN or VAULT_TOKEN_FILE in the environment of this process"
            )
        self._token = token
        self._ca_file = ca_file
        self._namespace = namespace

    def wrap(self, key: Secret, aad: bytes) -> bytes:
        """See `KekSource.wrap`."""
        answer = self._post("encrypt", {"plaintext": _base64(key.reveal()), "associated_data": _base64(aad)})
        if isinstance(answer, KekRefused):
            raise KekUnavailableError(answer.reason)
        return str(answer["ciphertext"]).encode("ascii")

    def unwrap(self, wrapped: bytes, aad: bytes) -> Secret | KekRefused:
        """See `KekSource.unwrap`."""
        text = wrapped.decode("ascii", "replace")
        answer = self._post("decrypt", {"ciphertext": text, "associated_data": _base64(aad)})
        if isinstance(answer, KekRefused):
            return answer
        return Secret(base64.b64decode(answer["plaintext"]))

    def describe(self) -> KekDescription:
        """See `KekSource.describe`."""
        settings = {"address": self._address.geturl(), "mount": self._mount, "key": self._key}
        return KekDescription("transit", settings)

    def _post(self, verb: str, body: dict[str, str]) -> dict[str, Any] | KekRefused:
        """Do one call; a 400 is a refusal of what was sent, everything else but 200 is being unavailable."""
        path = f"{self._address.path.rstrip('/')}/v1/{self._mount}/{verb}/{quote(self._key)}"
        headers = {"X-Vault-Token": self._token.reveal().decode("ascii"), "X-Vault-Request": "true"}
        if self._namespace:
            headers["X-Vault-Namespace"] = self._namespace
        connection = self._connection()
        try:
            connection.request("POST", path, json.dumps(body).encode(), headers)
            response = connection.getresponse()
            raw = response.read(ANSWER_BYTES_MAX)
        except (OSError, http.client.HTTPException) as error:
            raise KekUnavailableError(f"cannot reach {self._address.netloc}: {error}") from error
        finally:
            connection.close()
        if response.status == _BAD_REQUEST and verb == "decrypt":
            return KekRefused(f"the transit key {self._key} does not open this vault; nothing was changed")
        if response.status != _OK:
            raise KekUnavailableError(
                f"transit at {self._address.netloc} answered {response.status}: {_errors(raw)}"
            )
        try:
            found: dict[str, Any] = json.loads(raw)["data"]
            found["ciphertext" if verb == "encrypt" else "plaintext"]
        except (ValueError, KeyError, TypeError) as error:
            raise KekUnavailableError(f"{self._address.netloc} did not answer as transit does") from error
        return found

    def _connection(self) -> http.client.HTTPConnection:
        host, port = self._address.hostname or "", self._address.port
        if self._address.scheme == "http":
            return http.client.HTTPConnection(host, port, timeout=TIMEOUT_S)
        try:
            context = ssl.create_default_context(cafile=self._ca_file)
        except OSError as error:
            raise ConfigurationError(f"cannot read {self._ca_file}: {error}") from error
        return http.client.HTTPSConnection(host, port, timeout=TIMEOUT_S, context=context)


def _checked_address(text: str) -> SplitResult:
    try:
        address = urlsplit(text)
        _ = address.port
    except ValueError as error:
        raise ConfigurationError(f"{text!r} is not an address") from error
    if address.scheme == "http" and not _loopback(address.hostname or ""):
        raise ConfigurationError("transit over plain http would show the token to the network; use https")
    if address.scheme not in {"http", "https"} or not address.hostname or address.username:
        raise ConfigurationError(
            f"{text!r} is not the address of a Vault or OpenBao, such as https://vault:8200"
        )
    return address


def _loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _errors(raw: bytes) -> str:
    """Return the server's own words, shortened; they name permissions and keys, not contents."""
    try:
        return "; ".join(str(one) for one in json.loads(raw)["errors"])[:300] or "no reason given"
    except (ValueError, KeyError, TypeError):
        return "no reason given"


def _base64(raw: bytes) -> str:
    return base64.b64encode(raw).decode("ascii")
