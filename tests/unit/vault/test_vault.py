"""The vault on a store in memory: what sealed means, what goes in, what never comes out."""

import msgspec
import pytest
from tests.support import vaults
from tests.support.vaults import (
    ENTROPY,
    HMAC_SECRET,
    PASSPHRASE,
    cheap_source,
    memory_vault,
    post,
    record,
    reopened,
)

from watchword.adapters.kek.raw_key import RawKeySource
from watchword.adapters.memory.vault import MemoryVaultStore
from watchword.credentials.keypair import generate, hmac_signer
from watchword.kernel.errors import CorruptStoreError, StorageError
from watchword.kernel.secret import Secret
from watchword.vault import record as records
from watchword.vault import vault as vault_module
from watchword.vault.kek import KekDescription
from watchword.vault.outcome import NotFound, Refused, Sealed, SealedError
from watchword.vault.record import RealCredential
from watchword.vault.vault import Unsealed, Vault


def demo_source() -> RawKeySource:
    return RawKeySource(
        Secret(b"d" * 32), KekDescription("key-file", {"path": "/x"}, demo=True), "no", ENTROPY
    )


def test_vault_starts_sealed_and_answers_nothing() -> None:
    store = MemoryVaultStore()
    vault = Vault(store, ENTROPY)
    vault.create(cheap_source(), 1)
    assert vault.sealed
    for answer in (
        vault.signer_for("x"), vault.verifier_for("x"), vault.record("x"), vault.records(), vault.take_inbox(),
        vault.add(record(), Secret(HMAC_SECRET)), vault.generate("ed25519", record()), vault.register("x", "y"),
        vault.remove("x"), vault.rekey(cheap_source()), vault.rewrap(), vault.new_shares(2, 3, 1),
        vault.add_virtual_key("x", b"", Secret(HMAC_SECRET)),
    ):  # fmt: skip
        assert isinstance(answer, Sealed)
    vault.seal()


def test_wrong_passphrase_is_refused_and_right_one_works_afterwards() -> None:
    vault, _ = memory_vault("main")
    vault.seal()
    refused = vault.unseal(reopened(vault, Secret(b"wrong")))
    assert isinstance(refused, Refused)
    assert "wrong passphrase" in str(refused)
    assert vault.sealed
    assert vault.unseal(reopened(vault)) == Unsealed(1)


def test_signer_signs_as_the_secret_does_and_is_the_same_each_time() -> None:
    vault, _ = memory_vault("main")
    found = vault.records()
    assert isinstance(found, list)
    signer = vault.signer_for(found[0].id)
    assert not isinstance(signer, Sealed | NotFound)
    assert signer.key_type == "HMAC"
    assert signer.sign(b"a=1") == hmac_signer(Secret(HMAC_SECRET)).sign(b"a=1")
    assert vault.signer_for(found[0].id) is signer
    assert vault.record(found[0].id) == found[0]


def test_unknown_ids_are_not_found() -> None:
    vault, _ = memory_vault("main")
    for answer in (
        vault.signer_for("no"), vault.verifier_for("no"), vault.record("no"), vault.remove("no"), vault.register("no", "k")
    ):  # fmt: skip
        assert answer == NotFound("no")
        assert "'no'" in str(answer)


def test_sealing_takes_lent_signers_and_verifiers_back() -> None:
    vault, _ = memory_vault("main")
    assert vault.add_virtual_key("vk-1", b"record", Secret(HMAC_SECRET)) is None
    found = vault.records()
    assert isinstance(found, list)
    signer, verifier = vault.signer_for(found[0].id), vault.verifier_for("vk-1")
    assert not isinstance(signer, Sealed | NotFound)
    assert not isinstance(verifier, Sealed | NotFound)
    signature = signer.sign(b"payload")
    assert verifier.key_type == "HMAC"
    assert verifier.verify(b"payload", signature)
    assert not verifier.verify(b"payloaD", signature)
    assert vault.verifier_for("vk-1") is verifier
    vault.seal()
    with pytest.raises(SealedError):
        signer.sign(b"payload")
    with pytest.raises(SealedError):
        verifier.verify(b"payload", signature)


