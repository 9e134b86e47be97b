"""What administrative requests do to API keys: make, change, delete, one or all; and what the rules do to them by themselves.

A private key or a secret pasted by mistake is refused and goes nowhere: no store, no log, no answer. Listing is
`key_search`'s.
"""

from itertools import islice
from typing import TYPE_CHECKING, Any, Final, assert_never

from watchword.credentials.key_directory import KeyRecord, KeyRefused, KeyTerms
from watchword.credentials.key_life import FATES, Fate, due, next_ending
from watchword.credentials.key_problem import PRIVATE_GIVEN, KeyProblem
from watchword.credentials.key_rules import DAY_US, in_force, start_of_day_us
from watchword.credentials.key_sweep import KeyEvent
from watchword.credentials.key_templates import TEMPLATES, template_named
from watchword.credentials.pem import read_public
from watchword.credentials.permission import (
    DEFAULT_PERMISSIONS,
    Permission,
    UnknownPermission,
    read_permissions,
)
from watchword.credentials.restriction import BadRestriction, Restrictions, read_networks, read_symbols
from watchword.credentials.widening import widened
from watchword.entrypoints.testnet.admin import requests as ask
from watchword.entrypoints.testnet.admin.expiry import read_expiry, write_expiry
from watchword.entrypoints.testnet.admin.lookup import account_named
from watchword.entrypoints.testnet.admin.requests import Refused

if TYPE_CHECKING:
    from watchword.bootstrap.testnet import Testnet

Answer = dict[str, Any] | list[dict[str, Any]] | Refused
KeyRequest = (
    ask.CreateKey | ask.ShowKey | ask.EditKey | ask.DeleteKey | ask.DeleteAllKeys | ask.ListKeyEvents
    | ask.ShowKeyRules | ask.ListKeyTemplates
)  # fmt: skip

#: What a beginning of an API key must have to stand for it.
BEGINNING_LENGTH_MIN: Final = 6
#: How much of an API key names it in a sentence.
NAMED_LENGTH: Final = 8
_DONE: Final[dict[Fate, str]] = {
    "deleted": "was deleted: it had no IP list and was not used",
    "trading_lost": "lost trading: it had no IP list",
    "expired": "has expired",
}


def perform_on_keys(testnet: "Testnet", request: KeyRequest) -> Answer:
    """Do what a request asks; see `operations.perform`."""
    match request:
        case ask.CreateKey():
            return _create_key(testnet, request)
        case ask.ShowKey():
            record = resolve(testnet, request.api_key)
            return record if isinstance(record, Refused) else key_view(testnet, record)
        case ask.EditKey():
            return _edit_key(testnet, request)
        case ask.DeleteKey():
            return _delete_key(testnet, request)
        case ask.DeleteAllKeys():
            return _delete_all_keys(testnet, request)
        case ask.ListKeyEvents():
            return _list_events(testnet, request)
        case ask.ShowKeyRules():
            return _show_rules(testnet, request)
        case ask.ListKeyTemplates():
            return _list_templates()
        case _:
            assert_never(request)


def _create_key(testnet: "Testnet", request: ask.CreateKey) -> Answer:
    """Make a key; the answer is the only place its secret ever shows."""
    account = account_named(testnet, request.account)
    if account is None:
        return Refused(
            f"there is no account {request.account}; make it with: watchword testnet account create"
        )
    public_der = _public_half(request)
    if isinstance(public_der, Refused):
        return public_der
    now_us = testnet.clock.now_us()
    terms = _terms(testnet, KeyTerms(), request, now_us)
    if isinstance(terms, Refused):
        return terms
    issued = testnet.directory.issue(account.account_id, request.key_type, public_der, terms, now_us)
    if isinstance(issued, KeyRefused):
        return Refused(issued.reason)
    view = key_view(testnet, issued.record)
    return {"api_key": view.pop("api_key"), "secret_key": issued.secret_key or None, **view}


