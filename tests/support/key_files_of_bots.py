"""Makes hummingbot's encrypted files from their description, independently of the importer. Never used outside tests."""

import hashlib
import json
import os

from Crypto.Cipher import AES
from Crypto.Hash import keccak


def key_file(
    secret: str, password: str, *, kdf: str = "pbkdf2", rounds: int = 4096, leading_zero: bool = False
) -> bytes:
    """One key file's JSON.

    Args:
        secret: What is kept.
        password: Protects it.
        kdf: `pbkdf2` or `scrypt`.
        rounds: Of PBKDF2, or scrypt's n.
        leading_zero: Give the counter a leading zero byte, which hummingbot drops.
    """
    salt = os.urandom(16)
    counter = (b"\x00" if leading_zero else b"\x81") + os.urandom(15)
    if kdf == "pbkdf2":
        derived = hashlib.pbkdf2_hmac("sha256", password.encode(), salt, rounds, 32)
        parameters = {"c": rounds, "dklen": 32, "prf": "hmac-sha256", "salt": salt.hex()}
    else:
        derived = hashlib.scrypt(password.encode(), salt=salt, n=rounds, r=1, p=8, dklen=32)
        parameters = {"dklen": 32, "n": rounds, "r": 1, "p": 8, "salt": salt.hex()}
    cipher = AES.new(derived[:16], AES.MODE_CTR, nonce=b"", initial_value=counter)
    ciphertext = cipher.encrypt(secret.encode())
    mac = keccak.new(digest_bits=256, data=derived[16:32] + ciphertext).hexdigest()
    shown = counter.hex().lstrip("0")
    crypto = {
        "cipher": "aes-128-ctr",
        "cipherparams": {"iv": shown if len(shown) % 2 == 0 else "0" + shown},
        "ciphertext": ciphertext.hex(),
        "kdf": kdf,
        "kdfparams": parameters,
        "mac": mac,
    }
    return json.dumps({"crypto": crypto, "version": 3, "alias": ""}).encode()


def connector(api_key: str, secret: str, password: str, name: str = "binance") -> bytes:
    """`conf/connectors/NAME.yml`."""
    return (
        "#####################################\n###   connector config             ###\n"
        f"#####################################\n\nconnector: {name}\n\n"
        f"{name}_api_key: {key_file(api_key, password).hex()}\n\n"
        f"{name}_api_secret: {key_file(secret, password).hex()}\n"
    ).encode()
