"""A second exchange, written to be obviously right and as slow as it likes. The engine must agree with it.

It shares nothing with the engine but the commands: orders are kept in one list and searched, the book is sorted anew
for every match, what is locked is computed from the open orders and never booked, and what a market order would do
is found by doing it on a deep copy. Facts are tuples (see `facts.py` for the engine's as tuples).
"""

import copy
from itertools import pairwise
from typing import Any

from tests.property.exchange.world import ALGO, COMMISSION, UNIT, Bundle, Fact, Refused, Ticket, World, no

from watchword.exchange.commands import (
    AnyCommand,
    CancelOpenOrders,
    CancelOrder,
    CancelOrderList,
    CancelReplace,
    Deposit,
    OpenAccount,
    OpenVenue,
    OrderTerms,
    PlaceOco,
    PlaceOrder,
    ResetVenue,
    SetSymbolStatus,
)

HANDLERS: dict[type, str] = {
    OpenVenue: "on_open_venue",
    OpenAccount: "on_open_account",
    Deposit: "on_deposit",
    SetSymbolStatus: "on_set_symbol_status",
    ResetVenue: "on_reset_venue",
    PlaceOrder: "on_place_order",
    CancelOrder: "on_cancel_order",
    CancelOpenOrders: "on_cancel_open_orders",
    CancelOrderList: "on_cancel_order_list",
    CancelReplace: "on_cancel_replace",
    PlaceOco: "on_place_oco",
}


