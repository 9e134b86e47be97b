"""Where, on which symbols and until when a key works. An intersection: each part that is set must hold.

Never resolves names and never trusts a forwarded address: it judges the address it is given.
"""

import ipaddress
import re
from collections.abc import Iterable
from functools import lru_cache
from typing import Final

import msgspec

#: Entries of an IP list. Source: Binance's sub-account and margin key APIs take at most 30 addresses.
NETWORKS_COUNT_MAX: Final = 30
SYMBOLS_COUNT_MAX: Final = 200
#: Callers whose parsed address is remembered, so that a busy bot's address is parsed once.
ADDRESSES_REMEMBERED_MAX: Final = 4_096

_SYMBOL: Final = re.compile(r"[\w.-]{1,20}")


class Network(msgspec.Struct, frozen=True, order=True):
    """A range of addresses, both ends included.

    Attributes:
        version: 4 or 6.
        first: Lowest address as an integer.
        last: Highest address as an integer.
        text: As people read it: `192.0.2.7` or `2001:db8::/32`.
    """

    version: int
    first: int
    last: int
    text: str

    def __str__(self) -> str:
        return self.text


class Restrictions(msgspec.Struct, frozen=True):
    """What narrows a key.

    Attributes:
        networks: Addresses it may be used from; empty means any.
        symbols: Symbols it may trade; empty means all.
        expires_us: Moment from which it is refused, epoch microseconds; 0 means never.
    """

    networks: tuple[Network, ...] = ()
    symbols: frozenset[str] = frozenset()
    expires_us: int = 0

    def allows_address(self, ip: str) -> bool:
        """Whether a request may come from this address; an unreadable address is allowed only where any is."""
        if not self.networks:
            return True
        address = _address(ip)
        if address is None:
            return False
        version, number = address
        # A loop, not any(): this stands on the path of every signed request.
        for network in self.networks:
            if network.first <= number <= network.last and network.version == version:
                return True
        return False

    def expired(self, now_us: int) -> bool:
        """Whether the key's time is over."""
        return 0 < self.expires_us <= now_us


UNRESTRICTED: Final = Restrictions()


class BadRestriction(msgspec.Struct, frozen=True):
    """An entry that cannot stand in an IP or symbol list, and what to write instead."""

    entry: str
    fix: str

    def __str__(self) -> str:
        return f"{self.entry!r}: {self.fix}"


def read_networks(entries: Iterable[str]) -> tuple[Network, ...] | BadRestriction:
    """Read an IP list.

    Args:
        entries: IPv4 or IPv6 addresses or CIDR ranges; an entry may hold several, separated by commas or spaces.

    Returns:
        The networks, sorted and without repetition, or the first entry that cannot stand. An IPv4 address written
        inside IPv6 (`::ffff:192.0.2.7`) becomes the IPv4 address.
    """
    networks: set[Network] = set()
    parts = _split(entries)
    if isinstance(parts, BadRestriction):
        return parts
    for entry in parts:
        network = _network(entry)
        if isinstance(network, BadRestriction):
            return network
        networks.add(network)
    if len(networks) > NETWORKS_COUNT_MAX:
        return BadRestriction(
            f"{len(networks)} entries", f"an IP list has at most {NETWORKS_COUNT_MAX}; use ranges."
        )
    return tuple(sorted(networks))


def holds_every_address(networks: Iterable[Network]) -> bool:
    """Whether these ranges together hold all addresses of a version: then they restrict nothing."""
    free_from = {4: 0, 6: 0}
    for network in sorted(networks):
        if network.first <= free_from[network.version]:
            free_from[network.version] = max(free_from[network.version], network.last + 1)
    return free_from[4] >> 32 > 0 or free_from[6] >> 128 > 0


def read_symbols(entries: Iterable[str]) -> frozenset[str] | BadRestriction:
    """Read a symbol list; an entry may hold several, separated by commas or spaces."""
    symbols: set[str] = set()
    parts = _split(entries)
    if isinstance(parts, BadRestriction):
        return parts
    for entry in parts:
        symbol = entry.upper()
        if not _SYMBOL.fullmatch(symbol):
            return BadRestriction(
                entry, "a symbol is up to 20 letters, digits, '-', '_' or '.', like BTCUSDT."
            )
        symbols.add(symbol)
    if len(symbols) > SYMBOLS_COUNT_MAX:
        return BadRestriction(f"{len(symbols)} symbols", f"a symbol list has at most {SYMBOLS_COUNT_MAX}.")
    return frozenset(symbols)


def _split(entries: Iterable[str]) -> list[str] | BadRestriction:
    """Take entries apart. One with nothing in it (`--ip "$UNSET"`) must not pass for "no restriction"."""
    parts: list[str] = []
    for entry in entries:
        found = entry.replace(",", " ").split()
        if not found:
            return BadRestriction(entry, "nothing is written here; leave the list out to have none.")
        parts += found
    return parts


def _network(entry: str) -> Network | BadRestriction:
    if "%" in entry:
        # A zone may be any text, and callers are judged without theirs: it would look narrower than it is.
        return BadRestriction(entry, "write the address without its zone (what follows '%').")
    try:
        parsed = ipaddress.ip_network(entry, strict=False)
        host = ipaddress.ip_address(entry.partition("/")[0])
    except ValueError:
        return BadRestriction(entry, "write an address (192.0.2.7, 2001:db8::7) or a range (192.0.2.0/24).")
    first, last, version = int(parsed.network_address), int(parsed.broadcast_address), parsed.version
    if int(host) != first and parsed.prefixlen:
        return BadRestriction(entry, f"the address has bits beyond the range; write {parsed} or {host}.")
    if isinstance(parsed, ipaddress.IPv6Network) and parsed.prefixlen >= 96:
        mapped = parsed.network_address.ipv4_mapped
        if mapped is not None:
            inner = ipaddress.IPv4Network((int(mapped), parsed.prefixlen - 96))
            inner_text = str(inner.network_address) if inner.prefixlen == 32 else str(inner)
            return _network(inner_text)
    if parsed.prefixlen == 0:
        return BadRestriction(entry, "this is every address; leave the IP list empty instead.")
    return Network(version, first, last, str(parsed.network_address) if first == last else str(parsed))


@lru_cache(maxsize=ADDRESSES_REMEMBERED_MAX)
def _address(ip: str) -> tuple[int, int] | None:
    """Read a caller's address as (version, number); None where it is not one."""
    try:
        address = ipaddress.ip_address(ip)
    except ValueError:
        return None
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is not None:
        address = address.ipv4_mapped
    return address.version, int(address)
