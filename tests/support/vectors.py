"""Reads tests/vectors. Never computes an expectation."""

import base64
import json
from functools import cache
from pathlib import Path
from typing import Any

VECTORS = Path(__file__).resolve().parents[1] / "vectors"

#: Opens every encrypted file in key_dialects.json.
DIALECT_PASSPHRASE = b"open-sesame-42"


@cache
def signatures() -> dict[str, Any]:
    """Published payloads with their signatures and keys."""
    loaded: dict[str, Any] = json.loads((VECTORS / "binance_signatures.json").read_text("utf-8"))
    return loaded


@cache
def key_file(name: str) -> bytes:
    """One key file as its tool wrote it."""
    content = json.loads((VECTORS / "key_dialects.json").read_text("utf-8"))["files"][name]
    return base64.b64decode(content["base64"]) if isinstance(content, dict) else content.encode("ascii")


def flip_bit(data: bytes, bit: int) -> bytes:
    """The same bytes with one bit changed, counted from the first byte's lowest."""
    changed = bytearray(data)
    changed[bit // 8] ^= 1 << bit % 8
    return bytes(changed)
