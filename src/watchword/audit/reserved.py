"""What an intent uses up, so that a ledger that had not written it yet can do it again. Never says what it means.

The one part of an event that is read back and acted upon. So it is written whole, whatever its amounts; what does not have
the shape of what the gateway puts here is cleaned like any other text, and then fits nothing any more.
"""

from typing import Final

import msgspec

from watchword.audit.redaction import (
    IDENTIFIER_LENGTH_MAX,
    RUN_LENGTH_MIN,
    bounded,
    redacted_identifier,
    redacted_text,
)

#: Coin, network, address and tag in one.
DESTINATION_LENGTH_MAX: Final = 1_100

#: Base units, quote units, quote units that count against spend caps, base units that give back; all scaled.
Amounts = tuple[int, int, int, int]


class ReservedGroup(msgspec.Struct, frozen=True, gc=False):
    """Orders of which one can fill.

    Attributes:
        side: BUY or SELL.
        orders: Their client order ids.
    """

    side: str
    orders: tuple[str, ...]


class ReservedLayer(msgspec.Struct, frozen=True, omit_defaults=True, gc=False):
    """What is used up of one key.

    Attributes:
        key: Its id.
        charges: One for each group; empty where the market was not known.
    """

    key: str
    charges: tuple[Amounts, ...] = ()


class Reserved(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """Everything one request uses up.

    Attributes:
        number: Of the reservation in its ledger.
        at_us: When, by the upstream's clock; epoch microseconds.
        layers: The key that asked, then its ancestors.
        symbol: Of the orders.
        base: Base asset; empty where the market was not known.
        quote: Quote asset; empty where the market was not known.
        groups: The orders; empty for a withdrawal.
        list_client_order_id: Of their list; empty for none.
        destination: Of a withdrawal, as `policy.rules.withdrawals` names it.
        amount: Coins of a withdrawal, scaled.
    """

    number: int
    at_us: int
    layers: tuple[ReservedLayer, ...]
    symbol: str = ""
    base: str = ""
    quote: str = ""
    groups: tuple[ReservedGroup, ...] = ()
    list_client_order_id: str = ""
    destination: str = ""
    amount: int = 0


def cleaned_reserved(reserved: Reserved) -> Reserved:
    """Return what may be written: the same object, unless something in it is not what the gateway puts there."""
    if (
        _sound_texts(reserved)
        and type(reserved.number) is int
        and type(reserved.at_us) is int
        and type(reserved.amount) is int
        and type(reserved.layers) is tuple
        and type(reserved.groups) is tuple
        and all(map(_sound_layer, reserved.layers))
        and all(map(_sound_group, reserved.groups))
    ):
        return reserved
    return _rebuilt(reserved)


def _name(text: object, length_max: int = RUN_LENGTH_MIN - 1) -> bool:
    return type(text) is str and len(text) <= length_max and text.isprintable() and "PRIVATE KEY" not in text


def _sound_texts(reserved: Reserved) -> bool:
    texts = (
        reserved.symbol, reserved.base, reserved.quote, reserved.list_client_order_id, reserved.destination
    )  # fmt: skip
    # Usual texts without five calls: they are short together.
    if tuple(map(type, texts)) == _FIVE_TEXTS and _name("".join(texts)):
        return True
    return (
        _name(reserved.symbol, IDENTIFIER_LENGTH_MAX)
        and _name(reserved.base, IDENTIFIER_LENGTH_MAX)
        and _name(reserved.quote, IDENTIFIER_LENGTH_MAX)
        and _name(reserved.list_client_order_id)
        and _name(reserved.destination, DESTINATION_LENGTH_MAX)
    )


def _sound_layer(layer: object) -> bool:
    if type(layer) is not ReservedLayer or not _name(layer.key, IDENTIFIER_LENGTH_MAX):
        return False
    if type(layer.charges) is not tuple:
        return False
    for amounts in layer.charges:
        if type(amounts) is not tuple or tuple(map(type, amounts)) != _FOUR_NUMBERS:
            return False
    return True


def _sound_group(group: object) -> bool:
    if type(group) is not ReservedGroup or not _name(group.side) or type(group.orders) is not tuple:
        return False
    return all(map(_name, group.orders))


def _rebuilt(reserved: Reserved) -> Reserved:
    """Clean text by text; parts of another shape are left out."""
    layers, groups = reserved.layers, reserved.groups
    return Reserved(
        number=_number(reserved.number),
        at_us=_number(reserved.at_us),
        layers=tuple([one for one in layers if _sound_layer(one)]) if type(layers) is tuple else (),
        symbol=redacted_identifier(reserved.symbol),
        base=redacted_identifier(reserved.base),
        quote=redacted_identifier(reserved.quote),
        groups=tuple([one for one in groups if _sound_group(one)]) if type(groups) is tuple else (),
        list_client_order_id=redacted_text(reserved.list_client_order_id),
        destination=bounded(reserved.destination),
        amount=_number(reserved.amount),
    )


def _number(value: object) -> int:
    return value if type(value) is int else 0


_FOUR_NUMBERS: Final = (int, int, int, int)
_FIVE_TEXTS: Final = (str,) * 5
