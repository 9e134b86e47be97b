"""Step 5c: markets are fetched only for what may be placed, every layer is asked, shadow is written down."""

import msgspec
import pytest
from tests.support.gateway_fakes import BOT_SECRET, ORDER, Rig, virtual_key, wire_of
from tests.support.policies import market, policy

from watchword.binance.errors import DUPLICATE_ORDER, WireError
from watchword.credentials.keypair import hmac_verifier
from watchword.gateway.messages import Answer
from watchword.policy.usage import charge_key


def thin(symbol: str = "THINUSDT") -> str:
    return ORDER.replace("BTCUSDT", symbol)


async def test_known_market_is_not_waited_for() -> None:
    rig = Rig("price_band: {worse: 5%}\n")
    assert isinstance(await rig.send(rig.order()), Answer)
    assert rig.market.followed == []


async def test_unknown_market_is_followed_first() -> None:
    rig = Rig("price_band: {worse: 5%}\n")
    rig.market.unknown["THINUSDT"] = market(100, base="THIN")
    assert isinstance(await rig.send(rig.rest("POST", "/api/v3/order", thin())), Answer)
    assert rig.market.followed == ["THINUSDT"]


async def test_market_that_stays_unknown_is_no_reference() -> None:
    rig = Rig("price_band: {worse: 5%}\n")
    reply = await rig.send(rig.rest("POST", "/api/v3/order", thin()))
    assert wire_of(reply) == (400, -2010)
    assert reply.rule == "price_band"
    assert rig.market.followed == ["THINUSDT"]


async def test_symbol_the_policy_does_not_name_is_not_followed() -> None:
    rig = Rig()
    reply = await rig.send(rig.rest("POST", "/api/v3/order", thin("DOGEUSDT")))
    assert reply.rule == "symbols"
    assert rig.market.followed == []


async def test_cancel_waits_for_no_market() -> None:
    rig = Rig()
    cancel = rig.rest("DELETE", "/api/v3/order", "symbol=THINUSDT&orderId=1")
    assert isinstance(await rig.send(cancel), Answer)
    assert rig.market.followed == []


async def test_every_key_above_must_allow_and_its_usage_counts() -> None:
    rig = Rig()
    made = virtual_key(parent_id="vk-parent")
    layers = ((made.id, policy("")), ("vk-parent", policy("max_day: {USDT: 1.5}\n")))
    rig.keys.add(made, layers, hmac_verifier(BOT_SECRET))
    assert isinstance(await rig.send(rig.order("&newClientOrderId=a")), Answer)
    assert charge_key("BTCUSDT", "a") in rig.ledger.usage("vk-parent").open
    reply = await rig.send(rig.order("&newClientOrderId=b"))
    assert reply.rule == "max_day"


async def test_what_shadow_mode_would_refuse_is_written_down() -> None:
    rig = Rig("max_order: {USDT: 0.5}\nshadow: [max_order]\n")
    assert isinstance(await rig.send(rig.order()), Answer)
    reason = rig.trail.intents[0].reason
    assert reason.startswith("policy test; in shadow: max_order: ")


async def test_test_order_reserves_nothing() -> None:
    rig = Rig()
    assert isinstance(await rig.send(rig.rest("POST", "/api/v3/order/test", ORDER)), Answer)
    assert not rig.ledger.orders
    assert rig.ledger.reservations == 0


async def test_withdrawal_is_counted_before_it_is_sent() -> None:
    base = """
version: 1
name: test
permissions: [read, withdrawals]
withdrawals:
  - {coin: BTC, network: BTC, address: abc, max_each: 2, max_day: 3}
"""
    rig = Rig()
    made = virtual_key()
    rig.keys.add(made, ((made.id, policy(base=base)),), hmac_verifier(BOT_SECRET))
    query = "coin=BTC&network=BTC&address=abc&amount=2"
    assert isinstance(await rig.send(rig.rest("POST", "/sapi/v1/capital/withdraw/apply", query)), Answer)
    reply = await rig.send(rig.rest("POST", "/sapi/v1/capital/withdraw/apply", query + "&name=x"))
    assert reply.rule == "withdrawals"
    assert rig.link.sent[0].path == "/sapi/v1/capital/withdraw/apply"
    assert len(rig.link.sent) == 1


@pytest.mark.parametrize("step", ["prepare", "reserve"])
async def test_id_of_another_order_is_refused_as_a_duplicate(step: str) -> None:
    rig = Rig()

    def refuse(*_args: object) -> WireError:
        return DUPLICATE_ORDER

    setattr(rig.desk, step, refuse)
    reply = await rig.send(rig.order())
    assert wire_of(reply) == (400, -2010)
    assert reply.rule == "own_orders"
    assert not rig.trail.intents


async def test_cancel_replace_is_asked_whose_order_it_cancels() -> None:
    rig = Rig()
    rig.desk.refuses["order.cancelReplace"] = msgspec.structs.replace(DUPLICATE_ORDER, code=-2011)
    query = ORDER + "&cancelReplaceMode=STOP_ON_FAILURE&cancelOrderId=1"
    reply = await rig.send(rig.rest("POST", "/api/v3/order/cancelReplace", query))
    assert reply.wire.code == -2011
