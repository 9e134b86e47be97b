"""A page with the key generation dialogue, as a console serves it, in a real browser; and every request it makes.

The form around the dialogue is as plain as can be; markup, scripts and the content security policy are the console's own.
"""

import http.server
import shutil
import subprocess
import threading
import urllib.parse
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import jinja2
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from playwright.sync_api import Browser, BrowserContext, Page, Request, sync_playwright
from tests.support.canary import Canary

from watchword.entrypoints.console.pages.door import PAGE_HEADERS
from watchword.entrypoints.console.pages.rendering import TEMPLATES

FRONTEND: Final = Path(__file__).resolve().parents[2] / "frontend"
ESBUILD: Final = FRONTEND / "node_modules" / ".bin" / "esbuild"
BUILD_WAIT_S: Final = 60
PAGE_WAIT_MS: Final = 30_000
#: Under this name the machine itself is no secure context.
INSECURE_HOST: Final = "console.test"
ARGUMENTS: Final = ("--no-sandbox", f"--host-resolver-rules=MAP {INSECURE_HOST} 127.0.0.1")
SOURCE: Final = """{% import "keygen.html" as keygen with context %}
<!doctype html><html lang="en"><title>Keys</title>
<script type="module" src="{{ asset('harness.js') }}"></script>
<form><label>Only of type <select name="key_type" id="filter"><option>All<option>ED25519</select></label></form>
<form method="post" action="/keys"><label>Label <input name="label" id="label"></label>
<label>Type <select name="key_type" id="key_type"><option>HMAC<option>ED25519<option>RSA</select></label>
<textarea name="public_key" id="public_key" aria-label="Public key"></textarea>
{{ keygen.make_pair("#public_key", "#key_type", "#label", vault="/vault/pair") }}
<button>Register</button></form>"""
HARNESS: Final = """import { startKeygen } from "./src/keygen/opening"; startKeygen();"""


def built_scripts(folder: Path) -> None:
    """Build the scripts of the dialogue into a folder."""
    if not ESBUILD.exists():
        pytest.xfail(f"{ESBUILD} is missing; `make test` fills node_modules with npm ci")
    common = ["--bundle", "--format=esm", "--minify", "--log-level=error", f"--outdir={folder}"]
    _esbuild([str(FRONTEND / "src" / name) for name in ("keygen.ts", "estimator.ts")] + common)
    _esbuild([*common[:-1], f"--outfile={folder / 'harness.js'}"], HARNESS)


def _esbuild(arguments: list[str], source: str = "") -> None:
    command = [str(ESBUILD), *arguments]
    subprocess.run(command, input=source.encode(), check=True, cwd=FRONTEND, timeout=BUILD_WAIT_S)


class Desk:
    """The page's server.

    Attributes:
        origin: Where it is.
        forms: What was registered, in order.
    """

    def __init__(self, port: int) -> None:
        self.port, self.origin = port, f"http://127.0.0.1:{port}"
        self.forms: list[dict[str, str]] = []


@contextmanager
def serving(scripts: Path) -> Iterator[Desk]:
    """Serve the page and its scripts on loopback."""
    environment = jinja2.Environment(loader=jinja2.FileSystemLoader(TEMPLATES), autoescape=True)
    environment.globals.update(asset=lambda name: f"/static/{name}", draw_icon=lambda _: "")
    page = environment.from_string(SOURCE).render().encode()
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), http.server.BaseHTTPRequestHandler)
    desk = Desk(server.server_address[1])
    server.RequestHandlerClass = _handler(desk, page, scripts)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield desk
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def _handler(desk: Desk, page: bytes, scripts: Path) -> type[http.server.BaseHTTPRequestHandler]:
    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            script = scripts / self.path.removeprefix("/static/")
            if self.path == "/favicon.ico":
                self._answer(b"", "image/x-icon")
            elif self.path.startswith("/static/") and script.is_file():
                self._answer(script.read_bytes(), "text/javascript")
            else:
                self._answer(page, "text/html; charset=utf-8")

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"])).decode()
            desk.forms.append(dict(urllib.parse.parse_qsl(body)))
            self._answer(b"registered", "text/plain")

        def _answer(self, body: bytes, media: str) -> None:
            self.send_response(200)
            for name, value in {
                **PAGE_HEADERS,
                "content-type": media,
                "content-length": str(len(body)),
            }.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            """Say nothing."""

    return Handler


@contextmanager
def chromium() -> Iterator[Browser]:
    """Run Debian's Chromium, which knows `INSECURE_HOST` as this machine."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=_executable(), args=list(ARGUMENTS))
        yield browser
        browser.close()


@contextmanager
def profile_in(folder: Path, downloads: Path, browser: Browser) -> Iterator[BrowserContext]:
    """Run another one as people do: with a profile on the disk, which stays there."""
    context = browser.browser_type.launch_persistent_context(
        folder, executable_path=_executable(), args=list(ARGUMENTS), downloads_path=downloads
    )
    context.set_default_timeout(PAGE_WAIT_MS)
    yield context
    context.close()


def _executable() -> str:
    found = shutil.which("chromium")
    if found is None:
        pytest.skip("there is no chromium: apt-get install chromium")
    return found


class Wire:
    """Everything a page sends, wherever to, as bytes."""

    def __init__(self, page: Page) -> None:
        self.sent: list[bytes] = []
        page.context.on("request", self._seen)

    def _seen(self, request: Request) -> None:
        headers = "\n".join(f"{name}: {value}" for name, value in request.headers.items())
        # Percent signs would hide what a form sends.
        body = request.post_data_buffer or b""
        self.sent += [urllib.parse.unquote_to_bytes(request.url), headers.encode(), body]
        self.sent.append(urllib.parse.unquote_to_bytes(body.replace(b"+", b" ")))
        self.sent.append(urllib.parse.unquote_to_bytes(body))


#: Letters of base64 at the end of any private key file that are its own.
OWN_LETTERS: Final = 40
STORED: Final = """async () => {
  const databases = await indexedDB.databases();
  return JSON.stringify([{...localStorage}, {...sessionStorage}, document.cookie, databases, await caches.keys(),
    history.length, history.state, location.href, window.name]);
}"""


def stored_by(page: Page) -> bytes:
    """Return all that a page keeps in its browser: storages, databases, caches, cookies, its address and history."""
    kept = page.context.storage_state(indexed_db=True)
    return f"{kept}{page.evaluate(STORED)}".encode()


def canaries_of(raw: bytes, passphrase: str | None) -> list[Canary]:
    """What must be seen nowhere: the private numbers, the file's own bytes, the passphrase."""
    secret = passphrase.encode() if passphrase else None
    key = load_pem_private_key(raw, secret)
    # How a file begins is the same for every key of its kind.
    found = [Canary("file", b"".join(raw.splitlines()[1:-1])[-OWN_LETTERS:])]
    if isinstance(key, Ed25519PrivateKey):
        found.append(Canary("seed", key.private_bytes_raw()))
    elif isinstance(key, RSAPrivateKey):
        numbers = key.private_numbers()
        for name, number in (("d", numbers.d), ("p", numbers.p), ("q", numbers.q)):
            found.append(Canary(name, number.to_bytes((number.bit_length() + 7) // 8)))
    return [*found, Canary("passphrase", secret)] if secret else found
