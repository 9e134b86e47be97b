"""What goes out for what comes in: signed anew, once, after its record, and nothing of the virtual key in it."""

from urllib.parse import parse_qsl

import pytest
from tests.support.gateway_fakes import (
    API_KEY,
    BOT_SECRET,
    ORDER,
    REAL_API_KEY,
    REAL_SECRET,
    FakeLink,
    Rig,
    virtual_key,
)
from tests.support.policies import NOW_US

from watchword.audit.event import Intent, Outcome
from watchword.credentials.keypair import hmac_signer, hmac_verifier
from watchword.credentials.payload import rest_payload, ws_payloads
from watchword.gateway.messages import Answer, Outbound, Refused

REAL_VERIFIER = hmac_verifier(REAL_SECRET)


def assert_signed(outbound: Outbound) -> None:
    payload, signature = rest_payload(outbound.query, outbound.body)
    assert signature is not None
    assert REAL_VERIFIER.verify(payload, signature)
    assert outbound.query.rpartition(b"&")[2].startswith(b"signature=")
    assert not outbound.body


async def test_order_over_rest_is_signed_anew_in_the_query() -> None:
    rig = Rig()
    reply = await rig.send(rig.rest("POST", "/api/v3/order", "", body=ORDER + "&newClientOrderId=mine"))
    assert isinstance(reply, Answer)
    (sent,) = rig.link.sent
    assert_signed(sent)
    assert (sent.method, sent.path, sent.api_key) == ("POST", "/api/v3/order", REAL_API_KEY)
    assert sent.changes
    assert dict(parse_qsl(sent.query.decode()))["newClientOrderId"] == "mine"
    assert sent.query.startswith(ORDER.encode())


