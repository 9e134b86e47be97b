"""A mail server of the test's own, which keeps what it takes."""

import asyncio
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import SMTP as SMTP_POLICY
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult, Envelope, LoginPassword


class MailSink:
    """Takes mails, or refuses them as it was told.

    Attributes:
        envelopes: What was taken.
        logins: Users and passwords that were shown.
        answer: What the recipient is answered instead of being taken.
    """

    def __init__(self) -> None:
        self.envelopes: list[Envelope] = []
        self.logins: list[tuple[bytes, bytes]] = []
        self.answer: str | None = None
        self.port = 0

    @property
    def mails(self) -> list[EmailMessage]:
        """What was taken, parsed."""
        return [_parsed(envelope.original_content or b"") for envelope in self.envelopes]

    async def handle_RCPT(  # noqa: N802 - the server's name for it
        self, _server: Any, _session: Any, envelope: Envelope, address: str, _options: Any
    ) -> str:
        if self.answer is not None:
            return self.answer
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Envelope) -> str:  # noqa: N802 - as above
        self.envelopes.append(envelope)
        return "250 OK"

    def check(self, _server: Any, _session: Any, _envelope: Any, _mechanism: str, shown: Any) -> AuthResult:
        assert isinstance(shown, LoginPassword)
        self.logins.append((shown.login, shown.password))
        # Not handled: the server itself says so then.
        return AuthResult(success=shown.password == b"right password", handled=False)


class _AnyPort(Controller):
    """Listens where the kernel says."""

    def _trigger_server(self) -> None:
        assert isinstance(self.server, asyncio.Server)
        self.port = self.server.sockets[0].getsockname()[1]
        super()._trigger_server()  # type: ignore[no-untyped-call]  # the library's


@contextmanager
def mail_sink(
    *,
    starttls: ssl.SSLContext | None = None,
    tls: ssl.SSLContext | None = None,
    sign_in: bool = False,
    without: str = "",
) -> Iterator[MailSink]:
    """Run one; with `sign_in` it takes mails only from those who showed the right password, `without` one way to."""
    sink = MailSink()
    options: dict[str, Any] = {"auth_require_tls": starttls is not None}
    if sign_in:
        options |= {"auth_required": True, "authenticator": sink.check, "auth_exclude_mechanism": [without]}
    if starttls is not None:
        options |= {"tls_context": starttls, "require_starttls": True}
    controller = _AnyPort(sink, hostname="127.0.0.1", port=0, ssl_context=tls, ready_timeout=10, **options)
    controller.start()
    sink.port = controller.port
    try:
        yield sink
    finally:
        controller.stop()


def _parsed(content: bytes) -> EmailMessage:
    message = message_from_bytes(content, policy=SMTP_POLICY)
    assert isinstance(message, EmailMessage)
    return message
