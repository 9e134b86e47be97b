"""Which ways there are to send people a text, from the settings. Never sends one."""

from typing import TYPE_CHECKING

from watchword.adapters.key_files import read_bounded, readable_by_others
from watchword.adapters.messages.by_channel import SendersByChannel
from watchword.adapters.messages.sms_http import DEFAULT_TEMPLATE, SmsHttpSender, SmsProvider
from watchword.adapters.messages.smtp import SmtpSender, SmtpServer
from watchword.config import ConsoleSettings, mail_password
from watchword.kernel.errors import ConfigurationError
from watchword.kernel.secret import Secret

if TYPE_CHECKING:
    from watchword.accounts.ports import MessageSender
    from watchword.kernel.clock import Clock
    from watchword.kernel.entropy import Entropy


def senders_of(settings: ConsoleSettings, clock: "Clock", entropy: "Entropy") -> SendersByChannel:
    """Make the senders that are set up; none is no fault.

    Raises:
        ConfigurationError: A setting cannot be used.
    """
    senders: list[MessageSender] = []
    if settings.mail_host:
        server = SmtpServer(
            host=settings.mail_host,
            sender=settings.mail_sender,
            port=settings.mail_port,
            security=settings.mail_security,
            user=settings.mail_user,
            password=mail_password() if settings.mail_user else None,
            ca_file=settings.mail_ca,
        )
        senders.append(SmtpSender(server, clock, entropy))
    if settings.sms_url:
        provider = SmsProvider(
            url=settings.sms_url,
            headers=_headers(settings),
            template=settings.sms_template or DEFAULT_TEMPLATE,
            ca_file=settings.sms_ca,
        )
        senders.append(SmsHttpSender(provider))
    return SendersByChannel(senders)


def _headers(settings: ConsoleSettings) -> Secret | None:
    path = settings.sms_headers_file
    if path is None:
        return None
    if readable_by_others(path):
        raise ConfigurationError(f"{path} can be read by others: chmod 600 {path}")
    return Secret(read_bounded(path))
