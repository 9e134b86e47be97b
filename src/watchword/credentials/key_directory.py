"""The API keys of one testnet: issue, look up, edit, delete. Every change is stored before it is visible.

Implements `credentials.ports.CredentialDirectory` over a `KeyStore`. A secret passes through once, from `issue` to
the person; afterwards only its verifier knows it. Never judges a request: that is the authenticator's. What terms
may say is `key_rules`'.
"""

from collections.abc import Callable, Mapping, Sequence

import msgspec
from sortedcontainers import SortedList

from watchword.credentials.key_record import (
    IssuedKey,
    KeyRecord,
    KeyRefused,
    KeyStore,
    KeyTerms,
    KeyUse,
)
from watchword.credentials.key_rules import TRADING, KeyRules, judge_count, judge_terms, rules_as_of
from watchword.credentials.keypair import hmac_verifier, public_key_from_der
from watchword.credentials.model import Credential, new_api_key, new_hmac_secret
from watchword.credentials.verifier import KeyType, Verifier
from watchword.kernel.entropy import Entropy
from watchword.kernel.errors import CorruptStoreError
from watchword.kernel.secret import Secret

__all__ = ["IssuedKey", "KeyDirectory", "KeyRecord", "KeyRefused", "KeyStore", "KeyTerms", "KeyUse"]


