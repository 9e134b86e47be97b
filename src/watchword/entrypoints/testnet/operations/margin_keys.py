"""Special keys of margin trading: make, show, list, bind to addresses, delete; leave their mode.

A special key is a key of the same account for the whole cross margin wallet, or for one symbol's isolated wallet;
here it trades spot, because there is no margin trading. Anybody may have one: nobody is a VIP here. Never shows a
secret but in the answer that makes it, and never repeats a public key that was sent.

Source: developers.binance.com, Margin Trading, "Create Special Key" to "Exit Special Key Mode". Codes of refusals are
not published there; they are those of the neighbouring routes.
"""

from typing import TYPE_CHECKING, Annotated, Final

import msgspec

from watchword.binance.errors import (
    BAD_SYMBOL,
    REJECTED_API_KEY,
    TIMESTAMP_STALE,
    WireError,
    either_missing,
)
from watchword.binance.forms import Query
from watchword.binance.params import Symbol, Text, invalid, one_of
from watchword.credentials.key_problem import KeyProblem
from watchword.credentials.key_record import KeyRecord, KeyRefused, KeyTerms
from watchword.credentials.pem import read_public
from watchword.credentials.permission import Permission
from watchword.credentials.restriction import BadRestriction, Network, Restrictions, read_networks
from watchword.entrypoints.testnet.operations.ordinary_keys import not_by_special_key
from watchword.entrypoints.testnet.operations.sapi_form import SapiForm
from watchword.entrypoints.testnet.operations.trading import credential_of
from watchword.exchange.commands import AnyCommand, EnterSpecialKeyMode, ExitSpecialKeyMode
from watchword.exchange.special_keys import judge_special_key

if TYPE_CHECKING:
    from watchword.bootstrap.testnet import Testnet
    from watchword.credentials.model import Credential
    from watchword.credentials.verifier import KeyType
    from watchword.entrypoints.testnet.operations.call import Call
    from watchword.exchange.events import Applied

#: What `KeyRecord.special` says of a key for the cross margin wallet.
CROSS: Final = "CROSS"
#: Stands for "no address yet" in answers; sent back, it means nothing.
NO_ADDRESS: Final = "0.0.0.0"  # noqa: S104 - Binance's word, nothing listens there
#: Thirty of the longest addresses there are, and room for the placeholder.
IP_TEXT_LENGTH_MAX: Final = 2_000
TYPE_NAMES: Final = {"HMAC": "HMAC_SHA256", "RSA": "RSA", "ED25519": "Ed25519"}

NO_SUCH_KEY: Final = WireError(-2008, "Invalid Api-Key ID.")
TOO_MANY_KEYS: Final = WireError(-1020, "This operation is not supported. The account has too many keys.")

#: Key rule → what is answered; any other refusal is about the name.
_REFUSED: Final = {"keys_per_account_max": TOO_MANY_KEYS, "networks_count_max": invalid("ip")}

_TRADES: Final[frozenset[Permission]] = frozenset(("READING", "SPOT_AND_MARGIN_TRADING"))
_READS: Final[frozenset[Permission]] = frozenset(("READING", "FIX_API_READ_ONLY"))

Mode = Annotated[str, one_of(frozenset(("TRADE", "READ")))]


class CreateQuery(Query, frozen=True):
    """POST margin/apiKey."""

    api_name: Text
    symbol: Symbol = ""
    ip: Text = ""
    public_key: Text = ""
    permission_mode: Mode = "TRADE"


class OneKeyQuery(Query, frozen=True):
    """GET margin/apiKey."""

    api_key: Text
    symbol: Symbol = ""


class KeysQuery(Query, frozen=True):
    """GET margin/api-key-list."""

    symbol: Symbol = ""


class EditIpQuery(Query, frozen=True):
    """PUT margin/apiKey/ip."""

    api_key: Text
    ip: Text
    symbol: Symbol = ""


class DeleteQuery(Query, frozen=True):
    """DELETE margin/apiKey."""

    api_key: Text = ""
    api_name: Text = ""
    symbol: Symbol = ""


_CREATE: Final = SapiForm(CreateQuery)
_ONE: Final = SapiForm(OneKeyQuery)
_KEYS: Final = SapiForm(KeysQuery)
_EDIT: Final = SapiForm(EditIpQuery)
_DELETE: Final = SapiForm(DeleteQuery)


