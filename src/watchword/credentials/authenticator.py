"""Who is it, and is it really them, just now? The one way in for signed requests, shared by every door.

Never parses bytes, never counts limits and never decides what the request means.
"""

from typing import assert_never, final

import msgspec

from watchword.binance import errors
from watchword.binance.endpoints import Security
from watchword.binance.errors import WireError
from watchword.binance.request import Params
from watchword.credentials.authorizer import (
    AddressRefused,
    KeyExpired,
    PermissionMissing,
    SymbolRefused,
    authorize,
)
from watchword.credentials.model import Credential, is_api_key
from watchword.credentials.permission import Permission
from watchword.credentials.ports import CredentialDirectory
from watchword.credentials.timing import Ahead, Stale, judge, read_timestamp_us, read_window_us, still_fresh


class BadParameter(msgspec.Struct, frozen=True):
    """A parameter of authentication is missing or malformed.

    Attributes:
        name: `signature`, `timestamp` or `recvWindow`.
        wire: Binance's words for it.
    """

    name: str
    wire: WireError


class MalformedKey(msgspec.Struct, frozen=True):
    """The API key is absent or not 64 letters and digits."""


class UnknownKey(msgspec.Struct, frozen=True):
    """No credential has this API key: never issued, deleted, or of another exchange."""

    api_key: str


class BadSignature(msgspec.Struct, frozen=True):
    """The signature was not made by this key over these bytes."""


Refusal = (
    BadParameter
    | MalformedKey
    | UnknownKey
    | KeyExpired
    | AddressRefused
    | PermissionMissing
    | SymbolRefused
    | Stale
    | Ahead
    | BadSignature
)


@final
class Admitted(msgspec.Struct, frozen=True, gc=False):
    """A request that may go on.

    Attributes:
        credential: Who asks; None exactly for security type NONE.
        timestamp_us: When the client says it was sent; 0 for NONE.
        deadline_us: Last moment at which it may reach the engine; 0 for NONE.
    """

    credential: Credential | None
    timestamp_us: int
    deadline_us: int

    def check_again(self, now_us: int) -> Stale | None:
        """Step 6, timing again just before the engine. Source: rest-api.md, "Timing security"."""
        if self.credential is None or still_fresh(self.deadline_us, now_us):
            return None
        return Stale(now_us - self.timestamp_us, self.deadline_us - self.timestamp_us)


PUBLIC = Admitted(None, 0, 0)


def admit(
    directory: CredentialDirectory,
    security: Security,
    api_key: str | None,
    ip: str,
    params: Params,
    payloads: tuple[bytes, ...],
    signature: str | None,
    now_us: int,
    permission: Permission | None = None,
) -> Admitted | Refusal:
    """Admit or refuse one signed request: steps 2 to 4 of its life, in this order.

    2. Parameters present and well formed, API key well formed.
    3. The credential exists and is authorized: expiry, address, permission, symbol.
    4. Timing, then signature.

    Args:
        directory: Where credentials are looked up.
        security: What the endpoint asks for; NONE is admitted at once.
        api_key: Header X-MBX-APIKEY or parameter `apiKey`; None where absent.
        ip: The caller's address.
        params: Decoded parameters; `timestamp`, `recvWindow` and `symbol` are read.
        payloads: The byte strings the client may have signed; one match suffices.
        signature: Percent-decoded; None where absent.
        now_us: Moment of receipt, epoch microseconds.
        permission: What the endpoint asks for where it is another permission than its security type's.

    Returns:
        The admitted request, or the fine reason against it; `to_wire` turns that into Binance's answer.
    """
    if security == "NONE":
        return PUBLIC
    # 2 parameters present
    if not signature:
        return BadParameter("signature", errors.missing("signature"))
    identified = _identify(directory, security, api_key, ip, params, now_us, permission)
    if isinstance(identified, Admitted) and identified.credential is not None:
        # 4 signature
        verify = identified.credential.verifier.verify
        for payload in payloads:
            if verify(payload, signature):
                return identified
        return BadSignature()
    return identified


def admit_in_session(
    directory: CredentialDirectory, security: Security, api_key: str, ip: str, params: Params, now_us: int
) -> Admitted | Refusal:
    """Admit or refuse a request on a logged-on WebSocket session, which needs no signature of its own.

    The credential is looked up each time, so that a deleted or tightened key fails on its next request.

    Source: web-socket-api.md, "Session Authentication": `timestamp` is still required.
    """
    if security == "NONE":
        return PUBLIC
    return _identify(directory, security, api_key, ip, params, now_us)


def to_wire(refusal: Refusal) -> WireError:
    """Return what Binance would say. It does not tell key, address and permission apart; the audit trail does."""
    match refusal:
        case BadParameter():
            return refusal.wire
        case MalformedKey():
            return errors.BAD_API_KEY_FORMAT
        case UnknownKey() | KeyExpired() | AddressRefused() | PermissionMissing() | SymbolRefused():
            return errors.REJECTED_API_KEY
        case Stale():
            return errors.TIMESTAMP_STALE
        case Ahead():
            return errors.TIMESTAMP_AHEAD
        case BadSignature():
            return errors.BAD_SIGNATURE
        case _:
            assert_never(refusal)


def _identify(
    directory: CredentialDirectory,
    security: Security,
    api_key: str | None,
    ip: str,
    params: Params,
    now_us: int,
    permission: Permission | None = None,
) -> Admitted | Refusal:
    """Everything but the signature."""
    # 2 parameters present, well formed
    timestamp_us = read_timestamp_us(params.get("timestamp", ""))
    if type(timestamp_us) is WireError:
        return BadParameter("timestamp", timestamp_us)
    window_us = read_window_us(params.get("recvWindow"))
    if type(window_us) is WireError:
        return BadParameter("recvWindow", window_us)
    # 3 the credential, then what it may do. A key that is found is well formed: only a miss is looked at closer.
    credential = directory.find(api_key) if api_key else None
    if credential is None:
        return UnknownKey(api_key) if api_key and is_api_key(api_key) else MalformedKey()
    unauthorized = authorize(credential, security, ip, params.get("symbol"), now_us, permission)
    if unauthorized is not None:
        return unauthorized
    # 4 timing
    untimely = judge(timestamp_us, window_us, now_us)
    if untimely is not None:
        return untimely
    return Admitted(credential, timestamp_us, timestamp_us + window_us)
