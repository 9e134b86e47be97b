"""The wallets of an account and how the ledger files them. Moves nothing.

The spot wallet is the one that trades: its balances are filed under the account's own id. The others only hold
money; each is filed under an id of its own, far above any account's, so that the ledger needs to know nothing of it.

Source: the wallet SDK's transfer types (`MAIN_FUNDING` …) and wallet/balance; the sub-account SDK's account types.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final, Literal, get_args

#: SPOT is Binance's `MAIN`; UM and CM are its USD- and coin-margined futures.
Wallet = Literal["SPOT", "FUNDING", "MARGIN", "UM_FUTURES", "CM_FUTURES", "OPTIONS"]
#: `user`: asset/transfer. `universal`: sub-account/universalTransfer. `spot`: subToMaster and subToSub.
TransferChannel = Literal["user", "universal", "spot"]

WALLETS: Final[tuple[Wallet, ...]] = get_args(Wallet)
#: Distance between the filing ids of two wallets of one account; no account's id comes near it (ACCOUNTS_MAX).
WALLET_STRIDE: Final = 1_000_000

_OFFSETS: Final[Mapping[Wallet, int]] = MappingProxyType(
    {wallet: number * WALLET_STRIDE for number, wallet in enumerate(WALLETS)}
)


def filing_id(account_id: int, wallet: Wallet) -> int:
    """Return the id under which the ledger files a wallet of an account; for SPOT the account's own."""
    return account_id + _OFFSETS[wallet]


def owner_of(filed: int) -> tuple[int, Wallet]:
    """Return whose wallet is filed under an id, and which; `filed` is above 0."""
    return filed % WALLET_STRIDE, WALLETS[filed // WALLET_STRIDE]
