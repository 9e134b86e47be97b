"""What to ask the exchange about a request whose outcome is not known. Pure: reads intents and the ledger, sends nothing."""

from collections.abc import Sequence
from typing import Final

import msgspec

from watchword.audit.event import Intent
from watchword.binance.endpoints import Endpoint, classify, for_ws
from watchword.binance.request import Params
from watchword.gateway.client_ids import ids_in
from watchword.gateway.ownership import NAMINGS, read_number
from watchword.gateway.ports import Ledger, OrderRecord

FIRST_WAIT_US: Final = 1_000_000


class Question(msgspec.Struct, frozen=True):
    """A request whose outcome is to be found out.

    Attributes:
        row: Of its intent.
        intent: As recorded.
        name: Its endpoint.
        due_us: When to ask next.
        wait_us: How long to wait after that.
    """

    row: int
    intent: Intent
    name: str
    due_us: int
    wait_us: int = FIRST_WAIT_US


def endpoint_name(endpoint: str) -> str:
    """Find an endpoint's name from what an intent recorded: `METHOD /path`, or a WebSocket API method."""
    method, _, path = endpoint.partition(" ")
    found = classify(method, path) if path else for_ws(endpoint)
    return found.name if isinstance(found, Endpoint) else endpoint


def only_reads(name: str) -> bool:
    """Whether an endpoint changes nothing."""
    found = for_ws(name)
    if found is not None:
        return found.security != "TRADE"
    return name.startswith(("GET ", "sapi."))


def askable(name: str, intent: Intent) -> bool:
    """Whether a request was about orders that can be asked for by name."""
    if only_reads(name) or not intent.parameters.get("symbol"):
        return False
    if ids_in(name, intent.parameters):
        return True
    naming = NAMINGS.get(name)
    if naming is None:
        return False
    return bool(intent.parameters.get(naming.id_name) or intent.parameters.get(naming.client_name))


def order_query(ledger: Ledger, credential_id: str, symbol: str, client_order_id: str) -> Params:
    """Ask for an order by the exchange's id where it is known: names are used again."""
    record = ledger.open_order(credential_id, symbol, client_order_id)
    if record is not None and record.order_id:
        return {"symbol": symbol, "orderId": str(record.order_id)}
    return {"symbol": symbol, "origClientOrderId": client_order_id}


def order_queries(ledger: Ledger, question: Question) -> list[Params]:
    """One query for each order a request was about."""
    intent, name = question.intent, question.name
    account, symbol = intent.credential, intent.parameters.get("symbol", "")
    made = ids_in(name, intent.parameters)
    if made:
        return [order_query(ledger, account, symbol, client_order_id) for client_order_id in made]
    naming = NAMINGS.get(name)
    if naming is None:
        return []
    if naming.of_list:
        return [order_query(ledger, account, symbol, one.client_order_id) for one in _listed(ledger, intent)]
    if naming.id_name in intent.parameters:
        return [{"symbol": symbol, "orderId": intent.parameters[naming.id_name]}]
    return [order_query(ledger, account, symbol, intent.parameters[naming.client_name])]


def record_asked(ledger: Ledger, credential_id: str, params: Params) -> OrderRecord | None:
    """Return the order a query of `order_query` is about."""
    symbol, text = params["symbol"], params.get("orderId")
    if text is not None:
        number = read_number(text)
        return ledger.order_by_id(credential_id, symbol, number) if number is not None else None
    return ledger.open_order(credential_id, symbol, params["origClientOrderId"])


def _listed(ledger: Ledger, intent: Intent) -> Sequence[OrderRecord]:
    symbol = intent.parameters.get("symbol", "")
    list_id = read_number(intent.parameters.get("orderListId", ""))
    if list_id is not None:
        return ledger.orders_of_list(intent.credential, symbol, list_id)
    name = intent.parameters.get("listClientOrderId")
    return [
        record
        for record in ledger.open_orders(intent.credential)
        if name and record.list_client_order_id == name and record.symbol == symbol
    ]