def _edit_key(testnet: "Testnet", request: ask.EditKey) -> Answer:
    """Change a key's terms."""
    record = resolve(testnet, request.api_key)
    if isinstance(record, Refused):
        return record
    now_us = testnet.clock.now_us()
    terms = _terms(testnet, record.terms, request, now_us)
    if isinstance(terms, Refused):
        return terms
    wider = () if request.may_widen else widened(record.terms, terms)
    if wider:
        return Refused(ask.WIDENS + ", ".join(wider))
    changed = testnet.directory.edit(record.api_key, terms, now_us)
    return Refused(changed.reason) if isinstance(changed, KeyRefused) else key_view(testnet, changed)


def _delete_key(testnet: "Testnet", request: ask.DeleteKey) -> Answer:
    """Delete one key."""
    record = resolve(testnet, request.api_key)
    if isinstance(record, Refused):
        return record
    deleted = testnet.directory.delete(record.api_key)
    return Refused(deleted.reason) if isinstance(deleted, KeyRefused) else key_view(testnet, deleted)


def _delete_all_keys(testnet: "Testnet", request: ask.DeleteAllKeys) -> Answer:
    """Delete every key of an account; their sessions have ended when it is answered."""
    account = account_named(testnet, request.account)
    if account is None:
        return Refused(f"there is no account {request.account}")
    deleted = testnet.directory.delete_all(account.account_id)
    return {
        "account": account.name,
        "deleted_count": len(deleted),
        "deleted": [record.api_key for record in deleted],
    }


def _list_events(testnet: "Testnet", request: ask.ListKeyEvents) -> Answer:
    """List what happened to keys by itself, newest first."""
    account_id = None
    if request.account:
        account = account_named(testnet, request.account)
        if account is None:
            return Refused(f"there is no account {request.account}")
        account_id = account.account_id
    chosen = (event for event in reversed(testnet.sweep.events) if account_id in {None, event.account_id})
    return [_event_view(testnet, event) for event in islice(chosen, request.limit)]


def _show_rules(testnet: "Testnet", request: ask.ShowKeyRules) -> Answer:
    """List the rules of a moment, each with its source and what is not certain about it."""
    chosen = testnet.settings.key_rules_as_of
    at_us: int | str = start_of_day_us(chosen) if chosen else testnet.clock.now_us()
    if request.as_of.strip():
        at_us = read_expiry(request.as_of, testnet.clock.now_us())
    if isinstance(at_us, str):
        return Refused(at_us)
    return [
        {
            "rule": rule.name,
            "value": rule.value,
            "since": rule.from_date or None,
            "says": rule.says,
            "source": rule.source,
            "doubt": rule.doubt or None,
        }
        for rule in in_force(at_us)
    ]


def _list_templates() -> Answer:
    """List the tasks a key can be made for."""
    return [
        {"template": one.name, "permissions": sorted(one.permissions), "says": one.says} for one in TEMPLATES
    ]


def endings_near(testnet: "Testnet") -> int:
    """Count keys whose owners are being warned, or whose end has come and is about to be carried out."""
    now_us = testnet.clock.now_us()
    rules = testnet.directory.rules_at(now_us)
    return sum(
        any(one.ending.at_us > now_us for one in due(record, rules, now_us))
        for record in testnet.directory.records()
    )


def say_event(event: KeyEvent) -> str:
    """Say in one line what happened to a key."""
    name = f"{event.api_key[:NAMED_LENGTH]}…" + (f" ({event.label})" if event.label else "")
    if event.kind == "warned":
        days = "1 day" if event.days_left == 1 else f"{event.days_left} days"
        return f"key {name} {FATES[event.fate]}, at {write_expiry(event.due_us)}: within {days}"
    return f"key {name} {_DONE[event.fate]}"


def _event_view(testnet: "Testnet", event: KeyEvent) -> dict[str, Any]:
    account = testnet.venue.engine.accounts.get(event.account_id)
    return {
        "at": write_expiry(event.at_us),
        "kind": event.kind,
        "fate": event.fate,
        "due": write_expiry(event.due_us),
        "days_left": event.days_left,
        "account": account.name if account else str(event.account_id),
        "account_id": event.account_id,
        "api_key": event.api_key,
        "label": event.label,
        "text": say_event(event),
    }


