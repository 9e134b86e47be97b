"""Keeps secrets out of the trail: by type, by name, by shape. Never raises and never asks what a value is for.

By type: only texts, whole numbers, truth values and mappings of those are written; a `Secret`, bytes or anything else
becomes its type's name. By name: whatever is called like a secret. By shape: private key blocks, and runs of characters
as long as a key, because Binance's secrets are 64 letters and digits and can turn up anywhere.
"""

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Final

REDACTED: Final = "(redacted)"
TEXT_LENGTH_MAX: Final = 256
NAME_LENGTH_MAX: Final = 64
FIELDS_MAX: Final = 48
NUMBER_MAX: Final = (1 << 63) - 1
#: A run of key characters from this length on is taken for a key: 32 bytes in base64 are 43 characters.
RUN_LENGTH_MIN: Final = 40
#: Key ids and digests in hex are so long.
IDENTIFIER_LENGTH_MAX: Final = 64

_SECRET_WORDS: Final = (
    "secret", "passphrase", "password", "passwd", "privatekey", "privkey", "signature", "token", "listenkey", "apikey", "mnemonic",
    "seed", "authorization", "cookie", "credentialkey", "recoverycode", "totp", "keyshare",
)  # fmt: skip
_SECRET_NAMES: Final = frozenset({"pin", "otp", "code2fa", "kek", "dek", "pem", "auth"})
#: Where money went is the point of a trail, and addresses are as long as keys.
_SHOWN_NAMES: Final = frozenset({"address", "addresstag", "txid", "withdraworderid"})
_RUN: Final = re.compile(rf"[A-Za-z0-9+/_=-]{{{RUN_LENGTH_MIN},}}")
_PATH_RUN: Final = re.compile(rf"[A-Za-z0-9+_=-]{{{RUN_LENGTH_MIN},}}")
_LONG_RUN: Final = re.compile(rf"[A-Za-z0-9+/_=-]{{{IDENTIFIER_LENGTH_MAX + 1},}}")
_NOT_NAME: Final = re.compile(r"[^a-z0-9]")
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")


def redacted(fields: Mapping[object, object]) -> dict[str, object]:
    """Clean a mapping of names and values.

    Args:
        fields: As a request or a person gave them; at most FIELDS_MAX are kept.

    Returns:
        A new dictionary. A name that was cut or taken is not repeated; `…` counts what did not fit.
    """
    kept: dict[str, object] = {}
    for name, value in fields.items():
        if len(kept) >= FIELDS_MAX:
            kept["…"] = len(fields) - FIELDS_MAX
            break
        shown, how = _named(name) if type(name) is str else (redacted_text(name), "")
        if how == "secret":
            kept[shown] = REDACTED
        elif type(value) is str:
            # The usual value without three calls: this runs for every parameter of every request.
            short = len(value) < RUN_LENGTH_MIN and value.isascii() and value.isprintable()
            kept[shown] = value if short else _shown(value, how)
        else:
            kept[shown] = value if is_number(value) else redacted_text(value)
    return kept


def is_plain(fields: object) -> bool:
    """Whether `redacted` would write a mapping as it is. Why: it is asked for every request, and almost always is."""
    if type(fields) is not dict or len(fields) > FIELDS_MAX:
        return False
    for name, value in fields.items():
        if type(name) is not str or type(value) is not str:
            return False
        if len(value) >= RUN_LENGTH_MIN or not _shown_as_it_is(name):
            return False
    whole = "".join(fields.values())
    return whole.isascii() and whole.isprintable()


def is_number(value: object) -> bool:
    """Whether a value is a truth value, or a whole number that JSON readers agree on."""
    return type(value) is bool or (type(value) is int and -NUMBER_MAX <= value <= NUMBER_MAX)


def redacted_text(value: object) -> str:
    """Clean one value: bounded, printable, without anything that looks like a key."""
    if type(value) is not str:
        return "" if value is None else f"({type(value).__name__})"
    if _is_key_block(value):
        return REDACTED
    return bounded(_RUN.sub(REDACTED, value) if len(value) >= RUN_LENGTH_MIN else value)


def redacted_path(value: object) -> str:
    """Clean a path: its parts may together be as long as a key."""
    return bounded(_PATH_RUN.sub(REDACTED, value)) if type(value) is str else redacted_text(value)


def redacted_identifier(value: object) -> str:
    """Clean an identifier of our own: a key id or a digest looks like a secret and is none, but nothing is longer."""
    if type(value) is str and len(value) > IDENTIFIER_LENGTH_MAX:
        value = _LONG_RUN.sub(REDACTED, value)
    return bounded(value)


def bounded(value: object) -> str:
    """Clean a text that may look like a key: bounded and printable, and no private key block."""
    if type(value) is not str:
        return f"({type(value).__name__})"
    if _is_key_block(value):
        return REDACTED
    if len(value) > TEXT_LENGTH_MAX:
        value = value[: TEXT_LENGTH_MAX - 1] + "…"
    if value.isascii() and value.isprintable():
        return value
    return _CONTROL.sub(lambda found: f"\\u{ord(found[0]):04x}", value)


def _shown(value: str, how: str) -> str:
    return bounded(value) if how == "shown" else redacted_text(value)


def _is_key_block(value: str) -> bool:
    return len(value) >= RUN_LENGTH_MIN and ("-----BEGIN" in value or "PRIVATE KEY" in value)


@lru_cache(maxsize=4096)
def _named(name: str) -> tuple[str, str]:
    """Return a name as it is shown, and `secret`, `shown` or nothing."""
    plain = _NOT_NAME.sub("", name.lower())
    if plain in _SECRET_NAMES or any(word in plain for word in _SECRET_WORDS):
        return redacted_text(name)[:NAME_LENGTH_MAX], "secret"
    return redacted_text(name)[:NAME_LENGTH_MAX], "shown" if plain in _SHOWN_NAMES else ""


@lru_cache(maxsize=4096)
def _shown_as_it_is(name: str) -> bool:
    shown, how = _named(name)
    return how != "secret" and shown == name
