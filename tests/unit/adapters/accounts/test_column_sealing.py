"""People's secrets at rest: sealed, bound to their cell, and useless without the key file."""

import os
import stat
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from watchword.adapters.accounts.column_sealing import ColumnSealer
from watchword.kernel.errors import CorruptStoreError, StorageError
from watchword.kernel.secret import Secret

SEED = b"\x01twenty bytes of seed"
CELL = ("totp_factor", "f-1", "p-1", "seed")


def new_sealer(folder: Path) -> ColumnSealer:
    return ColumnSealer.open(folder / "accounts.key", may_create=True)


def test_sealed_secret_opens_in_its_own_cell_only(tmp_path: Path) -> None:
    sealer = new_sealer(tmp_path)
    sealed = sealer.seal(CELL, Secret(SEED))
    assert SEED not in sealed
    assert sealer.open_sealed(CELL, sealed).reveal() == SEED
    for place, text in enumerate(CELL):
        elsewhere = [*CELL]
        elsewhere[place] = text + "2"
        with pytest.raises(CorruptStoreError, match="does not open"):
            sealer.open_sealed(elsewhere, sealed)


def test_cell_is_not_another_with_its_texts_parted_elsewhere(tmp_path: Path) -> None:
    sealer = new_sealer(tmp_path)
    sealed = sealer.seal(("t", "a/1:b", "c"), Secret(SEED))
    with pytest.raises(CorruptStoreError):
        sealer.open_sealed(("t", "a", "b", "c"), sealed)
    with pytest.raises(CorruptStoreError):
        sealer.open_sealed(("t", "a", "1:b/c"), sealed)


def test_sealed_bytes_are_as_documented(tmp_path: Path) -> None:
    sealer = new_sealer(tmp_path)
    key = (tmp_path / "accounts.key").read_bytes()[4:]
    cell = ("totp_factor", "f-0123456789ab", "p-0123456789ab", "seed")
    documented = b"watchword/console/accounts/1/11:totp_factor/14:f-0123456789ab/14:p-0123456789ab/4:seed"
    sealed = sealer.seal(cell, Secret(SEED))
    assert sealed[0] == 1
    assert AESGCM(key).decrypt(sealed[1:13], sealed[13:], documented) == SEED


def test_every_flipped_bit_is_refused(tmp_path: Path) -> None:
    sealer = new_sealer(tmp_path)
    sealed = sealer.seal(CELL, Secret(SEED))
    for offset in range(len(sealed)):
        damaged = bytearray(sealed)
        damaged[offset] ^= 1
        with pytest.raises(CorruptStoreError):
            sealer.open_sealed(CELL, bytes(damaged))
    for cut in (b"", sealed[:1], sealed[:20], sealed[:-1]):
        with pytest.raises(CorruptStoreError):
            sealer.open_sealed(CELL, cut)


def test_same_secret_seals_differently_each_time(tmp_path: Path) -> None:
    sealer = new_sealer(tmp_path)
    assert sealer.seal(CELL, Secret(SEED)) != sealer.seal(CELL, Secret(SEED))


def test_key_file_is_private_and_read_again(tmp_path: Path) -> None:
    os.umask(0o022)
    sealed = new_sealer(tmp_path).seal(CELL, Secret(SEED))
    path = tmp_path / "accounts.key"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert len(path.read_bytes()) == 36
    again = ColumnSealer.open(path, may_create=False)
    assert again.open_sealed(CELL, sealed).reveal() == SEED


def test_missing_key_file_is_named_and_not_made_anew(tmp_path: Path) -> None:
    with pytest.raises(CorruptStoreError, match=r"accounts\.key is missing"):
        ColumnSealer.open(tmp_path / "accounts.key", may_create=False)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("content", [b"", b"WWA1short", b"WWA1" + b"k" * 33, b"WWK1" + b"k" * 32])
def test_key_file_of_another_layout_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "accounts.key").write_bytes(content)
    with pytest.raises(CorruptStoreError, match="not a key file of this version"):
        new_sealer(tmp_path)


def test_key_file_that_cannot_be_written_is_a_fault(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match="cannot write"):
        new_sealer(tmp_path / "nowhere")


def test_nothing_shows_the_secret(tmp_path: Path) -> None:
    sealer = new_sealer(tmp_path)
    assert (tmp_path / "accounts.key").read_bytes()[4:].hex() not in repr(sealer)
    with pytest.raises(CorruptStoreError) as caught:
        sealer.open_sealed(("t",), sealer.seal(CELL, Secret(SEED)))
    assert SEED.decode() not in str(caught.value)
