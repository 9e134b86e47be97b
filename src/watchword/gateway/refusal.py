"""Watchword's own refusals as the client sees them: codes, texts, statuses. Decides nothing.

Never 5xx, which clients read as "execution status unknown"; but for the one case in which it is.
"""

import re
from typing import Final

from watchword.binance import errors
from watchword.binance.errors import WireError
from watchword.credentials import authenticator
from watchword.credentials.authenticator import BadParameter, UnknownKey
from watchword.gateway.messages import Refused
from watchword.gateway.ports import VirtualKeys
from watchword.gateway.routes import Kind
from watchword.policy.decision import Deny

#: Of a reason as the client sees it; what a rule says may quote the client's own parameters.
REASON_LENGTH_MAX: Final = 300

_CODES: Final[dict[Kind, tuple[int, int]]] = {
    "place": (-2010, 400),
    "cancel": (-2011, 400),
    "change": (-1002, 401),
    "read": (-1002, 401),
}
_UNAVAILABLE: Final = -1008
_HUMP: Final = re.compile(r"(?<=[a-z])(?=[A-Z])")

#: The one answer of ours with a 5xx status: it was sent, and no answer came.
UNKNOWN: Final = Refused(errors.TIMEOUT, "unknown")
SEALED: Final = Refused(
    WireError(_UNAVAILABLE, "Watchword vault: it is sealed, so nothing can be signed.", 400), "sealed"
)
STALE: Final = Refused(errors.TIMESTAMP_STALE, "stale")
NOT_LOGGED_ON: Final = Refused(errors.UNAUTHORIZED, "not logged on")
REPLAYED: Final = Refused(
    WireError(-1002, "Watchword replay: what is signed here was sent before, as another request.", 401),
    "replay",
)
IN_FLIGHT: Final = Refused(errors.TIMEOUT, "replay")
GUARD_FULL: Final = Refused(
    WireError(-1003, "Watchword replay: more requests within their recvWindow than are remembered.", 429),
    "replay",
)
UNPARSED: Final = Refused(
    WireError(
        -1002,
        "Watchword policy meaning: a change that no policy knows is refused, and more so without a signature.",
        401,
    ),
    "meaning",
)
WHOSE_IS_NOT_KNOWN: Final = Refused(
    WireError(
        -1002,
        "Watchword own_orders: nothing is known of this operation, and so not whose orders it tells of.",
        401,
    ),
    "own_orders",
)
KEY_GONE: Final = Refused(errors.REJECTED_API_KEY, "revoked")
KEY_TYPE_REFUSED: Final = "%s API key is not supported."
_KEY_TYPE_NAMES: Final = {"HMAC": "HMAC_SHA256", "RSA": "RSA"}


def by_policy(deny: Deny, kind: Kind) -> Refused:
    """A rule said no."""
    code, status = _CODES[kind]
    text = f"Watchword policy {deny.rule}: {deny.reason[:REASON_LENGTH_MAX]}"
    return Refused(WireError(code, text, status), deny.rule)


def by_owner(wire: WireError) -> Refused:
    """The order desk said no, in Binance's words: somebody else's order looks like none."""
    return Refused(wire, "own_orders")


def unavailable(what: str, why: str) -> Refused:
    """Something without which nothing is signed does not work.

    Args:
        what: `audit`, `ledger`, `clock`, `vault`, `upstream`.
        why: For people.
    """
    text = f"Watchword {what}: {why[:REASON_LENGTH_MAX]}"
    return Refused(WireError(_UNAVAILABLE, text, 400), what)


def by_budget(text: str, retry_after_us: int) -> Refused:
    """A budget is used up until a moment."""
    return Refused(WireError(-1003, f"Watchword budget: {text}", 429, retry_after_us), "budget")


def wrong_key_type(key_type: str) -> Refused:
    """`session.logon` with anything but Ed25519. Source: as Binance answers it."""
    name = _KEY_TYPE_NAMES.get(key_type, key_type)
    return Refused(WireError(-4056, KEY_TYPE_REFUSED % name), "key type")


def unauthenticated(refusal: authenticator.Refusal, keys: VirtualKeys) -> Refused:
    """Turn what the authenticator found into Binance's words, and the fine reason the trail counts."""
    if isinstance(refusal, UnknownKey):
        reason = keys.absence(refusal.api_key)
    elif isinstance(refusal, BadParameter):
        reason = f"parameter {refusal.name}"
    else:
        reason = _HUMP.sub(" ", type(refusal).__name__).lower()
    return Refused(authenticator.to_wire(refusal), reason)