async def test_virtual_key_and_its_timing_never_reach_the_upstream() -> None:
    rig = Rig()
    rig.time.at_us += 1_234_567
    await rig.send(rig.order("&apiKey=" + API_KEY, timestamp=NOW_US // 1000))
    await rig.send(rig.ws("account.status"))
    whole = repr(rig.link.sent) + repr(rig.ws_link.sent)
    assert API_KEY not in whole
    assert f"timestamp={NOW_US // 1000}" not in whole
    assert len(rig.link.sent) == len(rig.ws_link.sent) == 1


async def test_order_over_ws_is_signed_raw_with_the_real_key() -> None:
    rig = Rig()
    params = {"symbol": "BTCUSDT", "side": "BUY", "type": "MARKET", "quantity": "0.5"}
    await rig.send(rig.ws("order.place", params))
    (sent,) = rig.ws_link.sent
    assert sent.path == "order.place"
    assert sent.params["apiKey"] == REAL_API_KEY
    assert REAL_VERIFIER.verify(ws_payloads(sent.params)[0], sent.params["signature"])
    assert sent.params.items() >= params.items()


async def test_window_out_is_what_is_left_of_the_window_in() -> None:
    rig = Rig()
    inbound = rig.order(timestamp=NOW_US // 1000, window=3000)
    rig.time.at_us = NOW_US + 1_000_250
    await rig.send(inbound)
    sent = dict(parse_qsl(rig.link.sent[0].query.decode()))
    assert sent["timestamp"] == str((NOW_US + 1_000_250) // 1000)
    assert sent["recvWindow"] == "1999.750"


async def test_futures_and_wallet_reads_get_whole_milliseconds() -> None:
    rig = Rig()
    for path in ("/sapi/v1/account/status", "/fapi/v2/account"):
        inbound = rig.rest("GET", path)
        rig.time.at_us += 100
        await rig.send(inbound)
        assert b"recvWindow=4999&" in rig.link.sent[-1].query


async def test_record_comes_before_the_signature_and_the_outcome_before_the_reply() -> None:
    rig = Rig()
    lent_at_record: list[int] = []
    rows_at_sending: list[int] = []
    rig.trail.on_intent = lambda _intent: lent_at_record.append(rig.signers.lent)
    rig.link.on_send = lambda _request: rows_at_sending.append(len(rig.trail.rows))
    await rig.send(rig.order())
    assert (lent_at_record, rows_at_sending) == ([0], [1])
    intent, outcome = rig.trail.rows
    assert isinstance(intent, Intent)
    assert (intent.key, intent.credential, intent.upstream) == ("vk-abcdefghijkl", "cred-one", "local")
    assert (intent.endpoint, intent.policy, intent.reason) == ("POST /api/v3/order", "d" * 64, "policy test")
    assert intent.client_order_id == "ww00000000000000000001"
    assert intent.deadline_us == NOW_US + 5_000_000
    assert len(intent.replay) == 32
    assert outcome == Outcome(intent=1, result="answered", status=200, order_id="7")


async def test_order_without_an_id_is_recorded_with_one_before_it_is_sent() -> None:
    rig = Rig()
    await rig.send(rig.order())
    assert rig.ledger.reservations == 1
    assert b"newClientOrderId=ww00000000000000000001" in rig.link.sent[0].query
    assert rig.ledger.order("cred-one", "BTCUSDT", "ww00000000000000000001") is not None
    assert "BTCUSDT ww00000000000000000001" in rig.ledger.usage("vk-abcdefghijkl").open


async def test_read_is_recorded_too_and_reserves_nothing() -> None:
    rig = Rig()
    await rig.send(rig.rest("GET", "/api/v3/account"))
    assert [row.endpoint for row in rig.trail.intents] == ["GET /api/v3/account"]
    assert rig.ledger.reservations == 0
    assert rig.trail.intents[0].reserved is None
    assert not rig.link.sent[0].changes


async def test_cancel_needs_no_more_than_one_sink() -> None:
    rig = Rig()
    await rig.send(rig.rest("DELETE", "/api/v3/order", "symbol=BTCUSDT&origClientOrderId=mine"))
    (intent,) = rig.trail.intents
    assert intent.only_cancels
    assert intent.client_order_id == "mine"


async def test_answer_passes_untouched() -> None:
    answer = Answer(
        status=418, body=b"\x1f\x8bnot json", headers=((b"retry-after", b"7"), (b"x-mbx-uuid", b"u"))
    )
    rig = Rig()
    rig.link = FakeLink("rest", answer)
    assert await rig.send(rig.rest("GET", "/api/v3/account")) is answer


async def test_error_of_the_exchange_is_recorded_with_its_code() -> None:
    rig = Rig()
    rig.link = FakeLink("rest", Answer(status=400, body=b'{"code":-2010,"msg":"Account has"}', elapsed_us=5))
    await rig.send(rig.order())
    assert rig.trail.outcomes == [Outcome(intent=1, result="answered", status=400, code=-2010, elapsed_us=5)]
    assert rig.desk.observed == [("cred-one", "order.place", 400)]


async def test_orders_of_others_are_left_out_of_the_reply() -> None:
    rig = Rig()
    rig.desk.hidden = Answer(status=200, body=b"[]")
    assert await rig.send(rig.rest("GET", "/api/v3/openOrders")) is rig.desk.hidden


async def test_headers_go_on() -> None:
    rig = Rig()
    passing = ((b"x-mbx-time-unit", b"MICROSECOND"),)
    await rig.send(rig.rest("GET", "/api/v3/account", passing=passing))
    assert rig.link.sent[0].passing == passing


async def test_non_ascii_symbol_is_percent_encoded_before_it_is_signed() -> None:
    rig = Rig()
    await rig.send(rig.rest("GET", "/api/v3/myTrades", "symbol=%E8%BF%99%E6%98%AF&note=a%2Bb%20c"))
    (sent,) = rig.link.sent
    assert_signed(sent)
    assert sent.query.startswith(b"symbol=%E8%BF%99%E6%98%AF&note=a%2Bb%20c&")


@pytest.mark.parametrize("path", ["userDataStream.subscribe", "userDataStream.subscribe.signature"])
async def test_subscription_goes_upstream_signed(path: str) -> None:
    rig = Rig()
    signed = path.endswith("signature")
    inbound = rig.ws(path, signed=signed, logged_on=not signed)
    if not signed:
        inbound.params.clear()
    assert isinstance(await rig.send(inbound), Answer)
    (sent,) = rig.ws_link.sent
    assert sent.path == "userDataStream.subscribe.signature"
    assert sent.params["apiKey"] == REAL_API_KEY
    assert REAL_VERIFIER.verify(ws_payloads(sent.params)[0], sent.params["signature"])


async def test_subscription_without_a_session_is_refused() -> None:
    rig = Rig()
    reply = await rig.send(rig.ws("userDataStream.subscribe", signed=False))
    assert isinstance(reply, Refused)
    assert reply.wire.code == -1002
    assert not rig.ws_link.sent


async def test_session_request_needs_no_signature_and_leaves_no_digest() -> None:
    rig = Rig()
    inbound = rig.ws("account.status", logged_on=True)
    assert isinstance(await rig.send(inbound), Answer)
    assert rig.trail.intents[0].replay == ""
    # Nothing in it can be taken elsewhere, so the same again is another request.
    assert isinstance(await rig.send(inbound), Answer)
    assert len(rig.ws_link.sent) == 2


async def test_cancel_all_of_a_key_that_sees_its_own_orders_goes_one_by_one() -> None:
    rig = Rig()
    reply = await rig.send(rig.rest("DELETE", "/api/v3/openOrders", "symbol=BTCUSDT"))
    assert isinstance(reply, Answer)
    assert [(one.method, one.path) for one in rig.link.sent] == [("DELETE", "/api/v3/order")]
    assert [row.endpoint for row in rig.trail.intents] == [
        "DELETE /api/v3/openOrders",
        "DELETE /api/v3/order",
    ]
    assert [row.result for row in rig.trail.outcomes] == ["answered", "answered"]
    assert all(row.only_cancels for row in rig.trail.intents)


async def test_cancel_all_of_a_key_that_sees_everything_is_one_request() -> None:
    rig = Rig(key=virtual_key(own_orders_only=False))
    await rig.send(rig.rest("DELETE", "/api/v3/openOrders", "symbol=BTCUSDT"))
    assert [one.path for one in rig.link.sent] == ["/api/v3/openOrders"]


async def test_cancel_all_over_ws_uses_its_methods() -> None:
    rig = Rig()
    await rig.send(rig.ws("openOrders.cancelAll", {"symbol": "BTCUSDT"}))
    assert [one.path for one in rig.ws_link.sent] == ["order.cancel"]


async def test_question_of_our_own_is_recorded_and_signed() -> None:
    rig = Rig()
    answer = await rig.pipeline.ask(
        rig.active, "order.status", "GET", "/api/v3/order", {"symbol": "BTCUSDT", "orderId": "1"}, rig.link
    )
    assert isinstance(answer, Answer)
    assert_signed(rig.link.sent[0])
    assert rig.trail.intents[0].reason == "asked by Watchword itself"
    rig.keys.forget(API_KEY)
    gone = await rig.pipeline.ask_as(
        "cred-one", "vk-abcdefghijkl", "order.status", "", "order.status", {"symbol": "BTCUSDT"}, rig.ws_link
    )
    assert isinstance(gone, Answer)
    assert [row.key for row in rig.trail.intents] == ["vk-abcdefghijkl"] * 2


async def test_key_use_is_remembered() -> None:
    rig = Rig()
    await rig.send(rig.order())
    assert rig.keys.touched == [("vk-abcdefghijkl", "192.0.2.7", NOW_US)]


async def test_upper_case_hex_signature_is_the_same_signature() -> None:
    rig = Rig()
    plain = rig.order()
    assert plain.signature is not None
    rig.signer = hmac_signer(BOT_SECRET)
    upper = type(plain)(
        **{name: getattr(plain, name) for name in plain.__struct_fields__}
        | {"signature": plain.signature.upper()}
    )
    assert isinstance(await rig.send(upper), Answer)
