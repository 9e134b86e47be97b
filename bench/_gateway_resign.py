"""A mitmproxy add-on that does what the gateway does, but for policy, replay guard, budgets and records.

It checks the bot's HMAC signature and the time, and signs again with the real Ed25519 key. Runs inside mitmproxy's
own environment, so it knows nothing of Watchword; RESIGN_KEYS names a JSON file with `api_key` and `secret` of the
bot, `real_api_key` and `pem` of the real credential.
"""

import base64
import hashlib
import hmac
import json
import os
import time
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, quote, urlencode

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key


class Resign:
    """Verify, sign again, pass on."""

    def __init__(self) -> None:
        keys = json.loads(Path(os.environ["RESIGN_KEYS"]).read_text(encoding="utf-8"))
        self.secrets = {keys["api_key"]: keys["secret"].encode()}
        self.real_api_key: str = keys["real_api_key"]
        private = load_pem_private_key(keys["pem"].encode(), None)
        assert isinstance(private, Ed25519PrivateKey)
        self.private = private

    def request(self, flow: Any) -> None:
        """Called by mitmproxy for each request."""
        path, _, query = flow.request.path.partition("?")
        payload, _, signature = query.rpartition("&signature=")
        secret = self.secrets.get(flow.request.headers.get("x-mbx-apikey", ""))
        if secret is None:
            return self._refuse(flow, -2015, "Invalid API-key, IP, or permissions for action.")
        expected = hmac.new(secret, payload.encode(), hashlib.sha256).hexdigest()
        if not hmac.compare_digest(expected, signature):
            return self._refuse(flow, -1022, "Signature for this request is not valid.")
        params = dict(parse_qsl(payload, keep_blank_values=True))
        now_ms = time.time_ns() // 1_000_000
        deadline_ms = int(params["timestamp"]) + int(params.get("recvWindow", "5000"))
        if not now_ms < deadline_ms < now_ms + 61_000:
            return self._refuse(flow, -1021, "Timestamp for this request is outside of the recvWindow.")
        params["timestamp"], params["recvWindow"] = str(now_ms), str(deadline_ms - now_ms)
        query = urlencode(params)
        made = base64.b64encode(self.private.sign(query.encode())).decode()
        flow.request.path = f"{path}?{query}&signature={quote(made, safe='')}"
        flow.request.headers["x-mbx-apikey"] = self.real_api_key
        return None

    def _refuse(self, flow: Any, code: int, text: str) -> None:
        from mitmproxy import http  # type: ignore[import-not-found]

        flow.response = http.Response.make(
            400, json.dumps({"code": code, "msg": text}), {"content-type": "application/json"}
        )


if "RESIGN_KEYS" in os.environ:
    addons = [Resign()]
