"""Checks HMAC signatures of virtual keys by way of the vault, which holds their secrets. Never sees a secret."""

from typing import Final, Protocol, final

from watchword.credentials.verifier import KeyType, Verifier
from watchword.vault.outcome import NotFound, Sealed, SealedError


class SecretVerifiers(Protocol):
    """The vault, as far as it checks signatures of virtual keys."""

    def verifier_for(self, secret_id: str) -> Verifier | Sealed | NotFound:
        """Lend the verifier of a virtual key's HMAC secret."""
        ...


@final
class VaultVerifier:
    """Checks signatures with whatever verifier the vault lends at that moment, so that sealing takes effect at once."""

    __slots__ = ("_secret_id", "_secrets")
    key_type: Final[KeyType] = "HMAC"

    def __init__(self, secrets: SecretVerifiers, secret_id: str) -> None:
        self._secrets = secrets
        self._secret_id = secret_id

    def verify(self, payload: bytes, signature: str) -> bool:
        """See `Verifier.verify`. A secret that is not in the vault any more verifies nothing.

        Raises:
            SealedError: The vault is sealed, so nobody can say.
        """
        lent = self._secrets.verifier_for(self._secret_id)
        if isinstance(lent, Sealed):
            raise SealedError
        return not isinstance(lent, NotFound) and lent.verify(payload, signature)
