"""Was this form written by one of our pages, for this session? Decides only that.

Three looks, each enough against a page of elsewhere: the session's cookie is SameSite=Strict, `Origin` and
`Sec-Fetch-Site` must say this very origin, and the form holds a token that only our pages know. The token is an HMAC of
the session's id under a key of this process, so it lasts over steps of a session and nobody has to store it.

Source: OWASP, Cross-Site Request Forgery Prevention Cheat Sheet.
"""

import hashlib
import hmac
from collections.abc import Mapping
from typing import Final

from watchword.kernel.entropy import Entropy

FIELD: Final = "w_csrf"
HEADER: Final = "x-csrf-token"
KEY_BYTES: Final = 32
VISIT_BYTES: Final = 16
_OURS: Final = frozenset({"same-origin", "none"})


class FormTokens:
    """Tokens of the forms of one process."""

    def __init__(self, entropy: Entropy) -> None:
        """Draw the key."""
        self._key = entropy.token(KEY_BYTES)

    def token_for(self, bound: str) -> str:
        """Return the token of a session, or of a visit before there is one.

        Args:
            bound: Id of the session or visit.
        """
        return hmac.new(self._key, bound.encode(), hashlib.sha256).hexdigest()

    def holds(self, bound: str, sent: str) -> bool:
        """Whether what a form sent is the token; never without something it is bound to."""
        return bool(bound) and hmac.compare_digest(self.token_for(bound).encode(), sent.encode())


def from_ourselves(headers: Mapping[str, str], ours: str) -> bool:
    """Whether a browser says that a page of this very origin sent this; what says nothing is no browser of today.

    Args:
        headers: Of a request that changes something; names in lower case.
        ours: What browsers call the console by; a proxy before it may have another Host.
    """
    site = headers.get("sec-fetch-site")
    if site is not None and site not in _OURS:
        return False
    return origin_is_ours(headers, ours)


def origin_is_ours(headers: Mapping[str, str], ours: str) -> bool:
    """Whether a request says no origin, or this very one. See `from_ourselves`."""
    origin = headers.get("origin")
    if origin is None or origin == ours:
        return True
    return origin.partition("://")[2] == headers.get("host")
