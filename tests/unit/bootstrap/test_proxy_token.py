"""The forward proxy's token: shown once, kept as a digest, compared as a whole."""

import json
import stat
from pathlib import Path

import pytest

from watchword.adapters.system import SystemEntropy
from watchword.bootstrap.proxy_token import MARKER, TOKEN_LENGTH, ProxyToken
from watchword.kernel.errors import ConfigurationError, CorruptStoreError, StorageError


@pytest.fixture
def stored(tmp_path: Path) -> ProxyToken:
    return ProxyToken(tmp_path / "home")


def test_token_admits_and_its_file_does_not_hold_it(stored: ProxyToken) -> None:
    made = stored.make(SystemEntropy(), 1, replace=False)
    assert len(made) == len(MARKER) + TOKEN_LENGTH
    assert made.startswith(MARKER)
    assert made.isalnum()
    assert stored.admits(made.encode())
    assert ProxyToken(stored.path.parents[1]).admits(made.encode())
    assert made.encode() not in stored.path.read_bytes()
    assert stat.S_IMODE(stored.path.stat().st_mode) == 0o600
    assert stat.S_IMODE(stored.path.parent.stat().st_mode) == 0o700


def test_one_bit_makes_another_token(stored: ProxyToken) -> None:
    made = stored.make(SystemEntropy(), 1, replace=False).encode()
    for place in range(len(made)):
        for bit in range(8):
            turned = bytearray(made)
            turned[place] ^= 1 << bit
            assert not stored.admits(bytes(turned))
    for near in (b"", made[:-1], made + b"a", made + b"\n", b" " + made):
        assert not stored.admits(near)


def test_digest_is_not_the_token(stored: ProxyToken) -> None:
    stored.make(SystemEntropy(), 1, replace=False)
    digest = json.loads(stored.path.read_bytes())["sha256"]
    assert not stored.admits(digest.encode())
    assert not stored.admits(bytes.fromhex(digest))


def test_token_is_not_replaced_unasked(stored: ProxyToken) -> None:
    made = stored.make(SystemEntropy(), 1, replace=False)
    with pytest.raises(ConfigurationError, match="--replace"):
        stored.make(SystemEntropy(), 2, replace=False)
    assert stored.admits(made.encode())


def test_new_token_ends_the_old_one_for_who_reads_already(stored: ProxyToken) -> None:
    reader = ProxyToken(stored.path.parents[1])
    old = stored.make(SystemEntropy(), 1, replace=False)
    assert reader.admits(old.encode())
    new = stored.make(SystemEntropy(), 2, replace=True)
    assert (reader.admits(old.encode()), reader.admits(new.encode())) == (False, True)


def test_without_a_token_nobody_is_admitted(stored: ProxyToken) -> None:
    with pytest.raises(ConfigurationError, match="watchword gateway proxy-token"):
        stored.check()
    assert not stored.admits(b"")
    made = stored.make(SystemEntropy(), 1, replace=False).encode()
    stored.check()
    assert stored.admits(made)
    stored.path.unlink()
    assert not stored.admits(made)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{}",
        b"[]",
        b'{"version":1,"sha256":"zz","made_us":1}',
        b'{"version":1,"sha256":"","made_us":1}',
        b'{"version":1,"sha256":"00","made_us":1}',
        b'{"version":2,"sha256":"' + b"0" * 64 + b'","made_us":1}',
        b'{"version":1,"sha256":"' + b"0" * 64 + b'","made_us":1,"more":1}',
    ],
)
def test_broken_file_admits_nobody_and_is_told(stored: ProxyToken, content: bytes) -> None:
    made = stored.make(SystemEntropy(), 1, replace=False).encode()
    assert stored.admits(made)
    stored.path.write_bytes(content)
    assert not stored.admits(made)
    assert not stored.admits(b"")
    with pytest.raises(CorruptStoreError, match=r"proxy-token\.json"):
        stored.check()


def test_folder_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "home").write_text("a file")
    with pytest.raises(StorageError, match="cannot use"):
        ProxyToken(tmp_path / "home").make(SystemEntropy(), 1, replace=False)
