"""What an account's holdings are and were worth, and what its trades earned by average cost. Only adds up what it is given.

Integers throughout, counts of 10^-8 as everywhere: a worth is floored, as a valuation is; what trades earned is split so
that nothing is lost to rounding: of each symbol, `earned + uncovered_proceeds - cost` is exactly what sales brought less
what purchases took.
"""

from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, KeysView, Mapping, Sequence
from typing import Final

import msgspec

from watchword.kernel.units import SCALE, multiply_scaled

#: Parts of a whole in which shares are counted: hundredths of a percent.
SHARES_WHOLE: Final = 10_000
#: Where two assets have no symbol in common, the way goes over one of these.
BRIDGES: Final = ("USDT", "BTC")

#: Asset and moment → its price in the quote asset, scaled; None where there is none.
PriceOf = Callable[[str, int], int | None]


class Fill(msgspec.Struct, frozen=True):
    """One trade as its account sees it; amounts scaled.

    Attributes:
        quantity: Of the base asset.
        proceeds: Of the quote asset.
        fee: Of `fee_asset`.
    """

    symbol: str
    base: str
    quote: str
    is_buyer: bool
    quantity: int
    proceeds: int
    fee: int
    fee_asset: str
    at_us: int


class Change(msgspec.Struct, frozen=True):
    """A balance that changed by an amount, scaled and signed."""

    asset: str
    amount: int
    at_us: int


class Worth(msgspec.Struct, frozen=True):
    """Holdings at prices.

    Attributes:
        total: In the quote asset, scaled.
        unpriced: Assets that are held and have no price; they count for nothing.
    """

    total: int
    unpriced: tuple[str, ...]


class Earned(msgspec.Struct, frozen=True):
    """What trading one symbol brought, in its quote asset, scaled.

    Attributes:
        position: Base bought here and not sold again.
        cost: What that took, fees included.
        earned: By sales of what was bought here, over its average cost.
        uncovered: Base sold that was not bought here (paid in, for example): its cost is not known.
        uncovered_proceeds: What that brought; no part of `earned`.
        fees: By asset; they are in the other figures already where they were taken in base or quote.
        trades: How many.
    """

    symbol: str
    base: str
    quote: str
    position: int
    cost: int
    earned: int
    uncovered: int
    uncovered_proceeds: int
    fees: Mapping[str, int]
    trades: int

    @property
    def average_cost(self) -> int:
        """What one unit of the position took; scaled, floored; 0 without one."""
        return self.cost * SCALE // self.position if self.position else 0

    def unrealised(self, price: int) -> int:
        """Return what selling the position at a price would bring over its cost; scaled, floored."""
        return multiply_scaled(price, self.position) - self.cost


def changes_of(fill: Fill) -> Iterator[Change]:
    """Say what a trade did to balances: base one way, quote the other, the fee away."""
    sign = 1 if fill.is_buyer else -1
    yield Change(fill.base, sign * fill.quantity, fill.at_us)
    yield Change(fill.quote, -sign * fill.proceeds, fill.at_us)
    if fill.fee:
        yield Change(fill.fee_asset, -fill.fee, fill.at_us)


class Changes:
    """What changed balances, as running sums by asset: what changed since a moment is found, not added up."""

    def __init__(self, changes: Iterable[Change] = ()) -> None:
        """Take changes in any order; those added later come after them."""
        self._moments: dict[str, list[int]] = {}
        self._sums: dict[str, list[int]] = {}
        for change in sorted(changes, key=lambda change: change.at_us):
            self.add(change)

    def add(self, change: Change) -> None:
        """Take a change that is not before those already here."""
        sums = self._sums.setdefault(change.asset, [])
        self._moments.setdefault(change.asset, []).append(change.at_us)
        sums.append((sums[-1] if sums else 0) + change.amount)

    @property
    def assets(self) -> KeysView[str]:
        """Of which something changed."""
        return self._sums.keys()

    def since(self, asset: str, moment_us: int) -> int:
        """Return by how much an asset changed after a moment, scaled and signed."""
        sums = self._sums.get(asset)
        if sums is None:
            return 0
        before = bisect_right(self._moments[asset], moment_us)
        return sums[-1] - (sums[before - 1] if before else 0)


class Course:
    """An account's trades, added up as they come: asking for the sums costs the same however many there were.

    Attributes:
        changes: What they did to balances.
        trades: How many.
    """

    def __init__(self, fills: Iterable[Fill] = ()) -> None:
        """Take trades in the order they happened; those added later come after them."""
        self.changes, self.trades = Changes(), 0
        self._books: dict[str, _Book] = {}
        for fill in fills:
            self.add(fill)

    def add(self, fill: Fill) -> None:
        """Take the next trade."""
        self._books.setdefault(fill.symbol, _Book(fill)).add(fill)
        for change in changes_of(fill):
            self.changes.add(change)
        self.trades += 1

    def earned(self) -> list[Earned]:
        """Say what each symbol brought, in the order of first trades."""
        return [book.closed() for book in self._books.values()]


