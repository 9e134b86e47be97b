"""A KEK source: a symmetric key of Google Cloud KMS. The key never leaves it. Needs the extra `gcp`.

Credentials are Google's application default ones. REST rather than gRPC: no threads of its own in the process that
holds the KEK. Checksums both ways, as Google asks. Never logs.

Source: Cloud KMS, "Verifying end-to-end data integrity"; CryptoKeys.encrypt and .decrypt.
"""

import re
from collections.abc import Callable
from typing import Any, Final

from watchword.kernel.errors import ConfigurationError
from watchword.kernel.secret import Secret
from watchword.vault.kek import KekDescription, KekRefused, KekUnavailableError

TIMEOUT_S: Final = 10.0
_KEY: Final = re.compile(r"projects/[^/]+/locations/[^/]+/keyRings/[^/]+/cryptoKeys/[^/]+")


class GcpKmsSource:
    """See `KekSource`."""

    def __init__(self, settings: dict[str, str], connect: Callable[[], Any] | None = None) -> None:
        """Name the key; nothing is sent yet.

        Args:
            settings: `key`, the key's resource name.
            connect: Makes the `KeyManagementServiceClient`; None makes Google's own with default credentials.

        Raises:
            ConfigurationError: The name is no key's.
            KekUnavailableError: The client is not installed, or there are no credentials.
        """
        self._key = settings.get("key", "")
        if not _KEY.fullmatch(self._key):
            raise ConfigurationError(
                "gcp-kms needs a key's resource name: projects/P/locations/L/keyRings/R/cryptoKeys/K"
            )
        self._client = (connect or _connect)()

    def wrap(self, key: Secret, aad: bytes) -> bytes:
        """See `KekSource.wrap`."""
        plain = key.reveal()
        answer = self._call(
            "encrypt",
            {
                "name": self._key,
                "plaintext": plain,
                "plaintext_crc32c": _crc32c(plain),
                "additional_authenticated_data": aad,
                "additional_authenticated_data_crc32c": _crc32c(aad),
            },
        )
        if isinstance(answer, KekRefused):
            raise KekUnavailableError(answer.reason)
        whole = answer.verified_plaintext_crc32c and answer.verified_additional_authenticated_data_crc32c
        if not whole or _crc32c(answer.ciphertext) != answer.ciphertext_crc32c:
            raise KekUnavailableError("Google Cloud KMS and we disagree about what was sent; try again")
        return bytes(answer.ciphertext)

    def unwrap(self, wrapped: bytes, aad: bytes) -> Secret | KekRefused:
        """See `KekSource.unwrap`."""
        answer = self._call(
            "decrypt",
            {
                "name": self._key,
                "ciphertext": wrapped,
                "ciphertext_crc32c": _crc32c(wrapped),
                "additional_authenticated_data": aad,
                "additional_authenticated_data_crc32c": _crc32c(aad),
            },
        )
        if isinstance(answer, KekRefused):
            return answer
        if _crc32c(answer.plaintext) != answer.plaintext_crc32c:
            raise KekUnavailableError("what Google Cloud KMS sent was altered on the way; try again")
        return Secret(bytes(answer.plaintext))

    def describe(self) -> KekDescription:
        """See `KekSource.describe`."""
        return KekDescription("gcp-kms", {"key": self._key})

    def _call(self, verb: str, request: dict[str, object]) -> Any:
        from google.api_core.exceptions import BadRequest, GoogleAPIError
        from google.auth.exceptions import GoogleAuthError
        from requests.exceptions import RequestException

        try:
            return getattr(self._client, verb)(request=request, timeout=TIMEOUT_S, retry=None)
        except BadRequest as error:
            if verb == "decrypt":
                return KekRefused(
                    f"the Google Cloud KMS key {self._key} does not open this vault; nothing was changed"
                )
            raise KekUnavailableError(f"Google Cloud KMS refused to {verb}: {error}") from error
        except (GoogleAPIError, GoogleAuthError, RequestException) as error:
            raise KekUnavailableError(f"Google Cloud KMS cannot be used: {error}") from error


def _connect() -> Any:
    try:
        from google.auth.exceptions import GoogleAuthError
        from google.cloud.kms_v1 import KeyManagementServiceClient
    except ImportError as error:
        raise KekUnavailableError("install the gcp extra: pip install 'watchword[gcp]'") from error
    try:
        return KeyManagementServiceClient(transport="rest")
    except GoogleAuthError as error:
        raise KekUnavailableError(f"Google Cloud KMS cannot be used: {error}") from error


def _crc32c(raw: bytes) -> int:
    """Checksum as Google computes it."""
    import google_crc32c

    return int(google_crc32c.value(raw))
