"""What is over: closed orders, trades of accounts, ended lists, prevented matches. A projection: judges nothing.

Bounded: when a bound is reached the oldest entries of the whole venue go first. Orders and trades of the venue's
own market makers are not kept. Reads merge with what is still open, so that a query need not know the difference.

Source: rest-api.md "All orders", "Account trade list", "Query all Order lists", "Query Prevented Matches".
"""

from bisect import bisect_left, bisect_right
from collections import deque
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Final, TypeVar

import msgspec

from watchword.binance.enums import ListOrderStatus, ListStatusType, StpMode
from watchword.exchange.commands import AnyCommand
from watchword.exchange.engine import Engine
from watchword.exchange.events import (
    AnyEvent,
    OrderAccepted,
    OrderCanceled,
    OrderExpired,
    OrderListChanged,
    OrderTraded,
    TradePrevented,
    VenueReset,
)
from watchword.exchange.order import Order
from watchword.exchange.state import OrderList

_T = TypeVar("_T")

#: Bounds of the whole venue.
CLOSED_ORDERS_MAX: Final = 100_000
ACCOUNT_TRADES_MAX: Final = 100_000
CLOSED_LISTS_MAX: Final = 20_000
PREVENTED_MATCHES_MAX: Final = 20_000


class AccountTrade(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """One side of a trade, as its account sees it. `commission` is in `commission_asset`."""

    trade_id: int
    account_id: int
    symbol: str
    order_id: int
    order_list_id: int
    price: int
    quantity: int
    quote: int
    commission: int
    commission_asset: str
    at_us: int
    is_buyer: bool
    is_maker: bool


class PreventedMatch(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """One prevented match, as both accounts see it. A quantity of 0: that side lost nothing."""

    prevented_match_id: int
    symbol: str
    taker_account_id: int
    maker_account_id: int
    taker_order_id: int
    maker_order_id: int
    trade_group_id: int
    mode: StpMode
    price: int
    taker_prevented: int
    maker_prevented: int
    at_us: int


class OrderListRecord(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """An order list, open or ended, as a query shows it.

    Attributes:
        legs: (order id, client order id), stop leg first.
    """

    order_list_id: int
    account_id: int
    symbol: str
    list_client_order_id: str
    list_status_type: ListStatusType
    list_order_status: ListOrderStatus
    created_us: int
    updated_us: int
    legs: tuple[tuple[int, str], ...]


class _Shelf:
    """The past of one account on one symbol, in the order in which it ended."""

    __slots__ = ("ids", "latest_by_client", "orders", "trades")

    def __init__(self) -> None:
        self.orders: deque[Order] = deque()
        #: Ids of `orders`, and of some that are gone; by rising id once somebody asked for the newest.
        self.ids: list[int] = []
        self.latest_by_client: dict[str, Order] = {}
        self.trades: deque[AccountTrade] = deque()


class Archive:
    """Bounded history, asked together with the engine's open orders."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._clear()

    def fold(self, command: AnyCommand, events: Sequence[AnyEvent]) -> None:  # noqa: ARG002 - the projections' shape
        """Take in what one command did."""
        for event in events:
            kind = type(event)
            if kind is OrderAccepted:
                continue
            if kind is OrderTraded:
                self._traded(event)  # type: ignore[arg-type]  # `kind` says so; isinstance would cost more
            elif kind is OrderCanceled or kind is OrderExpired:
                order = event.order  # type: ignore[union-attr]
                if not self._engine.accounts[order.account_id].house:
                    self._keep_order(order)
            elif isinstance(event, OrderListChanged):
                if event.list_order_status == "ALL_DONE":
                    self._lists.append(_ended_list(event))
            elif isinstance(event, TradePrevented):
                self._prevented.append(_prevented_match(event))
            elif isinstance(event, VenueReset):
                self._clear()

    def order(self, account_id: int, symbol: str, order_id: int, client_order_id: str) -> Order | None:
        """Find a closed order by id (0: not sent) or client id; of several with one client id, the latest."""
        shelf = self._shelves.get((account_id, symbol))
        if shelf is None:
            return None
        if order_id:
            order = self._by_id.get(order_id)
            if order is None or order.account_id != account_id or order.symbol != symbol:
                return None
            return order if client_order_id in {"", order.client_order_id} else None
        return shelf.latest_by_client.get(client_order_id)

    def orders(
        self,
        account_id: int,
        symbol: str,
        from_id: int | None,
        start_us: int | None,
        end_us: int | None,
        limit: int,
    ) -> list[Order]:
        """Return an account's orders on a symbol, open and closed, by rising id.

        Args:
            account_id: Whose.
            symbol: Where.
            from_id: Only this id and later ones.
            start_us: Only orders made at or after it.
            end_us: Only orders made at or before it.
            limit: How many, at most: with a beginning given the first ones, else the newest.
        """
        shelf = self._shelves.get((account_id, symbol))
        orders = self._engine.open_orders(account_id, symbol) + list(shelf.orders if shelf else ())
        orders = [
            order
            for order in orders
            if (from_id is None or order.order_id >= from_id)
            and (start_us is None or order.created_us >= start_us)
            and (end_us is None or order.created_us <= end_us)
        ]
        orders.sort(key=_order_id)
        return _cut(orders, limit, from_start=from_id is not None or start_us is not None)

    def trades(
        self,
        account_id: int,
        symbol: str,
        order_id: int | None,
        from_id: int | None,
        start_us: int | None,
        end_us: int | None,
        limit: int,
    ) -> list[AccountTrade]:
        """Return an account's trades on a symbol, by rising trade id; bounds as in `orders`."""
        shelf = self._shelves.get((account_id, symbol))
        trades = [
            trade
            for trade in (shelf.trades if shelf else ())
            if (order_id is None or trade.order_id == order_id)
            and (from_id is None or trade.trade_id >= from_id)
            and (start_us is None or trade.at_us >= start_us)
            and (end_us is None or trade.at_us <= end_us)
        ]
        return _cut(trades, limit, from_start=from_id is not None or start_us is not None)

    def newest_orders(
        self, account_id: int, symbol: str | None, before_id: int | None, limit: int
    ) -> list[Order]:
        """Return an account's orders, open and closed, by falling id. Costs the rows it returns, not those there are.

        Args:
            account_id: Whose.
            symbol: Where; None for everywhere.
            before_id: Only orders with a lower id.
            limit: How many, at most.
        """
        found = [
            order
            for order in self._engine.open_orders(account_id, symbol)
            if before_id is None or order.order_id < before_id
        ]
        for shelf in self._shelves_of(account_id, symbol):
            found.extend(self._newest_closed(shelf, before_id, limit))
        found.sort(key=_order_id, reverse=True)
        return found[:limit]

    def newest_trades(
        self, account_id: int, symbol: str | None, before: tuple[int, int] | None, limit: int
    ) -> list[AccountTrade]:
        """Return an account's trades, the newest first. Costs the rows it returns, not those there are.

        Args:
            account_id: Whose.
            symbol: Where; None for everywhere.
            before: Only trades before this time and trade id.
            limit: How many, at most; more where several have the time and id of the last one.
        """
        found: list[AccountTrade] = []
        for shelf in self._shelves_of(account_id, symbol):
            trades = shelf.trades
            at = len(trades) if before is None else bisect_left(trades, before, key=_trade_place)
            newest = islice(reversed(trades), len(trades) - at, None)
            for count, trade in enumerate(newest):
                if count >= limit and _trade_place(trade) != _trade_place(found[-1]):
                    break
                found.append(trade)
        found.sort(key=_trade_place, reverse=True)
        last = limit
        while 0 < last < len(found) and _trade_place(found[last]) == _trade_place(found[last - 1]):
            last += 1
        return found[:last]

    def trades_after(
        self, account_id: int, symbol: str, trade_id: int, limit: int
    ) -> list[AccountTrade] | None:
        """Return an account's trades on a symbol that came after one, by rising id.

        Args:
            account_id: Whose.
            symbol: Where.
            trade_id: Of the last one known; 0: none is.
            limit: How many, at most.

        Returns:
            None where the one known is not here any more: the venue was reset, or forgot it.
        """
        shelf = self._shelves.get((account_id, symbol))
        trades: deque[AccountTrade] = shelf.trades if shelf is not None else deque()
        at = bisect_right(trades, trade_id, key=_trade_id)
        if trade_id and (at == 0 or trades[at - 1].trade_id != trade_id):
            return None
        return list(islice(trades, at, at + limit))

    def symbols_traded(self, account_id: int) -> list[str]:
        """Return the symbols on which an account has closed orders or trades, sorted."""
        return sorted(symbol for symbol in self._engine.floors if (account_id, symbol) in self._shelves)

    def order_list(
        self, account_id: int, order_list_id: int, list_client_order_id: str
    ) -> OrderListRecord | None:
        """Find a list, open or ended, by id (0: not sent) or client id; of several the latest."""
        for listed in reversed(self.order_lists(account_id, None, None, None, CLOSED_LISTS_MAX)):
            if order_list_id and listed.order_list_id != order_list_id:
                continue
            if list_client_order_id and listed.list_client_order_id != list_client_order_id:
                continue
            return listed
        return None

    def order_lists(
        self, account_id: int, from_id: int | None, start_us: int | None, end_us: int | None, limit: int
    ) -> list[OrderListRecord]:
        """Return an account's lists, open and ended, by rising id; bounds as in `orders`."""
        known = [one for one in self._lists if one.account_id == account_id]
        known.extend(record_of(one) for one in self._engine.open_lists(account_id))
        known = [
            one
            for one in known
            if (from_id is None or one.order_list_id >= from_id)
            and (start_us is None or one.created_us >= start_us)
            and (end_us is None or one.created_us <= end_us)
        ]
        known.sort(key=_list_id)
        return _cut(known, limit, from_start=from_id is not None or start_us is not None)

    def prevented_matches(
        self,
        account_id: int,
        symbol: str,
        match_id: int | None,
        order_id: int | None,
        from_id: int | None,
        limit: int,
    ) -> list[PreventedMatch]:
        """Return prevented matches an account took part in, by rising id.

        Args:
            account_id: Whose.
            symbol: Where.
            match_id: Only this one.
            order_id: Only those with this order on either side.
            from_id: Only this match id and later ones.
            limit: How many, at most, oldest first.
        """
        matches = [
            one
            for one in self._prevented
            if one.symbol == symbol
            and account_id in {one.taker_account_id, one.maker_account_id}
            and (match_id is None or one.prevented_match_id == match_id)
            and (order_id is None or order_id in {one.taker_order_id, one.maker_order_id})
            and (from_id is None or one.prevented_match_id >= from_id)
        ]
        return matches[:limit]

    def encode(self) -> bytes:
        """Write everything; equal archives give equal bytes."""
        return msgspec.msgpack.encode(([*self._orders], [*self._trades], [*self._lists], [*self._prevented]))

    def restore(self, raw: bytes) -> None:
        """Replace everything by what `encode` wrote."""
        self._clear()
        orders, trades, lists, prevented = msgspec.msgpack.decode(raw, type=_Layout)
        for order in orders:
            order.symbol = self._engine.floors[order.symbol].symbol
            self._keep_order(order)
        for trade in trades:
            self._keep_trade(trade)
        self._lists.extend(lists)
        self._prevented.extend(prevented)

    def _clear(self) -> None:
        self._shelves: dict[tuple[int, str], _Shelf] = {}
        self._orders: deque[Order] = deque()
        self._trades: deque[AccountTrade] = deque()
        self._by_id: dict[int, Order] = {}
        self._lists: deque[OrderListRecord] = deque(maxlen=CLOSED_LISTS_MAX)
        self._prevented: deque[PreventedMatch] = deque(maxlen=PREVENTED_MATCHES_MAX)

    def _shelf(self, account_id: int, symbol: str) -> _Shelf:
        key = (account_id, symbol)
        shelf = self._shelves.get(key)
        if shelf is None:
            shelf = self._shelves[key] = _Shelf()
        return shelf

    def _shelves_of(self, account_id: int, symbol: str | None) -> list[_Shelf]:
        symbols = self._engine.floors if symbol is None else (symbol,)
        found = (self._shelves.get((account_id, one)) for one in symbols)
        return [shelf for shelf in found if shelf is not None]

    def _newest_closed(self, shelf: _Shelf, before_id: int | None, limit: int) -> Iterator[Order]:
        """Give the newest closed orders of a shelf, which keeps them in the order in which they ended."""
        ids = shelf.ids
        if len(ids) > 2 * len(shelf.orders):
            ids[:] = [order.order_id for order in shelf.orders]
        # Nearly in order, and looked at by people: sorting now costs less than keeping order with every fill.
        ids.sort()
        at = len(ids) if before_id is None else bisect_left(ids, before_id)
        left = limit
        while at and left:
            at -= 1
            order = self._by_id.get(ids[at])
            if order is not None:
                left -= 1
                yield order

    def _traded(self, event: OrderTraded) -> None:
        accounts = self._engine.accounts
        if not accounts[event.taker.account_id].house:
            self._keep_trade(_taker_trade(event))
            if event.taker_status == "FILLED":
                self._keep_order(event.taker)
        if not accounts[event.maker.account_id].house:
            self._keep_trade(_maker_trade(event))
            if event.maker_status == "FILLED":
                self._keep_order(event.maker)

    def _keep_order(self, order: Order) -> None:
        if len(self._orders) >= CLOSED_ORDERS_MAX:
            oldest = self._orders.popleft()
            shelf = self._shelf(oldest.account_id, oldest.symbol)
            shelf.orders.popleft()
            del self._by_id[oldest.order_id]
            if shelf.latest_by_client.get(oldest.client_order_id) is oldest:
                del shelf.latest_by_client[oldest.client_order_id]
        shelf = self._shelf(order.account_id, order.symbol)
        shelf.orders.append(order)
        shelf.ids.append(order.order_id)
        shelf.latest_by_client[order.client_order_id] = order
        self._orders.append(order)
        self._by_id[order.order_id] = order

    def _keep_trade(self, trade: AccountTrade) -> None:
        if len(self._trades) >= ACCOUNT_TRADES_MAX:
            oldest = self._trades.popleft()
            self._shelf(oldest.account_id, oldest.symbol).trades.popleft()
        self._shelf(trade.account_id, trade.symbol).trades.append(trade)
        self._trades.append(trade)


def record_of(listed: OrderList) -> OrderListRecord:
    """Describe an open list."""
    return OrderListRecord(
        listed.order_list_id,
        listed.account_id,
        listed.symbol,
        listed.list_client_order_id,
        listed.list_status_type,
        "EXECUTING",
        listed.created_us,
        listed.updated_us,
        tuple((leg.order_id, leg.client_order_id) for leg in listed.legs),
    )


def _ended_list(event: OrderListChanged) -> OrderListRecord:
    return OrderListRecord(
        event.order_list_id,
        event.account_id,
        event.symbol,
        event.list_client_order_id,
        event.list_status_type,
        event.list_order_status,
        event.legs[0].created_us,
        event.at_us,
        tuple((leg.order_id, leg.client_order_id) for leg in event.legs),
    )


def _taker_trade(event: OrderTraded) -> AccountTrade:
    order = event.taker
    return AccountTrade(
        event.trade_id,
        order.account_id,
        event.symbol,
        order.order_id,
        order.order_list_id,
        event.price,
        event.quantity,
        event.quote,
        event.taker_commission,
        event.taker_commission_asset,
        event.at_us,
        order.side == "BUY",
        False,
    )


def _maker_trade(event: OrderTraded) -> AccountTrade:
    order = event.maker
    return AccountTrade(
        event.trade_id,
        order.account_id,
        event.symbol,
        order.order_id,
        order.order_list_id,
        event.price,
        event.quantity,
        event.quote,
        event.maker_commission,
        event.maker_commission_asset,
        event.at_us,
        order.side == "BUY",
        True,
    )


def _prevented_match(event: TradePrevented) -> PreventedMatch:
    return PreventedMatch(
        event.prevented_match_id,
        event.symbol,
        event.taker.account_id,
        event.maker.account_id,
        event.taker.order_id,
        event.maker.order_id,
        event.trade_group_id,
        event.taker.stp_mode,
        event.price,
        event.taker_prevented,
        event.maker_prevented,
        event.at_us,
    )


def _cut(rows: list[_T], limit: int, *, from_start: bool) -> list[_T]:
    """Keep the first `limit` rows, or the last."""
    if from_start:
        return rows[:limit]
    return rows[-limit:] if limit else []


def _order_id(order: Order) -> int:
    return order.order_id


def _trade_id(trade: AccountTrade) -> int:
    return trade.trade_id


def _trade_place(trade: AccountTrade) -> tuple[int, int]:
    return trade.at_us, trade.trade_id


def _list_id(listed: OrderListRecord) -> int:
    return listed.order_list_id


_Layout = tuple[list[Order], list[AccountTrade], list[OrderListRecord], list[PreventedMatch]]
