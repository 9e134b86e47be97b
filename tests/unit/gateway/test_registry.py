"""The registry: what is found, until when, under which restrictions; changes take effect at once, sealing too."""

import msgspec
import pytest
from tests.support.key_pairs import new_key_pair
from tests.support.trails import FixedEntropy
from tests.support.virtual_keys import (
    HOUR_US,
    NARROWER,
    NOW_US,
    PUBLIC_KEY,
    READ_ONLY,
    Secrets,
    networks,
    new_key,
)

from watchword.credentials.authenticator import Admitted, BadSignature, admit
from watchword.credentials.authorizer import KeyExpired
from watchword.credentials.keypair import hmac_signer
from watchword.credentials.pem import read_private
from watchword.gateway.issuing import Half, revoke, roll
from watchword.gateway.registry import Registry
from watchword.gateway.virtual_key import VirtualKey
from watchword.gateway.virtual_key_store import KeyUse
from watchword.kernel.secret import Secret
from watchword.vault.outcome import SealedError

PAYLOAD = b"symbol=BTCUSDT&timestamp=1790000000000"
SIGNATURE = hmac_signer(Secret(b"s" * 64)).sign(PAYLOAD)


def registry(*keys: VirtualKey, secrets: Secrets | None = None) -> Registry:
    """A registry of stored keys; each HMAC version's secret is in the vault."""
    held = secrets or Secrets(*(version.api_key for key in keys for version in key.versions))
    return Registry([(key, KeyUse()) for key in keys], held, NOW_US)


def name(key: VirtualKey, version: int = -1) -> str:
    """The API key of a version."""
    return key.versions[version].api_key


def rolled(key: VirtualKey, overlap_us: int) -> VirtualKey:
    """The key with a second version."""
    found = roll(key, Half("HMAC"), overlap_us, (key,), FixedEntropy(5), NOW_US)
    assert isinstance(found, VirtualKey)
    return found


def test_key_is_found_with_the_permissions_of_its_policy() -> None:
    key, look = new_key("bot"), new_key("look", policy_text=READ_ONLY)
    keys = registry(key, look)
    found = keys.find(name(key))
    assert found is not None
    assert found.permissions == {"READING", "SPOT_AND_MARGIN_TRADING"}
    assert (found.api_key, found.key_type, found.label) == (name(key), "HMAC", "bot")
    active = keys.active(name(key))
    assert active is not None
    assert active.key == key
    assert [layer for layer, _ in active.layers] == [key.id]
    other = keys.find(name(look))
    assert other is not None
    assert other.permissions == {"READING"}
    assert keys.find("x" * 64) is None
    assert keys.active("x" * 64) is None
    assert keys.absence("x" * 64) == "unknown key"
    assert keys.by_id(key.id) == key


def test_find_is_one_object_every_time() -> None:
    key = new_key()
    keys = registry(key)
    assert keys.find(name(key)) is keys.find(name(key))
    assert keys.active(name(key)) is keys.active(name(key))


@pytest.mark.parametrize("key_type", ["ED25519", "RSA"])
def test_signature_of_a_pair_is_checked_with_its_public_half(key_type) -> None:  # type: ignore[no-untyped-def]
    private, public = new_key_pair(key_type)
    key = new_key("bot", half=Half(key_type, public))
    found = registry(key, secrets=Secrets()).find(name(key))
    assert found is not None
    signer = read_private(private.encode()).signer()  # type: ignore[union-attr]
    assert found.verifier.verify(PAYLOAD, signer.sign(PAYLOAD))
    assert not found.verifier.verify(PAYLOAD + b"0", signer.sign(PAYLOAD))


def test_hmac_verifier_follows_the_vault_without_being_told() -> None:
    key = new_key()
    secrets = Secrets()
    secrets.sealed = True
    keys = registry(key, secrets=secrets)
    found = keys.find(name(key))
    assert found is not None
    with pytest.raises(SealedError):
        found.verifier.verify(PAYLOAD, SIGNATURE)
    secrets.sealed = False
    assert not found.verifier.verify(PAYLOAD, SIGNATURE), "a secret that is not in the vault verifies nothing"
    secrets.held = Secrets(name(key)).held
    assert found.verifier.verify(PAYLOAD, SIGNATURE)
    assert not found.verifier.verify(PAYLOAD, SIGNATURE[:-1] + ("0" if SIGNATURE[-1] != "0" else "1"))


