"""Single reads: no redirects, no plain HTTP to strangers, no answer is no crash."""

import http.server
import threading
from collections.abc import Iterator

import pytest

from watchword.adapters.upstream_probe import HttpProbe
from watchword.kernel.errors import ConfigurationError
from watchword.vault.checkup import ProbeAnswer, Unreachable


@pytest.fixture
def server() -> Iterator[tuple[str, list[str]]]:
    """Redirects everything below /away, answers the rest."""
    seen: list[str] = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            seen.append(f"{self.path} {self.headers['X-MBX-APIKEY']}")
            self.send_response(302 if self.path.startswith("/away") else 200)
            self.send_header("Location", "/elsewhere")
            self.send_header("Content-Length", "2")
            self.end_headers()
            self.wfile.write(b"{}")

        def log_message(self, *args: object) -> None:  # type: ignore[override]
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as listening:
        thread = threading.Thread(target=listening.serve_forever, args=(0.02,), daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{listening.server_port}", seen
        listening.shutdown()
        thread.join()


def test_answer_is_returned_and_redirects_are_not_followed(server: tuple[str, list[str]]) -> None:
    base, seen = server
    probe = HttpProbe(base)
    assert probe.get("/x?a=1", {"X-MBX-APIKEY": "k"}) == ProbeAnswer(200, b"{}")
    assert probe.get("/away", {"X-MBX-APIKEY": "k"}) == ProbeAnswer(302, b"{}")
    assert seen == ["/x?a=1 k", "/away k"]


def test_tls_is_verified(server: tuple[str, list[str]]) -> None:
    base, seen = server
    found = HttpProbe(base.replace("http", "https")).get("/x", {})
    assert isinstance(found, Unreachable)
    assert "SSLError" in found.reason
    assert seen == []


@pytest.mark.parametrize(
    "base",
    [
        "http://api.binance.com",
        "http://10.0.0.1:80",
        "ftp://x",
        "https://",
        "http://127.0.0.1/api",
        "http://[::1",
        "https://x:y",
    ],
)
def test_unsafe_addresses_are_refused(base: str) -> None:
    with pytest.raises(ConfigurationError):
        HttpProbe(base)


def test_localhost_by_name_may_be_plain() -> None:
    assert isinstance(HttpProbe("http://localhost:1").get("/", {}), Unreachable)
