"""Ways around the pipeline's order that were tried, and lead nowhere."""

import pytest
from tests.support.gateway_fakes import Rig, virtual_key, wire_of

from watchword.gateway.messages import Answer


@pytest.mark.parametrize("path", ["/api/v3/OpenOrders", "/api/v1/openOrders", "/api/v3/newOrderList"])
async def test_unknown_query_beside_orders_is_not_asked_for_a_key_with_own_orders_only(path: str) -> None:
    rig = Rig()
    assert wire_of(await rig.send(rig.rest("GET", path))) == (401, -1002)
    assert not rig.link.sent
    assert rig.trail.refusals[0].rule == "own_orders"
    elsewhere = rig.rest("GET", path.replace("/api/", "/sapi/"), "a=1")
    assert isinstance(await rig.send(elsewhere), Answer)


async def test_unknown_query_beside_orders_is_asked_for_a_key_that_may_see_all() -> None:
    rig = Rig(key=virtual_key(own_orders_only=False))
    assert isinstance(await rig.send(rig.rest("GET", "/api/v3/newOrderList")), Answer)


async def test_captured_subscription_does_not_answer_on_another_connection() -> None:
    rig = Rig()
    rig.ws_link.answers.append(Answer(status=200, body=b'{"subscriptionId":0}'))
    inbound = rig.ws("userDataStream.subscribe.signature")
    assert isinstance(await rig.send(inbound), Answer)
    assert wire_of(await rig.send(inbound)) == (504, -1007)
    assert len(rig.ws_link.sent) == 1


async def test_refused_subscription_is_refused_again_in_the_same_words() -> None:
    rig = Rig()
    rig.ws_link.answers.append(Answer(status=400, body=b'{"code":-2035,"msg":"active"}'))
    inbound = rig.ws("userDataStream.subscribe.signature")
    first = await rig.send(inbound)
    assert await rig.send(inbound) == first
    assert len(rig.ws_link.sent) == 1
