"""What virtual keys look like: found wherever they stand, never mistaken for anything else, one bit off is not ours."""

import base64
import hashlib
import random
import re

import pytest
from tests.support.trails import FixedEntropy

from watchword.adapters.system import SystemEntropy
from watchword.credentials.model import is_api_key, new_api_key, new_hmac_secret
from watchword.gateway.key_format import (
    KEY_MARKER,
    PATTERN,
    SECRET_MARKER,
    is_virtual_key,
    is_virtual_secret,
    new_virtual_api_key,
    new_virtual_secret,
    scan,
)
from watchword.kernel.entropy import ALPHANUMERICS
from watchword.kernel.secret import Secret
from watchword.vault.material import hmac_problem

CORPUS_MEGABYTES = 4


def test_virtual_keys_are_keys_binance_clients_and_format_checks_take() -> None:
    for _ in range(200):
        key, secret = new_virtual_api_key(SystemEntropy()), new_virtual_secret(SystemEntropy())
        assert is_api_key(key)
        assert key.startswith(KEY_MARKER)
        assert is_virtual_key(key)
        assert not is_virtual_secret(key)
        assert is_virtual_secret(secret)
        assert not is_virtual_key(secret)
        assert hmac_problem(Secret(secret.encode())) is None


def test_form_is_what_it_was_when_keys_were_issued() -> None:
    assert new_virtual_api_key(FixedEntropy(7)) == new_virtual_api_key(FixedEntropy(7))
    known = KEY_MARKER + "a" * 54
    assert is_virtual_key(known + _checksum(known))
    assert _checksum(known) == "DjsKnL"


def test_every_single_changed_character_is_noticed() -> None:
    key = new_virtual_api_key(FixedEntropy())
    for at, old in enumerate(key):
        for new in ALPHANUMERICS:
            if new != old:
                assert not is_virtual_key(key[:at] + new + key[at + 1 :])
    for other in (key[:-1], key + "a", key.lower(), "", key[:-1] + "-", key[:-1] + "\u0661"):
        assert not is_virtual_key(other)


def test_scanner_finds_every_issued_key_in_any_surroundings() -> None:
    surroundings = (
        '"{}"',
        "key={}&x=1",
        "'{}':",
        "{}\n",
        "BINANCE_API_KEY={}",
        "<td>{}</td>",
        "({})",
        "{},{}",
    )
    for number in range(100):
        key, secret = new_virtual_api_key(FixedEntropy(number)), new_virtual_secret(FixedEntropy(number))
        for around in surroundings:
            text = "x = " + around.replace("{}", key, 1).replace("{}", secret)
            found = list(scan(text))
            assert text[found[0].start : found[0].end] == key
            assert found[0].what == "virtual key"
            assert re.search(PATTERN, text)
        (only,) = scan(f"secret: {secret};")
        assert only.what == "virtual key secret"
    assert not list(scan("a" + key)), "part of a longer run is not one"


def test_scanner_names_nothing_else_in_a_large_random_corpus() -> None:
    source = random.Random(20_260_901)
    for _ in range(CORPUS_MEGABYTES):
        raw = source.randbytes(500_000)
        for text in (
            base64.b64encode(raw).decode(),
            "\n".join(hashlib.sha256(raw[at : at + 64]).hexdigest() for at in range(0, 64_000, 64)),
            "".join(source.choices(ALPHANUMERICS, k=300_000)),
            " ".join(new_api_key(SystemEntropy()) for _ in range(2_000)),
            " ".join(new_hmac_secret(SystemEntropy()) for _ in range(2_000)),
        ):
            assert list(scan(text)) == []
    # Those that even begin like ours are caught by the checksum.
    for marker in (KEY_MARKER, SECRET_MARKER):
        alike = [marker + "".join(source.choices(ALPHANUMERICS, k=60)) for _ in range(20_000)]
        assert list(scan(" ".join(alike))) == []


@pytest.mark.parametrize("make", [new_virtual_api_key, new_virtual_secret])
def test_no_two_are_the_same(make) -> None:  # type: ignore[no-untyped-def]
    assert len({make(SystemEntropy()) for _ in range(5_000)}) == 5_000


def _checksum(text: str) -> str:
    """The checksum once more, written another way."""
    import zlib

    number = zlib.crc32(text.encode())
    return "".join(ALPHANUMERICS[number // 62**place % 62] for place in range(5, -1, -1))
