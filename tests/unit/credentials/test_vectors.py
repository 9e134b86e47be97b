"""Every published signature that reproduces, and a twin of each with one bit changed that must be refused."""

import base64
from typing import Any

import pytest
from tests.support.vectors import flip_bit, signatures

from watchword.credentials.key_problem import KeyProblem
from watchword.credentials.keypair import hmac_signer, hmac_verifier
from watchword.credentials.payload import rest_payload, sign_rest, sign_ws, ws_payloads
from watchword.credentials.pem import read_private, read_public
from watchword.credentials.signer import Signer
from watchword.credentials.verifier import Verifier
from watchword.kernel.secret import Secret

VECTORS = signatures()
SOH = "\x01"


def named(section: str) -> list[Any]:
    return [pytest.param(vector, id=vector["name"]) for vector in VECTORS[section]]


def signer_of(name: str) -> Signer:
    key = VECTORS["keys"][name]
    if key["type"] == "HMAC":
        return hmac_signer(Secret(key["secret"].encode()))
    passphrase = Secret(key["passphrase"].encode()) if "passphrase" in key else None
    private = read_private(key["private_key"].encode(), passphrase)
    assert not isinstance(private, KeyProblem), private
    return private.signer()


def verifier_of(name: str) -> Verifier:
    key = VECTORS["keys"][name]
    if key["type"] == "HMAC":
        return hmac_verifier(Secret(key["secret"].encode()))
    passphrase = Secret(key["passphrase"].encode()) if "passphrase" in key else None
    private = read_private(key["private_key"].encode(), passphrase)
    assert not isinstance(private, KeyProblem), private
    return private.public.verifier()


def assert_exact(key: str, payload: bytes, signature: str) -> None:
    """The signature is made and accepted; with any one of many bits changed, in payload or signature, refused."""
    assert signer_of(key).sign(payload) == signature
    verifier = verifier_of(key)
    assert verifier.verify(payload, signature)
    for bit in range(0, len(payload) * 8, 7):
        assert not verifier.verify(flip_bit(payload, bit), signature)
    for bit in range(0, raw_length(signature) * 8, 5):
        assert not verifier.verify(payload, with_bit_changed(signature, bit))


def raw_length(signature: str) -> int:
    return len(bytes.fromhex(signature)) if len(signature) == 64 else len(base64.b64decode(signature))


def with_bit_changed(signature: str, bit: int) -> str:
    if len(signature) == 64:
        return flip_bit(bytes.fromhex(signature), bit).hex()
    return base64.b64encode(flip_bit(base64.b64decode(signature), bit)).decode()


@pytest.mark.parametrize("vector", named("rest"))
def test_rest_vector_reproduces_and_its_twins_are_refused(vector: dict[str, str]) -> None:
    query, body = vector["query"], vector["body"]
    assert_exact(vector["key"], (query + body).encode(), vector["signature"])


@pytest.mark.parametrize("vector", named("rest"))
@pytest.mark.parametrize("place", ["query last", "query first", "body last"])
def test_rest_vector_as_sent_is_accepted_wherever_the_signature_stands(
    vector: dict[str, str], place: str
) -> None:
    query, body = vector["query"], vector["body"]
    pair = sign_rest(signer_of(vector["key"]), query, body)
    sent_query, sent_body = {
        "query last": (f"{query}&{pair}" if query else pair, body),
        "query first": (f"{pair}&{query}" if query else pair, body),
        "body last": (query, f"{body}&{pair}" if body else pair),
    }[place]
    payload, signature = rest_payload(sent_query.encode(), sent_body.encode())
    assert signature == vector["signature"]
    assert payload == (query + body).encode()
    assert verifier_of(vector["key"]).verify(payload, signature)


@pytest.mark.parametrize("vector", named("rest_refused"))
def test_rest_signature_over_unencoded_text_is_refused(vector: dict[str, str]) -> None:
    payload, _ = rest_payload(vector["query"].encode(), vector["body"].encode())
    assert not verifier_of(vector["key"]).verify(payload, vector["signature"])


@pytest.mark.parametrize("vector", named("ws"))
def test_ws_vector_reproduces_and_its_twins_are_refused(vector: dict[str, Any]) -> None:
    payload = ws_payloads(vector["params"])[0]
    assert payload == vector["payload"].encode()
    assert_exact(vector["key"], payload, vector["signature"])
    assert sign_ws(signer_of(vector["key"]), vector["params"])["signature"] == vector["signature"]


@pytest.mark.parametrize("vector", named("ws"))
def test_ws_vector_signature_does_not_cover_itself(vector: dict[str, Any]) -> None:
    assert ws_payloads(vector["params"] | {"signature": "x"}) == ws_payloads(vector["params"])


@pytest.mark.parametrize("vector", named("fix"))
def test_fix_logon_vector_reproduces_and_its_twins_are_refused(vector: dict[str, Any]) -> None:
    assert_exact(vector["key"], SOH.join(vector["fields"]).encode(), vector["signature"])


def test_fix_public_key_is_the_one_published() -> None:
    public = read_public(VECTORS["keys"]["FIX"]["public_key"].encode())
    private = read_private(VECTORS["keys"]["FIX"]["private_key"].encode())
    assert not isinstance(public, KeyProblem)
    assert not isinstance(private, KeyProblem)
    assert private.public.der == public.der


def test_every_published_vector_is_here() -> None:
    assert {section: len(VECTORS[section]) for section in ("rest", "rest_refused", "ws", "fix")} == {
        "rest": 8, "rest_refused": 1, "ws": 16, "fix": 1,
    }  # fmt: skip
