"""What a key has used up, as one value: `Usage.fold(event)` gives the next. Never stored here, never reads a clock.

Spending counts three things: what was executed today, what open orders may still execute, and the order at hand. So
an order's cap is taken when it is allowed and given back when the order closes unfilled; a fill moves it from the
open part to today's. Days are calendar days in UTC. Amounts are scaled integers by asset.

The dictionaries inside are never changed after they are made.
"""

from collections.abc import Mapping
from typing import Final

import msgspec

from watchword.binance.enums import Side
from watchword.policy.decision import Charge

DAY_US: Final = 86_400_000_000
#: Charges that may be open at once; beyond it placing is refused.
CHARGES_COUNT_MAX: Final = 5_000
#: Symbols a key is known to have traded; beyond it further ones stay new.
TRADED_COUNT_MAX: Final = 5_000
#: Windows of the rate rule, in microseconds: second, minute, hour, day.
WINDOWS_US: Final = (1_000_000, 60_000_000, 3_600_000_000, DAY_US)


def charge_key(symbol: str, client_order_id: str) -> str:
    """The key of the charge of an order, or of a group whose first order has this id (ids repeat across symbols)."""
    return f"{symbol} {client_order_id}"


class Placed(msgspec.Struct, frozen=True, tag=True, gc=False):
    """An order request was allowed and is about to be sent. Fold it before sending."""

    at_us: int
    charges: tuple[Charge, ...]
    orders_count: int = 1


class Filled(msgspec.Struct, frozen=True, tag=True, gc=False):
    """An order traded.

    Attributes:
        at_us: When, epoch microseconds.
        key: The charge's key.
        symbol: Where.
        base: Base asset.
        quote: Quote asset.
        side: BUY or SELL.
        quantity: Base units traded.
        amount: Quote units traded.
        commission_base: Commission taken out of the base asset, which the key then does not hold.
    """

    at_us: int
    key: str
    symbol: str
    base: str
    quote: str
    side: Side
    quantity: int
    amount: int
    commission_base: int = 0


class Closed(msgspec.Struct, frozen=True, tag=True, gc=False):
    """Nothing of a group can fill any more: filled, cancelled, expired, rejected, or never arrived."""

    at_us: int
    key: str


class Withdrawn(msgspec.Struct, frozen=True, tag=True, gc=False):
    """A withdrawal was allowed and is about to be sent. It counts even where the exchange then refuses it."""

    at_us: int
    destination: str
    amount: int


Event = Placed | Filled | Closed | Withdrawn


class Reserved(msgspec.Struct, frozen=True):
    """Sums over the open charges, by asset.

    Attributes:
        charged: Quote units that count against spend caps.
        gross: Quote units in all.
        buying: Base units of open BUYs.
        exempt: Base units of open SELLs that give back what was bought.
    """

    charged: Mapping[str, int] = {}
    gross: Mapping[str, int] = {}
    buying: Mapping[str, int] = {}
    exempt: Mapping[str, int] = {}

    def add(self, charge: Charge, sign: int) -> "Reserved":
        """Return the sums with a charge added (1) or taken away (-1)."""
        buying, exempt = self.buying, self.exempt
        if charge.side == "BUY":
            buying = _plus(buying, charge.base, sign * charge.quantity)
        elif charge.exempt:
            exempt = _plus(exempt, charge.base, sign * charge.exempt)
        return Reserved(
            _plus(self.charged, charge.quote, sign * charge.charged),
            _plus(self.gross, charge.quote, sign * charge.gross),
            buying,
            exempt,
        )


class Usage(msgspec.Struct, frozen=True):
    """Everything the rules need to know about the past.

    Attributes:
        day: Days since 1970-01-01 UTC that `spent`, `turnover` and `withdrawn` are about.
        spent: Executed today against spend caps, by quote asset.
        turnover: Executed today on both sides, by quote asset.
        withdrawn: Sent away today, by destination (see rules/withdrawals.py).
        bought: Base units this key bought and has not sold back, by asset; never below zero.
        open: Charges of open orders, by key.
        reserved: Sums over `open`.
        counts: Per window of WINDOWS_US: (number of the window, orders placed in it).
        traded: Symbols the key has placed orders on.
    """

    day: int = 0
    spent: Mapping[str, int] = {}
    turnover: Mapping[str, int] = {}
    withdrawn: Mapping[str, int] = {}
    bought: Mapping[str, int] = {}
    open: Mapping[str, Charge] = {}
    reserved: Reserved = Reserved()
    counts: tuple[tuple[int, int], ...] = ((0, 0),) * len(WINDOWS_US)
    traded: frozenset[str] = frozenset()

    def at(self, now_us: int) -> "Usage":
        """Return the usage as of a moment: a new day starts at zero; a clock that steps back starts nothing."""
        day = now_us // DAY_US
        if day <= self.day:
            return self
        return msgspec.structs.replace(self, day=day, spent={}, turnover={}, withdrawn={})

    def fold(self, event: Event) -> "Usage":
        """Return the usage after an event."""
        today = self.at(event.at_us)
        if isinstance(event, Placed):
            return _placed(today, event)
        if isinstance(event, Filled):
            return _filled(today, event)
        if isinstance(event, Closed):
            return _closed(today, event.key)
        return msgspec.structs.replace(
            today, withdrawn=_plus(today.withdrawn, event.destination, event.amount)
        )

    def sellable(self, base: str) -> int:
        """Base units that can be sold back exempt from spend caps: bought, and not already on the way out."""
        held = self.bought.get(base, 0)
        return max(0, held - self.reserved.exempt.get(base, 0)) if held else 0

    def placed_in(self, window: int, now_us: int) -> int:
        """Orders placed in the current window; `window` is an index into WINDOWS_US."""
        number, count = self.counts[window]
        return count if now_us // WINDOWS_US[window] <= number else 0


