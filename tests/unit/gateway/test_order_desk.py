"""The desk over a real exchange: ids, ownership, what fills and closings do to a key's usage."""

from collections.abc import Iterator

import pytest
from tests.support.desk_floor import CREDENTIAL, DeskFloor, active_key, json_body

from watchword.binance.errors import DUPLICATE_ORDER, UNKNOWN_ORDER, WireError
from watchword.gateway.client_ids import PREFIX
from watchword.gateway.messages import Answer, Unanswered
from watchword.gateway.order_desk import TOO_MANY_OPEN, Reservation
from watchword.kernel.units import SCALE
from watchword.policy.engine import decide_each
from watchword.policy.reading import read_intent

ALICE = active_key("alice")
BOB = active_key("bob")
WIDE = active_key("wide", own_orders_only=False)
OCO = {
    "symbol": "BTCUSDT", "side": "SELL", "quantity": "1", "aboveType": "LIMIT_MAKER", "abovePrice": "110000",
    "belowType": "STOP_LOSS", "belowStopPrice": "90000",
}  # fmt: skip


@pytest.fixture
def floor() -> Iterator[DeskFloor]:
    with DeskFloor() as floor:
        yield floor


def used(floor: DeskFloor, key_id: str = ALICE.key.id) -> tuple[int, int, int]:
    """(spent today, in open orders, bought), in whole units times 100."""
    usage = floor.ledger.usage(key_id)
    return (
        usage.spent.get("USDT", 0) * 100 // SCALE,
        usage.reserved.charged.get("USDT", 0) * 100 // SCALE,
        usage.bought.get("BTC", 0) * 100 // SCALE,
    )


def test_order_without_id_gets_one_that_is_recorded_and_sent(floor: DeskFloor) -> None:
    answer = floor.limit(ALICE, "BUY", "100", "1")
    assert answer["clientOrderId"].startswith(PREFIX + ALICE.key.id[-6:])
    record = floor.record(answer["clientOrderId"])
    assert (record.key_id, record.order_id, record.closed) == (ALICE.key.id, answer["orderId"], False)


def test_order_with_id_keeps_it(floor: DeskFloor) -> None:
    assert floor.limit(ALICE, "BUY", "100", "1", newClientOrderId="mine")["clientOrderId"] == "mine"


def test_reservation_of_open_order_ends_with_its_cancel(floor: DeskFloor) -> None:
    floor.limit(ALICE, "BUY", "100", "1", newClientOrderId="mine")
    assert used(floor) == (0, 10_000, 0)
    answer = floor.send(ALICE, "order.cancel", symbol="BTCUSDT", origClientOrderId="mine")
    assert json_body(answer)["status"] == "CANCELED"
    assert used(floor) == (0, 0, 0)


def test_fill_in_answer_is_spent_and_its_commission_is_not_bought(floor: DeskFloor) -> None:
    floor.stranger.limit("SELL", "100", "1")
    answer = floor.limit(ALICE, "BUY", "100", "1")
    assert answer["status"] == "FILLED"
    commission = sum(float(fill["commission"]) for fill in answer["fills"])
    usage = floor.ledger.usage(ALICE.key.id)
    assert used(floor)[:2] == (10_000, 0)
    assert usage.bought["BTC"] == SCALE - round(commission * SCALE)
    assert not usage.open


def test_events_after_the_answer_change_nothing(floor: DeskFloor) -> None:
    floor.stranger.limit("SELL", "100", "1")
    floor.limit(ALICE, "BUY", "100", "1")
    before = floor.ledger.usage(ALICE.key.id)
    again = list(floor.events)
    floor.deliver()
    for event in again:
        floor.desk.observe_event(CREDENTIAL, event, floor.now_us)
    assert floor.ledger.usage(ALICE.key.id) == before


