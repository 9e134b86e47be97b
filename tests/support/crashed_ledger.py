"""A gateway's ledger and desk with the trail they share with the next process, all in memory. For crashes between them."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from tests.support.desk_floor import CREDENTIAL
from tests.support.gateway_fakes import CountingEntropy
from tests.support.policies import NOW_US, market

from watchword.adapters.memory.ledger import MemoryLedger
from watchword.audit.chain import Head, Row, read_line, seal
from watchword.audit.event import AnyEvent, Intent, Outcome, decode_event, encode_event
from watchword.gateway.order_desk import OrderDesk, Reservation
from watchword.gateway.ports import ActiveKey
from watchword.gateway.redoing import Redone, redo
from watchword.kernel.units import SCALE
from watchword.policy.decision import Deny
from watchword.policy.engine import decide_each
from watchword.policy.reading import read_intent

if TYPE_CHECKING:
    from watchword.policy.references import References

#: Each form of order, by endpoint.
FORMS: dict[str, dict[str, str]] = {
    "order.place": {"side": "BUY", "type": "LIMIT", "timeInForce": "GTC", "quantity": "1", "price": "90",
                    "newClientOrderId": "x" * 36},
    "orderList.place.oco": {"side": "SELL", "quantity": "1", "aboveType": "LIMIT_MAKER", "abovePrice": "120",
                            "belowType": "STOP_LOSS", "belowStopPrice": "80"},
    "orderList.place.oto": {"workingType": "LIMIT", "workingSide": "BUY", "workingPrice": "90",
                            "workingQuantity": "1", "workingTimeInForce": "GTC", "pendingType": "LIMIT",
                            "pendingSide": "SELL", "pendingPrice": "110", "pendingQuantity": "1",
                            "pendingTimeInForce": "GTC"},
    "orderList.place.otoco": {"workingType": "LIMIT", "workingSide": "BUY", "workingPrice": "90",
                              "workingQuantity": "1", "workingTimeInForce": "GTC", "pendingSide": "SELL",
                              "pendingQuantity": "1", "pendingAboveType": "LIMIT_MAKER",
                              "pendingAbovePrice": "120", "pendingBelowType": "STOP_LOSS",
                              "pendingBelowStopPrice": "80"},
}  # fmt: skip


class LedgerAndTrail:
    """The ledger and the desk of one process, and the trail it shares with the next one."""

    def __init__(self, rows: list[Row] | None = None) -> None:
        self.ledger = MemoryLedger()
        self.desk = OrderDesk(self.ledger, CountingEntropy())
        self.rows = [] if rows is None else rows
        self.markets: References = {"BTCUSDT": market(100, ((99 * SCALE, 10**14),), ((101 * SCALE, 10**14),))}

    def record(self, event: AnyEvent) -> int:
        head = self.rows[-1].head if self.rows else Head()
        self.rows.append(seal(encode_event(event), head, NOW_US + len(self.rows)))
        return len(self.rows)

    def reserve(
        self, key: ActiveKey, name: str, now_us: int = NOW_US, **params: str
    ) -> tuple[Intent, Reservation]:
        """Decide and reserve, and make the intent that is about to be recorded."""
        if name in FORMS:
            params = {"symbol": "BTCUSDT", **FORMS[name], **params}
        prepared = self.desk.prepare(key, name, params)
        assert not isinstance(prepared, tuple), prepared
        meant = read_intent(name, prepared.params)  # type: ignore[union-attr]
        layers = [(rule, self.ledger.usage(key_id)) for key_id, rule in key.layers]
        allowed = decide_each(layers, meant, self.markets, now_us)
        assert not isinstance(allowed, Deny), allowed
        reservation = self.desk.reserve(key, meant, allowed, now_us)
        assert isinstance(reservation, Reservation)
        made = Intent(request="r", key=key.key.id, credential=CREDENTIAL, upstream="local", endpoint=name,
                      reserved=reservation.reserved)  # fmt: skip
        return made, reservation

    def place(self, key: ActiveKey, name: str = "order.place", now_us: int = NOW_US, **params: str) -> int:
        """Reserve and record; the row."""
        return self.record(self.reserve(key, name, now_us, **params)[0])

    def not_sent(self, row: int, reservation: Reservation) -> None:
        self.record(Outcome(intent=row, result="not_sent"))
        self.desk.give_back(reservation, NOW_US)

    def next_process(self, row: int = 0, number: int = 0) -> tuple["LedgerAndTrail", Redone]:
        """Another process, whose ledger has nothing, catches up."""
        after = LedgerAndTrail(self.rows)
        return after, after.catch_up(row, number)

    def catch_up(self, row: int, number: int) -> Redone:
        return redo([one.line for one in self.rows[row:]], number, self.ledger, self.desk, self.intent_in)

    def intent_in(self, row: int) -> Intent | None:
        found = read_line(self.rows[row - 1].line)
        assert found is not None
        event = decode_event(found.body)
        return event if isinstance(event, Intent) else None


def same(one: LedgerAndTrail, other: LedgerAndTrail, keys: Sequence[str]) -> bool:
    usages = all(one.ledger.usage(key) == other.ledger.usage(key) for key in keys)
    return usages and one.ledger.open_orders() == other.ledger.open_orders()
