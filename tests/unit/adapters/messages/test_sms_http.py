"""SMS over HTTP: one POST, filled in safely, to whom the settings say and to nobody a redirect names."""

import http.server
import json
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from watchword.accounts.ports import Message, Undelivered
from watchword.adapters.certificates import DAY_US, Authority
from watchword.adapters.messages import sms_http
from watchword.adapters.messages.sms_http import SmsHttpSender, SmsProvider
from watchword.adapters.server_context import server_context
from watchword.adapters.system import SystemClock
from watchword.gateway.certificate_names import Names
from watchword.kernel.errors import ConfigurationError
from watchword.kernel.secret import Secret

NUMBER = "+4915112345678"
CODE = "408162"
SMS = Message("sms", NUMBER, "", f"Your code is {CODE}.")
NAMES = Names(("localhost",), ("127.0.0.1",))


class Sink:
    """What arrived, and what is answered."""

    def __init__(self) -> None:
        self.seen: list[tuple[str, dict[str, str], bytes]] = []
        self.status = 200
        self.silent = threading.Event()
        self.base = ""


@contextmanager
def sms_sink(context: ssl.SSLContext | None = None) -> Iterator[Sink]:
    sink = Sink()

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            sink.seen.append((self.path, dict(self.headers.items()), body))
            if sink.status == 0:
                sink.silent.wait(10)
                return
            self.send_response(sink.status)
            self.send_header("Location", f"{sink.base}/elsewhere")
            self.send_header("Set-Cookie", "a=b")
            self.end_headers()
            if sink.status != 204:
                self.wfile.write(body)

        def do_GET(self) -> None:
            sink.seen.append(("GET", {}, b""))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *args: object) -> None:  # type: ignore[override]
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as listening:
        if context is not None:
            listening.socket = context.wrap_socket(listening.socket, server_side=True)
        sink.base = f"{'http' if context is None else 'https'}://127.0.0.1:{listening.server_port}"
        thread = threading.Thread(target=listening.serve_forever, args=(0.02,), daemon=True)
        thread.start()
        yield sink
        sink.silent.set()
        listening.shutdown()
        thread.join()


def test_message_arrives_with_headers_and_filled_template() -> None:
    template = '{"messages": [{"to": ["{number}"], "body": "Watchword: {text}", "ttl": 600}], "{text}": null, "x": true}'
    with sms_sink() as sink:
        headers = Secret(b"Authorization: Bearer canary\r\n\r\nX-Sender:  Watchword \n")
        sender = SmsHttpSender(SmsProvider(url=f"{sink.base}/send?a=1", headers=headers, template=template))
        assert sender.send(SMS) is None
    ((path, seen, body),) = sink.seen
    assert path == "/send?a=1"
    assert seen["Authorization"] == "Bearer canary"
    assert seen["X-Sender"] == "Watchword"
    assert seen["Content-Type"] == "application/json"
    assert json.loads(body) == {
        "messages": [{"to": [NUMBER], "body": f"Watchword: {SMS.text}", "ttl": 600}],
        "{text}": None,
        "x": True,
    }
    assert sender.channels() == {"sms"}


def test_text_cannot_leave_its_place_in_the_template() -> None:
    text = '"}, "to": "+491", {number} {text} \u6d4b \n\\'
    with sms_sink() as sink:
        sender = SmsHttpSender(SmsProvider(url=sink.base))
        assert sender.send(Message("sms", NUMBER, "", text)) is None
        assert sender.send(Message("sms", NUMBER, "", "second")) is None
    assert json.loads(sink.seen[0][2]) == {"to": NUMBER, "text": text}
    assert json.loads(sink.seen[1][2]) == {"to": NUMBER, "text": "second"}


@pytest.mark.parametrize("status", [302, 307, 308])
def test_redirect_is_not_followed(status: int) -> None:
    with sms_sink() as sink:
        sink.status = status
        found = SmsHttpSender(SmsProvider(url=f"{sink.base}/send")).send(SMS)
    assert isinstance(found, Undelivered)
    assert str(status) in found.reason
    assert [path for path, _, _ in sink.seen] == ["/send"]


@pytest.mark.parametrize("status", [400, 401, 429, 500])
def test_refusal_says_host_and_status_and_nothing_else(status: int) -> None:
    with sms_sink() as sink:
        sink.status = status
        found = SmsHttpSender(SmsProvider(url=f"{sink.base}/send/canary?key=canary")).send(SMS)
    assert found == Undelivered(f"{sink.base.removeprefix('http://')} refused the message ({status})")
    assert len(sink.seen) == 1


