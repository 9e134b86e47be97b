"""What each request does to virtual keys. The same for the socket and for a command without a gateway.

Never parses bytes, never checks who asks: the socket's file mode and peer check did.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final, assert_never

import msgspec

from watchword.audit.event import Change
from watchword.audit.on_behalf import actor_of, values_of
from watchword.bootstrap.key_desk import KeyDesk, NewSecret
from watchword.credentials.restriction import UNRESTRICTED, BadRestriction, Restrictions, read_networks
from watchword.entrypoints.gateway.admin import requests as ask
from watchword.entrypoints.gateway.admin.approval_operations import perform_approval
from watchword.entrypoints.gateway.admin.approval_requests import AnyApprovalRequest
from watchword.entrypoints.gateway.admin.change_operations import show_changes
from watchword.entrypoints.gateway.admin.change_requests import ShowChanges
from watchword.entrypoints.gateway.admin.key_search import find_keys
from watchword.entrypoints.gateway.admin.policy_search import find_policies
from watchword.entrypoints.gateway.admin.requests import Answer
from watchword.entrypoints.gateway.admin.views import credentials_of, view_of
from watchword.entrypoints.testnet.admin.expiry import read_expiry, write_expiry
from watchword.gateway.issuing import ID_PREFIX, Half, KeyRefused, Terms, edit, issue, revoke, roll
from watchword.gateway.key_format import new_virtual_secret
from watchword.gateway.virtual_key import VirtualKey
from watchword.kernel.secret import Secret
from watchword.vault.outcome import Refused

if TYPE_CHECKING:
    from watchword.gateway.registry import Registry

#: How much of an API key or a digest the trail gets: enough to tell it by, too little to look like a secret.
SHOWN_LENGTH = 12
#: A beginning of an id or API key that is shorter could mean anything.
REFERENCE_LENGTH_MIN = 6


NO_GATEWAY: Final = Refused("no gateway runs here")


class Who(msgspec.Struct, frozen=True):
    """Who asks, for the trail.

    Attributes:
        name: The person, or the socket's user.
        values: From where, and with which factor; empty for the socket's own user.
    """

    name: str
    values: dict[str, str]


async def perform(desk: KeyDesk, request: ask.AnyRequest, actor: str) -> Answer:
    """Do what a request asks.

    Args:
        desk: Of the home.
        request: What to do.
        actor: Who asks, for the trail.

    Raises:
        WatchwordError: A fault; nothing was changed.
    """
    if isinstance(request, ShowChanges):
        return show_changes(desk, request)
    who = Who(actor_of(request.on_behalf, actor), values_of(request.on_behalf))
    async with desk.turn:
        if isinstance(request, AnyApprovalRequest):
            return await perform_approval(desk, request, who.name)
        match request:
            case ask.IssueKey():
                return await _issue(desk, request, who)
            case ask.ListKeys():
                return find_keys(desk, request)
            case ask.ListPolicies():
                return find_policies(desk, request)
            case ask.ShowKey(reference):
                key = find_key(desk.registry, reference)
                return key if isinstance(key, Refused) else _view(desk, key, whole=True)
            case ask.EditKey():
                return await _edit(desk, request, who)
            case ask.RollKey():
                return await _roll(desk, request, who)
            case ask.RevokeKey(reference):
                return await _revoke(desk, reference, who)
            case ask.ShowGateway():
                state: Answer = desk.status() if desk.status is not None else NO_GATEWAY
                return state
            case _:
                assert_never(request)


def find_key(registry: "Registry", reference: str) -> VirtualKey | Refused:
    """Find a key by label, id, API key, or a beginning of these two that only it has; those in use come first."""
    keys = sorted(registry.listed(), key=lambda key: bool(key.revoked_us))
    for key in keys:
        if reference in {key.id, key.label} or any(one.api_key == reference for one in key.versions):
            return key
    close = [key for key in keys if len(reference) >= REFERENCE_LENGTH_MIN and _begins(key, reference)]
    if len(close) == 1:
        return close[0]
    return Refused(f"{'several virtual keys match' if close else 'there is no virtual key'} {reference!r}")


async def _issue(desk: KeyDesk, request: ask.IssueKey, who: Who) -> Answer:
    if request.key_type == "HMAC" and desk.vault_problem is not None:
        return desk.vault_problem
    parent = find_key(desk.registry, request.parent) if request.parent else None
    if isinstance(parent, Refused):
        return parent
    credential_id = _credential(desk, request.credential) if request.credential else ""
    if isinstance(credential_id, Refused):
        return credential_id
    base = parent.restrictions if parent else UNRESTRICTED
    terms = _terms(desk, request, request.policy or None, base)
    if isinstance(terms, Refused):
        return terms
    line = desk.registry.line(parent) if parent else []
    half = Half(request.key_type, request.public_key)
    key = issue(terms, half, credential_id, line, desk.registry.listed(), desk.entropy, desk.clock.now_us())
    if isinstance(key, KeyRefused):
        return Refused(key.reason)
    change = _change("issued", who, key, {**_facts(key), "parent": key.parent_id})
    return await _with_version(desk, change, key)


async def _edit(desk: KeyDesk, request: ask.EditKey, who: Who) -> Answer:
    key = find_key(desk.registry, request.key)
    if isinstance(key, Refused):
        return key
    terms = _terms(desk, request, request.policy, key.restrictions)
    if isinstance(terms, Refused):
        return terms
    changed = edit(key, terms, desk.registry.line(key)[1:], desk.registry.listed(), desk.clock.now_us())
    if isinstance(changed, KeyRefused):
        return Refused(changed.reason)
    before, after = _facts(key), _facts(changed)
    values = {
        name: f"{before[name] or '-'} -> {after[name] or '-'}"
        for name in after
        if before[name] != after[name]
    }
    if changed == key:
        return _view(desk, key)
    refused = await desk.change([(_change("edited", who, changed, values), changed)])
    return refused or _view(desk, changed)


async def _roll(desk: KeyDesk, request: ask.RollKey, who: Who) -> Answer:
    key = find_key(desk.registry, request.key)
    if isinstance(key, Refused):
        return key
    key_type = request.key_type or key.versions[-1].key_type
    if key_type == "HMAC" and desk.vault_problem is not None:
        return desk.vault_problem
    now_us = desk.clock.now_us()
    ends_us = read_expiry(request.overlap or "0s", now_us)
    if isinstance(ends_us, str) or not ends_us:
        return Refused(
            f"--overlap {request.overlap!r}: write a span such as 1h, or 0s to end the old key now"
        )
    half = Half(key_type, request.public_key)
    rolled = roll(key, half, ends_us - now_us, desk.registry.listed(), desk.entropy, now_us)
    if isinstance(rolled, KeyRefused):
        return Refused(rolled.reason)
    values = {**_newest(rolled), "older_end": write_expiry(ends_us) or ""}
    return await _with_version(desk, _change("rolled", who, rolled, values), rolled)


async def _revoke(desk: KeyDesk, reference: str, who: Who) -> Answer:
    key = find_key(desk.registry, reference)
    if isinstance(key, Refused):
        return key
    revoked = revoke(key, desk.registry.listed(), desk.clock.now_us())
    if isinstance(revoked, KeyRefused):
        return Refused(revoked.reason)
    values = [{} if one.id == key.id else {"because_of": key.id} for one in revoked]
    changes = [
        (_change("revoked", who, one, {"label": one.label, **more}), one)
        for one, more in zip(revoked, values, strict=True)
    ]
    refused = await desk.change(changes)
    return refused or ask.RevokedAnswer([_view(desk, one) for one in revoked])


async def _with_version(desk: KeyDesk, change: Change, key: VirtualKey) -> Answer:
    """Make a change that brings a new version, with its secret if it is an HMAC key."""
    version = key.versions[-1]
    secret_key, new = "", None
    if version.key_type == "HMAC":
        secret_key = new_virtual_secret(desk.entropy)
        new = NewSecret(key.id, version.api_key, Secret(secret_key.encode("ascii")))
    refused = await desk.change([(change, key)], new)
    return refused or ask.IssuedAnswer(_view(desk, key), version.api_key, secret_key)


def _view(desk: KeyDesk, key: VirtualKey, *, whole: bool = False) -> ask.KeyView:
    usage = desk.usage(key.id) if whole and desk.usage else None
    return view_of(desk.registry, key, credentials_of(desk.home), desk.clock.now_us(), usage, whole=whole)


def _credential(desk: KeyDesk, reference: str) -> str | Refused:
    """Find a real credential by label, id, or a beginning of its id."""
    known = credentials_of(desk.home)
    found = [one.id for one in known.values() if reference in {one.label, one.id}]
    found = found or [name for name in known if reference and name.startswith(reference)]
    if len(found) == 1:
        return found[0]
    return Refused(f"{'several credentials match' if found else 'there is no credential'} {reference!r}")


def _terms(
    desk: KeyDesk, request: ask.IssueKey | ask.EditKey, policy: str | None, base: Restrictions
) -> Terms | Refused:
    """Read what a request wants; what it leaves out stays as `base` has it."""
    networks, expires_us = base.networks, base.expires_us
    if request.ips is not None:
        read = read_networks(request.ips)
        if isinstance(read, BadRestriction):
            return Refused(str(read))
        networks = read
    if request.expires is not None:
        at = read_expiry(request.expires, desk.clock.now_us())
        if isinstance(at, str):
            return Refused(at)
        expires_us = at
    given = request.ips is not None or request.expires is not None
    return Terms(
        label=request.label,
        policy_text=policy,
        restrictions=Restrictions(networks, base.symbols, expires_us) if given else None,
        own_orders_only=request.own_orders_only,
        weight_per_minute_max=request.weight_per_minute_max,
        orders_per_10s_max=request.orders_per_10s_max,
    )


def _change(what: str, who: Who, key: VirtualKey, values: dict[str, str]) -> Change:
    shown = {name: value for name, value in {**values, **who.values}.items() if value}
    return Change(action=f"credential:virtual:{what}", actor=who.name, subject=key.id, values=shown)


def _facts(key: VirtualKey) -> dict[str, str]:
    """What the trail says about a key."""
    return {
        "label": key.label,
        "credential": key.credential_id,
        "policy": key.policy_name,
        "policy_sha256": key.policy_digest[:SHOWN_LENGTH],
        "ips": _joined([str(network) for network in key.restrictions.networks]),
        "expires": write_expiry(key.restrictions.expires_us) or "",
        "own_orders_only": "yes" if key.own_orders_only else "no",
        "weight_per_minute_max": str(key.weight_per_minute_max or ""),
        "orders_per_10s_max": str(key.orders_per_10s_max or ""),
        **_newest(key),
    }


def _newest(key: VirtualKey) -> dict[str, str]:
    newest = key.versions[-1]
    return {"kind": newest.key_type, "begins": newest.api_key[:SHOWN_LENGTH]}


def _joined(parts: Sequence[str]) -> str:
    return " ".join(parts)


def _begins(key: VirtualKey, reference: str) -> bool:
    if reference.startswith(ID_PREFIX):
        return key.id.startswith(reference)
    return any(version.api_key.startswith(reference) for version in key.versions)
