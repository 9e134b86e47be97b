"""Local doubles of key services, written from their documented APIs: transit of Vault/OpenBao, Google Cloud KMS over REST."""

import base64
import contextlib
import http.server
import json
import os
import re
import threading
from collections.abc import Iterator
from typing import Any

import google_crc32c
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

TOKEN = "hvs.test-token"
GCP_KEY = "projects/p/locations/global/keyRings/r/cryptoKeys/watchword"


class KeyService:
    """What the doubles share: a key, what was asked, and a way to misbehave.

    Attributes:
        seen: Paths asked for.
        fail: A status and body to answer instead; None behaves.
    """

    def __init__(self) -> None:
        self.keys: dict[str, bytes] = {}
        self.seen: list[str] = []
        self.fail: tuple[int, bytes] | None = None
        self.address = ""

    def key(self, name: str) -> AESGCM:
        """Return the key of that name, made when first named."""
        return AESGCM(self.keys.setdefault(name, os.urandom(32)))

    def answer(self, path: str, headers: dict[str, str], body: dict[str, Any]) -> tuple[int, Any]:
        """Answer one request."""
        raise NotImplementedError


class Transit(KeyService):
    """POST /v1/MOUNT/encrypt/KEY and .../decrypt/KEY."""

    def answer(self, path: str, headers: dict[str, str], body: dict[str, Any]) -> tuple[int, Any]:
        """Answer one request."""
        if headers.get("x-vault-token") != TOKEN:
            return 403, {"errors": ["permission denied"]}
        found = re.fullmatch(r"/v1/transit/(encrypt|decrypt)/([\w.-]+)", path)
        if found is None:
            return 404, {"errors": []}
        aad = base64.b64decode(body["associated_data"], validate=True)
        key = self.key(found[2])
        if found[1] == "encrypt":
            nonce = os.urandom(12)
            sealed = nonce + key.encrypt(nonce, base64.b64decode(body["plaintext"], validate=True), aad)
            return 200, {
                "data": {"ciphertext": "vault:v1:" + base64.b64encode(sealed).decode(), "key_version": 1}
            }
        prefix, _, text = body["ciphertext"].rpartition(":")
        try:
            sealed = base64.b64decode(text, validate=True)
            plain = key.decrypt(sealed[:12], sealed[12:], aad)
        except (InvalidTag, ValueError):
            return 400, {"errors": ["cipher: message authentication failed"]}
        if prefix != "vault:v1":
            return 400, {"errors": ["invalid ciphertext: no prefix"]}
        return 200, {"data": {"plaintext": base64.b64encode(plain).decode()}}


class GoogleKms(KeyService):
    """POST /v1/KEY:encrypt and :decrypt, bytes as base64, checksums as decimal text."""

    def __init__(self) -> None:
        super().__init__()
        self.spoil_checksum = False

    def answer(self, path: str, headers: dict[str, str], body: dict[str, Any]) -> tuple[int, Any]:
        """Answer one request."""
        name, _, verb = path.partition("?")[0].removeprefix("/v1/").rpartition(":")
        aad = base64.b64decode(body.get("additionalAuthenticatedData", ""))
        key = self.key(name)
        if verb == "encrypt":
            plain = base64.b64decode(body["plaintext"])
            nonce = os.urandom(12)
            sealed = nonce + key.encrypt(nonce, plain, aad)
            return 200, {
                "name": name + "/cryptoKeyVersions/1",
                "ciphertext": base64.b64encode(sealed).decode(),
                "ciphertextCrc32c": self._sum(sealed),
                "verifiedPlaintextCrc32c": int(body["plaintextCrc32c"]) == google_crc32c.value(plain),
                "verifiedAdditionalAuthenticatedDataCrc32c": int(body["additionalAuthenticatedDataCrc32c"])
                == google_crc32c.value(aad),
            }
        sealed = base64.b64decode(body["ciphertext"])
        try:
            plain = key.decrypt(sealed[:12], sealed[12:], aad)
        except InvalidTag:
            text = "Decryption failed: the ciphertext is invalid."
            return 400, {"error": {"code": 400, "message": text, "status": "INVALID_ARGUMENT"}}
        return 200, {"plaintext": base64.b64encode(plain).decode(), "plaintextCrc32c": self._sum(plain)}

    def _sum(self, raw: bytes) -> str:
        return str(google_crc32c.value(raw) ^ self.spoil_checksum)


@contextlib.contextmanager
def serving(service: KeyService) -> Iterator[None]:
    """Serve a double on a free port; its `address` says where."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            service.seen.append(self.path)
            headers = {name.lower(): value for name, value in self.headers.items()}
            status, content = service.answer(self.path, headers, body)
            raw = json.dumps(content).encode()
            if service.fail is not None:
                status, raw = service.fail
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(raw)))
            if 300 <= status < 400:
                self.send_header("Location", "http://127.0.0.1:1/stolen")
            self.end_headers()
            self.wfile.write(raw)

        def log_message(self, *args: object) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    service.address = f"http://127.0.0.1:{server.server_port}"
    try:
        yield
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
