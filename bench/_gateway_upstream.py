"""nginx, twice: an upstream with canned answers, and a plain proxy in front of it as the limit of any proxy.

The canned upstream knows the time, one symbol and its market, and says yes to every order: those at the touch are
filled, those deep in the book rest, cancels cancel. It checks no signature and costs a tenth of a core at most.
"""

import json
import os
import pwd
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, Final, Self

from bench._gateway_market import depth
from bench._load import QUANTITY, TOUCH
from watchword.exchange.exchange_info import symbol_json
from watchword.exchange.listings import default_instruments

READY_S_MAX: Final = 10.0
STOP_S_MAX: Final = 10.0
POLL_S: Final = 0.02
TRIES: Final = 5
KLINES: Final = 500
MINUTE_MS: Final = 60_000
#: So high that no budget is what is measured.
LIMITS: Final = (
    {"rateLimitType": "REQUEST_WEIGHT", "interval": "MINUTE", "intervalNum": 1, "limit": 100_000_000},
    {"rateLimitType": "ORDERS", "interval": "SECOND", "intervalNum": 10, "limit": 10_000_000},
    {"rateLimitType": "ORDERS", "interval": "DAY", "intervalNum": 1, "limit": 1_000_000_000},
    {"rateLimitType": "RAW_REQUESTS", "interval": "MINUTE", "intervalNum": 5, "limit": 100_000_000},
)
#: What answers say of an order that the request only names.
KNOWN: Final = {"price": f"{TOUCH}.00000000", "side": "BUY"}

_MAIN: Final = """\
{user}
daemon off;
worker_processes 1;
pid {folder}/nginx.pid;
error_log stderr error;
events {{ worker_connections 1024; }}
http {{
  access_log off;
  keepalive_requests 1000000000;
  keepalive_timeout 600s;
  tcp_nodelay on;
  client_body_temp_path {folder}/body;
  proxy_temp_path {folder}/proxy;
  fastcgi_temp_path {folder}/fastcgi;
  uwsgi_temp_path {folder}/uwsgi;
  scgi_temp_path {folder}/scgi;
  default_type "application/json;charset=UTF-8";
{http}
}}
"""

_PROXY: Final = """\
  upstream canned {{ server {upstream}; keepalive 64; keepalive_requests 1000000000; }}
  server {{
    listen 127.0.0.1:{port};
    location / {{
      proxy_pass http://canned;
      proxy_http_version 1.1;
      proxy_set_header Connection "";
    }}
  }}
"""

#: The order id follows from the client's, so that an order keeps its id from answer to answer.
_CANNED: Final = """\
  map $msec $now_ms {{ "~^(?<s>\\d+)\\.(?<ms>\\d+)$" $s$ms; }}
  map $request_method $client_id {{ POST $arg_newClientOrderId; default $arg_origClientOrderId; }}
  map $client_id $order_id {{
    "~^[a-z]+(?<a>\\d+)-(?<b>\\d+)$" 1${{a}}0000${{b}};
    default 9${{connection}}0000${{connection_requests}};
  }}
  map $arg_price $placed {{ {touch} '{filled}'; default '{resting}'; }}
  map $request_method $order {{ POST $placed; DELETE '{cancelled}'; default '{found}'; }}
  server {{
    listen 127.0.0.1:{port};
    add_header x-mbx-used-weight 1;
    add_header x-mbx-used-weight-1m 1;
    add_header x-mbx-order-count-10s 1;
    add_header x-mbx-order-count-1d 1;
    location = /api/v3/ping {{ return 200 '{{}}'; }}
    location = /api/v3/time {{ return 200 '{{"serverTime":$now_ms}}'; }}
    location = /api/v3/order {{ return 200 $order; }}
    location = /api/v3/order/test {{ return 200 '{{}}'; }}
    location = /api/v3/openOrders {{ return 200 '[]'; }}
    location = /api/v3/allOrders {{ return 200 '[]'; }}
    location = /api/v3/myTrades {{ return 200 '[]'; }}
    location = /api/v3/exchangeInfo {{ alias {folder}/exchange_info.json; }}
    location = /api/v3/depth {{ alias {folder}/depth.json; }}
    location = /api/v3/klines {{ alias {folder}/klines.json; }}
    location ~ ^/(ws|stream|ws-api) {{
      proxy_pass http://127.0.0.1:{market};
      proxy_http_version 1.1;
      proxy_set_header Upgrade $http_upgrade;
      proxy_set_header Connection upgrade;
      proxy_read_timeout 600s;
    }}
    location / {{ return 404 '{{"code":-1000,"msg":"not in the can: $uri"}}'; }}
  }}
"""


class Server:
    """A process that listens on one loopback port; found by its number, ended by its id."""

    def __init__(self, command: list[str], port: int, environment: dict[str, str] | None = None) -> None:
        self.port = port
        self._process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            env=environment,
        )

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._process.pid

    def wait_until_ready(self) -> Self:
        """Wait until it accepts connections.

        Raises:
            RuntimeError: It ended, or did not listen within READY_S_MAX.
        """
        deadline = time.monotonic() + READY_S_MAX
        while time.monotonic() < deadline:
            if (said := self.ended()) is not None:
                raise RuntimeError(f"{self._process.args!r} ended: {said}")
            try:
                socket.create_connection(("127.0.0.1", self.port), POLL_S).close()
            except OSError:
                time.sleep(POLL_S)
            else:
                return self
        self.stop()
        raise RuntimeError(f"{self._process.args!r} does not listen")

    def ended(self) -> str | None:
        """What it said last where it has ended, else None."""
        if self._process.poll() is None:
            return None
        assert self._process.stderr is not None
        return self._process.stderr.read()[-500:].decode()

    def stop(self) -> None:
        """Ask it to end and wait."""
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGTERM)
        try:
            self._process.communicate(timeout=STOP_S_MAX)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.communicate()


