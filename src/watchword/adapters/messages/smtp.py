"""Mail to people through one SMTP server, encrypted and its certificate verified. Never logs or repeats what it sends.

It blocks until the server took the mail or not: call it from a thread. Nothing is sent twice and nothing is queued.

Source: RFC 5321 (SMTP), RFC 3207 (STARTTLS), RFC 8314 (TLS from the first byte), RFC 4954 (AUTH), RFC 3834 (`Auto-Submitted`).
"""

import ipaddress
import re
import smtplib
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from email.message import EmailMessage
from email.policy import SMTP as SMTP_POLICY
from email.utils import formatdate
from pathlib import Path
from typing import Final, Literal

import msgspec

from watchword.accounts.model import Channel
from watchword.accounts.ports import Message, Undelivered
from watchword.kernel.clock import Clock
from watchword.kernel.entropy import Entropy
from watchword.kernel.errors import ConfigurationError
from watchword.kernel.secret import Secret

MailSecurity = Literal["starttls", "tls", "none"]

STEP_S: Final = 10.0
SENDING_S_MAX: Final = 30.0
SUBJECT_CHARACTERS_MAX: Final = 200
TEXT_CHARACTERS_MAX: Final = 20_000
ADDRESS_CHARACTERS_MAX: Final = 254
PORTS: Final[dict[MailSecurity, int]] = {"starttls": 587, "tls": 465, "none": 25}
_MESSAGE_ID_BYTES: Final = 16
_SECOND_US: Final = 1_000_000
#: One plain mailbox: nothing that could end a command line, a header or an address.
_ADDRESS: Final = re.compile(
    r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?"
)
#: A name that does not ask the network what this machine is called. Source: RFC 5321, 4.1.3 and 4.1.4.
_OUR_NAME: Final = "[127.0.0.1]"


class SmtpServer(msgspec.Struct, frozen=True, kw_only=True, eq=False):
    """One mail server.

    Attributes:
        host: Name or address; the certificate must be for it.
        sender: Our address, in the envelope and in `From`.
        port: 0 takes the usual one of `security`.
        security: `starttls`, `tls` (from the first byte), or `none`, which only this machine's own server may have.
        user: Empty: without signing in.
        password: Of that user.
        ca_file: PEM of a further authority; None: the system's.
    """

    host: str
    sender: str
    port: int = 0
    security: MailSecurity = "starttls"
    user: str = ""
    password: Secret | None = None
    ca_file: Path | None = None


