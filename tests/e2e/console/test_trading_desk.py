"""Trading, exports and live events over the management API of a real console, against a real testnet."""

import csv
import http.client
import io
import json
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Final

import pytest
from tests.support.console_process import Answered, ConsoleProcess, Member, founded
from tests.support.testnet_process import TestnetProcess

WAIT_S: Final = 20.0
LIMIT: Final = {"symbol": "BTCUSDT", "side": "BUY", "price": "60000", "quantity": "0.01"}


class Desk:
    """A testnet, a console, an owner; a trader with one account of two."""

    def __init__(self, folder: Path) -> None:
        home = folder / "home"
        enrolment = founded(home)
        with ThreadPoolExecutor(2) as pool:
            testnet = pool.submit(TestnetProcess.start, home, liquidity=False)
            console = pool.submit(ConsoleProcess.start, home)
        self.testnet, self.console = testnet.result(), console.result()
        self.owner = Member(self.console, "olga").enrol(enrolment)
        self.mine, self.other = self._account("desk"), self._account("treasury")
        self.trader = self.console.invite(self.owner, "tom", "trader")
        person = self.trader.call("GET", "/self").json["id"]
        assert self.owner.call("PUT", f"/accounts/{self.mine}/owner", {"person": person}).status == 200

    def _account(self, name: str) -> int:
        made = self.owner.call("POST", "/accounts", {"name": name, "deposits": {"USDT": "10000", "BTC": "1"}})
        assert made.status == 201, made.body
        return int(made.json["account_id"])

    def place(self, account: int, by: Member | None = None, **more: str) -> Answered:
        return (by or self.owner).call("POST", f"/accounts/{account}/orders", {**LIMIT, **more})

    def stop(self) -> None:
        assert [self.console.stop(), self.testnet.stop()] == [0, 0]


class Events:
    """One open stream of server-sent events."""

    def __init__(self, console: ConsoleProcess, path: str, token: str) -> None:
        self.connection = http.client.HTTPConnection(console.host, console.port, timeout=WAIT_S)
        self.connection.request("GET", f"/manage/v1{path}", headers={"authorization": f"Bearer {token}"})
        self.answer = self.connection.getresponse()

    def next(self, *names: str) -> tuple[str, Any]:
        """Read on to the next event of one of these names; ("", None) at the end."""
        name = ""
        while line := self.answer.readline():
            key, _, value = line.decode().strip().partition(": ")
            if key == "event":
                name = value
            elif key == "data" and name in names:
                return name, json.loads(value)
        return "", None

    def close(self) -> None:
        self.connection.close()


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    made = Desk(tmp_path_factory.mktemp("trading"))
    try:
        yield made
    finally:
        made.stop()


def test_trader_places_sees_and_cancels_on_their_own_account(desk: Desk) -> None:
    placed = desk.place(desk.mine, desk.trader, price="50000", client_order_id="mine-1")
    assert placed.status == 201, placed.body
    number = placed.json["order"]["order"]
    open_orders = desk.trader.call("GET", f"/accounts/{desk.mine}/open-orders").json["items"]
    assert [(one["order"], one["client_order_id"], one["status"]) for one in open_orders] == [
        (number, "mine-1", "NEW")
    ]
    gone = desk.trader.call("DELETE", f"/accounts/{desk.mine}/orders/{number}?symbol=BTCUSDT")
    assert (gone.status, gone.json["items"][0]["status"]) == (200, "CANCELED")
    assert desk.trader.call("GET", f"/accounts/{desk.mine}/open-orders").json["items"] == []
    past = desk.trader.call("GET", f"/accounts/{desk.mine}/orders").json
    assert past["items"][0]["order"] == number
    again = desk.trader.call("DELETE", f"/accounts/{desk.mine}/orders/{number}?symbol=BTCUSDT")
    assert (again.status, again.code) == (422, "refused")
    assert "-2011" in again.json["detail"]


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("GET", "balances", None), ("GET", "open-orders", None), ("GET", "orders", None), ("GET", "trades", None),
        ("GET", "trades.csv", None), ("GET", "deposits", None), ("GET", "faucet", None), ("GET", "portfolio", None),
        ("GET", "events", None), ("POST", "orders", LIMIT), ("POST", "orders/trial", LIMIT),
        ("DELETE", "orders/1?symbol=BTCUSDT", None), ("DELETE", "open-orders?symbol=BTCUSDT", None),
        ("POST", "faucet", {"asset": "USDT"}),
    ],
)  # fmt: skip
def test_another_account_is_not_there_for_a_trader(desk: Desk, method: str, path: str, body: Any) -> None:
    for account in (str(desk.other), "999999", "desk", "0"):
        told = desk.trader.call(method, f"/accounts/{account}/{path}", body)
        assert (told.status, told.code) == (404, "not-found"), (account, told.body)
    before = desk.owner.call("GET", f"/accounts/{desk.other}/open-orders").json["items"]
    assert before == []