def test_signer_asked_for_while_another_thread_seals_is_taken_back(monkeypatch: pytest.MonkeyPatch) -> None:
    vault, _ = memory_vault("main")
    assert vault.add_virtual_key("vk-1", b"{}", Secret(HMAC_SECRET)) is None
    keyring, found = vault._keyring, vault.records()
    assert keyring is not None
    assert isinstance(found, list)
    opened = keyring.open

    def seal_meanwhile(secret_id: str) -> Secret:
        secret = opened(secret_id)
        vault.seal()
        return secret

    monkeypatch.setattr(type(keyring), "open", lambda _, secret_id: seal_meanwhile(secret_id))
    with pytest.raises(SealedError):
        keyring.signer(found[0].id)
    with pytest.raises(SealedError):
        keyring.verifier("vk-1")


def test_virtual_key_is_no_credential_and_a_credential_no_virtual_key() -> None:
    vault, _ = memory_vault("main")
    vault.add_virtual_key("vk-1", b"record", Secret(HMAC_SECRET))
    found = vault.records()
    assert isinstance(found, list)
    assert vault.signer_for("vk-1") == NotFound("vk-1")
    assert vault.verifier_for(found[0].id) == NotFound(found[0].id)


@pytest.mark.parametrize(
    ("secret_id", "bound", "secret"),
    [
        ("", b"", HMAC_SECRET),
        ("taken", b"", HMAC_SECRET),
        ("new", b"x" * 20_000, HMAC_SECRET),
        ("new", b"", b"short"),
    ],
)
def test_virtual_keys_that_do_not_fit_are_refused(secret_id: str, bound: bytes, secret: bytes) -> None:
    vault, _ = memory_vault()
    vault.add_virtual_key("taken", b"", Secret(HMAC_SECRET))
    assert isinstance(vault.add_virtual_key(secret_id, bound, Secret(secret)), Refused)


def test_removed_credential_is_gone_for_good_and_its_signer_with_it() -> None:
    vault, store = memory_vault("main", "other")
    found = vault.records()
    assert isinstance(found, list)
    gone = next(one for one in found if one.label == "main")
    signer = vault.signer_for(gone.id)
    assert not isinstance(signer, Sealed | NotFound)
    assert vault.remove(gone.id) is None
    with pytest.raises(SealedError):
        signer.sign(b"x")
    assert vault.signer_for(gone.id) == NotFound(gone.id)
    assert [row.id for row in store.secrets()] == [one.id for one in found if one.label == "other"]
    vault.seal()
    assert vault.unseal(reopened(vault)) == Unsealed(1)


def test_inbox_waits_while_sealed_and_is_taken_in_by_unseal() -> None:
    vault, store = memory_vault()
    vault.seal()
    credential = record("posted")
    post(store, credential)
    assert vault.unseal(reopened(vault)) == Unsealed(1, taken=(credential.id,))
    assert store.inbox() == []
    assert vault.record(credential.id) == credential


def test_inbox_items_that_do_not_fit_stay_with_a_reason() -> None:
    vault, store = memory_vault("main")
    wrong = {
        "label": record("main"),
        "key": record("again", api_key=record("main").api_key),
        "form": record("form", api_key="short"),
        "type": record("type", key_type="ED25519", fingerprint="SHA256:x"),
        "empty": record(""),
        "prefix": record("cred-looks-like-an-id"),
        "notes": record("notes", notes="n" * 501),
    }
    for one in wrong.values():
        post(store, one)
    post(store, record("blank"), b"two words that are no secret")
    post(store, record("quoted"), b'"' + HMAC_SECRET + b'"')
    post(store, record("short"), b"short")
    post(store, record("large"), b"x" * 9_000)
    post(store, fits := record("fits"))
    taken = vault.take_inbox()
    assert isinstance(taken, Unsealed)
    assert taken.taken == (fits.id,)
    reasons = dict(taken.refused)
    assert len(reasons) == 11
    assert "labelled" in reasons[wrong["label"].id]
    assert "already" in reasons[wrong["key"].id]
    assert "64 letters" in reasons[wrong["form"].id]
    assert "not a private key" in reasons[wrong["type"].id]
    assert {item.id: item.refused for item in store.inbox()} == reasons
    assert not any(HMAC_SECRET.decode() in reason for reason in reasons.values())


