"""User data streams: which account hears what, in which order. Renders through `reports`, never touches a socket.

For one command an account gets its executionReports and listStatus events in the order things happened, then one
outboundAccountPosition with every asset that may have changed.

Source: user-data-stream.md; web-socket-api.md, "User Data Stream subscription".
"""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Protocol

import msgspec

from watchword.entrypoints.sockets.frames import text_frame
from watchword.entrypoints.testnet import reports
from watchword.exchange.events import (
    AnyEvent,
    Applied,
    BalanceChanged,
    OrderAccepted,
    OrderCanceled,
    OrderExpired,
    OrderListChanged,
    OrderTraded,
    OrderTriggered,
    TradePrevented,
)
from watchword.exchange.order import Order

if TYPE_CHECKING:
    from watchword.exchange.commands import AnyCommand
    from watchword.exchange.venue import Venue


class Listener(Protocol):
    """Who gets frames.

    Attributes:
        micros: Wants microseconds.
    """

    micros: bool

    def send(self, frame: bytes) -> None:
        """Take a prepared frame; never waits, never fails."""
        ...


class Subscription(msgspec.Struct, frozen=True, eq=False):
    """One account's events on one connection.

    Attributes:
        subscription_id: Counts from 0 on its connection.
        api_key: The credential that opened it; when that goes, this ends.
        by_logon: Opened through the session's key: a logout ends it.
    """

    subscription_id: int
    account_id: int
    api_key: str
    listener: Listener
    by_logon: bool


Render = Callable[[bool], bytes]


class UserStreams:
    """All user data subscriptions of one process."""

    def __init__(self, venue: "Venue") -> None:
        """Prepare; `on_applied` is to be a listener of the sequencer.

        Args:
            venue: Read only.
        """
        self._venue = venue
        self._accounts: dict[int, list[Subscription]] = {}

    def begin(self, subscription: Subscription) -> None:
        """Start sending."""
        self._accounts.setdefault(subscription.account_id, []).append(subscription)

    def end(self, subscription: Subscription) -> None:
        """Stop sending."""
        mine = self._accounts.get(subscription.account_id, [])
        if subscription in mine:
            mine.remove(subscription)
        if not mine:
            self._accounts.pop(subscription.account_id, None)

    def on_applied(self, command: "AnyCommand", applied: Applied) -> None:
        """Tell the accounts concerned what one command did."""
        if not self._accounts or not isinstance(applied, list):
            return
        #: Account → assets that may have changed, in the order they came up.
        touched: dict[int, dict[str, None]] = {}
        for index, event in enumerate(applied):
            self._tell(event, applied, index, touched)
        for account_id, assets in touched.items():
            self._send(account_id, self._position(command.now_us, account_id, tuple(assets)))

    def _tell(
        self, event: AnyEvent, events: Sequence[AnyEvent], index: int, touched: dict[int, dict[str, None]]
    ) -> None:
        """Render one event to the accounts it concerns."""
        match event:
            case OrderTraded():
                for order, of_maker in ((event.taker, False), (event.maker, True)):
                    if self._concerns(order, touched):
                        self._send(order.account_id, _traded(event, of_maker=of_maker))
            case OrderAccepted() | OrderTriggered() | OrderCanceled() | OrderExpired():
                if self._concerns(event.order, touched):
                    render = _order_changed(event)
                    if render is not None:
                        self._send(event.order.account_id, render)
            case TradePrevented():
                for order, of_maker in ((event.taker, False), (event.maker, True)):
                    prevented = event.maker_prevented if of_maker else event.taker_prevented
                    if prevented and self._concerns(order, touched):
                        self._send(
                            order.account_id, _prevented(event, order, events[index + 1 :], of_maker=of_maker)
                        )
            case OrderListChanged():
                if event.account_id in self._accounts:
                    self._send(event.account_id, lambda micros: reports.list_status(event, micros=micros))
            case BalanceChanged():
                if event.account_id in self._accounts:
                    touched.setdefault(event.account_id, {})[event.asset] = None
                    self._send(
                        event.account_id,
                        lambda micros: reports.balance_update(
                            event.at_us, event.asset, event.delta, micros=micros
                        ),
                    )
            case _:
                pass

    def _concerns(self, order: Order, touched: dict[int, dict[str, None]]) -> bool:
        """Tell whether somebody listens to this order's account, and note its assets."""
        if order.account_id not in self._accounts:
            return False
        instrument = self._venue.engine.floors[order.symbol].instrument
        assets = touched.setdefault(order.account_id, {})
        assets[instrument.base_asset] = None
        assets[instrument.quote_asset] = None
        return True

    def _position(self, at_us: int, account_id: int, assets: tuple[str, ...]) -> Render:
        ledger = self._venue.engine.ledger
        balances = [(asset, ledger.balance(account_id, asset)) for asset in assets]
        rows = [(asset, balance.free, balance.locked) for asset, balance in balances]
        return lambda micros: reports.account_position(at_us, rows, micros=micros)

    def _send(self, account_id: int, render: Render) -> None:
        """Send one event to all of an account's subscriptions; it is rendered once per time unit."""
        made: dict[bool, bytes] = {}
        for subscription in tuple(self._accounts.get(account_id, ())):
            listener = subscription.listener
            payload = made.get(listener.micros)
            if payload is None:
                payload = made[listener.micros] = render(listener.micros)
            listener.send(event_frame(subscription.subscription_id, payload))


