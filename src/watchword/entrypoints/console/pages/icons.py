"""The symbols of the pages, drawn for 24 by 24 pixels; stroke and size are the style sheet's. Draws nothing else."""

from typing import Final

from markupsafe import Markup

_OPEN: Final = (
    '<svg class="icon" viewBox="0 0 24 24" width="20" height="20" aria-hidden="true" focusable="false">'
)
_DOT: Final = '<circle cx="12" cy="12" r="8"/>'
_DRAWN: Final[dict[str, str]] = {
    "key": '<circle cx="8" cy="15" r="4"/><path d="m11 12 8-8m-3 3 3 3"/>',
    "shield": '<path d="M12 3 4.5 6v5.5c0 4.5 3 8 7.5 9.5 4.5-1.5 7.5-5 7.5-9.5V6z"/><path d="m9 12 2 2 4-4"/>',
    "menu": '<path d="M4 7h16M4 12h16M4 17h16"/>',
    "chevron": '<path d="m7 10 5 5 5-5"/>',
    "close": '<path d="m6 6 12 12M18 6 6 18"/>',
    "check": '<path d="m5 12.5 4.5 4.5L19 7.5"/>',
    "warn": '<path d="M12 4 2.5 20h19z"/><path d="M12 10v4m0 3v.01"/>',
    "out": '<path d="M14 5H6v14h8m-3-7h10m-3-3 3 3-3 3"/>',
    "sun": '<circle cx="12" cy="12" r="4"/><path d="M12 3v2m0 14v2m9-9h-2M5 12H3m15.4-6.4L17 7M7 17l-1.4 1.4m12.8 0L17 17M7 7 5.6 5.6"/>',
    "moon": '<path d="M20 14.5A8 8 0 1 1 9.5 4a6.5 6.5 0 0 0 10.5 10.5z"/>',
    "auto": '<rect x="3.5" y="5" width="17" height="11.5" rx="1.5"/><path d="M9 20h6"/>',
    "plus": '<path d="M12 5v14M5 12h14"/>',
    "search": '<circle cx="10.5" cy="10.5" r="6"/><path d="m15 15 5 5"/>',
    "copy": '<rect x="8" y="8" width="12" height="12" rx="2"/><path d="M16 8V5a1 1 0 0 0-1-1H5a1 1 0 0 0-1 1v10a1 1 0 0 0 1 1h3"/>',
    "down": '<path d="M12 4v11m-5-4.5 5 5 5-5M5 20h14"/>',
    "bin": '<path d="M5 7h14M10 7V4.5h4V7m-7 0 .8 13h8.4L17 7"/>',
    "edit": '<path d="m14.5 5.5 4 4L8.5 19.5l-5 1 1-5z"/>',
    "phone": '<rect x="7" y="3" width="10" height="18" rx="2"/><path d="M11 18h2"/>',
    "touch": '<circle cx="12" cy="9" r="5"/><path d="M12 14v7m0-3h3"/>',
    "mail": '<rect x="3.5" y="6" width="17" height="12" rx="1.5"/><path d="m4 7 8 6 8-6"/>',
    "device": '<rect x="3.5" y="5" width="17" height="11" rx="1.5"/><path d="M8 20h8m-4-4v4"/>',
    "vault": '<rect x="4" y="4" width="16" height="16" rx="2"/><circle cx="12" cy="12" r="3.5"/><path d="M12 8.5V6m0 12v-2.5M15.5 12H18M6 12h2.5"/>',
    "virtual": '<path d="M8 8 4 12l4 4m8-8 4 4-4 4m-2.5-11-3 14"/>',
    "rules": '<path d="M6 4h12v16H6z"/><path d="M9 9h6m-6 3.5h6M9 16h3"/>',
    "approve": '<circle cx="12" cy="12" r="8.5"/><path d="m8.5 12 2.5 2.5 4.5-5"/>',
    "audit": '<path d="M4 6h10M4 11h7M4 16h6"/><circle cx="16" cy="15" r="4"/><path d="m19 18 2.5 2.5"/>',
    "account": '<rect x="3.5" y="6" width="17" height="13" rx="2"/><path d="M16 12.5h4.5M3.5 9.5h17"/>',
    "market": '<path d="M7 4v3m0 8v4M5 7h4v8H5zm12-3v5m0 5v5m-2-10h4v5h-4z"/>',
    "portfolio": '<path d="M12 3.5V12h8.5A8.5 8.5 0 1 1 12 3.5z"/>',
    "people": '<circle cx="9" cy="9" r="3.5"/><path d="M3 19c.5-3.5 3-5 6-5s5.5 1.5 6 5m1-13a3 3 0 0 1 0 6m2 2.5c1.8.6 2.8 2 3 4.5"/>',
}
_SYMBOLS: Final = {name: Markup(f"{_OPEN}{drawn}</svg>") for name, drawn in _DRAWN.items()}  # noqa: S704 - ours, above
_UNKNOWN: Final = Markup(f"{_OPEN}{_DOT}</svg>")  # noqa: S704 - ours, above


def icon(name: str) -> Markup:
    """Return a symbol; a circle for a name that has none.

    Args:
        name: As in `Nav.icon`.
    """
    return _SYMBOLS.get(name, _UNKNOWN)
