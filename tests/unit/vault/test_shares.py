"""k shares open, k-1 never do; typing errors, strangers and forgeries are named."""

import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.support.examples import examples
from tests.support.vaults import ENTROPY, cheap_source, memory_vault, reopened

from watchword.kernel.secret import Secret
from watchword.vault import shares
from watchword.vault.outcome import Refused
from watchword.vault.vault import Unsealed

SECRET = Secret(bytes(range(16)))


def made(threshold: int = 3, count: int = 5, set_id: bytes = b"set1") -> list[shares.Share]:
    found = shares.split(SECRET, threshold, count, set_id)
    assert isinstance(found, list)
    return found


@pytest.mark.parametrize(
    ("threshold", "secret", "points"),
    [
        (2, "d9fe73909bae28b3757854c0af7ad405", ["1-594ae8964294174d95c33756d2504170",
            "2-d897459d29da574eb40e93ec552ffe6e", "4-db2c1f8bff46d748f795da995bd080cb"]),
        (3, "ec96aa5c14c9faa699354cf1da74e904", ["1-64579fbf1908d66f7239bf6e2b4e41e1",
            "3-e418776ef5c0579bd9299277374806dd", "5-23fe42431db2b41bd03ecdc7ea8e97ac"]),
    ],
)  # fmt: skip
def test_published_shares_of_ssss_give_the_published_secret(
    threshold: int, secret: str, points: list[str]
) -> None:
    """Source: vectors made with Poettering's `ssss` at 128 bits, in PyCryptodome's own suite."""
    pairs = [one.split("-") for one in points]
    published = [shares.Share(b"set1", threshold, 5, int(i), Secret(bytes.fromhex(v))) for i, v in pairs]
    found = shares.combine(published)
    assert isinstance(found, Secret)
    assert found.reveal().hex() == secret
    twin = shares.Share(b"set1", threshold, 5, 7, Secret(b"x" * 16))
    other = shares.combine([twin, *published[1:]])
    assert isinstance(other, Secret)
    assert other.reveal().hex() != secret


def test_any_k_of_n_give_the_secret() -> None:
    for chosen in itertools.combinations(made(), 3):
        found = shares.combine(chosen)
        assert isinstance(found, Secret)
        assert found.reveal() == SECRET.reveal()


def test_fewer_than_k_are_refused_before_anything_is_combined() -> None:
    for chosen in itertools.combinations(made(), 2):
        refused = shares.combine(chosen)
        assert isinstance(refused, Refused)
        assert "3 are needed" in refused.reason
    assert isinstance(shares.combine([made()[0]] * 3), Refused)
    assert isinstance(shares.combine([]), Refused)


def test_shares_of_two_sets_do_not_mix() -> None:
    refused = shares.combine([*made()[:2], made(set_id=b"set2")[2]])
    assert isinstance(refused, Refused)
    assert "different sets" in refused.reason


@pytest.mark.parametrize(("threshold", "count"), [(1, 3), (4, 3), (2, 33), (0, 0)])
def test_senseless_numbers_are_refused(threshold: int, count: int) -> None:
    assert isinstance(shares.split(SECRET, threshold, count, b"set1"), Refused)


def test_share_text_survives_case_blanks_and_dashes() -> None:
    share = made()[1]
    text = shares.write(share)
    for typed in (text, text.upper(), text.replace("-", " "), "  " + text.replace("-", "") + "\n"):
        read = shares.read(typed)
        assert isinstance(read, shares.Share)
        assert (read.set_id, read.threshold, read.count, read.index) == (b"set1", 3, 5, 2)
        assert read.value.reveal() == share.value.reveal()


@settings(max_examples=examples(200))
@given(st.data())
def test_any_changed_character_is_named(data: st.DataObject) -> None:
    text = shares.write(made()[0])
    at = data.draw(st.sampled_from([i for i, c in enumerate(text) if i > 7 and c != "-"]))
    other = data.draw(st.sampled_from([c for c in "abcdefghijklmnopqrstuvwxyz234567" if c != text[at]]))
    read = shares.read(text[:at] + other + text[at + 1 :])
    if at < len(text) - 1:
        assert isinstance(read, Refused)


