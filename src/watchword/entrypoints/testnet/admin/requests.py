"""What can be asked of a testnet's administration: one frozen struct per operation, read strictly from JSON.

A request is one JSON object with `op`; unknown operations, unknown fields and wrong types are refused with a text.
Never does anything itself.
"""

from typing import Annotated, Final, Literal

import msgspec

from watchword.audit.on_behalf import OnBehalf
from watchword.binance.enums import SymbolStatus
from watchword.credentials.verifier import KeyType
from watchword.entrypoints.sockets.paging import Limit

#: Trades of one `import` request.
IMPORT_TRADES_MAX: Final = 5_000
REQUEST_BYTES_MAX: Final = 1 << 20
#: Parameters of one `account.call`, and how long a text may be.
CALL_PARAMS_MAX: Final = 20
PARAM_LENGTH_MAX: Final = 128
#: How long `account.watch` may wait for something to happen.
WATCH_MS_MAX: Final = 30_000
#: How the refusal of an edit begins that widens a key and may not.
WIDENS: Final = "this widens the key: "

ParamText = Annotated[str, msgspec.Meta(max_length=PARAM_LENGTH_MAX)]
KeyState = Literal["works", "expired"]
KeyOrder = Literal["created", "label", "account", "last_used", "expires"]


class Request(msgspec.Struct, frozen=True, tag_field="op", forbid_unknown_fields=True, kw_only=True):
    """What all requests share.

    Attributes:
        on_behalf: For whom the console asks; None for the socket's own user.
    """

    on_behalf: OnBehalf | None = None


class CreateAccount(Request, frozen=True, tag="account.create"):
    """Open an account.

    Attributes:
        deposits: Assets to decimal texts; None gives the starter balances, and a sub-account nothing.
        parent: The master account whose sub-account it becomes; empty: none. The name is then its email, or what
            a virtual email is made of.
    """

    name: str
    deposits: dict[str, str] | None = None
    parent: str = ""


class ListAccounts(Request, frozen=True, tag="account.list"):
    """List accounts with their balances."""


class FindAccounts(Request, frozen=True, tag="account.find"):
    """Find accounts by part of a name, or by number.

    Attributes:
        query: In the name, without case, or the whole number; empty for all.
        account_ids: Only these; None for all.
        first: These come before the others.
        limit: Accounts at most.
    """

    query: str = ""
    account_ids: frozenset[int] | None = None
    first: frozenset[int] = frozenset()
    limit: Limit = 50


class ListOrders(Request, frozen=True, tag="account.orders"):
    """List an account's orders on all symbols, newest first.

    Attributes:
        account: Name or number.
        symbol: Only this one; empty for all.
        only_open: Leave out those that are over.
        before_id: Only orders with a lower id: the last one of the page before.
        limit: Orders of a page.
    """

    account: str
    symbol: str = ""
    only_open: bool = False
    before_id: int | None = None
    limit: Limit = 50


class ListTrades(Request, frozen=True, tag="account.trades"):
    """List an account's trades on all symbols, newest first.

    Attributes:
        account: Name or number.
        symbol: Only this one; empty for all.
        before_us, before_id: Only trades before this time and number: the last one of the page before.
        limit: Trades of a page.
    """

    account: str
    symbol: str = ""
    before_us: int | None = None
    before_id: int | None = None
    limit: Limit = 50


class DepositMoney(Request, frozen=True, tag="deposit"):
    """Pay into an account, named or numbered."""

    account: str
    deposits: dict[str, str]


class CallAccount(Request, frozen=True, tag="account.call"):
    """Run an operation of the exchange for an account, as its own signed request would; `account_calls` lists which.

    Attributes:
        operation: The endpoint's name, such as `order.place`.
        params: As in a query string, without those of authentication.
        account: Name or number; empty for market data.
    """

    operation: str
    params: Annotated[dict[ParamText, ParamText], msgspec.Meta(max_length=CALL_PARAMS_MAX)] = {}
    account: str = ""


class ShowPast(Request, frozen=True, tag="account.past"):
    """Show what an account has, which symbols it traded, and what moved in and out without a trade.

    Attributes:
        account: Name or number.
        after: And its trades: of each symbol, those with a number above this one; symbols left out from their first.
            None: no trades.
    """

    account: str
    after: dict[str, int] | None = None


class WatchAccount(Request, frozen=True, tag="account.watch"):
    """Wait for what happens in an account.

    Attributes:
        account: Name or number.
        after: `next` of the answer before; below 0: from now on.
        wait_ms: How long to wait where nothing happened.
    """

    account: str
    after: int = -1
    wait_ms: Annotated[int, msgspec.Meta(ge=0, le=WATCH_MS_MAX)] = 0


class AllowWithdrawal(Request, frozen=True, tag="address.allow"):
    """Enter an address into an account's address book: it may withdraw this asset there."""

    account: str
    asset: str
    address: str
    name: str = ""


class ForgetWithdrawal(Request, frozen=True, tag="address.forget"):
    """Take an address out of an account's address book."""

    account: str
    asset: str
    address: str


class ListAddresses(Request, frozen=True, tag="address.list"):
    """Show an account's address book."""

    account: str


class Reset(Request, frozen=True, tag="reset"):
    """Wipe orders and balances, keep accounts and keys, pay the opening deposits again."""


