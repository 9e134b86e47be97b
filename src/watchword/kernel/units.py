"""Scaled integers: every price, quantity and amount is an integer count of 10^-8.

Never touches `float`. A product of two scaled values is floored back to scale; both sides of a trade are
booked from the same floored number, so money is conserved.
"""

import re
from typing import Final

SCALE: Final = 100_000_000
SCALE_DIGITS: Final = 8
_WHOLE: Final = slice(None, -SCALE_DIGITS)
_FRACTION: Final = slice(-SCALE_DIGITS, None)

_WHOLE_DIGITS_MAX: Final = 20
#: What makes a number with so many decimals a scaled one.
_SCALE_BY_DIGITS: Final[tuple[int, ...]] = tuple(
    10 ** (SCALE_DIGITS - digits) for digits in range(SCALE_DIGITS + 1)
)

_DECIMAL = re.compile(r"([0-9]{1,20})(?:\.([0-9]{1,20}))?", re.ASCII)


class TooPrecise(Exception):  # noqa: N818 - a signal between two functions of this module and its callers
    """The text is a decimal but has non-zero digits beyond 10^-8."""


def parse_scaled(text: str) -> int | None:
    r"""Read a decimal text as a scaled integer.

    Args:
        text: Digits with an optional fraction, at most 20 digits on each side of the point.

    Returns:
        The value times 10^8, or None where the text is not such a decimal (signs, exponents and spaces are not).

    Raises:
        TooPrecise: There are non-zero digits after the eighth decimal.

    Source: Binance's -1100 text for decimals, `^([0-9]{1,20})(\\.[0-9]{1,20})?$`.
    """
    whole, _, fraction = text.partition(".")
    digits = whole + fraction
    # The usual case without the pattern, which costs as much again: digits, perhaps a point inside, little fraction.
    if (
        digits.isdigit()
        and digits.isascii()
        and len(whole) <= _WHOLE_DIGITS_MAX
        and len(fraction) <= SCALE_DIGITS
    ):
        if whole and (fraction or len(whole) == len(text)):
            return int(digits) * _SCALE_BY_DIGITS[len(fraction)]
        return None
    match = _DECIMAL.fullmatch(text)
    if match is None:
        return None
    whole, fraction = match[1], match[2] or ""
    if fraction[SCALE_DIGITS:].strip("0"):
        raise TooPrecise
    fraction = fraction[:SCALE_DIGITS]
    return int(whole + fraction) * _SCALE_BY_DIGITS[len(fraction)]


def format_scaled(value: int) -> str:
    """Write a scaled integer with eight decimals, as Binance does.

    Args:
        value: Integer count of 10^-8, of either sign.

    Returns:
        For example `"0.10000000"`.
    """
    if value <= 0:
        return "-" + format_scaled(-value) if value else "0.00000000"
    digits = str(value)
    if value >= SCALE:
        return digits[_WHOLE] + "." + digits[_FRACTION]
    return "0." + digits.rjust(SCALE_DIGITS, "0")


def format_trimmed(value: int) -> str:
    """Write a scaled integer without trailing zeros (`"0.1"`, `"5"`)."""
    text = format_scaled(value)
    return text.rstrip("0").rstrip(".")


def multiply_scaled(price: int, quantity: int) -> int:
    """Multiply two scaled integers, floored to scale.

    Args:
        price: Quote units per base unit, scaled.
        quantity: Base units, scaled.

    Returns:
        Quote amount, scaled, rounded towards zero.
    """
    return price * quantity // SCALE
