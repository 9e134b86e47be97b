"""What the exchange remembers about families of accounts and money that moved without a trade. Judges nothing.

Part of the engine's state, apart from the orders: sub-accounts, address books, deposits, transfers, withdrawals.
A venue that has none of it writes none of it, so its bytes are those of a venue that never knew of it.
Bounded: of each history the oldest entries of the whole venue go first. A client's id is known as long as its entry.
"""

from collections import deque
from collections.abc import Callable, Iterable
from typing import Final, TypeVar

import msgspec

from watchword.exchange.wallets import TransferChannel, Wallet
from watchword.kernel.errors import CorruptStoreError

T = TypeVar("T")

#: Version of the layout. Rises whenever a field is added, taken away or means something else.
TREASURY_LAYOUT: Final = 1
#: Bounds of the whole venue. A query reads a history through on the server's loop, so they stay small (a millisecond).
DEPOSITS_MAX: Final = 10_000
TRANSFERS_MAX: Final = 10_000
WITHDRAWALS_MAX: Final = 10_000
SUB_ACCOUNTS_PER_MASTER_MAX: Final = 1_000
ADDRESSES_PER_ACCOUNT_MAX: Final = 200


class SubAccount(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """One sub-account. `email` is its name towards the master, unique in the venue whatever the case."""

    account_id: int
    parent_id: int
    email: str
    created_us: int


class Address(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """One line of an account's address book."""

    asset: str
    network: str
    address: str
    address_tag: str
    name: str
    added_us: int

    @property
    def key(self) -> tuple[str, str, str, str]:
        """What makes it this address: everything but its name."""
        return self.asset, self.network, self.address, self.address_tag


class DepositRecord(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """Money that came from outside. `number` rises with every record of the venue, of any kind."""

    number: int
    account_id: int
    asset: str
    amount: int
    transaction_id: str
    network: str
    address: str
    at_us: int


class TransferRecord(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """Money that went from one wallet to another. `number` is the transfer's id, Binance's `tranId`."""

    number: int
    channel: TransferChannel
    from_id: int
    from_wallet: Wallet
    to_id: int
    to_wallet: Wallet
    asset: str
    amount: int
    client_transfer_id: str
    at_us: int


class WithdrawalRecord(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """Money that went outside. `amount` includes the fee."""

    number: int
    account_id: int
    wallet: Wallet
    asset: str
    amount: int
    fee: int
    network: str
    address: str
    address_tag: str
    withdrawal_id: str
    transaction_id: str
    withdraw_order_id: str
    at_us: int


class _TreasuryRow(msgspec.Struct, array_like=True):
    layout: int
    next_number: int
    sub_accounts: list[SubAccount]
    addresses: list[tuple[int, list[Address]]]
    deposits: list[DepositRecord]
    transfers: list[TransferRecord]
    withdrawals: list[WithdrawalRecord]
    special_modes: list[tuple[int, int]] = []


class Treasury:
    """The memory. Read it freely; only the engine's handlers write.

    Attributes:
        next_number: Of the next record, from 1.
        deposits, transfers, withdrawals: Oldest first, of everybody.
        special_modes: Account → 0 in special key mode, or the moment it left it (`special_keys`).
    """

    __slots__ = (
        "_addresses", "_by_email", "_client_ids", "_order_ids", "_subs", "deposits", "next_number",
        "special_modes", "transfers", "withdrawals",
    )  # fmt: skip

    def __init__(self) -> None:
        self._subs: dict[int, SubAccount] = {}
        self._by_email: dict[str, SubAccount] = {}
        self._addresses: dict[int, dict[tuple[str, str, str, str], Address]] = {}
        self.special_modes: dict[int, int] = {}
        self.next_number: int = 1
        self._clear()

    # Families

    def sub_account(self, account_id: int) -> SubAccount | None:
        """Return what makes an account a sub-account; None for a master or an account nobody has."""
        return self._subs.get(account_id)

    def by_email(self, parent_id: int, email: str) -> SubAccount | None:
        """Find a master's own sub-account by its email, in any case; another master's is not found."""
        found = self._by_email.get(email.lower())
        return found if found is not None and found.parent_id == parent_id else None

    def email_taken(self, email: str) -> bool:
        """Whether some sub-account has this email."""
        return email.lower() in self._by_email

    def sub_accounts(self, parent_id: int) -> list[SubAccount]:
        """Return a master's sub-accounts, oldest first."""
        return [sub for sub in self._subs.values() if sub.parent_id == parent_id]

    def family_of(self, account_id: int) -> int:
        """Return the id of the master an account belongs to; its own where it is nobody's."""
        sub = self._subs.get(account_id)
        return account_id if sub is None else sub.parent_id

    def add_sub_account(self, sub: SubAccount) -> None:
        """Note a sub-account; its email must be free."""
        self._subs[sub.account_id] = self._by_email[sub.email.lower()] = sub

    # Address books

    def addresses(self, account_id: int) -> list[Address]:
        """Return an account's address book, in the order of entry."""
        return list(self._addresses.get(account_id, {}).values())

    def address(self, account_id: int, asset: str, network: str, address: str, tag: str) -> Address | None:
        """Find exactly this address in an account's book."""
        return self._addresses.get(account_id, {}).get((asset, network, address, tag))

    def put_address(self, account_id: int, address: Address) -> None:
        """Enter an address, or give it its new name."""
        self._addresses.setdefault(account_id, {})[address.key] = address

    def drop_address(self, account_id: int, key: tuple[str, str, str, str]) -> bool:
        """Take an address out; False where it was not in."""
        book = self._addresses.get(account_id, {})
        found = book.pop(key, None) is not None
        if not book:
            self._addresses.pop(account_id, None)
        return found

    # Histories

    def client_id_used(self, family: int, client_transfer_id: str) -> bool:
        """Whether a family has a transfer with this client id."""
        return (family, client_transfer_id) in self._client_ids

    def withdrawal_by_order_id(self, account_id: int, withdraw_order_id: str) -> bool:
        """Whether an account has a withdrawal with this client id."""
        return (account_id, withdraw_order_id) in self._order_ids

    def take_number(self) -> int:
        """Return the next record's number, and count on."""
        number = self.next_number
        self.next_number += 1
        return number

    def add_deposit(self, record: DepositRecord) -> None:
        """Note a deposit."""
        _push(self.deposits, record, DEPOSITS_MAX)

    def add_transfer(self, record: TransferRecord) -> None:
        """Note a transfer; its client id counts as used from now on."""
        gone = _push(self.transfers, record, TRANSFERS_MAX)
        if gone is not None:
            self._client_ids.discard((self.family_of(gone.from_id), gone.client_transfer_id))
        if record.client_transfer_id:
            self._client_ids.add((self.family_of(record.from_id), record.client_transfer_id))

    def add_withdrawal(self, record: WithdrawalRecord) -> None:
        """Note a withdrawal; its client id counts as used from now on."""
        gone = _push(self.withdrawals, record, WITHDRAWALS_MAX)
        if gone is not None:
            self._order_ids.discard((gone.account_id, gone.withdraw_order_id))
        if record.withdraw_order_id:
            self._order_ids.add((record.account_id, record.withdraw_order_id))

    def wipe(self) -> None:
        """Forget what moved (a reset); families, address books and the numbering stay."""
        self._clear()

    # Bytes

    def encode(self) -> bytes:
        """Write everything, canonically; nothing at all where there never was anything."""
        books = [(owner, self.addresses(owner)) for owner in sorted(self._addresses)]
        if self.next_number == 1 and not (self._subs or books or self.special_modes):
            return b""
        return msgspec.msgpack.encode(
            _TreasuryRow(
                TREASURY_LAYOUT,
                self.next_number,
                [self._subs[account_id] for account_id in sorted(self._subs)],
                books,
                list(self.deposits),
                list(self.transfers),
                list(self.withdrawals),
                sorted(self.special_modes.items()),
            )
        )

    def restore(self, raw: bytes) -> None:
        """Take over what `encode` wrote; the treasury must be empty.

        Raises:
            CorruptStoreError: The bytes have another layout.
            MsgspecError: They are no such bytes.
        """
        if not raw:
            return
        row = msgspec.msgpack.decode(raw, type=_TreasuryRow)
        if row.layout != TREASURY_LAYOUT:
            raise CorruptStoreError(
                f"snapshot: treasury layout {row.layout}, this program reads {TREASURY_LAYOUT}"
            )
        self.next_number = row.next_number
        for sub in row.sub_accounts:
            self.add_sub_account(sub)
        for owner, book in row.addresses:
            for address in book:
                self.put_address(owner, address)
        _each(self.add_deposit, row.deposits)
        _each(self.add_transfer, row.transfers)
        _each(self.add_withdrawal, row.withdrawals)
        self.special_modes.update(row.special_modes)

    def _clear(self) -> None:
        self.deposits: deque[DepositRecord] = deque()
        self.transfers: deque[TransferRecord] = deque()
        self.withdrawals: deque[WithdrawalRecord] = deque()
        self._client_ids: set[tuple[int, str]] = set()
        self._order_ids: set[tuple[int, str]] = set()


def _push(history: deque[T], record: T, most: int) -> T | None:
    """Append; return what had to go for it."""
    gone = history.popleft() if len(history) >= most else None
    history.append(record)
    return gone


def _each(add: Callable[[T], None], records: Iterable[T]) -> None:
    for record in records:
        add(record)
