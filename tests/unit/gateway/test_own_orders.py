"""Two keys on one account: each sees and cancels its own orders only; the account's own orders outside are nobody's."""

import gzip
import json
from collections.abc import Iterator
from typing import Any

import pytest
from tests.support.desk_floor import CREDENTIAL, DeskFloor, active_key, drive, json_body

from watchword.binance.errors import NO_SUCH_ORDER, TIMEOUT, UNAUTHORIZED, UNKNOWN_ORDER, WireError
from watchword.gateway.messages import Answer, Refused, Unanswered
from watchword.gateway.ownership import AMEND_REJECTED, NO_SUCH_LIST, NOT_TOLD, REPLACE_FAILED
from watchword.gateway.visibility import NOT_READ

ALICE = active_key("alice")
BOB = active_key("bob")
WIDE = active_key("wide", own_orders_only=False)
SYMBOL = {"symbol": "BTCUSDT"}
OCO = {
    "symbol": "BTCUSDT", "side": "SELL", "quantity": "1", "aboveType": "LIMIT_MAKER", "abovePrice": "110000",
    "belowType": "STOP_LOSS", "belowStopPrice": "90000",
}  # fmt: skip


@pytest.fixture
def floor() -> Iterator[DeskFloor]:
    """One open order of Alice, one of Bob, one from outside."""
    with DeskFloor() as floor:
        floor.stranger.limit("SELL", "100000", "0.01")
        floor.exchange.trader("third").limit("BUY", "100000", "0.01")
        floor.limit(ALICE, "BUY", "90100", "1", newClientOrderId="of-alice")
        floor.limit(BOB, "BUY", "90101", "1", newClientOrderId="of-bob")
        floor.outside("BUY", "90102", "1", newClientOrderId="outside")
        floor.deliver()
        yield floor


def number(floor: DeskFloor, name: str) -> str:
    order = floor.account.do("order.status", symbol="BTCUSDT", origClientOrderId=name)
    return str(order["orderId"])


def names(answer: Any) -> list[str]:
    return [row["clientOrderId"] for row in json_body(answer)]


@pytest.mark.parametrize("query", ["openOrders.status", "allOrders"])
def test_queries_of_many_orders_show_the_keys_own(floor: DeskFloor, query: str) -> None:
    assert names(floor.send(ALICE, query, **SYMBOL)) == ["of-alice"]
    assert names(floor.send(BOB, query, **SYMBOL)) == ["of-bob"]
    assert names(floor.send(WIDE, query, **SYMBOL)) == ["of-alice", "of-bob", "outside"]


def test_rows_that_stay_are_the_exchanges_bytes(floor: DeskFloor) -> None:
    whole = floor.exchange_says("openOrders.status", dict(SYMBOL))
    assert isinstance(whole, Answer)
    shown = floor.send(ALICE, "openOrders.status", **SYMBOL)
    assert isinstance(shown, Answer)
    assert shown.body[1:-1] in whole.body


def test_answer_of_which_nothing_is_left_out_is_the_same_object(floor: DeskFloor) -> None:
    order = json.dumps(floor.account.do("order.status", symbol="BTCUSDT", origClientOrderId="of-alice"))
    for body in (b"[]", f"[{order} ]".encode()):
        answer = Answer(status=200, body=gzip.compress(body), headers=((b"Content-Encoding", b"gzip"),))
        assert floor.desk.narrow(ALICE, "allOrders", answer) is answer


def test_packed_answer_is_unpacked_where_something_is_left_out(floor: DeskFloor) -> None:
    whole = floor.exchange_says("openOrders.status", dict(SYMBOL))
    assert isinstance(whole, Answer)
    headers = ((b"content-encoding", b"gzip"), (b"x-mbx-used-weight", b"7"), (b"content-length", b"9"))
    packed = Answer(status=200, body=gzip.compress(whole.body), headers=headers)
    shown = floor.desk.narrow(BOB, "openOrders.status", packed)
    assert names(shown) == ["of-bob"]
    assert isinstance(shown, Answer)
    assert shown.headers == ((b"x-mbx-used-weight", b"7"),)


