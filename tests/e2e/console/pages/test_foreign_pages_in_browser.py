"""What a page of somebody else may try with a console somebody is signed in to: framing, sending, leading away, listening."""

import http.server
import threading
from collections.abc import Callable, Iterator
from typing import Any, Final

import pytest
from playwright.sync_api import Browser, Page, expect
from tests.support.browser import Tab, browser, hold, served
from tests.support.console_pages import PagesConsole
from tests.support.console_people import STEP_US

from watchword.entrypoints.console.routes.testnet_accounts import ExchangeAccountList
from watchword.entrypoints.console.routes.testnet_keys import ApiKeyPage, ApiKeyView

#: With the long tests: those of `test_guards_in_browser.py` stand for them in the suite.
pytestmark = [pytest.mark.browser, pytest.mark.long]

KEY: Final = "A" * 64
EVIL: Final = "evil.example"
LED_AWAY: Final = (
    f"//{EVIL}", f"/\\{EVIL}", f"https:{EVIL}", f"https://{EVIL}", f"%2f%2f{EVIL}", f"/%09/{EVIL}", f"///{EVIL}", f"\\\\{EVIL}",
    f"/keys/../..//{EVIL}", f"\t//{EVIL}", "javascript:alert(1)", "data:text/html,x", f"/keys@{EVIL}", f"/keys\r\nLocation: //{EVIL}",
    f"/keys?x=//{EVIL}", f"http:///{EVIL}", f".{EVIL}",
)  # fmt: skip


