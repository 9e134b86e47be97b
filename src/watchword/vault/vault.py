"""The vault: sealed at start, unsealed by a KEK source or by shares; hands out signers, never bytes.

One object per process and store; the process holds the home's vault lock. Every change is one transaction of the
store, and memory follows only after it is durable. Never does I/O of its own.
"""

from typing import Final, final

import msgspec

from watchword.credentials.keypair import KeyKind, generate
from watchword.credentials.signer import Signer
from watchword.credentials.verifier import Verifier
from watchword.kernel.entropy import Entropy
from watchword.kernel.secret import Secret
from watchword.vault import recovery as recovery_sets
from watchword.vault.admission import DEMO_KEK, Admitted, admit, open_item
from watchword.vault.envelope import Kek, new_intake_pair, seal_secret
from watchword.vault.header import Header, decode_header, decode_source, encode, kek_aad, new_header
from watchword.vault.kek import KekDescription, KekRefused, KekSource
from watchword.vault.keyring import Keyring
from watchword.vault.manifest import write_manifest
from watchword.vault.material import hmac_problem
from watchword.vault.opening import open_keyring
from watchword.vault.outcome import NotFound, Refused, Sealed
from watchword.vault.record import (
    RECORD_BYTES_MAX,
    SECRETS_COUNT_MAX,
    RealCredential,
    StoredSecret,
    clash,
    encode_record,
    record_problem,
)
from watchword.vault.rotation import Rotation, intake_aad, wrapped_kek
from watchword.vault.store import Change, MetaName, VaultStore

NO_SOURCE: Final = (
    "the vault was unsealed with recovery shares, so its KEK source is not at hand; give it one with: "
    "watchword vault rekey"
)


class Unsealed(msgspec.Struct, frozen=True):
    """The vault is open.

    Attributes:
        secrets: How many it holds.
        taken: Ids of credentials that waited in the inbox and were taken in.
        refused: Ids of those that were not, with reasons; they stay in the inbox.
        rewrapped: How many DEKs an interrupted re-wrapping still had to wrap.
    """

    secrets: int
    taken: tuple[str, ...] = ()
    refused: tuple[tuple[str, str], ...] = ()
    rewrapped: int = 0