@pytest.mark.parametrize(
    ("body", "headers"),
    [
        (b"not json", ()),
        (b'{"orders":[]}', ()),
        (b"[1]", ()),
        (b"\x1f\x8b broken", ((b"content-encoding", b"gzip"),)),
        (b"whatever", ((b"content-encoding", b"br"),)),
        (gzip.compress(b"[" + b" " * 20_000_000 + b"]"), ((b"content-encoding", b"gzip"),)),
    ],
)
def test_answer_that_cannot_be_read_is_not_shown(
    floor: DeskFloor, body: bytes, headers: tuple[tuple[bytes, bytes], ...]
) -> None:
    answer = Answer(status=200, body=body, headers=headers)
    assert floor.desk.narrow(ALICE, "allOrders", answer) == NOT_READ
    assert NOT_READ.http_status == UNAUTHORIZED.http_status
    assert floor.desk.narrow(WIDE, "allOrders", answer) is answer
    refused = Answer(status=400, body=body, headers=headers)
    assert floor.desk.narrow(ALICE, "allOrders", refused) is refused


@pytest.mark.parametrize("foreign", ["of-bob", "outside", "nobody"])
def test_order_of_others_does_not_exist(floor: DeskFloor, foreign: str) -> None:
    by_name = {**SYMBOL, "origClientOrderId": foreign}
    answer = floor.send(ALICE, "order.status", **by_name)
    refused = answer if isinstance(answer, WireError) else json_body(answer)
    assert refused in (NO_SUCH_ORDER, {"code": -2013, "msg": NO_SUCH_ORDER.text})
    assert floor.send(ALICE, "order.cancel", **by_name) == UNKNOWN_ORDER
    assert floor.send(ALICE, "order.amend.keepPriority", **by_name, newQty="0.5") == AMEND_REJECTED


@pytest.mark.parametrize("foreign", ["of-bob", "outside"])
def test_order_of_others_does_not_exist_by_its_number(floor: DeskFloor, foreign: str) -> None:
    by_id = {**SYMBOL, "orderId": number(floor, foreign)}
    assert floor.send(ALICE, "order.status", **by_id) == NO_SUCH_ORDER
    assert floor.send(ALICE, "order.cancel", **by_id) == UNKNOWN_ORDER
    replace = {
        **SYMBOL, "side": "BUY", "type": "LIMIT", "timeInForce": "GTC", "price": "90100", "quantity": "1",
        "cancelReplaceMode": "ALLOW_FAILURE", "cancelOrderId": by_id["orderId"],
    }  # fmt: skip
    assert floor.send(ALICE, "order.cancelReplace", **replace) == REPLACE_FAILED
    assert floor.asked == []
    assert len(floor.account.do("openOrders.status", **SYMBOL)) == 3


@pytest.mark.parametrize("foreign", ["of-bob", "outside"])
def test_key_without_the_restriction_cancels_any(floor: DeskFloor, foreign: str) -> None:
    answer = floor.send(WIDE, "order.cancel", **SYMBOL, origClientOrderId=foreign)
    assert json_body(answer)["status"] == "CANCELED"
    if foreign == "of-bob":
        assert floor.record(foreign).closed


def test_own_order_is_seen_and_cancelled_by_name_and_by_number(floor: DeskFloor) -> None:
    by_id = {**SYMBOL, "orderId": number(floor, "of-alice")}
    assert json_body(floor.send(ALICE, "order.status", **by_id))["clientOrderId"] == "of-alice"
    assert (
        json_body(floor.send(ALICE, "order.status", **SYMBOL, origClientOrderId="of-alice"))["status"]
        == "NEW"
    )
    assert json_body(floor.send(ALICE, "order.cancel", **by_id))["status"] == "CANCELED"


