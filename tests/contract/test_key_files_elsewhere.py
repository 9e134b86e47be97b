"""Encrypted key files made here open in the library that the official SDK and python-binance read keys with."""

import pytest
from Crypto.PublicKey import ECC, RSA

from watchword.adapters.system import SystemEntropy
from watchword.credentials.keypair import KeyKind, generate
from watchword.kernel.secret import Secret

PASSPHRASE = "seven purple giraffes"


@pytest.mark.parametrize("kind", ["ed25519", "rsa-2048"])
def test_encrypted_key_opens_elsewhere_with_its_passphrase_only(kind: KeyKind) -> None:
    key = generate(kind, SystemEntropy())
    exported = key.export(Secret(PASSPHRASE.encode()), SystemEntropy())
    library = ECC if kind == "ed25519" else RSA
    opened = library.import_key(exported, passphrase=PASSPHRASE)
    spki = opened.public_key().export_key(format="DER")
    assert spki == key.public.der
    with pytest.raises(ValueError, match=r"."):
        library.import_key(exported, passphrase="seven purple giraffe")
