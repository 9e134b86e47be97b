"""Address books by the operator's hand: where an account may withdraw to. No API key can change them.

Also what the deposit history says of the operator's payments. Never moves money by itself.
"""

from typing import TYPE_CHECKING, Any

from watchword.binance.errors import WireError
from watchword.entrypoints.testnet.admin import requests as ask
from watchword.entrypoints.testnet.admin.expiry import write_expiry
from watchword.entrypoints.testnet.admin.lookup import account_named
from watchword.entrypoints.testnet.admin.requests import Refused
from watchword.entrypoints.testnet.operations.assets import listed_assets
from watchword.entrypoints.testnet.operations.capital import TRANSACTION_ID_BYTES
from watchword.entrypoints.testnet.operations.deposits import address_of
from watchword.entrypoints.testnet.render_wallet import NETWORK
from watchword.exchange.accounts import Account
from watchword.exchange.commands import AllowAddress, AnyCommand, ForgetAddress
from watchword.exchange.moving import DESTINATION_LENGTH_MAX, NAME_LENGTH_MAX
from watchword.exchange.treasury import ADDRESSES_PER_ACCOUNT_MAX

if TYPE_CHECKING:
    from watchword.bootstrap.testnet import Testnet
    from watchword.exchange.events import Applied

AddressRequest = ask.AllowWithdrawal | ask.ForgetWithdrawal | ask.ListAddresses


async def perform_on_addresses(testnet: "Testnet", request: AddressRequest) -> dict[str, Any] | Refused:
    """Change or show an account's book; the answer is the whole book."""
    account = account_named(testnet, request.account)
    if account is None:
        return Refused(f"there is no account {request.account}")
    refused: Refused | None = None
    if isinstance(request, ask.AllowWithdrawal):
        refused = await _allow(testnet, account, request)
    elif isinstance(request, ask.ForgetWithdrawal):
        refused = await _forget(testnet, account, request)
    return refused or _view(testnet, account)


def made_up_transaction(testnet: "Testnet", account: Account) -> tuple[str, str, str]:
    """Make up what the deposit history says of a payment: transaction id, network, address."""
    return testnet.entropy.token(TRANSACTION_ID_BYTES).hex(), NETWORK, address_of(account.account_id)


async def _allow(testnet: "Testnet", account: Account, request: ask.AllowWithdrawal) -> Refused | None:
    """Enter an address; one that is there already gets the new name."""
    account_id, asset, address = account.account_id, request.asset, request.address.strip()
    if asset not in listed_assets(testnet.venue.engine):
        return Refused(f"there is no asset {asset} here")
    if not request.name.isprintable():
        return Refused("the name of an address is printable")
    refused = await testnet.sequencer.submit(
        lambda seq, now_us: AllowAddress(seq, now_us, account_id, asset, NETWORK, address, name=request.name),
        _refusal,
    )
    if refused is None:
        return None
    return Refused(
        f"an address has 1 to {DESTINATION_LENGTH_MAX} printable characters, its name at most "
        f"{NAME_LENGTH_MAX}, and a book at most {ADDRESSES_PER_ACCOUNT_MAX} addresses"
    )


async def _forget(testnet: "Testnet", account: Account, request: ask.ForgetWithdrawal) -> Refused | None:
    """Take an address out."""
    account_id, address = account.account_id, request.address.strip()
    refused = await testnet.sequencer.submit(
        lambda seq, now_us: ForgetAddress(seq, now_us, account_id, request.asset, NETWORK, address),
        _refusal,
    )
    if refused is None:
        return None
    return Refused(f"the address book of {account.name} has no such address for {request.asset}")


def _refusal(_command: AnyCommand, applied: "Applied") -> WireError | None:
    return applied if isinstance(applied, WireError) else None


def _view(testnet: "Testnet", account: Account) -> dict[str, Any]:
    return {
        "account": account.name,
        "account_id": account.account_id,
        "addresses": [
            {
                "asset": entry.asset,
                "network": entry.network,
                "address": entry.address,
                "name": entry.name,
                "added": write_expiry(entry.added_us),
            }
            for entry in testnet.venue.engine.treasury.addresses(account.account_id)
        ],
    }
