"""Mail: encrypted to a server that proved its name, one recipient, no header of somebody else's making."""

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from tests.support.mail_sink import mail_sink
from tests.support.trails import FixedEntropy

from watchword.accounts.ports import Message, Undelivered
from watchword.adapters.certificates import DAY_US, Authority
from watchword.adapters.messages import smtp
from watchword.adapters.messages.smtp import SmtpSender, SmtpServer
from watchword.adapters.server_context import server_context
from watchword.adapters.system import SystemClock
from watchword.gateway.certificate_names import Names
from watchword.kernel.errors import ConfigurationError
from watchword.kernel.secret import Secret

NOW_US = 1_790_000_000_000_000
NAMES = Names(("localhost",), ("127.0.0.1",))
CODE = "408162"
MAIL = Message(
    "mail", "ann@example.org", "Your code \u6d4b\u8bd5", f"Your code is {CODE}.\nGr\u00fc\u00dfe\n"
)


class FixedClock:
    def now_us(self) -> int:
        return NOW_US


@pytest.fixture(scope="module")
def authority() -> Authority:
    return Authority.make("Mail CA", NAMES, SystemClock().now_us(), 30)


@pytest.fixture(scope="module")
def certificate(authority: Authority) -> bytes:
    return authority.issue(NAMES, SystemClock().now_us(), DAY_US)


