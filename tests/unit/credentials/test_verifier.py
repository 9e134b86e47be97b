"""Strictness: what counts as the text of a signature."""

import base64

import pytest
from tests.support.vectors import flip_bit, key_file, signatures

from watchword.credentials.key_problem import KeyProblem
from watchword.credentials.keypair import hmac_verifier
from watchword.credentials.pem import read_private
from watchword.credentials.verifier import decode_base64
from watchword.kernel.secret import Secret

K1 = signatures()["keys"]["K1"]
PAYLOAD = b"symbol=LTCBTC&side=BUY&type=LIMIT&timeInForce=GTC&quantity=1&price=0.1&recvWindow=5000&timestamp=1499827319559"
HMAC_SIGNATURE = "c8db56825ae71d6d79447849e617115f4a920fa2acdcab2b053c4b2838bd6b71"
HMAC = hmac_verifier(Secret(K1["secret"].encode()))


@pytest.fixture(scope="module", params=["ed25519.pkcs8.pem", "rsa2048.pkcs8.pem"])
def pair(request: pytest.FixtureRequest):  # type: ignore[no-untyped-def]
    key = read_private(key_file(request.param))
    assert not isinstance(key, KeyProblem)
    return key


@pytest.mark.parametrize("signature", [HMAC_SIGNATURE, HMAC_SIGNATURE.upper(), HMAC_SIGNATURE.title()])
def test_hmac_signature_in_either_case_is_accepted(signature: str) -> None:
    assert HMAC.verify(PAYLOAD, signature)


@pytest.mark.parametrize(
    "signature",
    [
        "",
        HMAC_SIGNATURE[:-1],
        HMAC_SIGNATURE + "0",
        " " + HMAC_SIGNATURE[1:],
        "é" * 64,
        "g" * 64,
        "0" * 64,
        "\0" * 64,
    ],
)
def test_hmac_signature_of_another_form_is_refused(signature: str) -> None:
    assert not HMAC.verify(PAYLOAD, signature)


def test_hmac_secret_with_one_bit_changed_refuses() -> None:
    secret = K1["secret"].encode()
    for bit in range(len(secret) * 8):
        assert not hmac_verifier(Secret(flip_bit(secret, bit))).verify(PAYLOAD, HMAC_SIGNATURE)


def test_hmac_verifier_serves_many_payloads_without_mixing_them() -> None:
    assert HMAC.verify(PAYLOAD, HMAC_SIGNATURE)
    assert not HMAC.verify(b"", HMAC_SIGNATURE)
    assert HMAC.verify(PAYLOAD, HMAC_SIGNATURE)


def test_asymmetric_signature_is_accepted(pair) -> None:  # type: ignore[no-untyped-def]
    assert pair.public.verifier().verify(PAYLOAD, pair.signer().sign(PAYLOAD))
    assert pair.signer().key_type == pair.public.verifier().key_type == pair.public.key_type


@pytest.mark.parametrize(
    "change",
    [
        lambda s: s.rstrip("="),
        lambda s: s + "=",
        lambda s: s + "\n",
        lambda s: " " + s,
        lambda s: s[:20] + "\n" + s[20:],
        lambda s: s.replace("=", "%3D"),
        lambda s: s[:-4],
        lambda s: "AAAA" + s,
        lambda s: s.swapcase(),
        lambda s: "é" + s[1:],
        lambda s: "",
        lambda s: base64.b64decode(s).hex(),
    ],
    ids=["no padding", "more padding", "newline", "blank", "wrapped", "percent", "shorter", "longer", "case", "foreign",
        "empty", "hex"],
)  # fmt: skip
def test_asymmetric_signature_of_another_form_is_refused(pair, change) -> None:  # type: ignore[no-untyped-def]
    assert not pair.public.verifier().verify(PAYLOAD, change(pair.signer().sign(PAYLOAD)))


def test_ed25519_unused_bits_of_base64_are_refused() -> None:
    """64 bytes leave four bits of the last character unused: sixteen texts would decode to one signature."""
    key = read_private(key_file("ed25519.pkcs8.pem"))
    assert not isinstance(key, KeyProblem)
    signature = key.signer().sign(PAYLOAD)
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
    others = [f"{signature[:85]}{character}==" for character in alphabet if character != signature[85]]
    assert not any(key.public.verifier().verify(PAYLOAD, other) for other in others)


def test_ed25519_scalar_plus_group_order_is_refused() -> None:
    """The same signature with its scalar written differently must not pass as another one."""
    key = read_private(key_file("ed25519.pkcs8.pem"))
    assert not isinstance(key, KeyProblem)
    raw = base64.b64decode(key.signer().sign(PAYLOAD))
    order = 2**252 + 27742317777372353535851937790883648493
    scalar = int.from_bytes(raw[32:], "little") + order
    forged = base64.b64encode(raw[:32] + scalar.to_bytes(32, "little")).decode()
    assert not key.public.verifier().verify(PAYLOAD, forged)


def test_key_of_another_type_refuses() -> None:
    ed25519, rsa = (read_private(key_file(name)) for name in ("ed25519.pkcs8.pem", "rsa2048.pkcs8.pem"))
    assert not isinstance(ed25519, KeyProblem)
    assert not isinstance(rsa, KeyProblem)
    assert not rsa.public.verifier().verify(PAYLOAD, ed25519.signer().sign(PAYLOAD))
    assert not ed25519.public.verifier().verify(PAYLOAD, rsa.signer().sign(PAYLOAD))
    assert not HMAC.verify(PAYLOAD, ed25519.signer().sign(PAYLOAD))


@pytest.mark.parametrize(
    ("text", "raw"), [("", b""), ("AA==", b"\0"), ("AB==", None), ("AA=", None), ("A A=", None)]
)
def test_decode_base64_is_strict(text: str, raw: bytes | None) -> None:
    assert decode_base64(text) == raw