def test_refresh_names_keys_whose_secret_is_gone() -> None:
    here, gone = new_key("here"), new_key("gone")
    pair = new_key("pair", half=Half("ED25519", PUBLIC_KEY))
    keys = registry(here, gone, pair, secrets=Secrets())
    vault = Secrets(name(here))
    assert keys.refresh(vault) == (name(gone),)
    found = keys.find(name(here))
    assert found is not None
    assert found.verifier.verify(PAYLOAD, SIGNATURE), "another vault object is asked from now on"


def test_revoked_key_is_gone_and_so_are_its_children_and_listeners_know() -> None:
    top = new_key("top")
    child = new_key("child", top)
    other = new_key("other")
    keys = registry(top, child, other)
    told: list[str] = []
    keys.on_changed.append(told.append)
    done = revoke(top, keys.listed(), NOW_US)
    assert isinstance(done, tuple)
    keys.hold(done, NOW_US)
    assert [keys.find(name(key)) for key in (top, child)] == [None, None]
    assert keys.find(name(other)) is not None
    assert sorted(told) == sorted((top.id, child.id))
    assert keys.absence(name(top)) == "revoked"
    assert keys.absence(name(child)) == "revoked"


def test_child_of_a_revoked_parent_is_gone_even_if_it_is_not_marked() -> None:
    top = new_key("top")
    child = new_key("child", top)
    keys = registry(msgspec.structs.replace(top, revoked_us=5), child)
    assert keys.find(name(child)) is None
    assert keys.absence(name(child)) == "parent revoked"


def test_child_whose_parent_is_missing_is_gone() -> None:
    child = new_key("child", new_key("top"))
    keys = registry(child)
    assert keys.find(name(child)) is None
    assert "missing" in keys.absence(name(child))
    assert "missing" in keys.fault(child.id)


def test_tightening_a_parent_tightens_its_children_at_once() -> None:
    top = new_key("top", own_orders_only=False, weight_per_minute_max=50)
    child = new_key("child", top)
    keys = registry(top, child)
    told: list[str] = []
    keys.on_changed.append(told.append)
    tight = msgspec.structs.replace(
        top,
        policy_text=READ_ONLY,
        policy_digest="other",
        restrictions=msgspec.structs.replace(networks("10.0.0.7"), expires_us=NOW_US + HOUR_US),
        own_orders_only=True,
        weight_per_minute_max=20,
        orders_per_10s_max=3,
    )
    keys.hold([tight], NOW_US)
    found, active = keys.find(name(child)), keys.active(name(child))
    assert found is not None
    assert active is not None
    assert found.permissions == {"READING"}
    assert [str(one) for one in found.restrictions.networks] == ["10.0.0.7"]
    assert found.restrictions.expires_us == NOW_US + HOUR_US
    assert active.key.own_orders_only
    assert (active.key.weight_per_minute_max, active.key.orders_per_10s_max) == (20, 3)
    assert [layer for layer, _ in active.layers] == [child.id, top.id]
    assert "permissions" in active.layers[1][1].rules
    assert keys.by_id(child.id) == child, "as it was issued"
    assert told == [top.id, child.id]