def test_errors_of_the_exchange_are_told_with_text_and_code(desk: Desk) -> None:
    told = desk.place(desk.mine, price="60000.001")
    assert (told.status, told.code, told.json["detail"]) == (
        422,
        "refused",
        "Filter failure: PRICE_FILTER (code -1013)",
    )
    told = desk.place(desk.mine, quantity="9")
    assert told.json["detail"] == "Account has insufficient balance for requested action. (code -2010)"
    tried = desk.owner.call("POST", f"/accounts/{desk.mine}/orders/trial", {**LIMIT, "price": "60000.001"})
    assert tried.code == "refused"
    assert desk.owner.call("POST", f"/accounts/{desk.mine}/orders/trial", LIMIT).status == 204
    assert desk.place(desk.mine, price="1e5").code == "invalid"


def test_trades_are_listed_exported_and_add_up(desk: Desk) -> None:
    for _ in range(3):
        assert desk.place(desk.mine).status == 201
    sold = desk.place(desk.other, side="SELL", quantity="0.03")
    assert sold.json["order"]["status"] == "FILLED"
    assert len(sold.json["fills"]) == 3
    first = desk.trader.call("GET", f"/accounts/{desk.mine}/trades?limit=2").json
    second = desk.trader.call("GET", f"/accounts/{desk.mine}/trades?limit=2&after={first['next']}").json
    assert [len(first["items"]), len(second["items"]), second["next"]] == [2, 1, None]
    numbers = [one["trade"] for one in first["items"] + second["items"]]
    assert numbers == sorted(numbers, reverse=True)
    sheet = desk.trader.call("GET", f"/accounts/{desk.mine}/trades.csv")
    assert sheet.headers["content-type"] == "text/csv; charset=utf-8"
    assert sheet.headers["cache-control"] == "no-store"
    rows = list(csv.DictReader(io.StringIO(sheet.body.decode())))
    assert [int(row["trade_id"]) for row in rows] == sorted(numbers)
    assert (rows[0]["pair"], rows[0]["side"], rows[0]["price"]) == ("BTCUSDT", "BUY", "60000.00000000")
    portfolio = desk.trader.call("GET", f"/accounts/{desk.mine}/portfolio?span=1d").json
    (earned,) = portfolio["symbols"]
    assert (earned["symbol"], earned["position"], earned["realised"]) == (
        "BTCUSDT",
        "0.02997000",  # the fee of 0.1 % is taken in base
        "0.00000000",
    )
    assert portfolio["equity"][-1]["worth"] == portfolio["total"]
    balances = desk.trader.call("GET", f"/accounts/{desk.mine}/balances").json
    assert balances["total"] == portfolio["total"]
    assert sum(float(row["share_percent"]) for row in portfolio["allocation"]) == pytest.approx(100)


def test_faucet_pays_so_often_a_day(desk: Desk) -> None:
    path = f"/accounts/{desk.mine}/faucet"
    for _ in range(5):
        assert desk.trader.call("POST", path, {"asset": "BNB"}).status == 200
    told = desk.trader.call("POST", path, {"asset": "BNB"})
    assert (told.status, told.code) == (429, "too-many")
    assert desk.trader.call("POST", path, {"asset": "DOGE"}).code == "invalid"
    left = {row["asset"]: row["left"] for row in desk.trader.call("GET", path).json["items"]}
    assert (left["BNB"], left["USDT"]) == (0, 5)
    (row,) = [
        one
        for one in desk.trader.call("GET", f"/accounts/{desk.mine}/balances").json["items"]
        if one["asset"] == "BNB"
    ]
    assert row["free"] == "100.00000000"
    deposits = desk.trader.call("GET", f"/accounts/{desk.mine}/deposits?limit=4").json
    assert (len(deposits["items"]), deposits["next"]) == (4, "4")


