"""Virtual keys as people see them: states, countdowns, what was used today. There is no secret in what it gets."""

from functools import lru_cache
from typing import TYPE_CHECKING, Final

from watchword.bootstrap.vault_view import listed, store_of
from watchword.credentials.key_problem import KeyProblem
from watchword.credentials.pem import read_public
from watchword.entrypoints.gateway.admin.requests import KeyView, VersionView
from watchword.entrypoints.testnet.admin.expiry import write_expiry
from watchword.gateway.narrowing import tightest
from watchword.kernel.units import format_trimmed
from watchword.policy.usage import Usage

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

    from watchword.gateway.registry import Registry
    from watchword.gateway.virtual_key import KeyVersion, VirtualKey
    from watchword.vault.record import RealCredential

MINUTE_US: Final = 60_000_000
HOUR_US: Final = 60 * MINUTE_US
DAY_US: Final = 24 * HOUR_US
#: Index of the day among the windows of `Usage.counts`.
_DAY_WINDOW: Final = 3
#: Public keys are read once for their fingerprints, not for every list they are in.
FINGERPRINTS_REMEMBERED_MAX: Final = 16_384


def credentials_of(home: "Path") -> "dict[str, RealCredential]":
    """Return the real credentials of a home by id, those that the vault did not take in left out."""
    store = store_of(home)
    found = listed(store) if store.exists() else []
    return {one.record.id: one.record for one in found if one.state in {"in vault", "waiting"}}


def view_of(
    registry: "Registry",
    key: "VirtualKey",
    credentials: "dict[str, RealCredential]",
    now_us: int,
    usage: Usage | None = None,
    *,
    whole: bool = False,
    children: "Mapping[str, list[str]] | None" = None,
) -> KeyView:
    """Describe one key.

    Args:
        registry: Knows it, its ancestors, its uses.
        key: The key.
        credentials: By id.
        now_us: Epoch microseconds.
        usage: What it has used up; None where nobody knows.
        whole: With the policy's text.
        children: From `children_of`, where many keys are described; None looks for this one's.
    """
    line = registry.line(key)
    expires_us = ends_us(line)
    state = state_of(registry, key, now_us)
    credential = credentials.get(key.credential_id)
    use = registry.use(key.id)
    return KeyView(
        id=key.id,
        label=key.label,
        state=state,
        ends_in=countdown(expires_us - now_us) if expires_us and state == "works" else "",
        credential=key.credential_id,
        credential_label=credential.label if credential else "",
        upstream=credential.upstream if credential else "",
        policy=key.policy_name,
        policy_sha256=key.policy_digest,
        ips=[str(network) for network in key.restrictions.networks],
        expires=write_expiry(key.restrictions.expires_us),
        effective_expires=write_expiry(expires_us),
        own_orders_only=any(one.own_orders_only for one in line),
        weight_per_minute_max=key.weight_per_minute_max,
        orders_per_10s_max=key.orders_per_10s_max,
        parent=key.parent_id,
        children=(children_of(registry.listed()) if children is None else children).get(key.id, []),
        versions=[_version(one, now_us) for one in reversed(key.versions)],
        created=write_expiry(key.created_us) or "",
        revoked=write_expiry(key.revoked_us),
        last_used=write_expiry(use.at_us),
        last_ip=use.ip,
        policy_text=key.policy_text if whole else "",
        usage=used_today(usage, now_us) if usage is not None else None,
    )


def children_of(keys: "Iterable[VirtualKey]") -> dict[str, list[str]]:
    """Return the ids of each key's children that are not revoked, by the parent's id."""
    found: dict[str, list[str]] = {}
    for one in keys:
        if one.parent_id and not one.revoked_us:
            found.setdefault(one.parent_id, []).append(one.id)
    return found


def state_of(registry: "Registry", key: "VirtualKey", now_us: int) -> str:
    """Say whether a key works, and if not, why."""
    if key.revoked_us:
        return "revoked"
    line = registry.line(key) if key.parent_id else (key,)
    for one in line:
        if one.revoked_us:
            return "parent revoked"
    return registry.fault(key.id) or ("expired" if 0 < ends_us(line) <= now_us else "works")


def ends_us(line: "Sequence[VirtualKey]") -> int:
    """Say when the first of a key and its ancestors expires, epoch microseconds; 0 for never."""
    if len(line) == 1:
        return line[0].restrictions.expires_us
    return tightest(one.restrictions.expires_us for one in line)


def used_today(usage: Usage, now_us: int) -> dict[str, str]:
    """Describe what a key has used up, by name; nothing that is zero."""
    today = usage.at(now_us)
    found = {f"{asset} spent today": amount for asset, amount in today.spent.items()}
    found |= {f"{asset} turned over today": amount for asset, amount in today.turnover.items()}
    found |= {f"withdrawn today to {place}": amount for place, amount in today.withdrawn.items()}
    found |= {f"{asset} in open orders": amount for asset, amount in today.reserved.charged.items()}
    found |= {f"{asset} bought and held": amount for asset, amount in today.bought.items()}
    shown = {name: format_trimmed(amount) for name, amount in sorted(found.items())}
    return shown | {"orders today": str(today.placed_in(_DAY_WINDOW, now_us))}


def countdown(left_us: int) -> str:
    """Write a span for people: `29d 4h`, `3h 12m`, `45s`."""
    if left_us >= DAY_US:
        return f"{left_us // DAY_US}d {left_us % DAY_US // HOUR_US}h"
    if left_us >= HOUR_US:
        return f"{left_us // HOUR_US}h {left_us % HOUR_US // MINUTE_US}m"
    return f"{left_us // MINUTE_US}m" if left_us >= MINUTE_US else f"{max(0, left_us) // 1_000_000}s"


def _version(version: "KeyVersion", now_us: int) -> VersionView:
    state = "works"
    if version.ends_us:
        state = "ended" if version.ends_us <= now_us else "ends"
    return VersionView(
        api_key=version.api_key,
        key_type=version.key_type,
        fingerprint=_fingerprint(version.public_key) if version.public_key else "",
        state=state,
        created=write_expiry(version.created_us) or "",
        ends=write_expiry(version.ends_us),
    )


@lru_cache(maxsize=FINGERPRINTS_REMEMBERED_MAX)
def _fingerprint(public_key: str) -> str:
    public = read_public(public_key.encode())
    return "" if isinstance(public, KeyProblem) else public.fingerprint
