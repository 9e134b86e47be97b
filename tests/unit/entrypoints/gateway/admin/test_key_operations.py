"""What is asked about keys, and what is answered, recorded and in effect afterwards."""

import json
from pathlib import Path
from typing import Any

import pytest
from tests.support.key_pairs import new_key_pair
from tests.support.vaults import PASSPHRASE, host_with
from tests.support.virtual_keys import NARROWER, POLICY, PUBLIC_KEY, WIDER, RecordingTrail

from watchword.adapters.memory.virtual_keys import MemoryVirtualKeys
from watchword.adapters.system import SystemClock, SystemEntropy
from watchword.audit.event import encode_event
from watchword.bootstrap.key_desk import KeyDesk
from watchword.credentials.keypair import hmac_signer
from watchword.entrypoints.gateway.admin import requests as ask
from watchword.entrypoints.gateway.admin.listener import FAULT, answer
from watchword.entrypoints.gateway.admin.operations import perform
from watchword.entrypoints.gateway.admin.views import countdown
from watchword.gateway.key_format import is_virtual_key, is_virtual_secret
from watchword.kernel.secret import Secret
from watchword.policy.usage import Filled, Placed, Usage
from watchword.vault.outcome import NotFound, Refused, Sealed


class Office:
    """A desk with a real vault and a trail that remembers."""

    def __init__(self, home: Path) -> None:
        self.host = host_with(home, "main", "spare")
        self.trail = RecordingTrail()
        self.usages: dict[str, Usage] = {}
        self.desk = KeyDesk(
            home,
            MemoryVirtualKeys(),
            self.trail,
            SystemClock(),
            SystemEntropy(),
            self.host,
            lambda key_id: self.usages.get(key_id, Usage()),
        )

    async def tell(self, request: ask.AnyRequest) -> Any:
        return await perform(self.desk, request, "ann (uid 7)")

    async def issue(self, label: str, **fields: Any) -> ask.IssuedAnswer:
        given = {"key_type": "ED25519", "credential": "main", "policy": POLICY, **fields}
        if given["key_type"] == "ED25519" and "public_key" not in given:
            given["public_key"] = new_key_pair("ED25519")[1]
        found = await self.tell(ask.IssueKey(label=label, **given))
        assert isinstance(found, ask.IssuedAnswer), found
        return found

    async def refused(self, request: ask.AnyRequest) -> str:
        found = await self.tell(request)
        assert isinstance(found, Refused | Sealed), found
        return str(found)


@pytest.fixture
def office(tmp_path: Path) -> Any:
    """An open office."""
    opened = Office(tmp_path / "home")
    yield opened
    opened.host.close()


async def test_issue_answers_with_everything_but_a_private_key(office: Office) -> None:
    made = await office.issue(
        "grid", public_key=PUBLIC_KEY, ips=["10.0.0.1, 10.0.0.2"], expires="30d", orders_per_10s_max=5
    )
    key = made.key
    assert is_virtual_key(made.api_key)
    assert made.secret_key == ""
    assert (key.label, key.state, key.policy, key.credential_label, key.upstream) == (
        "grid", "works", "grid", "main", "local",
    )  # fmt: skip
    assert key.ips == ["10.0.0.1", "10.0.0.2"]
    assert key.ends_in.startswith("29d 23h")
    assert key.versions[0].fingerprint.startswith("SHA256:")
    (change,) = office.trail.changes
    assert (change.action, change.actor, change.subject) == (
        "credential:virtual:issued",
        "ann (uid 7)",
        key.id,
    )
    written = json.loads(encode_event(change))["values"]
    assert "(redacted)" not in str(written), "what the trail says must be readable"
    assert written["begins"] == made.api_key[:12]
    assert written["ips"] == "10.0.0.1 10.0.0.2"


async def test_hmac_secret_is_answered_once_and_recorded_nowhere(office: Office) -> None:
    made = await office.issue("old bot", key_type="HMAC")
    assert is_virtual_secret(made.secret_key)
    found = office.desk.registry.find(made.api_key)
    assert found is not None
    assert found.verifier.verify(b"x", hmac_signer(Secret(made.secret_key.encode())).sign(b"x"))
    assert not found.verifier.verify(b"y", hmac_signer(Secret(made.secret_key.encode())).sign(b"x"))
    assert made.secret_key not in repr(made)
    shown = await office.tell(ask.ShowKey("old bot"))
    listed = await office.tell(ask.ListKeys())
    for said in (shown, listed, office.trail.events):
        assert made.secret_key not in str(said)
    for file in office.desk.home.rglob("*"):
        assert not file.is_file() or made.secret_key.encode() not in file.read_bytes(), file