class Oracle(World):
    """The naive exchange."""

    # -- commands ---------------------------------------------------------------------------------------------

    def apply(self, command: AnyCommand) -> list[Fact] | Fact:
        """Facts in order, or (code, text)."""
        self.facts = []
        try:
            getattr(self, HANDLERS[type(command)])(command)
        except Refused as refusal:
            return tuple(refusal.args)
        return self.facts

    def on_open_venue(self, c: OpenVenue) -> None:
        for rule in c.instruments:
            self.rules[rule.symbol] = rule
            self.status[rule.symbol] = "TRADING"
            self.last[rule.symbol] = self.trades[rule.symbol] = self.preventions[rule.symbol] = 0
            self.prices_seen[rule.symbol] = []

    def on_open_account(self, c: OpenAccount) -> None:
        if c.name in self.names:
            raise no("Data sent for parameter 'name' is not valid.", -1130)
        self.names.append(c.name)
        number = len(self.names)
        self.groups[number] = c.trade_group_id
        self.grants[number] = c.grants
        self.facts.append(("opened", number, c.name))
        for asset, amount in c.grants:
            self.pay_in(number, asset, amount)

    def on_deposit(self, c: Deposit) -> None:
        self.pay_in(c.account_id, c.asset, c.amount)

    def on_set_symbol_status(self, c: SetSymbolStatus) -> None:
        self.status[c.symbol] = c.status
        self.facts.append(("status", c.symbol, c.status))

    def on_reset_venue(self, c: ResetVenue) -> None:
        for symbol in sorted(self.rules):
            for t in sorted([t for t in self.open if t.symbol == symbol], key=lambda t: t.number):
                if t in self.open:
                    self.cancel(t, "")
        self.facts.append(("reset",))
        for (account, asset), amount in sorted(self.owned.items()):
            if account > 0 and amount:
                self.facts.append(("balance", account, asset, -amount))
        self.owned = {}
        for account, grants in self.grants.items():
            for asset, amount in grants:
                self.pay_in(account, asset, amount)

    def on_place_order(self, c: PlaceOrder) -> None:
        self.place(c)

    def on_cancel_order(self, c: CancelOrder) -> None:
        self.cancel(
            self.find(c.account_id, c.symbol, c.order_id, c.orig_client_order_id, c.restriction),
            c.client_order_id,
        )

    def on_cancel_open_orders(self, c: CancelOpenOrders) -> None:
        mine = sorted(self.mine(c.account_id, c.symbol), key=lambda t: t.number)
        if not mine:
            raise no("Unknown order sent.", -2011)
        for t in mine:
            if t in self.open:
                self.cancel(t, c.client_order_id)

    def on_cancel_order_list(self, c: CancelOrderList) -> None:
        for t in sorted(self.mine(c.account_id, c.symbol), key=lambda t: t.number):
            b = t.bundle
            if b is None or (c.order_list_id and b.number != c.order_list_id):
                continue
            if c.list_client_order_id and b.client != c.list_client_order_id:
                continue
            self.cancel(t, c.client_order_id)
            return
        raise no("Unknown order sent.", -2011)

    def on_cancel_replace(self, c: CancelReplace) -> None:
        self.check_counts(c.account_id, c.symbol, [c.type], 0)
        self.check_position(c.account_id, c.symbol, c.side, c.quantity)
        wrong: tuple[Any, ...] | None = None
        new_wrong: tuple[Any, ...] | None = None
        old = new = None
        try:
            old = self.find(
                c.account_id, c.symbol, c.cancel_order_id, c.cancel_orig_client_order_id, c.cancel_restriction
            )
            self.cancel(old, c.cancel_client_order_id)
        except Refused as refusal:
            wrong = tuple(refusal.args)
        attempted = wrong is None or c.mode == "ALLOW_FAILURE"
        if attempted:
            try:
                if c.over_order_limit:
                    raise no("Too many new orders; current limit is 50 orders per 10 SECOND.", -1015)
                new = self.place(c)
            except Refused as refusal:
                new_wrong = tuple(refusal.args)
        self.facts.append(("replace", wrong, new_wrong, attempted, old and old.number, new and new.number))

    def on_place_oco(self, c: PlaceOco) -> None:
        legs = [c.above, c.below] if c.above.type.startswith("STOP") else [c.below, c.above]
        self.check_open(c.account_id, c.symbol)
        if not legs[0].type.startswith("STOP") or legs[1].type.startswith("STOP"):
            raise no("Order type not supported in OCO.", -1158)
        mine = self.mine(c.account_id, c.symbol)
        if legs[0].client_order_id == legs[1].client_order_id:
            raise no("Duplicate order sent.")
        if any(t.client in {leg.client_order_id for leg in legs} for t in mine):
            raise no("Duplicate order sent.")
        if any(t.bundle and t.bundle.client == c.list_client_order_id for t in mine):
            raise no("Duplicate order sent.")
        self.check_counts(c.account_id, c.symbol, [leg.type for leg in legs], 1)
        self.check_position(c.account_id, c.symbol, c.side, c.quantity)
        if any((leg.price or leg.stop_price) * c.quantity < UNIT for leg in legs):
            raise no("Price * QTY is zero or less.")
        profit, stop, last = legs[1].price or legs[1].stop_price, legs[0].stop_price, self.last[c.symbol]
        order = [profit, last, stop] if c.side == "BUY" else [stop, last, profit]
        if not last:
            order.remove(last)
        if any(a >= b for a, b in pairwise(order)):
            raise no("The relationship of the prices for the orders is not correct.")
        bundle = Bundle(self.bundles + 1, c.list_client_order_id)
        tickets = [self.leg(c, leg, bundle, index) for index, leg in enumerate(legs)]
        if last and tickets[1].stop and self.reached(tickets[1], last, last):
            raise no("Order would trigger immediately.")
        if self.free(c.account_id, self.pays(tickets[0])) < max(self.need(t) for t in tickets):
            raise no("Account has insufficient balance for requested action.")
        if legs[1].type == "LIMIT_MAKER" and self.opponents(tickets[1]):
            raise no("Order would immediately match and take.")
        self.bundles += 1
        self.orders += 2
        bundle.legs = tickets
        self.open += tickets
        self.report_list(bundle, "EXEC_STARTED", "EXECUTING")
        for t in tickets:
            self.facts.append(("accepted", self.execution(), t.number, not t.waiting))
            if not t.waiting:
                self.enqueue(t)

    # -- placing ----------------------------------------------------------------------------------------------

    def place(self, c: OrderTerms) -> Ticket:
        self.check_open(c.account_id, c.symbol)
        if any(t.client == c.client_order_id for t in self.mine(c.account_id, c.symbol)):
            raise no("Duplicate order sent.")
        self.check_counts(c.account_id, c.symbol, [c.type], 0)
        t = Ticket(
            self.orders + 1, c.account_id, c.symbol, c.client_order_id, c.side, c.type, c.time_in_force, c.price,
            c.stop_price, c.quantity, c.quote_quantity, c.stp_mode, waiting=c.type in ALGO,
        )  # fmt: skip
        free = self.free(t.account, self.pays(t))
        if t.kind == "MARKET":
            self.check_market(t, free)
        else:
            if t.kind in ALGO:
                self.check_position(t.account, t.symbol, t.side, t.quantity)
            if (t.price or t.stop) * t.quantity < UNIT and (t.kind not in ALGO or t.side == "BUY"):
                raise no("Price * QTY is zero or less.")
            if t.kind not in ALGO:
                self.check_position(t.account, t.symbol, t.side, t.quantity)
            if free < self.need(t):
                raise no("Account has insufficient balance for requested action.")
        if t.waiting and self.last[t.symbol] and self.reached(t, self.last[t.symbol], self.last[t.symbol]):
            raise no("Order would trigger immediately.")
        if t.kind == "LIMIT_MAKER" and self.opponents(t):
            raise no("Order would immediately match and take.")
        self.orders += 1
        self.open.append(t)
        self.facts.append(("accepted", self.execution(), t.number, not t.waiting))
        if not t.waiting:
            self.work(t)
            self.run_stops(t.symbol)
        return t

    def check_market(self, t: Ticket, free: int) -> None:
        """Find out what a market order does by doing it elsewhere; fix the quantity of one by quote."""
        rule = self.rules[t.symbol]
        if t.quote_quantity:
            if not self.opponents(t):
                raise no("Order book liquidity is less than symbol minimum quantity.")
            used, ran_out = self.dry_run_by_quote(t)
            if used < max(rule.min_qty, 1):
                if ran_out:
                    raise no("Order book liquidity is less than `LOT_SIZE` filter minimum quantity.")
                raise no("Filter failure: LOT_SIZE", -1013)
            if rule.market_max_qty and used > rule.market_max_qty:
                raise no("Filter failure: MARKET_LOT_SIZE", -1013)
            t.quantity = used + (rule.step_size if ran_out else 0)
            wanted = t.quote_quantity if t.side == "BUY" else used
        elif t.side == "BUY":
            wanted = self.dry_run(t)
        else:
            wanted = t.quantity
        if free < wanted:
            raise no("Account has insufficient balance for requested action.")
        self.check_position(t.account, t.symbol, t.side, t.quantity)

    def dry_run(self, t: Ticket) -> int:
        """What a market order by quantity would pay."""
        other, twin = self.twin(t)
        other.spent = 0
        other.fight(twin)
        return other.spent

    def dry_run_by_quote(self, t: Ticket) -> tuple[int, bool]:
        """(quantity used up, whether the book ran out) of a market order by quote, one maker at a time."""
        other, twin = self.twin(t)
        step = self.rules[t.symbol].step_size or 1
        budget, used = t.quote_quantity, 0
        while True:
            makers = other.opponents(twin)
            if not makers:
                return used, True
            maker = makers[0]
            lots = budget * UNIT // maker.price // step * step
            if not lots:
                return used, False
            size = min(lots, maker.left)
            skipped = other.is_self(twin, maker) and twin.mode == "EXPIRE_MAKER"
            stopped = other.is_self(twin, maker) and twin.mode in {"EXPIRE_TAKER", "EXPIRE_BOTH"}
            if stopped:
                return used + lots, False
            if skipped:
                other.open.remove(maker)
                continue
            used += size
            budget -= maker.price * size // UNIT
            if size < maker.left:
                return used, False
            other.open.remove(maker)

    def twin(self, t: Ticket) -> tuple["Oracle", Ticket]:
        other, twin = copy.deepcopy((self, t))
        other.open.append(twin)
        twin.waiting = False
        # Self-trade prevention may end the twin; its list's other legs are no part of the question.
        twin.bundle = None
        return other, twin

    def work(self, t: Ticket) -> None:
        """Trade, then rest or expire."""
        if t.tif == "FOK" and t.price:
            other, twin = self.twin(t)
            start = twin.done
            other.fight(twin)
            if twin.done - start < t.left:
                self.expire(t, "EXPIRED", "UNFILLED_FOK_ORDER_EXPIRED")
                return
        ended = self.fight(t)
        if t.quote_quantity:
            t.quantity, shown = t.done + t.prevented, t.left
        else:
            shown = t.left
        if ended:
            self.expire(t, "EXPIRED_IN_MATCH", "")
        elif t.price and t.tif == "GTC" and shown:
            self.enqueue(t)
        elif t.price and shown:
            self.expire(t, "EXPIRED", "UNFILLED_IOC_QUANTITY_EXPIRED")
        elif t.state != "FILLED":
            self.expire(t, "EXPIRED", "INSUFFICIENT_LIQUIDITY")
        else:
            self.close(t)

    def fight(self, t: Ticket) -> bool:
        """Meet the book until nothing is left or nobody is good enough; True where prevention ended the taker."""
        while t.left and (makers := self.opponents(t)):
            if self.is_self(t, makers[0]) and t.mode != "NONE":
                if self.prevent(t, makers[0]):
                    return True
            else:
                self.trade(t, makers[0])
        return False

    def trade(self, t: Ticket, m: Ticket) -> None:
        rule = self.rules[t.symbol]
        size = min(t.left, m.left)
        quote = m.price * size // UNIT
        first = m.bundle is not None and not m.bundle.begun
        if m.bundle is not None:
            m.bundle.begun = True
        buyer, seller = (t, m) if t.side == "BUY" else (m, t)
        fees = {id(buyer): size * COMMISSION // UNIT, id(seller): quote * COMMISSION // UNIT}
        coins = {id(buyer): rule.base_asset, id(seller): rule.quote_asset}
        self.spent += quote
        self.move(buyer.account, seller.account, rule.quote_asset, quote)
        self.move(seller.account, buyer.account, rule.base_asset, size)
        self.move(buyer.account, -1, rule.base_asset, fees[id(buyer)])
        self.move(seller.account, -1, rule.quote_asset, fees[id(seller)])
        for x in (t, m):
            x.done += size
            x.done_quote += quote
            x.state = "PARTIALLY_FILLED" if x.left else "FILLED"
        self.trades[t.symbol] += 1
        self.last[t.symbol] = m.price
        self.prices_seen[t.symbol].append(m.price)
        number = self.execution()
        self.execution()
        self.facts.append(
            (
                "traded", number, t.symbol, self.trades[t.symbol], m.price, size, quote,
                (t.number, t.done, t.done_quote, t.state, fees[id(t)], coins[id(t)]),
                (m.number, m.done, m.done_quote, m.state, fees[id(m)], coins[id(m)]),
            )
        )  # fmt: skip
        if not m.left:
            self.open.remove(m)
        if first and m.bundle is not None:
            self.end_others(m)
        if not m.left:
            self.after_close(m)

    def prevent(self, t: Ticket, m: Ticket) -> bool:
        moved = self.moves(t, m)
        small = min(t.left, m.left)
        lost_t, lost_m = {
            "EXPIRE_TAKER": (t.left, 0),
            "EXPIRE_MAKER": (0, m.left),
            "EXPIRE_BOTH": (t.left, m.left),
        }.get(t.mode, (small, small))
        if t.mode in {"DECREMENT", "TRANSFER"} and m.bundle is not None:
            m.bundle.begun = True
        self.preventions[t.symbol] += 1
        match = self.preventions[t.symbol]
        number = self.execution()
        self.execution()
        self.facts.append(
            (
                "prevented",
                number,
                t.symbol,
                match,
                self.groups[t.account],
                m.price,
                t.number,
                m.number,
                lost_t,
                lost_m,
            )
        )
        if moved:
            rule = self.rules[t.symbol]
            buyer, seller = (t, m) if t.side == "BUY" else (m, t)
            self.spent += m.price * small // UNIT
            self.move(buyer.account, seller.account, rule.quote_asset, m.price * small // UNIT)
            self.move(seller.account, buyer.account, rule.base_asset, small)
        for x, lost in ((t, lost_t), (m, lost_m)):
            if lost:
                x.prevented += lost
                x.match = match
        if lost_m and not m.left:
            self.expire(m, "EXPIRED_IN_MATCH", "")
        if lost_m and m.bundle is not None:
            self.end_others(m)
        return bool(lost_t) and not t.left

    def run_stops(self, symbol: str) -> None:
        """Trigger what the trades reached, and what those orders' trades reach, first come first served."""
        due: list[Ticket] = []
        while True:
            seen, self.prices_seen[symbol] = self.prices_seen[symbol], []
            if seen:
                new = [
                    t
                    for t in self.open
                    if t.symbol == symbol
                    and t.waiting
                    and t not in due
                    and self.reached(t, min(seen), max(seen))
                ]
                due += sorted(new, key=lambda t: t.number)
            due = [t for t in due if t in self.open]
            if not due:
                return
            t = due.pop(0)
            self.trigger(t)

    def trigger(self, t: Ticket) -> None:
        if t.bundle is not None:
            t.bundle.begun = True
            self.end_others(t)
        own = self.need(t)
        t.waiting = False
        self.facts.append(("triggered", self.execution(), t.number))
        # `locked` still counts what it held while waiting: its price is the stop price until it is gone.
        purse = self.free(t.account, self.pays(t)) + own
        if not t.price and t.side == "BUY" and purse < self.dry_run(t):
            self.expire(t, "EXPIRED", "REJECTED")
        else:
            self.work(t)

    # -- ends -------------------------------------------------------------------------------------------------

    def cancel(self, t: Ticket, client: str) -> None:
        legs = [t] if t.bundle is None else [leg for leg in t.bundle.legs if leg in self.open]
        for leg in legs:
            self.open.remove(leg)
            leg.state, leg.cancel = "CANCELED", client
            self.facts.append(("canceled", self.execution(), leg.number, client))
        if t.bundle is not None:
            self.report_list(t.bundle, "ALL_DONE", "ALL_DONE")

    def expire(self, t: Ticket, state: str, reason: str) -> None:
        self.open.remove(t)
        t.state, t.reason = state, reason
        self.facts.append(("expired", self.execution(), t.number, state, reason))
        self.after_close(t)

    def close(self, t: Ticket) -> None:
        self.open.remove(t)
        self.after_close(t)

    def end_others(self, t: Ticket) -> None:
        assert t.bundle is not None
        for leg in t.bundle.legs:
            if leg is not t and leg in self.open:
                self.expire(leg, "EXPIRED", "OCO_TRIGGER")

    def after_close(self, t: Ticket) -> None:
        if t.bundle is None:
            return
        living = [leg for leg in t.bundle.legs if leg in self.open]
        if living and not t.bundle.begun:
            self.expire(living[0], "EXPIRED", "OCO_TRIGGER")
        elif not living and t.bundle.client:
            others_ended = all(leg.state not in {"NEW", "PARTIALLY_FILLED"} for leg in t.bundle.legs)
            if others_ended:
                self.report_list(t.bundle, "ALL_DONE", "ALL_DONE")

    def report_list(self, b: Bundle, kind: str, state: str) -> None:
        legs = tuple(leg.number for leg in b.legs)
        self.facts.append(
            ("list", b.number, b.client, b.legs[0].account, b.legs[0].symbol, kind, state, legs)
        )
        if state == "ALL_DONE":
            b.client = ""