def test_inbox_item_altered_in_any_part_is_refused() -> None:
    vault, store = memory_vault()
    credential = record("posted", upstream="testnet")
    post(store, credential)
    (item,) = store.inbox()
    other = msgspec.structs.replace(credential, upstream="live")
    twins = [
        msgspec.structs.replace(item, record=records.encode_record(other)),
        msgspec.structs.replace(item, sealed=item.sealed[:-1] + bytes([item.sealed[-1] ^ 1])),
        msgspec.structs.replace(item, id="cred-another"),
        msgspec.structs.replace(item, record=b"{"),
    ]
    for twin in twins:
        store._inbox = {twin.id: twin}
        taken = vault.take_inbox()
        assert isinstance(taken, Unsealed)
        assert not taken.taken
        assert [reason for _, reason in taken.refused]


def test_inbox_item_whose_own_record_is_wrong_is_refused() -> None:
    vault, store = memory_vault()
    header = vaults.decode_header(store.meta()["header"])
    credential = record("posted")
    item = vaults.new_item(header, credential, Secret(HMAC_SECRET))
    for raw, text in (
        (b"[]", "not one"),
        (item.record.replace(credential.id.encode(), b"cred-other"), "another id"),
    ):
        context = vault_module.open_item.__globals__["item_context"](header.vault_id, item.id, raw)
        from watchword.vault.intake import seal_to

        sealed = seal_to(header.intake_key, Secret(HMAC_SECRET), context)
        store._inbox = {item.id: msgspec.structs.replace(item, record=raw, sealed=sealed)}
        taken = vault.take_inbox()
        assert isinstance(taken, Unsealed)
        assert text in taken.refused[0][1]


def test_pair_made_inside_signs_and_shows_only_its_public_half() -> None:
    vault, store = memory_vault()
    made = vault.generate("ed25519", record("made", api_key=""))
    assert isinstance(made, RealCredential)
    assert made.key_type == "ED25519"
    assert made.public_key.startswith("-----BEGIN PUBLIC KEY-----")
    signer = vault.signer_for(made.id)
    assert not isinstance(signer, Sealed | NotFound)
    from watchword.credentials.keypair import PublicKey
    from watchword.credentials.pem import read_public

    public = read_public(made.public_key.encode())
    assert isinstance(public, PublicKey)
    assert public.verifier().verify(b"payload", signer.sign(b"payload"))
    assert all(b"PRIVATE" not in part for row in store.secrets() for part in (row.record, row.ciphertext))


def test_registering_sets_the_api_key_once_and_survives_resealing() -> None:
    vault, store = memory_vault("main")
    made = vault.generate("ed25519", record("made", api_key=""))
    assert isinstance(made, RealCredential)
    signed = vault.signer_for(made.id).sign(b"p")  # type: ignore[union-attr]
    for wrong in ("", "short"):
        assert isinstance(vault.register(made.id, wrong), Refused)
    registered = vault.register(made.id, vaults.api_key("r"))
    assert isinstance(registered, RealCredential)
    assert registered.api_key == vaults.api_key("r")
    assert isinstance(vault.register(made.id, vaults.api_key()), Refused)
    assert next(row for row in store.secrets() if row.id == made.id).version == 2
    vault.seal()
    vault.unseal(reopened(vault))
    assert vault.signer_for(made.id).sign(b"p") == signed  # type: ignore[union-attr]


