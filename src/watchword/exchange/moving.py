"""Money without a trade: transfers between wallets, address books, withdrawals. Called by the engine only.

A family is a master account with its sub-accounts. Money moves within one account or within one family; what goes
outside goes to an address of the account's own book. The ledger stays balanced: what one wallet loses another gains,
and what leaves goes back to the issuer. Who may ask for it is decided by the edges, by permissions of keys.
"""

from typing import TYPE_CHECKING, Final

from watchword.binance.errors import WireError
from watchword.exchange.accounts import HOUSE_PREFIX
from watchword.exchange.events import AnyEvent, BalanceChanged
from watchword.exchange.ledger import BALANCE_MAX, FEE_ACCOUNT_ID
from watchword.exchange.treasury import (
    ADDRESSES_PER_ACCOUNT_MAX,
    SUB_ACCOUNTS_PER_MASTER_MAX,
    Address,
    DepositRecord,
    SubAccount,
    TransferRecord,
    WithdrawalRecord,
)
from watchword.exchange.wallets import filing_id
from watchword.exchange.withdraw_quota import judge_quota

if TYPE_CHECKING:
    from watchword.exchange.commands import (
        AllowAddress,
        Deposit,
        ForgetAddress,
        OpenAccount,
        Transfer,
        Withdraw,
    )
    from watchword.exchange.state import State

EMAIL_LENGTH_MAX: Final = 128
NAME_LENGTH_MAX: Final = 64
#: Texts of a destination: address, tag, network.
DESTINATION_LENGTH_MAX: Final = 256

BAD_PARENT: Final = WireError(-1130, "Data sent for parameter 'parent' is not valid.")
BAD_EMAIL: Final = WireError(-1130, "Data sent for parameter 'email' is not valid.")
BAD_ACCOUNT: Final = WireError(-1130, "Data sent for parameter 'account' is not valid.")
BAD_TRANSFER_AMOUNT: Final = WireError(-1130, "Data sent for parameter 'amount' is not valid.")
BAD_ADDRESS: Final = WireError(-1130, "Data sent for parameter 'address' is not valid.")
SAME_WALLET: Final = WireError(-1130, "Data sent for parameter 'toAccountType' is not valid.")
#: Source of this one and the next: error codes of the wallet API.
INSUFFICIENT_BALANCE: Final = WireError(-4026, "You have insufficient balance.")
ADDRESS_NOT_LISTED: Final = WireError(
    -4035, "This address is not on the whitelist. Please join and try again."
)
DUPLICATE_CLIENT_ID: Final = WireError(-1130, "Data sent for parameter 'clientTranId' is not valid.")
DUPLICATE_ORDER_ID: Final = WireError(-1130, "Data sent for parameter 'withdrawOrderId' is not valid.")


def judge_sub_account(state: "State", command: "OpenAccount") -> WireError | None:
    """Say why an account cannot be opened as a sub-account; None for one that is none, or may be."""
    if not command.parent_id:
        return BAD_PARENT if command.email else None
    treasury, parent = state.treasury, state.accounts.get(command.parent_id)
    if parent is None or parent.house or treasury.sub_account(command.parent_id) is not None:
        return BAD_PARENT
    if len(treasury.sub_accounts(command.parent_id)) >= SUB_ACCOUNTS_PER_MASTER_MAX:
        return BAD_PARENT
    email = command.email
    if command.name.startswith(HOUSE_PREFIX):
        return BAD_EMAIL
    if not 0 < len(email) <= EMAIL_LENGTH_MAX or "@" not in email or treasury.email_taken(email):
        return BAD_EMAIL
    return None


def note_sub_account(state: "State", command: "OpenAccount", account_id: int) -> None:
    """Note a sub-account that was just opened and had been judged."""
    if command.parent_id:
        state.treasury.add_sub_account(
            SubAccount(account_id, command.parent_id, command.email, command.now_us)
        )


def note_deposit(state: "State", command: "Deposit") -> None:
    """Note a deposit that has a transaction, after it was paid in."""
    if command.transaction_id:
        treasury = state.treasury
        treasury.add_deposit(
            DepositRecord(
                treasury.take_number(),
                command.account_id,
                command.asset,
                command.amount,
                command.transaction_id,
                command.network,
                command.address,
                command.now_us,
            )
        )