def test_fill_told_by_event_alone_is_counted_for_the_key_and_its_ancestors(floor: DeskFloor) -> None:
    child = active_key("child", parents=("vk-parent", "vk-grand"))
    floor.limit(child, "BUY", "100", "2")
    floor.stranger.limit("SELL", "100", "1")
    floor.deliver()
    for key_id in (child.key.id, "vk-parent", "vk-grand"):
        assert used(floor, key_id)[:2] == (10_000, 10_000), key_id
        assert floor.ledger.usage(key_id).bought["BTC"] < SCALE
    floor.send(child, "openOrders.status", symbol="BTCUSDT")
    assert used(floor, child.key.id)[:2] == (10_000, 10_000)


def test_rejected_order_gives_its_reservation_back(floor: DeskFloor) -> None:
    answer = floor.send(
        ALICE, "order.place", symbol="BTCUSDT", side="BUY", type="LIMIT", timeInForce="GTC", price="90000",
        quantity="900", newClientOrderId="poor",
    )  # fmt: skip
    assert isinstance(answer, Answer)
    assert answer.status == 400
    assert used(floor) == (0, 0, 0)
    assert floor.record("poor").closed


@pytest.mark.parametrize("status", [500, 503, 504])
def test_server_error_keeps_the_reservation(floor: DeskFloor, status: int) -> None:
    floor.fails.append(Answer(status=status, body=b'{"code":-1000,"msg":"?"}'))
    floor.send(ALICE, "order.place", symbol="BTCUSDT", side="BUY", type="LIMIT", timeInForce="GTC", price="100",
               quantity="1", newClientOrderId="maybe")  # fmt: skip
    assert used(floor) == (0, 10_000, 0)
    assert not floor.record("maybe").closed


def test_lost_answer_keeps_the_reservation_until_an_event_tells(floor: DeskFloor) -> None:
    floor.drops = 1
    floor.send(ALICE, "order.place", symbol="BTCUSDT", side="BUY", type="LIMIT", timeInForce="GTC", price="100",
               quantity="1", newClientOrderId="maybe")  # fmt: skip
    assert (used(floor), floor.record("maybe").order_id) == ((0, 10_000, 0), 0)
    floor.deliver()
    assert floor.record("maybe").order_id > 0


def test_not_sent_gives_the_reservation_back(floor: DeskFloor) -> None:
    floor.fails.append(Unanswered(False, "refused"))
    floor.send(ALICE, "order.place", symbol="BTCUSDT", side="BUY", type="LIMIT", timeInForce="GTC", price="100",
               quantity="1", newClientOrderId="never")  # fmt: skip
    assert used(floor) == (0, 0, 0)
    assert floor.record("never").closed


def test_id_of_another_keys_open_order_is_refused_and_free_once_closed(floor: DeskFloor) -> None:
    floor.limit(ALICE, "BUY", "100", "1", newClientOrderId="shared")
    again = {
        "symbol": "BTCUSDT",
        "side": "BUY",
        "type": "LIMIT",
        "timeInForce": "GTC",
        "price": "100",
        "quantity": "1",
    }
    assert floor.send(BOB, "order.place", **again, newClientOrderId="shared") == DUPLICATE_ORDER
    floor.send(ALICE, "order.cancel", symbol="BTCUSDT", origClientOrderId="shared")
    assert floor.limit(BOB, "BUY", "100", "1", newClientOrderId="shared")["clientOrderId"] == "shared"
    assert floor.record("shared").key_id == BOB.key.id


def test_own_open_id_sent_again_is_the_exchanges_to_refuse_and_loses_nothing(floor: DeskFloor) -> None:
    first = floor.limit(ALICE, "BUY", "100", "1", newClientOrderId="twice")
    again = {
        "symbol": "BTCUSDT",
        "side": "BUY",
        "type": "LIMIT",
        "timeInForce": "GTC",
        "price": "100",
        "quantity": "1",
    }
    answer = floor.send(ALICE, "order.place", **again, newClientOrderId="twice")
    assert isinstance(answer, Answer)
    assert b"Duplicate order sent." in answer.body
    assert used(floor)[1] >= 10_000
    record = floor.ledger.open_order(CREDENTIAL, "BTCUSDT", "twice")
    assert record is not None
    assert record.order_id == first["orderId"]
    answer = floor.send(ALICE, "order.cancel", symbol="BTCUSDT", origClientOrderId="twice")
    assert json_body(answer)["orderId"] == first["orderId"]
    assert used(floor) == (0, 0, 0)


