"""Binance's published limits as values, and their rendering. Counts nothing.

Source: rest-api.md "Exchange information" and "Query Unfilled Order Count"; CHANGELOG.md for RAW_REQUESTS.
"""

from typing import Final, Literal

import msgspec

RateLimitType = Literal["REQUEST_WEIGHT", "ORDERS", "RAW_REQUESTS", "CONNECTIONS"]
Interval = Literal["SECOND", "MINUTE", "HOUR", "DAY"]

INTERVAL_US: Final[dict[str, int]] = {
    "SECOND": 1_000_000,
    "MINUTE": 60_000_000,
    "HOUR": 3_600_000_000,
    "DAY": 86_400_000_000,
}


class RateLimit(msgspec.Struct, frozen=True, rename="camel", cache_hash=True):
    """One fixed window, in the member order of `exchangeInfo`."""

    rate_limit_type: RateLimitType
    interval: Interval
    interval_num: int
    limit: int

    @property
    def window_us(self) -> int:
        """Length of the window in microseconds."""
        return INTERVAL_US[self.interval] * self.interval_num


REQUEST_WEIGHT_PER_MINUTE: Final = RateLimit("REQUEST_WEIGHT", "MINUTE", 1, 6_000)
ORDERS_PER_10_SECONDS: Final = RateLimit("ORDERS", "SECOND", 10, 50)
ORDERS_PER_DAY: Final = RateLimit("ORDERS", "DAY", 1, 160_000)
RAW_REQUESTS_PER_5_MINUTES: Final = RateLimit("RAW_REQUESTS", "MINUTE", 5, 300_000)
CONNECTIONS_PER_5_MINUTES: Final = RateLimit("CONNECTIONS", "MINUTE", 5, 300)

#: As `exchangeInfo` lists them; the WebSocket API shows CONNECTIONS as well.
REST_LIMITS: Final = (
    REQUEST_WEIGHT_PER_MINUTE,
    ORDERS_PER_10_SECONDS,
    ORDERS_PER_DAY,
    RAW_REQUESTS_PER_5_MINUTES,
)
WS_LIMITS: Final = (*REST_LIMITS, CONNECTIONS_PER_5_MINUTES)
ORDER_LIMITS: Final = (ORDERS_PER_10_SECONDS, ORDERS_PER_DAY)


def scaled(rule: RateLimit, scale: float) -> RateLimit:
    """Multiply a limit for tests and demonstrations.

    Args:
        rule: The published limit.
        scale: Factor; 0 means limits are off, and the published figure is still shown.
    """
    if scale in {0, 1}:
        return rule
    return msgspec.structs.replace(rule, limit=max(1, int(rule.limit * scale)))
