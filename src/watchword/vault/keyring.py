"""The vault's memory while it is unsealed: the KEK and the signers lent out. Exists only then; importable in `vault` only.

Rows stay encrypted here too; a secret is opened when a signer is first asked for. Closing takes every lent signer and
verifier back. What Python cannot promise: that no copy of the bytes is left in freed memory.
"""

from typing import Final, TypeVar, final

from watchword.credentials.keypair import hmac_verifier
from watchword.credentials.signer import Signer
from watchword.credentials.verifier import KeyType, Verifier
from watchword.kernel.errors import CorruptStoreError
from watchword.kernel.secret import Secret
from watchword.vault.envelope import Kek, open_secret
from watchword.vault.material import signer_of
from watchword.vault.outcome import SealedError
from watchword.vault.record import RealCredential, StoredSecret


@final
class LentSigner:
    """A signer that can be taken back."""

    __slots__ = ("_signer", "key_type")

    def __init__(self, signer: Signer) -> None:
        self._signer: Signer | None = signer
        self.key_type: Final[KeyType] = signer.key_type

    def sign(self, payload: bytes) -> str:
        """See `Signer.sign`.

        Raises:
            SealedError: It was taken back.
        """
        signer = self._signer
        if signer is None:
            raise SealedError
        return signer.sign(payload)

    def take_back(self) -> None:
        """Make it useless."""
        self._signer = None


@final
class LentVerifier:
    """A verifier that can be taken back. Why: an HMAC verifier holds what could sign."""

    __slots__ = ("_verifier", "key_type")

    def __init__(self, verifier: Verifier) -> None:
        self._verifier: Verifier | None = verifier
        self.key_type: Final[KeyType] = verifier.key_type

    def verify(self, payload: bytes, signature: str) -> bool:
        """See `Verifier.verify`.

        Raises:
            SealedError: It was taken back.
        """
        verifier = self._verifier
        if verifier is None:
            raise SealedError
        return verifier.verify(payload, signature)

    def take_back(self) -> None:
        """Make it useless."""
        self._verifier = None


LentT = TypeVar("LentT", LentSigner, LentVerifier)


@final
class Keyring:
    """What an unsealed vault holds.

    Attributes:
        kek: The key-encryption key.
        vault_id: Of the header.
        intake: Private half of the inbox's key pair.
        rows: All secrets by id, encrypted.
        records: The real credentials among them, read.
    """

    def __init__(
        self,
        kek: Kek,
        vault_id: str,
        intake: Secret,
        rows: dict[str, StoredSecret],
        records: dict[str, RealCredential],
    ) -> None:
        self.kek = kek
        self.vault_id = vault_id
        self.intake = intake
        self.rows = rows
        self.records = records
        self._signers: dict[str, LentSigner] = {}
        self._verifiers: dict[str, LentVerifier] = {}
        self._closed = False

    def signer(self, credential_id: str) -> LentSigner | None:
        """Lend the signer of a real credential; the same object each time. None where there is none."""
        lent = self._signers.get(credential_id)
        if lent is not None:
            return lent
        record = self.records.get(credential_id)
        if record is None:
            return None
        signer = signer_of(record.key_type, self.open(credential_id))
        if signer is None:
            raise CorruptStoreError(f"the secret of {credential_id} is not a key of type {record.key_type}")
        return self._still_open(self._signers.setdefault(credential_id, LentSigner(signer)))

    def verifier(self, secret_id: str) -> LentVerifier | None:
        """Lend the verifier of a virtual key's HMAC secret. None where there is none."""
        lent = self._verifiers.get(secret_id)
        if lent is not None:
            return lent
        row = self.rows.get(secret_id)
        if row is None or row.kind != "virtual_key":
            return None
        verifier = LentVerifier(hmac_verifier(self.open(secret_id)))
        return self._still_open(self._verifiers.setdefault(secret_id, verifier))

    def open(self, secret_id: str) -> Secret:
        """Open one row.

        Raises:
            CorruptStoreError: It does not open any more.
        """
        secret = open_secret(self.kek, self.vault_id, self.rows[secret_id])
        if secret is None:
            raise CorruptStoreError(f"the row of {secret_id} does not open")
        return secret

    def put(self, row: StoredSecret, record: RealCredential | None) -> None:
        """Hold a new or changed row; signers of the old one are taken back."""
        self.drop(row.id)
        self.rows[row.id] = row
        if record is not None:
            self.records[row.id] = record

    def drop(self, secret_id: str) -> None:
        """Forget one row and take back what was lent of it."""
        self.rows.pop(secret_id, None)
        self.records.pop(secret_id, None)
        self._take_back(secret_id)

    def close(self) -> None:
        """Take back everything, and lend nothing any more."""
        self._closed = True
        for secret_id in (*self._signers, *self._verifiers):
            self._take_back(secret_id)

    def _still_open(self, lent: LentT) -> LentT:
        """Take back what was lent while another thread was closing."""
        if self._closed:
            lent.take_back()
            raise SealedError
        return lent

    def _take_back(self, secret_id: str) -> None:
        for lent in (self._signers.pop(secret_id, None), self._verifiers.pop(secret_id, None)):
            if lent is not None:
                lent.take_back()
