"""Which requests change or sign something, and the row of the trail that says so before they do. Never performs one.

Every request is named here, so that a new one cannot be forgotten. Sealing alone is never held up by a trail.
"""

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Final, assert_never

import msgspec

from watchword.audit.event import Change, Outcome
from watchword.audit.on_behalf import actor_of, values_of
from watchword.audit.trail import AuditTrail
from watchword.entrypoints.vault import requests as ask
from watchword.entrypoints.vault.requests import Answer
from watchword.kernel.errors import WatchwordError
from watchword.vault.outcome import NotFound, Refused, Sealed

if TYPE_CHECKING:
    from watchword.bootstrap.vault_host import VaultHost

#: Who asks through the admin socket where nobody else is named: the only user who can.
ACTOR: Final = "owner"
#: Requests that change nothing and sign nothing.
LOOKING: Final = (ask.ShowStatus, ask.ShowChanges, ask.ListChecks)
#: Requests that sign with a real key but change nothing here: recorded first, and they wait for no change.
SIGNING: Final = (ask.CheckCredential,)
#: Ids named in one row; a trail's texts are bounded.
IDS_COUNT_MAX: Final = 8


async def recorded(trail: AuditTrail, change: Change | None, act: Callable[[], Awaitable[Answer]]) -> Answer:
    """Record a change durably, then make it; a change that was not made gets a row that says so.

    Args:
        trail: Where to.
        change: What is about to happen; None records nothing.
        act: Makes it.

    Raises:
        AuditUnavailable: It could not be recorded; nothing was done.
        WatchwordError: From `act`.
    """
    if change is None:
        return await act()
    row = await trail.record_change(change)
    try:
        answer = await act()
    except WatchwordError as error:
        trail.record_outcome(Outcome(intent=row, result="not_sent", note=str(error)))
        raise
    if isinstance(answer, Refused | Sealed | NotFound):
        trail.record_outcome(Outcome(intent=row, result="not_sent", note=str(answer)))
    return answer


def change_of(host: "VaultHost", request: ask.AnyRequest) -> Change | None:
    """Say what a request is about to change, without a secret; None for requests that only look.

    Args:
        host: Whose vault.
        request: As read.
    """
    change = _what(host, request)
    if change is None or request.on_behalf is None:
        return change
    by = request.on_behalf
    return msgspec.structs.replace(
        change, actor=actor_of(by, change.actor), values={**change.values, **values_of(by)}
    )


def _what(host: "VaultHost", request: ask.AnyRequest) -> Change | None:
    match request:
        case ask.ShowStatus() | ask.ShowChanges() | ask.ListChecks():
            return None
        case ask.CreateVault(kind, settings, _, demo) | ask.Rekey(kind, settings, _, demo):
            action = "vault:created" if isinstance(request, ask.CreateVault) else "vault:rekeyed"
            return _change(action, {**settings, "kek": kind, "demo": str(demo).lower()})
        case ask.Unseal():
            opened_with = "shares" if request.shares else "its KEK source"
            return _change("vault:unsealed", {"with": opened_with, "waiting": _waiting(host)})
        case ask.Seal():
            return _change("vault:sealed")
        case ask.Rewrap():
            return _change("vault:rewrapped")
        case ask.MakeShares(threshold, count):
            return _change("vault:shares:made", {"threshold": str(threshold), "count": str(count)})
        case ask.TakeInbox():
            waiting = _waiting(host)
            return _change("vault:inbox:taken", {"waiting": waiting}) if waiting else None
        case ask.GenerateCredential():
            values = {"label": request.label, "upstream": request.upstream, "kind": request.key_kind}
            return _change("credential:real:generated", values)
        case ask.RegisterCredential(credential_id, api_key):
            return _change("credential:real:registered", {"api_key": api_key}, credential_id)
        case ask.CheckCredential(credential_id):
            return _change("credential:real:checked", {}, credential_id)
        case ask.RemoveCredential(credential_id):
            return _change("credential:real:removed", {}, credential_id)
        case _:
            assert_never(request)


def _change(action: str, values: dict[str, str] | None = None, subject: str = "vault") -> Change:
    return Change(action=action, actor=ACTOR, subject=subject, values=values or {})


def _waiting(host: "VaultHost") -> str:
    """Name what is about to be taken in; an unreadable store is reported by what comes next."""
    try:
        ids = [item.id for item in host.store.inbox() if not item.refused]
    except WatchwordError:
        return ""
    more = f" and {len(ids) - IDS_COUNT_MAX} more" if len(ids) > IDS_COUNT_MAX else ""
    return ", ".join(ids[:IDS_COUNT_MAX]) + more