def test_id_in_flight_is_refused(floor: DeskFloor) -> None:
    floor.drops = 1
    again = {
        "symbol": "BTCUSDT",
        "side": "BUY",
        "type": "LIMIT",
        "timeInForce": "GTC",
        "price": "100",
        "quantity": "1",
    }
    floor.send(ALICE, "order.place", **again, newClientOrderId="flying")
    assert floor.send(ALICE, "order.place", **again, newClientOrderId="flying") == DUPLICATE_ORDER


def test_same_id_twice_in_one_list_is_refused(floor: DeskFloor) -> None:
    answer = floor.send(
        ALICE, "orderList.place.oco", **OCO, aboveClientOrderId="one", belowClientOrderId="one"
    )
    assert answer == DUPLICATE_ORDER


@pytest.mark.parametrize(
    ("name", "sent"),
    [("newClientOrderId", ""), ("newClientOrderId", "no spaces"), ("newClientOrderId", "x" * 37)],
)
def test_id_the_exchange_would_refuse_is_refused_at_once(floor: DeskFloor, name: str, sent: str) -> None:
    assert isinstance(floor.desk.prepare(ALICE, "order.place", {"symbol": "BTCUSDT", name: sent}), WireError)


def priced(floor: DeskFloor) -> None:
    """A last price around 100,000, so that stops stand off the market."""
    floor.stranger.limit("SELL", "100000", "0.01")
    floor.exchange.trader("third").limit("BUY", "100000", "0.01")


def test_list_shares_one_charge_that_ends_with_its_last_order(floor: DeskFloor) -> None:
    priced(floor)
    answer = json_body(floor.send(ALICE, "orderList.place.oco", **OCO))
    names = [order["clientOrderId"] for order in answer["orders"]]
    records = [floor.record(name) for name in names]
    assert len({record.charge_key for record in records}) == 1
    assert {record.list_id for record in records} == {answer["orderListId"]}
    assert all(name.startswith(PREFIX) for name in [*names, answer["listClientOrderId"]])
    assert len(floor.ledger.usage(ALICE.key.id).open) == 1
    floor.stranger.limit("BUY", "110000", "0.4")
    floor.deliver()
    # The limit leg began to fill, so the stop is gone; the rest of the limit stays charged.
    assert floor.ledger.usage(ALICE.key.id).reserved.gross["USDT"] == 66_000 * SCALE
    floor.stranger.limit("BUY", "110000", "0.6")
    floor.deliver()
    assert all(floor.record(name).closed for name in names)
    assert not floor.ledger.usage(ALICE.key.id).open


def test_list_is_cancelled_by_its_own_id_only_by_its_key(floor: DeskFloor) -> None:
    priced(floor)
    answer = json_body(floor.send(ALICE, "orderList.place.oco", **OCO, listClientOrderId="pair"))
    by_name = {"symbol": "BTCUSDT", "listClientOrderId": "pair"}
    by_id = {"symbol": "BTCUSDT", "orderListId": str(answer["orderListId"])}
    assert floor.send(BOB, "orderList.cancel", **by_name) == UNKNOWN_ORDER
    assert floor.send(BOB, "orderList.cancel", **by_id) == UNKNOWN_ORDER
    assert json_body(floor.send(ALICE, "orderList.cancel", **by_name))["listOrderStatus"] == "ALL_DONE"
    assert not floor.ledger.usage(ALICE.key.id).open


