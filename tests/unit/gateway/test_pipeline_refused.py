"""Each way to be refused: the code, what the trail says of it, and that nothing was sent. Twins differ in one thing."""

from typing import Any

import msgspec
import pytest
from tests.support.gateway_fakes import API_KEY, IP, ORDER, Rig, only_from, virtual_key, wire_of
from tests.support.policies import NOW_US, policy
from tests.support.vectors import flip_bit

from watchword.binance.errors import UNKNOWN_ORDER
from watchword.credentials.keypair import hmac_verifier
from watchword.credentials.restriction import Restrictions
from watchword.gateway.messages import Answer, Inbound, Refused
from watchword.kernel.secret import Secret

SECOND_US = 1_000_000


def changed(inbound: Inbound, **fields: Any) -> Inbound:
    """The same request with something changed and nothing signed anew."""
    return msgspec.structs.replace(inbound, **fields)


async def turned_away(rig: Rig, inbound: Inbound, status: int, code: int, reason: str) -> None:
    """The request is refused before anybody is known: counted, never sent."""
    reply = await rig.send(inbound)
    assert isinstance(reply, Refused), reply
    assert wire_of(reply) == (status, code)
    assert rig.trail.counted == [(reason, inbound.ip)]
    assert not rig.trail.rows
    assert not rig.link.sent
    assert not rig.ws_link.sent
    assert not rig.signers.lent


async def refused(rig: Rig, inbound: Inbound, status: int, code: int, rule: str) -> str:
    """A known key's request is refused: a row, never sent. Returns what the client is told."""
    sent, intents = len(rig.link.sent), len(rig.trail.intents)
    reply = await rig.send(inbound)
    assert isinstance(reply, Refused), reply
    assert wire_of(reply) == (status, code)
    row = rig.trail.refusals[-1]
    assert (row.rule, row.code, row.key, row.ip) == (rule, code, "vk-abcdefghijkl", IP)
    assert (len(rig.link.sent), len(rig.trail.intents)) == (sent, intents)
    return reply.wire.text


# -- before authentication ---------------------------------------------------------------------------------------


async def test_sealed_vault_is_said_first() -> None:
    rig = Rig()
    rig.signers.is_sealed = True
    await turned_away(rig, changed(rig.order(), api_key="nobody"), 400, -1008, "sealed")


async def test_unknown_key() -> None:
    rig = Rig()
    await turned_away(rig, rig.order(api_key="n" * 64), 401, -2015, "unknown key")


async def test_revoked_key() -> None:
    rig = Rig()
    rig.keys.forget(API_KEY)
    await turned_away(rig, rig.order(), 401, -2015, "revoked")


@pytest.mark.parametrize("api_key", [API_KEY[:-1], API_KEY + "v", API_KEY[:-1] + "-", "", None])
async def test_malformed_key(api_key: str | None) -> None:
    rig = Rig()
    await turned_away(rig, rig.order(api_key=api_key), 401, -2014, "malformed key")


async def test_wrong_address() -> None:
    rig = Rig(key=virtual_key(restrictions=only_from(IP)))
    assert isinstance(await rig.send(rig.order()), Answer)
    rig = Rig(key=virtual_key(restrictions=only_from(IP)))
    await turned_away(rig, rig.order(ip="192.0.2.6"), 401, -2015, "address refused")


async def test_expired_key() -> None:
    rig = Rig(key=virtual_key(restrictions=Restrictions(expires_us=NOW_US + 1)))
    assert isinstance(await rig.send(rig.order()), Answer)
    rig = Rig(key=virtual_key(restrictions=Restrictions(expires_us=NOW_US)))
    await turned_away(rig, rig.order(), 401, -2015, "key expired")


async def test_missing_permission() -> None:
    rig = Rig()
    made = virtual_key()
    rules = policy(base="version: 1\nname: r\npermissions: [read]\n")
    rig.keys.add(made, ((made.id, rules),), hmac_verifier(Secret(b"b" * 64)))
    await turned_away(rig, rig.order(), 401, -2015, "permission missing")


