"""What an account may send outside within 24 hours, valued in USDT by this venue's last prices. Moves nothing.

Why valued anew each time: a figure remembered from then would need a place in the state, and nobody books it.
"""

from typing import Final

from watchword.binance.errors import WireError
from watchword.exchange.state import State
from watchword.exchange.valuation import worth
from watchword.kernel.units import SCALE

#: Scaled. Source: the daily limit of a verified account, as Binance's withdrawal page shows it.
DAILY_QUOTA: Final = 8_000_000 * SCALE
QUOTA_ASSET: Final = "USDT"
QUOTA_WINDOW_US: Final = 24 * 3_600_000_000

OVER_QUOTA: Final = WireError(-4023, "Within 24 hours, the withdrawal exceeds the maximum amount.")


def used_quota(state: State, account_id: int, now_us: int) -> int:
    """Value what an account sent outside in the 24 hours before a moment; scaled."""
    used = 0
    for record in reversed(state.treasury.withdrawals):
        if record.at_us <= now_us - QUOTA_WINDOW_US:
            break
        if record.account_id == account_id:
            used += worth(state, record.asset, record.amount, QUOTA_ASSET)
    return used


def judge_quota(state: State, account_id: int, asset: str, amount: int, now_us: int) -> WireError | None:
    """Refuse a withdrawal that would exceed the quota; what has no price here is worth nothing and passes."""
    value = worth(state, asset, amount, QUOTA_ASSET)
    if value and used_quota(state, account_id, now_us) + value > DAILY_QUOTA:
        return OVER_QUOTA
    return None
