"""Claim: authenticating a signed request costs little more than the cryptography inside it.

Measured per key type, in one thread: the raw primitive alone (`hmac.digest`, PyNaCl's verify, RSA verify), then
`admit` (parameters present, credential, permissions, restrictions, timing, signature), then the whole way from raw
query bytes. The three are timed in alternation within the same run, and the fastest round of each counts: what other
programs on the machine take away is not the code's cost.
"""

import hmac
import time
from collections.abc import Callable
from typing import Any, Final

from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_der_public_key
from nacl.signing import VerifyKey

from watchword.adapters.system import SystemEntropy
from watchword.binance.errors import WireError
from watchword.binance.request import read_params
from watchword.credentials.authenticator import Admitted, admit
from watchword.credentials.keypair import generate, hmac_signer, hmac_verifier
from watchword.credentials.model import Credential, new_api_key, new_hmac_secret
from watchword.credentials.payload import rest_payload, sign_rest
from watchword.credentials.permission import read_permissions
from watchword.credentials.restriction import Restrictions, read_networks
from watchword.credentials.signer import Signer
from watchword.credentials.verifier import Verifier, decode_base64
from watchword.kernel.secret import Secret

NOW_US: Final = 1_700_000_000_000_000
ORDER: Final = (
    "symbol=BTCUSDT&side=BUY&type=LIMIT&timeInForce=GTC&quantity=0.01000000&price=52000.00"
    f"&recvWindow=5000&timestamp={NOW_US // 1000}"
)
ROUNDS: Final = 15
HMAC_US_MAX: Final = 8.0
ED25519_RATIO_MAX: Final = 1.2

Work = Callable[[], object]


class Directory(dict[str, Credential]):
    """Credentials in a dictionary."""

    def find(self, api_key: str) -> Credential | None:
        """See CredentialDirectory."""
        return self.get(api_key)


def run() -> dict[str, Any]:
    """Measure all three key types and print a table.

    Returns:
        Microseconds per call in the fastest round, and the claims.
    """
    entropy = SystemEntropy()
    secret = new_hmac_secret(entropy).encode()
    ed25519, rsa = generate("ed25519", entropy), generate("rsa-2048", entropy)
    results = {
        "HMAC": _measure(
            "HMAC", hmac_signer(Secret(secret)), hmac_verifier(Secret(secret)), _raw_hmac(secret), 4_000
        ),
        "ED25519": _measure(
            "ED25519", ed25519.signer(), ed25519.public.verifier(), _raw_ed25519(ed25519.public.der), 300
        ),
        "RSA": _measure("RSA", rsa.signer(), rsa.public.verifier(), _raw_rsa(rsa.public.der), 600),
    }
    print(
        f"{'':9}{'primitive':>11}{'admit':>9}{'ratio':>8}{'whole way':>12}   microseconds, fastest of {ROUNDS} rounds"
    )
    for name, row in results.items():
        print(
            f"{name:9}{row['primitive_us']:>11.2f}{row['admit_us']:>9.2f}{row['ratio']:>8.2f}{row['whole_us']:>12.2f}"
        )
    claims = {
        f"HMAC admit <= {HMAC_US_MAX} us": results["HMAC"]["admit_us"] <= HMAC_US_MAX,
        f"Ed25519 admit <= {ED25519_RATIO_MAX} x the raw verify": results["ED25519"]["ratio"]
        <= ED25519_RATIO_MAX,
    }
    return {"per_key_type": results, "claims": claims}


def _measure(
    name: str, signer: Signer, verifier: Verifier, raw: Callable[[bytes, str], Work], calls: int
) -> dict[str, float]:
    api_key = new_api_key(SystemEntropy())
    permissions, networks = read_permissions(["reading", "trading"]), read_networks(["10.0.0.0/8"])
    assert isinstance(permissions, frozenset)
    assert isinstance(networks, tuple)
    credential = Credential(api_key, 1, verifier.key_type, verifier, permissions, Restrictions(networks))
    directory = Directory({api_key: credential})
    query = f"{ORDER}&{sign_rest(signer, ORDER)}".encode()
    payload, signature = rest_payload(query, b"")
    params = read_params(query, b"")
    assert isinstance(signature, str)
    assert not isinstance(params, WireError)

    def admitted() -> object:
        return admit(directory, "TRADE", api_key, "10.1.2.3", params, (payload,), signature, NOW_US)

    def whole() -> object:
        bytes_signed, given = rest_payload(query, b"")
        read = read_params(query, b"")
        assert not isinstance(read, WireError)
        return admit(directory, "TRADE", api_key, "10.1.2.3", read, (bytes_signed,), given, NOW_US)

    assert isinstance(admitted(), Admitted), name
    assert isinstance(whole(), Admitted), name
    primitive_us, admit_us, whole_us = _alternate((raw(payload, signature), admitted, whole), calls)
    return {
        "primitive_us": primitive_us,
        "admit_us": admit_us,
        "whole_us": whole_us,
        "ratio": admit_us / primitive_us,
    }


def _alternate(works: tuple[Work, ...], calls: int) -> list[float]:
    """Time each work in turn, round after round; return the fastest rounds, microseconds per call."""
    spent: list[list[float]] = [[] for _ in works]
    for _ in range(ROUNDS):
        for times, work in zip(spent, works, strict=True):
            start = time.perf_counter_ns()
            for _ in range(calls):
                work()
            times.append((time.perf_counter_ns() - start) / calls / 1000)
    return [min(times) for times in spent]


def _raw_hmac(secret: bytes) -> Callable[[bytes, str], Work]:
    return lambda payload, _signature: lambda: hmac.digest(secret, payload, "sha256")


def _raw_ed25519(spki: bytes) -> Callable[[bytes, str], Work]:
    key = VerifyKey(spki[-32:])

    def prepare(payload: bytes, signature: str) -> Work:
        raw = decode_base64(signature) or b""
        return lambda: key.verify(payload, raw)

    return prepare


def _raw_rsa(spki: bytes) -> Callable[[bytes, str], Work]:
    key = load_der_public_key(spki)
    assert isinstance(key, RSAPublicKey)
    padding, digest = PKCS1v15(), SHA256()

    def prepare(payload: bytes, signature: str) -> Work:
        raw = decode_base64(signature) or b""
        return lambda: key.verify(raw, payload, padding, digest)

    return prepare


if __name__ == "__main__":
    run()
