"""A KEK source: a symmetric key of AWS KMS. The key never leaves it. Needs the extra `aws`.

Credentials and region come from where boto3 always looks (environment, profile, instance role). Never logs.

Source: AWS KMS API, Encrypt and Decrypt; the encryption context is authenticated and shows in CloudTrail.
"""

import base64
import hashlib
from typing import Any, Final

from watchword.kernel.errors import ConfigurationError
from watchword.kernel.secret import Secret
from watchword.vault.kek import KekDescription, KekRefused, KekUnavailableError

CONTEXT_NAME: Final = "watchword"
TIMEOUT_S: Final = 10
TRIES_MAX: Final = 3
_WRONG: Final = {"InvalidCiphertextException", "IncorrectKeyException"}


class AwsKmsSource:
    """See `KekSource`."""

    def __init__(self, settings: dict[str, str]) -> None:
        """Name the key; nothing is sent yet.

        Args:
            settings: `key` (id, ARN or alias), perhaps `region`.

        Raises:
            ConfigurationError: No key is named, or no region is known.
            KekUnavailableError: boto3 is not installed.
        """
        self._key, self._region = settings.get("key", ""), settings.get("region", "")
        if not self._key:
            raise ConfigurationError("aws-kms needs the id, ARN or alias of a key")
        try:
            import boto3
            from botocore.config import Config
            from botocore.exceptions import BotoCoreError
        except ImportError as error:
            raise KekUnavailableError("install the aws extra: pip install 'watchword[aws]'") from error
        limits = Config(
            connect_timeout=TIMEOUT_S, read_timeout=TIMEOUT_S, retries={"total_max_attempts": TRIES_MAX}
        )
        try:
            self._client: Any = boto3.client("kms", region_name=self._region or None, config=limits)
        except BotoCoreError as error:
            raise ConfigurationError(f"AWS KMS cannot be used: {error}") from error

    def wrap(self, key: Secret, aad: bytes) -> bytes:
        """See `KekSource.wrap`."""
        answer = self._call("encrypt", Plaintext=key.reveal(), EncryptionContext=_context(aad))
        if isinstance(answer, KekRefused):
            raise KekUnavailableError(answer.reason)
        return bytes(answer["CiphertextBlob"])

    def unwrap(self, wrapped: bytes, aad: bytes) -> Secret | KekRefused:
        """See `KekSource.unwrap`."""
        answer = self._call("decrypt", CiphertextBlob=wrapped, EncryptionContext=_context(aad))
        return answer if isinstance(answer, KekRefused) else Secret(bytes(answer["Plaintext"]))

    def describe(self) -> KekDescription:
        """See `KekSource.describe`."""
        settings = {"key": self._key} | ({"region": self._region} if self._region else {})
        return KekDescription("aws-kms", settings)

    def _call(self, verb: str, **fields: object) -> dict[str, Any] | KekRefused:
        from botocore.exceptions import BotoCoreError, ClientError

        try:
            answer: dict[str, Any] = getattr(self._client, verb)(KeyId=self._key, **fields)
        except ClientError as error:
            code = error.response.get("Error", {}).get("Code", "")
            if code in _WRONG:
                return KekRefused(
                    f"the AWS KMS key {self._key} does not open this vault; nothing was changed"
                )
            raise KekUnavailableError(f"AWS KMS refused to {verb}: {error}") from error
        except BotoCoreError as error:
            raise KekUnavailableError(f"AWS KMS cannot be reached: {error}") from error
        return answer


def _context(aad: bytes) -> dict[str, str]:
    """AWS writes the context into its log, so it gets a digest."""
    return {CONTEXT_NAME: base64.b64encode(hashlib.sha256(aad).digest()).decode("ascii")}
