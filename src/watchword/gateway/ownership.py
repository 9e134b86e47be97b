"""Whether the order or list a request names is the key's own. Asks the upstream where only it can tell; changes nothing.

Why an order id is added to what was named by a client id: after an order is closed, somebody outside may use its name
again, and a cancel by name would then meet that one.

Source: rest-api.md, "If both orderId and origClientOrderId are provided …": the id is searched first.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Final

import msgspec

from watchword.binance.errors import NO_SUCH_ORDER, UNKNOWN_ORDER, WireError
from watchword.binance.params import read_long
from watchword.binance.request import Params
from watchword.gateway.messages import Answer, Refused, Unanswered
from watchword.gateway.ports import ActiveKey, Ledger, OrderRecord

#: Sends one more signed request for the key at hand: endpoint name, parameters without authentication.
Ask = Callable[[str, Params], Awaitable[Answer | Refused | Unanswered]]

REPLACE_FAILED: Final = WireError(
    -2022,
    "Order cancel-replace failed.",
    payload=b'{"cancelResult":"FAILURE","newOrderResult":"NOT_ATTEMPTED",'
    b'"cancelResponse":{"code":-2011,"msg":"Unknown order sent."},"newOrderResponse":null}',
)
AMEND_REJECTED: Final = WireError(-2038, UNKNOWN_ORDER.text)
NO_SUCH_LIST: Final = WireError(-2013, "Order list does not exist.")
#: -1008 and not -1007: nothing was changed, and the request may simply be sent again.
NOT_TOLD: Final = WireError(
    -1008, "Watchword could not ask the exchange whose order this is; nothing was changed. Please try again."
)


class Naming(msgspec.Struct, frozen=True):
    """How an endpoint names an order or a list.

    Attributes:
        id_name: Parameter with the exchange's id.
        client_name: Parameter with the client's; empty where there is none.
        refusal: What the exchange says where there is no such order.
        changes: It must be known to be the key's own. A query goes on unless it is known to be another's: its answer
            says what it is about, and is narrowed.
        of_list: It names a list.
    """

    id_name: str
    client_name: str
    refusal: WireError
    changes: bool = False
    of_list: bool = False


NAMINGS: Final[Mapping[str, Naming]] = MappingProxyType(
    {
        "order.status": Naming("orderId", "origClientOrderId", NO_SUCH_ORDER),
        "order.amendments": Naming("orderId", "", NO_SUCH_ORDER),
        "order.cancel": Naming("orderId", "origClientOrderId", UNKNOWN_ORDER, changes=True),
        "order.cancelReplace": Naming(
            "cancelOrderId", "cancelOrigClientOrderId", REPLACE_FAILED, changes=True
        ),
        "order.amend.keepPriority": Naming("orderId", "origClientOrderId", AMEND_REJECTED, changes=True),
        "orderList.cancel": Naming(
            "orderListId", "listClientOrderId", UNKNOWN_ORDER, changes=True, of_list=True
        ),
    }
)


class Ownership:
    """Answers for one ledger."""

    __slots__ = ("_learn", "_ledger")

    def __init__(self, ledger: Ledger, learn: Callable[[str, str, Params, Answer], None]) -> None:
        """Take the ledger, and what learns from an answer: called with account, endpoint name, parameters, answer."""
        self._ledger = ledger
        self._learn = learn

    async def permit(self, key: ActiveKey, name: str, params: Params, ask: Ask) -> Params | WireError:
        """See `OrderDesk.permit`."""
        naming = NAMINGS.get(name)
        if naming is None or not key.key.own_orders_only:
            return params
        return await self._named(key, naming, params, ask)

    async def _named(self, key: ActiveKey, naming: Naming, params: Params, ask: Ask) -> Params | WireError:
        symbol, id_text = params.get("symbol"), params.get(naming.id_name)
        name = params.get(naming.client_name, "")
        if not symbol or (id_text is None and not name):
            return (
                params  # names nothing: the policy refuses to read it, or the exchange says what is missing
            )
        account = key.key.credential_id
        found: Sequence[OrderRecord] | WireError
        if id_text is None:
            found = self._by_name(account, symbol, name, naming)
            if naming.changes and found and not _number(found[0], naming):
                found = await self._look_up_name(key, symbol, name, naming, ask)
        else:
            number = read_number(id_text)
            if number is None:
                return params  # as above
            found = self._by_id(account, symbol, number, naming)
            if not found and naming.changes and self._nameless(key, symbol, naming):
                found = await self._look_up(key, symbol, number, naming, ask)
        if isinstance(found, WireError):
            return found
        if not found:
            return naming.refusal if naming.changes else params
        if any(record.key_id != key.key.id for record in found):
            return naming.refusal
        if not naming.changes or id_text is not None:
            return params
        return {**params, naming.id_name: str(_number(found[0], naming))}

    def _by_name(self, account: str, symbol: str, name: str, naming: Naming) -> Sequence[OrderRecord]:
        if naming.of_list:
            return [
                record
                for record in self._ledger.open_orders(account)
                if record.list_client_order_id == name and record.symbol == symbol
            ]
        record = self._ledger.order(account, symbol, name)
        return () if record is None else (record,)

    def _by_id(self, account: str, symbol: str, number: int, naming: Naming) -> Sequence[OrderRecord]:
        if naming.of_list:
            return self._ledger.orders_of_list(account, symbol, number)
        record = self._ledger.order_by_id(account, symbol, number)
        return () if record is None else (record,)

    def _nameless(self, key: ActiveKey, symbol: str, naming: Naming) -> bool:
        """Whether the key has an open order whose id is not known yet; else an unknown id cannot be its own."""
        return any(
            record.key_id == key.key.id
            and record.symbol == symbol
            and not (record.list_id if naming.of_list else record.order_id)
            and bool(record.list_client_order_id or not naming.of_list)
            for record in self._ledger.open_orders(key.key.credential_id)
        )

    async def _look_up(
        self, key: ActiveKey, symbol: str, number: int, naming: Naming, ask: Ask
    ) -> Sequence[OrderRecord] | WireError:
        """Have the exchange say which order an id is of; the ledger learns it if it is one of ours."""
        account = key.key.credential_id
        name, query = "order.status", {"symbol": symbol, "orderId": str(number)}
        if naming.of_list:
            name, query = "orderList.status", {"orderListId": str(number)}
        refused = await self._ask(account, name, query, ask)
        return refused or self._by_id(account, symbol, number, naming)

    async def _look_up_name(
        self, key: ActiveKey, symbol: str, name: str, naming: Naming, ask: Ask
    ) -> Sequence[OrderRecord] | WireError:
        """Have the exchange say which order has a name, before it is changed by that name.

        Why: the key's own order may have been rejected because somebody else's has the name, or may yet be.
        """
        account = key.key.credential_id
        if any(
            record.closed or record.key_id != key.key.id
            for record in self._by_name(account, symbol, name, naming)
        ):
            return ()
        endpoint, query = "order.status", {"symbol": symbol, "origClientOrderId": name}
        if naming.of_list:
            endpoint, query = "orderList.status", {"origClientOrderId": name}
        refused = await self._ask(account, endpoint, query, ask)
        found = self._by_name(account, symbol, name, naming)
        return refused or (found if found and _number(found[0], naming) else ())

    async def _ask(self, account: str, name: str, query: Params, ask: Ask) -> WireError | None:
        """Ask, and learn; say why there is nothing to learn."""
        answer = await ask(name, query)
        if isinstance(answer, Refused):
            return answer.wire
        if isinstance(answer, Unanswered):
            return NOT_TOLD
        self._learn(account, name, query, answer)
        return None


def read_number(text: str) -> int | None:
    """Read an id of the exchange as policies read it, zeros before it included; None where it is none."""
    number = read_long("", text)
    return None if isinstance(number, WireError) else number


def _number(record: OrderRecord, naming: Naming) -> int:
    """The exchange's id of an order, or of its list; 0 while unknown."""
    return record.list_id if naming.of_list else record.order_id
