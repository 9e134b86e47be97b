"""What a request reserves: described once, for the trail; and from that description put into the ledger.

One way into the ledger for a request that is just decided and for one that a start reads in the trail. So the second puts
exactly what the first did. Never decides anything.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from watchword.audit.reserved import Reserved, ReservedGroup, ReservedLayer
from watchword.gateway.ports import ActiveKey, Ledger, OrderRecord
from watchword.policy.decision import Allow, Charge
from watchword.policy.intent import Place, Withdraw
from watchword.policy.rules.withdrawals import destination_key
from watchword.policy.usage import Placed, Withdrawn, charge_key

if TYPE_CHECKING:
    from watchword.binance.enums import Side

_NO_MARKET: Final = ("", "")


def reserved_by_place(
    key: ActiveKey, intent: Place, allowed: Sequence[Allow], number: int, now_us: int
) -> Reserved:
    """Describe what an order request uses up.

    Args:
        key: Whose request it is.
        intent: As decided.
        allowed: One per layer, as `decide_each` gave them.
        number: Of the reservation.
        now_us: As decided with.
    """
    charges = allowed[0].charges
    base, quote = (charges[0].base, charges[0].quote) if charges else _NO_MARKET
    return Reserved(
        number=number,
        at_us=now_us,
        layers=tuple(
            [
                ReservedLayer(
                    key_id,
                    tuple([(one.quantity, one.gross, one.charged, one.exempt) for one in allow.charges]),
                )
                for (key_id, _), allow in zip(key.layers, allowed, strict=True)
            ]
        ),
        symbol=intent.symbol,
        base=base,
        quote=quote,
        groups=tuple(
            [
                ReservedGroup(group[0].side, tuple([order.client_order_id for order in group]))
                for group in intent.groups
            ]
        ),
        list_client_order_id=intent.list_client_order_id,
    )


def reserved_by_withdrawal(key: ActiveKey, intent: Withdraw, number: int, now_us: int) -> Reserved:
    """Describe what a withdrawal uses up; see `reserved_by_place`."""
    return Reserved(
        number=number,
        at_us=now_us,
        layers=tuple([ReservedLayer(key_id) for key_id, _ in key.layers]),
        destination=destination_key(intent.coin, intent.network, intent.address, intent.tag),
        amount=intent.amount,
    )


def order_records(credential_id: str, reserved: Reserved) -> tuple[OrderRecord, ...]:
    """The orders of a reservation as the ledger keeps them: those of one group share a charge."""
    symbol, key_id = reserved.symbol, reserved.layers[0].key
    ancestors = tuple([layer.key for layer in reserved.layers[1:]])
    return tuple(
        [
            OrderRecord(
                credential_id,
                symbol,
                name,
                key_id,
                charge_key(symbol, group.orders[0]),
                side=group.side,
                ancestor_ids=ancestors,
                base=reserved.base,
                quote=reserved.quote,
                group=group.orders,
                list_client_order_id=reserved.list_client_order_id,
                placed_us=reserved.at_us,
            )
            for group in reserved.groups
            for name in group.orders
        ]
    )


def fold_reserved(ledger: Ledger, reserved: Reserved) -> None:
    """Fold a reservation into the usage of every layer."""
    if not reserved.groups:
        withdrawn = Withdrawn(reserved.at_us, reserved.destination, reserved.amount)
        for layer in reserved.layers:
            ledger.fold(layer.key, withdrawn)
        return
    count = sum([len(group.orders) for group in reserved.groups])
    for layer in reserved.layers:
        ledger.fold(layer.key, Placed(reserved.at_us, _charges(reserved, layer), count))


def _charges(reserved: Reserved, layer: ReservedLayer) -> tuple[Charge, ...]:
    symbol, charges = reserved.symbol, []
    for group, (quantity, gross, charged, exempt) in zip(reserved.groups, layer.charges, strict=False):
        side: Side = "BUY" if group.side == "BUY" else "SELL"
        charges.append(
            Charge(
                charge_key(symbol, group.orders[0]),
                symbol,
                reserved.base,
                reserved.quote,
                side,
                quantity,
                gross,
                charged,
                exempt,
            )
        )
    return tuple(charges)
