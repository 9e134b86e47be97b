"""What each request does to a vault. The same for the socket, for the gateway and for a process of its own.

Never parses bytes, never checks who asks: the socket's file mode and peer check did. Blocks; callers use a thread.
"""

import os
from typing import TYPE_CHECKING, assert_never

from watchword.bootstrap.kek_sources import KekChoice
from watchword.bootstrap.vault_view import view
from watchword.entrypoints.vault import requests as ask
from watchword.entrypoints.vault.requests import Answer
from watchword.vault.outcome import Refused, Sealed
from watchword.vault.record import RealCredential, new_id
from watchword.vault.vault import Unsealed

if TYPE_CHECKING:
    from watchword.bootstrap.vault_host import VaultHost


def perform(host: "VaultHost", request: ask.AnyRequest) -> Answer:
    """Do what a request asks.

    Args:
        host: Holds the vault.
        request: What to do.

    Raises:
        WatchwordError: A fault; what was stored before stands.
    """
    if isinstance(request, ask.ShowStatus | ask.ShowChanges | ask.ListChecks):
        return _looked(host, request)
    match request:
        case ask.CreateVault(kind, settings, passphrase, demo):
            host.create(KekChoice(kind, settings, passphrase, demo))
            return ask.Done()
        case ask.Unseal():
            return _unseal(host, request)
        case ask.Seal():
            host.vault.seal()
            return ask.Done()
        case ask.Rekey(kind, settings, passphrase, demo):
            return host.rekey(KekChoice(kind, settings, passphrase, demo)) or ask.Done()
        case ask.Rewrap():
            done = host.vault.rewrap()
            return ask.Done(done) if isinstance(done, int) else done
        case ask.MakeShares(threshold, count):
            made = host.vault.new_shares(threshold, count, host.clock.now_us())
            return ask.SharesAnswer(made) if isinstance(made, tuple) else made
        case ask.TakeInbox():
            taken = host.vault.take_inbox()
            return taken if isinstance(taken, Sealed) else _unsealed(taken)
        case ask.GenerateCredential():
            return _generate(host, request)
        case ask.RegisterCredential(credential_id, api_key):
            return host.vault.register(credential_id, api_key)
        case ask.CheckCredential(credential_id):
            return host.check(credential_id)
        case ask.RemoveCredential(credential_id):
            host.forget_check(credential_id)
            return host.vault.remove(credential_id) or ask.Done(1)
        case _:
            assert_never(request)


def _looked(host: "VaultHost", request: ask.ShowStatus | ask.ShowChanges | ask.ListChecks) -> Answer:
    match request:
        case ask.ShowStatus():
            return _status(host)
        case ask.ShowChanges():
            checked_us = {one.report.id: one.at_us for one in host.last_checks()}
            return ask.ChangesAnswer(host.vault.sealed, checked_us, host.since_us)
        case ask.ListChecks():
            return ask.ChecksAnswer(host.last_checks(), host.since_us)
        case _:
            assert_never(request)


def _status(host: "VaultHost") -> ask.StatusAnswer:
    hardening = host.hardening
    return ask.StatusAnswer(
        sealed=host.vault.sealed,
        pid=os.getpid(),
        core_dumps_off=hardening.core_dumps_off,
        not_dumpable=hardening.not_dumpable,
        memory_locked=hardening.memory_locked,
        notes=hardening.notes,
        vault=view(host.store) if host.store.exists() else None,
    )


def _unseal(host: "VaultHost", request: ask.Unseal) -> Answer:
    if not host.vault.sealed:
        return Refused("the vault is unsealed already")
    opened = (
        host.vault.unseal_with_shares(request.shares) if request.shares else host.unseal(request.passphrase)
    )
    return opened if isinstance(opened, Refused) else _unsealed(opened)


def _unsealed(opened: Unsealed) -> ask.UnsealedAnswer:
    return ask.UnsealedAnswer(opened.secrets, opened.taken, opened.refused, opened.rewrapped)


def _generate(host: "VaultHost", request: ask.GenerateCredential) -> RealCredential | Refused | Sealed:
    wanted = RealCredential(
        id=new_id(host.entropy),
        label=request.label,
        upstream=request.upstream,
        key_type="ED25519",
        permissions=tuple(sorted(set(request.permissions))),
        created_us=host.clock.now_us(),
        notes=request.notes,
    )
    return host.vault.generate(request.key_kind, wanted)
