"""A policy for a new virtual key from a few fields, for people who have none yet. Pure; whether it is one, the gateway says."""

import re
from typing import Final, Literal, get_args

Choice = Literal["limits", "read", "own"]
CHOICES: Final[tuple[Choice, ...]] = get_args(Choice)
SYMBOLS_MAX: Final = 30
_SYMBOL: Final = re.compile(r"[A-Z0-9]{2,20}")
_AMOUNT: Final = re.compile(r"(?=.*[1-9])[0-9]{1,12}(\.[0-9]{1,8})?")

READ_ONLY: Final = """\
# Made in the console: reads, and changes nothing.
version: 1
name: read-only

permissions: [read]
"""
_LIMITED: Final = """\
# Made in the console: trades a few pairs within limits, and cannot withdraw.
version: 1
name: limited-trader

permissions: [read, trade]
symbols: [{symbols}]
sides: [BUY, SELL]
order_types: [LIMIT, LIMIT_MAKER, MARKET]

# A price older than this counts as none, and without a price nothing is placed.
reference: {{max_age: 30s}}
# Never fill more than 1 % to our loss.
price_band: {{worse: 1%, better: 40%}}

max_order: {{{asset}: {order}}}
max_day: {{{asset}: {day}}}
rate: {{per_second: 5, per_minute: 60}}
"""


def limited(symbols: list[str], asset: str, order: str, day: str) -> str | dict[str, str]:
    """Write a policy that trades within limits.

    Args:
        symbols: Pairs, for example `BTCUSDT`.
        asset: What the limits are in, for example `USDT`.
        order: The largest one, a decimal number.
        day: All orders of a day together, a decimal number.

    Returns:
        The policy's text, or what is wrong by field. Nothing of a field is written that is not letters or a number.
    """
    wrong: dict[str, str] = {}
    if not 1 <= len(symbols) <= SYMBOLS_MAX or not all(_SYMBOL.fullmatch(one) for one in symbols):
        wrong["pairs"] = f"One to {SYMBOLS_MAX} pairs such as BTCUSDT."
    if not _SYMBOL.fullmatch(asset):
        wrong["asset"] = "An asset such as USDT."
    for name, amount in (("max_order", order), ("max_day", day)):
        if not _AMOUNT.fullmatch(amount):
            wrong[name] = "A number above zero, such as 500."
    return wrong or _LIMITED.format(symbols=", ".join(symbols), asset=asset, order=order, day=day)
