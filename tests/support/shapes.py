"""Compares an answer with a documented shape: names and types, not values and not order.

A shape is JSON: `s` text, `i` integer, `b` boolean, `d` decimal text, `n` null; an object per member; an array's one
element stands for all its elements. Empty arrays fit any array shape. Source: the examples of Binance's documents.
"""

import json
import re
from pathlib import Path
from typing import Any, Final

SHAPES: Final[dict[str, Any]] = json.loads(
    (Path(__file__).parent.parent / "vectors" / "binance_shapes.json").read_text("utf-8")
)
#: Members that appear only where they apply. Source: rest-api.md, "Conditional fields in Order Responses"; the last
#: three are left out of some examples and present in others of the same answer.
CONDITIONAL: Final = frozenset(
    ("stopPrice", "icebergQty", "strategyId", "strategyType", "preventedMatchId", "preventedQuantity",
     "expiryReason", "makerPreventedQuantity", "takerPreventedQuantity", "workingTime", "selfTradePreventionMode",
     "fills")
)  # fmt: skip

_DECIMAL = re.compile(r"-?[0-9]+(\.[0-9]+)?")


def mismatch(answer: Any, shape: Any, at: str = "answer") -> str | None:
    """Return where and how an answer departs from its shape, or None."""
    if isinstance(shape, dict):
        return _object(answer, shape, at)
    if isinstance(shape, list):
        return _array(answer, shape, at)
    fits = {
        "s": isinstance(answer, str),
        "i": isinstance(answer, int) and not isinstance(answer, bool),
        "b": isinstance(answer, bool),
        "d": isinstance(answer, str) and _DECIMAL.fullmatch(answer) is not None,
        "n": answer is None,
    }
    return None if fits[shape] else f"{at}: {answer!r} is not {shape}"


def _object(answer: Any, shape: dict[str, Any], at: str) -> str | None:
    if not isinstance(answer, dict):
        return f"{at}: {answer!r} is no object"
    missing = shape.keys() - answer.keys() - CONDITIONAL
    extra = answer.keys() - shape.keys() - CONDITIONAL
    if missing or extra:
        return f"{at}: missing {sorted(missing)}, extra {sorted(extra)}"
    for name, value in answer.items():
        if name in {"filters", "symbolFilters"}:
            wrong = _filters(value, f"{at}.{name}")
        else:
            wrong = mismatch(value, shape[name], f"{at}.{name}") if name in shape else None
        if wrong:
            return wrong
    return None


def _array(answer: Any, shape: list[Any], at: str) -> str | None:
    if not isinstance(answer, list):
        return f"{at}: {answer!r} is no array"
    if len(shape) > 1:  # a row whose places have types of their own
        if len(answer) != len(shape):
            return f"{at}: {len(answer)} places instead of {len(shape)}"
        parts = shape
    else:
        parts = shape * len(answer)
    for index, (value, part) in enumerate(zip(answer, parts, strict=False)):
        wrong = mismatch(value, part, f"{at}[{index}]")
        if wrong:
            return wrong
    return None


def _filters(answer: Any, at: str) -> str | None:
    for index, value in enumerate(answer):
        wrong = mismatch(value, SHAPES["filters"].get(value.get("filterType"), {}), f"{at}[{index}]")
        if wrong:
            return wrong
    return None
