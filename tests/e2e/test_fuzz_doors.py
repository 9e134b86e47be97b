"""Odd inputs at every public entry point of a real process: no 5xx, no hang, no traceback, no growing memory."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from tests.support.odd_inputs import OddInputs
from tests.support.raw_sockets import ClosedError, RawSocket, client_frame
from tests.support.testnet_process import TestnetProcess

SHORT_INPUTS = 1_000
LONG_INPUTS = 40_000
BATCH = 20
PONG, CLOSE = 0xA, 0x8
MEMORY_GROWTH_KB_MAX = 30_000
RICH = {"BTC": "100000", "USDT": "1000000000", "BNB": "1000", "ETH": "1000"}


@pytest.fixture(scope="module")
def testnet(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestnetProcess]:
    process = TestnetProcess.start(tmp_path_factory.mktemp("fuzz") / "home", liquidity=True)
    yield process
    assert process.stop() == 0
    assert "Traceback" not in process.log()
    assert "request failed" not in process.log()


@pytest.fixture(scope="module")
def inputs(testnet: TestnetProcess) -> OddInputs:
    testnet.create_account("fuzz", RICH)
    key = testnet.create_key("fuzz", "HMAC")
    return OddInputs(20_261_121, key.api_key, key.secret)


def fuzz_rest(testnet: TestnetProcess, inputs: OddInputs, count: int) -> None:
    """Every well-framed request gets exactly one reply below 500, in order."""
    socket = _connect(testnet)
    for _ in range(count // BATCH):
        requests = [inputs.http() for _ in range(BATCH)]
        try:
            socket.send(b"".join(raw for _, raw in requests))
            for method, raw in requests:
                status, body = socket.http_reply(with_body=method != "HEAD")
                assert status < 500, (raw, body)
                assert status != 200 or method == "HEAD" or body[:1] in b"{[\x1f", (raw, body)
        except ClosedError:
            # Only a request that breaks the framing itself may close: find out that none of these did more.
            for _, raw in requests:
                _one_by_one(testnet, raw)
            socket = _connect(testnet)
    socket.close()


def fuzz_ws_api(testnet: TestnetProcess, inputs: OddInputs, count: int) -> None:
    """Every text frame gets one reply below 500; user data events may come in between."""
    socket = _connect(testnet)
    socket.open_websocket("/ws-api/v3")
    for _ in range(count // BATCH):
        texts = [inputs.ws_request() for _ in range(BATCH)]
        socket.send(b"".join(client_frame(text) for text in texts if _is_utf8(text)))
        for text in texts:
            if not _is_utf8(text):
                continue
            reply = _ws_json(socket)
            while "event" in reply:
                reply = _ws_json(socket)
            assert reply["status"] < 500, (text, reply)
    socket.close()


def fuzz_streams(testnet: TestnetProcess, inputs: OddInputs, count: int) -> None:
    """Every control message gets a result or an error."""
    socket = _connect(testnet)
    socket.open_websocket("/stream")
    for number in range(count // BATCH):
        texts = [text for text in (inputs.stream_control() for _ in range(BATCH)) if _is_utf8(text)]
        socket.send(b"".join(client_frame(text) for text in texts))
        for text in texts:
            reply = _ws_json(socket)
            while isinstance(reply, list) or not ("result" in reply or "error" in reply):
                reply = _ws_json(socket)
            assert "id" in reply, (text, reply)
        if number % 50 == 49:
            socket.close()
            socket = _connect(testnet)
            socket.open_websocket("/ws")
    socket.close()


def fuzz_raw_http(testnet: TestnetProcess, inputs: OddInputs, count: int) -> None:
    """Broken framing: whatever comes back is below 500, and the connection ends when the peer stops sending."""
    for _ in range(count):
        _one_by_one(testnet, inputs.raw_http())


def fuzz_raw_ws(testnet: TestnetProcess, inputs: OddInputs, count: int) -> None:
    """Broken frames: the connection is closed with a close frame, or waits for more; nothing else."""
    for number in range(count):
        socket = _connect(testnet)
        socket.open_websocket("/ws-api/v3" if number % 2 else "/ws")
        try:
            socket.send(inputs.raw_ws())
            socket.end_sending()
        except (ClosedError, OSError):
            pass
        socket.to_the_end()
        socket.close()


FUZZERS = {
    "rest": fuzz_rest, "ws_api": fuzz_ws_api, "streams": fuzz_streams, "raw_http": fuzz_raw_http, "raw_ws": fuzz_raw_ws,
}  # fmt: skip


@pytest.mark.parametrize("door", FUZZERS)
def test_odd_inputs_are_refused_without_fault(testnet: TestnetProcess, inputs: OddInputs, door: str) -> None:
    FUZZERS[door](testnet, inputs, SHORT_INPUTS)
    _alive(testnet)


@pytest.mark.long
@pytest.mark.timeout(1_500)
@pytest.mark.parametrize("door", FUZZERS)
def test_odd_inputs_by_the_ten_thousand_leave_memory_level(
    testnet: TestnetProcess, inputs: OddInputs, door: str
) -> None:
    fuzzer: Callable[[TestnetProcess, OddInputs, int], None] = FUZZERS[door]
    fuzzer(testnet, inputs, LONG_INPUTS // 2)
    before_kb = _memory_kb(testnet.pid)
    fuzzer(testnet, inputs, LONG_INPUTS // 2)
    assert _memory_kb(testnet.pid) - before_kb < MEMORY_GROWTH_KB_MAX
    _alive(testnet)


def _connect(testnet: TestnetProcess) -> RawSocket:
    address = urlsplit(testnet.rest)
    return RawSocket(address.hostname or "", address.port or 0)


def _one_by_one(testnet: TestnetProcess, raw: bytes) -> None:
    """Send bytes, hang up, and read to the end: every status line is below 500."""
    socket = _connect(testnet)
    try:
        socket.send(raw)
        socket.end_sending()
    except (ClosedError, OSError):
        pass
    for part in socket.to_the_end().split(b"HTTP/1.1 ")[1:]:
        assert int(part[:3]) < 500, raw
    socket.close()


def _ws_json(socket: RawSocket) -> dict[str, object]:
    while True:
        opcode, payload = socket.ws_message()
        assert opcode != CLOSE, payload
        if opcode == 1:
            reply: dict[str, object] = json.loads(payload)
            return reply


def _is_utf8(text: bytes) -> bool:
    try:
        text.decode()
    except UnicodeDecodeError:
        return False
    return True


def _alive(testnet: TestnetProcess) -> None:
    socket = _connect(testnet)
    socket.send(b"GET /api/v3/ping HTTP/1.1\r\nHost: x\r\n\r\n")
    assert socket.http_reply() == (200, b"{}")
    socket.close()


def _memory_kb(pid: int) -> int:
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1])
    raise LookupError("VmRSS")
