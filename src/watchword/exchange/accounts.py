"""Who trades here. Names, commission rates and groups; never balances (ledger) and never keys (credentials)."""

from typing import Final

import msgspec

#: 0.1 %, scaled: the standard commission of a new Binance account, for makers and takers alike.
STANDARD_COMMISSION: Final = 100_000
NO_TRADE_GROUP: Final = -1
ACCOUNTS_MAX: Final = 10_000
#: Accounts of the venue's own market makers and takers begin like this. Nobody reads their order history.
HOUSE_PREFIX: Final = "house:"


class Account(msgspec.Struct, array_like=True, gc=False):
    """One account.

    Attributes:
        account_id: From 1, in the order of opening.
        grants: (asset, amount) paid in at opening and again at every reset.
        maker_commission, taker_commission: Standard rates, scaled (10^-8 of the received amount).
        trade_group_id: Accounts of one group do not trade with each other; -1: no group.
        updated_us: When its balances or orders last changed.
        house: Whether it belongs to the venue's own market makers.
    """

    account_id: int
    name: str
    grants: tuple[tuple[str, int], ...]
    trade_group_id: int
    created_us: int
    updated_us: int
    maker_commission: int = STANDARD_COMMISSION
    taker_commission: int = STANDARD_COMMISSION
    house: bool = False