def test_registering_an_api_key_that_is_taken_is_refused() -> None:
    vault, _ = memory_vault()
    first = vault.add(record("first", api_key=vaults.api_key()), Secret(HMAC_SECRET))
    made = vault.generate("ed25519", record("made", api_key=""))
    assert isinstance(first, RealCredential)
    assert isinstance(made, RealCredential)
    refused = vault.register(made.id, vaults.api_key())
    assert isinstance(refused, Refused)
    assert "'first'" in refused.reason
    assert "empty" in vault.register(made.id, "").reason  # type: ignore[union-attr]


def test_private_key_must_be_the_recorded_one() -> None:
    vault, _ = memory_vault()
    one, other = (generate("ed25519", ENTROPY) for _ in range(2))
    credential = record("pair", key_type="ED25519", fingerprint=one.public.fingerprint)
    refused = vault.add(credential, Secret(other.export(None, ENTROPY)))
    assert isinstance(refused, Refused)
    assert "not the one" in refused.reason
    assert isinstance(vault.add(credential, Secret(one.export(None, ENTROPY))), RealCredential)
    assert isinstance(vault.add(credential, Secret(one.export(None, ENTROPY))), Refused)


def test_demo_kek_refuses_live_credentials_everywhere() -> None:
    store = MemoryVaultStore()
    vault = Vault(store, ENTROPY)
    vault.create(demo_source(), 1)
    vault.unseal(demo_source())
    live = record("live", upstream="live")
    assert isinstance(vault.add(live, Secret(HMAC_SECRET)), Refused)
    post(store, live)
    taken = vault.take_inbox()
    assert isinstance(taken, Unsealed)
    assert "demo" in taken.refused[0][1]
    assert isinstance(vault.generate("ed25519", record("gen", upstream="live", api_key="")), Refused)
    assert isinstance(vault.add(record("test", upstream="testnet"), Secret(HMAC_SECRET)), RealCredential)


def test_vault_with_live_credentials_does_not_move_to_a_demo_kek() -> None:
    vault, _ = memory_vault()
    vault.add(record("live", upstream="live"), Secret(HMAC_SECRET))
    refused = vault.rekey(demo_source())
    assert isinstance(refused, Refused)
    vault.seal()
    assert vault.unseal(reopened(vault)) == Unsealed(1)


def test_full_vault_takes_nothing_more(monkeypatch: pytest.MonkeyPatch) -> None:
    vault, _ = memory_vault("one")
    monkeypatch.setattr("watchword.vault.admission.SECRETS_COUNT_MAX", 1)
    monkeypatch.setattr("watchword.vault.vault.SECRETS_COUNT_MAX", 1)
    assert isinstance(vault.add(record("two"), Secret(HMAC_SECRET)), Refused)
    assert isinstance(vault.add_virtual_key("vk", b"", Secret(HMAC_SECRET)), Refused)


def test_rekey_changes_who_opens_and_not_what_is_inside() -> None:
    vault, store = memory_vault("main")
    before = store.secrets()
    old = reopened(vault)
    new = Secret(b"a new and longer passphrase")
    from watchword.adapters.kek.passphrase import PassphraseSource

    assert vault.rekey(PassphraseSource.new(new, vaults.CHEAP, ENTROPY)) is None
    assert store.secrets() == before
    vault.seal()
    assert isinstance(vault.unseal(old), Refused)
    assert isinstance(vault.unseal(reopened(vault, PASSPHRASE)), Refused)
    assert vault.unseal(reopened(vault, new)) == Unsealed(1)


def test_rewrap_changes_every_dek_and_no_ciphertext() -> None:
    vault, store = memory_vault("a", "b", "c")
    before = {row.id: row for row in store.secrets()}
    signers = {one: vault.signer_for(one) for one in before}
    assert vault.rewrap() == 3
    for row in store.secrets():
        assert row.wrapped_dek != before[row.id].wrapped_dek
        assert row.ciphertext == before[row.id].ciphertext
        assert vault.signer_for(row.id) is signers[row.id]
    assert (
        len({row.wrapped_dek[:5] for row in store.secrets()} | {before[i].wrapped_dek[:5] for i in before})
        == 2
    )
    vault.seal()
    assert vault.unseal(reopened(vault)) == Unsealed(3)


