"""An order desk over a real exchange in memory: requests of virtual keys take the desk's way, without doors or signatures.

`DeskFloor` is a context manager. `floor.send(key, name, …)` prepares, permits, decides, reserves, asks the exchange,
observes and narrows, as the pipeline does. The account's user-data events wait in `floor.events` until `deliver`.
"""

import json
from collections.abc import Coroutine
from typing import Any, Final, Self, TypeVar

from tests.support.operations import OperationsFloor, Trader
from tests.support.policies import policy

from watchword.adapters.memory.ledger import MemoryLedger
from watchword.adapters.system import SystemEntropy
from watchword.binance.errors import WireError
from watchword.binance.request import Params
from watchword.entrypoints.testnet.user_data import Subscription, UserStreams
from watchword.gateway.messages import Answer, Refused, Unanswered
from watchword.gateway.order_desk import OrderDesk
from watchword.gateway.ports import ActiveKey, Ledger, OrderRecord
from watchword.gateway.virtual_key import VirtualKey
from watchword.kernel.units import SCALE
from watchword.policy.decision import Deny
from watchword.policy.engine import decide_each
from watchword.policy.reading import read_intent
from watchword.policy.references import Market

T = TypeVar("T")

CREDENTIAL: Final = "cred-one"


def drive(coroutine: Coroutine[Any, Any, T]) -> T:
    """Run what never really waits, without a loop."""
    try:
        coroutine.send(None)
    except StopIteration as stop:
        result: T = stop.value
        return result
    raise AssertionError("it waited")


def active_key(
    name: str = "alice", rules: str = "", *, own_orders_only: bool = True, parents: tuple[str, ...] = ()
) -> ActiveKey:
    """A virtual key on the one credential, with ancestors that have the same policy."""
    key = VirtualKey(
        id=f"vk-{name:x<12}"[:15],
        label=name,
        credential_id=CREDENTIAL,
        versions=(),
        policy_name="test",
        policy_text="",
        policy_digest="",
        own_orders_only=own_orders_only,
    )
    rule = policy(rules)
    return ActiveKey(key, ((key.id, rule), *[(parent, rule) for parent in parents]))


def json_body(answer: Answer | WireError | Unanswered) -> Any:
    """Decode an answer that must be one."""
    assert isinstance(answer, Answer), answer
    return json.loads(answer.body)


class _Events:
    """Keeps the events of an account, without the WebSocket's framing."""

    micros = False

    def __init__(self) -> None:
        self.waiting: list[bytes] = []

    def send(self, frame: bytes) -> None:
        self.waiting.append(frame[frame.index(b"{") :])


class DeskFloor:
    """See the module.

    Attributes:
        asked: Names of the desk's own questions, in order.
        fails: What the next sendings do instead of being answered.
        drops: The next sendings reach the exchange, and their answers are lost.
    """

    def __init__(self, ledger: Ledger | None = None) -> None:
        self.exchange = OperationsFloor()
        self.account: Trader = self.exchange.trader("account")
        self.stranger: Trader = self.exchange.trader("stranger")
        self.ledger = ledger if ledger is not None else MemoryLedger()
        self.desk = OrderDesk(self.ledger, SystemEntropy())
        self.asked: list[str] = []
        self.fails: list[Unanswered | Refused | Answer] = []
        self.drops = 0
        self._events = _Events()
        streams = UserStreams(self.exchange.testnet.venue)
        streams.begin(Subscription(0, self.account.account_id, "k" * 64, self._events, by_logon=False))
        self.exchange.testnet.sequencer.listeners.append(streams.on_applied)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.exchange.__exit__(*exception)

    @property
    def now_us(self) -> int:
        """The exchange's time."""
        return self.exchange.clock.now_us()

    @property
    def events(self) -> list[bytes]:
        """The account's user-data events so far, each in its envelope."""
        return self._events.waiting

    def deliver(self) -> None:
        """Let the gateway's own subscription bring the events."""
        waiting, self._events.waiting = self._events.waiting, []
        for event in waiting:
            self.desk.observe_event(CREDENTIAL, event, self.now_us)

    def exchange_says(self, name: str, params: Params) -> Answer | Refused | Unanswered:
        """What the exchange answers to the real key."""
        if self.fails:
            return self.fails.pop(0)
        said = self.account.raw(name, **params)
        if self.drops:
            self.drops -= 1
            return Unanswered(True, "lost")
        if isinstance(said, WireError):
            body: dict[str, Any] = {"code": said.code, "msg": said.text}
            if said.payload:
                body["data"] = json.loads(said.payload)
            return Answer(status=said.http_status, body=json.dumps(body).encode())
        return Answer(status=200, body=said)

    async def ask(self, name: str, params: Params) -> Answer | Refused | Unanswered:
        """A question of the desk's own."""
        self.asked.append(name)
        return self.exchange_says(name, params)

    def send(self, key: ActiveKey, name: str, **params: str) -> Answer | WireError | Unanswered:
        """Take one request through the desk."""
        prepared = self.desk.prepare(key, name, params)
        if isinstance(prepared, WireError):
            return prepared
        permitted = drive(self.desk.permit(key, name, prepared.params, self.ask))
        if isinstance(permitted, WireError):
            return permitted
        intent, now_us = read_intent(name, permitted), self.now_us
        layers = [(rule, self.ledger.usage(key_id)) for key_id, rule in key.layers]
        allowed = decide_each(layers, intent, {"BTCUSDT": self.market()}, now_us)
        assert not isinstance(allowed, Deny), allowed
        reservation = self.desk.reserve(key, intent, allowed, now_us)
        if isinstance(reservation, WireError):
            return reservation
        answer = self.exchange_says(name, permitted)
        if isinstance(answer, Refused):
            return answer.wire
        if isinstance(answer, Unanswered):
            if not answer.sent:
                self.desk.give_back(reservation, now_us)
            return answer
        self.desk.observe(CREDENTIAL, name, permitted, answer, self.now_us)
        return self.desk.narrow(key, name, answer)

    def cancel_all(self, key: ActiveKey, symbol: str = "BTCUSDT") -> Answer | WireError:
        """Cancel what is the key's own."""
        return drive(self.desk.cancel_all(key, {"symbol": symbol}, self.ask))

    def limit(self, key: ActiveKey, side: str, price: str, quantity: str, **more: str) -> Any:
        """Place a LIMIT order that must be taken; its decoded answer."""
        return json_body(
            self.send(
                key, "order.place",
                **{"symbol": "BTCUSDT", "side": side, "type": "LIMIT", "timeInForce": "GTC", "price": price,
                   "quantity": quantity, **more},
            )
        )  # fmt: skip

    def outside(self, side: str, price: str, quantity: str, **more: str) -> Any:
        """An order on the same account that did not come through the gateway."""
        return self.account.limit(side, price, quantity, **more)

    def record(self, client_order_id: str, symbol: str = "BTCUSDT") -> OrderRecord:
        """The ledger's record of an order, which must be there."""
        found = self.ledger.order(CREDENTIAL, symbol, client_order_id)
        assert found is not None, client_order_id
        return found

    def market(self) -> Market:
        """A market around 100,000, deep enough."""
        deep = ((100_000 * SCALE, 1_000 * SCALE),)
        return Market("BTC", "USDT", 100_000 * SCALE, self.now_us, deep, deep, self.now_us)
