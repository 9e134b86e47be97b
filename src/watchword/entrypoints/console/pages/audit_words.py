"""How rows of the audit trails are said to people. Pure; a row of a kind that is not known here is shown as it stands."""

from datetime import UTC, datetime
from typing import Any, Final

import msgspec

KINDS: Final[dict[str, str]] = {
    "home:changed": "Changed",
    "signature:intended": "Signature intended",
    "signature:concluded": "Answered",
    "request:refused": "Refused",
    "requests:refused": "Refusals counted",
    "trail:opened": "Trail opened",
    "trail:closed": "Trail closed",
    "trail:stopped": "Trail stopped",
    "trail:resumed": "Trail resumed",
    "trail:checkpoint": "Checkpoint",
}
_BADGES: Final[dict[str, str]] = {
    "request:refused": "bad",
    "requests:refused": "warn",
    "trail:stopped": "bad",
    "signature:concluded": "good",
}
#: Below it are spans, at and above it moments: the first of January 2001.
_MOMENTS_FROM_US: Final = 978_307_200_000_000
#: Shown apart, or of no use to people.
_ELSEWHERE: Final = frozenset({"type", "replay"})


def kind_of(event: dict[str, Any]) -> str:
    """Name a row's kind."""
    kind = str(event.get("type", "damaged"))
    return KINDS.get(kind, kind)


def badge_of(event: dict[str, Any]) -> str:
    """Colour a row's kind."""
    kind = str(event.get("type", ""))
    if kind == "signature:concluded" and (event.get("result") != "answered" or event.get("code")):
        return "warn"
    return _BADGES.get(kind, "")


def headline(event: dict[str, Any]) -> str:
    """Say in a few words what happened."""
    match event.get("type"):
        case "home:changed":
            return _joined(event.get("action"))
        case "signature:intended":
            parameters = event.get("parameters")
            known = parameters if isinstance(parameters, dict) else {}
            return _joined(
                event.get("endpoint"), known.get("side"), known.get("quantity"), known.get("symbol")
            )
        case "signature:concluded":
            code = event.get("code")
            order = event.get("order_id")
            return _joined(
                f"row {event.get('intent')}: {_text(event.get('result')).replace('_', ' ')}",
                event.get("status") or "",
                f"code {code}" if code else "",
                f"order {order}" if order else "",
            )
        case "request:refused":
            return _joined(event.get("rule"), "·", event.get("endpoint"))
        case "requests:refused":
            return f"{event.get('total')} times"
        case "trail:checkpoint":
            return f"vouches for all rows up to {event.get('row')}"
        case _:
            return _joined(event.get("reason") or event.get("sink") or event.get("damaged") or "")


def who(event: dict[str, Any]) -> str:
    """Say who did it: a person, or the key a program called with."""
    return _text(event.get("actor") or event.get("key") or "")


def members(event: dict[str, Any]) -> list[tuple[str, list[tuple[str, str]]]]:
    """List all a row says: first what it says itself, under no title, then what is within its members, under theirs."""
    rows: list[tuple[str, str]] = []
    groups: list[tuple[str, list[tuple[str, str]]]] = [("", rows)]
    for name, value in event.items():
        if name in _ELSEWHERE or value in ("", None, {}, []):
            continue
        if isinstance(value, dict):
            groups.append((_named(name).capitalize(), [_said(inner, one) for inner, one in value.items()]))
        else:
            rows.append(_said(name, value))
    return groups


def _said(name: str, value: object) -> tuple[str, str]:
    """Write a member; moments, which rows have in microseconds, as people read them."""
    if name.endswith("_us") and isinstance(value, int) and value > _MOMENTS_FROM_US:
        at = datetime.fromtimestamp(value / 1_000_000, UTC)
        return name.removesuffix("_us").replace("_", " "), f"{at:%Y-%m-%d %H:%M:%S} UTC"
    return _named(name), _text(value)


def _named(name: str) -> str:
    return name.replace("_", " ")


def _joined(*parts: Any) -> str:
    return " ".join(text for part in parts if (text := _text(part)))


def _text(value: object) -> str:
    return "" if value is None else value if isinstance(value, str) else msgspec.json.encode(value).decode()
