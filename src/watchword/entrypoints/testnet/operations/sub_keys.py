"""API keys of sub-accounts, made and changed by their master: so that a key can be rotated without a person.

A key that is not the named sub-account's own is unknown, whoever's it is; so are special keys of margin trading, which
only the sub-account itself has to do with. The secret is in the one answer that makes
the key, and nowhere else. What a key may not have is refused by the directory, with its reason.

Source: the official sub-account SDK, "API management".
"""

from typing import TYPE_CHECKING, Annotated, Final

import msgspec

from watchword.binance.errors import WireError, missing
from watchword.binance.forms import Query
from watchword.binance.params import Boolean, Limit, Text, invalid, one_of
from watchword.credentials.key_directory import IssuedKey, KeyRecord, KeyRefused, KeyTerms
from watchword.credentials.key_problem import KeyProblem
from watchword.credentials.pem import read_public
from watchword.credentials.permission import DEFAULT_PERMISSIONS, Permission
from watchword.credentials.restriction import (
    UNRESTRICTED,
    BadRestriction,
    Network,
    read_networks,
)
from watchword.entrypoints.testnet import render_sub_accounts as render
from watchword.entrypoints.testnet.operations.sapi_form import SapiForm
from watchword.entrypoints.testnet.operations.sub_family import asked_sub_account
from watchword.entrypoints.testnet.operations.time_windows import page

if TYPE_CHECKING:
    from collections.abc import Iterable

    from watchword.bootstrap.testnet import Testnet
    from watchword.credentials.verifier import KeyType
    from watchword.entrypoints.testnet.operations.call import Call

ADDRESSES_LENGTH_MAX: Final = 500
PAGE_ROWS: Final = 30
PAGE_ROWS_MAX: Final = 100
#: Values of `status`: anybody's address, a list of addresses, a list some third party keeps (there is none here).
ANY_ADDRESS: Final = "1"
LISTED_ADDRESSES: Final = "2"
THIRD_PARTY: Final = "3"

#: Source: errors.md, -2008.
UNKNOWN_KEY: Final = WireError(-2008, "Invalid Api-Key ID.")


class _Flags(Query, frozen=True):
    """What a sub-account's key may do beside reading; None: not sent."""

    can_trade: Boolean | None = None
    can_margin_loan_repay: Boolean | None = None
    can_futures_trade: Boolean | None = None
    can_universal_transfer: Boolean | None = None
    can_vanilla_options: Boolean | None = None


class CreateQuery(_Flags, frozen=True, kw_only=True):
    """POST subAccountApi."""

    email: Text
    api_name: Text
    status: Annotated[str, one_of(frozenset((ANY_ADDRESS, LISTED_ADDRESSES, THIRD_PARTY)))]
    ip_address: Text = ""
    third_party_name: Text = ""
    public_key: Text = ""


class PermitQuery(_Flags, frozen=True, kw_only=True):
    """POST subAccountApiPermission: what is not sent stays."""

    email: Text
    sub_account_api_key: Text


class KeysQuery(Query, frozen=True):
    """GET subAccountApi."""

    email: Text
    sub_account_api_key: Text = ""
    page: Limit = 1
    size: Limit = PAGE_ROWS


class KeyQuery(Query, frozen=True):
    """DELETE subAccountApi and GET ipRestriction."""

    email: Text
    sub_account_api_key: Text


class RestrictQuery(KeyQuery, frozen=True):
    """POST v2 ipRestriction."""

    status: Annotated[str, one_of(frozenset((ANY_ADDRESS, LISTED_ADDRESSES)))]
    ip_address: Text = ""


class DropQuery(KeyQuery, frozen=True):
    """DELETE ipList."""

    ip_address: Text


_CREATE: Final = SapiForm(CreateQuery)
_PERMIT: Final = SapiForm(PermitQuery)
_KEYS: Final = SapiForm(KeysQuery)
_KEY: Final = SapiForm(KeyQuery)
_RESTRICT: Final = SapiForm(RestrictQuery)
_DROP: Final = SapiForm(DropQuery)


async def create(testnet: "Testnet", call: "Call") -> bytes | WireError:
    """POST subAccountApi: an HMAC key, or an Ed25519 key where its public half is sent."""
    query = _CREATE.read(call.params)
    if isinstance(query, WireError):
        return query
    sub = asked_sub_account(testnet, call, query.email)
    if isinstance(sub, WireError):
        return sub
    networks = _first_networks(query)
    if isinstance(networks, WireError):
        return networks
    kind: KeyType = "HMAC"
    public_der = b""
    if query.public_key:
        public = read_public(query.public_key.encode())
        if isinstance(public, KeyProblem) or public.key_type != "ED25519":
            return invalid("publicKey")
        kind, public_der = "ED25519", public.der
    terms = KeyTerms(
        query.api_name,
        _permitted(DEFAULT_PERMISSIONS, query),
        msgspec.structs.replace(UNRESTRICTED, networks=networks),
    )
    issued = testnet.directory.issue(sub.account_id, kind, public_der, terms, call.now_us)
    return render.key_created(issued) if isinstance(issued, IssuedKey) else refused(issued)


async def keys(testnet: "Testnet", call: "Call") -> bytes | WireError:
    """GET subAccountApi: oldest first; named exactly, one or none."""
    query = _KEYS.read(call.params)
    if isinstance(query, WireError):
        return query
    sub = asked_sub_account(testnet, call, query.email)
    if isinstance(sub, WireError):
        return sub
    named = query.sub_account_api_key
    found = [
        record
        for record in testnet.directory.records(sub.account_id)
        if named in {"", record.api_key} and not record.special
    ]
    shown = page(found, query.page, query.size, PAGE_ROWS_MAX)
    return shown if isinstance(shown, WireError) else render.keys(sub.email, len(found), shown)


