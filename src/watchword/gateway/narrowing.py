"""A child key can never do more than its parent: the comparison at issue, and what holds at every request.

Both are needed. `excess` refuses a child that reaches further, so that its owner is told; `combined` applies what the
ancestors say at each request, so that tightening a parent tightens all that descend from it. Never decides a request.
"""

from collections.abc import Iterable, Sequence
from typing import Final

from watchword.credentials.restriction import Network, Restrictions
from watchword.gateway.virtual_key import VirtualKey
from watchword.policy.narrowing import widenings
from watchword.policy.policy import Policy

#: Where two IP lists have nothing in common: an empty list would mean "from anywhere".
NOWHERE: Final = Network(0, 1, 0, "nowhere")
#: The same for symbols.
NO_SYMBOL: Final = "(none)"


def excess(child: VirtualKey, child_policy: Policy, parent: VirtualKey, parent_policy: Policy) -> str | None:
    """Say in which way a child would reach further than its parent, or None.

    Args:
        child: As it would be.
        child_policy: Read from its text.
        parent: As it stands.
        parent_policy: Read from its text.
    """
    if child.credential_id != parent.credential_id:
        return "a child signs with its parent's credential"
    wider = widenings(child_policy, parent_policy)
    if wider:
        return f"its policy allows more than its parent's: {wider[0]}"
    if not _within(child.restrictions.networks, parent.restrictions.networks):
        return "its IP list reaches further than its parent's"
    if parent.restrictions.symbols and not _chosen(child.restrictions.symbols, parent.restrictions.symbols):
        return "its symbol list reaches further than its parent's"
    if not _at_most(child.restrictions.expires_us, parent.restrictions.expires_us):
        return "it would outlive its parent"
    if parent.own_orders_only and not child.own_orders_only:
        return "it would see orders of others, which its parent does not"
    if not _at_most(child.weight_per_minute_max, parent.weight_per_minute_max):
        return "it could use more request weight than its parent"
    if not _at_most(child.orders_per_10s_max, parent.orders_per_10s_max):
        return "it could place orders faster than its parent"
    return None


def combined(line: Sequence[Restrictions]) -> Restrictions:
    """Return what holds where all of several restrictions hold.

    Args:
        line: Of a key and its ancestors; at least one.
    """
    networks, symbols = line[0].networks, line[0].symbols
    for other in line[1:]:
        networks = _common(networks, other.networks)
        if symbols and other.symbols:
            symbols = (symbols & other.symbols) or frozenset((NO_SYMBOL,))
        else:
            symbols = symbols or other.symbols
    return Restrictions(networks, symbols, tightest(one.expires_us for one in line))


def tightest(bounds: Iterable[int]) -> int:
    """Return the lowest of several bounds of which 0 means "none"."""
    return min((bound for bound in bounds if bound), default=0)


def _at_most(mine: int, theirs: int) -> bool:
    """Whether a bound is no looser than another; 0 is no bound."""
    return not theirs or 0 < mine <= theirs


def _chosen(mine: frozenset[str], theirs: frozenset[str]) -> bool:
    return bool(mine) and mine <= theirs


def _within(mine: tuple[Network, ...], theirs: tuple[Network, ...]) -> bool:
    """Whether each of my addresses is one of theirs; ranges of theirs that touch count as one."""
    if not theirs:
        return True
    spans = _joined(theirs)
    return bool(mine) and all(
        any(
            version == network.version and first <= network.first and network.last <= last
            for version, first, last in spans
        )
        for network in mine
    )


def _joined(networks: tuple[Network, ...]) -> list[tuple[int, int, int]]:
    spans: list[tuple[int, int, int]] = []
    for network in sorted(networks):
        if spans and spans[-1][0] == network.version and network.first <= spans[-1][2] + 1:
            version, first, last = spans[-1]
            spans[-1] = (version, first, max(last, network.last))
        else:
            spans.append((network.version, network.first, network.last))
    return spans


def _common(mine: tuple[Network, ...], theirs: tuple[Network, ...]) -> tuple[Network, ...]:
    """The addresses in both lists. Ranges are CIDR blocks: two are nested, or have nothing in common."""
    if not mine or not theirs:
        return mine or theirs
    both = {
        min(one, other, key=_size)
        for one in mine
        for other in theirs
        if one.version == other.version and one.first <= other.last and other.first <= one.last
    }
    return tuple(sorted(both)) or (NOWHERE,)


def _size(network: Network) -> int:
    return network.last - network.first