async def create_key(testnet: "Testnet", call: "Call") -> bytes | WireError:
    """POST margin/apiKey. Making the first one for cross margin enters special key mode."""
    query = _CREATE.read(call.params)
    if isinstance(query, WireError):
        return query
    refused = not_by_special_key(testnet, call)
    if refused is not None:
        return refused
    if query.symbol and query.symbol not in testnet.venue.engine.floors:
        return BAD_SYMBOL
    half = _public_half(query.public_key)
    if isinstance(half, WireError):
        return half
    key_type, public_der = half
    terms = _terms(query, key_type, credential_of(call))
    if isinstance(terms, WireError):
        return terms
    account_id, maker = credential_of(call).account_id, credential_of(call).api_key
    never = testnet.directory.judge_new(account_id, terms, call.now_us)
    if never is not None:
        return _not_made(never)
    before = testnet.directory.find(maker)
    refused = await _enter_mode(testnet, call, account_id, cross=not query.symbol)
    if refused is not None:
        return refused
    if testnet.directory.find(maker) is not before:
        # Deleted or changed meanwhile: "delete all" must leave nothing that comes after it.
        return REJECTED_API_KEY
    issued = testnet.directory.issue(
        account_id, key_type, public_der, terms, testnet.clock.now_us(), special=query.symbol or CROSS
    )
    if isinstance(issued, KeyRefused):
        return _not_made(issued)
    secret = issued.secret_key or None
    return msgspec.json.encode(
        {"apiKey": issued.record.api_key, "secretKey": secret, "type": TYPE_NAMES[key_type]}
    )


async def show_key(testnet: "Testnet", call: "Call") -> bytes | WireError:
    """GET margin/apiKey."""
    query = _ONE.read(call.params)
    if isinstance(query, WireError):
        return query
    record = _own_key(testnet, call, query.api_key, query.symbol)
    return NO_SUCH_KEY if record is None else msgspec.json.encode(_view(record))


async def list_keys(testnet: "Testnet", call: "Call") -> bytes | WireError:
    """GET margin/api-key-list: those of cross margin, or of one symbol."""
    query = _KEYS.read(call.params)
    if isinstance(query, WireError):
        return query
    return msgspec.json.encode([_view(record) for record in _own_keys(testnet, call, query.symbol)])


async def edit_ip(testnet: "Testnet", call: "Call") -> bytes | WireError:
    """PUT margin/apiKey/ip: another IP list; an empty one would open the key to everybody and is refused."""
    query = _EDIT.read(call.params)
    if isinstance(query, WireError):
        return query
    refused = not_by_special_key(testnet, call)
    if refused is not None:
        return refused
    record = _own_key(testnet, call, query.api_key, query.symbol)
    if record is None:
        return NO_SUCH_KEY
    networks = _networks(query.ip)
    if isinstance(networks, WireError):
        return networks
    if not networks:
        return invalid("ip")
    restrictions = msgspec.structs.replace(record.terms.restrictions, networks=networks)
    terms = msgspec.structs.replace(record.terms, restrictions=restrictions)
    changed = testnet.directory.edit(record.api_key, terms, testnet.clock.now_us())
    return invalid("ip") if isinstance(changed, KeyRefused) else b"{}"


async def delete_key(testnet: "Testnet", call: "Call") -> bytes | WireError:
    """DELETE margin/apiKey: one key, or all that have a name. The account stays in special key mode."""
    query = _DELETE.read(call.params)
    if isinstance(query, WireError):
        return query
    refused = not_by_special_key(testnet, call)
    if refused is not None:
        return refused
    if not query.api_key and not query.api_name:
        return either_missing("apiName", "apiKey")
    chosen = [
        record.api_key
        for record in _own_keys(testnet, call, query.symbol)
        if (record.api_key == query.api_key if query.api_key else record.terms.label == query.api_name)
    ]
    if not chosen:
        return NO_SUCH_KEY
    testnet.directory.delete_many(chosen)
    return b"{}"