async def delete(testnet: "Testnet", call: "Call") -> bytes | WireError:
    """DELETE subAccountApi: gone with its sessions at once."""
    query = _KEY.read(call.params)
    if isinstance(query, WireError):
        return query
    record = _asked_key(testnet, call, query.email, query.sub_account_api_key)
    if isinstance(record, WireError):
        return record
    deleted = testnet.directory.delete(record.api_key)
    return b"{}" if isinstance(deleted, KeyRecord) else refused(deleted)


async def permit(testnet: "Testnet", call: "Call") -> bytes | WireError:
    """POST subAccountApiPermission."""
    query = _PERMIT.read(call.params)
    if isinstance(query, WireError):
        return query
    record = _asked_key(testnet, call, query.email, query.sub_account_api_key)
    if isinstance(record, WireError):
        return record
    permissions = _permitted(record.terms.permissions, query)
    edited = _edit(testnet, call, record, permissions, record.terms.restrictions.networks)
    return edited if isinstance(edited, WireError) else render.key_permitted(edited, call.now_us)


async def restrict(testnet: "Testnet", call: "Call") -> bytes | WireError:
    """POST v2 ipRestriction: status 2 adds to the list, status 1 does away with it."""
    query = _RESTRICT.read(call.params)
    if isinstance(query, WireError):
        return query
    record = _asked_key(testnet, call, query.email, query.sub_account_api_key)
    if isinstance(record, WireError):
        return record
    networks: tuple[Network, ...] = ()
    if query.status == LISTED_ADDRESSES:
        listed = [network.text for network in record.terms.restrictions.networks]
        added = _networks((*listed, query.ip_address) if query.ip_address else listed)
        if isinstance(added, WireError):
            return added
        networks = added
        if not networks:
            return missing("ipAddress")
    edited = _edit(testnet, call, record, record.terms.permissions, networks)
    return edited if isinstance(edited, WireError) else render.restricted(edited, call.now_us)


async def restriction(testnet: "Testnet", call: "Call") -> bytes | WireError:
    """GET ipRestriction."""
    query = _KEY.read(call.params)
    if isinstance(query, WireError):
        return query
    record = _asked_key(testnet, call, query.email, query.sub_account_api_key)
    return record if isinstance(record, WireError) else render.restriction(record, record.created_us)


async def drop_addresses(testnet: "Testnet", call: "Call") -> bytes | WireError:
    """DELETE ipList. The last address stays: a list that runs empty would let everybody in."""
    query = _DROP.read(call.params)
    if isinstance(query, WireError):
        return query
    record = _asked_key(testnet, call, query.email, query.sub_account_api_key)
    if isinstance(record, WireError):
        return record
    dropped = _networks((query.ip_address,))
    if isinstance(dropped, WireError):
        return dropped
    listed = record.terms.restrictions.networks
    left = tuple(network for network in listed if network not in dropped)
    if not left or not set(dropped).issubset(listed):
        return invalid("ipAddress")
    edited = _edit(testnet, call, record, record.terms.permissions, left)
    return edited if isinstance(edited, WireError) else render.restriction(edited, call.now_us)


def refused(refusal: KeyRefused) -> WireError:
    """Say why a key cannot be as asked. Binance's own texts for it are not published."""
    return WireError(-4001, f"Invalid operation: {refusal.reason}.")


def _asked_key(testnet: "Testnet", call: "Call", email: str, api_key: str) -> KeyRecord | WireError:
    """Find a key of the caller's own sub-account; any other key does not exist."""
    sub = asked_sub_account(testnet, call, email)
    if isinstance(sub, WireError):
        return sub
    record = testnet.directory.record(api_key)
    if record is None or record.account_id != sub.account_id or record.special:
        return UNKNOWN_KEY
    return record


def _edit(
    testnet: "Testnet",
    call: "Call",
    record: KeyRecord,
    permissions: frozenset[Permission],
    networks: tuple[Network, ...],
) -> KeyRecord | WireError:
    terms = record.terms
    restrictions = msgspec.structs.replace(terms.restrictions, networks=networks)
    changed = msgspec.structs.replace(terms, permissions=permissions, restrictions=restrictions)
    edited = testnet.directory.edit(record.api_key, changed, call.now_us)
    return refused(edited) if isinstance(edited, KeyRefused) else edited


def _permitted(before: frozenset[Permission], flags: _Flags) -> frozenset[Permission]:
    """Apply the flags that were sent."""
    after = set(before)
    for flag, _, permission in render.FLAGS:
        wanted = getattr(flags, flag)
        if wanted is not None:
            (after.add if wanted else after.discard)(permission)
    return frozenset(after)


def _first_networks(query: CreateQuery) -> tuple[Network, ...] | WireError:
    """Read the addresses of a key to be made, as its `status` asks for them."""
    if query.status == THIRD_PARTY:
        return invalid("thirdPartyName") if query.third_party_name else missing("thirdPartyName")
    if query.status == ANY_ADDRESS:
        return ()
    if len(query.ip_address) > ADDRESSES_LENGTH_MAX:
        return invalid("ipAddress")
    return _networks((query.ip_address,)) if query.ip_address else missing("ipAddress")


def _networks(entries: "Iterable[str]") -> tuple[Network, ...] | WireError:
    networks = read_networks(entries)
    return invalid("ipAddress") if isinstance(networks, BadRestriction) else networks
