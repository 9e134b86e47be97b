"""Reads bodies and queries strictly: one JSON document, known fields only, nothing twice. Decides nothing about callers.

Why strictly: a field nobody asked for must not change a role or an owner (mass assignment), and of a parameter sent twice
two readers may believe different ones.
"""

import json
import re
from collections.abc import Sequence
from typing import Any, Final

import msgspec

from watchword.audit.redaction import bounded
from watchword.entrypoints.console.problem import INVALID, MALFORMED, NOT_JSON, Problem

BODY_BYTES_MAX: Final = 65_536
QUERY_PARAMETERS_MAX: Final = 32
MEDIA_TYPE: Final = "application/json"


#: What the decoder repeats of a value that is none of those allowed.
_SENT: Final = re.compile(r"(?<=value) (['\"]).*\1(?= - at|$)", re.DOTALL)


class _NamedTwiceError(Exception):
    """An object of a body has two members with one name. Never leaves this module."""


def read_body(kind: type[msgspec.Struct] | None, content_type: str, body: bytes) -> Any:
    """Read a body.

    Args:
        kind: What the route wants; None wants no body.
        content_type: The header as sent.
        body: At most BODY_BYTES_MAX.

    Returns:
        The struct, None, or a `Problem`.
    """
    if kind is None:
        return Problem(MALFORMED, "this route takes no body") if body else None
    if content_type.partition(";")[0].strip().lower() != MEDIA_TYPE:
        return Problem(NOT_JSON)
    try:
        found = msgspec.json.decode(body, type=kind)
        # The decoder takes the last of two members with one name; what stands before us may have looked at the first.
        json.loads(body, object_pairs_hook=_named_once)
    except msgspec.ValidationError as error:
        return Problem(INVALID, _said(error))
    except _NamedTwiceError:
        return Problem(INVALID, "a member of an object is there twice")
    except (msgspec.MsgspecError, ValueError, RecursionError):
        return Problem(MALFORMED, "the body is no JSON document")
    return found


def read_query(kind: type[msgspec.Struct] | None, pairs: Sequence[tuple[str, str]]) -> Any:
    """Read a query's parameters; the same name twice is refused.

    Args:
        kind: What the route wants; None wants no query.
        pairs: As decoded from the URL, in order.

    Returns:
        The struct, None, or a `Problem`.
    """
    if len(pairs) > QUERY_PARAMETERS_MAX:
        return Problem(MALFORMED, f"a query has at most {QUERY_PARAMETERS_MAX} parameters")
    values = dict(pairs)
    if len(values) != len(pairs):
        return Problem(INVALID, "a parameter of the query is there twice")
    if kind is None:
        return Problem(INVALID, "this route takes no query") if pairs else None
    try:
        return msgspec.convert(values, kind, strict=False)
    except msgspec.ValidationError as error:
        return Problem(INVALID, _said(error))


def _said(error: msgspec.ValidationError) -> str:
    """Say what does not fit, and where; not what was sent, which may be a secret in the wrong place."""
    return bounded(_SENT.sub("", str(error)))


def _named_once(pairs: list[tuple[str, Any]]) -> None:
    if len({name for name, _ in pairs}) != len(pairs):
        raise _NamedTwiceError