@final
class Vault:
    """Secrets of one home."""

    def __init__(self, store: VaultStore, entropy: Entropy) -> None:
        """Wrap a store; the vault is sealed."""
        self._store = store
        self._entropy = entropy
        self._keyring: Keyring | None = None
        self._source: KekSource | None = None
        self._sealings = 0

    # -- state ------------------------------------------------------------------------------------------------

    @property
    def sealed(self) -> bool:
        """Whether nothing can be opened."""
        return self._keyring is None

    def create(self, source: KekSource, now_us: int) -> Header:
        """Make a new vault, empty and sealed.

        Raises:
            StorageError: There is one already, or it cannot be written.
            KekUnavailableError: The source cannot be used; nothing was made.
        """
        kek = Kek.generate()
        private, public = new_intake_pair()
        header = new_header(self._entropy, now_us, public)
        meta: dict[MetaName, bytes] = {"header": encode(header)}
        meta.update(wrapped_kek(kek, header.vault_id, source, meta))
        meta["intake"] = kek.encrypt(private, intake_aad(header.vault_id))
        meta["manifest"] = write_manifest(kek, meta, [])
        self._store.create(meta)
        return header

    def description(self) -> KekDescription:
        """Say which KEK source opens the vault."""
        return decode_source(self._store.meta()["source"])

    def unseal(self, source: KekSource) -> Unsealed | Refused:
        """Open the vault with its KEK source.

        Raises:
            CorruptStoreError: Something stored is not as it was written; the vault stays sealed.
            KekUnavailableError: The source cannot be reached; the vault stays sealed.
        """
        began = self._sealings
        meta = self._store.meta()
        decode_header(meta["header"])
        kek = source.unwrap(meta["kek"], kek_aad(meta["header"], meta["source"]))
        if isinstance(kek, KekRefused):
            return Refused(kek.reason)
        return self._open(Kek(kek), meta, source, began)

    def unseal_with_shares(self, texts: list[Secret]) -> Unsealed | Refused:
        """Open the vault with k of n recovery shares. Raises as `unseal`."""
        began = self._sealings
        meta = self._store.meta()
        if "recovery" not in meta:
            return Refused("this vault has no recovery shares")
        vault_id = decode_header(meta["header"]).vault_id
        kek = recovery_sets.recover(recovery_sets.decode_recovery(meta["recovery"]), vault_id, texts)
        return kek if isinstance(kek, Refused) else self._open(kek, meta, None, began)

    def seal(self) -> None:
        """Forget the KEK and take back every signer lent out. An unsealing under way in another thread comes to nothing."""
        self._sealings += 1
        self._forget()

    def _forget(self) -> None:
        keyring, self._keyring, self._source = self._keyring, None, None
        if keyring is not None:
            keyring.close()

    # -- use --------------------------------------------------------------------------------------------------

    def signer_for(self, credential_id: str) -> Signer | Sealed | NotFound:
        """Lend the signer of a real credential. Sealing or removing takes it back."""
        if self._keyring is None:
            return Sealed()
        return self._keyring.signer(credential_id) or NotFound(credential_id)

    def verifier_for(self, secret_id: str) -> Verifier | Sealed | NotFound:
        """Lend the verifier of a virtual key whose HMAC secret is in the vault."""
        if self._keyring is None:
            return Sealed()
        return self._keyring.verifier(secret_id) or NotFound(secret_id)

    def record(self, credential_id: str) -> RealCredential | Sealed | NotFound:
        """Return an authenticated record: its upstream and API key are what they were when it was stored."""
        if self._keyring is None:
            return Sealed()
        return self._keyring.records.get(credential_id) or NotFound(credential_id)

    def records(self) -> list[RealCredential] | Sealed:
        """Return all authenticated records, oldest first."""
        if self._keyring is None:
            return Sealed()
        return sorted(self._keyring.records.values(), key=lambda record: (record.created_us, record.id))

    # -- contents ---------------------------------------------------------------------------------------------

    def add(self, record: RealCredential, secret: Secret) -> RealCredential | Refused | Sealed:
        """Store a credential. The command line posts to the inbox instead."""
        keyring = self._keyring
        if keyring is None:
            return Sealed()
        judged = admit(keyring, record, secret, demo=self.description().demo)
        if isinstance(judged, Refused):
            return judged
        self._put(keyring, self._row(keyring, judged), judged.record)
        return record

    def generate(self, kind: KeyKind, record: RealCredential) -> RealCredential | Refused | Sealed:
        """Make a key pair inside the vault; only its public half is ever seen outside.

        Args:
            kind: Type and size.
            record: With id, label, upstream; key type, public key and fingerprint are filled in.
        """
        if self._keyring is None:
            return Sealed()
        key = generate(kind, self._entropy)
        whole = msgspec.structs.replace(
            record,
            key_type=key.public.key_type,
            public_key=key.public.pem(),
            fingerprint=key.public.fingerprint,
        )
        return self.add(whole, Secret(key.export(None, self._entropy)))

    def register(self, credential_id: str, api_key: str) -> RealCredential | Refused | Sealed | NotFound:
        """Write down the API key the exchange gave for a pair made here. It can be set once."""
        keyring = self._keyring
        if keyring is None:
            return Sealed()
        old = keyring.records.get(credential_id)
        if old is None:
            return NotFound(credential_id)
        if old.api_key:
            return Refused(f"{old.label!r} has an API key already; a new key is a new credential")
        record = msgspec.structs.replace(old, api_key=api_key)
        wrong = record_problem(record) or clash(record, list(keyring.records.values()))
        if wrong or not api_key:
            return Refused(wrong or "the API key is empty")
        row = msgspec.structs.replace(
            keyring.rows[credential_id],
            record=encode_record(record),
            version=keyring.rows[credential_id].version + 1,
        )
        self._put(
            keyring, seal_secret(keyring.kek, keyring.vault_id, row, keyring.open(credential_id)), record
        )
        return record

    def add_virtual_key(self, secret_id: str, record: bytes, secret: Secret) -> Refused | Sealed | None:
        """Store the HMAC secret of a virtual key.

        Args:
            secret_id: Unique in the vault.
            record: What its issuer wants bound to it; opaque here.
            secret: 64 letters and digits.
        """
        keyring = self._keyring
        if keyring is None:
            return Sealed()
        if secret_id in keyring.rows or not secret_id:
            return Refused(f"there is a secret under {secret_id!r} already")
        if len(record) > RECORD_BYTES_MAX or len(keyring.rows) >= SECRETS_COUNT_MAX:
            return Refused("the vault is full, or the record is too long")
        wrong = hmac_problem(secret)
        if wrong:
            return Refused(wrong)
        bare = StoredSecret(secret_id, "virtual_key", 1, record, b"", b"")
        self._put(keyring, seal_secret(keyring.kek, keyring.vault_id, bare, secret), None)
        return None

    def remove(self, secret_id: str) -> Sealed | NotFound | None:
        """Delete a secret for good; what was lent of it stops working."""
        keyring = self._keyring
        if keyring is None:
            return Sealed()
        if secret_id not in keyring.rows:
            return NotFound(secret_id)
        rest = [row for row in keyring.rows.values() if row.id != secret_id]
        manifest = write_manifest(keyring.kek, self._store.meta(), rest)
        self._store.apply(Change(meta={"manifest": manifest}, remove=[secret_id]))
        keyring.drop(secret_id)
        return None

    def take_inbox(self) -> Unsealed | Sealed:
        """Take in what the command line posted since the vault was unsealed."""
        return Sealed() if self._keyring is None else self._take_into(self._keyring)

    # -- keys -------------------------------------------------------------------------------------------------

    def rekey(self, source: KekSource) -> Refused | Sealed | None:
        """Change the KEK source: the KEK stays, and is wrapped by another. One transaction."""
        keyring = self._keyring
        if keyring is None:
            return Sealed()
        if source.describe().demo and any(r.upstream == "live" for r in keyring.records.values()):
            return Refused(DEMO_KEK)
        stored = self._store.meta()
        meta = wrapped_kek(keyring.kek, keyring.vault_id, source, stored)
        meta["manifest"] = write_manifest(keyring.kek, {**stored, **meta}, keyring.rows.values())
        self._store.apply(Change(meta=meta))
        self._source = source
        return None

    def rewrap(self) -> int | Refused | Sealed:
        """Draw a new KEK and wrap every DEK under it. Survives being killed anywhere.

        Returns:
            How many DEKs were wrapped.
        """
        if self._keyring is None:
            return Sealed()
        if self._source is None:
            return Refused(NO_SOURCE)
        return self._rotation(self._keyring, self._source, self._store.meta()).run(begin=True)

    def new_shares(self, threshold: int, count: int, now_us: int) -> tuple[Secret, ...] | Refused | Sealed:
        """Make a set of recovery shares; an older set opens nothing any more.

        Returns:
            The shares' texts, to be shown once.
        """
        keyring = self._keyring
        if keyring is None:
            return Sealed()
        made = recovery_sets.new_recovery(
            keyring.vault_id, keyring.kek, threshold, count, now_us, self._entropy
        )
        if isinstance(made, Refused):
            return made
        meta: dict[MetaName, bytes] = {"recovery": recovery_sets.encode_recovery(made.recovery)}
        stored = {**self._store.meta(), **meta}
        meta["manifest"] = write_manifest(keyring.kek, stored, keyring.rows.values())
        self._store.apply(Change(meta=meta))
        return made.texts

    def _open(
        self, kek: Kek, meta: dict[MetaName, bytes], source: KekSource | None, began: int
    ) -> Unsealed | Refused:
        """Check everything, finish an interrupted re-wrapping, and take in what waits.

        Args:
            kek: Unwrapped.
            meta: All values.
            source: Of the KEK; None where shares opened it.
            began: How often the vault had been sealed when this unsealing began.
        """
        keyring = open_keyring(kek, meta, self._store.secrets())
        done = self._rotation(keyring, source, meta).run(begin=False) if source and kek.rotating else 0
        self._forget()
        taken = self._take_into(keyring)
        self._keyring, self._source = keyring, source
        # Asked after opening, while `seal` counts before forgetting: whichever comes second sees the other.
        if self._sealings != began:
            self._forget()
            return Refused("the vault was sealed while it was being unsealed; it stays sealed")
        return msgspec.structs.replace(taken, rewrapped=done)

    def _take_into(self, keyring: Keyring) -> Unsealed:
        demo = self.description().demo
        taken: list[str] = []
        refused: list[tuple[str, str]] = []
        for item in self._store.inbox():
            judged = open_item(keyring, item, demo=demo)
            if isinstance(judged, Refused):
                refused.append((item.id, judged.reason))
                self._store.apply(Change(refused=[(item.id, judged.reason)]))
            else:
                self._put(keyring, self._row(keyring, judged), judged.record, taken=item.id)
                taken.append(item.id)
        return Unsealed(len(keyring.rows), tuple(taken), tuple(refused))

    def _rotation(self, keyring: Keyring, source: KekSource, meta: dict[MetaName, bytes]) -> Rotation:
        return Rotation(keyring, source, meta, self._store.apply)

    def _row(self, keyring: Keyring, admitted: Admitted) -> StoredSecret:
        bare = StoredSecret(admitted.record.id, "credential", 1, encode_record(admitted.record), b"", b"")
        return seal_secret(keyring.kek, keyring.vault_id, bare, admitted.secret)

    def _put(
        self, keyring: Keyring, row: StoredSecret, record: RealCredential | None, taken: str | None = None
    ) -> None:
        """Store one row with the manifest, then hold it."""
        rows = {**keyring.rows, row.id: row}
        manifest = write_manifest(keyring.kek, self._store.meta(), rows.values())
        change = Change(meta={"manifest": manifest}, put=[row], taken=[taken] if taken else [])
        self._store.apply(change)
        keyring.put(row, record)