async def test_stale_request() -> None:
    rig = Rig()
    fresh = rig.order(timestamp=NOW_US // 1000 - 4999)
    assert isinstance(await rig.send(fresh), Answer)
    rig = Rig()
    await turned_away(rig, rig.order(timestamp=NOW_US // 1000 - 5001), 400, -1021, "stale")


async def test_request_from_the_future() -> None:
    rig = Rig()
    assert isinstance(await rig.send(rig.order(timestamp=NOW_US // 1000 + 999)), Answer)
    rig = Rig()
    await turned_away(rig, rig.order(timestamp=NOW_US // 1000 + 1000), 400, -1021, "ahead")


async def test_missing_signature() -> None:
    rig = Rig()
    await turned_away(rig, rig.order(signed=False), 400, -1102, "parameter signature")


async def test_window_too_long() -> None:
    rig = Rig()
    await turned_away(rig, rig.order(window=60_001), 400, -1102, "parameter recvWindow")


@pytest.mark.parametrize("bit", range(0, 8 * len(ORDER), 37))
async def test_one_bit_of_the_payload_changed(bit: int) -> None:
    rig = Rig()
    inbound = rig.order()
    await turned_away(
        rig, changed(inbound, payloads=(flip_bit(inbound.payloads[0], bit),)), 400, -1022, "bad signature"
    )


async def test_signature_of_another_key() -> None:
    rig = Rig()
    inbound = rig.order()
    rig.keys.add(virtual_key(), ((virtual_key().id, policy("")),), hmac_verifier(Secret(b"c" * 64)))
    await turned_away(rig, inbound, 400, -1022, "bad signature")


@pytest.mark.parametrize(
    "path", ["/", "/api", "/api/v3/../order", "/api//order", "//evil/api/v3", "/wapi/v3/x", "/api/v3/%6frder"]
)
async def test_paths_that_could_be_read_as_others_go_nowhere(path: str) -> None:
    rig = Rig()
    await turned_away(rig, rig.rest("GET", path), 404, -1002, "route")


@pytest.mark.parametrize("path", ["/fapi/v1/order", "/dapi/v1/order"])
async def test_futures_changes_are_refused_whoever_asks(path: str) -> None:
    rig = Rig()
    await turned_away(
        rig, rig.rest("POST", path, "symbol=BTCUSDT", signed=False, api_key=None), 401, -1002, "route"
    )
    rig = Rig()
    await turned_away(rig, rig.rest("DELETE", path, "symbol=BTCUSDT"), 401, -1002, "route")


async def test_unlisted_change_with_a_key_and_no_signature() -> None:
    rig = Rig()
    await turned_away(rig, rig.rest("POST", "/sapi/v1/userDataStream", signed=False), 401, -1002, "meaning")


async def test_odd_http_method() -> None:
    rig = Rig()
    await turned_away(rig, rig.rest("PATCH", "/api/v3/anything", signed=False), 405, -1002, "route")


@pytest.mark.parametrize("method", ["session.logon", "session.status", "no such\nmethod", "x" * 65])
async def test_methods_that_are_not_for_the_upstream(method: str) -> None:
    rig = Rig()
    reply = await rig.send(rig.ws(method, signed=False))
    assert isinstance(reply, Refused)
    assert reply.rule == "route"
    assert not rig.ws_link.sent


async def test_session_of_a_revoked_key_ends_with_its_next_request() -> None:
    rig = Rig()
    rig.keys.forget(API_KEY)
    await turned_away(rig, rig.ws("account.status", logged_on=True), 401, -2015, "revoked")


async def test_session_request_must_be_timely_too() -> None:
    rig = Rig()
    inbound = rig.ws("account.status", logged_on=True, timestamp=NOW_US // 1000 - 5001)
    await turned_away(rig, inbound, 400, -1021, "stale")


# -- replay ------------------------------------------------------------------------------------------------------


async def test_identical_request_gets_the_recorded_answer_and_acts_once() -> None:
    rig = Rig()
    rig.link.answers.append(Answer(status=200, body=b'{"orderId":1}'))
    first = await rig.send(rig.order())
    assert await rig.send(rig.order()) is first
    assert len(rig.link.sent) == len(rig.trail.intents) == 1
    assert not rig.trail.refusals


async def test_identical_refused_request_gets_the_same_refusal() -> None:
    rig = Rig("max_order: {USDT: 0.5}\n")
    first = await rig.send(rig.order())
    assert await rig.send(rig.order()) is first
    assert len(rig.trail.refusals) == 1


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("DELETE", "/api/v3/order"),
        ("GET", "/api/v3/order"),
        ("POST", "/api/v3/order/test"),
        ("GET", "/api/v3/account"),
    ],
)
async def test_payload_under_another_method_or_path(method: str, path: str) -> None:
    rig = Rig()
    assert isinstance(await rig.send(rig.order()), Answer)
    text = await refused(rig, rig.rest(method, path, ORDER), 401, -1002, "replay")
    assert "Watchword" in text


async def test_captured_test_order_does_not_pass_as_an_order() -> None:
    rig = Rig()
    assert isinstance(await rig.send(rig.rest("POST", "/api/v3/order/test", ORDER)), Answer)
    await refused(rig, rig.order(), 401, -1002, "replay")


async def test_captured_rest_request_does_not_pass_at_the_other_door() -> None:
    rig = Rig()
    inbound = rig.order()
    assert isinstance(await rig.send(inbound), Answer)
    over_ws = msgspec.structs.replace(inbound, door="ws", method="", path="order.place", raw_query=b"")
    await refused(rig, over_ws, 401, -1002, "replay")


async def test_what_policy_refused_does_not_come_back_as_something_else() -> None:
    rig = Rig("max_order: {USDT: 0.5}\n")
    assert isinstance(await rig.send(rig.order()), Refused)
    await refused(rig, rig.rest("DELETE", "/api/v3/order", ORDER), 401, -1002, "replay")
    assert rig.trail.refusals[0].replay


async def test_one_bit_of_the_time_changed_is_another_request() -> None:
    rig = Rig()
    assert isinstance(await rig.send(rig.order()), Answer)
    assert isinstance(await rig.send(rig.order(timestamp=NOW_US // 1000 - 1)), Answer)
    assert len(rig.link.sent) == 2


# -- budgets, policy, owner --------------------------------------------------------------------------------------


async def test_weight_of_the_key_is_used_up() -> None:
    rig = Rig(key=virtual_key(weight_per_minute_max=40))
    rig.time.at_us -= rig.time.at_us % 60_000_000
    assert isinstance(await rig.send(rig.rest("GET", "/api/v3/account")), Answer)
    text = await refused(rig, rig.rest("GET", "/api/v3/allOrders", "symbol=BTCUSDT"), 429, -1003, "budget")
    assert "key" in text
    reply = await rig.send(rig.rest("GET", "/api/v3/allOrders", "symbol=BTCUSDT"))
    assert reply.wire.retry_after_us == rig.time.at_us + 60_000_000


@pytest.mark.parametrize(
    ("method", "path", "query", "code", "status"),
    [
        ("POST", "/api/v3/order", ORDER.replace("BTCUSDT", "DOGEUSDT"), -2010, 400),
        ("POST", "/api/v3/order/test", ORDER.replace("BTCUSDT", "DOGEUSDT"), -2010, 400),
        ("DELETE", "/api/v3/order", "symbol=DOGEUSDT&orderId=1", -2011, 400),
        ("DELETE", "/api/v3/openOrders", "symbol=DOGEUSDT", -2011, 400),
        ("PUT", "/api/v3/order/amend/keepPriority", "symbol=DOGEUSDT&orderId=1&newQty=1", -1002, 401),
    ],
)
async def test_policy_refuses_with_the_code_for_what_was_asked(
    method: str, path: str, query: str, code: int, status: int
) -> None:
    rig = Rig()
    text = await refused(rig, rig.rest(method, path, query), status, code, "symbols")
    assert text.startswith("Watchword policy symbols: ")


async def test_one_unit_over_the_cap() -> None:
    rig = Rig("max_order: {USDT: 1}\n")
    assert isinstance(await rig.send(rig.order()), Answer)
    over = rig.rest("POST", "/api/v3/order", ORDER.replace("price=100", "price=100.000001"))
    await refused(rig, over, 400, -2010, "max_order")
    assert rig.trail.refusals[-1].values["limit"]


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/sapi/v1/asset/transfer"),
        ("POST", "/sapi/v1/sub-account/subAccountApi"),
        ("POST", "/api/v3/somethingNew"),
        ("DELETE", "/sapi/v1/margin/apiKey"),
    ],
)
async def test_change_nobody_parsed(method: str, path: str) -> None:
    rig = Rig()
    await refused(rig, rig.rest(method, path, "amount=1"), 401, -1002, "meaning")


async def test_unlisted_method_of_a_session_is_refused() -> None:
    rig = Rig()
    reply = await rig.send(rig.ws("order.somethingNew", logged_on=True))
    assert isinstance(reply, Refused)
    assert reply.rule == "meaning"


async def test_withdrawal_without_permission_to_the_address() -> None:
    rig = Rig()
    query = "coin=BTC&network=BTC&address=abc&amount=1"
    await refused(rig, rig.rest("POST", "/sapi/v1/capital/withdraw/apply", query), 401, -1002, "permissions")


async def test_parameter_nobody_knows_makes_an_order_unreadable() -> None:
    rig = Rig()
    await refused(rig, rig.order("&tomorrow=1"), 400, -2010, "meaning")


async def test_order_of_another_bot() -> None:
    rig = Rig()
    rig.desk.refuses["order.cancel"] = UNKNOWN_ORDER
    text = await refused(
        rig, rig.rest("DELETE", "/api/v3/order", "symbol=BTCUSDT&orderId=9"), 400, -2011, "own_orders"
    )
    assert text == "Unknown order sent."


async def test_credential_of_another_exchange_signs_nothing() -> None:
    rig = Rig()
    record = rig.signers.records["cred-one"]
    rig.signers.records["cred-one"] = msgspec.structs.replace(record, upstream="live")
    reply = await rig.send(rig.order())
    assert wire_of(reply) == (400, -1008)
    assert "belongs to live" in reply.wire.text
    assert not rig.link.sent
    assert [row.result for row in rig.trail.outcomes] == ["not_sent"]
    assert len(rig.desk.given_back) == 1