def test_faucet_asked_at_once_by_many_pays_no_more(desk: Desk) -> None:
    path = f"/accounts/{desk.other}/faucet"
    with ThreadPoolExecutor(8) as pool:
        told = list(pool.map(lambda _: desk.owner.call("POST", path, {"asset": "BNB"}).status, range(8)))
    assert sorted(told) == [200] * 5 + [429] * 3


def test_market_is_shown_to_everybody_signed_in(desk: Desk) -> None:
    symbols = desk.trader.call("GET", "/market/symbols").json["items"]
    assert {"BTCUSDT", "这是测试币456"} <= {one["symbol"] for one in symbols}
    desk.place(desk.mine, price="59500")
    desk.place(desk.other, side="SELL", price="59500")
    candles = desk.trader.call("GET", "/market/candles?symbol=BTCUSDT&interval=1h&limit=5").json["items"]
    assert candles[-1]["close_us"] - candles[-1]["open_us"] == 3_600_000_000 - 1
    desk.place(desk.mine, price="59000")
    book = desk.trader.call("GET", "/market/book?symbol=BTCUSDT").json
    assert book["bids"][0] == ["59000.00000000", "0.01000000"]
    trades = desk.trader.call("GET", "/market/trades?symbol=BTCUSDT&limit=3").json["items"]
    assert [one["time_us"] for one in trades] == sorted((one["time_us"] for one in trades), reverse=True)
    told = desk.trader.call("GET", "/market/book?symbol=NOPE")
    assert (told.code, "-1121" in told.json["detail"]) == ("refused", True)
    desk.owner.call("DELETE", f"/accounts/{desk.mine}/open-orders?symbol=BTCUSDT")


def _bid_of(events: Events) -> str:
    """The best bid of the next book that has one: an empty book of before may have been under way."""
    while not (bids := events.next("book")[1]["bids"]):
        pass
    return str(bids[0][0])