def test_cancel_by_name_is_pinned_to_the_orders_number(floor: DeskFloor) -> None:
    """Alice's order is gone unnoticed, and somebody outside took its name: her cancel must not meet that one."""
    floor.account.do("order.cancel", **SYMBOL, origClientOrderId="of-alice")
    floor.outside("BUY", "90103", "1", newClientOrderId="of-alice")
    answer = floor.send(ALICE, "order.cancel", **SYMBOL, origClientOrderId="of-alice")
    assert json_body(answer)["code"] == UNKNOWN_ORDER.code
    assert len(floor.account.do("openOrders.status", **SYMBOL)) == 3


def test_query_by_name_that_meets_another_order_shows_nothing(floor: DeskFloor) -> None:
    floor.account.do("order.cancel", **SYMBOL, origClientOrderId="of-alice")
    floor.outside("BUY", "90103", "1", newClientOrderId="of-alice")
    assert floor.send(ALICE, "order.status", **SYMBOL, origClientOrderId="of-alice") == NO_SUCH_ORDER


def lost_order(floor: DeskFloor) -> str:
    """Alice places an order whose answer is lost; its number."""
    floor.drops = 1
    floor.send(
        ALICE, "order.place", **SYMBOL, side="BUY", type="LIMIT", timeInForce="GTC", price="90099", quantity="1",
        newClientOrderId="lost",
    )  # fmt: skip
    return number(floor, "lost")


def test_number_nobody_knows_yet_is_looked_up(floor: DeskFloor) -> None:
    lost = lost_order(floor)
    assert json_body(floor.send(ALICE, "order.cancel", **SYMBOL, orderId=lost))["status"] == "CANCELED"
    assert floor.asked == ["order.status"]
    assert floor.record("lost").closed


def test_number_that_turns_out_to_be_anothers_is_refused(floor: DeskFloor) -> None:
    lost_order(floor)
    outside = number(floor, "outside")
    assert floor.send(ALICE, "order.cancel", **SYMBOL, orderId=outside) == UNKNOWN_ORDER
    assert floor.send(BOB, "order.cancel", **SYMBOL, orderId=number(floor, "lost")) == UNKNOWN_ORDER


@pytest.mark.parametrize(
    ("said", "expected"),
    [(Unanswered(True, "late"), NOT_TOLD), (Refused(UNAUTHORIZED, "sealed"), UNAUTHORIZED)],
)
def test_look_up_that_fails_refuses(floor: DeskFloor, said: Any, expected: WireError) -> None:
    lost = lost_order(floor)
    floor.fails.append(said)
    assert floor.send(ALICE, "order.cancel", **SYMBOL, orderId=lost) == expected
    assert NOT_TOLD.http_status == 400


@pytest.mark.parametrize(
    "params", [{}, SYMBOL, {"orderId": "1"}, {**SYMBOL, "orderId": "x"}, {**SYMBOL, "orderId": ""}]
)
def test_request_that_names_nothing_readable_goes_on_to_be_refused_elsewhere(
    floor: DeskFloor, params: dict[str, str]
) -> None:
    assert drive(floor.desk.permit(ALICE, "order.cancel", params, floor.ask)) is params


def test_lists_of_others_are_left_out(floor: DeskFloor) -> None:
    own = json_body(floor.send(ALICE, "orderList.place.oco", **OCO))
    other = floor.account.do("orderList.place.oco", **OCO)
    for query in ("openOrderLists.status", "allOrderLists"):
        assert [row["orderListId"] for row in json_body(floor.send(ALICE, query))] == [own["orderListId"]]
        assert json_body(floor.send(BOB, query)) == []
        assert len(json_body(floor.send(WIDE, query))) == 2
    shown = floor.send(ALICE, "orderList.status", orderListId=str(own["orderListId"]))
    assert json_body(shown)["orderListId"] == own["orderListId"]
    assert floor.send(ALICE, "orderList.status", orderListId=str(other["orderListId"])) == NO_SUCH_LIST
    assert floor.send(BOB, "orderList.status", orderListId=str(own["orderListId"])) == NO_SUCH_LIST


def test_trades_of_others_are_left_out(floor: DeskFloor) -> None:
    floor.stranger.limit("SELL", "90100", "3")
    floor.deliver()
    assert len(json_body(floor.send(WIDE, "myTrades", **SYMBOL))) == 3
    assert [row["orderId"] for row in json_body(floor.send(ALICE, "myTrades", **SYMBOL))] == [
        floor.record("of-alice").order_id
    ]


