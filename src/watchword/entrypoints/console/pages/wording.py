"""How times, permissions and refusals are said to people. Pure; knows no page."""

import re
from datetime import UTC, datetime, timedelta
from typing import Final

from markupsafe import Markup

from watchword.entrypoints.console.problem import INVALID, Problem

SECOND_US: Final = 1_000_000
MINUTE_S: Final = 60
HOUR_S: Final = 3_600
DAY_S: Final = 86_400
MONTH_S: Final = 30 * DAY_S

PERMISSIONS: Final[dict[str, str]] = {
    "READING": "Enable reading",
    "SPOT_AND_MARGIN_TRADING": "Enable spot & margin trading",
    "WITHDRAWALS": "Enable withdrawals",
    "INTERNAL_TRANSFER": "Enable internal transfer",
    "MARGIN": "Enable margin loan, repay & transfer",
    "FUTURES": "Enable futures",
    "UNIVERSAL_TRANSFER": "Permits universal transfer",
    "VANILLA_OPTIONS": "Enable European options",
    "FIX_API_TRADE": "Enable FIX API trading",
    "FIX_API_READ_ONLY": "Enable FIX API read only",
    "PORTFOLIO_MARGIN_TRADING": "Enable portfolio margin trading",
}
SHORT_PERMISSIONS: Final[dict[str, str]] = {
    "READING": "Read",
    "SPOT_AND_MARGIN_TRADING": "Spot & margin",
    "WITHDRAWALS": "Withdraw",
    "INTERNAL_TRANSFER": "Internal transfer",
    "MARGIN": "Margin loan",
    "FUTURES": "Futures",
    "UNIVERSAL_TRANSFER": "Universal transfer",
    "VANILLA_OPTIONS": "Options",
    "FIX_API_TRADE": "FIX trade",
    "FIX_API_READ_ONLY": "FIX read",
    "PORTFOLIO_MARGIN_TRADING": "Portfolio margin",
}
KEY_TYPES: Final[dict[str, str]] = {"HMAC": "HMAC", "ED25519": "Ed25519", "RSA": "RSA"}
FACTORS: Final[dict[str, str]] = {
    "totp": "Authenticator app",
    "webauthn": "Security key",
    "recovery": "Recovery code",
    "mail": "Code by mail",
    "sms": "Code by text message",
}
OUTCOMES: Final[dict[str, str]] = {
    "signed_in": "Signed in",
    "password_wrong": "Wrong password",
    "factor_wrong": "Wrong second factor",
    "locked": "Refused: too many tries",
    "disabled": "Refused: disabled",
    "stepped_up": "Second factor shown",
}
_AT_FIELD: Final = re.compile(r"^(?P<why>.*) - at `\$\.(?P<field>[a-z_]+)(?:\[.*)?`$")
_LENGTH: Final = re.compile(r"of length (?P<bound>[<>]=) (?P<length>\d+)")


def field_errors(problem: Problem | None) -> dict[str, str]:
    """Say which field of a form does not fit, and why; empty where the problem is about the whole.

    Args:
        problem: As a route answered it.
    """
    match = _AT_FIELD.match(problem.detail) if problem is not None and problem.kind is INVALID else None
    return {match["field"]: _plainly(match["why"])} if match is not None else {}


def _plainly(why: str) -> str:
    length = _LENGTH.search(why)
    if length is None:
        # What readers of JSON say begins with a capital and speaks of types; what pages say is for people.
        return sentence(why) if why[:1].islower() else "This does not fit."
    if length["bound"] == ">=":
        return (
            "Please fill this in." if length["length"] == "1" else f"At least {length['length']} characters."
        )
    kind = "entries" if "array" in why or "object" in why else "characters"
    return f"At most {length['length']} {kind}."


def moment(at_us: int) -> datetime:
    """Return a time in UTC."""
    return datetime.fromtimestamp(at_us / SECOND_US, UTC)


def when(at_us: int, now_us: int) -> Markup:
    """Say how long ago something was; the exact time is its title."""
    if not at_us:
        return Markup('<span class="quiet">never</span>')
    at = moment(at_us)
    return Markup('<time datetime="{}" title="{}">{}</time>').format(
        at.isoformat(), f"{at:%Y-%m-%d %H:%M:%S} UTC", _ago(max(0, (now_us - at_us) // SECOND_US))
    )


def stamp(text: str | None) -> Markup:
    """Write a time the API gave as ISO 8601."""
    if not text:
        return Markup('<span class="quiet">never</span>')
    at = datetime.fromisoformat(text).astimezone(UTC)
    return Markup('<time datetime="{}" title="{}">{}</time>').format(
        at.isoformat(), f"{at:%Y-%m-%d %H:%M:%S} UTC", f"{at:%Y-%m-%d %H:%M}"
    )


def sentence(text: str) -> str:
    """Write what a route said as a sentence: a capital letter first, a full stop last."""
    text = text.strip()
    return f"{text[:1].upper()}{text[1:]}{'' if text[-1:] in {'.', '!', '?', ':', ''} else '.'}"


def shortened(text: str, ends: int = 6) -> str:
    """Show both ends of a long text."""
    return text if len(text) <= ends * 2 + 1 else f"{text[:ends]}…{text[-ends:]}"


def device(agent: str) -> str:
    """Name browser and system of what a device calls itself; what is unknown is cut."""
    browser = next((name for mark, name in _BROWSERS if mark in agent), "")
    system = next((name for mark, name in _SYSTEMS if mark in agent), "")
    if browser and system:
        return f"{browser} on {system}"
    return browser or agent[:40] or "unknown device"


_BROWSERS: Final = (
    ("Edg/", "Edge"), ("OPR/", "Opera"), ("Firefox/", "Firefox"), ("HeadlessChrome/", "Chrome"), ("Chrome/", "Chrome"),
    ("Safari/", "Safari"),
)  # fmt: skip
_SYSTEMS: Final = (
    ("iPhone", "iPhone"), ("iPad", "iPad"), ("Android", "Android"), ("Windows", "Windows"), ("Mac OS X", "macOS"),
    ("Linux", "Linux"),
)  # fmt: skip


def _ago(seconds: int) -> str:
    if seconds < MINUTE_S:
        return "just now"
    for size, name in ((MONTH_S, "month"), (DAY_S, "day"), (HOUR_S, "hour"), (MINUTE_S, "minute")):
        count = seconds // size
        if count:
            return f"{count} {name}{'s' if count > 1 else ''} ago"
    return str(timedelta(seconds=seconds))
