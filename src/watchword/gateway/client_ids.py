"""Which parameters carry client order ids, and ids of our own for those left out. Knows no orders and no owners.

Every order gets an id before it is sent, so that an unknown outcome can be asked about later.

Source: rest-api.md, the parameters of each endpoint that places, lists or amends.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

import msgspec

from watchword.binance.errors import WireError
from watchword.binance.forms import empty
from watchword.binance.params import read_client_id
from watchword.binance.request import Params
from watchword.kernel.entropy import Entropy, alphanumeric

#: Ids made here begin with this, and with the end of the key's id; they are for people to recognise and prove nothing.
PREFIX: Final = "ww"
TAG_LENGTH: Final = 6
RANDOM_LENGTH: Final = 20
LIST_PARAMETER: Final = "listClientOrderId"


class IdNames(msgspec.Struct, frozen=True):
    """Where an endpoint takes client order ids.

    Attributes:
        orders: Of each order it makes or renames.
        listed: It makes a list, which has an id of its own.
        amends: The id is the new name of an order that exists.
    """

    orders: tuple[str, ...]
    listed: bool = False
    amends: bool = False


_SINGLE: Final = IdNames(("newClientOrderId",))
_WORKING_AND_ONE: Final = IdNames(("workingClientOrderId", "pendingClientOrderId"), listed=True)
_WORKING_AND_PAIR: Final = IdNames(
    ("workingClientOrderId", "pendingAboveClientOrderId", "pendingBelowClientOrderId"), listed=True
)
#: By endpoint name. Test orders make nothing and get no ids.
ID_NAMES: Final[Mapping[str, IdNames]] = MappingProxyType(
    {
        "order.place": _SINGLE,
        "sor.order.place": _SINGLE,
        "order.cancelReplace": _SINGLE,
        "order.amend.keepPriority": IdNames(("newClientOrderId",), amends=True),
        "orderList.place": IdNames(("limitClientOrderId", "stopClientOrderId"), listed=True),
        "orderList.place.oco": IdNames(("aboveClientOrderId", "belowClientOrderId"), listed=True),
        "orderList.place.oto": _WORKING_AND_ONE,
        "orderList.place.otoco": _WORKING_AND_PAIR,
        "orderList.place.opo": _WORKING_AND_ONE,
        "orderList.place.opoco": _WORKING_AND_PAIR,
    }
)


def draw_id(entropy: Entropy, key_id: str) -> str:
    """Draw a client order id: 28 characters, 119 random bits."""
    return f"{PREFIX}{key_id[-TAG_LENGTH:]}{alphanumeric(entropy, RANDOM_LENGTH)}"


def with_ids(names: IdNames, params: Params, key_id: str, entropy: Entropy) -> Params | WireError:
    """Fill in every id that was left out.

    Args:
        names: Of the endpoint.
        params: As sent.
        key_id: Whose tag the new ids carry.
        entropy: Where they come from.

    Returns:
        The parameters (the same object where nothing was to add), or Binance's refusal of an id that was sent.
    """
    absent: list[str] = []
    for name in (*names.orders, LIST_PARAMETER) if names.listed else names.orders:
        sent = params.get(name)
        if sent is None:
            absent.append(name)
        elif not sent:
            return empty(name)
        else:
            read = read_client_id(name, sent)
            if isinstance(read, WireError):
                return read
    if not absent:
        return params
    return {**params, **{name: draw_id(entropy, key_id) for name in absent}}


def ids_in(name: str, params: Params) -> tuple[str, ...]:
    """Return the ids of the orders a request makes; empty where it makes none."""
    names = ID_NAMES.get(name)
    if names is None or names.amends:
        return ()
    return tuple([params[parameter] for parameter in names.orders if params.get(parameter)])