def test_rolled_key_is_found_by_both_names_until_the_old_one_ends() -> None:
    key = rolled(new_key(), HOUR_US)
    keys = registry(key)
    old, new = keys.find(name(key, 0)), keys.find(name(key, 1))
    assert old is not None
    assert new is not None
    assert (old.restrictions.expires_us, new.restrictions.expires_us) == (NOW_US + HOUR_US, 0)
    late = NOW_US + HOUR_US
    params = {"timestamp": str(late // 1000)}
    refused = admit(keys, "USER_DATA", name(key, 0), "10.0.0.1", params, (PAYLOAD,), SIGNATURE, late)
    assert refused == KeyExpired(NOW_US + HOUR_US)
    admitted = admit(keys, "USER_DATA", name(key, 1), "10.0.0.1", params, (PAYLOAD,), SIGNATURE, late)
    assert isinstance(admitted, Admitted)
    forged = admit(keys, "USER_DATA", name(key, 1), "10.0.0.1", params, (PAYLOAD,), "0" * 64, late)
    assert forged == BadSignature()


def test_version_ended_without_overlap_is_not_found_whatever_the_upstreams_clock_says() -> None:
    key = rolled(new_key(), 0)
    keys = registry(key)
    assert keys.find(name(key, 0)) is None
    assert keys.absence(name(key, 0)) == "rolled"
    assert keys.find(name(key, 1)) is not None


def test_key_with_a_policy_that_cannot_be_read_any_more_is_refused_and_says_why() -> None:
    key = msgspec.structs.replace(new_key("odd"), policy_text="version: 9\n", policy_digest="d")
    fine = new_key("fine")
    keys = registry(key, fine)
    assert keys.find(name(key)) is None
    assert "policy" in keys.fault(key.id)
    assert "policy" in keys.absence(name(key))
    assert keys.find(name(fine)) is not None


def test_key_with_a_damaged_public_half_is_refused() -> None:
    key = new_key("odd", half=Half("ED25519", PUBLIC_KEY))
    bad = msgspec.structs.replace(key, versions=(msgspec.structs.replace(key.versions[0], public_key="x"),))
    keys = registry(bad)
    assert keys.find(name(bad)) is None
    assert keys.fault(bad.id)


def test_ends_are_announced_once() -> None:
    soon = new_key("soon", restrictions=msgspec.structs.replace(networks("10.0.0.1"), expires_us=NOW_US + 10))
    child = new_key("child", soon)
    half = rolled(new_key("rolled"), 20)
    keys = registry(soon, child, half)
    told: list[str] = []
    keys.on_changed.append(told.append)
    keys.announce_ended(NOW_US + 9)
    assert told == []
    keys.announce_ended(NOW_US + 10)
    assert sorted(told) == sorted((soon.id, child.id))
    keys.announce_ended(NOW_US + 30)
    keys.announce_ended(NOW_US + 5)
    keys.announce_ended(NOW_US + 99)
    assert told[2:] == [half.id]


def test_uses_are_remembered_and_given_out_once_to_be_stored() -> None:
    key = new_key()
    keys = Registry([(key, KeyUse(5, "10.0.0.1"))], Secrets(), NOW_US)
    assert keys.use(key.id) == KeyUse(5, "10.0.0.1")
    assert keys.use("vk-other") == KeyUse()
    keys.touch(key.id, "10.0.0.2", NOW_US)
    assert keys.use(key.id) == KeyUse(NOW_US, "10.0.0.2")
    assert keys.take_uses() == {key.id: KeyUse(NOW_US, "10.0.0.2")}
    assert keys.take_uses() == {}
    assert keys.use(key.id) == KeyUse(NOW_US, "10.0.0.2")


def test_spent_secrets_are_those_nobody_can_use_any_more() -> None:
    gone = msgspec.structs.replace(new_key("gone"), revoked_us=5)
    half, pair = rolled(new_key("rolled"), HOUR_US), new_key("pair", half=Half("ED25519", PUBLIC_KEY))
    keys = registry(gone, half, msgspec.structs.replace(pair, revoked_us=6), new_key("fine"))
    assert keys.spent_secrets(NOW_US) == [name(gone)]
    assert sorted(keys.spent_secrets(NOW_US + HOUR_US)) == sorted((name(gone), name(half, 0)))


def test_removed_key_leaves_nothing_behind() -> None:
    key, other = new_key("gone", policy_text=NARROWER), new_key("other")
    keys = registry(key, other)
    keys.touch(key.id, "10.0.0.1", NOW_US)
    keys.hold([], NOW_US, [key.id])
    assert keys.find(name(key)) is None
    assert keys.by_id(key.id) is None
    assert keys.absence(name(key)) == "unknown key"
    assert keys.take_uses() == {}
    assert keys.listed() == [other]
    keys.hold([], NOW_US, ["vk-never"])
