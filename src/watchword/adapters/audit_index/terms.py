"""What a row is indexed by, and what a filter asks of the index. Decides nothing: `audit.search.Filter` does, on the row.

A term is a letter for the field and a digest of the value, or `w` and a word. The same rules make both sides, so that
the index never lacks a row a filter takes; what it has too many is sorted out when the row is read.
"""

import hashlib
from functools import lru_cache
from typing import Any, Final

from watchword.audit.search import Filter, subject_of, symbol_of
from watchword.audit.words import words_in, words_of

#: Beginnings of a key that have a term of their own, so that `vk-a…` need not be put together from thousands of keys.
BEGINNING_LENGTHS: Final = (4, 8)
_DIGEST_BYTES: Final = 8
_CACHED_TERMS_MAX: Final = 65_536


def terms_of(lane: int, event: dict[str, Any]) -> str:
    """Return the terms of one row, with blanks between them.

    Args:
        lane: Number of its trail in the index.
        event: As `event_fields` reads it.
    """
    kind = str(event.get("type", ""))
    subject = subject_of(event)
    terms = [_term("t", str(lane)), _term("y", kind)]
    terms += [_term("y", kind[:at]) for at, letter in enumerate(kind) if letter == ":"]
    if subject:
        terms.append(_term("k", subject))
        terms += [_term("b", subject[:length]) for length in BEGINNING_LENGTHS if len(subject) >= length]
    terms += [
        _term(letter, str(value))
        for letter, value in (
            ("e", event.get("endpoint")),
            ("r", event.get("request")),
            ("s", symbol_of(event)),
            ("a", event.get("actor")),
            ("u", event.get("rule")),
            ("c", event.get("code")),
        )
        if value is not None and value != ""
    ]
    terms += [_word(word) for word in words_of(event)]
    return " ".join(terms)


def terms_wanted(wanted: Filter) -> list[str]:
    """Return the terms every row has that a filter takes, its key left out."""
    terms = [_term("y", wanted.kind)] if wanted.kind else []
    terms += [
        _term(letter, str(value))
        for letter, value in (
            ("e", wanted.endpoint),
            ("r", wanted.request),
            ("s", wanted.symbol),
            ("a", wanted.actor),
            ("u", wanted.rule),
            ("c", wanted.code),
        )
        if value is not None and value != ""
    ]
    return terms + [_word(word) for word in words_in(wanted.text or "")]


def trail_term(lane: int) -> str:
    """Return the term all rows of one trail have."""
    return _term("t", str(lane))


def subject_term(subject: str) -> str:
    """Return the term of one whole key."""
    return _term("k", subject)


def beginning_term(beginning: str) -> str | None:
    """Return the most telling term of the keys that begin so; None where the beginning is too short for one."""
    length = max((one for one in BEGINNING_LENGTHS if one <= len(beginning)), default=0)
    return _term("b", beginning[:length]) if length else None


@lru_cache(maxsize=_CACHED_TERMS_MAX)
def _term(letter: str, value: str) -> str:
    digest = hashlib.blake2b(value.encode("utf-8", "surrogatepass"), digest_size=_DIGEST_BYTES)
    return letter + digest.hexdigest()


def _word(word: str) -> str:
    """Write a word with letters and digits of ASCII only; the store's own tokenizer has nothing to decide."""
    return f"w{word}" if word.isascii() else f"x{word.encode('utf-8', 'surrogatepass').hex()}"
