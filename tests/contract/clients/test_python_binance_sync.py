"""python-binance's blocking client, unmodified, against a real testnet process."""

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("binance")

from binance import Client, ThreadedWebsocketManager
from binance.exceptions import BinanceAPIException
from binance.ws.reconnecting_websocket import ReconnectingWebsocket
from tests.contract.clients.python_binance_session import credentials, full_session, point_at
from tests.contract.clients.refused_orders import (
    COUNT_REFUSALS,
    REFUSALS,
    fill_up,
    filters_of,
    order_over_count,
    refused_order,
)
from tests.support.floor import LAST, SYMBOL, UNICODE_SYMBOL, Account, Floor
from tests.support.testnet_process import KEY_TYPES, KeyType, TestnetProcess

pytestmark = pytest.mark.client

UNKNOWN_KEY = "k" * 64
BAD_KEY = (401, -2015, "Invalid API-key, IP, or permissions for action.")


@pytest.fixture(autouse=True)
def _address(quiet_testnet: TestnetProcess, monkeypatch: pytest.MonkeyPatch) -> None:
    point_at(quiet_testnet, monkeypatch)


@pytest.fixture
def client(account: Account) -> Iterator[Client]:
    made = Client(**credentials(account.testnet.create_key(account.name, "HMAC")))
    yield made
    made.close_connection()


def refused(call: Any, *args: Any, **params: Any) -> tuple[int, int, str]:
    """Status, code and text of the library's own exception."""
    with pytest.raises(BinanceAPIException) as caught:
        call(*args, **params)
    return caught.value.status_code, caught.value.code, caught.value.message


@pytest.mark.parametrize("key_type", KEY_TYPES)
def test_session_with_each_key_type_completes(
    floor: Floor, account: Account, key_type: KeyType, tmp_path: Path
) -> None:
    client = Client(**credentials(floor.testnet.create_key(account.name, key_type), tmp_path))
    try:
        asyncio.run(full_session(client, floor))
    finally:
        client.close_connection()


@pytest.mark.parametrize("key_type", KEY_TYPES)
def test_websocket_api_with_each_key_type_places_and_cancels(account: Account, key_type: KeyType) -> None:
    client = Client(**credentials(account.testnet.create_key(account.name, key_type)))
    client.ws_api.TIMEOUT = 1
    placed = client.ws_order_limit_buy(symbol=SYMBOL, quantity="0.01", price=str(LAST - 1000))
    assert placed["status"] == "NEW"
    assert [order["orderId"] for order in client.ws_get_open_orders(symbol=SYMBOL)] == [placed["orderId"]]
    assert client.ws_cancel_order(symbol=SYMBOL, orderId=placed["orderId"])["status"] == "CANCELED"
    assert client.ws_get_account()["accountType"] == "SPOT"
    assert len(client.ws_get_order_book(symbol=SYMBOL)["bids"]) == 3
    client.loop.run_until_complete(client.ws_api.close())
    client.close_connection()