async def test_sealed_vault_makes_no_hmac_key_and_takes_no_verifier_along(office: Office) -> None:
    made = await office.issue("bot", key_type="HMAC")
    office.host.vault.seal()
    assert "sealed" in await office.refused(
        ask.IssueKey(label="x", key_type="HMAC", credential="main", policy=POLICY)
    )
    assert "sealed" in await office.refused(ask.RollKey(key="bot", overlap="1h"))
    assert len(office.trail.changes) == 1
    pair = await office.issue("pair")
    assert (await office.tell(ask.RevokeKey(pair.key.id))).keys[0].state == "revoked"
    office.host.unseal(PASSPHRASE)
    assert isinstance(await office.tell(ask.RollKey(key=made.key.id, overlap="1h")), ask.IssuedAnswer)


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"credential": "nobody"}, "no credential"),
        ({"credential": "cred-"}, "several credentials"),
        ({"credential": ""}, "which credential"),
        ({"parent": "nobody"}, "no virtual key"),
        ({"ips": ["everywhere"]}, "everywhere"),
        ({"ips": [""]}, "nothing is written"),
        ({"expires": "soon"}, "soon"),
        ({"expires": "2001-01-01"}, "over already"),
        ({"policy": ""}, "needs a policy"),
        ({"policy": "name: x"}, "policy cannot be used"),
        ({"label": "first"}, "already"),
    ],
)
async def test_issue_refuses_with_the_reason_and_records_nothing(
    office: Office, fields: dict[str, Any], reason: str
) -> None:
    await office.issue("first")
    request = ask.IssueKey(
        **{
            "label": "x",
            "key_type": "ED25519",
            "public_key": PUBLIC_KEY,
            "credential": "main",
            "policy": POLICY,
            **fields,
        }
    )
    assert reason in await office.refused(request)
    assert len(office.trail.changes) == 1
    assert len(office.desk.registry.listed()) == 1


async def test_child_takes_from_its_parent_what_is_not_given(office: Office) -> None:
    top = await office.issue("top", ips=["10.0.0.0/8"], expires="2d")
    low = await office.issue("low", credential="", policy="", parent="top")
    assert (low.key.ips, low.key.expires, low.key.parent) == (["10.0.0.0/8"], top.key.expires, top.key.id)
    narrower = await office.issue("lower", credential="", policy=NARROWER, parent="low", ips=["10.1.0.0/16"])
    assert narrower.key.policy == "narrow"
    shown = await office.tell(ask.ShowKey("top"))
    assert shown.children == [low.key.id]
    for fields, reason in (
        ({"policy": WIDER}, "max_order"),
        ({"credential": "spare"}, "parent's credential"),
        ({"expires": ""}, "outlive"),
        ({"ips": []}, "IP list"),
        ({"own_orders_only": False}, "orders of others"),
    ):
        given: dict[str, Any] = {
            "label": "x",
            "key_type": "ED25519",
            "public_key": PUBLIC_KEY,
            "parent": "top",
            **fields,
        }
        assert reason in await office.refused(ask.IssueKey(**given))


async def test_edit_changes_what_is_given_and_says_from_what_to_what(office: Office) -> None:
    made = await office.issue("bot", ips=["10.0.0.1"], expires="2d")
    changed = await office.tell(ask.EditKey(key=made.api_key[:20], ips=[], orders_per_10s_max=4))
    assert (changed.ips, changed.orders_per_10s_max, changed.expires) == ([], 4, made.key.expires)
    assert office.trail.changes[1].values == {"ips": "10.0.0.1 -> -", "orders_per_10s_max": "- -> 4"}
    found = office.desk.registry.find(made.api_key)
    assert found is not None
    assert found.restrictions.networks == ()
    never = await office.tell(ask.EditKey(key="bot", expires=""))
    assert never.expires is None
    again = await office.tell(ask.EditKey(key="bot", expires="", orders_per_10s_max=4))
    assert again.orders_per_10s_max == 4
    assert len(office.trail.changes) == 3, "what changes nothing is not recorded"
    for request in (
        ask.EditKey(key="none!"),
        ask.EditKey(key="bot", expires="x"),
        ask.EditKey(key="bot", label=""),
    ):
        assert await office.refused(request)


async def test_roll_adds_a_version_and_keeps_the_key(office: Office) -> None:
    made = await office.issue("bot")
    rolled = await office.tell(ask.RollKey(key="bot", overlap="1h", public_key=PUBLIC_KEY))
    assert rolled.key.id == made.key.id
    new, old = rolled.key.versions
    assert (new.api_key, new.state, old.api_key, old.state) == (rolled.api_key, "works", made.api_key, "ends")
    assert office.desk.registry.find(made.api_key) is not None
    to_hmac = await office.tell(ask.RollKey(key="bot", overlap="0s", key_type="HMAC"))
    assert is_virtual_secret(to_hmac.secret_key)
    assert office.desk.registry.find(made.api_key) is None
    assert [one.state for one in to_hmac.key.versions] == ["works", "ended", "ended"]
    for request in (
        ask.RollKey(key="bot", overlap="soon"),
        ask.RollKey(key="bot", overlap="never"),
        ask.RollKey(key="bot", overlap="2001-01-01"),
        ask.RollKey(key="bot", overlap="90d"),
        ask.RollKey(key="bot", overlap="1h", key_type="ED25519"),
        ask.RollKey(key="nobody", overlap="1h"),
    ):
        assert await office.refused(request), request