def test_cancel_replace_moves_the_reservation(floor: DeskFloor) -> None:
    floor.limit(ALICE, "BUY", "100", "1", newClientOrderId="old")
    answer = json_body(
        floor.send(
            ALICE, "order.cancelReplace", symbol="BTCUSDT", side="BUY", type="LIMIT", timeInForce="GTC", price="200",
            quantity="1", cancelReplaceMode="STOP_ON_FAILURE", cancelOrigClientOrderId="old",
        )
    )  # fmt: skip
    assert answer["newOrderResult"] == "SUCCESS"
    assert floor.record("old").closed
    assert used(floor) == (0, 20_000, 0)


def test_cancel_replace_may_use_the_name_again(floor: DeskFloor) -> None:
    floor.limit(ALICE, "BUY", "100", "1", newClientOrderId="same")
    floor.send(
        ALICE, "order.cancelReplace", symbol="BTCUSDT", side="BUY", type="LIMIT", timeInForce="GTC", price="200",
        quantity="1", cancelReplaceMode="STOP_ON_FAILURE", cancelOrigClientOrderId="same", newClientOrderId="same",
    )  # fmt: skip
    # What the replaced order had reserved may stay until the new one closes: never too little.
    assert used(floor)[1] >= 20_000
    floor.send(ALICE, "order.cancel", symbol="BTCUSDT", origClientOrderId="same")
    assert used(floor) == (0, 0, 0)


def test_cancel_replace_whose_cancel_fails_places_nothing(floor: DeskFloor) -> None:
    floor.limit(ALICE, "BUY", "100", "1", newClientOrderId="old")
    floor.account.do("order.cancel", symbol="BTCUSDT", origClientOrderId="old")
    floor.send(
        ALICE, "order.cancelReplace", symbol="BTCUSDT", side="BUY", type="LIMIT", timeInForce="GTC", price="200",
        quantity="1", cancelReplaceMode="STOP_ON_FAILURE", cancelOrigClientOrderId="old", newClientOrderId="new",
    )  # fmt: skip
    assert floor.record("new").closed
    floor.deliver()
    assert used(floor) == (0, 0, 0)


def test_cancel_replace_that_half_fails_keeps_the_half_that_did_not(floor: DeskFloor) -> None:
    floor.limit(ALICE, "BUY", "100", "1", newClientOrderId="old")
    floor.account.do("order.cancel", symbol="BTCUSDT", origClientOrderId="old")
    answer = floor.send(
        ALICE, "order.cancelReplace", symbol="BTCUSDT", side="BUY", type="LIMIT", timeInForce="GTC", price="200",
        quantity="1", cancelReplaceMode="ALLOW_FAILURE", cancelOrigClientOrderId="old", newClientOrderId="new",
    )  # fmt: skip
    assert isinstance(answer, Answer)
    assert answer.status == 409
    assert (floor.record("new").closed, floor.record("new").order_id > 0) == (False, True)


def test_commission_told_by_my_trades_is_taken_off_once(floor: DeskFloor) -> None:
    floor.limit(ALICE, "BUY", "100", "1", newClientOrderId="quiet")
    floor.stranger.limit("SELL", "100", "1")
    floor.send(ALICE, "order.status", symbol="BTCUSDT", origClientOrderId="quiet")
    assert floor.ledger.usage(ALICE.key.id).bought["BTC"] == SCALE
    for _ in range(2):
        floor.send(ALICE, "myTrades", symbol="BTCUSDT")
        bought = floor.ledger.usage(ALICE.key.id).bought["BTC"]
        assert SCALE * 99 // 100 < bought < SCALE
    floor.deliver()
    assert floor.ledger.usage(ALICE.key.id).bought["BTC"] == bought