def test_threaded_manager_delivers_user_and_market_events(
    account: Account, settled: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    # How long the library's read loops sleep before they notice that they were closed.
    monkeypatch.setattr(ReconnectingWebsocket, "TIMEOUT", 1)
    key = account.testnet.create_key(account.name, "HMAC")
    # The library takes the calling thread's loop and runs it in a thread of its own.
    asyncio.set_event_loop(asyncio.new_event_loop())
    manager, client = ThreadedWebsocketManager(key.api_key, key.secret), Client(**credentials(key))
    events: list[dict[str, Any]] = []
    manager.start()
    try:
        sockets = [
            manager.start_user_socket(events.append),
            manager.start_trade_socket(events.append, SYMBOL),
            manager.start_kline_socket(events.append, SYMBOL),
        ]
        settled(lambda: _is_subscribed(manager))
        client.order_market_buy(symbol=SYMBOL, quantity="0.5")
        settled(lambda: {"executionReport", "outboundAccountPosition", "trade", "kline"} <= _kinds(events))
        assert [event["x"] for event in events if event["e"] == "executionReport"] == ["NEW", "TRADE"]
        for path in sockets:
            manager.stop_socket(path)
        client.order_market_buy(
            symbol=SYMBOL, quantity="0.1"
        )  # a listener looks up only when something comes
        settled(lambda: not manager._socket_running)
    finally:
        client.close_connection()
        manager.stop()
        manager.join(5)
    assert not manager.is_alive()


def _is_subscribed(manager: ThreadedWebsocketManager) -> bool:
    sockets = manager._bsm._conns.values() if manager._bsm else ()
    return len(sockets) == 3 and all(
        getattr(socket, "_subscription_id", None) is not None or socket.ws is not None for socket in sockets
    )


def _kinds(events: list[dict[str, Any]]) -> set[str]:
    return {event["e"] for event in events}


@pytest.mark.parametrize("key_type", KEY_TYPES)
def test_symbol_outside_ascii_is_signed_alike(account: Account, key_type: KeyType) -> None:
    client = Client(**credentials(account.testnet.create_key(account.name, key_type)))
    order = {"side": "BUY", "type": "LIMIT", "timeInForce": "GTC", "quantity": "1", "price": "10"}
    assert client.create_test_order(symbol=UNICODE_SYMBOL, **order) == {}
    assert client.get_open_orders(symbol=UNICODE_SYMBOL) == []
    client.close_connection()


def test_listen_key_is_gone(client: Client) -> None:
    with pytest.raises(BinanceAPIException) as caught:
        client.stream_get_listen_key()
    assert caught.value.status_code == 410


@pytest.mark.parametrize("key_type", KEY_TYPES)
def test_wrong_signature_is_refused(account: Account, key_type: KeyType) -> None:
    key = account.testnet.create_key(account.name, key_type)
    other = account.testnet.create_key(account.name, key_type)
    client = Client(**{**credentials(other), "api_key": key.api_key})
    assert refused(client.get_account) == (400, -1022, "Signature for this request is not valid.")
    client.close_connection()


def test_wrong_key_is_refused(account: Account) -> None:
    client = Client(UNKNOWN_KEY, "s" * 64)
    assert refused(client.get_account) == BAD_KEY
    assert refused(Client("short", "s" * 64).get_account) == (401, -2014, "API-key format invalid.")
    client.close_connection()


def test_wrong_address_is_refused(account: Account) -> None:
    client = Client(**credentials(account.testnet.create_key(account.name, "HMAC", ips=["203.0.113.7"])))
    assert refused(client.get_account) == BAD_KEY
    client.close_connection()


def test_missing_permission_is_refused(account: Account) -> None:
    client = Client(**credentials(account.testnet.create_key(account.name, "HMAC", permissions=["READING"])))
    assert client.get_account()["canTrade"] is True
    assert refused(client.order_limit_buy, symbol=SYMBOL, quantity="0.01", price="49000") == BAD_KEY
    client.close_connection()


@pytest.mark.parametrize(
    ("offset_ms", "text"),
    [
        (-30_000, "Timestamp for this request is outside of the recvWindow."),
        (5_000, "Timestamp for this request was 1000ms ahead of the server's time."),
    ],
)
def test_wrong_clock_is_refused(client: Client, offset_ms: int, text: str) -> None:
    client.timestamp_offset = offset_ms
    assert refused(client.get_account) == (400, -1021, text)


@pytest.mark.parametrize("name", REFUSALS)
def test_order_breaking_a_rule_is_refused(client: Client, floor: Floor, name: str) -> None:
    expected = REFUSALS[name]
    order = refused_order(name, filters_of(floor))
    assert refused(client.create_order, **order) == (400, expected.code, expected.text)


@pytest.mark.parametrize("name", COUNT_REFUSALS)
def test_one_order_too_many_is_refused(client: Client, account: Account, floor: Floor, name: str) -> None:
    fill_up(account, name, filters_of(floor))
    expected = COUNT_REFUSALS[name]
    assert refused(client.create_order, **order_over_count(name)) == (400, expected.code, expected.text)


def test_cancelling_an_unknown_order_is_refused(client: Client) -> None:
    assert refused(client.cancel_order, symbol=SYMBOL, orderId=999_999_999) == (
        400,
        -2011,
        "Unknown order sent.",
    )
    assert refused(client.get_order, symbol=SYMBOL, orderId=999_999_999) == (
        400,
        -2013,
        "Order does not exist.",
    )
