"""Milliseconds or microseconds, as a client asks for them. Source: rest-api.md, "General API Information"."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from watchword.binance.errors import WireError

BAD_TIME_UNIT: Final = WireError(
    -1194, "Invalid value for time unit; expected either MICROSECOND or MILLISECOND."
)
#: Whether a value means microseconds. Both spellings, and no others.
TIME_UNITS: Final[Mapping[bytes, bool]] = MappingProxyType(
    {b"MICROSECOND": True, b"microsecond": True, b"MILLISECOND": False, b"millisecond": False}
)
