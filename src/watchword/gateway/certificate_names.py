"""What a server certificate may speak for: host names and addresses as people type them, checked. Makes no certificate."""

import ipaddress
import re
from collections.abc import Iterable
from typing import Final

import msgspec

from watchword.kernel.errors import ConfigurationError

NAMES_MAX: Final = 64
HOST_LENGTH_MAX: Final = 253
_LABEL: Final = r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?"
_HOST: Final = re.compile(rf"{_LABEL}(?:\.{_LABEL})*")


class Names(msgspec.Struct, frozen=True):
    """What a certificate speaks for.

    Attributes:
        hosts: DNS names in lower case, without a dot at the end; at least one.
        addresses: IP addresses in their canonical text.
    """

    hosts: tuple[str, ...]
    addresses: tuple[str, ...] = ()


def read_names(hosts: Iterable[str], addresses: Iterable[str]) -> Names:
    """Check and normalise names.

    Raises:
        ConfigurationError: One is not a host name or not an address, or there are too many or none.
    """
    read_hosts = tuple(dict.fromkeys(_host(text) for text in hosts))
    read_addresses = tuple(dict.fromkeys(_address(text) for text in addresses))
    if not read_hosts or len(read_hosts) + len(read_addresses) > NAMES_MAX:
        raise ConfigurationError(
            f"a certificate has 1 to {NAMES_MAX} names, at least one of them a host name"
        )
    return Names(read_hosts, read_addresses)


def _host(text: str) -> str:
    host = text.strip().lower().removesuffix(".")
    if len(host) > HOST_LENGTH_MAX or not _HOST.fullmatch(host):
        raise ConfigurationError(f"not a host name: {text!r} (letters, digits, hyphens, dots; no wildcard)")
    if host.rpartition(".")[2].isdigit():
        raise ConfigurationError(f"{text!r} looks like an address; give it with --ip")
    return host


def _address(text: str) -> str:
    try:
        return str(ipaddress.ip_address(text.strip()))
    except ValueError as error:
        raise ConfigurationError(f"not an IP address: {text!r}") from error
