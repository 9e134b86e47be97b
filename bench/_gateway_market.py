"""The canned upstream's WebSockets: a market that never moves, and an account where nothing happens.

`python -m bench._gateway_market PORT`. Streams come ten times a second, as Binance sends
them; the WebSocket API says yes to everything. Cheap on purpose: it is not what is measured.
"""

import asyncio
import json
import sys
import time
from typing import Any, Final
from urllib.parse import parse_qs, urlsplit

from websockets.asyncio.server import ServerConnection, serve

from bench._load import TOUCH

EVERY_S: Final = 0.1
LEVELS: Final = 20


def depth() -> dict[str, Any]:
    """The book: twenty levels a side around the price the load touches."""
    return {
        "lastUpdateId": 1_000_000 + time.time_ns() // 100_000_000,
        "bids": [[f"{TOUCH - level}.00000000", "50.00000000"] for level in range(1, LEVELS + 1)],
        "asks": [[f"{TOUCH + level}.00000000", "50.00000000"] for level in range(1, LEVELS + 1)],
    }


def event(stream: str) -> dict[str, Any]:
    """What a stream says now."""
    symbol, _, kind = stream.partition("@")
    now_ms = time.time_ns() // 1_000_000
    head = {"E": now_ms, "s": symbol.upper()}
    if kind.startswith("depth"):
        return depth()
    if kind == "bookTicker":
        best = {"b": f"{TOUCH - 1}.00", "B": "50.0", "a": f"{TOUCH + 1}.00", "A": "50.0"}
        return {"u": now_ms, "s": symbol.upper(), **best}
    trade = {"p": f"{TOUCH}.00000000", "q": "0.00100000", "T": now_ms, "m": False, "M": True}
    if kind == "trade":
        return {"e": "trade", **head, "t": now_ms, **trade}
    return {"e": "aggTrade", **head, "a": now_ms, **trade, "f": now_ms, "l": now_ms}


async def handle(connection: ServerConnection) -> None:
    """Serve one connection until it closes."""
    assert connection.request is not None
    target = urlsplit(connection.request.path)
    if target.path.startswith("/ws-api"):
        async for text in connection:
            asked = json.loads(text)
            answer = {"id": asked.get("id"), "status": 200, "result": {"subscriptionId": 0}, "rateLimits": []}
            await connection.send(json.dumps(answer))
        return
    wrapped = target.path == "/stream"
    named = parse_qs(target.query).get("streams", [""])[0] if wrapped else target.path.removeprefix("/ws")
    streams = {name for name in named.split("/") if name}
    sender = asyncio.create_task(_send(connection, streams, wrapped=wrapped))
    try:
        async for text in connection:
            asked = json.loads(text)
            wanted = set(asked.get("params") or ())
            streams.symmetric_difference_update(
                wanted - streams if asked["method"] == "SUBSCRIBE" else wanted & streams
            )
            await connection.send(json.dumps({"result": None, "id": asked.get("id")}))
    finally:
        sender.cancel()


async def _send(connection: ServerConnection, streams: set[str], *, wrapped: bool) -> None:
    while True:
        for stream in sorted(streams):
            said = event(stream)
            await connection.send(json.dumps({"stream": stream, "data": said} if wrapped else said))
        await asyncio.sleep(EVERY_S)


async def main() -> None:
    """Listen until killed."""
    async with serve(handle, "127.0.0.1", int(sys.argv[1])) as server:
        await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main())
