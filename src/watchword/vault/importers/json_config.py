"""Finds credentials in JSON: freqtrade's configuration and ccxt's. Comments and trailing commas are understood.

Never writes.
"""

import json
import re
from collections.abc import Iterator
from typing import Any, Final

from watchword.kernel.secret import Secret
from watchword.vault.importers.found import Found, Span
from watchword.vault.outcome import Refused

_KEY_NAMES: Final = ("apiKey", "key", "api_key", "apikey")
_SECRET_NAMES: Final = ("secret", "api_secret", "apiSecret", "secretKey", "privateKey", "private_key")
_DEPTH_MAX: Final = 16
#: A string, or what is no JSON: a comment, or a comma before a closing bracket.
_TOKEN: Final = re.compile(
    r'(?P<string>"(?:[^"\\]|\\.)*")|(?P<line>//[^\n]*)|(?P<block>/\*.*?\*/)|(?P<comma>,)(?=(?:\s|//[^\n]*|/\*.*?\*/)*[}\]])',
    re.DOTALL,
)
_NOT_NEWLINE: Final = re.compile(r"[^\n]")


def read_freqtrade(raw: bytes) -> list[Found] | Refused:
    """Find the exchange's credential in a freqtrade configuration.

    Source: freqtrade's configuration schema, `exchange.key` and `exchange.secret`, also inside `ccxt_config`.
    """
    content = _parsed(raw)
    if isinstance(content, Refused):
        return content
    text, tree = content
    exchange = tree.get("exchange") if isinstance(tree, dict) else None
    if not isinstance(exchange, dict):
        return Refused("this is no freqtrade configuration: it has no `exchange`")
    name = str(exchange.get("name", "binance"))
    if not name.startswith("binance"):
        return Refused(f"this freqtrade configuration is for {name}")
    return list(_found(text, exchange, "exchange")) or Refused("there is no key with a secret in `exchange`")


def read_ccxt(raw: bytes) -> list[Found] | Refused:
    """Find credentials in a ccxt configuration: one exchange's options, or a `keys.json` of several exchanges."""
    content = _parsed(raw)
    if isinstance(content, Refused):
        return content
    text, tree = content
    if not isinstance(tree, dict):
        return Refused("this is no ccxt configuration: it is not a JSON object")
    flat = _pair(tree)
    parts = {"": tree} if flat else {k: v for k, v in tree.items() if k.startswith("binance")}
    found = [one for name, part in parts.items() for one in _found(text, part, name)]
    return found or Refused("there is no `apiKey` with a `secret` for Binance in this file")


def strip_json(text: str) -> str:
    """Put blanks where comments and trailing commas stand, so that every other character keeps its place."""

    def keep_or_blank(match: re.Match[str]) -> str:
        return match[0] if match["string"] is not None else _NOT_NEWLINE.sub(" ", match[0])

    return _TOKEN.sub(keep_or_blank, text)


def _parsed(raw: bytes) -> tuple[str, Any] | Refused:
    try:
        # A byte order mark stays in the text as one character, so that places keep counting from the file's start.
        text = raw.decode("utf-8")
        stripped = strip_json(text)
        return stripped, json.loads(stripped.replace("\ufeff", " "))
    except (UnicodeDecodeError, RecursionError):
        return Refused("this file is not JSON text")
    except json.JSONDecodeError as error:
        # Only the place: the text around it may be the secret.
        return Refused(f"this file is not JSON: line {error.lineno}, column {error.colno}")


def _found(text: str, part: Any, where: str, depth: int = 0) -> Iterator[Found]:
    """Walk down to every object that has a key and a secret."""
    if not isinstance(part, dict) or depth > _DEPTH_MAX:
        return
    pair = _pair(part)
    if pair is not None:
        api_key, secret = pair
        yield Found(
            where or "top level", api_key, Secret(secret.encode("utf-8", "replace")), _places(text, secret)
        )
    for name, below in part.items():
        yield from _found(text, below, f"{where}.{name}" if where else name, depth + 1)


def _pair(part: dict[str, Any]) -> tuple[str, str] | None:
    secret = next(
        (part[name] for name in _SECRET_NAMES if isinstance(part.get(name), str) and part[name]), None
    )
    key = next((part[name] for name in _KEY_NAMES if isinstance(part.get(name), str)), None)
    return None if secret is None or key is None else (key.strip(), secret)


def _places(text: str, wanted: str) -> tuple[Span, ...]:
    """Find every string of the file that is the secret, without its quotes, in bytes."""
    spans = []
    for match in _TOKEN.finditer(text):
        if (
            match["string"] is not None and _decoded(match["string"]) == wanted
        ):  # a file, nobody is timing this
            start = len(text[: match.start() + 1].encode())
            spans.append(Span(start, start + len(match["string"][1:-1].encode())))
    return tuple(spans)


def _decoded(token: str) -> str | None:
    try:
        return str(json.loads(token))
    except json.JSONDecodeError:
        return None