def test_market_events_come_live(desk: Desk) -> None:
    events = Events(desk.console, "/market/events?symbol=BTCUSDT&interval=1m", desk.trader.token)
    assert events.answer.getheader("content-type", "").startswith("text/event-stream")
    assert events.next("again")[0] == "again"
    desk.place(desk.mine, price="61000")
    assert _bid_of(events) == "61000.00000000"
    desk.place(desk.other, side="SELL", price="61000")
    name, trade = events.next("trade")
    assert (name, trade["price"], trade["sold"]) == ("trade", "61000.00000000", True)
    assert abs(trade["time_us"] - time.time_ns() // 1_000) < 60_000_000
    name, candle = events.next("candle")
    assert (candle["interval"], candle["close"]) == ("1m", "61000.00000000")
    events.close()


def test_account_events_tell_of_that_account_only(desk: Desk) -> None:
    events = Events(desk.console, f"/accounts/{desk.mine}/events", desk.trader.token)
    assert events.next("again")[0] == "again"
    desk.place(desk.other, price="40000", client_order_id="theirs")
    desk.place(desk.mine, price="41000", client_order_id="ours")
    _, order = events.next("order")
    assert (order["client_order_id"], order["status"]) == ("ours", "NEW")
    _, balances = events.next("balances")
    assert {one["asset"] for one in balances["items"]} == {"BTC", "USDT"}
    events.close()
    for account in (desk.mine, desk.other):
        desk.owner.call("DELETE", f"/accounts/{account}/open-orders?symbol=BTCUSDT")


def test_market_events_bring_an_account_along_that_is_within_reach(desk: Desk) -> None:
    path = "/market/events?symbol=BTCUSDT&account={}"
    events = Events(desk.console, path.format(desk.mine), desk.trader.token)
    assert [events.next("again")[0], events.next("again")[0]] == ["again", "again"]
    desk.place(desk.mine, price="42000", client_order_id="beside")
    seen = {events.next("order", "book")[0] for _ in range(2)}
    assert seen == {"order", "book"}
    events.close()
    desk.owner.call("DELETE", f"/accounts/{desk.mine}/open-orders?symbol=BTCUSDT")
    for account in (desk.other, 999_999):
        assert desk.trader.call("GET", path.format(account)).code == "not-found"
    assert desk.trader.call("GET", "/market/events?symbol=NOPE").code == "not-found"


def test_events_end_with_the_session(desk: Desk) -> None:
    member = Member(desk.console, "tom")
    member.seed, member._last_step = desk.trader.seed, desk.trader._last_step
    member.sign_in()
    desk.trader._last_step = member._last_step
    events = Events(desk.console, "/market/events?symbol=ETHUSDT", member.token)
    assert events.next("again")[0] == "again"
    assert member.call("POST", "/sign-out").status in {200, 204}
    began = time.monotonic()
    assert events.next("ended")[0] == "ended"
    assert time.monotonic() - began < 5
    assert events.answer.read().strip() == b""


def test_events_end_when_the_account_is_taken_away(desk: Desk) -> None:
    sam = desk.console.invite(desk.owner.step_up(), "sam", "trader")
    person = sam.call("GET", "/self").json["id"]
    assert desk.owner.call("PUT", f"/accounts/{desk.other}/owner", {"person": person}).status == 200
    events = Events(desk.console, f"/accounts/{desk.other}/events", sam.token)
    assert events.next("again")[0] == "again"
    assert desk.owner.call("DELETE", f"/accounts/{desk.other}/owner").status in {200, 204}
    assert events.next("ended")[0] == "ended"


def test_too_many_viewers_are_refused_and_those_who_leave_make_room(desk: Desk) -> None:
    path = "/market/events?symbol=BNBUSDT"
    open_ = [Events(desk.console, path, desk.owner.token) for _ in range(8)]
    assert [one.answer.status for one in open_] == [200] * 8
    refused = desk.owner.call("GET", path)
    assert (refused.status, refused.code, refused.headers["retry-after"]) == (429, "too-many", "5")
    for one in open_:
        one.close()
    deadline = time.monotonic() + WAIT_S
    while (again := Events(desk.console, path, desk.owner.token)).answer.status != 200:
        again.close()
        assert time.monotonic() < deadline
        time.sleep(0.1)
    again.close()


def test_events_go_on_when_the_testnet_comes_back(desk: Desk) -> None:
    events = Events(desk.console, "/market/events?symbol=BTCUSDT", desk.trader.token)
    assert events.next("again")[0] == "again"
    home = desk.testnet.home
    desk.testnet.stop()
    assert desk.place(desk.mine).code == "unavailable"
    desk.testnet = TestnetProcess.start(home, liquidity=False)
    assert events.next("again")[0] == "again"
    assert desk.place(desk.mine, price="62000").status == 201
    assert _bid_of(events) == "62000.00000000"
    events.close()


def test_token_needs_the_scope_to_trade(desk: Desk) -> None:
    soon_us = time.time_ns() // 1_000 + 3_600_000_000
    tokens = {}
    for scope in ("account.read", "account.trade"):
        made = desk.trader.call(
            "POST", "/self/tokens", {"label": scope, "scopes": [scope], "expires_us": soon_us}
        )
        if made.code == "stale-factor":
            desk.trader.step_up()
            made = desk.trader.call(
                "POST", "/self/tokens", {"label": scope, "scopes": [scope], "expires_us": soon_us}
            )
        assert made.status == 201, made.body
        tokens[scope] = made.json["token"]
    path = f"/accounts/{desk.mine}/orders"
    assert desk.console.call("POST", path, tokens["account.read"], LIMIT).code == "outside-scope"
    assert desk.console.call("POST", path, tokens["account.trade"], LIMIT).status == 201
    assert desk.console.call("GET", path, tokens["account.trade"]).code == "outside-scope"


def test_orders_are_in_the_consoles_trail(desk: Desk) -> None:
    told = [row["event"].get("action") for row in desk.owner.audit_rows(trail="console")]
    assert {"order:placed", "order:cancelled", "account:faucet"} <= set(told)


def test_console_stops_though_somebody_looks_on(tmp_path: Path) -> None:
    made = Desk(tmp_path)
    events = Events(made.console, "/market/events?symbol=BTCUSDT", made.owner.token)
    assert events.next("again")[0] == "again"
    began = time.monotonic()
    made.stop()
    assert time.monotonic() - began < 8
    assert "Traceback" not in made.console.log()
    assert "ASGI" not in made.console.log()
