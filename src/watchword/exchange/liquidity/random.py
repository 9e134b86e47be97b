"""Seeded randomness in integers, the same on every machine. Never unpredictable: not for secrets.

Two forms: `Dice` draws one number at a time and remembers where it is; `draws` gives a long row at once.
"""

import sys
from array import array
from hashlib import shake_256
from typing import Final

_MASK: Final = 2**64 - 1
_GAMMA: Final = 0x9E3779B97F4A7C15

#: Standard deviation of `Dice.bell` and `bells`, whose values are roughly normal and never beyond three of these.
BELL_SD: Final = 32_768
#: Mean of the sum of three 16-bit numbers, rounded.
_BELL_MEAN: Final = 98_302


class Dice:
    """A 64-bit splitmix generator.

    Attributes:
        state: Where it is; equal states give equal futures.

    Source: Steele, Lea, Flood, "Fast splittable pseudorandom number generators" (2014).
    """

    __slots__ = ("state",)

    def __init__(self, state: int) -> None:
        self.state = state & _MASK

    def draw(self) -> int:
        """Return 64 random bits."""
        self.state = state = (self.state + _GAMMA) & _MASK
        state = ((state ^ (state >> 30)) * 0xBF58476D1CE4E5B9) & _MASK
        state = ((state ^ (state >> 27)) * 0x94D049BB133111EB) & _MASK
        return state ^ (state >> 31)

    def below(self, bound: int) -> int:
        """Return a number in [0, bound); `bound` is small, so the bias of the remainder does not matter."""
        return self.draw() % bound

    def bell(self) -> int:
        """Return a roughly normal number of mean 0 and standard deviation `BELL_SD`."""
        bits = self.draw()
        return (bits & 0xFFFF) + (bits >> 16 & 0xFFFF) + (bits >> 32 & 0xFFFF) - _BELL_MEAN


def seed_of(seed: int, *parts: str) -> int:
    """Derive a 64-bit seed for one purpose from the venue's seed."""
    return int.from_bytes(shake_256(_label(seed, parts)).digest(8), "little")


def draws(seed: int, count: int, *parts: str) -> "array[int]":
    """Return `count` uniform 16-bit numbers that depend on the seed and the purpose only."""
    row: array[int] = array("H")
    row.frombytes(shake_256(_label(seed, parts)).digest(2 * count))
    if sys.byteorder != "little":
        row.byteswap()
    return row


def bells(seed: int, count: int, *parts: str) -> list[int]:
    """Return `count` roughly normal numbers of mean 0 and standard deviation `BELL_SD`."""
    row = draws(seed, 3 * count, *parts)
    return [a + b + c - _BELL_MEAN for a, b, c in zip(row[::3], row[1::3], row[2::3], strict=True)]


def _label(seed: int, parts: tuple[str, ...]) -> bytes:
    return "\x1f".join((str(seed), *parts)).encode()
