"""Cookies of the pages: the session's token, the anonymous visit, theme and toast. Reads and writes them, judges nothing.

Why `__Host-` under TLS: no other name of the domain and no page without TLS can then set or read them. SameSite=Strict:
the browser sends none of them along for pages of elsewhere.
"""

from collections.abc import Iterable
from typing import Final, Literal, get_args

SESSION: Final = "watchword_session"
VISIT: Final = "watchword_visit"
THEME: Final = "watchword_theme"
TOAST: Final = "watchword_toast"

Theme = Literal["auto", "light", "dark"]
THEMES: Final[tuple[Theme, ...]] = get_args(Theme)
HOST_PREFIX: Final = "__Host-"
COOKIES_MAX: Final = 64
COOKIE_LENGTH_MAX: Final = 256
YEAR_S: Final = 31_536_000
_HEADERS_MAX: Final = 8


class Jar:
    """The cookies one request brought, and those its answer sets."""

    def __init__(self, headers: Iterable[str], *, tls: bool) -> None:
        """Read what was sent.

        Args:
            headers: Values of the Cookie headers.
            tls: Whether the page is served over TLS.
        """
        self._tls = tls
        self._sent = _read(headers)
        self._set: dict[str, str] = {}
        self._dropped: set[str] = set()

    def get(self, name: str) -> str:
        """Return a cookie's value; empty where it is missing, sent twice, or nothing of ours."""
        return self._sent.get(self._full(name), "")

    def put(self, name: str, value: str, *, age_s: int | None = None) -> None:
        """Set a cookie.

        Args:
            name: One of ours.
            value: Letters, digits, `-`, `_`.
            age_s: How long the browser keeps it; None until it is closed.
        """
        lasting = "" if age_s is None else f"; Max-Age={age_s}"
        self._write(name, value, lasting)
        self._sent[self._full(name)] = value

    def drop(self, name: str) -> None:
        """Remove a cookie."""
        self._write(name, "", "; Max-Age=0")
        if self._sent.pop(self._full(name), None) is not None:
            self._dropped.add(name)

    def dropped(self, name: str) -> bool:
        """Whether a cookie was sent and is removed by this answer."""
        return name in self._dropped

    @property
    def theme(self) -> Theme:
        """The theme that was chosen."""
        found = self.get(THEME)
        return next((theme for theme in THEMES if theme == found), "auto")

    def headers(self) -> list[str]:
        """Return the values of the answer's Set-Cookie headers."""
        return list(self._set.values())

    def _full(self, name: str) -> str:
        return f"{HOST_PREFIX}{name}" if self._tls else name

    def _write(self, name: str, value: str, lasting: str) -> None:
        full = self._full(name)
        secure = "; Secure" if self._tls else ""
        self._set[full] = f"{full}={value}; Path=/; HttpOnly; SameSite=Strict{secure}{lasting}"


def _read(headers: Iterable[str]) -> dict[str, str]:
    """Read Cookie headers; a name that is there twice is nobody's: which one is ours could not be told."""
    pairs = [
        part.strip().partition("=") for header in list(headers)[:_HEADERS_MAX] for part in header.split(";")
    ]
    found: dict[str, str] = {}
    twice: set[str] = set()
    for name, _, value in pairs[:COOKIES_MAX]:
        if name in found:
            twice.add(name)
        if len(value) <= COOKIE_LENGTH_MAX and value.isascii() and value.isprintable():
            found[name] = value
    return {name: value for name, value in found.items() if name not in twice}