class SmtpSender:
    """See `MessageSender`. For the channel `mail`."""

    def __init__(self, server: SmtpServer, clock: Clock, entropy: Entropy) -> None:
        """Check the settings; nothing is sent yet.

        Args:
            server: Where mails go.
            clock: For `Date`.
            entropy: For `Message-ID`.

        Raises:
            ConfigurationError: The settings cannot be used.
        """
        if not server.host or not _is_address(server.sender):
            raise ConfigurationError(
                "mail needs the name of a server, and a sender such as watchword@example.org"
            )
        if server.security == "none" and not _loopback(server.host):
            raise ConfigurationError(
                f"mail to {server.host} would show codes to the network; use starttls or tls"
            )
        if bool(server.user) ^ (server.password is not None) or not _plain(server.user):
            raise ConfigurationError("mail needs both a user of plain characters and a password, or neither")
        self._server = server
        self._port = server.port or PORTS[server.security]
        self._clock = clock
        self._entropy = entropy
        self._password = _ascii(server.password)
        self._context = None if server.security == "none" else _context(server.ca_file)

    def send(self, message: Message) -> Undelivered | None:
        """See `MessageSender.send`."""
        if not _is_address(message.address):
            return Undelivered("the mail address is not one that can be written to")
        try:
            written = self._written(message)
        except ValueError:
            return Undelivered("the message cannot be written as a mail")
        # What the server says may repeat what was sent to it, a code included: only its number is passed on.
        try:
            with self._session() as session:
                session.sendmail(self._server.sender, [message.address], written)
        except smtplib.SMTPRecipientsRefused as refused:
            return Undelivered(f"the mail server refused the recipient ({_codes(refused)})")
        except smtplib.SMTPAuthenticationError as error:
            return Undelivered(f"the mail server refused our user and password ({error.smtp_code})")
        except smtplib.SMTPNotSupportedError:
            return Undelivered(
                "the mail server does not offer what the settings ask for (STARTTLS, signing in)"
            )
        except smtplib.SMTPResponseException as error:
            return Undelivered(f"the mail server refused the mail ({error.smtp_code})")
        except ssl.SSLCertVerificationError as error:
            return Undelivered(
                f"the certificate of {self._server.host} is not trusted: {error.verify_message}"
            )
        except (OSError, smtplib.SMTPException, ValueError) as error:
            return Undelivered(f"the mail server {self._server.host} cannot be used ({type(error).__name__})")
        return None

    def channels(self) -> frozenset[Channel]:
        """See `MessageSender.channels`."""
        return frozenset({"mail"})

    @contextmanager
    def _session(self) -> Iterator[smtplib.SMTP]:
        """Connect, encrypt, sign in; end it when it takes too long in all."""
        host, port = self._server.host, self._port
        session = (
            smtplib.SMTP_SSL(host, port, _OUR_NAME, timeout=STEP_S, context=self._context)
            if self._server.security == "tls"
            else smtplib.SMTP(host, port, _OUR_NAME, timeout=STEP_S)
        )
        watch = threading.Timer(SENDING_S_MAX, _cut, (session,))
        watch.daemon = True
        watch.start()
        try:
            if self._server.security == "starttls":
                session.starttls(context=self._context)
            if self._password:
                _sign_in(session, self._server.user, self._password)
            yield session
            # The mail is taken: how the server says good-bye changes nothing.
            with suppress(OSError, smtplib.SMTPException):
                session.quit()
        finally:
            watch.cancel()
            session.close()

    def _written(self, message: Message) -> bytes:
        """Write the mail out.

        Raises:
            ValueError: The subject would start a header of its own, or a text is too long.
        """
        if len(message.subject) > SUBJECT_CHARACTERS_MAX or len(message.text) > TEXT_CHARACTERS_MAX:
            raise ValueError("too long")
        mail = EmailMessage(policy=SMTP_POLICY)
        mail["From"] = self._server.sender
        mail["To"] = message.address
        mail["Subject"] = message.subject
        mail["Date"] = formatdate(self._clock.now_us() // _SECOND_US)
        domain = self._server.sender.rpartition("@")[2]
        mail["Message-ID"] = f"<{self._entropy.token(_MESSAGE_ID_BYTES).hex()}@{domain}>"
        mail["Auto-Submitted"] = "auto-generated"
        mail.set_content(message.text)
        return mail.as_bytes()


def _sign_in(session: smtplib.SMTP, user: str, password: str) -> None:
    """Show user and password once. What the library would do is show them again in every way the server knows.

    Raises:
        smtplib.SMTPException: They were refused, or the server knows neither way.
    """
    session.ehlo_or_helo_if_needed()
    offered = session.esmtp_features.get("auth", "").upper().split()
    session.user, session.password = user, password
    if "PLAIN" in offered:
        session.auth("PLAIN", session.auth_plain)
    elif "LOGIN" in offered:
        session.auth("LOGIN", session.auth_login)
    else:
        raise smtplib.SMTPNotSupportedError


def _cut(session: smtplib.SMTP) -> None:
    """Wake whoever waits for a server that answers a byte at a time."""
    connection = session.sock
    if connection is not None:
        with suppress(OSError):
            connection.shutdown(socket.SHUT_RDWR)


def _is_address(text: str) -> bool:
    return len(text) <= ADDRESS_CHARACTERS_MAX and _ADDRESS.fullmatch(text) is not None


def _plain(text: str) -> bool:
    return text.isascii() and text.isprintable()


def _ascii(password: Secret | None) -> str:
    if password is None:
        return ""
    try:
        text = password.reveal().decode("ascii")
    except UnicodeDecodeError:
        text = ""
    if not _plain(text) or not text:
        raise ConfigurationError("the mail password is empty or has characters that SMTP cannot carry")
    return text


def _context(ca_file: Path | None) -> ssl.SSLContext:
    try:
        return ssl.create_default_context(cafile=ca_file)
    except ssl.SSLError as error:
        raise ConfigurationError(f"{ca_file} is no certificate") from error
    except OSError as error:
        raise ConfigurationError(f"cannot read {ca_file}: {error.strerror}") from error


def _codes(refused: smtplib.SMTPRecipientsRefused) -> str:
    return ", ".join(sorted({str(code) for code, _ in refused.recipients.values()}))


def _loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
