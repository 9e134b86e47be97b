"""What a key may do. A union of grants: what is not granted is refused. Never looks at where or when.

Source: the wallet API's GET /sapi/v1/account/apiRestrictions; rest-api.md, "Request Security".
"""

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Final, get_args

import msgspec

from watchword.binance import enums
from watchword.binance.endpoints import Security

#: The vocabulary is Binance's; what it means for a key is said here.
Permission = enums.Permission

PERMISSIONS: Final[tuple[Permission, ...]] = get_args(Permission)
#: A new key can read, not trade.
DEFAULT_PERMISSIONS: Final[frozenset[Permission]] = frozenset(("READING",))

#: Permission to its member of the apiRestrictions answer.
RESTRICTION_FIELDS: Final[Mapping[Permission, str]] = MappingProxyType(
    {
        "READING": "enableReading",
        "SPOT_AND_MARGIN_TRADING": "enableSpotAndMarginTrading",
        "WITHDRAWALS": "enableWithdrawals",
        "INTERNAL_TRANSFER": "enableInternalTransfer",
        "MARGIN": "enableMargin",
        "FUTURES": "enableFutures",
        "UNIVERSAL_TRANSFER": "permitsUniversalTransfer",
        "VANILLA_OPTIONS": "enableVanillaOptions",
        "FIX_API_TRADE": "enableFixApiTrade",
        "FIX_API_READ_ONLY": "enableFixReadOnly",
        "PORTFOLIO_MARGIN_TRADING": "enablePortfolioMarginTrading",
    }
)

#: What each security type asks for; NONE asks for nothing.
NEEDED: Final[Mapping[Security, Permission]] = MappingProxyType(
    {"TRADE": "SPOT_AND_MARGIN_TRADING", "USER_DATA": "READING", "USER_STREAM": "READING"}
)

_BY_NAME: Final[Mapping[str, Permission]] = MappingProxyType(
    {name: name for name in PERMISSIONS}
    | {"READ": "READING", "TRADE": "SPOT_AND_MARGIN_TRADING", "TRADING": "SPOT_AND_MARGIN_TRADING"}
)


class UnknownPermission(msgspec.Struct, frozen=True):
    """A text that names no permission."""

    text: str

    def __str__(self) -> str:
        return f"There is no permission {self.text!r}. Choose from: {', '.join(PERMISSIONS)}."


def read_permissions(texts: Iterable[str]) -> frozenset[Permission] | UnknownPermission:
    """Read permission names as people type them.

    Args:
        texts: Names in any case, with `-` or `_`; `read`, `trade` and `trading` are understood.

    Returns:
        The permissions, or the first text that names none.
    """
    found: set[Permission] = set()
    for text in texts:
        permission = _BY_NAME.get(text.strip().upper().replace("-", "_"))
        if permission is None:
            return UnknownPermission(text)
        found.add(permission)
    return frozenset(found)


def restriction_flags(permissions: frozenset[Permission]) -> dict[str, bool]:
    """Return the permission members of an apiRestrictions answer, in Binance's order of PERMISSIONS."""
    return {field: permission in permissions for permission, field in RESTRICTION_FIELDS.items()}
