"""Who calls? The token of the Authorization header against sessions and API tokens. Never reads cookies, judges no action.

Why no cookies: a browser sends them along for pages of elsewhere; a header is sent only by who has the token.
"""

from typing import TYPE_CHECKING, Final

from watchword.audit.event import Refusal
from watchword.entrypoints.console.route import Caller

if TYPE_CHECKING:
    from watchword.accounts.model import Origin
    from watchword.bootstrap.console import Console

SCHEME: Final = "bearer"
#: Longer than any token of ours.
TOKEN_LENGTH_MAX: Final = 128


def bearer_token(values: list[str]) -> str | None:
    """Return the token of an Authorization header (RFC 6750).

    Args:
        values: The header's, one per line sent.

    Returns:
        The token; None where there is none, two, another scheme or nothing a token of ours can be.
    """
    if len(values) != 1:
        return None
    scheme, _, token = values[0].partition(" ")
    token = token.strip()
    if scheme.lower() != SCHEME or not token or len(token) > TOKEN_LENGTH_MAX:
        return None
    return token if token.isascii() and token.isprintable() else None


def caller_of(console: "Console", token: str, origin: "Origin", now_us: int) -> Caller | None:
    """Say whose session or API token this is, and remember the use; None for anything else.

    Args:
        console: Knows people.
        token: As sent.
        origin: From where.
        now_us: Epoch microseconds.
    """
    session = console.sessions.find(token, origin.ip, now_us)
    if session is not None:
        return Caller(session[1], session=session[0])
    found = console.tokens.find(token, origin.ip, now_us)
    if found is None:
        _note_elsewhere(console, token, origin, now_us)
        return None
    return Caller(found[1], token=found[0])


def _note_elsewhere(console: "Console", token: str, origin: "Origin", now_us: int) -> None:
    """Put a good token that came from an address it is not for into the trail: somebody else may have it."""
    known = console.tokens.from_elsewhere(token, origin.ip, now_us)
    if known is None:
        return
    row, person = known
    console.trail.record_refusal(
        Refusal(
            key=person.id,
            endpoint="management",
            rule="token:elsewhere",
            reason="an API token was used from an address that is not on its list",
            ip=origin.ip,
            values={"person": person.name, "through": row.id, "label": row.label},
        )
    )
