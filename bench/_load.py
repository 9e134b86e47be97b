"""A load generator cheap enough not to be what is measured: raw sockets, requests signed before the clock starts.

Runs in its own process (`python -m bench._load`): a plan as JSON on stdin, the result as JSON on stdout. Every
connection has one request outstanding at a time over HTTP; the WebSocket keeps `in_flight` of them.
"""

import base64
import hashlib
import hmac
import json
import os
import re
import selectors
import socket
import subprocess
import sys
import time
from collections import deque
from collections.abc import Iterator
from typing import Any, Final

#: A shared machine is never quiet for long: the same plan runs so often, and the best round shows what the code can do.
ROUNDS: Final = 3
RECV_BYTES: Final = 1 << 18
RECV_WINDOW_MS: Final = 60_000
#: One round of ten: P places deep in the book, C cancels what P placed, T places at the touch, X crosses it.
ROUND: Final = "PTPCXPTCXC"
DEEP: Final = {"BUY": 40_000, "SELL": 60_000}
TOUCH: Final = 50_000
QUANTITY: Final = "0.001"
BODY_BYTES: Final = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)


def in_own_process(plan: dict[str, Any]) -> dict[str, Any]:
    """Run a plan in a process of its own and return what it measured.

    Args:
        plan: `door` (http or ws), `host`, `port`, `path` of the WebSocket, `keys`, `kind` (orders or ping),
            `requests`, and `connections` (http) or `in_flight` (ws). If wanted, `recv_window_ms`, and `prefix` of the
            client order ids, for servers that remember those of an earlier plan.
    """
    run = subprocess.run(
        [sys.executable, "-m", "bench._load"],
        input=json.dumps(plan).encode(),
        capture_output=True,
        check=False,
    )
    if run.returncode:
        raise RuntimeError(run.stderr.decode()[-2000:])
    result: dict[str, Any] = json.loads(run.stdout)
    return result


def fastest(rounds: list[dict[str, Any]]) -> dict[str, Any]:
    """Return the round with the highest throughput; its latencies are its own, never another round's."""
    return max(rounds, key=lambda row: row["per_second"])


def show(name: str, row: dict[str, Any]) -> None:
    """Print one round."""
    print(
        f"{name:14} {row['per_second']:>7,}/s   p50 {row['p50_ms']:7.3f} ms   p99 {row['p99_ms']:6.2f} ms   "
        f"max {row['max_ms']:6.2f} ms   generator {row['generator_cpu_share']:.0%} of a core",
        flush=True,
    )


