"""Finds credentials in `.env` files: pairs of variables whose names differ in `KEY` and `SECRET` only.

Quotes, `export`, comments and values over several lines are understood; nothing is expanded. Never writes.
"""

import re
from typing import Final

import msgspec

from watchword.kernel.secret import Secret
from watchword.vault.importers.found import Found, Span
from watchword.vault.outcome import Refused

_ASSIGNMENT: Final = re.compile(
    rb"^[ \t]*(?:export[ \t]+)?(?P<name>[A-Za-z_][A-Za-z0-9_.]*)[ \t]*=[ \t]*"
    rb"(?:\"(?P<double>(?:[^\"\\]|\\.)*)\"|'(?P<single>[^']*)'|(?P<bare>[^\r\n]*?))[ \t]*(?:[ \t]#[^\r\n]*)?\r?$",
    re.MULTILINE | re.DOTALL,
)
#: What a secret's variable ends with, and what its API key's then ends with. Longest first.
_ENDINGS: Final = (
    ("API_SECRET_KEY", ("API_KEY",)),
    ("API_SECRET", ("API_KEY", "APIKEY")),
    ("APISECRET", ("APIKEY",)),
    ("SECRET_KEY", ("API_KEY", "ACCESS_KEY", "KEY")),
    ("PRIVATE_KEY", ("API_KEY", "KEY")),
    ("SECRET", ("API_KEY", "APIKEY", "KEY")),
)
_ESCAPES: Final = re.compile(rb"\\(.)", re.DOTALL)


class _Value(msgspec.Struct, frozen=True):
    """A variable's value and its place."""

    text: bytes
    span: Span


def read_dotenv(raw: bytes) -> list[Found] | Refused:
    """Find credentials.

    Args:
        raw: The file.

    Returns:
        One per secret that has a value, in the order of the file.
    """
    values = {match["name"].decode("ascii").upper(): _value(match) for match in _ASSIGNMENT.finditer(raw)}
    found = []
    for name, value in values.items():
        if not value.text.strip():
            continue
        key = _key_of(name, values)
        if key is not None:
            same = tuple(other.span for other in values.values() if _same(other.text, value.text))
            found.append(Found(name, key, Secret(value.text), same))
    return found or Refused("there is no variable here whose name ends in SECRET with a KEY beside it")


def _key_of(name: str, values: dict[str, _Value]) -> str | None:
    """Find the API key that belongs to a secret's variable; None where the name is no secret's."""
    for ending, partners in _ENDINGS:
        if name.endswith(ending):
            start = name.removesuffix(ending)
            for partner in partners:
                beside = values.get(start + partner)
                if beside is not None:
                    return beside.text.decode("utf-8", "replace").strip()
    return None


def _value(match: re.Match[bytes]) -> _Value:
    group = next(name for name in ("double", "single", "bare") if match[name] is not None)
    text = match[group]
    if group == "double":
        text = _ESCAPES.sub(lambda escape: b"\n" if escape[1] == b"n" else escape[1], text)
    return _Value(text, Span(match.start(group), match.end(group)))


def _same(one: bytes, other: bytes) -> bool:
    """Whether two values of one file are the same text; nobody is timing this."""
    return one == other
