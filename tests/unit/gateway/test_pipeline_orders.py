"""The pipeline with the real order desk: what is used up, given back, owned, hidden, from request to answer."""

import json
from typing import Any

import pytest
from tests.support.gateway_fakes import BOT_SECRET, Rig, virtual_key, wire_of
from tests.support.policies import policy, scaled

from watchword.credentials.keypair import hmac_verifier
from watchword.gateway.messages import Answer, Unanswered
from watchword.policy.usage import charge_key

MINE, OTHERS = "vk-abcdefghijkl", "vk-otherotherot"
OTHER_API_KEY = "WWk1" + "o" * 60


def order_answer(
    client_order_id: str, order_id: int, status: str = "NEW", executed: str = "0", **more: Any
) -> Answer:
    """As Binance answers RESULT."""
    body = {
        "symbol": "BTCUSDT", "orderId": order_id, "orderListId": -1, "clientOrderId": client_order_id, "status": status,
        "executedQty": executed, "cummulativeQuoteQty": executed and str(float(executed) * 100), "side": "BUY",
    }  # fmt: skip
    return Answer(status=200, body=json.dumps(body | more).encode())


def rig_of_two() -> Rig:
    """Two keys on one account."""
    rig = Rig("max_day: {USDT: 10}\n", real_desk=True)
    other = virtual_key(id=OTHERS, label="other")
    rig.keys.add(other, ((OTHERS, policy("")),), hmac_verifier(BOT_SECRET), OTHER_API_KEY)
    return rig


async def placed(rig: Rig, name: str, order_id: int, **how: Any) -> None:
    rig.link.answers.append(order_answer(name, order_id))
    reply = await rig.send(rig.order(f"&newClientOrderId={name}", **how))
    assert isinstance(reply, Answer), reply


async def test_fill_moves_what_was_reserved_to_what_was_spent() -> None:
    rig = rig_of_two()
    rig.link.answers.append(order_answer("a", 1, "FILLED", "0.01"))
    await rig.send(rig.order("&newClientOrderId=a"))
    usage = rig.ledger.usage(MINE)
    assert not usage.open
    assert usage.spent == {"USDT": scaled(1)}


@pytest.mark.parametrize(
    ("answer", "open_after"),
    [
        (Answer(status=400, body=b'{"code":-2010,"msg":"Account has insufficient balance"}'), False),
        (Answer(status=502, body=b"<html>"), True),
        (Unanswered(True, "timed out"), True),
        (Unanswered(False, "connection refused"), False),
        (order_answer("a", 1), True),
    ],
)
async def test_reservation_stays_as_long_as_the_order_may_fill(answer: Any, open_after: bool) -> None:
    rig = rig_of_two()
    rig.link.answers.append(answer)
    await rig.send(rig.order("&newClientOrderId=a"))
    assert (charge_key("BTCUSDT", "a") in rig.ledger.usage(MINE).open) == open_after
    assert bool(rig.ledger.open_orders()) == open_after


async def test_cap_is_used_up_by_open_orders_and_freed_by_their_end() -> None:
    rig = rig_of_two()
    for number in range(10):
        await placed(rig, f"o{number}", number + 1)
    over = await rig.send(rig.order("&newClientOrderId=over"))
    assert over.rule == "max_day"
    canceled = order_answer("c", 1, "CANCELED", origClientOrderId="o0")
    rig.link.answers.append(canceled)
    await rig.send(rig.rest("DELETE", "/api/v3/order", "symbol=BTCUSDT&origClientOrderId=o0"))
    await placed(rig, "again", 99)


@pytest.mark.parametrize("name", ["origClientOrderId=mine", "orderId=1"])
async def test_order_of_another_bot_is_unknown(name: str) -> None:
    rig = rig_of_two()
    await placed(rig, "mine", 1)
    sent = len(rig.link.sent)
    for method, code in (("DELETE", -2011), ("GET", -2013)):
        rig.time.at_us += 1_000
        reply = await rig.send(
            rig.rest(method, "/api/v3/order", f"symbol=BTCUSDT&{name}", api_key=OTHER_API_KEY)
        )
        assert wire_of(reply) == (400, code)
        assert (rig.trail.refusals[-1].key, rig.trail.refusals[-1].rule) == (OTHERS, "own_orders")
    assert len(rig.link.sent) == sent
    # Its own key may.
    rig.time.at_us += 1_000
    rig.link.answers.append(order_answer("x", 1, "CANCELED", origClientOrderId="mine"))
    assert isinstance(await rig.send(rig.rest("DELETE", "/api/v3/order", f"symbol=BTCUSDT&{name}")), Answer)


async def test_id_of_another_bots_order_is_a_duplicate() -> None:
    rig = rig_of_two()
    await placed(rig, "mine", 1)
    reply = await rig.send(rig.order("&newClientOrderId=mine", api_key=OTHER_API_KEY))
    assert (*wire_of(reply), reply.wire.text) == (400, -2010, "Duplicate order sent.")


async def test_open_orders_show_only_the_keys_own() -> None:
    rig = rig_of_two()
    await placed(rig, "mine", 1)
    both = b'[{"symbol":"BTCUSDT","orderId":1,"clientOrderId":"mine"},{"symbol":"BTCUSDT","orderId":2,"clientOrderId":"hand"}]'
    rig.link.answers.append(Answer(status=200, body=both))
    reply = await rig.send(rig.rest("GET", "/api/v3/openOrders", "symbol=BTCUSDT"))
    assert [row["orderId"] for row in json.loads(reply.body)] == [1]


async def test_every_placing_request_goes_out_with_an_id_of_its_key() -> None:
    rig = rig_of_two()
    await rig.send(rig.order())
    await rig.send(rig.rest(
        "POST", "/api/v3/orderList/oco",
        "symbol=BTCUSDT&side=SELL&quantity=0.01&aboveType=LIMIT_MAKER&abovePrice=101&belowType=STOP_LOSS&belowStopPrice=99",
    ))  # fmt: skip
    for sent, intent in zip(rig.link.sent, rig.trail.intents, strict=True):
        assert intent.client_order_id
        assert intent.client_order_id.encode() in sent.query
        assert (
            rig.ledger.order("cred-one", "BTCUSDT", intent.client_order_id) is not None
            or "List" in intent.endpoint
        )
