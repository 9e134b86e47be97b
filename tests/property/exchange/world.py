"""What the naive exchange knows, and the questions it asks of it. See `oracle.py`."""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from watchword.exchange.commands import Leg, PlaceOco

if TYPE_CHECKING:
    from watchword.exchange.instruments import Instrument

UNIT = 10**8
COMMISSION = UNIT // 1000
ALGO = ("STOP_LOSS", "STOP_LOSS_LIMIT", "TAKE_PROFIT", "TAKE_PROFIT_LIMIT")

Fact = tuple[Any, ...]


class Refused(Exception):  # noqa: N818 - control flow of this small world
    """(code, text)."""


def no(text: str, code: int = -2010) -> Refused:
    return Refused(code, text)


@dataclass(eq=False)
class Bundle:
    """An order list."""

    number: int
    client: str
    legs: list["Ticket"] = field(default_factory=list)
    begun: bool = False


@dataclass(eq=False)
class Ticket:
    """An order."""

    number: int
    account: int
    symbol: str
    client: str
    side: str
    kind: str
    tif: str
    price: int
    stop: int
    quantity: int
    quote_quantity: int
    mode: str
    state: str = "NEW"
    waiting: bool = False
    place_in_queue: int = 0
    done: int = 0
    done_quote: int = 0
    prevented: int = 0
    match: int = 0
    reason: str = ""
    cancel: str = ""
    bundle: Bundle | None = None

    @property
    def left(self) -> int:
        return self.quantity - self.done - self.prevented

    @property
    def rises(self) -> bool:
        return self.kind.startswith("STOP") == (self.side == "BUY")


