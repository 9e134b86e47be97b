"""How many orders a key may place in a second, a minute, an hour, a day. Windows are fixed; cancels never count."""

from typing import ClassVar, Final

import msgspec

from watchword.policy.case import Case
from watchword.policy.decision import Deny
from watchword.policy.intent import Place

#: Names of the windows, in the order of usage.WINDOWS_US.
WINDOWS: Final = ("per_second", "per_minute", "per_hour", "per_day")


class Rate(msgspec.Struct, frozen=True):
    """Orders by window, in the order of WINDOWS; None for no limit. A list counts every order it places."""

    name: ClassVar[str] = "rate"

    orders: tuple[int | None, ...]

    def judge(self, case: Case) -> Deny | None:
        """See Rule."""
        if not isinstance(case.intent, Place):
            return None
        adding = len(case.orders)
        for window, most in enumerate(self.orders):
            if most is None:
                continue
            placed = case.usage.placed_in(window, case.now_us)
            if placed + adding > most:
                return Deny(
                    self.name,
                    f"{placed + adding} orders {WINDOWS[window].replace('_', ' ')}, more than {most}",
                    (("window", WINDOWS[window]), ("before", str(placed)), ("added", str(adding))),
                    self.limit(),
                )
        return None

    def limit(self) -> str:
        """See Rule."""
        set_ = [
            f"{most} {name.replace('_', ' ')}"
            for name, most in zip(WINDOWS, self.orders, strict=True)
            if most is not None
        ]
        return ", ".join(set_)

    def widening(self, parent: "Rate") -> str:
        """See Rule."""
        for name, mine, theirs in zip(WINDOWS, self.orders, parent.orders, strict=True):
            if theirs is not None and (mine is None or mine > theirs):
                return f"{'any number' if mine is None else mine} {name.replace('_', ' ')}, where the parent has {theirs}"
        return ""