def test_prevented_match_is_shown_to_either_side(floor: DeskFloor) -> None:
    mine, other = floor.record("of-alice").order_id, floor.record("of-bob").order_id
    row = '{"symbol":"BTCUSDT","preventedMatchId":1,"takerOrderId":%d,"makerSymbol":"BTCUSDT","makerOrderId":%d}'
    body = f"[{row % (mine, other)},{row % (other, mine)},{row % (other, 999)}]".encode()
    answer = Answer(status=200, body=body)
    assert len(json_body(floor.desk.narrow(ALICE, "myPreventedMatches", answer))) == 2
    assert floor.desk.narrow(BOB, "myPreventedMatches", answer) is answer


def kinds(floor: DeskFloor, key: Any, events: list[bytes]) -> list[str]:
    shown = [floor.desk.admit_event(key, event, floor.now_us) for event in events]
    return [json.loads(event)["event"]["e"] for event in shown if event is not None]


def test_events_of_others_are_hidden_and_balances_pass(floor: DeskFloor) -> None:
    floor.stranger.limit("SELL", "90101", "1")  # the outside order at 90102 is met first
    events = list(floor.events)
    assert events
    assert set(kinds(floor, ALICE, events)) == {"outboundAccountPosition"}
    floor.stranger.limit("SELL", "90101", "1")
    events = floor.events[len(events) :]
    assert kinds(floor, BOB, events) == ["executionReport", "outboundAccountPosition"]
    assert kinds(floor, WIDE, events) == ["executionReport", "outboundAccountPosition"]


def test_list_events_are_shown_to_their_key_alone(floor: DeskFloor) -> None:
    floor.send(ALICE, "orderList.place.oco", **OCO)
    events = list(floor.events)
    assert kinds(floor, ALICE, events).count("listStatus") == 1
    assert "listStatus" not in kinds(floor, BOB, events)


@pytest.mark.parametrize(
    "event", [b'{"e":"tomorrowsEvent","i":7}', b"nonsense", b"{}", b'{"subscriptionId":0}']
)
def test_event_nobody_knows_is_hidden(floor: DeskFloor, event: bytes) -> None:
    assert floor.desk.admit_event(ALICE, event, floor.now_us) is None
    assert floor.desk.admit_event(WIDE, event, floor.now_us) is event


def test_bare_event_is_read_as_well(floor: DeskFloor) -> None:
    bare = json.dumps(
        {
            "e": "executionReport",
            "s": "BTCUSDT",
            "i": floor.record("of-bob").order_id,
            "c": "of-bob",
            "X": "CANCELED",
        }
    ).encode()
    assert floor.desk.admit_event(ALICE, bare, floor.now_us) is None
    assert floor.desk.admit_event(BOB, bare, floor.now_us) is bare
    assert floor.record("of-bob").closed


def test_cancel_all_takes_the_keys_own_orders_and_lists(floor: DeskFloor) -> None:
    floor.limit(ALICE, "BUY", "90098", "1", newClientOrderId="second")
    floor.send(ALICE, "orderList.place.oco", **OCO)
    answer = json_body(floor.cancel_all(ALICE))
    assert [row.get("origClientOrderId") for row in answer][:2] == ["of-alice", "second"]
    assert answer[2]["contingencyType"] == "OCO"
    assert floor.asked == ["openOrders.status", "order.cancel", "order.cancel", "orderList.cancel"]
    left = floor.account.do("openOrders.status", **SYMBOL)
    assert [order["clientOrderId"] for order in left] == ["of-bob", "outside"]
    assert not floor.ledger.usage(ALICE.key.id).open
    assert floor.cancel_all(ALICE) == UNKNOWN_ORDER


