"""A stranger before `make up`: a browser, a phone, a security key, a folder of downloads, and all that the browser sends.

The console's own clock can be put forward, because nobody waits five minutes in a test; no other process is touched.
"""

import contextlib
import urllib.parse
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

import msgspec
import pyotp
from playwright.sync_api import Locator, Request
from tests.support.browser import Tab, browser
from tests.support.canary import Canary, Sighting, seen_in
from tests.support.demo_up import Up

SECURITY_KEY: Final = {
    "protocol": "ctap2", "transport": "usb", "hasResidentKey": True, "hasUserVerification": True, "isUserVerified": True,
    "automaticPresenceSimulation": True,
}  # fmt: skip
#: Python runs it at the start of every process of the demo; it changes the console's only.
CONSOLE_CLOCK: Final = """
import pathlib, sys, time
if {"console", "serve"} <= set(sys.orig_argv):
    forward_s, wall_ns = pathlib.Path(__file__).with_name("forward_s"), time.time_ns
    time.time_ns = lambda: wall_ns() + int(forward_s.read_text()) * 1_000_000_000
"""


class Sent(msgspec.Struct, frozen=True):
    """One request of the browser.

    Attributes:
        method, path: Of it.
        raw: Address, headers and body, percent signs undone.
    """

    method: str
    path: str
    raw: bytes


class Stranger:
    """Somebody who has never seen this.

    Attributes:
        up: What they started.
        tab: Their browser.
        page: Its page.
        sent: What it has sent so far.
        downloads: Where its files go.
        password: What they think up.
        seed: Of their authenticator app, once they have set it up.
    """

    def __init__(self, up: Up, tab: Tab, folder: Path) -> None:
        self.up, self.tab, self.page = up, tab, tab.page
        self.downloads = folder / "downloads"
        self.password, self.seed = "an evening with candles and keys", ""
        self.sent: list[Sent] = []
        self._forward_s = folder / "clock" / "forward_s"
        tab.context.on("request", self._note)

    @property
    def dialog(self) -> Locator:
        """The dialogue."""
        return self.page.get_by_role("dialog")

    def menu(self, label: str) -> None:
        """Follow a link of the sidebar."""
        self.page.get_by_role("navigation", name="Sections").get_by_role(
            "link", name=label, exact=True
        ).click()

    def code(self) -> str:
        """What the phone shows."""
        return pyotp.TOTP(self.seed).now()

    def plug_in_security_key(self) -> None:
        """Plug the browser's own virtual security key in; somebody touches it whenever it blinks."""
        devices = self.tab.context.new_cdp_session(self.page)
        devices.send("WebAuthn.enable")
        devices.send("WebAuthn.addVirtualAuthenticator", {"options": SECURITY_KEY})

    def make_coffee(self) -> None:
        """Be away for longer than a second factor counts as just shown."""
        self._forward_s.write_text("330")

    def leaks(self, canaries: Sequence[Canary], intake: str) -> list[Sighting]:
        """Look for secrets in what the browser has sent, but for the one form that takes them in.

        Args:
            canaries: The secrets.
            intake: Path of that form.
        """
        assert [one.path for one in self.sent if any(seen_in(canaries, one.raw, ""))] == [intake], (
            "nothing was watched"
        )
        others = [one for one in self.sent if (one.method, one.path) != ("POST", intake)]
        return [seen for one in others for seen in seen_in(canaries, one.raw, f"{one.method} {one.path}")]

    def _note(self, request: Request) -> None:
        headers = "\n".join(f"{name}: {value}" for name, value in request.headers.items())
        # Percent signs, and in forms plus signs, would hide what is sent.
        body = request.post_data_buffer or b""
        parts = (request.url.encode(), headers.encode(), body, body.replace(b"+", b" "))
        raw = b"\n".join(urllib.parse.unquote_to_bytes(part) for part in parts)
        self.sent.append(Sent(request.method, urllib.parse.urlsplit(request.url).path, raw))


@contextlib.contextmanager
def first_evening(folder: Path) -> Iterator[Stranger]:
    """Type `make up`, and have a browser at hand; everything is stopped afterwards."""
    clock = folder / "clock"
    clock.mkdir()
    (clock / "forward_s").write_text("0")
    (clock / "sitecustomize.py").write_text(CONSOLE_CLOCK)
    with browser() as launched:
        up = Up(folder / "home", {"PYTHONPATH": str(clock)})
        try:
            tab = Tab(launched, "http://localhost", accept_downloads=True)
            yield Stranger(up, tab, folder)
            tab.close()
        finally:
            up.stop()