async def exit_mode(testnet: "Testnet", call: "Call") -> bytes | WireError:
    """POST margin/exit-special-key-mode: the keys of cross margin are deleted, new ones have to wait a day."""
    refused = not_by_special_key(testnet, call)
    if refused is not None:
        return refused
    account_id, deadline_us = credential_of(call).account_id, call.deadline_us

    def make(sequence: int, now_us: int) -> ExitSpecialKeyMode | WireError:
        return TIMESTAMP_STALE if now_us > deadline_us else ExitSpecialKeyMode(sequence, now_us, account_id)

    left = await testnet.sequencer.submit(make, _done)
    if isinstance(left, WireError):
        return left
    testnet.directory.delete_many([record.api_key for record in _own_keys(testnet, call, "")])
    return b"{}"


async def _enter_mode(testnet: "Testnet", call: "Call", account_id: int, *, cross: bool) -> WireError | None:
    """Enter special key mode for a key of cross margin; any special key waits for the end of a cooldown."""
    if not cross:
        return judge_special_key(testnet.venue.engine, account_id, call.now_us)
    deadline_us = call.deadline_us

    def make(sequence: int, now_us: int) -> EnterSpecialKeyMode | WireError:
        return TIMESTAMP_STALE if now_us > deadline_us else EnterSpecialKeyMode(sequence, now_us, account_id)

    entered = await testnet.sequencer.submit(make, _done)
    return entered if isinstance(entered, WireError) else None


def _done(_command: AnyCommand, applied: "Applied") -> WireError | None:
    return applied if isinstance(applied, WireError) else None


def _not_made(refused: KeyRefused) -> WireError:
    return _REFUSED.get(refused.rule) or invalid("apiName")


def _public_half(text: str) -> "tuple[KeyType, bytes] | WireError":
    """Read which kind of key is wanted, and its public half in DER; without one the key is drawn here."""
    if not text:
        return "HMAC", b""
    public = read_public(text.encode())
    return invalid("publicKey") if isinstance(public, KeyProblem) else (public.key_type, public.der)


def _terms(query: CreateQuery, key_type: "KeyType", maker: "Credential") -> KeyTerms | WireError:
    """Read what the new key may do. It does not outlive the key that makes it."""
    networks = _networks(query.ip)
    if isinstance(networks, WireError):
        return networks
    symbols = frozenset((query.symbol,)) if query.symbol else frozenset()
    restrictions = Restrictions(networks, symbols, maker.restrictions.expires_us)
    return KeyTerms(query.api_name, _permissions(key_type, query.permission_mode), restrictions)


def _permissions(key_type: "KeyType", mode: str) -> frozenset[Permission]:
    """What a special key may do; READ exists for Ed25519 only. FIX takes no other kind of key."""
    if key_type != "ED25519":
        return _TRADES
    return _READS if mode == "READ" else _TRADES | {"FIX_API_TRADE"}


def _networks(text: str) -> tuple[Network, ...] | WireError:
    """Read addresses separated by commas; the placeholder is none of them."""
    if len(text) > IP_TEXT_LENGTH_MAX:
        return invalid("ip")
    entries = [entry for entry in text.replace(" ", "").split(",") if entry not in {"", NO_ADDRESS}]
    networks = read_networks(entries)
    return invalid("ip") if isinstance(networks, BadRestriction) else networks


def _own_keys(testnet: "Testnet", call: "Call", symbol: str) -> list[KeyRecord]:
    """Return the account's special keys of cross margin ("") or of a symbol, oldest first."""
    kept = testnet.directory.records(credential_of(call).account_id)
    return [record for record in kept if record.special == (symbol or CROSS)]


def _own_key(testnet: "Testnet", call: "Call", api_key: str, symbol: str) -> KeyRecord | None:
    record = testnet.directory.record(api_key)
    if record is None or record.account_id != credential_of(call).account_id:
        return None
    return record if record.special == (symbol or CROSS) else None


def _view(record: KeyRecord) -> dict[str, str]:
    networks = [network.text for network in record.terms.restrictions.networks]
    return {
        "apiKey": record.api_key,
        "ip": ",".join(networks) or NO_ADDRESS,
        "apiName": record.terms.label,
        "type": TYPE_NAMES[record.key_type],
        "permissionMode": "TRADE" if "SPOT_AND_MARGIN_TRADING" in record.terms.permissions else "READ",
    }
