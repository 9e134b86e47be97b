"""Where prices go: one seeded walk per symbol that has a price of its own. Never looks at orders.

A walk moves by shocks, half of them the whole market's; spells of calm and storm, rising and falling, come and go; a
weak pull keeps a venue that runs for months near where it began.
"""

from math import isqrt
from typing import Final

from watchword.exchange.liquidity.profile import FINE_BITS, MILLION, TICKS_PER_DAY, Profile
from watchword.exchange.liquidity.random import BELL_SD, Dice

_ONE: Final = 1 << 40
#: Pull towards the centre per tick: 2^-22 of the distance, some twelve days to close most of it.
_PULL_BITS: Final = 22
#: A walk stays within a quarter and four times its centre, and above so many ticks.
_RANGE_FACTOR: Final = 4
_FLOOR_TICKS: Final = 100
#: One tick in so many begins a new spell (five minutes on average).
_SPELL_TICKS: Final = 1_200
#: Shock size by spell, in percent, and drift as a percentage of a shock.
_STORMS: Final = (50, 70, 100, 100, 140, 220)
_DRIFTS: Final = (-6, -3, 0, 0, 3, 6)
#: A trade off the walk moves it by an eighth of the gap, of which at most a two-thousandth of the price counts.
_IMPACT_DIVISOR: Final = 8
_IMPACT_MAX_DIVISOR: Final = 2_000


class Walks:
    """All walks of a venue, each scaled by 10^8 times 2^`FINE_BITS`.

    Attributes:
        values, centres: By the walk's name.
        storm, drift: The present spell, percent.
    """

    __slots__ = ("centres", "drift", "floors", "shocks", "storm", "values")

    def __init__(self, profiles: tuple[Profile, ...]) -> None:
        own = [profile for profile in profiles if not profile.divisor]
        self.values = {profile.walk: profile.start << FINE_BITS for profile in own}
        self.centres = dict(self.values)
        self.floors = {profile.walk: _FLOOR_TICKS * profile.tick << FINE_BITS for profile in own}
        # One standard deviation per tick; 7/10 of it own and 7/10 common.
        root = isqrt(TICKS_PER_DAY * MILLION)
        self.shocks = {
            profile.walk: profile.volatility * (_ONE // MILLION) * 7 * 1_000 // (10 * root) for profile in own
        }
        self.storm = 100
        self.drift = 0

    def step(self, dice: Dice) -> None:
        """Move all walks by one tick."""
        if dice.below(_SPELL_TICKS) == 0:
            self.storm = _STORMS[dice.below(len(_STORMS))]
            self.drift = _DRIFTS[dice.below(len(_DRIFTS))]
        common = dice.bell() + self.drift * BELL_SD // 100
        values, storm = self.values, self.storm
        for name, value in values.items():
            shock = (common + dice.bell()) * storm * self.shocks[name] // (100 * BELL_SD)
            moved = value + value * shock // _ONE + (self.centres[name] - value >> _PULL_BITS)
            values[name] = self._within(name, moved)

    def nudge(self, name: str, price: int) -> None:
        """Let a trade's price pull a walk towards it.

        Args:
            name: The walk.
            price: Scaled by 10^8.
        """
        value = self.values[name]
        reach = value // _IMPACT_MAX_DIVISOR
        gap = max(-reach, min(reach, (price << FINE_BITS) - value))
        self.values[name] = self._within(name, value + gap // _IMPACT_DIVISOR)

    def jump(self, name: str, price: int) -> None:
        """Begin anew at a price (scaled by 10^8), for example where a recording ended."""
        self.values[name] = self.centres[name] = max(self.floors[name], price << FINE_BITS)

    def _within(self, name: str, value: int) -> int:
        centre = self.centres[name]
        return max(self.floors[name], centre // _RANGE_FACTOR, min(centre * _RANGE_FACTOR, value))
