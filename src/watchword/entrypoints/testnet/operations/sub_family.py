"""Who asks about a family of accounts, and about whom: masters, sub-accounts and their names. Answers nothing itself.

Source: the official sub-account SDK ("For Master Account", "For Sub-account"); the -40xx of Binance's /sapi errors.
"""

from typing import TYPE_CHECKING, Final

from watchword.binance.errors import WireError
from watchword.entrypoints.testnet.operations.trading import credential_of

if TYPE_CHECKING:
    from watchword.bootstrap.testnet import Testnet
    from watchword.entrypoints.testnet.operations.call import Call
    from watchword.exchange.treasury import SubAccount

#: A sub-account's key asks what only its master may.
MASTER_ONLY: Final = WireError(-4006, "Support main account only.")
#: A master's key asks what only a sub-account can mean.
SUB_ACCOUNT_ONLY: Final = WireError(-4001, "Invalid operation.")
#: Nobody's email, or that of somebody else's sub-account: the two must look alike.
UNKNOWN_EMAIL: Final = WireError(-4003, "Your input email is invalid.")


def master_of(testnet: "Testnet", call: "Call") -> int | WireError:
    """Return the id of the master account that asks, or refuse a sub-account's key."""
    account_id = credential_of(call).account_id
    return account_id if testnet.venue.engine.treasury.sub_account(account_id) is None else MASTER_ONLY


def asked_sub_account(testnet: "Testnet", call: "Call", email: str) -> "SubAccount | WireError":
    """Find the sub-account a master asks about.

    Args:
        testnet: Where.
        call: By whom.
        email: Which, in any case.

    Returns:
        The caller's own sub-account; a refusal for a sub-account's key, and for any other email.
    """
    master = master_of(testnet, call)
    if isinstance(master, WireError):
        return master
    return testnet.venue.engine.treasury.by_email(master, email) or UNKNOWN_EMAIL


def asked_member(testnet: "Testnet", master_id: int, email: str) -> int | WireError:
    """Find the account a master means by an email; none, or its own name, means itself."""
    if not email or email == name_of(testnet, master_id):
        return master_id
    sub = testnet.venue.engine.treasury.by_email(master_id, email)
    return UNKNOWN_EMAIL if sub is None else sub.account_id


def name_of(testnet: "Testnet", account_id: int) -> str:
    """Return what a family calls an account: a sub-account's email, a master's name."""
    engine = testnet.venue.engine
    sub = engine.treasury.sub_account(account_id)
    return engine.accounts[account_id].name if sub is None else sub.email
