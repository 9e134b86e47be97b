"""An upstream in this process that does to each request what a test says, and remembers every one it was sent.

It keeps orders as an exchange would, so that what was done and what was only answered can be told apart: a request may
be carried out and its answer lost. REST, WebSocket API and market streams on one port. It checks every signature.
"""

import asyncio
import base64
import contextlib
import json
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any, Final, Literal
from urllib.parse import parse_qsl, unquote

import msgspec
from aiohttp import WSMessage, WSMsgType, web
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import load_pem_public_key

API_KEY: Final = "SCRIPTED" * 8
WAIT_S: Final = 10.0
PRICE: Final = "50000"
#: Weight every REST answer says was used.
USED_WEIGHT: Final = "7"

#: answer: as usual. hold: nothing until `release`. reset: the connection breaks. busy: 503 with Binance's text.
#: refuse: 400 with -2010. limit: 429 with Retry-After. redirect: 307 to `elsewhere`.
Way = Literal["answer", "hold", "reset", "busy", "refuse", "limit", "redirect"]
RETRY_AFTER_S: Final = 2
_LIMITED: Final = {"code": -1003, "msg": "Too much request weight used."}
_BUSY: Final = {"code": -1000, "msg": "An unknown error occurred while processing the request."}
_NO_ORDER: Final = {"code": -2013, "msg": "Order does not exist."}
_NOT_CANCELLED: Final = {"code": -2011, "msg": "Unknown order sent."}
_REFUSED: Final = {"code": -2010, "msg": "Account has insufficient balance for requested action."}
_SAID: Final[dict[Way, tuple[int, Any]]] = {
    "busy": (503, _BUSY), "refuse": (400, _REFUSED), "limit": (429, _LIMITED), "redirect": (307, {}),
}  # fmt: skip
_PLACES: Final = ("POST /api/v3/order", "order.place")
_CANCELS: Final = ("DELETE /api/v3/order", "order.cancel")
_STATUS: Final = ("GET /api/v3/order", "order.status")
_OPEN: Final = ("GET /api/v3/openOrders", "openOrders.status")


class Received(msgspec.Struct, frozen=True):
    """One request as it arrived.

    Attributes:
        place: Method and path, or the WebSocket method.
        params: Decoded.
        api_key: The real one; empty where there is none.
        text: Everything of it that may hold a key: request line, headers, body; or the frame.
        signed: Whether it carries a signature; `sound` whether that is right.
    """

    place: str
    params: dict[str, str]
    api_key: str
    text: str
    signed: bool
    sound: bool


class _Rule(msgspec.Struct):
    place: str
    way: Way
    done: bool
    left: int


