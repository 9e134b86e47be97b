"""`session.logon`: Ed25519 only, recorded before it is true, good for once."""

from typing import Any

import msgspec
import pytest
from tests.support.gateway_fakes import API_KEY, IP, ORDER, Rig, virtual_key, wire_of
from tests.support.policies import policy

from watchword.adapters.system import SystemEntropy
from watchword.credentials.keypair import generate
from watchword.credentials.payload import rest_payload
from watchword.gateway.messages import Answer, Inbound, Refused
from watchword.gateway.ports import ActiveKey


@pytest.fixture(scope="module")
def pair() -> Any:
    return generate("ed25519", SystemEntropy())


def rig_with(pair: Any) -> Rig:
    rig = Rig()
    made = virtual_key()
    rig.active = rig.keys.add(made, ((made.id, policy("")),), pair.public.verifier(), key_type="ED25519")
    rig.signer = pair.signer()
    return rig


async def test_logon_is_recorded_and_signs_nothing(pair: Any) -> None:
    rig = rig_with(pair)
    assert await rig.pipeline.logon(rig.ws("session.logon")) is rig.active
    (intent,) = rig.trail.intents
    assert (intent.endpoint, intent.key) == ("session.logon", "vk-abcdefghijkl")
    assert intent.replay
    assert [(row.result, row.note) for row in rig.trail.outcomes] == [
        ("not_sent", "nothing is signed for a logon")
    ]
    assert not rig.signers.lent
    assert not rig.ws_link.sent


async def test_logon_twice_with_the_same_bytes(pair: Any) -> None:
    rig = rig_with(pair)
    inbound = rig.ws("session.logon")
    assert isinstance(await rig.pipeline.logon(inbound), ActiveKey)
    again = await rig.pipeline.logon(inbound)
    assert isinstance(again, Refused)
    assert again.rule == "replay"
    assert rig.trail.refusals[0].rule == "replay"


async def test_captured_logon_does_not_pass_as_a_request(pair: Any) -> None:
    rig = rig_with(pair)
    inbound = rig.ws("session.logon")
    await rig.pipeline.logon(inbound)
    reply = await rig.send(msgspec.structs.replace(inbound, path="account.status"))
    assert wire_of(reply) == (401, -1002)
    assert not rig.ws_link.sent


async def test_captured_request_does_not_pass_as_a_logon(pair: Any) -> None:
    rig = rig_with(pair)
    inbound = rig.ws("account.status")
    assert isinstance(await rig.send(inbound), Answer)
    reply = await rig.pipeline.logon(msgspec.structs.replace(inbound, path="session.logon"))
    assert isinstance(reply, Refused)
    assert wire_of(reply) == (401, -1002)


async def test_captured_rest_request_does_not_pass_as_a_logon_after_it_was_answered(pair: Any) -> None:
    rig = rig_with(pair)
    inbound = rig.order()
    assert isinstance(await rig.send(inbound), Answer)
    raw, _ = rest_payload(inbound.raw_query, b"")
    over_ws = Inbound(
        door="ws", method="", path="session.logon", params=inbound.params, ip=IP, payloads=(raw,),
        signature=inbound.signature, api_key=API_KEY,
    )  # fmt: skip
    assert isinstance(await rig.pipeline.logon(over_ws), Refused)


async def test_hmac_key_cannot_log_on() -> None:
    rig = Rig()
    reply = await rig.pipeline.logon(rig.ws("session.logon"))
    assert isinstance(reply, Refused)
    assert (*wire_of(reply), reply.wire.text) == (400, -4056, "HMAC_SHA256 API key is not supported.")
    assert rig.trail.counted == [("key type", IP)]


@pytest.mark.parametrize("fault", ["sealed", "signature", "revoked", "trail"])
async def test_logon_that_fails_records_no_session(pair: Any, fault: str) -> None:
    rig = rig_with(pair)
    inbound = rig.ws("session.logon")
    if fault == "sealed":
        rig.signers.is_sealed = True
    elif fault == "signature":
        inbound = msgspec.structs.replace(inbound, payloads=(inbound.payloads[0] + b"0",))
    elif fault == "revoked":
        rig.keys.forget(API_KEY)
    else:
        rig.trail.fault = "disk full"
    reply = await rig.pipeline.logon(inbound)
    assert isinstance(reply, Refused)
    code = {"sealed": -1008, "signature": -1022, "revoked": -2015, "trail": -1008}[fault]
    assert reply.wire.code == code
    assert not rig.trail.intents


async def test_ed25519_key_signs_orders_too(pair: Any) -> None:
    rig = rig_with(pair)
    assert isinstance(await rig.send(rig.rest("POST", "/api/v3/order", ORDER)), Answer)