class World:
    """The state, and reads of it."""

    def __init__(self) -> None:
        self.rules: dict[str, Instrument] = {}
        self.status: dict[str, str] = {}
        self.last: dict[str, int] = {}
        self.groups: dict[int, int] = {}
        self.grants: dict[int, tuple[tuple[str, int], ...]] = {}
        self.names: list[str] = []
        self.owned: dict[tuple[int, str], int] = {}
        self.open: list[Ticket] = []
        self.prices_seen: dict[str, list[int]] = {}
        self.trades: dict[str, int] = {}
        self.preventions: dict[str, int] = {}
        self.orders = self.bundles = self.executions = self.queue = 0
        #: Quote that changed hands; only dry runs read it.
        self.spent = 0
        self.facts: list[Fact] = []

    # -- what is compared -------------------------------------------------------------------------------------

    def balances(self) -> dict[tuple[int, str], tuple[int, int]]:
        """Free and locked of everybody who has or owes something."""
        keys = {key for key, amount in self.owned.items() if amount}
        return {key: (self.owned[key] - self.locked(*key), self.locked(*key)) for key in keys}

    def book(self, symbol: str, side: str) -> list[tuple[int, int, int]]:
        """(price, order, open quantity), best first."""
        resting = [t for t in self.open if t.symbol == symbol and t.side == side and not t.waiting]
        resting.sort(key=lambda t: (-t.price if side == "BUY" else t.price, t.place_in_queue))
        return [(t.price, t.number, t.left) for t in resting]

    def locked(self, account: int, asset: str) -> int:
        held = 0
        for t in self.open:
            if t.account == account and self.pays(t) == asset and (t.bundle is None or t.bundle.begun):
                held += self.need(t)
        unbegun = {id(t.bundle): t.bundle for t in self.open if t.bundle is not None and not t.bundle.begun}
        for bundle in unbegun.values():
            if bundle.legs[0].account == account and self.pays(bundle.legs[0]) == asset:
                held += max(self.need(t) for t in bundle.legs)
        return held

    # -- questions --------------------------------------------------------------------------------------------

    def opponents(self, t: Ticket) -> list[Ticket]:
        """Whom a taker would meet, in order."""
        found = []
        for price, number, _ in self.book(t.symbol, "SELL" if t.side == "BUY" else "BUY"):
            if t.price and (price > t.price if t.side == "BUY" else price < t.price):
                break
            found.append(next(o for o in self.open if o.number == number))
        return [o for o in found if o.place_in_queue and o.number != t.number]

    def is_self(self, t: Ticket, m: Ticket) -> bool:
        group = self.groups[t.account]
        return t.account == m.account or (group != -1 and group == self.groups[m.account])

    def moves(self, t: Ticket, m: Ticket) -> bool:
        return t.mode == m.mode == "TRANSFER" and t.account != m.account

    def need(self, t: Ticket) -> int:
        if t.side == "SELL":
            return t.left
        return (t.price or t.stop) * t.left // UNIT

    def pays(self, t: Ticket) -> str:
        rule = self.rules[t.symbol]
        return rule.quote_asset if t.side == "BUY" else rule.base_asset

    def free(self, account: int, asset: str) -> int:
        return self.owned.get((account, asset), 0) - self.locked(account, asset)

    def reached(self, t: Ticket, low: int, high: int) -> bool:
        return t.stop <= high if t.rises else t.stop >= low

    def mine(self, account: int, symbol: str) -> list[Ticket]:
        return [t for t in self.open if t.account == account and t.symbol == symbol]

    def find(self, account: int, symbol: str, number: int, client: str, restriction: str) -> Ticket:
        for t in self.mine(account, symbol):
            if (t.number == number) if number else (t.client == client):
                if number and client and t.client != client:
                    raise no("Cancel order is invalid. Check origClOrdId and orderId.", -2011)
                if restriction == "ONLY_NEW" and t.state != "NEW":
                    raise no("Order was not canceled due to cancel restrictions.", -2011)
                if restriction == "ONLY_PARTIALLY_FILLED" and t.state != "PARTIALLY_FILLED":
                    raise no("Order was not canceled due to cancel restrictions.", -2011)
                return t
        raise no("Unknown order sent.", -2011)

    def check_open(self, account: int, symbol: str) -> None:
        assert account in self.groups
        if self.status[symbol] != "TRADING":
            raise no("Market is closed.")

    def check_counts(self, account: int, symbol: str, kinds: list[str], lists: int) -> None:
        rule, mine = self.rules[symbol], self.mine(account, symbol)
        algo = sum(t.kind in ALGO for t in mine)
        new_algo = sum(kind in ALGO for kind in kinds)
        bundles = {t.bundle.number for t in mine if t.bundle is not None}
        if len(mine) + len(kinds) > rule.max_num_orders:
            raise no("Filter failure: MAX_NUM_ORDERS")
        if new_algo and algo + new_algo > rule.max_num_algo_orders:
            raise no("Filter failure: MAX_NUM_ALGO_ORDERS")
        if lists and len(bundles) + lists > rule.max_num_order_lists:
            raise no("Filter failure: MAX_NUM_ORDER_LISTS")

    def check_position(self, account: int, symbol: str, side: str, quantity: int) -> None:
        rule = self.rules[symbol]
        if rule.max_position and side == "BUY":
            buying = sum(t.left for t in self.mine(account, symbol) if t.side == "BUY")
            if self.owned.get((account, rule.base_asset), 0) + buying + quantity > rule.max_position:
                raise no("Filter failure: MAX_POSITION")

    def leg(self, c: PlaceOco, leg: Leg, bundle: Bundle, index: int) -> Ticket:
        return Ticket(
            self.orders + 1 + index, c.account_id, c.symbol, leg.client_order_id, c.side, leg.type, leg.time_in_force,
            leg.price, leg.stop_price, c.quantity, 0, c.stp_mode, waiting=leg.type in ALGO, bundle=bundle,
        )  # fmt: skip

    def enqueue(self, t: Ticket) -> None:
        self.queue += 1
        t.place_in_queue = self.queue

    def execution(self) -> int:
        self.executions += 1
        return self.executions

    def pay_in(self, account: int, asset: str, amount: int) -> None:
        self.move(0, account, asset, amount)
        self.facts.append(("balance", account, asset, amount))

    def move(self, giver: int, taker: int, asset: str, amount: int) -> None:
        self.owned[giver, asset] = self.owned.get((giver, asset), 0) - amount
        self.owned[taker, asset] = self.owned.get((taker, asset), 0) + amount