class KeyDirectory:
    """All keys in memory, every change stored first.

    Attributes:
        on_revoked: Called with the API key after it was deleted or made unusable; sessions end here.
        on_edited: Called with the API key after its terms changed; sessions look whether they may go on.
        on_changed: Called with the account after a key of it was made, changed or deleted; lists of keys are shown anew.
        rules_at: The key rules of a moment, epoch microseconds.
    """

    def __init__(
        self, store: KeyStore, entropy: Entropy, rules_at: Callable[[int], KeyRules] = rules_as_of
    ) -> None:
        """Load everything.

        Args:
            store: Where keys live.
            entropy: Draws API keys and HMAC secrets.
            rules_at: See the attribute.

        Raises:
            CorruptStoreError: A stored key cannot be used as what it was stored as.
        """
        self.on_revoked: list[Callable[[str], None]] = []
        self.on_edited: list[Callable[[str], None]] = []
        self.on_changed: list[Callable[[int], None]] = []
        self.rules_at = rules_at
        self._store = store
        self._entropy = entropy
        self._credentials: dict[str, Credential] = {}
        self._records: dict[str, KeyRecord] = {}
        self._uses: dict[str, tuple[int, str, str]] = {}
        #: (created_us, API key), oldest first: of all, and of each account.
        self._order: SortedList[tuple[int, str]] = SortedList()
        self._owned: dict[int, SortedList[tuple[int, str]]] = {}
        for record, secret in store.load():
            self._remember(record, _verifier(record, secret))

    def find(self, api_key: str) -> Credential | None:
        """Return the credential with this API key as it stands now."""
        return self._credentials.get(api_key)

    def touch(self, api_key: str, now_us: int, ip: str = "", operation: str = "") -> None:
        """Remember that a key was used. Cheap: stored later, by `flush_uses`.

        Args:
            api_key: Which.
            now_us: When, epoch microseconds.
            ip: Where the request came from.
            operation: What it asked for, by the endpoint's name.
        """
        self._uses[api_key] = (now_us, ip, operation)

    def flush_uses(self) -> None:
        """Store the uses remembered since the last flush.

        Raises:
            StorageError: They could not be stored; they are remembered all the same, so that no key counts as idle.
        """
        uses = {key: KeyUse(*use) for key, use in self._uses.items() if key in self._records}
        if uses:
            self._store.record_uses(uses)
        for key, use in uses.items():
            self._records[key] = _used(self._records[key], use)
        self._uses.clear()

    def record(self, api_key: str) -> KeyRecord | None:
        """Return what is stored about a key, its last use included."""
        record = self._records.get(api_key)
        use = self._uses.get(api_key)
        return record if record is None or use is None else _used(record, KeyUse(*use))

    def records(self, account_id: int | None = None) -> list[KeyRecord]:
        """List keys of one account, or of all, oldest first."""
        order = self._order if account_id is None else self._owned.get(account_id, ())
        records, uses = self._records, self._uses
        # Most keys were not used since the last flush; this is walked for every page of a list.
        return [
            records[key] if key not in uses else _used(records[key], KeyUse(*uses[key])) for _, key in order
        ]

    def used_since(self, at_us: int) -> set[int]:
        """Return the accounts of keys that were used at this moment or later; epoch microseconds."""
        found = {record.account_id for record in self._records.values() if record.last_used_us >= at_us}
        recent = [key for key, (used_us, _, _) in self._uses.items() if used_us >= at_us]
        return found | {self._records[key].account_id for key in recent if key in self._records}

    def judge_new(self, account_id: int, terms: KeyTerms, now_us: int) -> KeyRefused | None:
        """Say why an account cannot have another key with these terms; None where it can."""
        rules = self.rules_at(now_us)
        held = len(self._owned.get(account_id, ()))
        return judge_count(held, rules) or judge_terms(terms, rules, now_us)

    def issue(
        self,
        account_id: int,
        key_type: KeyType,
        public_der: bytes,
        terms: KeyTerms,
        now_us: int,
        *,
        special: str = "",
    ) -> IssuedKey | KeyRefused:
        """Make a key.

        Args:
            account_id: Whose it is.
            key_type: Which kind.
            public_der: SubjectPublicKeyInfo for RSA and Ed25519; empty for HMAC, whose secret is drawn here.
            terms: Label, permissions, restrictions.
            now_us: Epoch microseconds.
            special: See `KeyRecord`.

        Returns:
            The key with its secret, shown this once, or why there is none.

        Raises:
            StorageError: It could not be stored; then it does not exist.
        """
        refused = self.judge_new(account_id, terms, now_us)
        if refused is not None:
            return refused
        record = KeyRecord(
            new_api_key(self._entropy), account_id, key_type, public_der, terms, now_us, special=special
        )
        secret_key = new_hmac_secret(self._entropy) if key_type == "HMAC" else ""
        secret = Secret(secret_key.encode("ascii")) if secret_key else None
        verifier = _verifier(record, secret)
        self._store.insert(record, secret)
        self._remember(record, verifier)
        self._tell((record,))
        return IssuedKey(record, secret_key)

    def edit(self, api_key: str, terms: KeyTerms, now_us: int) -> KeyRecord | KeyRefused:
        """Give a key new terms, effective at its next request.

        Raises:
            StorageError: They could not be stored; then nothing changed.
        """
        record = self._records.get(api_key)
        if record is None:
            return KeyRefused(f"there is no key {api_key}")
        refused = judge_terms(terms, self.rules_at(now_us), now_us)
        if refused is not None:
            return refused
        before = record.terms
        opened = bool(before.restrictions.networks) and not terms.restrictions.networks
        granted = bool((terms.permissions - before.permissions) & TRADING)
        changed = msgspec.structs.replace(
            record,
            terms=terms,
            idle_from_us=now_us if opened else record.idle_from_us,
            trading_since_us=now_us if granted else record.trading_since_us,
        )
        self._change((changed,))
        return self.record(api_key) or changed

    def take_trading(self, at_us: Mapping[str, int]) -> list[KeyRecord]:
        """Take what trades from keys, as a rule wants it, in one step; they go on without.

        Args:
            at_us: API keys, each with the moment its trading lapsed; idleness counts anew from there.

        Returns:
            The keys as they now are; one that is gone is left out.

        Raises:
            StorageError: It could not be stored; then nothing changed.
        """
        changed: list[KeyRecord] = []
        for api_key, lapsed_us in at_us.items():
            record = self._records.get(api_key)
            if record is not None:
                left = msgspec.structs.replace(record.terms, permissions=record.terms.permissions - TRADING)
                changed.append(msgspec.structs.replace(record, terms=left, idle_from_us=lapsed_us))
        if changed:
            self._change(changed)
        return changed

    def delete(self, api_key: str) -> KeyRecord | KeyRefused:
        """Remove a key for good, effective at its next request.

        Raises:
            StorageError: It could not be removed durably; then it still works.
        """
        deleted = self.delete_many((api_key,))
        return deleted[0] if deleted else KeyRefused(f"there is no key {api_key}")

    def delete_many(self, api_keys: Sequence[str]) -> list[KeyRecord]:
        """Remove keys for good, all of them in one step, effective at their next requests.

        Returns:
            The keys as they last were; one that was not there is left out.

        Raises:
            StorageError: They could not be removed durably; then all of them still work.
        """
        found = [record for record in map(self.record, dict.fromkeys(api_keys)) if record is not None]
        if not found:
            return []
        self._store.delete([record.api_key for record in found])
        for record in found:
            del self._credentials[record.api_key], self._records[record.api_key]
            self._uses.pop(record.api_key, None)
            place = (record.created_us, record.api_key)
            self._order.remove(place)
            self._owned[record.account_id].remove(place)
        for record in found:
            self._revoked(record.api_key)
        self._tell(found)
        return found

    def delete_all(self, account_id: int) -> list[KeyRecord]:
        """Remove every key of an account in one step: the panic button. Its sessions end at once.

        Raises:
            StorageError: They could not be removed durably; then all of them still work.
        """
        return self.delete_many([record.api_key for record in self.records(account_id)])

    def _change(self, changed: Sequence[KeyRecord]) -> None:
        """Store keys as they are to be, have them so, and tell who holds them."""
        self._store.update(changed)
        for record in changed:
            self._remember(record, self._credentials[record.api_key].verifier)
        for record in changed:
            if "READING" not in record.terms.permissions:
                self._revoked(record.api_key)
            for listener in self.on_edited:
                listener(record.api_key)
        self._tell(changed)

    def _remember(self, record: KeyRecord, verifier: Verifier) -> None:
        terms = record.terms
        if record.api_key not in self._records:
            place = (record.created_us, record.api_key)
            self._order.add(place)
            self._owned.setdefault(record.account_id, SortedList()).add(place)
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

    def _tell(self, changed: Sequence[KeyRecord]) -> None:
        for account_id in dict.fromkeys(record.account_id for record in changed):
            for listener in self.on_changed:
                listener(account_id)

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


def _used(record: KeyRecord, use: KeyUse) -> KeyRecord:
    return msgspec.structs.replace(
        record, last_used_us=use.at_us, last_used_ip=use.ip, last_used_for=use.operation
    )