@given(st.text(max_size=300))
def test_any_text_is_read_or_refused(text: str) -> None:
    assert isinstance(shares.read(text), Refused)


def test_share_of_another_version_is_named() -> None:
    raw = shares._LAYOUT.pack(9, b"set1", 3, 5, 1, bytes(16))
    import base64

    text = base64.b32encode(raw + shares._checksum(raw)).decode()
    assert "version 9" in shares.read(text).reason  # type: ignore[union-attr]


def test_points_that_contradict_each_other_are_refused() -> None:
    one = made()[0]
    twins = [shares.Share(one.set_id, 2, 5, 0, one.value), shares.Share(one.set_id, 2, 5, 1, one.value)]
    found = shares.combine(twins)
    assert isinstance(found, Refused) or found.reveal() != SECRET.reveal()


def test_text_far_too_long_is_no_share() -> None:
    found = shares.read(shares.write(made()[0]) * 20)
    assert isinstance(found, Refused)
    assert "too long" in found.reason


def test_vault_opens_with_k_shares_and_never_with_fewer() -> None:
    vault, _ = memory_vault("main")
    texts = vault.new_shares(3, 5, 1)
    assert isinstance(texts, tuple)
    assert len(texts) == 5
    vault.seal()
    for chosen in itertools.combinations(texts, 2):
        assert isinstance(vault.unseal_with_shares(list(chosen)), Refused)
        assert vault.sealed
    for chosen in itertools.combinations(texts, 3):
        assert vault.unseal_with_shares(list(chosen)) == Unsealed(1)
        vault.seal()


def test_shares_stay_valid_over_rekey_and_rewrap() -> None:
    vault, _ = memory_vault("main")
    texts = vault.new_shares(2, 3, 1)
    assert isinstance(texts, tuple)
    vault.rewrap()
    vault.rekey(cheap_source())
    vault.rewrap()
    vault.seal()
    assert vault.unseal_with_shares(list(texts[:2])) == Unsealed(1)


def test_older_set_opens_nothing() -> None:
    vault, _ = memory_vault("main")
    old, _new = vault.new_shares(2, 3, 1), vault.new_shares(2, 3, 2)
    assert isinstance(old, tuple)
    vault.seal()
    refused = vault.unseal_with_shares(list(old))
    assert isinstance(refused, Refused)
    assert "another set" in refused.reason


def test_forged_share_with_a_good_checksum_is_refused() -> None:
    vault, _ = memory_vault("main")
    texts = vault.new_shares(2, 3, 1)
    assert isinstance(texts, tuple)
    vault.seal()
    real = shares.read(texts[0].reveal().decode())
    assert isinstance(real, shares.Share)
    forged = shares.Share(real.set_id, 2, 3, 2, Secret(ENTROPY.token(16)))
    refused = vault.unseal_with_shares([texts[0], Secret(shares.write(forged).encode())])
    assert isinstance(refused, Refused)
    assert "forged" in refused.reason


def test_share_that_is_none_is_numbered_and_vault_without_shares_says_so() -> None:
    vault, _ = memory_vault("main")
    vault.seal()
    assert "no recovery shares" in vault.unseal_with_shares([]).reason  # type: ignore[union-attr]
    vault.unseal(reopened(vault))
    texts = vault.new_shares(2, 3, 1)
    assert isinstance(texts, tuple)
    vault.seal()
    assert "share 2" in vault.unseal_with_shares([texts[0], Secret(b"hello")]).reason  # type: ignore[union-attr]


def test_senseless_numbers_are_refused_by_the_vault() -> None:
    vault, _ = memory_vault()
    assert isinstance(vault.new_shares(1, 1, 1), Refused)
