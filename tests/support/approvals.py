"""Somebody who approves: a console's approval key, and statements signed with it, right or wrong on purpose."""

import base64
import hashlib
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from watchword.gateway.approval_statement import Statement, statement_bytes


class Approver:
    """A console's key. Signs with another library than the gateway verifies with."""

    def __init__(self, seed: int = 1) -> None:
        self._key = Ed25519PrivateKey.from_private_bytes(bytes([seed]) * 32)

    @property
    def pem(self) -> str:
        """The public half."""
        return self._key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()

    def sign(self, raw: bytes) -> str:
        """Sign anything."""
        return base64.b64encode(self._key.sign(raw)).decode()

    def decision(self, approval: str, digest: str, now_us: int, **more: Any) -> dict[str, Any]:
        """The fields of `approval.decide`: alice says yes, with a code of this moment, unless told otherwise."""
        fields: dict[str, Any] = {
            "decision": "confirm", "person": "alice", "factor": "totp", "factor_us": now_us, "decided_us": now_us,
            "owns_key": False,
        } | more  # fmt: skip
        raw = statement_bytes(Statement(approval=approval, digest=digest, **fields))
        return {
            "id": approval,
            "digest": digest,
            "decision": fields["decision"],
            "statement": raw.decode(),
            "signature": self.sign(raw),
        }


class SeededEntropy:
    """`kernel.entropy.Entropy` that always draws the same for a seed, and never the same twice."""

    def __init__(self, seed: int = 0) -> None:
        self._seed, self._count = seed, 0

    def token(self, size_bytes: int) -> bytes:
        """Draw."""
        self._count += 1
        return hashlib.shake_256(b"%d %d" % (self._seed, self._count)).digest(size_bytes)
