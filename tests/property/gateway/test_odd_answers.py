"""Whatever the upstream says, reading it never raises, and what cannot be read is not shown."""

import json
from typing import Any, Final

from hypothesis import given
from hypothesis import strategies as st
from tests.support.desk_floor import CREDENTIAL, active_key

from watchword.adapters.memory.ledger import MemoryLedger
from watchword.adapters.system import SystemEntropy
from watchword.binance.endpoints import ENDPOINTS
from watchword.binance.errors import WireError
from watchword.gateway.answers import orders_seen, read_rows
from watchword.gateway.client_ids import ID_NAMES, draw_id
from watchword.gateway.events import event_orders, read_event
from watchword.gateway.messages import Answer
from watchword.gateway.order_desk import OrderDesk
from watchword.gateway.ports import OrderRecord
from watchword.kernel.entropy import ALPHANUMERICS

ALICE: Final = active_key("alice")
NOW_US: Final = 1_767_614_400_000_000
NAMES: Final = tuple(endpoint.name for endpoint in ENDPOINTS)

members = st.sampled_from(
    ("symbol", "orderId", "clientOrderId", "origClientOrderId", "status", "executedQty", "cummulativeQuoteQty",
     "fills", "orders", "orderReports", "amendedOrder", "data", "newOrderResponse", "code", "e", "c", "C", "s",
     "i", "x", "X", "z", "Z", "n", "N", "O", "g", "event", "subscriptionId", "time", "transactTime")
)  # fmt: skip
leaves = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**70), 2**70),
    st.floats(allow_nan=False, allow_infinity=False),
    st.sampled_from(
        ("", "a", "BTCUSDT", "FILLED", "NEW", "1.5", "-1", "1e3", "9" * 40, "executionReport", "listStatus")
    ),
    st.text(max_size=5),
)
values = st.recursive(
    leaves,
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(members, inner, max_size=8)),
    max_leaves=20,
)
bodies = st.one_of(values.map(lambda value: json.dumps(value).encode()), st.binary(max_size=60))


def desk() -> OrderDesk:
    ledger = MemoryLedger()
    ledger.put_order(
        OrderRecord(CREDENTIAL, "BTCUSDT", "a", ALICE.key.id, "BTCUSDT a", side="BUY", group=("a",))
    )
    return OrderDesk(ledger, SystemEntropy())


@given(bodies, st.sampled_from(NAMES), st.sampled_from((200, 400, 409, 429, 503)), st.booleans())
def test_answers_never_raise(body: bytes, name: str, status: int, packed: bool) -> None:
    headers = ((b"content-encoding", b"gzip"),) if packed else ()
    answer = Answer(status=status, body=body, headers=headers)
    made = desk()
    made.observe(CREDENTIAL, name, {"symbol": "BTCUSDT", "newClientOrderId": "a"}, answer, NOW_US)
    shown = made.narrow(ALICE, name, answer)
    assert isinstance(shown, Answer | WireError)


@given(bodies)
def test_events_never_raise(event: bytes) -> None:
    made = desk()
    made.observe_event(CREDENTIAL, event, NOW_US)
    shown = made.admit_event(ALICE, event, NOW_US)
    assert shown is None or shown is event


@given(values)
def test_what_is_read_is_what_is_there(value: Any) -> None:
    body = json.dumps(value).encode()
    rows = read_rows(body)
    for seen in orders_seen(rows) if rows is not None else ():
        assert seen.order_id == 0 or str(seen.order_id).encode() in body
    event = read_event(body)
    for seen in event_orders(event) if event is not None else ():
        assert str(seen.order_id).encode() in body or not seen.order_id


@given(st.sampled_from(sorted(ID_NAMES)), st.text(ALPHANUMERICS, min_size=1, max_size=15))
def test_every_order_a_request_makes_gets_an_id_the_exchange_takes(name: str, key_id: str) -> None:
    prepared = desk().prepare(ALICE, name, {"symbol": "BTCUSDT"})
    assert not isinstance(prepared, WireError)
    added = {parameter: text for parameter, text in prepared.params.items() if parameter != "symbol"}
    assert set(ID_NAMES[name].orders) <= set(added)
    assert len(set(added.values())) == len(added)
    for text in (*added.values(), draw_id(SystemEntropy(), key_id)):
        assert text.isalnum() or set(text) <= set(ALPHANUMERICS + "-_")
        assert len(text) <= 36
