"""How amounts, moments and states of trading are written on pages. Pure; knows no page and adds nothing up."""

from datetime import UTC, datetime
from typing import Final

from markupsafe import Markup

from watchword.entrypoints.console.pages.wording import SECOND_US

#: What a status looks like: how it went, not which way.
STATUS_KINDS: Final = {
    "NEW": "", "PARTIALLY_FILLED": "warn", "FILLED": "good", "CANCELED": "", "REJECTED": "bad", "EXPIRED": "bad",
    "EXPIRED_IN_MATCH": "bad", "PENDING_CANCEL": "warn",
}  # fmt: skip
STATUSES: Final = {
    "NEW": "Open", "PARTIALLY_FILLED": "Partly filled", "FILLED": "Filled", "CANCELED": "Cancelled",
    "REJECTED": "Rejected", "EXPIRED": "Expired", "EXPIRED_IN_MATCH": "Expired in match", "PENDING_CANCEL": "Cancelling",
}  # fmt: skip
KINDS: Final = {
    "LIMIT": "Limit", "MARKET": "Market", "LIMIT_MAKER": "Post only", "STOP_LOSS": "Stop loss",
    "STOP_LOSS_LIMIT": "Stop-loss limit", "TAKE_PROFIT": "Take profit", "TAKE_PROFIT_LIMIT": "Take-profit limit",
}  # fmt: skip
SPANS: Final = {"1d": "1 day", "7d": "7 days", "30d": "30 days", "90d": "90 days", "1y": "1 year"}
INTERVALS: Final = ("1m", "5m", "15m", "1h", "4h", "1d")
#: What Binance's filters mean, for who does not know them by name.
FILTERS: Final = {
    "PRICE_FILTER": "The price is too low, too high, or between two of its steps.",
    "PERCENT_PRICE_BY_SIDE": "The price is too far from the market.",
    "LOT_SIZE": "The amount is too small, too large, or between two of its steps.",
    "MARKET_LOT_SIZE": "The amount is too small or too large for a market order.",
    "NOTIONAL": "The order is worth too little, or too much.",
    "MAX_NUM_ORDERS": "There are too many open orders on this symbol.",
    "MAX_NUM_ALGO_ORDERS": "There are too many open stop orders on this symbol.",
    "MAX_POSITION": "The account would hold more of it than it may.",
}
DASH: Final = "\u2013"
MINUS: Final = "\u2212"


def trimmed(amount: str | None, digits: int = 8) -> str:
    """Write an amount for reading: thousands apart, no zeros at the end, at most so many decimals (cut, not rounded).

    Args:
        amount: A decimal text; None is a dash.
        digits: Decimals at most.
    """
    if amount is None:
        return DASH
    sign, bare = (MINUS if amount.startswith("-") else ""), amount.removeprefix("-")
    whole, _, fraction = bare.partition(".")
    fraction = fraction[:digits].rstrip("0")
    written = f"{int(whole or 0):,}" + (f".{fraction}" if fraction else "")
    return written if written == "0" else sign + written


def explained(refusal: str) -> str:
    """Add to an exchange's refusal what it means, where it is a filter's."""
    name = refusal.partition("Filter failure: ")[2].partition(" ")[0]
    return f"{refusal}. {FILTERS[name]}" if name in FILTERS else refusal


def money(amount: str | None) -> str:
    """Write a worth with two decimals, always."""
    if amount is None:
        return DASH
    whole, _, fraction = trimmed(amount, 2).partition(".")
    return f"{whole}.{fraction:0<2}"


def rise(amount: str | None) -> str:
    """Say whether an amount is above, below or at nothing: `up`, `down` or empty."""
    if amount is None or not amount.strip("-0."):
        return ""
    return "down" if amount.startswith("-") else "up"


def clock(at_us: int) -> Markup:
    """Write a moment in UTC, to the second; its title has more.

    Args:
        at_us: Epoch microseconds.
    """
    at = datetime.fromtimestamp(at_us // SECOND_US, UTC)
    micros = at_us % SECOND_US
    return Markup('<time datetime="{}" title="{}">{}</time>').format(
        at.isoformat(), f"{at:%Y-%m-%d %H:%M:%S}.{micros:06d} UTC", f"{at:%Y-%m-%d %H:%M:%S}"
    )


def hour(at_us: int) -> str:
    """Write the time of day, UTC.

    Args:
        at_us: Epoch microseconds.
    """
    return f"{datetime.fromtimestamp(at_us // SECOND_US, UTC):%H:%M:%S}"


def plain(amount: str) -> str:
    """Write an amount as a form takes it: no zeros at the end, nothing between thousands."""
    return trimmed(amount).replace(",", "")


def stepped(amount: str, step: str) -> str:
    """Write a price or quantity with the decimals its step has, as the page's script does.

    Args:
        amount: A decimal text.
        step: Such as `0.01000000`.
    """
    decimals = len(step.partition(".")[2].rstrip("0"))
    whole, _, fraction = trimmed(amount, decimals).partition(".")
    return f"{whole}.{fraction:0<{decimals}}" if decimals else whole


def percent(change: str) -> str:
    """Write a change in percent with its sign and two decimals."""
    sign = "+" if rise(change) == "up" else ""
    return f"{sign}{money(change)} %"