def holdings_at(
    held: Mapping[str, int], changes: Sequence[Changes], moments_us: Sequence[int]
) -> list[dict[str, int]]:
    """Say what was held at moments of the past.

    Args:
        held: What is held now, by asset, scaled.
        changes: Everything that changed balances after the first moment.
        moments_us: Epoch microseconds; what happened at a moment itself has happened.

    Returns:
        What was held at each moment, without assets of which there was nothing.
    """
    assets = sorted({*held, *(asset for one in changes for asset in one.assets)})
    found = []
    for moment_us in moments_us:
        then = {
            asset: held.get(asset, 0) - sum(one.since(asset, moment_us) for one in changes)
            for asset in assets
        }
        found.append({asset: amount for asset, amount in then.items() if amount})
    return found


def worth_of(holdings: Mapping[str, int], price_of: PriceOf, at_us: int) -> Worth:
    """Value holdings.

    Args:
        holdings: By asset, scaled.
        price_of: Prices.
        at_us: Of which moment.
    """
    total, unpriced = 0, []
    for asset, amount in holdings.items():
        price = price_of(asset, at_us)
        if price is None:
            unpriced.append(asset)
        else:
            total += multiply_scaled(price, amount)
    return Worth(total, tuple(sorted(unpriced)))


def shares_of(values: Sequence[int]) -> list[int]:
    """Divide a whole among its parts in hundredths of a percent that add up to it exactly: the largest remainders go up.

    Args:
        values: Not below 0, scaled.
    """
    total = sum(values)
    if total <= 0:
        return [0] * len(values)
    shares = [value * SHARES_WHOLE // total for value in values]
    by_remainder = sorted(range(len(values)), key=lambda i: (-(values[i] * SHARES_WHOLE % total), i))
    for number in by_remainder[: SHARES_WHOLE - sum(shares)]:
        shares[number] += 1
    return shares


def earned_by(fills: Iterable[Fill]) -> list[Earned]:
    """Add up trades by symbol at average cost.

    Args:
        fills: In the order they happened.

    Returns:
        One for each symbol, in the order of first trades.
    """
    return Course(fills).earned()


def route_between(asset: str, quote: str, symbols: Mapping[str, str]) -> tuple[tuple[str, bool], ...] | None:
    """Find the way from an asset to the one it is valued in.

    Args:
        asset: Of what.
        quote: In what.
        symbols: `base/quote` → the symbol's name.

    Returns:
        (symbol, whether its price is to be turned round) in order; empty for the asset itself, None where nothing leads.
    """
    if asset == quote:
        return ()
    for bridge in (None, *BRIDGES):
        steps = [(asset, quote)] if bridge is None else [(asset, bridge), (bridge, quote)]
        found = [_step(one, other, symbols) for one, other in steps if one != other]
        if all(step is not None for step in found):
            return tuple(step for step in found if step is not None)
    return None


def price_along(route: Iterable[tuple[str, bool]] | None, last: Callable[[str], int | None]) -> int | None:
    """Multiply the prices of a way.

    Args:
        route: From `route_between`.
        last: Price of a symbol, scaled; None or 0 where there is none.

    Returns:
        Quote units for one unit of the asset, scaled and floored; None where a price is missing.
    """
    if route is None:
        return None
    price = SCALE
    for symbol, inverse in route:
        here = last(symbol)
        if not here:
            return None
        price = price * SCALE // here if inverse else multiply_scaled(price, here)
    return price


def _step(asset: str, quote: str, symbols: Mapping[str, str]) -> tuple[str, bool] | None:
    direct, inverse = symbols.get(f"{asset}/{quote}"), symbols.get(f"{quote}/{asset}")
    if direct is not None:
        return direct, False
    return (inverse, True) if inverse is not None else None


class _Book:
    """One symbol, being added up."""

    def __init__(self, first: Fill) -> None:
        self._first = first
        self._position = self._cost = self._earned = self._uncovered = self._uncovered_proceeds = 0
        self._fees: dict[str, int] = {}
        self._trades = 0

    def add(self, fill: Fill) -> None:
        """Take the next trade."""
        in_base = fill.fee if fill.fee_asset == fill.base else 0
        in_quote = fill.fee if fill.fee_asset == fill.quote else 0
        self._trades += 1
        if fill.fee:
            self._fees[fill.fee_asset] = self._fees.get(fill.fee_asset, 0) + fill.fee
        if fill.is_buyer:
            self._position += fill.quantity - in_base
            self._cost += fill.proceeds + in_quote
        else:
            self._sell(fill.quantity + in_base, fill.proceeds - in_quote)

    def _sell(self, given: int, got: int) -> None:
        """Take a sale: what was bought here goes at its average cost, the rest has none."""
        covered = min(given, self._position)
        cost = self._cost if covered == self._position else self._cost * covered // self._position
        brought = got if covered == given else got * covered // given
        self._earned += brought - cost
        self._uncovered += given - covered
        self._uncovered_proceeds += got - brought
        self._position -= covered
        self._cost -= cost

    def closed(self) -> Earned:
        """Return the sum."""
        first = self._first
        return Earned(
            first.symbol, first.base, first.quote, self._position, self._cost, self._earned, self._uncovered,
            self._uncovered_proceeds, dict(self._fees), self._trades,
        )  # fmt: skip
