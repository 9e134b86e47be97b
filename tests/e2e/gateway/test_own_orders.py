"""Two bots with keys of one real account: neither sees nor touches what the other placed, whatever way it names it.

A real testnet behind a real gateway process. What is open is looked up at the testnet itself, past the gateway.
"""

import contextlib
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from tests.support.bot import Bot
from tests.support.floor import FloorTrader
from tests.support.gateway_in_front import GatewayInFront, gateway_before
from tests.support.gateway_process import RICH, TRADER_POLICY, VirtualKey
from tests.support.testnet_process import TestnetProcess
from tests.support.ws_bot import WsBot, ws_bot

from watchword.adapters.audit.sqlite_sink import SqliteReader
from watchword.audit.search import Filter, search
from watchword.bootstrap.audit_trail import audit_path

ACCOUNT = "two-bots"
ORDER: dict[str, object] = {
    "symbol": "LTCUSDT", "side": "BUY", "type": "LIMIT", "timeInForce": "GTC", "quantity": "1", "price": "50",
}  # fmt: skip
OCO: dict[str, object] = {
    "symbol": "LTCUSDT", "side": "SELL", "quantity": "1", "aboveType": "LIMIT_MAKER", "abovePrice": "500",
    "belowType": "STOP_LOSS", "belowStopPrice": "10",
}  # fmt: skip
ANYTHING: Any = object()


class House:
    """Two bots and what is true.

    Attributes:
        mine, theirs: The bot under test, and the one whose orders it must not reach.
        outside: The account itself, past the gateway.
    """

    def __init__(self, front: GatewayInFront, outside: FloorTrader) -> None:
        self.front, self.outside = front, outside
        self.mine, self.theirs = (Bot(front.rest, self.key(label)) for label in ("mine", "theirs"))

    def key(self, label: str, **fields: object) -> VirtualKey:
        made = self.front.ask(
            "gateway",
            "key.issue",
            label=label,
            key_type="HMAC",
            credential=ACCOUNT,
            policy=TRADER_POLICY,
            **fields,
        )
        return VirtualKey("HMAC", made["key"]["id"], made["api_key"], made["secret_key"])

    def their_order(self, **more: object) -> dict[str, Any]:
        placed = self.theirs.ask("POST", "/api/v3/order", **{**ORDER, **more})
        assert placed.status == 200, placed
        return placed.json  # type: ignore[no-any-return]

    def my_order(self, **more: object) -> dict[str, Any]:
        placed = self.mine.ask("POST", "/api/v3/order", **{**ORDER, **more})
        assert placed.status == 200, placed
        return placed.json  # type: ignore[no-any-return]

    def open_ids(self) -> set[int]:
        return {one["orderId"] for one in self.outside.request("GET", "/api/v3/openOrders", symbol="LTCUSDT")}

    def trail(self, kind: str, bot: Bot) -> list[dict[str, Any]]:
        with contextlib.closing(SqliteReader(audit_path(self.front.gateway.home))) as reader:
            found = search(reader.lines_after(0), Filter(kind=kind))
            return [event for _, event in found if event["key"] == bot.key.id]  # type: ignore[attr-defined]

    def refused_as(self, rule: str, code: int) -> bool:
        """Whether the last refusal in the trail of the bot under test is this one."""
        deadline = time.monotonic() + 3
        while time.monotonic() < deadline:
            rows = self.trail("request:refused", self.mine)
            if rows and (rows[-1]["rule"], rows[-1]["code"]) == (rule, code):
                return True
            time.sleep(0.02)
        return False


