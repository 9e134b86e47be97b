"""Names what makes a passphrase weak. Never stores or shows it; silence is no promise of strength."""

import re
from typing import Final

PASSPHRASE_LENGTH_MIN: Final = 12
#: Bytes of UTF-8; far beyond what anyone types, and short enough for every reader of PKCS#8.
PASSPHRASE_BYTES_MAX: Final = 1_024
DISTINCT_CHARACTERS_MIN: Final = 6
#: What must remain once everyday words and runs are taken out.
REMAINDER_LENGTH_MIN: Final = 6

_EVERYDAY: Final = (
    "passphrase", "password", "passwort", "binance", "bitcoin", "ethereum", "watchword", "iloveyou", "letmein",
    "trustno1", "superman", "football", "baseball", "princess", "sunshine", "dragon", "monkey", "master", "shadow",
    "welcome", "testnet", "trading", "crypto", "secret", "changeme", "default", "admin", "login", "hello", "satoshi",
    "testpwd", "test", "demo", "pass", "user", "root", "abc", "moon", "hodl", "lambo", "money",
)  # fmt: skip
_RUNS: Final = (
    "abcdefghijklmnopqrstuvwxyz",
    "01234567890",
    "qwertyuiopasdfghjklzxcvbnm",
    "qwertzuiop",
    "azertyuiop",
)
_RUN_LENGTH_MIN: Final = 4
_LOOKALIKES: Final = str.maketrans("@4310$5!7", "aaeiossit")
_YEAR: Final = re.compile(r"(19|20)\d\d")


def weakness(passphrase: str) -> str | None:
    """Name the first thing that makes a passphrase easy to guess.

    Args:
        passphrase: As typed.

    Returns:
        A clause for people (`it is 8 characters long, use at least 12`), or None where nothing was found.
    """
    if len(passphrase) < PASSPHRASE_LENGTH_MIN:
        return f"it is {len(passphrase)} characters long, use at least {PASSPHRASE_LENGTH_MIN}"
    lowered = passphrase.lower()
    distinct = len(set(lowered))
    if distinct < DISTINCT_CHARACTERS_MIN:
        return f"it has only {distinct} different characters"
    if _period(lowered):
        return "it is one short piece repeated"
    words = _words_in(lowered)
    if words and _letters_beyond(lowered, words) < REMAINDER_LENGTH_MIN:
        return f"it is little more than the everyday word {words[0]!r}"
    runs = _runs_in(lowered)
    if runs and _letters_beyond(lowered, runs) < REMAINDER_LENGTH_MIN:
        return "it is little more than a run along the alphabet or keyboard"
    if lowered.isdigit():
        return "it is digits only"
    return None


def _period(text: str) -> bool:
    """Whether the text is one piece of at most half its length repeated."""
    return text in (text + text)[1:-1]


def _words_in(text: str) -> list[str]:
    read = text.translate(_LOOKALIKES)
    return [word for word in _EVERYDAY if word in text or word in read]


def _letters_beyond(text: str, pieces: list[str]) -> int:
    """How many letters remain without years and the pieces, in whichever reading of lookalikes leaves fewer."""
    text = _YEAR.sub("", text)
    return min(_letters(text, pieces), _letters(text.translate(_LOOKALIKES), pieces))


def _letters(text: str, pieces: list[str]) -> int:
    for piece in pieces:
        text = text.replace(piece, "")
    return sum(character.isalpha() for character in text)


def _runs_in(text: str) -> list[str]:
    """Pieces of at least four characters that follow the alphabet, the digits or a keyboard row, either way."""
    rows = [row for run in _RUNS for row in (run, run[::-1])]
    found: list[str] = []
    at = 0
    while at + _RUN_LENGTH_MIN <= len(text):
        length = max(_common(text[at:], row) for row in rows)
        if length >= _RUN_LENGTH_MIN:
            found.append(text[at : at + length])
            at += length
        else:
            at += 1
    return sorted(found, key=len, reverse=True)


def _common(text: str, row: str) -> int:
    """How many first characters of `text` stand in `row` in that order without a gap."""
    length = 0
    while length < len(text) and text[: length + 1] in row:
        length += 1
    return length
