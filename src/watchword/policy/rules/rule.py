"""What a rule is, and the two shapes most rules have: a set of allowed names, a cap per asset. Judges nothing itself."""

from collections.abc import Iterable, Mapping
from typing import Any, ClassVar, Protocol

import msgspec

from watchword.kernel.units import format_trimmed
from watchword.policy.case import Case
from watchword.policy.decision import Deny


class Rule(Protocol):
    """One line of a policy."""

    name: ClassVar[str]

    def judge(self, case: Case) -> Deny | None:
        """Return why the case is refused, or None."""
        ...

    def limit(self) -> str:
        """Return what the rule allows, in words."""
        ...

    def widening(self, parent: Any) -> str:
        """Return in what way this allows more than another rule of its kind, or nothing."""
        ...


class Names(msgspec.Struct, frozen=True):
    """A closed set of names, or any."""

    names: frozenset[str] = frozenset()
    anything: bool = False

    def __contains__(self, name: str) -> bool:
        return self.anything or name in self.names

    def __str__(self) -> str:
        return "any" if self.anything else " ".join(sorted(self.names)) or "none"

    def widening(self, parent: "Names") -> str:
        """Return what is allowed here and not there."""
        if parent.anything:
            return ""
        if self.anything:
            return f"any, where the parent allows {parent}"
        extra = self.names - parent.names
        return f"{' '.join(sorted(extra))} beside {parent}" if extra else ""


def caps_text(caps: Mapping[str, int]) -> str:
    """Write caps as `500 USDT, 0.01 BTC`."""
    return ", ".join(f"{format_trimmed(cap)} {asset}" for asset, cap in sorted(caps.items())) or "nothing"


def caps_widening(caps: Mapping[str, int], parent: Mapping[str, int]) -> str:
    """Return where caps are wider than the parent's; an asset without a cap is refused, so fewer is narrower."""
    return _first(
        f"{format_trimmed(cap)} {asset}, where the parent has {format_trimmed(parent.get(asset, 0))}"
        for asset, cap in sorted(caps.items())
        if cap > parent.get(asset, -1)
    )


def _first(texts: Iterable[str]) -> str:
    return next(iter(texts), "")
