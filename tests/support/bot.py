"""A bot that signs with the standard library only and sends exactly what a test says, twice if need be. Blocking."""

import hashlib
import hmac
import http.client
import json
import time
from typing import Any, Final, Protocol
from urllib.parse import urlencode, urlsplit

WAIT_S: Final = 30.0
ORDER: Final = {
    "symbol": "BTCUSDT", "side": "BUY", "type": "LIMIT", "timeInForce": "GTC", "quantity": "0.01", "price": "30000",
}  # fmt: skip


_last_ms = 0


def next_ms() -> int:
    """A time no request was dated with before.

    Why: two requests alike but for their path, signed in the same millisecond, are one signed payload, and the second
    is refused as a replay of the first.
    """
    global _last_ms  # noqa: PLW0603 - one clock for all bots of a test
    _last_ms = max(_last_ms + 1, time.time_ns() // 1_000_000)
    return _last_ms


class HmacKey(Protocol):
    """Anything with an API key and an HMAC secret."""

    @property
    def api_key(self) -> str: ...
    @property
    def secret(self) -> str: ...


class Reply:
    """One answer."""

    def __init__(self, status: int, headers: dict[str, str], body: bytes) -> None:
        self.status = status
        self.headers = headers
        self.raw = body

    @property
    def json(self) -> Any:
        return json.loads(self.raw)

    @property
    def code(self) -> int:
        """Binance's error code; 0 for a success."""
        found = self.json
        return int(found.get("code", 0)) if isinstance(found, dict) else 0

    def __repr__(self) -> str:
        return f"{self.status} {self.raw[:300]!r}"


class Bot:
    """A signed client with one HMAC key; a new connection for each request."""

    def __init__(self, rest: str, key: HmacKey) -> None:
        address = urlsplit(rest)
        self._address = (address.hostname or "", address.port or 0)
        self.key = key

    def signed(self, **params: object) -> str:
        """A query string with timestamp and signature."""
        query = urlencode({"timestamp": next_ms(), **params})
        signature = hmac.new(self.key.secret.encode(), query.encode(), hashlib.sha256).hexdigest()
        return f"{query}&signature={signature}"

    def send(self, method: str, path: str, query: str = "", **headers: str) -> Reply:
        """Send one request as it is."""
        connection = http.client.HTTPConnection(*self._address, timeout=WAIT_S)
        try:
            target = f"{path}?{query}" if query else path
            connection.request(method, target, headers={"X-MBX-APIKEY": self.key.api_key, **headers})
            answer = connection.getresponse()
            return Reply(answer.status, dict(answer.getheaders()), answer.read())
        finally:
            connection.close()

    def ask(self, method: str, path: str, **params: object) -> Reply:
        """Sign and send."""
        return self.send(method, path, self.signed(**params))

    def place(self, **params: object) -> Reply:
        """Place an order far below the market."""
        return self.ask("POST", "/api/v3/order", **{**ORDER, **params})