class ScriptedExchange:
    """See the module. Runs in a thread of its own.

    Attributes:
        rest: Its address.
        received: Everything it was sent, oldest first.
        orders: By client order id, as they stand.
        ahead_us: How far its clock is ahead of this machine's.
        elsewhere: Where a redirect leads.
        on_signed: Called with each signed request as it arrives, before anything is done about it.
    """

    def __init__(self) -> None:
        self.rest = ""
        self.received: list[Received] = []
        self.orders: dict[str, dict[str, Any]] = {}
        self.ahead_us = 0
        self.elsewhere = ""
        self.on_signed: Callable[[Received], None] | None = None
        self._rules: list[_Rule] = []
        self._public_key: Ed25519PublicKey | None = None
        self._loop = asyncio.new_event_loop()
        self._release = asyncio.Event()
        self._holding: set[asyncio.Task[Any]] = set()
        self._next_id = 1000
        self._subscriptions: list[web.WebSocketResponse] = []

    # For tests.

    def admin(self, op: str, **fields: Any) -> dict[str, str]:
        """Register the gateway's public key, as at a testnet."""
        assert op == "key.create"
        found = load_pem_public_key(str(fields["public_key"]).encode())
        assert isinstance(found, Ed25519PublicKey)
        self._public_key = found
        return {"api_key": API_KEY}

    def say(self, place: str, way: Way, *, done: bool = False, times: int = 1) -> None:
        """Have the next requests to a place go another way.

        Args:
            place: Method and path, or the WebSocket method.
            way: What happens.
            done: Whether the request is carried out all the same.
            times: For how many requests.
        """
        self._rules.append(_Rule(place, way, done, times))

    def release(self) -> None:
        """Answer what is held, and hold nothing that comes later."""
        self._rules.clear()
        self._loop.call_soon_threadsafe(self._release.set)

    def forget_held(self) -> None:
        """Drop what is held for good, as if it had never arrived, and go on as usual."""
        asyncio.run_coroutine_threadsafe(self._forget(), self._loop).result(WAIT_S)

    def hold_again(self) -> None:
        """Forget what was said, so that the next `hold` holds."""
        self._rules.clear()
        self._loop.call_soon_threadsafe(self._release.clear)

    def at(self, *places: str) -> list[Received]:
        """What came to some places."""
        return [one for one in self.received if one.place in places]

    def signed(self) -> list[Received]:
        """Everything that was signed."""
        return [one for one in self.received if one.signed]

    def wait_for(self, place: str, count: int = 1) -> list[Received]:
        """Wait until so many requests came to a place."""
        wait_until(lambda: len(self.at(place)) >= count, f"{count} times {place}")
        return self.at(place)

    def wait_for_param(self, name: str, value: str) -> None:
        """Wait until a signed request carries a parameter."""
        wait_until(lambda: any(one.params.get(name) == value for one in self.signed()), f"{name}={value}")

    def stop_listening(self) -> None:
        """Be gone: connections break, new ones are refused."""
        asyncio.run_coroutine_threadsafe(self._gone(), self._loop).result(WAIT_S)

    # Serving.

    @contextlib.contextmanager
    def running(self) -> Iterator["ScriptedExchange"]:
        """Listen on a free port of loopback."""
        ready = threading.Event()
        thread = threading.Thread(target=self._run, args=(ready,), daemon=True)
        thread.start()
        assert ready.wait(WAIT_S)
        try:
            yield self
        finally:
            self._loop.call_soon_threadsafe(self._loop.stop)
            thread.join(WAIT_S)

    def _run(self, ready: threading.Event) -> None:
        asyncio.set_event_loop(self._loop)
        app = web.Application()
        app.router.add_route("*", "/{path:.*}", self._handle)
        runner = self._runner = web.AppRunner(
            app, access_log=None, handle_signals=False, shutdown_timeout=0.1
        )
        self._loop.run_until_complete(runner.setup())
        site = web.TCPSite(runner, "127.0.0.1", 0)
        self._loop.run_until_complete(site.start())
        self.rest = f"http://127.0.0.1:{runner.addresses[0][1]}"
        ready.set()
        self._loop.run_forever()
        self._release.set()
        self._loop.run_until_complete(self._gone())
        self._loop.close()

    async def _forget(self) -> None:
        self._rules.clear()
        for task in tuple(self._holding):
            task.cancel()

    async def _gone(self) -> None:
        await self._runner.cleanup()

    async def _handle(self, request: web.Request) -> web.StreamResponse:
        if request.headers.get("Upgrade", "").lower() == "websocket":
            return await self._serve_ws(request)
        body = (await request.read()).decode()
        query = request.rel_url.raw_query_string
        place = f"{request.method} {request.path}"
        params = dict(parse_qsl(f"{query}&{body}" if body else query, keep_blank_values=True))
        head = "\n".join(f"{name}: {value}" for name, value in request.headers.items())
        signed_part, _, signature = query.rpartition("&signature=")
        self._note(
            place, params, request.headers.get("X-MBX-APIKEY", ""), f"{request.method} {query}\n{head}\n{body}",
            signed_part.encode(), unquote(signature) if signed_part else "",
        )  # fmt: skip
        status, said = await self._do(place, params)
        if status is None:
            assert request.transport is not None
            request.transport.abort()
            return web.Response()
        headers = {"X-MBX-USED-WEIGHT-1M": USED_WEIGHT, "X-MBX-UUID": "scripted"}
        if status == 429:
            headers["Retry-After"] = str(RETRY_AFTER_S)
        if status == 307:
            headers["Location"] = f"{self.elsewhere}{request.path_qs}"
        return web.json_response(said, status=status, headers=headers)

    async def _serve_ws(self, request: web.Request) -> web.StreamResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        waiting: set[asyncio.Task[None]] = set()
        async for message in socket:
            if message.type is WSMsgType.TEXT:
                task = asyncio.create_task(self._answer_ws(request, socket, message))
                waiting.add(task)
                task.add_done_callback(waiting.discard)
        for task in waiting:
            task.cancel()
        return socket

    async def _answer_ws(
        self, request: web.Request, socket: web.WebSocketResponse, message: WSMessage
    ) -> None:
        asked = json.loads(message.data)
        if not request.path.startswith("/ws-api"):
            await socket.send_json({"result": None, "id": asked.get("id")})
            return
        params = {name: str(value) for name, value in (asked.get("params") or {}).items()}
        signature = params.get("signature", "")
        unsigned = {name: value for name, value in sorted(params.items()) if name != "signature"}
        payload = "&".join(f"{name}={value}" for name, value in unsigned.items()).encode()
        self._note(asked["method"], params, params.get("apiKey", ""), message.data, payload, signature)
        status, said = await self._do(asked["method"], params)
        if status is None:
            assert request.transport is not None
            request.transport.abort()
            return
        if asked["method"] == "userDataStream.subscribe.signature":
            self._subscriptions.append(socket)
        name = "result" if status == 200 else "error"
        with contextlib.suppress(ConnectionError):
            await socket.send_json({"id": asked["id"], "status": status, name: said, "rateLimits": []})

    def _note(
        self, place: str, params: dict[str, str], api_key: str, text: str, payload: bytes, signature: str
    ) -> None:
        sound = bool(signature) and self._sound(payload, signature)
        received = Received(place, params, api_key, text, bool(signature), sound)
        self.received.append(received)
        if received.signed and self.on_signed is not None:
            self.on_signed(received)

    def _sound(self, payload: bytes, signature: str) -> bool:
        try:
            assert self._public_key is not None
            self._public_key.verify(base64.b64decode(signature), payload)
        except (InvalidSignature, ValueError):
            return False
        return True

    async def _do(self, place: str, params: dict[str, str]) -> tuple[int | None, Any]:
        """Carry a request out, or not, and say what is answered; None for a broken connection."""
        rule = next((one for one in self._rules if one.place in {place, "*"} and one.left), None)
        way: Way = "answer"
        if rule is not None:
            rule.left -= 1
            way = rule.way
        done = self._carry_out(place, params) if rule is None or rule.done else (0, None)
        if way == "hold":
            await self._hold()
        if way == "reset":
            return None, None
        if way in _SAID:
            return _SAID[way]
        return done if done[0] else self._carry_out(place, params)

    async def _hold(self) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._holding.add(task)
        try:
            await self._release.wait()
        finally:
            self._holding.discard(task)

    def _carry_out(self, place: str, params: dict[str, str]) -> tuple[int, Any]:
        """Do what is asked."""
        if place in _PLACES:
            return 200, self._placed(params)
        if place in (*_STATUS, *_CANCELS):
            order = self._order(params)
            cancels = place in _CANCELS
            if order is None or (cancels and order["status"] != "NEW"):
                return 400, _NOT_CANCELLED if cancels else _NO_ORDER
            if cancels:
                order["status"] = "CANCELED"
                return 200, {**order, "origClientOrderId": order["clientOrderId"], "clientOrderId": "cancel"}
            return 200, order
        if place in _OPEN:
            symbol = params.get("symbol")
            return 200, [
                one for one in self.orders.values()
                if one["status"] == "NEW" and symbol in {None, one["symbol"]}
            ]  # fmt: skip
        found = _MARKET.get(place)
        if found is not None:
            return 200, found(self._now_us())
        if place == "userDataStream.subscribe.signature":
            return 200, {"subscriptionId": len(self._subscriptions)}
        return 200, {}

    def _placed(self, params: dict[str, str]) -> dict[str, Any]:
        self._next_id += 1
        now_ms = self._now_us() // 1000
        order = {
            "symbol": params["symbol"], "orderId": self._next_id, "orderListId": -1,
            "clientOrderId": params.get("newClientOrderId", f"made-{self._next_id}"),
            "price": params.get("price", PRICE), "origQty": params.get("quantity", "0"),
            "executedQty": "0.00000000", "cummulativeQuoteQty": "0.00000000", "status": "NEW",
            "timeInForce": "GTC", "type": params["type"], "side": params["side"], "transactTime": now_ms,
            "time": now_ms, "updateTime": now_ms, "fills": [],
        }  # fmt: skip
        self.orders[str(order["clientOrderId"])] = order
        return order

    def _order(self, params: dict[str, str]) -> dict[str, Any] | None:
        number, name = params.get("orderId"), params.get("origClientOrderId")
        return next(
            (
                one for one in self.orders.values()
                if (number is not None and one["orderId"] == int(number)) or one["clientOrderId"] == name
            ), None,
        )  # fmt: skip

    def _now_us(self) -> int:
        return time.time_ns() // 1000 + self.ahead_us


