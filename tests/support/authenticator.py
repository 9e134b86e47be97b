"""A security key in software: answers WebAuthn options as a browser with such a key would."""

import base64
import hashlib
import json
from typing import Any

import cbor2
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec

ORIGIN = "https://watchword.example.org"
RP_ID = "watchword.example.org"

_USER_PRESENT = 0x01
_ATTESTED = 0x40


def _text(value: bytes) -> str:
    return base64.urlsafe_b64encode(value).rstrip(b"=").decode()


class SoftAuthenticator:
    """One P-256 key with a counter.

    Attributes:
        sign_count: What it counted last; set it back to be a cloned key.
    """

    def __init__(self, credential_id: bytes = b"soft-authenticator-1", sign_count: int = 0) -> None:
        self.credential_id = credential_id
        self.sign_count = sign_count
        self.key = ec.generate_private_key(ec.SECP256R1())

    def register(self, options: dict[str, Any], origin: str = ORIGIN, rp_id: str = RP_ID) -> dict[str, Any]:
        """Answer `navigator.credentials.create(options)`."""
        client = self._client("webauthn.create", options["challenge"], origin)
        attested = bytes(16) + len(self.credential_id).to_bytes(2, "big") + self.credential_id + self._cose()
        attestation = cbor2.dumps(
            {"fmt": "none", "attStmt": {}, "authData": self._data(rp_id, _ATTESTED) + attested}
        )
        response = {"clientDataJSON": _text(client), "attestationObject": _text(attestation)}
        return self._answer({**response, "transports": ["usb", "made-up"]})

    def show(self, options: dict[str, Any], origin: str = ORIGIN, rp_id: str = RP_ID) -> dict[str, Any]:
        """Answer `navigator.credentials.get(options)`; counts one up."""
        self.sign_count += 1
        client = self._client("webauthn.get", options["challenge"], origin)
        data = self._data(rp_id, 0)
        signature = self.key.sign(data + hashlib.sha256(client).digest(), ec.ECDSA(hashes.SHA256()))
        return self._answer(
            {
                "clientDataJSON": _text(client),
                "authenticatorData": _text(data),
                "signature": _text(signature),
                "userHandle": None,
            }
        )

    def _answer(self, response: dict[str, Any]) -> dict[str, Any]:
        name = _text(self.credential_id)
        return {"id": name, "rawId": name, "type": "public-key", "response": response}

    def _client(self, kind: str, challenge: str, origin: str) -> bytes:
        return json.dumps({"type": kind, "challenge": challenge, "origin": origin}).encode()

    def _data(self, rp_id: str, flags: int) -> bytes:
        rp_hash = hashlib.sha256(rp_id.encode()).digest()
        return rp_hash + bytes([_USER_PRESENT | flags]) + self.sign_count.to_bytes(4, "big")

    def _cose(self) -> bytes:
        numbers = self.key.public_key().public_numbers()
        key = {1: 2, 3: -7, -1: 1, -2: numbers.x.to_bytes(32, "big"), -3: numbers.y.to_bytes(32, "big")}
        return cbor2.dumps(key)