def test_amended_order_is_followed_under_its_new_name(floor: DeskFloor) -> None:
    placed = floor.limit(ALICE, "BUY", "100", "2", newClientOrderId="big")
    body = (
        b'{"transactTime":1,"executionId":2,"amendedOrder":{"symbol":"BTCUSDT","orderId":%d,"orderListId":-1,'
        b'"origClientOrderId":"big","clientOrderId":"small","price":"100.00000000","qty":"1.00000000",'
        b'"executedQty":"0.00000000","cumulativeQuoteQty":"0.00000000","status":"NEW","side":"BUY"}}'
    ) % placed["orderId"]
    params = {"symbol": "BTCUSDT", "origClientOrderId": "big", "newQty": "1"}
    floor.desk.observe(
        CREDENTIAL, "order.amend.keepPriority", params, Answer(status=200, body=body), floor.now_us
    )
    assert floor.ledger.open_order(CREDENTIAL, "BTCUSDT", "big") is None
    assert floor.record("small").order_id == placed["orderId"]
    floor.send(ALICE, "order.cancel", symbol="BTCUSDT", orderId=str(placed["orderId"]))
    assert used(floor) == (0, 0, 0)


def test_test_order_reserves_and_records_nothing(floor: DeskFloor) -> None:
    sent = {
        "symbol": "BTCUSDT",
        "side": "BUY",
        "type": "LIMIT",
        "timeInForce": "GTC",
        "price": "100",
        "quantity": "1",
    }
    prepared = floor.desk.prepare(ALICE, "order.test", sent)
    assert not isinstance(prepared, WireError)
    assert prepared.params is sent
    assert json_body(floor.send(ALICE, "order.test", **sent)) == {}
    assert not floor.ledger.open_orders()
    assert used(floor) == (0, 0, 0)


