"""A trading floor for client tests: a small known market, and an account that stands against the client under test.

It signs its own requests with the standard library only, so a fault in a client or in Watchword's signer cannot hide
in it. Never used where the speed of the server is measured.
"""

import hashlib
import hmac
import http.client
import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final
from urllib.parse import urlencode, urlsplit

from tests.support.testnet_process import TestnetKey, TestnetProcess

SYMBOL: Final = "BTCUSDT"
#: Binance's testnet lists a symbol outside ASCII; what clients do to it before they sign differs.
UNICODE_SYMBOL: Final = "这是测试币456"
LAST: Final = 50_000
#: Prices of the standing offers, one BTC each.
BIDS: Final = (49_990, 49_980, 49_970)
ASKS: Final = (50_010, 50_020, 50_030)
RICH: Final = {"BTC": "10000", "USDT": "500000000"}
REQUEST_WAIT_S: Final = 10.0


class RefusedError(Exception):
    """The testnet refused a request of the floor itself."""


class FloorTrader:
    """A minimal signed client with an HMAC key, over one kept connection."""

    def __init__(self, testnet: TestnetProcess, key: TestnetKey) -> None:
        address = urlsplit(testnet.rest)
        self._connection = http.client.HTTPConnection(
            address.hostname or "", address.port, timeout=REQUEST_WAIT_S
        )
        self._key = key

    def request(self, method: str, path: str, **params: object) -> Any:
        """One signed request, parameters in the query.

        Raises:
            RefusedError: The status is not 200.
        """
        query = urlencode({**params, "recvWindow": 30_000, "timestamp": time.time_ns() // 1_000_000})
        signature = hmac.new(self._key.secret.encode(), query.encode(), hashlib.sha256).hexdigest()
        target, headers = f"{path}?{query}&signature={signature}", {"X-MBX-APIKEY": self._key.api_key}
        self._connection.request(method, target, headers=headers)
        try:
            response = self._connection.getresponse()
        except http.client.RemoteDisconnected:
            # Closed because nobody asked for so long; what was sent into that was not read.
            self._connection.close()
            self._connection.request(method, target, headers=headers)
            response = self._connection.getresponse()
        body = response.read()
        if response.status != 200:
            raise RefusedError(f"{method} {path} {params}: {response.status} {body.decode(errors='replace')}")
        return json.loads(body)

    def public(self, path: str, **params: object) -> Any:
        """One unsigned GET."""
        self._connection.request("GET", f"{path}?{urlencode(params)}")
        response = self._connection.getresponse()
        body = response.read()
        if response.status != 200:
            raise RefusedError(f"{path} {params}: {response.status} {body.decode(errors='replace')}")
        return json.loads(body)

    def limit(self, side: str, price: object, quantity: object, **more: object) -> Any:
        """Place a GTC limit order on SYMBOL."""
        return self.request(
            "POST", "/api/v3/order", symbol=SYMBOL, side=side, type="LIMIT", timeInForce="GTC",
            price=price, quantity=quantity, **more,
        )  # fmt: skip

    def cancel_all(self) -> None:
        """Cancel everything this account has open on SYMBOL."""
        if self.request("GET", "/api/v3/openOrders", symbol=SYMBOL):
            self.request("DELETE", "/api/v3/openOrders", symbol=SYMBOL)

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()


class Floor:
    """The known market. Its maker quotes BIDS and ASKS; the last trade was at LAST."""

    def __init__(self, testnet: TestnetProcess) -> None:
        self.testnet = testnet
        self._serial = 0
        testnet.create_account("floor-maker", RICH)
        testnet.create_account("floor-taker", RICH)
        self.maker = FloorTrader(testnet, testnet.create_key("floor-maker", "HMAC"))
        self.taker = FloorTrader(testnet, testnet.create_key("floor-taker", "HMAC"))

    @contextmanager
    def market(self) -> Iterator["Floor"]:
        """The standing offers, for the length of one test; nothing is left in the book after it."""
        self.trade()
        for bid, ask in zip(BIDS, ASKS, strict=True):
            self.maker.limit("BUY", bid, 1)
            self.maker.limit("SELL", ask, 1)
        try:
            yield self
        finally:
            self.maker.cancel_all()
            self.taker.cancel_all()

    def trade(self, price: int = LAST, quantity: str = "0.01") -> None:
        """Let the two floor accounts trade with each other inside the spread."""
        self.maker.limit("SELL", price, quantity)
        self.taker.limit("BUY", price, quantity)

    def new_account(self, **deposits: str) -> "Account":
        """An account of its own for one test."""
        self._serial += 1
        name = f"client-{self._serial}"
        self.testnet.create_account(name, deposits or {"BTC": "5", "USDT": "250000", "BNB": "10"})
        return Account(self.testnet, name)


class Account:
    """One test's account, and the keys made for it."""

    def __init__(self, testnet: TestnetProcess, name: str) -> None:
        self.testnet = testnet
        self.name = name
        self.trader = FloorTrader(testnet, testnet.create_key(name, "HMAC"))

    def close(self) -> None:
        """Leave nothing of this account in the book."""
        self.trader.cancel_all()
        self.trader.close()
