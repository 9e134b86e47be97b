"""Key files with bits changed or pieces missing: a named problem, or a key, never a fault."""

import base64

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.support.examples import examples
from tests.support.vectors import DIALECT_PASSPHRASE, flip_bit, key_file

from watchword.credentials.key_problem import KeyProblem
from watchword.credentials.pem import KeyFile, read_key
from watchword.kernel.secret import Secret

NAMES = [
    "ed25519.pkcs8.pem", "rsa2048.pkcs8.pem", "rsa2048.pkcs1.pem", "rsa2048.spki.pem", "rsa2048.pkcs1pub.pem",
    "ssh-ed25519.private", "ssh-rsa.pub", "ssh-rsa.rfc4716", "ec.sec1.pem", "rsa2048.cert.pem",
]  # fmt: skip


@given(st.sampled_from(NAMES), st.integers(min_value=0), st.integers(min_value=0))
@settings(max_examples=examples(150))
def test_file_cut_and_changed_is_named_or_read(name: str, cut: int, bit: int) -> None:
    raw = key_file(name)
    raw = raw[: len(raw) - cut % len(raw)]
    found = read_key(flip_bit(raw, bit % (len(raw) * 8)), Secret(DIALECT_PASSPHRASE))
    assert isinstance(found, KeyFile | KeyProblem)


@pytest.mark.parametrize(
    "name", ["rsa2048.pkcs8.pem", "ed25519.pkcs8.pem", "rsa2048.spki.pem", "ed25519.spki.pem"]
)
def test_key_with_one_bit_changed_is_never_the_same_key(name: str) -> None:
    lines = key_file(name).decode().splitlines()
    body = base64.b64decode("".join(lines[1:-1]))
    original = read_key(body)
    assert isinstance(original, KeyFile)
    assert original.public is not None
    step = 1 if len(body) < 100 else 613
    for bit in range(0, len(body) * 8, step):
        changed = read_key(flip_bit(body, bit))
        if isinstance(changed, KeyFile) and changed.public is not None:
            assert changed.public.der != original.public.der, bit