def test_rewrapped_kek_no_longer_opens_what_the_old_one_wrapped() -> None:
    vault, store = memory_vault("a")
    old_row = store.secrets()[0]
    vault.rewrap()
    store._secrets[old_row.id] = old_row
    vault.seal()
    with pytest.raises(CorruptStoreError, match=old_row.id):
        vault.unseal(reopened(vault))


class FailingStore(MemoryVaultStore):
    """Stops accepting changes after a number of them."""

    def __init__(self, after: int) -> None:
        super().__init__()
        self.after = after

    def apply(self, change: vault_module.Change) -> None:
        if self.after == 0:
            raise StorageError("disk full")
        self.after -= 1
        super().apply(change)


@pytest.mark.parametrize("after", range(6))
def test_rewrap_stopped_after_any_step_opens_and_is_finished_by_the_next_unseal(
    after: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("watchword.vault.rotation.BATCH_ROWS", 2)
    store = FailingStore(-1)
    vault = Vault(store, ENTROPY)
    vault.create(cheap_source(), 1)
    vault.unseal(reopened(vault))
    for label in "abcdef":
        vault.add(record(label), Secret(HMAC_SECRET))
    texts = vault.new_shares(2, 2, 1)
    assert isinstance(texts, tuple)
    keys = {row.id: row.wrapped_dek for row in store.secrets()}
    store.after = after
    if after < 5:
        with pytest.raises(StorageError):
            vault.rewrap()
    else:
        vault.rewrap()
    store.after = -1

    after_crash = Vault(store, ENTROPY)
    assert isinstance(after_crash.unseal_with_shares(list(texts)), Unsealed)
    after_crash.seal()
    opened = after_crash.unseal(reopened(after_crash))
    assert isinstance(opened, Unsealed)
    assert opened.secrets == 6
    assert opened.rewrapped == {1: 6, 2: 4, 3: 2}.get(after, 0)
    prefixes = {row.wrapped_dek[:5] for row in store.secrets()}
    assert len(prefixes) == 1
    assert (store.secrets()[0].wrapped_dek == keys[store.secrets()[0].id]) == (after == 0)
    assert after_crash.rewrap() == 6


def test_change_that_was_not_stored_has_not_happened() -> None:
    store = FailingStore(-1)
    vault = Vault(store, ENTROPY)
    vault.create(cheap_source(), 1)
    vault.unseal(reopened(vault))
    kept = vault.add(record("kept"), Secret(HMAC_SECRET))
    assert isinstance(kept, RealCredential)
    store.after = 0
    for change in (
        lambda: vault.add(record("lost"), Secret(HMAC_SECRET)),
        lambda: vault.remove(kept.id),
        lambda: vault.rekey(demo_source()),
        lambda: vault.new_shares(2, 3, 1),
        vault.rewrap,
    ):
        with pytest.raises(StorageError):
            change()  # type: ignore[no-untyped-call]
    assert vault.records() == [kept]
    assert vault.signer_for(kept.id).sign(b"x")  # type: ignore[union-attr]
    vault.seal()
    assert vault.unseal(reopened(vault)) == Unsealed(1)


def test_kek_not_at_hand_after_shares_is_said() -> None:
    vault, _ = memory_vault("main")
    texts = vault.new_shares(2, 3, 1)
    assert isinstance(texts, tuple)
    vault.seal()
    assert isinstance(vault.unseal_with_shares(list(texts[1:])), Unsealed)
    refused = vault.rewrap()
    assert isinstance(refused, Refused)
    assert "rekey" in refused.reason
    vault.rekey(cheap_source())
    assert vault.rewrap() == 1


def test_nothing_of_a_vault_prints_a_secret() -> None:
    vault, store = memory_vault("main")
    texts = vault.new_shares(2, 3, 1)
    assert isinstance(texts, tuple)
    shown = "".join(
        repr(one)
        for one in (vault, store.secrets(), store.meta(), texts, vault.records(), vars(vault), vault._keyring)
    )
    assert HMAC_SECRET.decode() not in shown
    assert "wwshare-" not in shown
