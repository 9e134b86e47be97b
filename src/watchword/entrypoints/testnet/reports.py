"""User data events as JSON bytes: executionReport with all its letters, balances, lists. Pure, addresses nobody.

An event carries the figures of its moment; what never changes is read from the order. Where the order moved on
within the same command, the moment's figure is taken from the event.

Source: user-data-stream.md; faqs/stp_faq.md for prevented matches.
"""

from collections.abc import Iterable
from typing import Final

from watchword.exchange.events import OrderListChanged, OrderTraded, TradePrevented
from watchword.exchange.order import NOT_WORKING, Order
from watchword.kernel.units import SCALE
from watchword.kernel.units import format_scaled as f

NO_TRADE: Final = -1
NO_GROUP: Final = -1
ZERO: Final = "0.00000000"


class Fill:
    """The trade's side of a report: zeros where there is none."""

    __slots__ = ("asset", "commission", "is_maker", "price", "quantity", "quote", "trade_id")

    def __init__(self) -> None:
        self.trade_id = NO_TRADE
        self.price = self.quantity = self.quote = self.commission = 0
        self.asset = ""
        self.is_maker = False


_NO_FILL: Final = Fill()


def execution_report(
    order: Order,
    kind: str,
    status: str,
    execution_id: int,
    at_us: int,
    executed: int,
    executed_quote: int,
    *,
    micros: bool,
    working: bool,
    fill: Fill = _NO_FILL,
    client_order_id: str = "",
    original_client_order_id: str = "",
    more: str = "",
) -> bytes:
    """Write one executionReport.

    Args:
        order: What it is about.
        kind: Execution type, `x`.
        status: Order status at that moment, `X`.
        execution_id: Rises strictly.
        at_us: When it happened, epoch microseconds.
        executed: Cumulative base filled right after it, scaled.
        executed_quote: The same in quote.
        micros: Write microseconds.
        working: Whether the order is on the book right after it.
        fill: The trade, for TRADE.
        client_order_id: `c` where it is not the order's own (a cancel's id).
        original_client_order_id: `C`: the order's own id where `c` is a cancel's.
        more: Conditional members, each with its leading comma.
    """
    at = at_us if micros else at_us // 1000
    created = order.created_us if micros else order.created_us // 1000
    # A MARKET order by quote has no quantity of its own: it shows what was executed so far.
    quantity = executed if order.quote_quantity else order.quantity
    if order.working_us != NOT_WORKING and (working or kind != "NEW"):
        more = f',"W":{order.working_us if micros else order.working_us // 1000}{more}'
    if order.strategy_id:
        more += f',"j":{order.strategy_id}'
    if order.strategy_type:
        more += f',"J":{order.strategy_type}'
    asset = f'"{fill.asset}"' if fill.asset else "null"
    return (
        f'{{"e":"executionReport","E":{at},"s":"{order.symbol}","c":"{client_order_id or order.client_order_id}",'
        f'"S":"{order.side}","o":"{order.type}","f":"{order.time_in_force or "GTC"}","q":"{f(quantity)}",'
        f'"p":"{f(order.price)}","P":"{f(order.stop_price)}","F":"{ZERO}","g":{order.order_list_id},'
        f'"C":"{original_client_order_id}","x":"{kind}","X":"{status}","r":"NONE","i":{order.order_id},'
        f'"l":"{f(fill.quantity)}","z":"{f(executed)}","L":"{f(fill.price)}",'
        f'"n":"{f(fill.commission) if fill.commission else "0"}","N":{asset},"T":{at},"t":{fill.trade_id},'
        f'"I":{execution_id},"w":{_bool(working)},"m":{_bool(fill.is_maker)},"M":{_bool(fill.trade_id != NO_TRADE)},'
        f'"O":{created},"Z":"{f(executed_quote)}","Y":"{f(fill.quote)}","Q":"{f(order.quote_quantity)}",'
        f'"V":"{order.stp_mode}"{more}}}'
    ).encode()


