"""Seeded generators of odd requests: half of what they make is nearly right, so that it gets past the first check."""

import hashlib
import hmac
import json
import random
import time
from typing import Any, Final
from urllib.parse import quote

from watchword.binance.endpoints import ENDPOINTS, Endpoint

NAMES: Final = (
    "symbol", "side", "type", "timeInForce", "quantity", "quoteOrderQty", "price", "newClientOrderId", "stopPrice",
    "newOrderRespType", "selfTradePreventionMode", "strategyId", "strategyType", "icebergQty", "trailingDelta",
    "orderId", "origClientOrderId", "orderListId", "listClientOrderId", "limit", "fromId", "startTime", "endTime",
    "interval", "timeZone", "symbols", "windowSize", "permissions", "symbolStatus", "showPermissionSets",
    "omitZeroBalances", "computeCommissionRates", "cancelReplaceMode", "cancelOrderId", "cancelOrigClientOrderId",
    "cancelRestrictions", "orderRateLimitExceededMode", "aboveType", "belowType", "abovePrice", "belowPrice",
    "aboveStopPrice", "belowStopPrice", "aboveTimeInForce", "belowTimeInForce", "stopLimitPrice",
    "stopLimitTimeInForce", "preventedMatchId", "recvWindow", "subscriptionId", "returnRateLimits", "apiKey", "x",
)  # fmt: skip
FITTING: Final[dict[str, tuple[str, ...]]] = {
    "symbol": ("BTCUSDT", "ETHUSDT", "BNBBTC", "这是测试币456", "NOSUCH"),
    "side": ("BUY", "SELL"),
    "type": (
        "LIMIT",
        "MARKET",
        "LIMIT_MAKER",
        "STOP_LOSS",
        "STOP_LOSS_LIMIT",
        "TAKE_PROFIT",
        "TAKE_PROFIT_LIMIT",
    ),
    "timeInForce": ("GTC", "IOC", "FOK"),
    "quantity": ("0.01", "1", "0.00001", "1000000"),
    "quoteOrderQty": ("100", "1e3", "7.123456789"),
    "price": ("50000", "50001.5", "49999.99", "0.00000001", "100000000"),
    "stopPrice": ("51000", "49000"),
    "newOrderRespType": ("ACK", "RESULT", "FULL"),
    "selfTradePreventionMode": ("NONE", "EXPIRE_TAKER", "EXPIRE_BOTH", "DECREMENT", "TRANSFER"),
    "interval": ("1m", "1M", "1s", "3d"),
    "limit": ("1", "500", "5000", "0"),
    "symbols": ('["BTCUSDT","ETHUSDT"]', "[]", '["BTCUSDT","BTCUSDT"]', "[[[["),
    "windowSize": ("1m", "7d", "23h", "99d"),
    "timeZone": ("0", "-12:00", "14", "5:45"),
    "cancelReplaceMode": ("STOP_ON_FAILURE", "ALLOW_FAILURE"),
    "aboveType": ("LIMIT_MAKER", "STOP_LOSS_LIMIT", "TAKE_PROFIT"),
    "belowType": ("STOP_LOSS", "STOP_LOSS_LIMIT", "LIMIT_MAKER"),
    "recvWindow": ("5000", "60000", "6000.346", "60001"),
}
NUMBERS: Final = (
    "1",
    "0",
    "-1",
    "50000",
    "9" * 18,
    "9" * 40,
    "0." + "0" * 39 + "1",
    "1700000000000",
    "1700000000000000",
)
ODD: Final = (
    "", " ", "null", "true", "NaN", "Infinity", "1e308", "-0", "+5", "0x10", "1_000", "\u0663", "\uff15\uff10", "\x00", "\r\n", "'", '"',
    "<script>", "../..", "%", "é", "💥", "\ud7ff", "a" * 5_000, "[" * 500, "{}", "BTCUSDT,ETHUSDT", "btcusdt", "1" * 21,
)  # fmt: skip
RAW_VALUES: Final = (
    b"%",
    b"%zz",
    b"%ff%fe",
    b"\xff\xfe",
    b"%00",
    b"+",
    b"%2",
    b"%E4%BD",
    b"=",
    b"a=b",
    b"%26",
)
WS_ODD: Final[tuple[Any, ...]] = (
    None,
    True,
    0,
    -1,
    1.5,
    10**40,
    [],
    {},
    ["BTCUSDT"],
    {"a": 1},
    "💥",
    "\u0000",
    "x" * 300,
)


