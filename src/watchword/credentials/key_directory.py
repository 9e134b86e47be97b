"""The API keys of one testnet: issue, look up, edit, delete. Every change is stored before it is visible.

Implements `credentials.ports.CredentialDirectory` over a `KeyStore`. A secret passes through once, from `issue` to
the person; afterwards only its verifier knows it. Never judges a request: that is the authenticator's.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Final, Protocol

import msgspec

from watchword.credentials.keypair import hmac_verifier, public_key_from_der
from watchword.credentials.model import LABEL_LENGTH_MAX, Credential, new_api_key, new_hmac_secret
from watchword.credentials.permission import DEFAULT_PERMISSIONS, Permission
from watchword.credentials.restriction import UNRESTRICTED, Restrictions
from watchword.credentials.verifier import KeyType, Verifier
from watchword.kernel.entropy import Entropy
from watchword.kernel.errors import CorruptStoreError
from watchword.kernel.secret import Secret

#: Source: Binance allows 30 keys per account.
KEYS_PER_ACCOUNT_MAX: Final = 30


class KeyTerms(msgspec.Struct, frozen=True):
    """What the owner of a key chooses and may change."""

    label: str = ""
    permissions: frozenset[Permission] = DEFAULT_PERMISSIONS
    restrictions: Restrictions = UNRESTRICTED


class KeyRecord(msgspec.Struct, frozen=True):
    """One key as stored, without its secret.

    Attributes:
        public_der: SubjectPublicKeyInfo of an RSA or Ed25519 key; empty for HMAC.
        last_used_us: Epoch microseconds, late by up to the flush interval; 0 means never.
    """

    api_key: str
    account_id: int
    key_type: KeyType
    public_der: bytes
    terms: KeyTerms
    created_us: int
    last_used_us: int = 0


class IssuedKey(msgspec.Struct, frozen=True):
    """A new key. `secret_key` exists here and nowhere else; empty for RSA and Ed25519."""

    record: KeyRecord
    secret_key: str


class KeyRefused(msgspec.Struct, frozen=True):
    """A change that cannot be made, and why."""

    reason: str


class KeyStore(Protocol):
    """Where keys live.

    When unavailable: refuse; a change that was not stored has not happened.
    """

    def load(self) -> Iterable[tuple[KeyRecord, Secret | None]]:
        """Return all keys; the secret of HMAC keys only."""
        ...

    def insert(self, record: KeyRecord, secret: Secret | None) -> None:
        """Store a new key; on return it survives power loss."""
        ...

    def update(self, record: KeyRecord) -> None:
        """Store new terms of a key; on return they survive power loss."""
        ...

    def delete(self, api_key: str) -> None:
        """Remove a key with its secret; on return it stays removed."""
        ...

    def record_uses(self, used_us: Mapping[str, int]) -> None:
        """Store when keys were last used; may be lost in a crash."""
        ...


class KeyDirectory:
    """All keys in memory, every change stored first.

    Attributes:
        on_revoked: Called with the API key after it was deleted or made unusable; sessions end here.
        on_edited: Called with the API key after its terms changed; sessions look whether they may go on.
    """

    def __init__(self, store: KeyStore, entropy: Entropy) -> None:
        """Load everything.

        Args:
            store: Where keys live.
            entropy: Draws API keys and HMAC secrets.

        Raises:
            CorruptStoreError: A stored key cannot be used as what it was stored as.
        """
        self.on_revoked: list[Callable[[str], None]] = []
        self.on_edited: list[Callable[[str], None]] = []
        self._store = store
        self._entropy = entropy
        self._credentials: dict[str, Credential] = {}
        self._records: dict[str, KeyRecord] = {}
        self._used_us: dict[str, int] = {}
        for record, secret in store.load():
            self._remember(record, _verifier(record, secret))

    def find(self, api_key: str) -> Credential | None:
        """Return the credential with this API key as it stands now."""
        return self._credentials.get(api_key)

    def touch(self, api_key: str, now_us: int) -> None:
        """Remember that a key was used. Cheap: stored later, by `flush_uses`."""
        self._used_us[api_key] = now_us

    def flush_uses(self) -> None:
        """Store the uses remembered since the last flush."""
        used = {key: at for key, at in self._used_us.items() if key in self._records}
        self._used_us.clear()
        if not used:
            return
        self._store.record_uses(used)
        for key, at in used.items():
            self._records[key] = msgspec.structs.replace(self._records[key], last_used_us=at)

    def record(self, api_key: str) -> KeyRecord | None:
        """Return what is stored about a key, its last use included."""
        record = self._records.get(api_key)
        used_us = self._used_us.get(api_key)
        if record is None or used_us is None:
            return record
        return msgspec.structs.replace(record, last_used_us=used_us)

    def records(self, account_id: int | None = None) -> list[KeyRecord]:
        """List keys of one account, or of all, oldest first."""
        found = [self.record(key) for key in self._records]
        return sorted(
            (r for r in found if r is not None and account_id in {None, r.account_id}),
            key=lambda r: (r.created_us, r.api_key),
        )

    def issue(
        self, account_id: int, key_type: KeyType, public_der: bytes, terms: KeyTerms, now_us: int
    ) -> IssuedKey | KeyRefused:
        """Make a key.

        Args:
            account_id: Whose it is.
            key_type: Which kind.
            public_der: SubjectPublicKeyInfo for RSA and Ed25519; empty for HMAC, whose secret is drawn here.
            terms: Label, permissions, restrictions.
            now_us: Epoch microseconds.

        Returns:
            The key with its secret, shown this once, or why there is none.

        Raises:
            StorageError: It could not be stored; then it does not exist.
        """
        if len(self.records(account_id)) >= KEYS_PER_ACCOUNT_MAX:
            return KeyRefused(f"an account has at most {KEYS_PER_ACCOUNT_MAX} keys; delete one first")
        refused = _unusable(terms, now_us)
        if refused is not None:
            return refused
        record = KeyRecord(new_api_key(self._entropy), account_id, key_type, public_der, terms, now_us)
        secret_key = new_hmac_secret(self._entropy) if key_type == "HMAC" else ""
        secret = Secret(secret_key.encode("ascii")) if secret_key else None
        verifier = _verifier(record, secret)
        self._store.insert(record, secret)
        self._remember(record, verifier)
        return IssuedKey(record, secret_key)

    def edit(self, api_key: str, terms: KeyTerms, now_us: int) -> KeyRecord | KeyRefused:
        """Give a key new terms, effective at its next request.

        Raises:
            StorageError: They could not be stored; then nothing changed.
        """
        record, credential = self._records.get(api_key), self._credentials.get(api_key)
        if record is None or credential is None:
            return KeyRefused(f"there is no key {api_key}")
        refused = _unusable(terms, now_us)
        if refused is not None:
            return refused
        changed = msgspec.structs.replace(record, terms=terms)
        self._store.update(changed)
        self._remember(changed, credential.verifier)
        if "READING" not in terms.permissions:
            self._revoked(api_key)
        for listener in self.on_edited:
            listener(api_key)
        return changed

    def delete(self, api_key: str) -> KeyRecord | KeyRefused:
        """Remove a key for good, effective at its next request.

        Raises:
            StorageError: It could not be removed durably; then it still works.
        """
        record = self.record(api_key)
        if record is None:
            return KeyRefused(f"there is no key {api_key}")
        self._store.delete(api_key)
        del self._credentials[api_key], self._records[api_key]
        self._used_us.pop(api_key, None)
        self._revoked(api_key)
        return record

    def _remember(self, record: KeyRecord, verifier: Verifier) -> None:
        terms = record.terms
        self._records[record.api_key] = record
        self._credentials[record.api_key] = Credential(
            api_key=record.api_key,
            account_id=record.account_id,
            key_type=record.key_type,
            verifier=verifier,
            permissions=terms.permissions,
            restrictions=terms.restrictions,
            label=terms.label,
            created_us=record.created_us,
        )

    def _revoked(self, api_key: str) -> None:
        for listener in self.on_revoked:
            listener(api_key)


def _verifier(record: KeyRecord, secret: Secret | None) -> Verifier:
    """Build what checks this key's signatures."""
    if secret is not None and record.key_type == "HMAC":
        return hmac_verifier(secret)
    try:
        public = public_key_from_der(record.public_der)
    except ValueError as error:
        raise CorruptStoreError(f"the public key of {record.api_key} cannot be read") from error
    if public.key_type != record.key_type:
        raise CorruptStoreError(f"the public key of {record.api_key} is not of type {record.key_type}")
    return public.verifier()


def _unusable(terms: KeyTerms, now_us: int) -> KeyRefused | None:
    """Refuse terms under which a key could never be used or shown."""
    if len(terms.label) > LABEL_LENGTH_MAX or not terms.label.isprintable():
        return KeyRefused(f"a label is at most {LABEL_LENGTH_MAX} printable characters")
    if terms.restrictions.expired(now_us):
        return KeyRefused("the expiry lies in the past")
    return None