def trade_reports(event: OrderTraded, *, of_maker: bool, micros: bool) -> bytes:
    """Write the report of one side of a trade."""
    fill = Fill()
    fill.trade_id, fill.price, fill.quantity, fill.quote = (
        event.trade_id, event.price, event.quantity, event.quote,
    )  # fmt: skip
    fill.is_maker = of_maker
    if of_maker:
        fill.commission, fill.asset = event.maker_commission, event.maker_commission_asset
        order, status, execution_id = event.maker, event.maker_status, event.execution_id + 1
        executed, executed_quote = event.maker_executed, event.maker_executed_quote
    else:
        fill.commission, fill.asset = event.taker_commission, event.taker_commission_asset
        order, status, execution_id = event.taker, event.taker_status, event.execution_id
        executed, executed_quote = event.taker_executed, event.taker_executed_quote
    return execution_report(
        order, "TRADE", status, execution_id, event.at_us, executed, executed_quote,
        micros=micros, working=status == "PARTIALLY_FILLED", fill=fill,
    )  # fmt: skip


def prevention_report(
    event: TradePrevented,
    *,
    of_maker: bool,
    micros: bool,
    status: str,
    prevented: int,
    executed: int,
    quote: int,
) -> bytes:
    """Write the TRADE_PREVENTION report of one side.

    Args:
        event: What was prevented.
        of_maker: The resting order's side.
        micros: Write microseconds.
        status: Of the order right after.
        prevented: Cumulative prevented quantity right after, scaled.
        executed: Cumulative base filled, scaled.
        quote: The same in quote.
    """
    order, counter = (event.maker, event.taker) if of_maker else (event.taker, event.maker)
    last = event.maker_prevented if of_maker else event.taker_prevented
    would = max(event.maker_prevented, event.taker_prevented)
    more = (
        f',"v":{event.prevented_match_id},"A":"{f(prevented)}","B":"{f(last)}","u":{event.trade_group_id},'
        f'"U":{counter.order_id},"Cs":"{event.symbol}","pl":"{f(would)}","pL":"{f(event.price)}",'
        f'"pY":"{f(would * event.price // SCALE)}"'
    )
    return execution_report(
        order, "TRADE_PREVENTION", status, event.execution_id + (1 if of_maker else 0), event.at_us, executed, quote,
        micros=micros, working=status in {"NEW", "PARTIALLY_FILLED"}, more=more,
    )  # fmt: skip


def account_position(at_us: int, balances: Iterable[tuple[str, int, int]], *, micros: bool) -> bytes:
    """Write outboundAccountPosition: (asset, free, locked) of every asset that may have changed."""
    at = at_us if micros else at_us // 1000
    rows = ",".join(
        [f'{{"a":"{asset}","f":"{f(free)}","l":"{f(locked)}"}}' for asset, free, locked in balances]
    )
    return f'{{"e":"outboundAccountPosition","E":{at},"u":{at},"B":[{rows}]}}'.encode()


def balance_update(at_us: int, asset: str, delta: int, *, micros: bool) -> bytes:
    """Write balanceUpdate: money from or to outside."""
    at = at_us if micros else at_us // 1000
    return f'{{"e":"balanceUpdate","E":{at},"a":"{asset}","d":"{f(delta)}","T":{at}}}'.encode()


def list_status(event: OrderListChanged, *, micros: bool) -> bytes:
    """Write listStatus."""
    at = event.at_us if micros else event.at_us // 1000
    legs = ",".join(
        [f'{{"s":"{leg.symbol}","i":{leg.order_id},"c":"{leg.client_order_id}"}}' for leg in event.legs]
    )
    return (
        f'{{"e":"listStatus","E":{at},"s":"{event.symbol}","g":{event.order_list_id},"c":"OCO",'
        f'"l":"{event.list_status_type}","L":"{event.list_order_status}","r":"NONE",'
        f'"C":"{event.list_client_order_id}","T":{at},"O":[{legs}]}}'
    ).encode()


def stream_terminated(at_us: int, *, micros: bool) -> bytes:
    """Write eventStreamTerminated: a subscription ended by request, by logout, or because its key is gone."""
    return b'{"e":"eventStreamTerminated","E":%d}' % (at_us if micros else at_us // 1000)


def _bool(value: bool) -> str:
    return "true" if value else "false"