class CreateKey(Request, frozen=True, tag="key.create"):
    """Make an API key.

    Attributes:
        public_key: PEM text, for RSA and ED25519.
        permissions: Added to reading.
        expires: A date and time with zone, a date, or a span such as `30d`; empty: never.
        template: A task (`key.templates`) in place of permissions; empty: none.
    """

    account: str
    key_type: KeyType
    public_key: str = ""
    label: str = ""
    permissions: list[str] = []
    ips: list[str] = []
    symbols: list[str] = []
    expires: str = ""
    template: str = ""


class ListKeys(Request, frozen=True, tag="key.list"):
    """List keys, of one account or of all.

    Without `limit` and `cursor` the answer is the plain list of keys; with one of them it is a page: `keys`, `total`
    over all pages, and `next`, the cursor of the page after it or None.

    Attributes:
        account: Name or number; empty for all.
        query: In the label or the account's name, or the API key begins so; without case.
        state: `works` or `expired`.
        key_type: Only this type.
        permission: Only keys that have it.
        account_ids: Only these accounts' keys; None for all.
        sort: What they are sorted by; keys that never expire come after all others.
        descending: The other way round.
        limit: Keys of a page.
        cursor: Of the page before.
    """

    account: str = ""
    query: str = ""
    state: KeyState | None = None
    key_type: KeyType | None = None
    permission: str = ""
    account_ids: frozenset[int] | None = None
    sort: KeyOrder = "created"
    descending: bool = False
    limit: Limit | None = None
    cursor: str = ""


class ShowKey(Request, frozen=True, tag="key.show"):
    """Show one key; never its secret."""

    api_key: str


class EditKey(Request, frozen=True, tag="key.edit"):
    """Change what is given; None leaves a part as it is, an empty list or text clears it.

    Attributes:
        may_widen: False: refused, with a text that begins with WIDENS, where the key could do more than before.
            Whoever has no fresh second factor asks so.
    """

    api_key: str
    label: str | None = None
    permissions: list[str] | None = None
    ips: list[str] | None = None
    symbols: list[str] | None = None
    expires: str | None = None
    may_widen: bool = True


class DeleteKey(Request, frozen=True, tag="key.delete"):
    """Delete one key for good."""

    api_key: str


class DeleteAllKeys(Request, frozen=True, tag="key.delete_all"):
    """Delete every key of an account for good: the panic button."""

    account: str


class ListKeyEvents(Request, frozen=True, tag="key.events"):
    """What happened to keys by itself since the start, and what was warned of; newest first.

    Attributes:
        account: Name or number; empty for all.
        limit: At most so many.
    """

    account: str = ""
    limit: Annotated[int, msgspec.Meta(ge=1, le=1_000)] = 100


class ShowKeyChanges(Request, frozen=True, tag="key.changes"):
    """Whose keys changed or were used since somebody last asked: asked every second while a person looks.

    Attributes:
        after: `next` of the answer before; below 0 for the first question.
        used_after_us: `now_us` of the answer before; 0 for the first question.
    """

    after: int = -1
    used_after_us: int = 0


class ShowKeyRules(Request, frozen=True, tag="key.rules"):
    """The key rules, with their sources.

    Attributes:
        as_of: A date, a time or a span from now; empty: now, by the testnet's clock.
    """

    as_of: str = ""


class ListKeyTemplates(Request, frozen=True, tag="key.templates"):
    """The tasks a key can be made for, with the permissions each needs."""


class MoveClock(Request, frozen=True, tag="clock.move"):
    """Move the testnet's clock forward. It stays moved.

    Attributes:
        by: A span: `90s`, `12h`, `30d`, `4w`, with or without a `+` before it.
    """

    by: str


class ShowClock(Request, frozen=True, tag="clock.show"):
    """The testnet's clock, and by how much it was moved."""


class ShowStatus(Request, frozen=True, tag="status"):
    """Where the testnet is and how it is."""


class ChangeSymbolStatus(Request, frozen=True, tag="symbol.status"):
    """Halt or resume a symbol."""

    symbol: str
    status: SymbolStatus


class ChangeLiquidity(Request, frozen=True, tag="liquidity"):
    """Turn the market makers of a symbol on or off."""

    symbol: str
    enabled: bool


class ImportTrades(Request, frozen=True, tag="import"):
    """Print recorded trades, in order: (price, quantity, buyer is maker), scaled integers (10^-8)."""

    symbol: str
    trades: list[tuple[int, int, bool]]


class ShowHash(Request, frozen=True, tag="hash"):
    """The state hash, with the sequence it belongs to."""


class MakeSnapshot(Request, frozen=True, tag="snapshot"):
    """Make a snapshot now; answered when it is written."""


AnyRequest = (
    CreateAccount | ListAccounts | DepositMoney | Reset | CreateKey | ListKeys | ShowKey | EditKey | DeleteKey
    | DeleteAllKeys | ListKeyEvents | ShowKeyRules | ListKeyTemplates | MoveClock | ShowClock | ShowStatus | ChangeSymbolStatus | ChangeLiquidity | ImportTrades | ShowHash | MakeSnapshot
    | AllowWithdrawal | ForgetWithdrawal | ListAddresses | CallAccount | ShowPast | WatchAccount | FindAccounts
    | ListOrders | ListTrades
    | ShowKeyChanges
)  # fmt: skip

_decoder: Final = msgspec.json.Decoder(AnyRequest)


class Refused(msgspec.Struct, frozen=True):
    """A request that cannot be done, and why, for a person."""

    reason: str


def read_request(line: bytes) -> AnyRequest | Refused:
    """Read one line.

    Args:
        line: A JSON object.
    """
    try:
        request: AnyRequest = _decoder.decode(line)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        return Refused(f"not a request: {error}")
    return request
