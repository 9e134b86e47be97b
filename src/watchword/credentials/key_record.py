"""An API key as its owner sees it and as it is stored: terms, record, uses, and the port of stores. Holds no secret.

Decides nothing: what may stand in the terms is `key_rules`', what becomes of a key is `key_life`'s.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Protocol

import msgspec

from watchword.credentials.permission import DEFAULT_PERMISSIONS, Permission
from watchword.credentials.restriction import UNRESTRICTED, Restrictions
from watchword.credentials.verifier import KeyType
from watchword.kernel.secret import Secret


class KeyTerms(msgspec.Struct, frozen=True):
    """What the owner of a key chooses and may change."""

    label: str = ""
    permissions: frozenset[Permission] = DEFAULT_PERMISSIONS
    restrictions: Restrictions = UNRESTRICTED


class KeyUse(msgspec.Struct, frozen=True):
    """One use of a key.

    Attributes:
        at_us: When, epoch microseconds.
        ip: Where the request came from; empty where it is not known.
        operation: What it asked for, by the endpoint's name; empty where it is not known.
    """

    at_us: int
    ip: str = ""
    operation: str = ""


class KeyRecord(msgspec.Struct, frozen=True):
    """One key as stored, without its secret.

    Attributes:
        public_der: SubjectPublicKeyInfo of an RSA or Ed25519 key; empty for HMAC.
        last_used_us: Epoch microseconds, late by up to the flush interval; 0 means never.
        last_used_ip: Where the last use came from.
        last_used_for: The operation of the last use.
        idle_from_us: No idleness counts before this moment: the key lost its IP list then, or a rule took its
            trading. 0: from its creation.
        trading_since_us: When its owner granted trading last; 0: at its creation.
        special: What a special key of margin trading is for: `CROSS`, or the symbol of an isolated margin wallet.
            Empty for any other key. Fixed when the key is made.
    """

    api_key: str
    account_id: int
    key_type: KeyType
    public_der: bytes
    terms: KeyTerms
    created_us: int
    last_used_us: int = 0
    last_used_ip: str = ""
    last_used_for: str = ""
    idle_from_us: int = 0
    trading_since_us: int = 0
    special: str = ""


class IssuedKey(msgspec.Struct, frozen=True):
    """A new key. `secret_key` exists here and nowhere else; empty for RSA and Ed25519."""

    record: KeyRecord
    secret_key: str


class KeyRefused(msgspec.Struct, frozen=True):
    """A change that cannot be made, and why.

    Attributes:
        reason: For people.
        rule: For programs: the name of the `key_rules` rule it goes against; empty for anything else.
    """

    reason: str
    rule: str = ""


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

    def update(self, records: Sequence[KeyRecord]) -> None:
        """Store new terms of keys, all of them or none; on return they survive power loss."""
        ...

    def delete(self, api_keys: Sequence[str]) -> None:
        """Remove keys with their secrets, all of them or none; on return they stay removed."""
        ...

    def record_uses(self, uses: Mapping[str, KeyUse]) -> None:
        """Store the last uses of keys; may be lost in a crash."""
        ...