@pytest.fixture(scope="module")
def ca_file(authority: Authority, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("ca") / "ca.pem"
    path.write_bytes(authority.public_pem())
    return path


def new_sender(port: int, **changed: object) -> SmtpSender:
    values: dict[str, object] = {"host": "127.0.0.1", "port": port, "sender": "watchword@example.org"}
    server = SmtpServer(**(values | changed))  # type: ignore[arg-type]  # changed by name
    return SmtpSender(server, FixedClock(), FixedEntropy(1))


def test_starttls_with_sign_in_delivers_the_mail_as_written(certificate: bytes, ca_file: Path) -> None:
    with mail_sink(starttls=server_context(certificate), sign_in=True) as sink:
        sender = new_sender(sink.port, ca_file=ca_file, user="ww", password=Secret(b"right password"))
        assert sender.send(MAIL) is None
    (envelope,), (mail,) = sink.envelopes, sink.mails
    assert (envelope.mail_from, envelope.rcpt_tos) == ("watchword@example.org", ["ann@example.org"])
    assert (mail["From"], mail["To"], mail["Subject"]) == (
        "watchword@example.org",
        MAIL.address,
        MAIL.subject,
    )
    assert mail.get_content().replace("\r\n", "\n") == MAIL.text
    assert mail["Date"] == "Mon, 21 Sep 2026 14:13:20 -0000"
    assert mail["Auto-Submitted"] == "auto-generated"
    assert mail["Message-ID"].endswith("@example.org>")
    assert sink.logins == [(b"ww", b"right password")]


def test_tls_from_the_first_byte_delivers(certificate: bytes, ca_file: Path) -> None:
    with mail_sink(tls=server_context(certificate)) as sink:
        assert new_sender(sink.port, security="tls", ca_file=ca_file).send(MAIL) is None
    assert len(sink.mails) == 1


def test_server_of_this_machine_may_do_without_tls() -> None:
    with mail_sink() as sink:
        assert new_sender(sink.port, security="none").send(MAIL) is None
    assert len(sink.mails) == 1
    assert new_sender(0).channels() == {"mail"}


@pytest.mark.parametrize("security", ["starttls", "tls"])
def test_certificate_nobody_vouches_for_is_refused(certificate: bytes, security: str) -> None:
    context = server_context(certificate)
    with mail_sink(**{security: context}) as sink:  # type: ignore[arg-type]  # by name
        found = new_sender(sink.port, security=security).send(MAIL)
    assert isinstance(found, Undelivered)
    assert "is not trusted" in found.reason
    assert sink.envelopes == []


@pytest.mark.parametrize("security", ["starttls", "tls"])
def test_certificate_for_another_name_is_refused(authority: Authority, ca_file: Path, security: str) -> None:
    other = authority.issue(Names(("localhost",)), SystemClock().now_us(), DAY_US)
    with mail_sink(**{security: server_context(other)}) as sink:  # type: ignore[arg-type]  # by name
        found = new_sender(sink.port, security=security, ca_file=ca_file).send(MAIL)
    assert isinstance(found, Undelivered)
    assert "is not trusted" in found.reason
    assert sink.envelopes == []


@pytest.mark.filterwarnings("ignore:Requiring AUTH while not requiring TLS")
def test_server_without_starttls_gets_neither_mail_nor_password(ca_file: Path) -> None:
    with mail_sink(sign_in=True) as sink:
        sender = new_sender(sink.port, ca_file=ca_file, user="ww", password=Secret(b"right password"))
        found = sender.send(MAIL)
    assert found == Undelivered(
        "the mail server does not offer what the settings ask for (STARTTLS, signing in)"
    )
    assert (sink.envelopes, sink.logins) == ([], [])


def test_wrong_password_is_said_without_it(certificate: bytes, ca_file: Path) -> None:
    with mail_sink(starttls=server_context(certificate), sign_in=True) as sink:
        sender = new_sender(sink.port, ca_file=ca_file, user="ww", password=Secret(b"canary password"))
        assert sender.send(MAIL) == Undelivered("the mail server refused our user and password (535)")
    assert "canary" not in repr(sender)
    assert sink.envelopes == []
    assert sink.logins == [(b"ww", b"canary password")]


def test_server_that_knows_login_only_is_signed_in_to(certificate: bytes, ca_file: Path) -> None:
    with mail_sink(starttls=server_context(certificate), sign_in=True, without="PLAIN") as sink:
        sender = new_sender(sink.port, ca_file=ca_file, user="ww", password=Secret(b"right password"))
        assert sender.send(MAIL) is None
    assert sink.logins == [(b"ww", b"right password")]


def test_refusal_repeats_nothing_the_server_said() -> None:
    with mail_sink() as sink:
        sink.answer = f"550 no such user, and your code {CODE} is bad"
        assert new_sender(sink.port, security="none").send(MAIL) == Undelivered(
            "the mail server refused the recipient (550)"
        )
    assert sink.envelopes == []


@pytest.mark.parametrize(
    "address",
    [
        "ann@example.org\r\nRCPT TO:<eve@example.org>",
        "ann@example.org, eve@example.org",
        "Ann <ann@example.org>",
        "ann@example.org>",
        "ann",
        "ann@",
        "@example.org",
        "ann@exa mple.org",
        "ann@@example.org",
        "\u00e4nn@example.org",
        "a" * 65 + "@example.org",
        "ann@" + "e" * 251,
        "",
    ],
)
def test_address_that_is_not_one_plain_mailbox_is_refused(address: str) -> None:
    with mail_sink() as sink:
        found = new_sender(sink.port, security="none").send(Message("mail", address, "s", "t"))
    assert found == Undelivered("the mail address is not one that can be written to")
    assert sink.envelopes == []


@pytest.mark.parametrize(
    ("subject", "text"),
    [("a\r\nBcc: eve@example.org", "t"), ("a\nb", "t"), ("a\rb", "t"), ("s" * 201, "t"), ("s", "t" * 20_001)],
)
def test_mail_that_would_grow_a_header_or_is_too_long_is_refused(subject: str, text: str) -> None:
    with mail_sink() as sink:
        sender = new_sender(sink.port, security="none")
        found = sender.send(Message("mail", "ann@example.org", subject, text))
        assert sender.send(Message("mail", "ann@example.org", "s" * 200, "t" * 20_000)) is None
    assert found == Undelivered("the message cannot be written as a mail")
    assert len(sink.envelopes) == 1


def test_dots_and_bare_line_ends_in_the_text_end_no_mail() -> None:
    text = "a\n.\nMAIL FROM:<eve@example.org>\n..b\nlong " + "x" * 2_000 + "\n"
    with mail_sink() as sink:
        assert (
            new_sender(sink.port, security="none").send(Message("mail", "ann@example.org", "s", text)) is None
        )
    (mail,) = sink.mails
    assert mail.get_content().replace("\r\n", "\n") == text


def test_nobody_listening_is_undelivered() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    found = new_sender(port).send(MAIL)
    assert found == Undelivered("the mail server 127.0.0.1 cannot be used (ConnectionRefusedError)")


def test_server_that_hangs_up_is_undelivered() -> None:
    with raw_server(lambda connection: connection.sendall(b"220 hello\r\n")) as port:
        found = new_sender(port, security="none").send(MAIL)
    assert isinstance(found, Undelivered)
    assert "SMTPServerDisconnected" in found.reason


def test_server_that_drips_is_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(smtp, "SENDING_S_MAX", 0.2)
    ended = threading.Event()

    def drip(connection: socket.socket) -> None:
        connection.sendall(b"220 hello\r\n")
        while not ended.wait(0.02):
            connection.sendall(b"250-more\r\n")

    with raw_server(drip) as port:
        found = new_sender(port, security="none").send(MAIL)
        ended.set()
    assert isinstance(found, Undelivered)
    assert "cannot be used" in found.reason


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"host": ""}, "name of a server"),
        ({"sender": "watchword"}, "name of a server"),
        ({"sender": "a@b\r\nX: y"}, "name of a server"),
        ({"host": "mail.example.org", "security": "none"}, "use starttls or tls"),
        ({"user": "ww"}, "both a user"),
        ({"password": Secret(b"canary")}, "both a user"),
        ({"user": "w\u00e4", "password": Secret(b"canary")}, "plain characters"),
        ({"user": "ww", "password": Secret("canary\u00e4".encode())}, "characters"),
        ({"user": "ww", "password": Secret(b"canary\n")}, "characters"),
        ({"user": "ww", "password": Secret(b"")}, "empty"),
        ({"ca_file": Path("/nowhere/ca.pem")}, "cannot read /nowhere/ca.pem"),
        ({"ca_file": Path(__file__)}, "is no certificate"),
    ],
)
def test_setting_that_cannot_be_used_is_named_without_the_password(
    changed: dict[str, object], said: str
) -> None:
    with pytest.raises(ConfigurationError, match=said) as caught:
        new_sender(25, **changed)
    assert "canary" not in str(caught.value)


@contextmanager
def raw_server(serve: Callable[[socket.socket], None]) -> Iterator[int]:
    """Answers one connection as it is told, byte by byte."""

    def run() -> None:
        connection, _ = listening.accept()
        with connection:
            try:
                serve(connection)
            except OSError:
                return

    with socket.create_server(("127.0.0.1", 0)) as listening:
        thread = threading.Thread(target=run, daemon=True)
        thread.start()
        yield listening.getsockname()[1]
        thread.join(10)