def test_full_ledger_refuses_further_orders(floor: DeskFloor, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(floor.ledger, "full", lambda: True)
    params = {
        "symbol": "BTCUSDT",
        "side": "BUY",
        "type": "LIMIT",
        "timeInForce": "GTC",
        "price": "100",
        "quantity": "1",
    }
    assert floor.send(ALICE, "order.place", **params) == TOO_MANY_OPEN


def test_reserving_a_read_or_a_cancel_reserves_nothing(floor: DeskFloor) -> None:
    intent = read_intent("order.cancel", {"symbol": "BTCUSDT", "orderId": "1"})
    allowed = decide_each([(ALICE.layers[0][1], floor.ledger.usage("x"))], intent, {}, floor.now_us)
    assert isinstance(allowed, tuple)
    assert floor.desk.reserve(ALICE, intent, allowed, floor.now_us) == Reservation()


def test_observing_nonsense_never_raises(floor: DeskFloor) -> None:
    for body in (b"", b"{", b"[1,2]", b'"x"', b"\xff", b'{"orderId":"seven"}', b"[" * 5_000):
        for name in ("order.place", "allOrders", "myTrades", "order.cancelReplace"):
            floor.desk.observe(CREDENTIAL, name, {}, Answer(status=200, body=body), floor.now_us)
            floor.desk.observe(CREDENTIAL, name, {}, Answer(status=400, body=body), floor.now_us)
        floor.desk.observe_event(CREDENTIAL, body, floor.now_us)


def test_unknown_code_with_any_status_keeps_the_reservation(floor: DeskFloor) -> None:
    for name, code in (("a", -1000), ("b", -1001), ("c", -1006), ("d", -1007)):
        floor.fails.append(Answer(status=400, body=b'{"code":%d,"msg":"?"}' % code))
        floor.send(ALICE, "order.place", symbol="BTCUSDT", side="BUY", type="LIMIT", timeInForce="GTC", price="100",
                   quantity="1", newClientOrderId=name)  # fmt: skip
        assert not floor.record(name).closed


def test_refusal_does_not_close_an_order_the_exchange_has(floor: DeskFloor) -> None:
    floor.limit(ALICE, "BUY", "100", "1", newClientOrderId="there")
    refusal = Answer(status=400, body=b'{"code":-2010,"msg":"Duplicate order sent."}')
    params = {"symbol": "BTCUSDT", "newClientOrderId": "there"}
    floor.desk.observe(CREDENTIAL, "order.place", params, refusal, floor.now_us)
    assert not floor.record("there").closed


def test_replace_that_says_placed_is_believed_without_the_report(floor: DeskFloor) -> None:
    floor.drops = 1
    floor.send(ALICE, "order.place", symbol="BTCUSDT", side="BUY", type="LIMIT", timeInForce="GTC", price="100",
               quantity="1", newClientOrderId="new")  # fmt: skip
    params = {"symbol": "BTCUSDT", "newClientOrderId": "new"}
    for result, closed in (("SUCCESS", False), ("FAILURE", True)):
        data = f'{{"cancelResult":"FAILURE","newOrderResult":"{result}","newOrderResponse":null}}'
        answer = Answer(status=409, body=f'{{"code":-2021,"msg":"x","data":{data}}}'.encode())
        floor.desk.observe(CREDENTIAL, "order.cancelReplace", params, answer, floor.now_us)
        assert floor.record("new").closed is closed


def test_commission_told_by_an_event_first_is_not_taken_off_twice(floor: DeskFloor) -> None:
    floor.drops = 1
    floor.send(ALICE, "order.place", symbol="BTCUSDT", side="BUY", type="LIMIT", timeInForce="GTC", price="100",
               quantity="2", newClientOrderId="both")  # fmt: skip
    event = (
        b'{"e":"executionReport","s":"BTCUSDT","c":"both","C":"","i":99,"x":"TRADE","X":"PARTIALLY_FILLED",'
        b'"l":"1.0","z":"1.0","Z":"100.0","n":"0.001","N":"BTC"}'
    )
    floor.desk.observe_event(CREDENTIAL, event, floor.now_us)
    fill = '{"price":"100","qty":"1","commission":"0.001","commissionAsset":"BTC"}'
    body = (
        '{"symbol":"BTCUSDT","orderId":99,"clientOrderId":"both","status":"FILLED","executedQty":"2.0",'
        f'"cummulativeQuoteQty":"200.0","fills":[{fill},{fill}]}}'
    )
    floor.desk.observe(CREDENTIAL, "order.place", {}, Answer(status=200, body=body.encode()), floor.now_us)
    usage = floor.ledger.usage(ALICE.key.id)
    assert usage.bought["BTC"] == 2 * SCALE - 2 * SCALE // 1000
    assert usage.spent["USDT"] == 200 * SCALE


def test_older_order_of_the_same_name_is_not_taken_for_the_one_in_flight(floor: DeskFloor) -> None:
    """A name is used again; the new order's answer is lost, and a query shows the old one."""
    floor.outside("BUY", "100", "1", newClientOrderId="again")
    floor.stranger.limit("SELL", "100", "1")
    floor.exchange.clock.move(5)
    floor.fails.append(Unanswered(True, "broken"))
    floor.send(ALICE, "order.place", symbol="BTCUSDT", side="BUY", type="LIMIT", timeInForce="GTC", price="100",
               quantity="1", newClientOrderId="again")  # fmt: skip
    floor.send(WIDE, "allOrders", symbol="BTCUSDT")
    floor.send(WIDE, "order.status", symbol="BTCUSDT", origClientOrderId="again")
    floor.deliver()
    assert (floor.record("again").order_id, floor.record("again").closed) == (0, False)
    assert used(floor) == (0, 10_000, 0)


def test_amendment_whose_answer_was_lost_is_followed_by_what_a_query_shows(floor: DeskFloor) -> None:
    placed = floor.limit(ALICE, "BUY", "100", "1", newClientOrderId="big")
    row = '{{"symbol":"BTCUSDT","orderId":{},"clientOrderId":"{}","status":"{}","executedQty":"0","time":{}}}'

    def shown(name: str, status: str) -> None:
        body = row.format(placed["orderId"], name, status, floor.now_us // 1000).encode()
        floor.desk.observe(CREDENTIAL, "order.status", {}, Answer(status=200, body=body), floor.now_us)

    shown("small", "NEW")
    assert floor.record("small").order_id == placed["orderId"]
    assert floor.ledger.order(CREDENTIAL, "BTCUSDT", "big") is None
    shown("of-the-cancel", "CANCELED")
    assert floor.record("small").closed
    assert used(floor) == (0, 0, 0)
