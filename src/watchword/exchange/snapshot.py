"""The engine's state as bytes and back, and its hash. Layout: docs/formats/venue-state.md.

Canonical: everything is sorted by something the trade knows (symbol, account, price, time priority), nothing by the
order of a dictionary, and what can be computed again is left out. So any implementation that applied the same
commands gives the same bytes, and the hash is theirs.
"""

import hashlib
from typing import Final

import msgspec

from watchword.exchange.accounts import Account
from watchword.exchange.engine import Engine
from watchword.exchange.instruments import Instrument
from watchword.exchange.order import Order
from watchword.exchange.state import Floor, OrderList
from watchword.kernel.errors import CorruptStoreError

#: Version of the layout. Rises whenever a field is added, taken away or means something else.
ENGINE_LAYOUT: Final = 1
HASH_BYTES: Final = 32


class _FloorRow(msgspec.Struct, array_like=True):
    """One symbol. Bids and asks come best first, in time priority; stops by rising id."""

    instrument: Instrument
    status: str
    liquidity: bool
    last_price: int
    update_id: int
    next_trade_id: int
    next_prevented_match_id: int
    bids: list[Order]
    asks: list[Order]
    stops: list[Order]


class _ListRow(msgspec.Struct, array_like=True):
    """One open order list; `legs` are (order id, order), the order None where it is open and so stands elsewhere.

    Why closed legs: the list's last event shows every leg, and a closed one is nowhere else in the engine.
    """

    order_list_id: int
    account_id: int
    symbol: str
    list_client_order_id: str
    legs: list[tuple[int, Order | None]]
    held: int
    created_us: int
    updated_us: int


class _EngineRow(msgspec.Struct, array_like=True):
    layout: int
    sequence: int
    now_us: int
    seed: int
    liquidity: bool
    next_order_id: int
    next_execution_id: int
    next_list_id: int
    accounts: list[Account]
    balances: list[tuple[int, str, str, str]]
    floors: list[_FloorRow]
    lists: list[_ListRow]


def encode_engine(engine: Engine) -> bytes:
    """Write the engine's state; equal states give equal bytes."""
    return msgspec.msgpack.encode(
        _EngineRow(
            ENGINE_LAYOUT,
            engine.sequence,
            engine.now_us,
            engine.seed,
            engine.liquidity,
            engine.next_order_id,
            engine.next_execution_id,
            engine.next_list_id,
            [engine.accounts[account_id] for account_id in sorted(engine.accounts)],
            list(engine.ledger.rows()),
            [_floor_row(floor) for floor in engine.floors.values()],
            [_list_row(engine, engine.lists[list_id]) for list_id in sorted(engine.lists)],
        )
    )


def decode_engine(raw: bytes) -> Engine:
    """Rebuild an engine from what `encode_engine` wrote.

    Raises:
        CorruptStoreError: The bytes have another layout.
    """
    try:
        row = msgspec.msgpack.decode(raw, type=_EngineRow)
    except msgspec.DecodeError as fault:
        raise CorruptStoreError(f"snapshot: the engine's part is unreadable ({fault})") from None
    if row.layout != ENGINE_LAYOUT:
        raise CorruptStoreError(f"snapshot: layout {row.layout}, this program reads {ENGINE_LAYOUT}")
    engine = Engine()
    engine.sequence, engine.now_us = row.sequence, row.now_us
    engine.seed, engine.liquidity = row.seed, row.liquidity
    engine.next_order_id = row.next_order_id
    engine.next_execution_id = row.next_execution_id
    engine.next_list_id = row.next_list_id
    for account in row.accounts:
        engine.accounts[account.account_id] = account
    engine.ledger.restore(row.balances)
    orders: dict[int, Order] = {}
    for floor_row in row.floors:
        _restore_floor(engine, floor_row, orders)
    for list_row in row.lists:
        _restore_list(engine, list_row, orders)
    return engine


def engine_hash(engine: Engine) -> bytes:
    """Return the hash of the engine's canonical bytes, `HASH_BYTES` long."""
    return hashlib.blake2b(encode_engine(engine), digest_size=HASH_BYTES).digest()


def _floor_row(floor: Floor) -> _FloorRow:
    stops = floor.stops.orders
    return _FloorRow(
        floor.instrument,
        floor.status,
        floor.liquidity,
        floor.last_price,
        floor.book.update_id,
        floor.next_trade_id,
        floor.next_prevented_match_id,
        list(floor.book.bids.orders()),
        list(floor.book.asks.orders()),
        [stops[order_id] for order_id in sorted(stops)],
    )


def _list_row(engine: Engine, listed: OrderList) -> _ListRow:
    still_open = engine.floors[listed.symbol].desks[listed.account_id].open
    return _ListRow(
        listed.order_list_id,
        listed.account_id,
        listed.symbol,
        listed.list_client_order_id,
        [(leg.order_id, None if leg.order_id in still_open else leg) for leg in listed.legs],
        listed.held,
        listed.created_us,
        listed.updated_us,
    )


def _restore_floor(engine: Engine, row: _FloorRow, orders: dict[int, Order]) -> None:
    floor = engine.floors[row.instrument.symbol] = Floor(row.instrument, engine.ledger)
    floor.status = row.status
    floor.liquidity = row.liquidity
    floor.last_price = row.last_price
    floor.next_trade_id = row.next_trade_id
    floor.next_prevented_match_id = row.next_prevented_match_id
    for order in row.stops:
        floor.stops.add(order)
    for resting in (row.bids, row.asks):
        for order in resting:
            floor.book.load(order)
    floor.book.finish_load(row.update_id)
    # By rising id: open orders are read oldest first, and that must not depend on where an order waits.
    for order in sorted((*row.stops, *row.bids, *row.asks), key=_order_id):
        _register(engine, floor, order)
        orders[order.order_id] = order


def _register(engine: Engine, floor: Floor, order: Order) -> None:
    """Count a restored order as open."""
    order.symbol = floor.symbol
    desk = engine.desk(floor, order.account_id)
    if desk is None:
        raise CorruptStoreError(f"snapshot: order {order.order_id} belongs to no account")
    desk.open[order.order_id] = order
    desk.by_client[order.client_order_id] = order
    if order.stop_price:
        desk.algo += 1


def _order_id(order: Order) -> int:
    return order.order_id


def _restore_list(engine: Engine, row: _ListRow, orders: dict[int, Order]) -> None:
    legs = tuple(orders[order_id] if leg is None else leg for order_id, leg in row.legs)
    listed = OrderList(
        row.order_list_id,
        row.account_id,
        row.symbol,
        row.list_client_order_id,
        legs,
        row.held,
        row.created_us,
        row.updated_us,
    )
    engine.lists[row.order_list_id] = listed
    desk = engine.desk(engine.floors[row.symbol], row.account_id)
    if desk is not None:
        desk.lists[row.order_list_id] = listed
