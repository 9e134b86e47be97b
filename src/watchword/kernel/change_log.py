"""What changed lately, by name, for who asks again and again: bounded, and honest about what it forgot. Keeps no content."""

from collections import OrderedDict
from typing import Final, final

NAMES_COUNT_MAX: Final = 4_096


@final
class ChangeLog:
    """Names in the order in which they changed last.

    Attributes:
        began_us: When it began; another beginning is another log, whose numbers mean something else.
        count: Of changes so far; what the next question gives as `number`.
    """

    def __init__(self, began_us: int, names_max: int = NAMES_COUNT_MAX) -> None:
        """Begin with nothing.

        Args:
            began_us: Epoch microseconds.
            names_max: Names that are remembered; beyond it the longest unchanged one is forgotten.
        """
        self.began_us, self.count = began_us, 0
        self._names_max = names_max
        self._last: OrderedDict[str, int] = OrderedDict()
        self._forgotten = 0

    def mark(self, name: str) -> None:
        """Note that something changed."""
        self.count += 1
        self._last.pop(name, None)
        self._last[name] = self.count
        if len(self._last) > self._names_max:
            _, self._forgotten = self._last.popitem(last=False)

    def after(self, number: int) -> list[str] | None:
        """Return what changed after a number, the newest first.

        Args:
            number: `count` at an earlier question.

        Returns:
            None where something that changed since then is forgotten, or the number is none of this log.
        """
        if not self._forgotten <= number <= self.count:
            return None
        found: list[str] = []
        for name in reversed(self._last):
            if self._last[name] <= number:
                break
            found.append(name)
        return found
