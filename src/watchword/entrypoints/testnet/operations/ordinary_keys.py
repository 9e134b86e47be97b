"""Keeps special keys of margin trading from what an account's own keys are for. Never looks at permissions.

A special key trades and reads its wallet; whoever has one manages no keys, opens no sub-account and moves no money to
another wallet or account, whatever permissions it shares with ordinary keys.
"""

from typing import TYPE_CHECKING

from watchword.binance.errors import REJECTED_API_KEY, WireError
from watchword.entrypoints.testnet.operations.trading import credential_of

if TYPE_CHECKING:
    from watchword.bootstrap.testnet import Testnet
    from watchword.entrypoints.testnet.operations.call import Call, Handler


def not_by_special_key(testnet: "Testnet", call: "Call") -> WireError | None:
    """Refuse a special key; None for any other."""
    record = testnet.directory.record(credential_of(call).api_key)
    return REJECTED_API_KEY if record is not None and record.special else None


def by_ordinary_keys(handler: "Handler") -> "Handler":
    """Make a handler that special keys cannot call."""

    async def answer(testnet: "Testnet", call: "Call") -> bytes | WireError:
        return not_by_special_key(testnet, call) or await handler(testnet, call)

    return answer