class Elsewhere:
    """A server of somebody else; what came there, with its headers."""

    def __init__(self) -> None:
        self.content = ""
        self.asked: list[tuple[str, dict[str, str]]] = []
        found = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                found.asked.append((self.path, {name.lower(): value for name, value in self.headers.items()}))
                body = found.content.encode()
                self.send_response(200)
                self.send_header("content-type", "text/html")
                self.send_header("access-control-allow-origin", "*")
                self.send_header("content-length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            do_POST = do_GET  # noqa: N815 - http.server calls it so

            def log_message(self, *_: Any) -> None:
                """Say nothing."""

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.origin = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    with browser() as launched:
        yield launched


@pytest.fixture(scope="module")
def console(tmp_path_factory: pytest.TempPathFactory) -> PagesConsole:
    key = ApiKeyView(
        api_key=KEY, account="desk", account_id=1, key_type="HMAC", label="grid", permissions=["READING"], ips=[], symbols=[],
        expires=None, created="2026-11-01T10:00:00Z", last_used=None,
    )  # fmt: skip
    folder = tmp_path_factory.mktemp("foreign")
    return PagesConsole(
        folder, built=True, showKey=key, listKeys=ApiKeyPage([key], None, 1), listExchangeAccounts=ExchangeAccountList([]),
    )  # fmt: skip


@pytest.fixture(scope="module")
def origin(console: PagesConsole) -> Iterator[str]:
    with served(console) as address:
        yield address


@pytest.fixture(scope="module")
def elsewhere() -> Iterator[Elsewhere]:
    made = Elsewhere()
    yield made
    made.stop()


@pytest.fixture
def deleted(console: PagesConsole) -> list[Any]:
    """What was deleted: each test wants it empty at its end."""
    gone: list[Any] = []
    console.answers["deleteKey"] = gone.append
    return gone


@pytest.fixture
def tab(chromium: Browser, console: PagesConsole, origin: str, elsewhere: Elsewhere) -> Iterator[Tab]:
    elsewhere.asked.clear()
    made = Tab(chromium, origin)
    hold(made, console)
    yield made
    made.close()


@pytest.fixture
def page(tab: Tab) -> Page:
    return tab.page


def token_on(page: Page) -> str:
    return page.locator('meta[name="csrf"]').get_attribute("content") or ""


def sent_with(page: Page, token: str | None, path: str = f"/keys/{KEY}/delete") -> None:
    """Send a form of our own page with another token, or none."""
    page.goto("/keys")
    script = """([path, token]) => {
      const form = document.createElement("form");
      form.method = "post"; form.action = path;
      if (token !== null) form.append(Object.assign(document.createElement("input"), {name: "w_csrf", value: token}));
      document.body.append(form); form.submit();
    }"""
    page.evaluate(script, [path, token])
    page.wait_for_load_state()


def test_form_of_our_own_with_another_token_changes_nothing(
    chromium: Browser, console: PagesConsole, tab: Tab, page: Page, deleted: list[Any]
) -> None:
    page.goto("/keys")
    mine = token_on(page)
    other = Tab(chromium, tab.origin)
    hold(other, console, "otto", "owner")
    other.page.goto("/keys")
    nobody = Tab(chromium, tab.origin)
    nobody.page.goto("/sign-in")
    wrong = (None, "", token_on(other.page), token_on(nobody.page), mine.upper())
    for token in wrong:
        sent_with(page, token)
        expect(page.get_by_text("this form is out of date")).to_be_visible()
    assert deleted == []
    hold(tab, console)
    sent_with(page, mine)
    expect(page.get_by_text("this form is out of date")).to_be_visible()
    assert deleted == [], "the token of a session before"
    page.goto("/keys")
    sent_with(page, token_on(page))
    expect(page.get_by_text("The API key was deleted.")).to_be_visible()
    assert len(deleted) == 1, "with the right one it is done"
    other.close()
    nobody.close()


FORM = '<form method=post action="{to}" {more}><input name=w_csrf value="{token}"></form><script>document.forms[0].submit()</script>'
FETCH = "<script>fetch('{to}', {{method: 'POST', credentials: 'include', mode: 'no-cors', {more} body: 'w_csrf={token}'}}).finally(() => {{ document.title = 'sent'; }})</script>"
HEADERS = "headers: {'content-type': 'application/x-www-form-urlencoded'},"


@pytest.mark.parametrize(
    ("content", "more"),
    [
        (FORM, ""), (FORM, "enctype=text/plain"), (FORM, "enctype=multipart/form-data"), (FORM, "target=_blank"), (FETCH, ""),
        (FETCH, HEADERS), ('<iframe sandbox="allow-scripts allow-forms" srcdoc=\'' + FORM + "'></iframe>", ""),
        ("<script>navigator.sendBeacon('{to}', new URLSearchParams({{w_csrf: '{token}'}})); document.title = 'sent'</script>{more}", ""),
    ],
    ids=["form", "plain", "multipart", "new tab", "fetch", "fetch as a form", "sandboxed", "beacon"],
)  # fmt: skip
def test_form_of_elsewhere_changes_nothing_though_it_knows_the_token(
    page: Page, origin: str, elsewhere: Elsewhere, deleted: list[Any], content: str, more: str
) -> None:
    page.goto("/keys")
    to = f"{origin}/keys/{KEY}/delete"
    elsewhere.content = content.format(to=to, more=more, token=token_on(page))
    page.goto(elsewhere.origin)
    page.wait_for_timeout(300)
    assert deleted == []
    page.goto(f"{origin}/keys")
    # And nobody was signed out by it.
    expect(page.locator("#list")).to_contain_text("grid")


@pytest.mark.parametrize(
    "content",
    [
        '<iframe src="{to}"></iframe>', '<object data="{to}"></object>', '<embed src="{to}">', '<iframe sandbox src="{to}"></iframe>',
        '<iframe src="/other"></iframe><script>frames[0].location = "{to}"</script>',
    ],
    ids=["iframe", "object", "embed", "sandboxed", "led there"],
)  # fmt: skip
def test_page_is_shown_in_no_frame(page: Page, origin: str, elsewhere: Elsewhere, content: str) -> None:
    elsewhere.content = content.format(to=f"{origin}/keys/{KEY}/delete")
    page.goto(elsewhere.origin)
    page.wait_for_timeout(300)
    for frame in page.frames[1:]:
        assert "Delete" not in frame.evaluate("document.body?.innerText ?? ''")
    answers = page.request.get(f"{origin}/keys").headers
    assert answers["x-frame-options"] == "DENY"
    assert "frame-ancestors 'none'" in answers["content-security-policy"]


def test_page_is_shown_in_no_frame_of_its_own(page: Page) -> None:
    page.goto("/keys")
    page.evaluate("document.body.append(Object.assign(document.createElement('iframe'), {src: '/security'}))")
    page.wait_for_timeout(200)
    assert all(
        "Security" not in frame.evaluate("document.body?.innerText ?? ''") for frame in page.frames[1:]
    )


def test_page_of_elsewhere_reads_nothing(page: Page, origin: str, elsewhere: Elsewhere) -> None:
    elsewhere.content = f"""<script>
      const far = "{origin}/keys";
      const tries = [
        fetch(far, {{credentials: "include"}}).then((one) => one.text()),
        fetch(far, {{credentials: "include", mode: "no-cors"}}).then((one) => one.text()),
        import(far).then(() => "a module"),
      ];
      Promise.allSettled(tries).then((all) => {{
        document.body.textContent = JSON.stringify(all.map((one) => one.value ?? ""));
      }});
    </script><body>waiting</body>"""
    page.goto(elsewhere.origin)
    expect(page.locator("body")).not_to_have_text("waiting")
    assert page.locator("body").inner_text() == '["","",""]'


def test_content_policy_lets_nothing_of_elsewhere_in_or_out(
    page: Page, tab: Tab, elsewhere: Elsewhere
) -> None:
    page.goto("/keys")
    blocked = page.evaluate(
        """async (far) => {
          const put = (name, more) => { const one = Object.assign(document.createElement(name), more); document.body.append(one); return one; };
          put("script", {src: far + "/script"}); put("img", {src: far + "/picture"}); put("link", {rel: "stylesheet", href: far + "/style"});
          put("iframe", {src: far + "/frame"}); put("object", {data: far + "/object"}); put("video", {src: far + "/video"});
          put("link", {rel: "manifest", href: far + "/manifest"}); put("link", {rel: "preload", as: "fetch", href: far + "/preload"});
          put("base", {href: far + "/"});
          const caught = {};
          // From here on the page runs by itself: what a debugger evaluates may evaluate.
          await new Promise((resolve) => setTimeout(resolve, 10));
          try { (0, eval)("window.hacked = 1"); } catch (error) { caught.eval = error.name; }
          try { new Function("window.hacked = 1")(); } catch (error) { caught.function = error.name; }
          try { setTimeout("window.hacked = 1"); } catch (error) { caught.timeout = error.name; }
          try { new Worker("data:text/javascript,postMessage(1)"); } catch (error) { caught.worker = error.name; }
          try { new WebSocket(far.replace("http", "ws")); } catch (error) { caught.socket = error.name; }
          caught.fetch = await fetch(far + "/fetch").then(() => "sent", () => "blocked");
          caught.beacon = navigator.sendBeacon(far + "/beacon");
          new EventSource(far + "/events");
          const form = put("form", {method: "post", action: far + "/form"});
          form.submit();
          await new Promise((resolve) => setTimeout(resolve, 300));
          return {...caught, hacked: window.hacked ?? null, base: document.baseURI};
        }""",
        elsewhere.origin,
    )
    assert blocked["hacked"] is None
    assert (blocked["eval"], blocked["function"], blocked["fetch"]) == ("EvalError", "EvalError", "blocked")
    assert blocked["base"].startswith(tab.origin)
    assert elsewhere.asked == [], "nothing left the page"
    assert len([one for one in tab.complaints if "Content Security Policy" in one]) >= 8


@pytest.mark.parametrize(
    "way", ["signed in", "theme", "step-up", "signing in", "factor", "link of elsewhere"]
)
def test_no_parameter_leads_away(
    chromium: Browser, console: PagesConsole, tab: Tab, page: Page, elsewhere: Elsewhere, way: str
) -> None:
    left: list[str] = []
    page.context.on("request", lambda request: left.append(request.url))
    tries: dict[str, Callable[[str], None]] = {
        "signed in": lambda bad: page.evaluate("bad => { location.href = '/sign-in?next=' + encodeURIComponent(bad); }", bad),
        "theme": lambda bad: _sent(page, "/theme", {"theme": "dark", "back": bad}),
        "step-up": lambda bad: _sent(page, "/step-up", {"w_target": bad, "w_show": "1", "w_kind": "totp", "w_code": _next_code(console)}),
        "signing in": lambda bad: _sent(page, "/sign-in", {"login": "x", "password": "y", "next": bad}),
        "factor": lambda bad: page.evaluate("bad => { location.href = '/sign-in/factor?next=' + encodeURIComponent(bad) + '&to=mail:' + encodeURIComponent(bad); }", bad),
        "link of elsewhere": lambda bad: page.evaluate("bad => { location.href = '/sign-in?next=' + encodeURIComponent(bad); }", bad),
    }  # fmt: skip
    if way in {"signing in", "link of elsewhere"}:
        page.context.clear_cookies()
    for bad in LED_AWAY:
        page.goto("/sign-in")
        with page.expect_navigation():
            tries[way](bad)
        assert page.url.startswith(f"{tab.origin}/"), bad
        links = page.locator("a[href], form[action]").evaluate_all(
            "all => all.map((one) => one.href || one.action)"
        )
        assert not [
            link for link in links if not link.startswith(tab.origin) and "tradingview.com" not in link
        ], bad
        for hidden in page.locator("input[name=next], input[name=back]").all():
            assert EVIL not in hidden.input_value(), bad
    assert [url for url in left if not url.startswith(tab.origin)] == []


def _next_code(console: PagesConsole) -> str:
    """A code that is taken: each step's counts once."""
    console.clock.us += STEP_US
    return console.code_of("olga")


def _sent(page: Page, path: str, fields: dict[str, str]) -> None:
    script = """([path, fields]) => {
      const form = Object.assign(document.createElement("form"), {method: "post", action: path});
      fields.w_csrf = document.querySelector('meta[name="csrf"]').content;
      for (const [name, value] of Object.entries(fields)) form.append(Object.assign(document.createElement("textarea"), {name, value}));
      document.body.append(form); form.submit();
    }"""
    page.evaluate(script, [path, fields])


def test_nobody_elsewhere_learns_where_somebody_was(page: Page, elsewhere: Elsewhere) -> None:
    page.goto(f"/keys/{KEY}")
    page.evaluate("far => { location.href = far + '/led'; }", elsewhere.origin)
    page.wait_for_url(f"{elsewhere.origin}/led")
    page.goto(f"/keys/{KEY}")
    link = "far => document.body.append(Object.assign(document.createElement('a'), {href: far + '/link', textContent: 'far', id: 'far'}))"
    page.evaluate(link, elsewhere.origin)
    page.evaluate("document.getElementById('far').click()")
    page.wait_for_url(f"{elsewhere.origin}/link")
    heard = [
        (path, headers.get("referer", "")) for path, headers in elsewhere.asked if path in {"/led", "/link"}
    ]
    assert heard == [("/led", ""), ("/link", "")]
    assert all("cookie" not in headers for _, headers in elsewhere.asked)
