"""What the gateway needs from outside: keys, signers, the market, the time upstream, a place for what keys have used.

Prefetch, then decide: the pipeline awaits these, then calls pure functions. The trail's port is `audit.trail`.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import Protocol

import msgspec

from watchword.credentials.model import Credential
from watchword.credentials.signer import Signer
from watchword.gateway.messages import Answer, DoorKind, Outbound, Unanswered
from watchword.gateway.virtual_key import VirtualKey
from watchword.policy.policy import Policy
from watchword.policy.references import References
from watchword.policy.usage import Event, Usage
from watchword.vault.outcome import NotFound, Sealed
from watchword.vault.record import RealCredential


class ActiveKey(msgspec.Struct, frozen=True):
    """A virtual key ready for use.

    Attributes:
        key: As issued, but for what its ancestors hold tighter: own orders only, and budgets.
        layers: (key id, policy) of the key and of each ancestor, the key first. Every layer must allow.
    """

    key: VirtualKey
    layers: tuple[tuple[str, Policy], ...]


class VirtualKeys(Protocol):
    """Virtual keys, answered from memory. It is also a `credentials.ports.CredentialDirectory`.

    When unavailable: refuse.

    Attributes:
        on_changed: Called with a key's id after it, or an ancestor, was edited, rolled or revoked.
    """

    on_changed: list[Callable[[str], None]]

    def find(self, api_key: str) -> Credential | None:
        """Return the credential behind a virtual API key; None where it is unknown, revoked, ended, or an ancestor is.

        Its restrictions are those of the key and all its ancestors together.
        """
        ...

    def active(self, api_key: str) -> ActiveKey | None:
        """Return the key of an API key that `find` finds."""
        ...

    def absence(self, api_key: str) -> str:
        """Say in a word or two why `find` finds nothing, for the trail: unknown key, revoked."""
        ...

    def by_id(self, key_id: str) -> VirtualKey | None:
        """Return a key, revoked or not."""
        ...

    def touch(self, key_id: str, ip: str, now_us: int) -> None:
        """Remember that it was used; written later, now and then."""
        ...


class Signers(Protocol):
    """The vault, as far as the gateway needs it.

    When unavailable: refuse.
    """

    @property
    def sealed(self) -> bool:
        """Whether nothing can be signed."""
        ...

    def signer_for(self, credential_id: str) -> Signer | Sealed | NotFound:
        """Lend the signer of a real credential."""
        ...

    def record(self, credential_id: str) -> RealCredential | Sealed | NotFound:
        """Return a credential's authenticated record."""
        ...


class UpstreamTime(Protocol):
    """The upstream's clock, estimated. Anchored to the machine's monotonic clock.

    When unavailable: refuse changes.
    """

    def now_us(self) -> int:
        """Return the upstream's time, epoch microseconds; the machine's own time before the first measurement."""
        ...

    def trouble(self) -> str | None:
        """Say why no change may be signed now (estimate too old, clock stepped), or None."""
        ...


class MarketReferences(Protocol):
    """The upstream's market as the policies need it.

    When unavailable: say so by leaving a symbol out; rules then deny.
    """

    async def follow(self, symbols: Iterable[str]) -> None:
        """Begin to follow symbols; returns at once for those known, else when they are known or after a bound."""
        ...

    def references(self, symbols: Iterable[str], now_us: int) -> References:
        """Return what is known about symbols."""
        ...


class OrderRecord(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """An order somebody placed through the gateway.

    Attributes:
        credential_id: On whose account.
        symbol: Where.
        client_order_id: As sent upstream.
        key_id: Which virtual key placed it.
        charge_key: Under which `Usage.open` holds its reservation; shared by orders of one group.
        order_id: The exchange's; 0 while unknown.
        list_id: The exchange's id of its list; 0 for none or unknown.
        side: BUY or SELL.
        executed: Base units executed so far, scaled.
        amount: Quote units executed so far, scaled.
        closed: Nothing of it can fill any more.
        ancestor_ids: Keys above `key_id`, whose usage it counts in as well.
        base: Base asset; empty where the market was not known.
        quote: Quote asset; empty where the market was not known.
        group: Client order ids of all orders under `charge_key`, this one among them.
        list_client_order_id: The list's own id; empty for none.
        commission: Base units of commission known so far, scaled.
        placed_us: When it was put here, epoch microseconds.
    """

    credential_id: str
    symbol: str
    client_order_id: str
    key_id: str
    charge_key: str
    order_id: int = 0
    list_id: int = 0
    side: str = ""
    executed: int = 0
    amount: int = 0
    closed: bool = False
    ancestor_ids: tuple[str, ...] = ()
    base: str = ""
    quote: str = ""
    group: tuple[str, ...] = ()
    list_client_order_id: str = ""
    commission: int = 0
    placed_us: int = 0


class Ledger(Protocol):
    """What keys have used up, and which orders are theirs. Memory first, disk soon.

    Nobody waits for it: a start puts in what only the trail has; see `redoing.py`.

    When unavailable: refuse what places orders; cancels go on.
    """

    def usage(self, key_id: str) -> Usage:
        """Return a key's usage."""
        ...

    def next_reservation(self) -> int:
        """Number a reservation; what is put and folded before its caller next waits belongs to it."""
        ...

    def fold(self, key_id: str, event: Event) -> None:
        """Fold an event into a key's usage, in memory at once, on disk soon."""
        ...

    def put_order(self, record: OrderRecord) -> None:
        """Add or replace an order, in memory at once, on disk soon.

        It replaces the order with the same order id, or that with the same client order id unless both have an order
        id and they differ, or the stored one has one and this has none: client order ids are used again.
        """
        ...

    def order(self, credential_id: str, symbol: str, client_order_id: str) -> OrderRecord | None:
        """Find the latest order with a client order id, open or closed, also on disk."""
        ...

    def open_order(self, credential_id: str, symbol: str, client_order_id: str) -> OrderRecord | None:
        """Find an order that is not known to be closed by its client order id; from memory alone."""
        ...

    def order_by_id(
        self, credential_id: str, symbol: str, order_id: int, *, on_disk: bool = True
    ) -> OrderRecord | None:
        """Find an order by the exchange's id; `on_disk=False` looks in memory alone."""
        ...

    def orders_of_list(self, credential_id: str, symbol: str, list_id: int) -> Sequence[OrderRecord]:
        """Return the orders of a list."""
        ...

    def open_orders(self, credential_id: str | None = None) -> Sequence[OrderRecord]:
        """Return orders that are not known to be closed, of one account or of all."""
        ...

    def full(self) -> bool:
        """Say whether so many orders are open that no further one may be placed."""
        ...

    def trouble(self) -> str | None:
        """Say why nothing more may be reserved (what was is not being written), or None."""
        ...


class Link(Protocol):
    """A way to the upstream: the shared HTTP client, or the one WebSocket API connection of one client connection.

    When unavailable: answer `Unanswered`; never raise, never send twice, never follow a redirect.
    """

    @property
    def door(self) -> DoorKind:
        """Which kind of request it takes."""
        ...

    async def send(self, request: Outbound) -> Answer | Unanswered:
        """Send one request and wait, within a bound, for its answer."""
        ...


class WaitingRoom(Protocol):
    """Where held requests wait for people.

    When unavailable: cannot be; nobody waits longer than the span.
    """

    async def wait(self, name: str, span_us: int) -> None:
        """Return once the name is called, or after the span. A name is waited for once, and before it is called."""
        ...

    def call(self, name: str) -> None:
        """Let whoever waits under a name go on; nothing where nobody does."""
        ...