@pytest.fixture(scope="module")
def house(quiet_testnet: TestnetProcess, tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    front = gateway_before(quiet_testnet, tmp_path_factory.mktemp("own"))
    try:
        front.create_account(ACCOUNT, {**RICH, "LTC": "1000"})
        front.create_key(ACCOUNT, "HMAC")  # makes the real credential
        outside = FloorTrader(quiet_testnet, quiet_testnet.create_key(ACCOUNT, "HMAC"))
        yield House(front, outside)
        outside.request("DELETE", "/api/v3/openOrders", symbol="LTCUSDT")
    finally:
        front.gateway.stop()


@pytest.fixture(scope="module")
def theirs(house: House) -> dict[str, Any]:
    """An order of the other bot's that outlives every test."""
    return house.their_order()


@pytest.fixture(scope="module")
def their_list(house: House) -> dict[str, Any]:
    """A list of the other bot's."""
    placed = house.theirs.ask("POST", "/api/v3/orderList/oco", **OCO)
    assert placed.status == 200, placed
    return placed.json  # type: ignore[no-any-return]


def _padded(number: int) -> str:
    """As many digits as Binance reads: the same number."""
    return f"{number:020}"


Naming = Callable[[dict[str, Any]], dict[str, object]]
#: Ways to name an order.
NAMINGS: dict[str, Naming] = {
    "id": lambda order: {"orderId": order["orderId"]},
    "client id": lambda order: {"origClientOrderId": order["clientOrderId"]},
    "both": lambda order: {"orderId": order["orderId"], "origClientOrderId": order["clientOrderId"]},
    "padded id": lambda order: {"orderId": _padded(order["orderId"])},
    "one zero": lambda order: {"orderId": f"0{order['orderId']}"},
    "zero and client id": lambda order: {"orderId": 0, "origClientOrderId": order["clientOrderId"]},
    "twenty zeros and client id": lambda order: {"orderId": "0" * 20, "origClientOrderId": order["clientOrderId"]},
    "minus and client id": lambda order: {"orderId": -1, "origClientOrderId": order["clientOrderId"]},
    "plus": lambda order: {"orderId": f"+{order['orderId']}"},
    "point": lambda order: {"orderId": f"{order['orderId']}.0"},
    "space": lambda order: {"orderId": f" {order['orderId']}"},
    "wide digits": lambda order: {"orderId": "".join(chr(0xFF10 + int(d)) for d in str(order["orderId"]))},
}  # fmt: skip


@pytest.mark.parametrize("naming", NAMINGS)
def test_anothers_order_cannot_be_cancelled(house: House, theirs: dict[str, Any], naming: str) -> None:
    named = NAMINGS[naming](theirs)
    reply = house.mine.ask("DELETE", "/api/v3/order", symbol="LTCUSDT", **named)
    assert reply.status in {400, 401}, reply
    if naming in {"id", "client id", "both", "padded id", "one zero"}:
        assert (reply.status, reply.code) == (400, -2011)
        assert house.refused_as("own_orders", -2011)
    assert theirs["orderId"] in house.open_ids()
    signed = [one for one in house.trail("signature:intended", house.mine) if one["only_cancels"]]
    assert [one for one in signed if str(theirs["orderId"]) in str(one["parameters"])] == []


@pytest.mark.parametrize("naming", NAMINGS)
def test_anothers_order_cannot_be_replaced(house: House, theirs: dict[str, Any], naming: str) -> None:
    named = {
        f"cancel{name[0].upper()}{name[1:]}": value for name, value in NAMINGS[naming](theirs).items()
    }  # fmt: skip
    before = house.open_ids()
    reply = house.mine.ask(
        "POST", "/api/v3/order/cancelReplace", **ORDER, cancelReplaceMode="STOP_ON_FAILURE", **named
    )
    assert reply.status in {400, 401}, reply
    if naming in {"id", "client id", "both", "padded id"}:
        assert reply.code == -2022
    assert house.open_ids() == before


@pytest.mark.parametrize("naming", ["id", "client id", "padded id", "zero and client id"])
def test_anothers_order_cannot_be_amended(house: House, theirs: dict[str, Any], naming: str) -> None:
    named = NAMINGS[naming](theirs)
    reply = house.mine.ask("PUT", "/api/v3/order/amend/keepPriority", symbol="LTCUSDT", newQty="0.5", **named)
    assert (reply.status, reply.code) == (400, -2038), reply
    found = house.outside.request("GET", "/api/v3/order", symbol="LTCUSDT", orderId=theirs["orderId"])
    assert float(found["origQty"]) == 1


@pytest.mark.parametrize("naming", ["id", "client id", "padded id", "zero and client id"])
def test_anothers_order_does_not_exist(house: House, theirs: dict[str, Any], naming: str) -> None:
    reply = house.mine.ask("GET", "/api/v3/order", symbol="LTCUSDT", **NAMINGS[naming](theirs))
    assert (reply.status, reply.code) == (400, -2013), reply
    assert theirs["clientOrderId"].encode() not in reply.raw


def test_anothers_list_and_its_legs_cannot_be_cancelled_or_seen(
    house: House, their_list: dict[str, Any]
) -> None:
    number, name, legs = their_list["orderListId"], their_list["listClientOrderId"], their_list["orders"]
    ways: list[dict[str, object]] = [
        {"orderListId": number},
        {"listClientOrderId": name},
        {"orderListId": _padded(number)},
        {"orderListId": 0, "listClientOrderId": name},
    ]
    before = house.open_ids()
    for way in ways:
        reply = house.mine.ask("DELETE", "/api/v3/orderList", symbol="LTCUSDT", **way)
        assert (reply.status, reply.code) == (400, -2011), (way, reply)
    for leg in legs:
        for way in ({"orderId": leg["orderId"]}, {"origClientOrderId": leg["clientOrderId"]}):
            assert house.mine.ask("DELETE", "/api/v3/order", symbol="LTCUSDT", **way).code == -2011
    assert house.open_ids() == before
    for path, way in (
        ("/api/v3/orderList", {"orderListId": number}),
        ("/api/v3/orderList", {"origClientOrderId": name}),
    ):
        reply = house.mine.ask("GET", path, **way)
        assert (reply.status, reply.code) == (400, -2013), reply
    for path in ("/api/v3/allOrderList", "/api/v3/openOrderList"):
        assert house.mine.ask("GET", path).json == []


def test_anothers_name_cannot_be_taken(house: House, theirs: dict[str, Any]) -> None:
    taken = theirs["clientOrderId"]
    reply = house.mine.ask("POST", "/api/v3/order", **ORDER, newClientOrderId=taken)
    assert (reply.status, reply.code) == (400, -2010)
    assert house.refused_as("own_orders", -2010)
    mine = house.my_order()
    amended = house.mine.ask(
        "PUT", "/api/v3/order/amend/keepPriority", symbol="LTCUSDT", newQty="0.5", orderId=mine["orderId"],
        newClientOrderId=taken,
    )  # fmt: skip
    assert amended.status == 400, amended


def test_cancel_under_anothers_name_changes_nobody(house: House) -> None:
    """A cancel has a name of its own; giving it that of another bot's order must not hand that order over."""
    victim, own = house.their_order(), house.my_order()
    named = house.mine.ask(
        "DELETE", "/api/v3/order", symbol="LTCUSDT", orderId=own["orderId"], newClientOrderId=victim["clientOrderId"]
    )  # fmt: skip
    assert named.status in {200, 400}, named
    for way in ({"orderId": victim["orderId"]}, {"origClientOrderId": victim["clientOrderId"]}):
        assert house.mine.ask("DELETE", "/api/v3/order", symbol="LTCUSDT", **way).code == -2011
        assert house.mine.ask("GET", "/api/v3/order", symbol="LTCUSDT", **way).code == -2013
    seen = house.theirs.ask(
        "GET", "/api/v3/order", symbol="LTCUSDT", origClientOrderId=victim["clientOrderId"]
    )
    assert seen.json["orderId"] == victim["orderId"]
    done = house.theirs.ask(
        "DELETE", "/api/v3/order", symbol="LTCUSDT", origClientOrderId=victim["clientOrderId"]
    )
    assert done.json["orderId"] == victim["orderId"]


def test_lists_show_only_what_is_ones_own(house: House, theirs: dict[str, Any]) -> None:
    own, stranger = house.my_order(), house.outside.request("POST", "/api/v3/order", **ORDER)
    hidden = {theirs["orderId"], stranger["orderId"]}
    for params in ({"symbol": "LTCUSDT"}, {}):
        shown = {one["orderId"] for one in house.mine.ask("GET", "/api/v3/openOrders", **params).json}
        assert own["orderId"] in shown
        assert not shown & hidden
    every = {one["orderId"] for one in house.mine.ask("GET", "/api/v3/allOrders", symbol="LTCUSDT").json}
    assert own["orderId"] in every
    assert not every & hidden
    all_seeing = Bot(house.front.rest, house.key("all-seeing", own_orders_only=False))
    shown = {one["orderId"] for one in all_seeing.ask("GET", "/api/v3/openOrders", symbol="LTCUSDT").json}
    assert shown >= {own["orderId"], *hidden}


def test_trades_show_only_what_is_ones_own(house: House) -> None:
    market = {"symbol": "ETHUSDT", "price": "3000"}
    seller = FloorTrader(house.front.testnet, house.front.testnet.create_key(_seller(house), "HMAC"))
    bought = house.their_order(**market)
    seller.request("POST", "/api/v3/order", **{**ORDER, **market, "side": "SELL"})
    mine = house.my_order(**market)
    seller.request("POST", "/api/v3/order", **{**ORDER, **market, "side": "SELL"})
    seller.close()
    shown = house.mine.ask("GET", "/api/v3/myTrades", symbol="ETHUSDT").json
    assert {one["orderId"] for one in shown} == {mine["orderId"]}
    assert house.mine.ask("GET", "/api/v3/myTrades", symbol="ETHUSDT", orderId=bought["orderId"]).json == []
    both = house.outside.request("GET", "/api/v3/myTrades", symbol="ETHUSDT")
    assert {one["orderId"] for one in both} == {mine["orderId"], bought["orderId"]}


def test_cancel_all_takes_only_ones_own(
    house: House, theirs: dict[str, Any], their_list: dict[str, Any]
) -> None:
    own = {house.my_order()["orderId"] for _ in range(3)}
    stranger = house.outside.request("POST", "/api/v3/order", **ORDER)["orderId"]
    done = house.mine.ask("DELETE", "/api/v3/openOrders", symbol="LTCUSDT")
    assert done.status == 200, done
    assert {one["orderId"] for one in done.json} >= own
    still = house.open_ids()
    assert not still & own
    assert still >= {theirs["orderId"], stranger, *(leg["orderId"] for leg in their_list["orders"])}
    nothing = house.mine.ask("DELETE", "/api/v3/openOrders", symbol="LTCUSDT")
    assert (nothing.status, nothing.code) == (400, -2011)


def test_the_same_by_websocket(house: House, theirs: dict[str, Any]) -> None:
    named: dict[str, object] = {"symbol": "LTCUSDT", "orderId": theirs["orderId"]}
    with ws_bot(house.front.ws_api, house.mine.key) as session:
        for method, code, more in (
            ("order.cancel", -2011, {}),
            ("order.status", -2013, {}),
            ("order.amend.keepPriority", -2038, {"newQty": "0.5"}),
            ("order.cancel", -2011, {"orderId": _padded(theirs["orderId"])}),
        ):
            said = session.ask(method, **{**named, **more})
            assert (said["status"], said["error"]["code"]) == (400, code), (method, said)
        shown = {one["orderId"] for one in session.ask("openOrders.status")["result"]}
        assert theirs["orderId"] not in shown
        own = session.ask("order.place", **ORDER)["result"]["orderId"]
        done = session.ask("openOrders.cancelAll", symbol="LTCUSDT")
        assert own in {one["orderId"] for one in done["result"]}
    assert theirs["orderId"] in house.open_ids()


def test_events_show_only_what_is_ones_own(house: House) -> None:
    with (
        ws_bot(house.front.ws_api, house.mine.key) as mine,
        ws_bot(house.front.ws_api, house.theirs.key) as other,
    ):
        for session in (mine, other):
            assert session.ask("userDataStream.subscribe.signature")["status"] == 200
        own, victim = house.my_order()["orderId"], house.their_order()["orderId"]
        stranger = house.outside.request("POST", "/api/v3/order", **ORDER)["orderId"]
        placed = house.theirs.ask("POST", "/api/v3/orderList/oco", **OCO)
        assert placed.status == 200, placed
        told = {"mine": _orders_told(mine), "theirs": _orders_told(other)}
        assert told["mine"] == {own}
        assert told["theirs"] == {victim, *(leg["orderId"] for leg in placed.json["orders"])}
        assert stranger not in told["mine"] | told["theirs"]
        # What is about the account as a whole is for both.
        assert "outboundAccountPosition" in {event["e"] for event in mine.events}


def test_cancels_of_all_that_left_a_trail_of_their_own_only(house: House) -> None:
    """No signature was made for a cancel of an order that the bot does not own."""
    owned = {str(one["orderId"]) for one in house.mine.ask("GET", "/api/v3/allOrders", symbol="LTCUSDT").json}
    for intent in house.trail("signature:intended", house.mine):
        if intent["only_cancels"] and "orderId" in intent["parameters"]:
            assert intent["parameters"]["orderId"] in owned, intent


def _orders_told(session: WsBot) -> set[int]:
    events = session.listen(0.4)
    told = {event["i"] for event in events if event["e"] == "executionReport"}
    for event in events:
        if event["e"] == "listStatus":
            told |= {leg["i"] for leg in event["O"]}
    return told


def _seller(house: House) -> str:
    with contextlib.suppress(RuntimeError):
        house.front.testnet.create_account("own-seller", {"ETH": "100"})
    return "own-seller"
