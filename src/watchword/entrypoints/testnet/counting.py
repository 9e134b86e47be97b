"""Takes first fills off the unfilled-order counts. Knows nothing but what happened.

Source: faqs/order_count_decrement.md.
"""

from typing import TYPE_CHECKING

from watchword.exchange.events import Applied, OrderTraded
from watchword.exchange.limits import FIRST_FILL_AS_MAKER, FIRST_FILL_AS_TAKER, Limits

if TYPE_CHECKING:
    from watchword.exchange.commands import AnyCommand


class OrderCounter:
    """A listener of the sequencer."""

    def __init__(self, limits: Limits) -> None:
        """Prepare.

        Args:
            limits: Whose counts go down.
        """
        self._limits = limits

    def on_applied(self, command: "AnyCommand", applied: Applied) -> None:
        """Give back for each order that traded for the first time."""
        if not isinstance(applied, list):
            return
        for event in applied:
            if type(event) is not OrderTraded:
                continue
            if event.taker_executed == event.quantity:
                self._limits.note_fill(event.taker.account_id, FIRST_FILL_AS_TAKER, command.now_us)
            if event.maker_executed == event.quantity:
                self._limits.note_fill(event.maker.account_id, FIRST_FILL_AS_MAKER, command.now_us)