def _public_half(request: ask.CreateKey) -> bytes | Refused:
    """Read the public key of a self-made pair; a private one is refused by name, and so is one with an HMAC key."""
    if not request.public_key.strip() and request.key_type == "HMAC":
        return b""
    public = read_public(request.public_key.encode())
    if public == PRIVATE_GIVEN:
        return Refused(f"{PRIVATE_GIVEN}. It was not stored; whoever saw it may have it: make a new pair")
    if request.key_type == "HMAC":
        return Refused("an HMAC key has no public key: its secret is made here and shown once")
    if isinstance(public, KeyProblem):
        return Refused(str(public))
    if public.key_type != request.key_type:
        return Refused(f"the public key is of type {public.key_type}, not {request.key_type}")
    return public.der


def _granted(before: KeyTerms, request: ask.CreateKey | ask.EditKey) -> frozenset[Permission] | Refused:
    """Read which permissions a request wants."""
    if isinstance(request, ask.CreateKey) and request.template:
        template = template_named(request.template)
        if template is None:
            names = ", ".join(one.name for one in TEMPLATES)
            return Refused(f"there is no template {request.template}; choose from: {names}")
        if request.permissions:
            return Refused("give a template or permissions, not both: a template has what its task needs")
        return template.permissions
    if request.permissions is None:
        return before.permissions
    permissions = read_permissions(request.permissions)
    if isinstance(permissions, UnknownPermission):
        return Refused(str(permissions))
    # A new key is readable by default: what is named adds to it.
    return permissions | DEFAULT_PERMISSIONS if isinstance(request, ask.CreateKey) else permissions


def _terms(
    testnet: "Testnet", before: KeyTerms, request: ask.CreateKey | ask.EditKey, now_us: int
) -> KeyTerms | Refused:
    """Read the terms a request gives; what it leaves out stays as before."""
    permissions = _granted(before, request)
    old = before.restrictions
    networks = old.networks if request.ips is None else read_networks(request.ips)
    symbols = old.symbols if request.symbols is None else read_symbols(request.symbols)
    expires_us = old.expires_us if request.expires is None else read_expiry(request.expires, now_us)
    if isinstance(permissions, Refused):
        return permissions
    if isinstance(networks, BadRestriction):
        return Refused(str(networks))
    if isinstance(symbols, BadRestriction):
        return Refused(str(symbols))
    if isinstance(expires_us, str):
        return Refused(expires_us)
    listed = testnet.venue.engine.floors
    unlisted = sorted(symbols - listed.keys())
    if unlisted and request.symbols is not None:
        return Refused(f"there is no symbol {unlisted[0]} here")
    label = before.label if request.label is None else request.label
    return KeyTerms(label, permissions, Restrictions(networks, symbols, expires_us))


def resolve(testnet: "Testnet", api_key: str) -> KeyRecord | Refused:
    """Find a key by its text, or by a beginning of at least 6 characters that only it has."""
    record = testnet.directory.record(api_key)
    if record is not None:
        return record
    records = testnet.directory.records() if len(api_key) >= BEGINNING_LENGTH_MIN else []
    found = [record for record in records if record.api_key.startswith(api_key)]
    if len(found) == 1:
        return found[0]
    return Refused(f"{'several keys begin' if found else 'no key begins'} with {api_key}")


def key_view(testnet: "Testnet", record: KeyRecord) -> dict[str, Any]:
    """Show a key as JSON. Never holds a secret."""
    terms = record.terms
    account = testnet.venue.engine.accounts.get(record.account_id)
    now_us = testnet.clock.now_us()
    ending = next_ending(record, testnet.directory.rules_at(now_us), now_us)
    return {
        "api_key": record.api_key,
        "account": account.name if account else str(record.account_id),
        "account_id": record.account_id,
        "key_type": record.key_type,
        "label": terms.label,
        "permissions": sorted(terms.permissions),
        "ips": [network.text for network in terms.restrictions.networks],
        "symbols": sorted(terms.restrictions.symbols),
        "special": record.special or None,
        "expires": write_expiry(terms.restrictions.expires_us),
        "created": write_expiry(record.created_us),
        "last_used": write_expiry(record.last_used_us),
        "last_used_from": record.last_used_ip or None,
        "last_used_for": record.last_used_for or None,
        "ending": ending.fate if ending else None,
        "ends": write_expiry(ending.at_us) if ending else None,
        "days_left": max(0, -(-(ending.at_us - now_us) // DAY_US)) if ending else None,
    }
