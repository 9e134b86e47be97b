"""What new terms let a key do that the old ones did not. Whoever widens a key shows a fresh second factor first.

Only compares: never judges whether the terms are allowed.
"""

from watchword.credentials.key_record import KeyTerms
from watchword.credentials.restriction import Network


def widened(before: KeyTerms, after: KeyTerms) -> tuple[str, ...]:
    """Name what got wider.

    Args:
        before: The terms as they are; for a new key those of one that may do nothing.
        after: The terms as they would be.

    Returns:
        One short text each, in a fixed order; empty where nothing got wider. A network counts as new unless a
        single one of the old ones holds all of it: at worst a factor is asked for once too often.
    """
    found = [
        f"permission {permission} added" for permission in sorted(after.permissions - before.permissions)
    ]
    old, new = before.restrictions, after.restrictions
    if old.networks and not new.networks:
        found.append("IP list removed")
    elif old.networks:
        found += [f"address {net.text} added" for net in new.networks if not _held(net, old.networks)]
    if old.symbols and not new.symbols:
        found.append("symbol list removed")
    elif old.symbols:
        found += [f"symbol {symbol} added" for symbol in sorted(new.symbols - old.symbols)]
    if old.expires_us and not new.expires_us:
        found.append("expiry removed")
    elif old.expires_us and new.expires_us > old.expires_us:
        found.append("expiry later")
    return tuple(found)


def _held(network: Network, by: tuple[Network, ...]) -> bool:
    """Whether one of these ranges holds all of a network."""
    return any(
        held.version == network.version and held.first <= network.first and network.last <= held.last
        for held in by
    )
