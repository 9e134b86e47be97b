"""A bot on the WebSocket API that signs with the standard library only, and sends exactly what a test says. Blocking."""

import contextlib
import hashlib
import hmac
import json
from collections.abc import Iterator
from typing import Any, Final

from tests.support.bot import HmacKey, next_ms
from websockets.sync.client import ClientConnection, connect

WAIT_S: Final = 10.0


def signed_params(key: HmacKey, **params: object) -> dict[str, str]:
    """Parameters with `apiKey`, `timestamp` and signature."""
    wanted = {name: str(value) for name, value in params.items()}
    wanted = {"timestamp": str(next_ms()), **wanted, "apiKey": key.api_key}
    payload = "&".join(f"{name}={value}" for name, value in sorted(wanted.items()))
    signature = hmac.new(key.secret.encode(), payload.encode(), hashlib.sha256).hexdigest()
    return {**wanted, "signature": signature}


class WsBot:
    """One connection.

    Attributes:
        events: User-data events that came between answers.
    """

    def __init__(self, socket: ClientConnection, key: HmacKey) -> None:
        self._socket = socket
        self.key = key
        self._next_id = 0
        self.events: list[dict[str, Any]] = []

    def send(self, method: str, params: dict[str, Any]) -> dict[str, Any]:
        """Send a request as it is and wait for its answer."""
        self._next_id += 1
        self._socket.send(json.dumps({"id": self._next_id, "method": method, "params": params}))
        while True:
            said: dict[str, Any] = json.loads(self._socket.recv(WAIT_S))
            if "event" in said:
                self.events.append(said["event"])
            else:
                return said

    def ask(self, method: str, **params: object) -> dict[str, Any]:
        """Sign and send."""
        return self.send(method, signed_params(self.key, **params))

    def listen(self, seconds: float) -> list[dict[str, Any]]:
        """Take events until nothing came for so long."""
        with contextlib.suppress(TimeoutError):
            while True:
                self.events.append(json.loads(self._socket.recv(seconds))["event"])
        return self.events


@contextlib.contextmanager
def ws_bot(address: str, key: HmacKey) -> Iterator[WsBot]:
    """Connect to the WebSocket API of a gateway.

    Args:
        address: As run.json says it, path included.
        key: Signs its requests.
    """
    with connect(address, open_timeout=WAIT_S, close_timeout=1) as socket:
        yield WsBot(socket, key)