def test_cancel_all_without_symbol_is_refused(floor: DeskFloor) -> None:
    refused = drive(floor.desk.cancel_all(ALICE, {}, floor.ask))
    assert isinstance(refused, WireError)
    assert refused.code == -1102


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        (Unanswered(True, "late"), NOT_TOLD),
        (Refused(UNAUTHORIZED, "budget"), UNAUTHORIZED),
        (Answer(status=503, body=b""), NOT_TOLD),
        (Answer(status=429, body=b'{"code":-1003,"msg":"Too much."}'), WireError(-1003, "Too much.", 429)),
    ],
)
def test_cancel_all_whose_question_fails_cancels_nothing(
    floor: DeskFloor, said: Any, expected: WireError
) -> None:
    floor.fails.append(said)
    assert floor.cancel_all(ALICE) == expected
    assert len(floor.account.do("openOrders.status", **SYMBOL)) == 3


def test_cancel_all_with_a_cancel_unanswered_is_unknown(floor: DeskFloor) -> None:
    listed = floor.exchange_says("openOrders.status", dict(SYMBOL))
    floor.fails += [listed, Unanswered(True, "late")]
    assert floor.cancel_all(ALICE) == TIMEOUT


def test_cancel_all_does_not_mind_an_order_that_just_went(floor: DeskFloor) -> None:
    floor.limit(ALICE, "BUY", "90098", "1", newClientOrderId="second")
    listed = floor.exchange_says("openOrders.status", dict(SYMBOL))
    floor.account.do("order.cancel", **SYMBOL, origClientOrderId="of-alice")
    floor.fails.append(listed)
    assert [row["origClientOrderId"] for row in json_body(floor.cancel_all(ALICE))] == ["second"]


def test_observed_orders_of_others_change_nothing(floor: DeskFloor) -> None:
    before = floor.ledger.open_orders()
    answer = floor.exchange_says("openOrders.status", dict(SYMBOL))
    assert isinstance(answer, Answer)
    floor.desk.observe(CREDENTIAL, "openOrders.status", dict(SYMBOL), answer, floor.now_us)
    assert floor.ledger.open_orders() == before


@pytest.mark.parametrize("number", [2**63 - 1, 2**63, 2**70])
def test_number_that_fits_no_field_is_nobodys(floor: DeskFloor, number: int) -> None:
    row = f'{{"symbol":"BTCUSDT","orderId":{number},"clientOrderId":"x","status":"NEW","executedQty":"{"9" * 20}"}}'
    answer = Answer(status=200, body=f"[{row}]".encode())
    assert json_body(floor.desk.narrow(ALICE, "allOrders", answer)) == []
    floor.desk.observe(CREDENTIAL, "allOrders", {}, answer, floor.now_us)
    refused = floor.send(ALICE, "order.cancel", **SYMBOL, orderId=str(2**63 - 1))
    assert refused == UNKNOWN_ORDER
    too_large = {**SYMBOL, "orderId": str(number)}
    if number >= 2**63:
        assert drive(floor.desk.permit(ALICE, "order.cancel", too_large, floor.ask)) is too_large


@pytest.mark.parametrize("body", [b"", b"junk", b"{}", b'{"code":"x","msg":1}', b'{"orders":1}'])
@pytest.mark.parametrize("status", [200, 400])
def test_cancel_all_whose_listing_cannot_be_read_cancels_nothing(
    floor: DeskFloor, body: bytes, status: int
) -> None:
    floor.fails.append(Answer(status=status, body=body))
    assert floor.cancel_all(ALICE) == NOT_TOLD
    assert len(floor.account.do("openOrders.status", **SYMBOL)) == 3


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        (Unanswered(False, "down"), NOT_TOLD),
        (Refused(UNAUTHORIZED, "sealed"), UNAUTHORIZED),
        (Answer(status=503, body=b""), TIMEOUT),
        (Answer(status=400, body=b'{"code":-1015,"msg":"Too many."}'), WireError(-1015, "Too many.", 400)),
    ],
)
def test_cancel_all_stops_at_the_first_cancel_that_fails(
    floor: DeskFloor, said: Any, expected: WireError
) -> None:
    floor.fails += [floor.exchange_says("openOrders.status", dict(SYMBOL)), said]
    assert floor.cancel_all(ALICE) == expected
