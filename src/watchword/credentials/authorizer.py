"""May this credential do this, from there, now? Permissions grant, restrictions narrow. Never looks at signatures."""

from typing import Final

import msgspec

from watchword.binance.endpoints import Security
from watchword.credentials.model import Credential
from watchword.credentials.permission import NEEDED, Permission


class KeyExpired(msgspec.Struct, frozen=True):
    """The key's own expiry has passed.

    Attributes:
        expired_us: When, epoch microseconds.
    """

    expired_us: int


class AddressRefused(msgspec.Struct, frozen=True):
    """The caller's address is not in the key's IP list."""

    ip: str


class PermissionMissing(msgspec.Struct, frozen=True):
    """The key lacks the permission this call needs."""

    permission: Permission


class SymbolRefused(msgspec.Struct, frozen=True):
    """The key may not trade this symbol; empty where the request names none although the key has a symbol list."""

    symbol: str


#: The same as a plain dict: this stands on the path of every signed request, and a view's look-up takes longer.
_NEEDED: Final = dict(NEEDED)

Unauthorized = KeyExpired | AddressRefused | PermissionMissing | SymbolRefused


def authorize(
    credential: Credential,
    security: Security,
    ip: str,
    symbol: str | None,
    now_us: int,
    permission: Permission | None = None,
) -> Unauthorized | None:
    """Judge one call by one credential.

    Args:
        credential: Who calls.
        security: What the endpoint asks for.
        ip: Where the call came from.
        symbol: What it trades; None where the request names no symbol. Only TRADE is held to the symbol list:
            reading is not trading.
        now_us: Server time, epoch microseconds.
        permission: What the endpoint asks for where it is another permission than its security type's.

    Returns:
        None where it may, or the first reason against it, in the order expiry, address, permission, symbol.
    """
    restrictions = credential.restrictions
    if restrictions.expires_us and restrictions.expired(now_us):
        return KeyExpired(restrictions.expires_us)
    if restrictions.networks and not restrictions.allows_address(ip):
        return AddressRefused(ip)
    needed = permission or _NEEDED.get(security)
    if needed is not None and needed not in credential.permissions:
        return PermissionMissing(needed)
    # A symbol list that meets a request without a symbol must refuse: nothing shows what would be traded.
    if (
        restrictions.symbols
        and security == "TRADE"
        and (symbol is None or symbol not in restrictions.symbols)
    ):
        return SymbolRefused(symbol or "")
    return None
