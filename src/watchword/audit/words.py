"""The words of an event, by which people find it. Pure; knows no language, never ranks."""

import re
from collections.abc import Iterator
from typing import Any, Final

#: Words of one event, at most; the counts of many refusals have some hundred.
WORDS_COUNT_MAX: Final = 256
#: What is longer is cut: nobody types it, and pasting it is cut alike.
WORD_LENGTH_MAX: Final = 64

_WORD: Final = re.compile(r"[^\W_]+")
#: Digests, signatures and moments of one request: nobody looks for their parts, and each would be a word of its own.
_PASSED_OVER: Final = frozenset({"type", "digest", "first", "fingerprint", "signature", "replay", "policy", "timestamp",
    "recvWindow", "reserved", "trail"})  # fmt: skip


def words_in(text: str) -> list[str]:
    """Take a text apart: runs of letters and digits, without case."""
    return [word[:WORD_LENGTH_MAX] for word in _WORD.findall(text.casefold())]


def words_of(event: dict[str, Any]) -> set[str]:
    """Return the words an event is found by.

    Args:
        event: As `search.event_fields` reads it.
    """
    found: dict[str, None] = {}
    for text in _texts(event):
        found.update(dict.fromkeys(words_in(text)))
        if len(found) >= WORDS_COUNT_MAX:
            return set(list(found)[:WORDS_COUNT_MAX])
    return set(found)


def _texts(fields: dict[str, Any]) -> Iterator[str]:
    """Yield the texts of an event in their order, as deep as events are."""
    for name, value in fields.items():
        if name in _PASSED_OVER:
            continue
        if isinstance(value, str):
            yield value
        elif isinstance(value, dict):
            if name == "reasons":
                yield from value
            yield from _texts({inner: given for inner, given in value.items() if isinstance(given, str)})
        elif isinstance(value, list):
            for row in value:
                if isinstance(row, dict):
                    yield from _texts(
                        {inner: given for inner, given in row.items() if isinstance(given, str)}
                    )
