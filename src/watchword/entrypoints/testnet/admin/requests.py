"""What can be asked of a testnet's administration: one frozen struct per operation, read strictly from JSON.

A request is one JSON object with `op`; unknown operations, unknown fields and wrong types are refused with a text.
Never does anything itself.
"""

from typing import Final

import msgspec

from watchword.binance.enums import SymbolStatus
from watchword.credentials.verifier import KeyType

#: Trades of one `import` request.
IMPORT_TRADES_MAX: Final = 5_000
REQUEST_BYTES_MAX: Final = 1 << 20


class Request(msgspec.Struct, frozen=True, tag_field="op", forbid_unknown_fields=True):
    """What all requests share: nothing but being one."""


class CreateAccount(Request, frozen=True, tag="account.create"):
    """Open an account. `deposits` maps assets to decimal texts; None gives the starter balances."""

    name: str
    deposits: dict[str, str] | None = None


class ListAccounts(Request, frozen=True, tag="account.list"):
    """List accounts with their balances."""


class DepositMoney(Request, frozen=True, tag="deposit"):
    """Pay into an account, named or numbered."""

    account: str
    deposits: dict[str, str]


class Reset(Request, frozen=True, tag="reset"):
    """Wipe orders and balances, keep accounts and keys, pay the opening deposits again."""


class CreateKey(Request, frozen=True, tag="key.create"):
    """Make an API key.

    Attributes:
        public_key: PEM text, for RSA and ED25519.
        expires: A date and time with zone, a date, or a span such as `30d`; empty: never.
    """

    account: str
    key_type: KeyType
    public_key: str = ""
    label: str = ""
    permissions: list[str] = []
    ips: list[str] = []
    symbols: list[str] = []
    expires: str = ""


class ListKeys(Request, frozen=True, tag="key.list"):
    """List keys, of one account or of all."""

    account: str = ""


class ShowKey(Request, frozen=True, tag="key.show"):
    """Show one key; never its secret."""

    api_key: str


class EditKey(Request, frozen=True, tag="key.edit"):
    """Change what is given; None leaves a part as it is, an empty list or text clears it."""

    api_key: str
    label: str | None = None
    permissions: list[str] | None = None
    ips: list[str] | None = None
    symbols: list[str] | None = None
    expires: str | None = None


class DeleteKey(Request, frozen=True, tag="key.delete"):
    """Delete one key for good."""

    api_key: str


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
    | ShowStatus | ChangeSymbolStatus | ChangeLiquidity | ImportTrades | ShowHash | MakeSnapshot
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