def _placed(usage: Usage, event: Placed) -> Usage:
    opened, reserved, at_us, more = dict(usage.open), usage.reserved, event.at_us, event.orders_count
    for charge in event.charges:
        if not charge.quantity:
            continue
        if charge.key in opened:
            _open(opened, charge)
        else:
            opened[charge.key] = charge
        reserved = reserved.add(charge, 1)
    counts, traded = usage.counts, usage.traded
    if event.charges and event.charges[0].symbol not in traded and len(traded) < TRADED_COUNT_MAX:
        # All charges of a request are on one symbol.
        traded = traded | {event.charges[0].symbol}
    if at_us // WINDOWS_US[0] <= counts[0][0]:
        # The shortest window has not ended, so no longer one has.
        counts = tuple([(number, count + more) for number, count in counts])
    else:
        numbers = [at_us // window_us for window_us in WINDOWS_US]
        counts = tuple(
            [
                (number, count + more) if now <= number else (now, more)
                for now, (number, count) in zip(numbers, counts, strict=True)
            ]
        )
    return Usage(
        usage.day,
        usage.spent,
        usage.turnover,
        usage.withdrawn,
        usage.bought,
        opened,
        reserved,
        counts,
        traded,
    )


def _open(opened: dict[str, Charge], charge: Charge) -> None:
    """Add a charge. An id used twice must not lose the first one's reservation, so the two are summed."""
    before = opened.get(charge.key)
    if before is not None and before.side != charge.side:
        charge = msgspec.structs.replace(charge, key=f"{charge.key} {charge.side}")
        before = opened.get(charge.key)
    if before is not None:
        charge = msgspec.structs.replace(
            charge,
            quantity=before.quantity + charge.quantity,
            gross=before.gross + charge.gross,
            charged=before.charged + charge.charged,
            exempt=before.exempt + charge.exempt,
        )
    opened[charge.key] = charge


def _filled(usage: Usage, event: Filled) -> Usage:
    charge = usage.open.get(event.key)
    quantity = event.quantity
    exempt = 0
    if event.side == "SELL":
        exempt = min(quantity, charge.exempt if charge is not None else usage.sellable(event.base))
    counted = event.amount if not exempt else -(-event.amount * (quantity - exempt) // max(quantity, 1))
    kept = quantity - event.commission_base if event.side == "BUY" else -quantity
    opened, reserved = usage.open, usage.reserved
    if charge is not None:
        reserved = reserved.add(charge, -1)
        rest = _rest(charge, quantity, exempt)
        opened = _removed(opened, charge.key)
        if rest is not None:
            opened[event.key] = rest
            reserved = reserved.add(rest, 1)
    return Usage(
        usage.day,
        _plus(usage.spent, event.quote, counted),
        _plus(usage.turnover, event.quote, event.amount),
        usage.withdrawn,
        _plus(usage.bought, event.base, kept),
        opened,
        reserved,
        usage.counts,
        usage.traded,
    )


def _rest(charge: Charge, filled: int, exempt: int) -> Charge | None:
    """What of a charge is left after a fill; what is given back is rounded down."""
    left = charge.quantity - filled
    if left <= 0:
        return None
    return msgspec.structs.replace(
        charge,
        quantity=left,
        gross=charge.gross - charge.gross * filled // charge.quantity,
        charged=charge.charged - charge.charged * filled // charge.quantity,
        exempt=charge.exempt - exempt,
    )


def _closed(usage: Usage, key: str) -> Usage:
    charge = usage.open.get(key)
    return usage if charge is None else _without(usage, charge)


def _without(usage: Usage, charge: Charge) -> Usage:
    return Usage(
        usage.day,
        usage.spent,
        usage.turnover,
        usage.withdrawn,
        usage.bought,
        _removed(usage.open, charge.key),
        usage.reserved.add(charge, -1),
        usage.counts,
        usage.traded,
    )


def _removed(charges: Mapping[str, Charge], key: str) -> dict[str, Charge]:
    # A copy and a removal: a tenth of what it takes to build it anew, where thousands are open.
    opened = dict(charges)
    opened.pop(key, None)
    return opened


def _plus(amounts: Mapping[str, int], asset: str, amount: int) -> Mapping[str, int]:
    """The amounts with one changed; none falls below zero, and zeros are left out."""
    if not amount:
        return amounts
    changed = dict(amounts)
    value = changed.get(asset, 0) + amount
    if value > 0:
        changed[asset] = value
    else:
        changed.pop(asset, None)
    return changed