async def test_revoke_takes_children_along_and_records_each(office: Office) -> None:
    top = await office.issue("top")
    low = await office.issue("low", credential="", policy="", parent="top")
    done = await office.tell(ask.RevokeKey("top"))
    assert [key.id for key in done.keys] == [top.key.id, low.key.id]
    assert [office.desk.registry.find(one.api_key) for one in (top, low)] == [None, None]
    changes = office.trail.changes[2:]
    assert [change.action for change in changes] == ["credential:virtual:revoked"] * 2
    assert [change.subject for change in changes] == [top.key.id, low.key.id]
    assert changes[1].values["because_of"] == top.key.id
    assert "already" in await office.refused(ask.RevokeKey(top.key.id))
    assert "no virtual key" in await office.refused(ask.RevokeKey("zzz"))
    assert (await office.tell(ask.ListKeys())).keys == []
    assert len((await office.tell(ask.ListKeys(revoked=True))).keys) == 2


async def test_show_tells_usage_uses_and_policy(office: Office) -> None:
    made = await office.issue("bot")
    now_us = office.desk.clock.now_us()
    office.desk.registry.touch(made.key.id, "10.9.8.7", now_us)
    usage = Usage().fold(Placed(now_us, ()))
    usage = usage.fold(Filled(now_us, "k", "BTCUSDT", "BTC", "USDT", "BUY", 10**7, 25 * 10**8))
    office.usages[made.key.id] = usage
    shown = await office.tell(ask.ShowKey(made.api_key))
    assert shown.usage == {
        "BTC bought and held": "0.1",
        "USDT spent today": "25",
        "USDT turned over today": "25",
        "orders today": "1",
    }
    assert shown.policy_text == POLICY
    assert shown.last_ip == "10.9.8.7"
    assert shown.last_used is not None


async def test_key_is_named_by_label_id_api_key_or_their_beginnings(office: Office) -> None:
    made = await office.issue("bot")
    for reference in ("bot", made.key.id, made.key.id[:8], made.api_key, made.api_key[:10]):
        assert (await office.tell(ask.ShowKey(reference))).id == made.key.id
    for reference in ("", "vk-", "WWk1", made.key.id[1:], "bo"):
        assert isinstance(await office.tell(ask.ShowKey(reference)), Refused)
    await office.issue("other")
    assert "no virtual key" in await office.refused(ask.ShowKey("WWk1"))


async def test_states_of_keys_are_told_apart(office: Office) -> None:
    top = await office.issue("top", expires="1s")
    await office.issue("low", credential="", policy="", parent="top")
    assert countdown(0) == "0s"
    import asyncio

    await asyncio.sleep(1.1)
    assert [key.state for key in (await office.tell(ask.ListKeys())).keys] == ["expired", "expired"]
    assert (await office.tell(ask.ShowKey(top.key.id))).ends_in == ""


async def test_credential_that_is_gone_does_not_hide_its_keys(office: Office) -> None:
    made = await office.issue("bot")
    office.host.vault.remove(made.key.credential)
    (key,) = (await office.tell(ask.ListKeys())).keys
    assert (key.credential, key.credential_label) == (made.key.credential, "")


@pytest.mark.parametrize(
    "line",
    [b"", b"{", b"[]", b'{"op":"key.none"}', b'{"op":"key.list","more":1}', b'{"op":"key.show"}', b"\xff\n",
     b'{"op":"key.issue","label":1,"key_type":"HMAC"}', b'{"op":"key.issue","label":"x","key_type":"NONE"}'],
)  # fmt: skip
async def test_line_that_is_no_request_is_refused_in_words(office: Office, line: bytes) -> None:
    said = json.loads(await answer(office.desk, line, "me"))
    assert said["kind"] == "refused"
    assert "not a request" in said["error"]


async def test_fault_is_answered_not_thrown(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    office.trail.refuses_after = 0
    request = ask.IssueKey(
        label="x", key_type="ED25519", public_key=PUBLIC_KEY, credential="main", policy=POLICY
    )
    said = json.loads(await answer(office.desk, ask.write_request(request), "me"))
    assert said == {"error": "the disk is full", "kind": "refused"}
    monkeypatch.setattr(office.desk.registry, "listed", lambda: 1 // 0)
    said = json.loads(await answer(office.desk, ask.write_request(ask.ListKeys()), "me"))
    assert said["error"] == FAULT


def test_answers_name_their_kind() -> None:
    assert json.loads(ask.write_answer(Sealed()))["kind"] == "sealed"
    assert json.loads(ask.write_answer(NotFound("x")))["kind"] == "not_found"


@pytest.mark.parametrize(
    ("left_us", "text"),
    [(29 * 86_400_000_000 + 4 * 3_600_000_000 + 1, "29d 4h"), (3 * 3_600_000_000 + 720_000_000, "3h 12m"),
     (60_000_000, "1m"), (59_999_999, "59s"), (-5, "0s")],
)  # fmt: skip
def test_countdown_is_short(left_us: int, text: str) -> None:
    assert countdown(left_us) == text
