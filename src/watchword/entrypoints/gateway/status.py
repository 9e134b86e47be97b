"""How a running gateway is, for its admin socket: vault, trail, clock, connections. Reads only, never a secret."""

from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from watchword.bootstrap.gateway import Gateway
    from watchword.entrypoints.gateway.door import Door


class SinkView(msgspec.Struct, frozen=True):
    """One sink of the audit trail.

    Attributes:
        name: Where it writes.
        trouble: Why it takes nothing new, or None.
        stored: Last row it has.
    """

    name: str
    trouble: str | None
    stored: int


class GatewayView(msgspec.Struct, frozen=True, kw_only=True):
    """How a gateway is.

    Attributes:
        upstream: The one exchange.
        upstream_rest: Its REST address.
        sealed: Whether nothing can be signed.
        refuses: Why changes are refused right now, or None.
        clock_offset_us: The upstream's time minus the machine's; None before the first measurement.
        clock_error_us: How wrong that can be.
        audit_row: Last row of the audit trail.
        audit_refused: Requests refused because no record could be made.
        sinks: Of the audit trail.
        keys: Virtual keys in use.
        accounts: Real credentials whose events are followed.
        accounts_steady: How many of these events come.
        open_orders: Orders of virtual keys that are not known to be closed.
        connections: Of clients, WebSockets included.
        in_flight: Requests being answered.
    """

    upstream: str
    upstream_rest: str
    sealed: bool
    refuses: str | None
    clock_offset_us: int | None
    clock_error_us: int | None
    audit_row: int
    audit_refused: int
    sinks: list[SinkView]
    keys: int
    accounts: int
    accounts_steady: int
    open_orders: int
    connections: int
    in_flight: int


def view(gateway: "Gateway", door: "Door") -> GatewayView:
    """Look at a running gateway.

    Args:
        gateway: Started.
        door: Its doors.
    """
    trail = gateway.trail.status()
    followed = gateway.accounts.followed
    return GatewayView(
        upstream=gateway.settings.upstream,
        upstream_rest=gateway.addresses.rest,
        sealed=gateway.host.vault.sealed,
        refuses=_refuses(gateway),
        clock_offset_us=gateway.time.offset_us(),
        clock_error_us=gateway.time.error_us(),
        audit_row=trail.row,
        audit_refused=trail.refused,
        sinks=[SinkView(sink.name, sink.trouble, sink.stored) for sink in trail.sinks],
        keys=sum(not key.revoked_us for key in gateway.keys.listed()),
        accounts=len(followed),
        accounts_steady=sum(gateway.accounts.steady(one) for one in followed),
        open_orders=len(gateway.ledger.open_orders()),
        connections=len(door.sockets),
        in_flight=len(door.tasks),
    )


def _refuses(gateway: "Gateway") -> str | None:
    """Say what comes first of the reasons a change would be refused for."""
    if gateway.host.vault.sealed:
        return "the vault is sealed"
    return gateway.time.trouble() or gateway.trail.unavailable(only_cancels=False) or gateway.ledger.trouble()
