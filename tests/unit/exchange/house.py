"""A small engine for unit tests: one symbol, three accounts, and short words for orders. Amounts in whole units."""

from typing import TYPE_CHECKING, Any

import msgspec

from watchword.binance.errors import WireError
from watchword.exchange.commands import (
    AnyCommand,
    CancelOpenOrders,
    CancelOrder,
    CancelOrderList,
    CancelReplace,
    Leg,
    OpenAccount,
    OpenVenue,
    PlaceOco,
    PlaceOrder,
)
from watchword.exchange.engine import Engine
from watchword.exchange.events import AnyEvent, OrderAccepted
from watchword.exchange.listings import default_instruments
from watchword.exchange.order import Order
from watchword.kernel.units import SCALE, parse_scaled

if TYPE_CHECKING:
    from watchword.exchange.instruments import Instrument

NOW_US = 1_763_000_000_000_000
SYMBOL = "BTCUSDT"
ANN, BEN, CAT = 1, 2, 3


def units(amount: str | int) -> int:
    """Read an amount in whole units."""
    value = parse_scaled(str(amount))
    assert value is not None
    return value


class House:
    """An engine and the words to talk to it. Ann and Ben are strangers; Cat is in a trade group with Ben."""

    def __init__(self, **instrument: Any) -> None:
        self.engine = Engine()
        self.instrument: Instrument = msgspec.structs.replace(default_instruments()[0], **instrument)
        self.apply(OpenVenue, seed=1, liquidity=False, instruments=(self.instrument,))
        grants = (("BTC", units(20_000)), ("USDT", units(20_000)))
        for name, group in (("ann", -1), ("ben", 7), ("cat", 7)):
            self.apply(OpenAccount, name=name, grants=grants, trade_group_id=group)

    def apply(self, kind: Any, **fields: Any) -> list[AnyEvent] | WireError:
        """Apply a command of this kind at the next sequence."""
        sequence = self.engine.sequence + 1
        command: AnyCommand = kind(sequence=sequence, now_us=NOW_US + sequence, **fields)
        applied = self.engine.apply(command)
        assert self.engine.ledger.imbalance() == {}
        return applied

    def place(
        self, account: int, side: str, quantity: str | int = 0, price: str | int = 0, **more: Any
    ) -> Any:
        """Place an order; LIMIT GTC unless told otherwise. Returns the events, or the refusal."""
        return self.apply(PlaceOrder, **self.terms(account, side, quantity, price, **more))

    def terms(
        self, account: int, side: str, quantity: str | int = 0, price: str | int = 0, **more: Any
    ) -> dict[str, Any]:
        """Return the fields of an order."""
        scaled = {name: units(more.pop(name, 0)) for name in ("quote_quantity", "stop_price")}
        return {
            "account_id": account,
            "symbol": SYMBOL,
            "side": side,
            "type": "LIMIT" if price else "MARKET",
            "time_in_force": "GTC",
            "quantity": units(quantity),
            "price": units(price),
            "client_order_id": f"c{self.engine.sequence + 1}",
            "stp_mode": "NONE",
            "strategy_id": 0,
            "strategy_type": 0,
            **scaled,
            **more,
        }

    def order(
        self, account: int, side: str, quantity: str | int = 0, price: str | int = 0, **more: Any
    ) -> Order:
        """Place an order that must be accepted and return it."""
        events = self.place(account, side, quantity, price, **more)
        assert isinstance(events, list), events
        return next(event.order for event in events if isinstance(event, OrderAccepted))

    def oco(self, account: int, side: str, quantity: str | int, above: Leg, below: Leg, **more: Any) -> Any:
        """Place an OCO list; the events or the refusal."""
        fields = {"list_client_order_id": f"l{self.engine.sequence}", "stp_mode": "NONE", **more}
        return self.apply(
            PlaceOco,
            account_id=account,
            symbol=SYMBOL,
            side=side,
            quantity=units(quantity),
            above=above,
            below=below,
            **fields,
        )

    def leg(self, kind: str, price: str | int = 0, stop: str | int = 0, tif: str = "GTC") -> Leg:
        """Make a leg with a client id of its own."""
        return Leg(kind, tif, units(price), units(stop), f"{kind}-{self.engine.sequence}")  # type: ignore[arg-type]

    def cancel(self, account: int, order_id: int = 0, client_id: str = "", restriction: str = "") -> Any:
        """Cancel one order."""
        return self.apply(
            CancelOrder,
            account_id=account,
            symbol=SYMBOL,
            order_id=order_id,
            orig_client_order_id=client_id,
            client_order_id="cancel",
            restriction=restriction,
        )

    def cancel_all(self, account: int) -> Any:
        """Cancel everything of an account."""
        return self.apply(CancelOpenOrders, account_id=account, symbol=SYMBOL, client_order_id="cancel")

    def cancel_list(self, account: int, list_id: int = 0, client_id: str = "") -> Any:
        """Cancel a list."""
        return self.apply(
            CancelOrderList,
            account_id=account,
            symbol=SYMBOL,
            order_list_id=list_id,
            list_client_order_id=client_id,
            client_order_id="cancel",
        )

    def replace(
        self, account: int, cancel_order_id: int, mode: str, side: str, *amounts: Any, **more: Any
    ) -> Any:
        """Cancel one order and place another."""
        over = more.pop("over_order_limit", False)
        restriction = more.pop("restriction", "")
        return self.apply(
            CancelReplace,
            **self.terms(account, side, *amounts, **more),
            cancel_order_id=cancel_order_id,
            cancel_orig_client_order_id="",
            cancel_client_order_id="cancel",
            cancel_restriction=restriction,
            mode=mode,
            over_order_limit=over,
        )

    def trade_at(self, price: str | int) -> None:
        """Make a last price: Ann sells a little to Ben."""
        self.order(ANN, "SELL", "0.01", price)
        self.order(BEN, "BUY", "0.01", price, time_in_force="IOC")

    def free(self, account: int, asset: str) -> str:
        """Return what is free, in whole units."""
        return _text(self.engine.ledger.balances(account)[asset][0])

    def locked(self, account: int, asset: str) -> str:
        """Return what is locked, in whole units."""
        return _text(self.engine.ledger.balances(account)[asset][1])


def names(events: Any) -> list[str]:
    """Return the kinds of events in order."""
    assert isinstance(events, list), events
    return [type(event).__name__ for event in events]


def _text(value: int) -> str:
    text = f"{value // SCALE}.{value % SCALE:08d}"
    return text.rstrip("0").rstrip(".")