@pytest.mark.parametrize("status", [201, 202, 204])
def test_every_acceptance_counts(status: int) -> None:
    with sms_sink() as sink:
        sink.status = status
        assert SmsHttpSender(SmsProvider(url=sink.base)).send(SMS) is None


def test_certificate_is_verified(tmp_path: Path) -> None:
    now_us = SystemClock().now_us()
    authority = Authority.make("SMS CA", NAMES, now_us, 30)
    (tmp_path / "ca.pem").write_bytes(authority.public_pem())
    with sms_sink(server_context(authority.issue(NAMES, now_us, DAY_US))) as sink:
        assert SmsHttpSender(SmsProvider(url=sink.base, ca_file=tmp_path / "ca.pem")).send(SMS) is None
        found = SmsHttpSender(SmsProvider(url=sink.base)).send(SMS)
    assert isinstance(found, Undelivered)
    assert "is not trusted" in found.reason
    with sms_sink(server_context(authority.issue(Names(("localhost",)), now_us, DAY_US))) as other:
        found = SmsHttpSender(SmsProvider(url=other.base, ca_file=tmp_path / "ca.pem")).send(SMS)
    assert isinstance(found, Undelivered)
    assert (len(sink.seen), len(other.seen)) == (1, 0)


def test_silent_provider_is_undelivered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sms_http, "SENDING_S_MAX", 0.2)
    with sms_sink() as sink:
        sink.status = 0
        found = SmsHttpSender(SmsProvider(url=sink.base)).send(SMS)
    assert isinstance(found, Undelivered)
    assert "Timeout" in found.reason


def test_nobody_listening_is_undelivered_and_names_no_path() -> None:
    found = SmsHttpSender(SmsProvider(url="http://127.0.0.1:1/canary")).send(SMS)
    assert isinstance(found, Undelivered)
    assert found.reason.startswith("127.0.0.1:1 cannot be used")
    assert "canary" not in found.reason


@pytest.mark.parametrize(
    "number", ["", "15112345678", "+0151123456", "+49 1511", "+123456", "+1234567890123456", "+49151123456\n"]
)
def test_number_that_is_not_international_is_refused(number: str) -> None:
    with sms_sink() as sink:
        found = SmsHttpSender(SmsProvider(url=sink.base)).send(Message("sms", number, "", "t"))
    assert isinstance(found, Undelivered)
    assert sink.seen == []


def test_text_may_have_a_thousand_characters_and_no_more() -> None:
    with sms_sink() as sink:
        sender = SmsHttpSender(SmsProvider(url=sink.base))
        assert sender.send(Message("sms", NUMBER, "", "t" * 1_000)) is None
        assert isinstance(sender.send(Message("sms", NUMBER, "", "t" * 1_001)), Undelivered)
    assert len(sink.seen) == 1


@pytest.mark.parametrize(
    "url",
    ["http://sms.example.org/canary", "ftp://127.0.0.1/canary", "canary", "https://", "https://u:canary@127.0.0.1/",
     "http://[::1/canary", "https://127.0.0.1:port/canary"],
)  # fmt: skip
def test_unsafe_address_is_refused_and_not_repeated(url: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        SmsHttpSender(SmsProvider(url=url))
    assert "canary" not in str(caught.value)


@pytest.mark.parametrize(
    "lines",
    ["canary", "canary: ", ": canary", "X Y: canary", "X: a\x00canary", "Host: canary", "content-length: 1",
     "Content-Type: canary", "X: canary\nx: canary", "X: \u00e4canary",
     "\n".join(f"X-{number}: canary" for number in range(21))],
)  # fmt: skip
def test_header_that_cannot_be_sent_is_refused_and_not_repeated(lines: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        SmsHttpSender(SmsProvider(url="https://127.0.0.1/", headers=Secret(lines.encode())))
    assert "canary" not in str(caught.value)


@pytest.mark.parametrize(
    "template",
    ["", "canary", "[]", '["{number}{text}"]', '{"to": "{number}"}', '{"text": "{text}"}', '{"{number}": "{text}"}',
     "[" * 4_000, '{"to": "{number}", "text": "{text}", "x": "' + "y" * 4_096 + '"}'],
)  # fmt: skip
def test_template_without_its_places_is_refused(template: str) -> None:
    with pytest.raises(ConfigurationError, match="SMS template"):
        SmsHttpSender(SmsProvider(url="https://127.0.0.1/", template=template))


def test_nothing_shows_the_headers() -> None:
    provider = SmsProvider(url="https://127.0.0.1/", headers=Secret(b"X: canary"))
    assert "canary" not in repr(provider) + repr(SmsHttpSender(provider))