class OddInputs:
    """Everything follows from the seed, the key and the clock."""

    def __init__(self, seed: int, api_key: str, secret: str) -> None:
        self.dice = random.Random(seed)
        self._api_key = api_key
        self._secret = secret.encode()

    def http(self) -> tuple[str, bytes]:
        """A well-framed HTTP request with odd contents: its method, and its bytes."""
        dice = self.dice
        endpoint = dice.choice(ENDPOINTS)
        method, path = endpoint.http_method or "GET", endpoint.path or f"/api/v3/{dice.choice(NAMES)}"
        if dice.random() < 0.05:
            method = dice.choice(("GET", "POST", "PUT", "DELETE", "PATCH", "HEAD", "OPTIONS"))
        if dice.random() < 0.05:
            path = dice.choice(
                ("/", "//", "/api", path + "/", path.upper(), "/api/v1/ping", "/%2e%2e", "/\xff", "*")
            )
        query = self._query(endpoint)
        body = b""
        if dice.random() < 0.3:
            cut = dice.randrange(len(query) + 1)
            query, body = query[:cut], query[cut:]
        headers = [b"Host: x", b"Content-Length: %d" % len(body)]
        if dice.random() < 0.85:
            headers.append(b"X-MBX-APIKEY: " + self._api_key.encode())
        elif dice.random() < 0.5:
            headers.append(b"X-MBX-APIKEY: " + dice.choice((b"", b"short", b"\xff" * 64, b"a" * 64)))
        if dice.random() < 0.1:
            headers.append(b"X-MBX-TIME-UNIT: " + dice.choice((b"MICROSECOND", b"millisecond", b"week")))
        if dice.random() < 0.1:
            headers.append(b"Accept-Encoding: gzip")
        line = f"{method} {path}".encode("latin-1") + (b"?" + query if query else b"") + b" HTTP/1.1\r\n"
        return method, line + b"\r\n".join(headers) + b"\r\n\r\n" + body

    def ws_request(self) -> bytes:
        """Text of a WebSocket API request."""
        dice = self.dice
        kind = dice.random()
        if kind < 0.08:
            return self._mangled_json()
        endpoint = dice.choice([endpoint for endpoint in ENDPOINTS if endpoint.ws_method])
        params: dict[str, Any] = {}
        for name in dice.sample(NAMES, dice.randrange(8)):
            params[name] = dice.choice(WS_ODD) if dice.random() < 0.3 else self._value(name)
        if endpoint.name == "order.place" and dice.random() < 0.7:
            params = {**self._order(), **params} if dice.random() < 0.3 else self._order()
        if endpoint.security != "NONE" and dice.random() < 0.8:
            params.update(apiKey=self._api_key, timestamp=self._now_ms())
            payload = "&".join(f"{name}={_ws_text(params[name])}" for name in sorted(params))
            params["signature"] = self._sign(payload.encode("utf-8", "surrogatepass"))
        method = (
            endpoint.ws_method if dice.random() < 0.95 else dice.choice(("", "v3/", "v3/ping", "order", "💥"))
        )
        request_id: Any = (
            dice.choice((1, "a-b", None, 2**63, "x" * 40, [], 1.5)) if dice.random() < 0.2 else 7
        )
        return json.dumps({"id": request_id, "method": method, "params": params}).encode()

    def stream_control(self) -> bytes:
        """Text of a control message on a market stream."""
        dice = self.dice
        if dice.random() < 0.15:
            return self._mangled_json()
        names = (
            "btcusdt@trade",
            "btcusdt@depth@100ms",
            "!miniTicker@arr",
            "btcusdt@kline_1m",
            "nosuch@x",
            "",
            "💥",
            "@",
        )
        params: Any = dice.choice((
            [dice.choice(names) for _ in range(dice.randrange(4))], ["combined", dice.choice((True, False, 1))],
            ["combined"], None, "text", [1], {}, [None], ["x" * 200],
        ))  # fmt: skip
        method = dice.choice(
            ("SUBSCRIBE", "UNSUBSCRIBE", "LIST_SUBSCRIPTIONS", "SET_PROPERTY", "GET_PROPERTY", "X", 1)
        )
        return json.dumps(
            {"method": method, "params": params, "id": dice.choice((1, "a", None, -1, 1.5, []))}
        ).encode()

    def raw_http(self) -> bytes:
        """Bytes that are hardly HTTP."""
        dice = self.dice
        _, raw = self.http()
        kind = dice.randrange(6)
        if kind == 0:
            return dice.randbytes(dice.randrange(1, 300)) + b"\r\n\r\n"
        if kind == 1:
            return raw[: dice.randrange(1, len(raw))]
        if kind == 2:
            at = dice.randrange(len(raw))
            return raw[:at] + bytes((dice.randrange(256),)) + raw[at + 1 :]
        if kind == 3:
            return raw.replace(
                b"Content-Length: ",
                dice.choice((b"Content-Length: -", b"Content-Length: 9", b"Transfer-Encoding: ")),
            )
        if kind == 4:
            return raw.replace(b"\r\n", dice.choice((b"\n", b"\r", b"\r\n\r\n")))
        return raw.replace(b"HTTP/1.1", dice.choice((b"HTTP/1.0", b"HTTP/2.0", b"HTTP/9", b"")))

    def raw_ws(self) -> bytes:
        """Bytes that are hardly WebSocket frames."""
        return self.dice.randbytes(self.dice.randrange(1, 200))

    def _query(self, endpoint: Endpoint) -> bytes:
        dice = self.dice
        pairs = [
            (
                name.encode(),
                quote(self._value(name), safe="").encode()
                if dice.random() < 0.97
                else dice.choice(RAW_VALUES),
            )
            for name in dice.sample(NAMES, dice.randrange(8))
        ]
        if endpoint.name in {"order.place", "order.test", "order.cancelReplace"} and dice.random() < 0.7:
            pairs = [(name.encode(), value.encode()) for name, value in self._order().items()] + pairs[
                : dice.randrange(2)
            ]
        elif dice.random() < 0.6:
            pairs.insert(0, (b"symbol", b"BTCUSDT"))
        if dice.random() < 0.03 and pairs:
            pairs.append(pairs[0])
        query = b"&".join(name + b"=" + value for name, value in pairs)
        if endpoint.security != "NONE" and dice.random() < 0.85:
            query += (b"&" if query else b"") + b"timestamp=%d" % self._now_ms()
            query += b"&signature=" + self._sign(query).encode()
        return query

    def _order(self) -> dict[str, str]:
        fitting = {
            name: self.dice.choice(FITTING[name]) for name in ("symbol", "side", "type", "quantity", "price")
        }
        if fitting["type"] == "LIMIT" or self.dice.random() < 0.2:
            fitting["timeInForce"] = self.dice.choice(FITTING["timeInForce"])
        if fitting["type"] == "MARKET":
            del fitting["price"]
        return fitting

    def _value(self, name: str) -> str:
        kind = self.dice.random()
        if kind < 0.6 and name in FITTING:
            return self.dice.choice(FITTING[name])
        return self.dice.choice(NUMBERS if kind < 0.85 else ODD)

    def _mangled_json(self) -> bytes:
        whole = json.dumps({"id": 1, "method": "order.place", "params": self._order()}).encode()
        at = self.dice.randrange(len(whole))
        return self.dice.choice((
            whole[:at], whole[:at] + b"\xff" + whole[at:], b"", b"null", b"[]", b'"x"', b"{" * 2_000, b"[1,2", b"\x00",
            whole.replace(b":", b"="), b'{"id":1,"id":2}', b'{"method":"\\ud800"}',
        ))  # fmt: skip

    def _now_ms(self) -> int:
        shift = 0 if self.dice.random() < 0.97 else self.dice.choice((-10_000, 10_000, -(10**12), 10**20))
        return time.time_ns() // 1_000_000 + shift

    def _sign(self, payload: bytes) -> str:
        signature = hmac.new(self._secret, payload, hashlib.sha256).hexdigest()
        return signature if self.dice.random() < 0.98 else signature[::-1]


def _ws_text(value: Any) -> str:
    if isinstance(value, str):
        return value
    return "" if value is None else json.dumps(value)