def transfer(state: "State", command: "Transfer", events: list[AnyEvent]) -> WireError | None:
    """Move money between two wallets of one family."""
    treasury = state.treasury
    giver, taker = state.accounts.get(command.from_id), state.accounts.get(command.to_id)
    family = treasury.family_of(command.from_id)
    if giver is None or taker is None or treasury.family_of(command.to_id) != family:
        return BAD_ACCOUNT
    source = filing_id(command.from_id, command.from_wallet)
    target = filing_id(command.to_id, command.to_wallet)
    if source == target:
        return SAME_WALLET
    if not command.asset or command.amount <= 0:
        return BAD_TRANSFER_AMOUNT
    if command.client_transfer_id and treasury.client_id_used(family, command.client_transfer_id):
        return DUPLICATE_CLIENT_ID
    if state.ledger.available(source, command.asset) < command.amount:
        return INSUFFICIENT_BALANCE
    if state.ledger.total(target, command.asset) + command.amount > BALANCE_MAX:
        return BAD_TRANSFER_AMOUNT
    state.ledger.move(source, target, command.asset, command.amount)
    for filed, account, delta in ((source, giver, -command.amount), (target, taker, command.amount)):
        account.updated_us = command.now_us
        events.append(BalanceChanged(command.now_us, filed, command.asset, delta))
    treasury.add_transfer(
        TransferRecord(
            treasury.take_number(),
            command.channel,
            command.from_id,
            command.from_wallet,
            command.to_id,
            command.to_wallet,
            command.asset,
            command.amount,
            command.client_transfer_id,
            command.now_us,
        )
    )
    return None


def allow_address(state: "State", command: "AllowAddress", _events: list[AnyEvent]) -> WireError | None:
    """Enter an address into a book."""
    if command.account_id not in state.accounts:
        return BAD_ACCOUNT
    texts = (command.network, command.address, command.address_tag)
    if not (command.asset and command.network and command.address) or len(command.name) > NAME_LENGTH_MAX:
        return BAD_ADDRESS
    if any(len(text) > DESTINATION_LENGTH_MAX or not text.isprintable() for text in texts):
        return BAD_ADDRESS
    treasury = state.treasury
    known = treasury.address(command.account_id, command.asset, *texts)
    if known is None and len(treasury.addresses(command.account_id)) >= ADDRESSES_PER_ACCOUNT_MAX:
        return BAD_ADDRESS
    added_us = command.now_us if known is None else known.added_us
    treasury.put_address(command.account_id, Address(command.asset, *texts, command.name, added_us))
    return None


def forget_address(state: "State", command: "ForgetAddress", _events: list[AnyEvent]) -> WireError | None:
    """Take an address out of a book."""
    key = (command.asset, command.network, command.address, command.address_tag)
    return None if state.treasury.drop_address(command.account_id, key) else BAD_ADDRESS


def withdraw(state: "State", command: "Withdraw", events: list[AnyEvent]) -> WireError | None:
    """Send money outside: the fee to the fee account, the rest back to where deposits come from."""
    treasury, account = state.treasury, state.accounts.get(command.account_id)
    if account is None:
        return BAD_ACCOUNT
    if not command.withdrawal_id or not 0 <= command.fee < command.amount:
        return BAD_TRANSFER_AMOUNT
    listed = treasury.address(
        command.account_id, command.asset, command.network, command.address, command.address_tag
    )
    if listed is None:
        return ADDRESS_NOT_LISTED
    order_id = command.withdraw_order_id
    if order_id and treasury.withdrawal_by_order_id(command.account_id, order_id):
        return DUPLICATE_ORDER_ID
    refused = judge_quota(state, command.account_id, command.asset, command.amount, command.now_us)
    if refused is not None:
        return refused
    source = filing_id(command.account_id, command.wallet)
    if state.ledger.available(source, command.asset) < command.amount:
        return INSUFFICIENT_BALANCE
    state.ledger.move(source, FEE_ACCOUNT_ID, command.asset, command.fee)
    state.ledger.issue(source, command.asset, command.fee - command.amount)
    account.updated_us = command.now_us
    events.append(BalanceChanged(command.now_us, source, command.asset, -command.amount))
    treasury.add_withdrawal(
        WithdrawalRecord(
            treasury.take_number(),
            command.account_id,
            command.wallet,
            command.asset,
            command.amount,
            command.fee,
            command.network,
            command.address,
            command.address_tag,
            command.withdrawal_id,
            command.transaction_id,
            order_id,
            command.now_us,
        )
    )
    return None
