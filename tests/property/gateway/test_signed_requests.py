"""Whatever is sent: what goes out means what came in, ends no later, and one changed bit sends nothing."""

import asyncio
from typing import Any

import msgspec
from hypothesis import given
from hypothesis import strategies as st
from tests.support.gateway_fakes import API_KEY, REAL_SECRET, Rig
from tests.support.policies import NOW_US
from tests.support.vectors import flip_bit

from watchword.binance.request import read_params
from watchword.credentials.keypair import hmac_signer, hmac_verifier
from watchword.credentials.payload import rest_payload, ws_payloads
from watchword.gateway.messages import Answer, Inbound, Refused
from watchword.gateway.resign import encode_query, sign_rest_request, sign_ws_request, timing_params

SIGNER, VERIFIER = hmac_signer(REAL_SECRET), hmac_verifier(REAL_SECRET)
texts = st.text(st.characters(codec="utf-8"), max_size=12)
names = texts.filter(lambda name: name not in {"", "timestamp", "recvWindow", "signature", "apiKey"})
parameters = st.dictionaries(names, texts, max_size=6)


def handled(rig: Rig, inbound: Inbound) -> Any:
    return asyncio.run(rig.send(inbound))


@given(parameters)
def test_encoded_parameters_are_read_back(params: dict[str, str]) -> None:
    assert read_params(encode_query(params).encode("ascii"), b"") == params


@given(parameters)
def test_rest_request_means_what_it_meant_and_is_signed_over_its_bytes(params: dict[str, str]) -> None:
    sent = sign_rest_request(SIGNER, "R" * 64, "GET", "/x", params, ("1", "5000"), (), changes=False)
    payload, signature = rest_payload(sent.query, sent.body)
    assert signature is not None
    assert VERIFIER.verify(payload, signature)
    read = read_params(payload, b"")
    assert read == {**params, "recvWindow": "5000", "timestamp": "1"}


@given(parameters)
def test_ws_request_means_what_it_meant_and_is_signed(params: dict[str, str]) -> None:
    sent = sign_ws_request(SIGNER, "R" * 64, "x", params, ("1", "5000"), changes=False)
    assert VERIFIER.verify(ws_payloads(sent.params)[0], sent.params["signature"])
    added = {"apiKey", "recvWindow", "timestamp", "signature"}
    assert {name: value for name, value in sent.params.items() if name not in added} == params


@given(st.integers(0, 2**52), st.integers(-70_000_000, 70_000_000), st.booleans())
def test_request_ends_no_later_than_the_bot_meant(now_us: int, left_us: int, decimals: bool) -> None:
    timing = timing_params(now_us, now_us + left_us, decimals=decimals)
    if timing is None:
        assert left_us < 1_000
        return
    timestamp, window = timing
    whole, _, part = window.partition(".")
    window_us = int(whole) * 1_000 + int((part or "0").ljust(3, "0"))
    assert 0 < window_us <= 60_000_000
    assert int(timestamp) * 1_000 <= now_us
    assert int(timestamp) * 1_000 + window_us <= now_us + left_us


@given(st.data())
def test_one_changed_bit_sends_nothing(data: st.DataObject) -> None:
    rig = Rig()
    inbound = rig.order()
    query = flip_bit(inbound.raw_query, data.draw(st.integers(0, 8 * len(inbound.raw_query) - 1)))
    params = read_params(query, b"")
    if not isinstance(params, dict):
        return
    payload, signature = rest_payload(query, b"")
    twin = msgspec.structs.replace(
        inbound, raw_query=query, params=params, payloads=(payload,), signature=signature
    )
    reply = handled(rig, twin)
    # The one bit that tells upper from lower case changes nothing in a signature of hex digits.
    if payload == inbound.payloads[0] and (signature or "").lower() == inbound.signature:
        assert isinstance(reply, Answer)
    else:
        assert isinstance(reply, Refused)
        assert not rig.link.sent


@given(st.data())
def test_one_changed_bit_of_the_key_sends_nothing(data: st.DataObject) -> None:
    rig = Rig()
    twin = flip_bit(API_KEY.encode(), data.draw(st.integers(0, 8 * len(API_KEY) - 1))).decode("latin-1")
    assert isinstance(handled(rig, rig.order(api_key=twin)), Refused)
    assert not rig.link.sent


@given(st.lists(st.sampled_from(["order", "test", "cancel", "read"]), min_size=1, max_size=8))
def test_one_payload_acts_for_one_request_only(asked: list[str]) -> None:
    rig = Rig()
    places = {
        "order": ("POST", "/api/v3/order"),
        "test": ("POST", "/api/v3/order/test"),
        "cancel": ("DELETE", "/api/v3/order"),
        "read": ("GET", "/api/v3/account"),
    }
    query = "symbol=BTCUSDT&side=BUY&type=LIMIT&timeInForce=GTC&quantity=0.01&price=100"
    replies = [handled(rig, rig.rest(*places[one], query)) for one in asked]
    for one, reply in zip(asked, replies, strict=True):
        assert (reply is replies[0]) == (one == asked[0])
    assert len(rig.link.sent) <= 1
    assert len(rig.trail.intents) == len(rig.link.sent)


@given(st.integers(-2_000_000, 70_000_000))
def test_nothing_is_sent_past_the_deadline(delay_us: int) -> None:
    rig = Rig()
    inbound = rig.order(timestamp=NOW_US // 1000)

    def delay(_intent: object) -> None:
        rig.time.at_us = NOW_US + delay_us

    rig.trail.on_intent = delay
    handled(rig, inbound)
    assert bool(rig.link.sent) == (delay_us < 5_000_000)
