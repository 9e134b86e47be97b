"""SMS to people through a provider's HTTP API: one POST of JSON. Never logs or repeats what it sends, never sends twice.

It blocks until the provider answered: call it from a thread that runs no event loop. What the provider does with an
accepted message is not known here; an answer of 2xx counts as delivered.
"""

import asyncio
import ipaddress
import json
import re
import ssl
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import aiohttp
import msgspec

from watchword.accounts.model import Channel
from watchword.accounts.ports import Message, Undelivered
from watchword.kernel.errors import ConfigurationError
from watchword.kernel.secret import Secret

SENDING_S_MAX: Final = 15.0
TEXT_CHARACTERS_MAX: Final = 1_000
TEMPLATE_CHARACTERS_MAX: Final = 4_096
HEADERS_MAX: Final = 20
NUMBER_PLACE: Final = "{number}"
TEXT_PLACE: Final = "{text}"
DEFAULT_TEMPLATE: Final = '{"to": "{number}", "text": "{text}"}'
#: Source: ITU-T E.164, 6.2.1: at most 15 digits, beginning with a country code.
_NUMBER: Final = re.compile(r"\+[1-9][0-9]{6,14}")
_HEADER_NAME: Final = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]{1,100}")
#: What frames the request is ours to say.
_OURS: Final = frozenset(
    ("content-type", "content-length", "transfer-encoding", "connection", "host", "expect")
)
_OK: Final = range(200, 300)


class SmsProvider(msgspec.Struct, frozen=True, kw_only=True, eq=False):
    """One provider's address and how to ask it.

    Attributes:
        url: https, or http to this machine.
        headers: What lets us use it, as lines `Name: value`.
        template: The JSON body; `{number}` and `{text}` stand inside its strings.
        ca_file: PEM of a further authority; None: the system's.
    """

    url: str
    headers: Secret | None = None
    template: str = DEFAULT_TEMPLATE
    ca_file: Path | None = None


class SmsHttpSender:
    """See `MessageSender`. For the channel `sms`; a subject is not sent."""

    def __init__(self, provider: SmsProvider) -> None:
        """Check the settings; nothing is sent yet.

        Raises:
            ConfigurationError: The settings cannot be used.
        """
        self._host = _checked_host(provider.url)
        self._url = provider.url
        self._headers = _headers(provider.headers)
        self._template = _template(provider.template)
        self._context = _context(provider.ca_file)

    def send(self, message: Message) -> Undelivered | None:
        """See `MessageSender.send`."""
        if not _NUMBER.fullmatch(message.address):
            return Undelivered("the phone number is not an international one, such as +4915112345678")
        if len(message.text) > TEXT_CHARACTERS_MAX:
            return Undelivered("the message is too long for an SMS")
        body = json.dumps(_filled(self._template, message.address, message.text)).encode()
        try:
            status = asyncio.run(self._post(body))
        except aiohttp.ClientConnectorCertificateError:
            return Undelivered(f"the certificate of {self._host} is not trusted")
        except (aiohttp.ClientError, OSError, ValueError) as error:
            return Undelivered(f"{self._host} cannot be used ({type(error).__name__})")
        # The body of the answer may repeat the message: it is not even read.
        return None if status in _OK else Undelivered(f"{self._host} refused the message ({status})")

    def channels(self) -> frozenset[Channel]:
        """See `MessageSender.channels`."""
        return frozenset({"sms"})

    async def _post(self, body: bytes) -> int:
        """Send once and return the status."""
        timeout = aiohttp.ClientTimeout(total=SENDING_S_MAX)
        headers = {**self._headers, "Content-Type": "application/json"}
        connector = aiohttp.TCPConnector(ssl=self._context, force_close=True)
        async with (
            aiohttp.ClientSession(
                connector=connector, timeout=timeout, trust_env=False, cookie_jar=aiohttp.DummyCookieJar()
            ) as session,
            session.post(self._url, data=body, headers=headers, allow_redirects=False) as response,
        ):
            return response.status


def _checked_host(url: str) -> str:
    """Return host and port of an address that may be used. The rest of it may hold a token, so nothing shows it."""
    try:
        address = urlsplit(url)
        port = address.port
    except ValueError:
        raise ConfigurationError("the SMS provider's address cannot be read") from None
    host = address.hostname or ""
    if address.scheme not in {"http", "https"} or not host or address.username is not None:
        raise ConfigurationError("the SMS provider's address is not one such as https://sms.example.org/send")
    if address.scheme == "http" and not _loopback(host):
        raise ConfigurationError(f"SMS over plain http to {host} would show codes to the network; use https")
    return host if port is None else f"{host}:{port}"


def _context(ca_file: Path | None) -> ssl.SSLContext:
    try:
        return ssl.create_default_context(cafile=ca_file)
    except ssl.SSLError as error:
        raise ConfigurationError(f"{ca_file} is no certificate") from error
    except OSError as error:
        raise ConfigurationError(f"cannot read {ca_file}: {error.strerror}") from error


def _headers(given: Secret | None) -> dict[str, str]:
    """Read lines `Name: value`; no error repeats a line."""
    found: dict[str, str] = {}
    try:
        lines = given.reveal().decode("ascii").splitlines() if given is not None else []
    except UnicodeDecodeError:
        raise ConfigurationError("the SMS provider's headers are not plain ASCII text") from None
    for number, line in enumerate(lines, start=1):
        name, colon, value = line.partition(":")
        value = value.strip()
        if not line.strip():
            continue
        if not colon or not _HEADER_NAME.fullmatch(name) or not value.isprintable() or not value:
            raise ConfigurationError(f"line {number} of the SMS provider's headers is not `Name: value`")
        if name.lower() in _OURS or name.lower() in {known.lower() for known in found}:
            raise ConfigurationError(
                f"line {number} of the SMS provider's headers: {name} cannot be given here"
            )
        found[name] = value
    if len(found) > HEADERS_MAX:
        raise ConfigurationError(f"the SMS provider's headers are more than {HEADERS_MAX}")
    return found


def _template(text: str) -> Any:
    """Read the body's template.

    Raises:
        ConfigurationError: It is not JSON, or number or text has no place in it.
    """
    try:
        template = json.loads(text) if len(text) <= TEMPLATE_CHARACTERS_MAX else None
    except (ValueError, RecursionError):
        template = None
    if not isinstance(template, dict):
        raise ConfigurationError("the SMS template is not a JSON object")
    strings = [*_strings(template)]
    for place in (NUMBER_PLACE, TEXT_PLACE):
        if not any(place in string for string in strings):
            raise ConfigurationError(f"the SMS template has no place for {place}")
    return template


def _strings(template: Any) -> list[str]:
    """Gather the strings that are filled: values, never names."""
    match template:
        case str():
            return [template]
        case list():
            return [string for inner in template for string in _strings(inner)]
        case dict():
            return _strings([*template.values()])
        case _:
            return []


def _filled(template: Any, number: str, text: str) -> Any:
    """Put number and text into every string. Filled after parsing, so that no text can end its string."""
    match template:
        case str():
            # The number first: it consists of digits, so it cannot make a place for the text.
            return template.replace(NUMBER_PLACE, number).replace(TEXT_PLACE, text)
        case list():
            return [_filled(inner, number, text) for inner in template]
        case dict():
            return {name: _filled(inner, number, text) for name, inner in template.items()}
        case _:
            return template


def _loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