def orders(connection: int, count: int, prefix: str = "b") -> Iterator[tuple[str, dict[str, str]]]:
    """Yield (kind, parameters) of one connection's orders: 50 % places (P, T), 30 % cancels (C), 20 % crossing (X)."""
    resting: deque[str] = deque()
    for number in range(count):
        kind = ROUND[number % len(ROUND)]
        side = "BUY" if (connection + number // len(ROUND)) % 2 else "SELL"
        client_id = f"{prefix}{connection}-{number}"
        if kind == "C":
            yield kind, {"symbol": "BTCUSDT", "origClientOrderId": resting.popleft()}
            continue
        if kind == "X":
            side = "SELL" if side == "BUY" else "BUY"
        price = DEEP[side] + number % 97 if kind == "P" else TOUCH
        if kind == "P":
            resting.append(client_id)
        yield (
            kind,
            {
                "symbol": "BTCUSDT",
                "side": side,
                "type": "LIMIT",
                "timeInForce": "GTC",
                "quantity": QUANTITY,
                "price": str(price),
                "newClientOrderId": client_id,
            },
        )


def http_requests(plan: dict[str, Any], connection: int, count: int) -> list[bytes]:
    """Build one connection's requests as bytes, signed."""
    host = f"{plan['host']}:{plan['port']}"
    if plan["kind"] == "ping":
        return [f"GET /api/v3/ping HTTP/1.1\r\nHost: {host}\r\n\r\n".encode()] * count
    key = plan["keys"][connection % len(plan["keys"])]
    secret = hmac.new(key["secret"].encode(), digestmod=hashlib.sha256)
    timestamp = time.time_ns() // 1_000_000
    built = []
    for kind, params in orders(connection, count, plan.get("prefix", "b")):
        method = "DELETE" if kind == "C" else "POST"
        query = "&".join(f"{name}={value}" for name, value in params.items())
        query += f"&recvWindow={plan.get('recv_window_ms', RECV_WINDOW_MS)}&timestamp={timestamp}"
        mac = secret.copy()
        mac.update(query.encode())
        built.append(
            f"{method} /api/v3/order?{query}&signature={mac.hexdigest()} HTTP/1.1\r\nHost: {host}\r\n"
            f"X-MBX-APIKEY: {key['api_key']}\r\nContent-Length: 0\r\n\r\n".encode()
        )
    return built


def run_http(plan: dict[str, Any]) -> dict[str, Any]:
    """Send all requests over kept connections, one outstanding on each."""
    count = plan["requests"] // plan["connections"]
    selector = selectors.DefaultSelector()
    queues = [http_requests(plan, number, count) for number in range(plan["connections"])]
    sockets = [_connect(plan) for _ in queues]
    latencies: list[int] = []
    refused: dict[str, int] = {}
    clock = time.perf_counter_ns
    began_ns, began_cpu = clock(), time.process_time()
    for sock, queue in zip(sockets, queues, strict=True):
        state: list[Any] = [sock, iter(queue), 0, b""]
        selector.register(sock, selectors.EVENT_READ, state)
        state[2] = clock()
        sock.sendall(next(state[1]))
    open_sockets = len(sockets)
    while open_sockets:
        for key, _ in selector.select():
            state = key.data
            more = state[0].recv(RECV_BYTES)
            if not more:
                raise RuntimeError(f"the server closed the connection after {state[3][-200:]!r}")
            reply = state[3] + more
            head = reply.find(b"\r\n\r\n")
            size = BODY_BYTES.search(reply)
            if head < 0 or not size or len(reply) < head + 4 + int(size[1]):
                state[3] = reply
                continue
            now = clock()
            latencies.append(now - state[2])
            if reply[9:12] != b"200":
                text = reply[head + 4 :].decode()
                refused[text] = refused.get(text, 0) + 1
            request = next(state[1], None)
            if request is None:
                selector.unregister(state[0])
                open_sockets -= 1
                continue
            state[2], state[3] = now, b""
            state[0].sendall(request)
    return _result(latencies, clock() - began_ns, refused, time.process_time() - began_cpu)


def run_ws(plan: dict[str, Any]) -> dict[str, Any]:
    """Send all requests over one WebSocket, `in_flight` of them outstanding; replies are matched by id."""
    sock = _connect(plan)
    _handshake(sock, plan)
    received = _Frames(sock)
    if plan["kind"] == "orders":
        _logon(sock, received, plan)
    frames = [
        _ws_frame(_ws_request(plan, number, kind, params)) for number, (kind, params) in _ws_orders(plan)
    ]
    total = len(frames)
    latencies: list[int] = []
    refused: dict[str, int] = {}
    sent_ns = [0] * total
    clock = time.perf_counter_ns
    began_ns, began_cpu = clock(), time.process_time()
    sent = min(plan["in_flight"], total)
    sent_ns[:sent] = [began_ns] * sent
    sock.sendall(b"".join(frames[:sent]))
    while len(latencies) < total:
        replies = received.some()
        now = clock()
        for reply in replies:
            number = int(reply[6 : reply.index(b",")])
            latencies.append(now - sent_ns[number])
            if b'"status":200' not in reply[:40]:
                text = reply[reply.index(b",") + 1 :].decode()[:200]
                refused[text] = refused.get(text, 0) + 1
        more = min(len(replies), total - sent)
        if more:
            sent_ns[sent : sent + more] = [now] * more
            sock.sendall(b"".join(frames[sent : sent + more]))
            sent += more
    return _result(latencies, clock() - began_ns, refused, time.process_time() - began_cpu)


class _Frames:
    """Text frames from a server, as they come."""

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock
        self._rest = b""

    def some(self) -> list[bytes]:
        """Return at least one complete text payload."""
        payloads: list[bytes] = []
        while not payloads:
            more = self._sock.recv(RECV_BYTES)
            if not more:
                raise RuntimeError("the server closed the connection")
            raw, at = self._rest + more, 0
            while len(raw) - at >= 4:
                size, head = raw[at + 1] & 0x7F, 2
                if size == 126:
                    size, head = int.from_bytes(raw[at + 2 : at + 4], "big"), 4
                if len(raw) - at < head + size:
                    break
                if raw[at] == 0x81:
                    payloads.append(raw[at + head : at + head + size])
                at += head + size
            self._rest = raw[at:]
        return payloads


def _ws_orders(plan: dict[str, Any]) -> Iterator[tuple[int, tuple[str, dict[str, str]]]]:
    if plan["kind"] == "ping":
        return ((number, ("ping", {})) for number in range(plan["requests"]))
    return enumerate(orders(0, plan["requests"]))


def _ws_request(plan: dict[str, Any], number: int, kind: str, params: dict[str, str]) -> bytes:
    """One request's text. The session's key does all but the crossing orders, which another account signs itself."""
    if plan["kind"] == "ping":
        return b'{"id":%d,"method":"ping"}' % number
    sent: dict[str, object] = {**params, "recvWindow": RECV_WINDOW_MS, "timestamp": plan["timestamp"]}
    if kind == "X":
        key = plan["keys"][1]
        sent["apiKey"] = key["api_key"]
        payload = "&".join(f"{name}={sent[name]}" for name in sorted(sent))
        sent["signature"] = hmac.new(key["secret"].encode(), payload.encode(), hashlib.sha256).hexdigest()
    name = "order.cancel" if kind == "C" else "order.place"
    return json.dumps({"id": number, "method": name, "params": sent}, separators=(",", ":")).encode()


def _ws_frame(payload: bytes) -> bytes:
    """A client's frame; an all-zero mask is legal and costs the client nothing. The server unmasks as always."""
    size = len(payload)
    head = bytes((0x81, 0x80 | size)) if size < 126 else b"\x81\xfe" + size.to_bytes(2, "big")
    return head + b"\0\0\0\0" + payload


def _handshake(sock: socket.socket, plan: dict[str, Any]) -> None:
    key = base64.b64encode(os.urandom(16)).decode()
    sock.sendall(
        f"GET {plan['path']} HTTP/1.1\r\nHost: {plan['host']}:{plan['port']}\r\n"
        f"Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n\r\n".encode()
    )
    reply = b""
    while b"\r\n\r\n" not in reply:
        reply += sock.recv(RECV_BYTES)
    if not reply.startswith(b"HTTP/1.1 101"):
        raise RuntimeError(reply.decode())


def _logon(sock: socket.socket, received: _Frames, plan: dict[str, Any]) -> None:
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    plan["timestamp"] = time.time_ns() // 1_000_000
    key = plan["keys"][0]
    payload = f"apiKey={key['api_key']}&timestamp={plan['timestamp']}"
    private: Any = load_pem_private_key(key["pem"].encode(), None)
    params = {
        "apiKey": key["api_key"],
        "timestamp": plan["timestamp"],
        "signature": base64.b64encode(private.sign(payload.encode())).decode(),
    }
    sock.sendall(_ws_frame(json.dumps({"id": 0, "method": "session.logon", "params": params}).encode()))
    reply = received.some()[0]
    if b'"status":200' not in reply:
        raise RuntimeError(reply.decode())


def _connect(plan: dict[str, Any]) -> socket.socket:
    sock = socket.create_connection((plan["host"], plan["port"]))
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return sock


def _result(latencies: list[int], took_ns: int, refused: dict[str, int], cpu_s: float) -> dict[str, Any]:
    latencies.sort()
    count = len(latencies)
    return {
        "requests": count,
        "per_second": round(count / (took_ns / 1e9)),
        "p50_ms": round(latencies[count // 2] / 1e6, 3),
        "p99_ms": round(latencies[count * 99 // 100] / 1e6, 3),
        "max_ms": round(latencies[-1] / 1e6, 3),
        "generator_cpu_share": round(cpu_s / (took_ns / 1e9), 2),
        "refused": refused,
    }


if __name__ == "__main__":
    chosen = json.load(sys.stdin)
    print(json.dumps((run_ws if chosen["door"] == "ws" else run_http)(chosen)))