def start_market() -> Server:
    """Start the canned upstream's WebSockets."""
    port = free_port()
    return Server([sys.executable, "-m", "bench._gateway_market", str(port)], port).wait_until_ready()


def start_canned(nginx: Path, folder: Path, market_port: int) -> Server:
    """Start the canned upstream.

    Args:
        nginx: The program.
        folder: Its own, for its configuration and answers.
        market_port: Where its WebSockets are served.
    """
    folder.mkdir()
    for name, answer in (
        ("exchange_info", _exchange_info()),
        ("depth", depth()),
        ("klines", _klines(time.time_ns() // 1_000_000)),
    ):
        (folder / f"{name}.json").write_text(json.dumps(answer))
    notional = f"{TOUCH * float(QUANTITY):.8f}"
    return _start_nginx(
        nginx,
        folder,
        lambda port: _CANNED.format(
            folder=folder,
            port=port,
            market=market_port,
            touch=TOUCH,
            filled=_order(
                "FILLED", {"executedQty": "$arg_quantity", "cummulativeQuoteQty": notional}, _fill()
            ),
            resting=_order("NEW"),
            cancelled=_order(
                "CANCELED", {"origClientOrderId": "$client_id", "clientOrderId": "$request_id", **KNOWN}
            ),
            found=_order("NEW", KNOWN),
        ),
    )


def start_proxy(nginx: Path, folder: Path, upstream_port: int) -> Server:
    """Start nginx as a plain proxy that keeps its connections."""
    folder.mkdir()
    return _start_nginx(
        nginx, folder, lambda port: _PROXY.format(port=port, upstream=f"127.0.0.1:{upstream_port}")
    )


def free_port() -> int:
    """A port nobody listens on just now; for programs that cannot say which one they took."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


def _start_nginx(nginx: Path, folder: Path, http: Any) -> Server:
    # Started by root, its workers would become `nobody`, who may not read the folder.
    user = f"user {pwd.getpwuid(os.getuid()).pw_name};" if os.getuid() == 0 else ""
    failure = RuntimeError("nginx was not started")
    for _ in range(TRIES):
        port = free_port()
        config = folder / "nginx.conf"
        config.write_text(_MAIN.format(user=user, folder=folder, http=http(port)))
        try:
            return Server(
                [str(nginx), "-p", str(folder), "-e", "stderr", "-c", str(config)], port
            ).wait_until_ready()
        except RuntimeError as error:  # perhaps somebody took the port meanwhile
            failure = error
    raise failure


def _order(
    status: str, more: dict[str, str] | None = None, fills: list[dict[str, object]] | None = None
) -> str:
    """An answer in nginx's words: what begins with $ comes from the request."""
    answer: dict[str, object] = {
        "symbol": "$arg_symbol",
        "orderId": "$order_id",
        "orderListId": -1,
        "clientOrderId": "$client_id",
        "transactTime": "$now_ms",
        "price": "$arg_price",
        "origQty": QUANTITY,
        "executedQty": "0.00000000",
        "origQuoteOrderQty": "0.00000000",
        "cummulativeQuoteQty": "0.00000000",
        "status": status,
        "timeInForce": "GTC",
        "type": "LIMIT",
        "side": "$arg_side",
        "workingTime": "$now_ms",
        "selfTradePreventionMode": "NONE",
        **(more or {}),
    }
    if fills is not None:
        answer["fills"] = fills
    text = json.dumps(answer, separators=(",", ":"))
    for number in ("$order_id", "$now_ms"):
        text = text.replace(f'"{number}"', number)
    return text


def _fill() -> list[dict[str, object]]:
    return [
        {
            "price": f"{TOUCH}.00000000",
            "qty": "$arg_quantity",
            "commission": "0.00000100",
            "commissionAsset": "BTC",
            "tradeId": "$order_id",
        }
    ]


def _exchange_info() -> dict[str, object]:
    listed = [symbol_json(one) for one in default_instruments() if one.symbol == "BTCUSDT"]
    return {
        "timezone": "UTC",
        "serverTime": time.time_ns() // 1_000_000,
        "rateLimits": list(LIMITS),
        "exchangeFilters": [],
        "symbols": listed,
    }


def _klines(now_ms: int) -> list[list[object]]:
    """Candles of one minute up to now, the last one still open."""
    first = now_ms // MINUTE_MS * MINUTE_MS - (KLINES - 1) * MINUTE_MS
    price = f"{TOUCH}.00000000"
    return [
        [
            open_ms,
            price,
            price,
            price,
            price,
            "1.0",
            open_ms + MINUTE_MS - 1,
            "50000.0",
            10,
            "0.5",
            "25000.0",
            "0",
        ]
        for open_ms in range(first, first + KLINES * MINUTE_MS, MINUTE_MS)
    ]