def wait_until(holds: Callable[[], object], what: str, wait_s: float = WAIT_S) -> None:
    """Wait for something another process does."""
    deadline = time.monotonic() + wait_s
    while not holds():
        assert time.monotonic() < deadline, f"it did not happen: {what}"
        time.sleep(0.01)


def _time(now_us: int) -> Any:
    return {"serverTime": now_us}


def _exchange(now_us: int) -> Any:
    assets = {"BTCUSDT": ("BTC", "USDT"), "ETHUSDT": ("ETH", "USDT")}
    symbols = [
        {"symbol": name, "status": "TRADING", "baseAsset": base, "quoteAsset": quoted}
        for name, (base, quoted) in assets.items()
    ]
    return {"symbols": symbols}


def _depth(now_us: int) -> Any:
    return {
        "lastUpdateId": now_us // 1000,
        "bids": [["49990", "5"], ["49980", "5"]],
        "asks": [["50010", "5"], ["50020", "5"]],
    }


def _candles(now_us: int) -> Any:
    minute_ms = 60_000
    last = now_us // 1000 // minute_ms * minute_ms
    return [
        [last - back * minute_ms, PRICE, PRICE, PRICE, PRICE, "1", last - back * minute_ms + minute_ms - 1,
         PRICE, 1, "1", PRICE, "0"]
        for back in range(9, -1, -1)
    ]  # fmt: skip


_MARKET: Final[dict[str, Callable[[int], Any]]] = {
    "GET /api/v3/time": _time,
    "GET /api/v3/exchangeInfo": _exchange,
    "GET /api/v3/depth": _depth,
    "GET /api/v3/klines": _candles,
}