def event_frame(subscription_id: int, payload: bytes) -> bytes:
    """Wrap an event for the WebSocket API. Source: web-socket-api.md, "Event format"."""
    return text_frame(b'{"subscriptionId":%d,"event":%s}' % (subscription_id, payload))


def _traded(event: OrderTraded, *, of_maker: bool) -> Render:
    return lambda micros: reports.trade_reports(event, of_maker=of_maker, micros=micros)


def _order_changed(event: OrderAccepted | OrderTriggered | OrderCanceled | OrderExpired) -> Render | None:
    """Render an event about a single order; None where another report has told it already."""
    order = event.order
    match event:
        case OrderAccepted():
            return lambda micros: reports.execution_report(
                order,
                "NEW",
                "NEW",
                event.execution_id,
                event.at_us,
                0,
                0,
                micros=micros,
                working=event.working,
            )
        case OrderTriggered():
            return lambda micros: reports.execution_report(
                order, "NEW", "NEW", event.execution_id, event.at_us, 0, 0, micros=micros, working=True
            )
        case OrderCanceled():
            cancel_id = event.cancel_client_order_id
            return lambda micros: reports.execution_report(
                order, "CANCELED", "CANCELED", event.execution_id, event.at_us, order.executed, order.executed_quote,
                micros=micros, working=False, client_order_id=cancel_id,
                original_client_order_id=order.client_order_id if cancel_id else "",
            )  # fmt: skip
        case _:
            if event.status == "EXPIRED_IN_MATCH":
                # Its TRADE_PREVENTION report said so. Source: faqs/stp_faq.md.
                return None
            more = f',"eR":"{event.reason}"' if event.reason else ""
            return lambda micros: reports.execution_report(
                order, "EXPIRED", event.status, event.execution_id, event.at_us, order.executed, order.executed_quote,
                micros=micros, working=False, more=more,
            )  # fmt: skip


def _prevented(event: TradePrevented, order: Order, later: Sequence[AnyEvent], *, of_maker: bool) -> Render:
    """Render a prevention with the order's figures of that moment: the final ones less what came later."""
    executed, quote, prevented, last = order.executed, order.executed_quote, order.prevented, True
    for after in later:
        if isinstance(after, OrderTraded) and (after.taker is order or after.maker is order):
            executed -= after.quantity
            quote -= after.quote
        elif isinstance(after, TradePrevented):
            removed = (after.taker_prevented if after.taker is order else 0) + (
                after.maker_prevented if after.maker is order else 0
            )
            prevented -= removed
            last = last and not removed
    if last and order.status == "EXPIRED_IN_MATCH":
        status = "EXPIRED_IN_MATCH"
    else:
        status = "PARTIALLY_FILLED" if executed else "NEW"
    return lambda micros: reports.prevention_report(
        event,
        of_maker=of_maker,
        micros=micros,
        status=status,
        prevented=prevented,
        executed=executed,
        quote=quote,
    )
