"""Composition root of virtual keys: registry, store, vault, trail. A change is recorded, then stored, then takes effect.

The gateway opens one beside its pipeline; without a gateway a command opens one for itself. Never decides what a key
may be (`gateway.issuing`) and never listens.
"""

import asyncio
import logging
from typing import TYPE_CHECKING, Any, Final, Self, final

import msgspec

from watchword.adapters.gateway_home import virtual_keys_path
from watchword.adapters.memory.virtual_keys import MemoryVirtualKeys
from watchword.adapters.system import SystemClock, SystemEntropy
from watchword.adapters.virtual_keys.key_store import SqlVirtualKeys
from watchword.audit.event import Change, Outcome
from watchword.gateway.registry import Registry
from watchword.kernel.change_log import ChangeLog
from watchword.kernel.errors import InvariantError, StorageError
from watchword.kernel.secret import Secret
from watchword.vault.outcome import NotFound, Refused, Sealed

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from watchword.audit.trail import AuditTrail
    from watchword.bootstrap.vault_host import VaultHost
    from watchword.credentials.verifier import Verifier
    from watchword.gateway.approval_desk import ApprovalDesk
    from watchword.gateway.virtual_key import VirtualKey
    from watchword.gateway.virtual_key_store import VirtualKeyStore
    from watchword.kernel.clock import Clock
    from watchword.kernel.entropy import Entropy
    from watchword.policy.usage import Usage

LOG = logging.getLogger("watchword.gateway.keys")

#: How often ends of keys are looked for, and how often uses are stored.
TEND_S: Final = 1.0
STORE_USES_EVERY: Final = 10
#: Revoked keys that are remembered; the trail remembers all.
REVOKED_COUNT_MAX: Final = 500
NO_VAULT: Final = Refused(
    "an hmac key's secret goes into the vault, which only a running gateway can open: start watchword gateway serve "
    "and unseal it, or take --type ed25519"
)


class NewSecret(msgspec.Struct, frozen=True):
    """An HMAC secret on its way into the vault.

    Attributes:
        key_id: Whose it is.
        api_key: Under which it is kept.
        secret: Its 64 characters.
    """

    key_id: str
    api_key: str
    secret: Secret


class _NoVault:
    """Where no vault is at hand nothing can be verified."""

    def verifier_for(self, secret_id: str) -> "Verifier | Sealed | NotFound":
        del secret_id
        return Sealed()


@final
class KeyDesk:
    """The virtual keys of one home, for whoever holds `HOME/gateway/lock`.

    Attributes:
        home: The home, absolute.
        registry: What the pipeline asks (`ports.VirtualKeys`).
        clock, entropy: Of the process.
        usage: Tells what a key has used up, by its id; None where nobody knows.
        status: Tells how the gateway around this desk is; None where there is none.
        approvals: Where people decide about requests; None where there is no gateway.
        changes: Ids of keys that were issued, changed, revoked or have ended, for who shows them.
        turn: Held while a change is made, from judging to effect.
    """

    def __init__(
        self,
        home: "Path",
        store: "VirtualKeyStore",
        trail: "AuditTrail | None",
        clock: "Clock",
        entropy: "Entropy",
        host: "VaultHost | None" = None,
        usage: "Callable[[str], Usage] | None" = None,
    ) -> None:
        """Load all keys.

        Args:
            home: The home, absolute.
            store: Where keys live.
            trail: Open; every change is recorded there first. None where nothing may be changed.
            clock: Of the process.
            entropy: Of the process.
            host: Holds the vault in this process; None refuses HMAC keys.
            usage: Tells what a key has used up.

        Raises:
            CorruptStoreError, StorageError: The store cannot be read.
        """
        self.home = home
        self.clock, self.entropy, self.usage = clock, entropy, usage
        self.turn = asyncio.Lock()
        self.status: Callable[[], Any] | None = None
        self.approvals: ApprovalDesk | None = None
        self._store, self._trail, self._host = store, trail, host
        self._removed: set[str] = set()
        self.registry = Registry(store.load(), host.vault if host else _NoVault(), clock.now_us())
        self.changes = ChangeLog(clock.now_us())
        self.registry.on_changed.append(self.changes.mark)

    @classmethod
    def open(
        cls,
        home: "Path",
        trail: "AuditTrail",
        *,
        host: "VaultHost | None" = None,
        usage: "Callable[[str], Usage] | None" = None,
    ) -> Self:
        """Open the keys of a home whose gateway lock this process holds. See the constructor."""
        store = SqlVirtualKeys(virtual_keys_path(home))
        return cls(home, store, trail, SystemClock(), SystemEntropy(), host, usage)

    @classmethod
    def to_read(cls, home: "Path") -> Self:
        """Open the keys of a home that somebody else may hold, to look at them. See the constructor."""
        store = SqlVirtualKeys.to_read(virtual_keys_path(home)) or MemoryVirtualKeys()
        return cls(home, store, None, SystemClock(), SystemEntropy())

    def close(self) -> None:
        """Store what is left of uses, and let go of the store."""
        try:
            uses = self.registry.take_uses()
            if uses:
                self._store.record_uses(uses)
        except StorageError as error:
            LOG.warning("last uses of keys were not stored: %s", error)
        self._store.close()

    @property
    def vault_problem(self) -> Refused | Sealed | None:
        """Say why no HMAC key can be made now, or None."""
        if self._host is None:
            return NO_VAULT
        return Sealed() if self._host.vault.sealed else None

    async def change(
        self, changed: "Sequence[tuple[Change, VirtualKey]]", secret: NewSecret | None = None
    ) -> Refused | Sealed | None:
        """Record changes, then store the keys, then let them take effect. The caller holds `turn`.

        Args:
            changed: What is recorded, with the key as it is then.
            secret: Goes into the vault before its key exists.

        Returns:
            None once done; otherwise why nothing was changed.

        Raises:
            AuditUnavailable: It could not be recorded; nothing was changed.
            StorageError: It could not be stored; nothing was changed, and the trail says so.
        """
        rows = await self._recorded([change for change, _ in changed])
        keys = [key for _, key in changed]
        now_us = self.clock.now_us()
        spare = self._beyond_memory(keys)
        try:
            refused = await self._box(secret) if secret else None
            if refused is not None:
                self._not_done(rows, str(refused))
                return refused
            await asyncio.to_thread(self._store.put, keys, spare)
        except StorageError as error:
            self._not_done(rows, str(error))
            raise
        self.registry.hold(keys, now_us, spare)
        return None

    async def tend(self) -> None:
        """Look after the keys until cancelled: announce ends, store uses, remove secrets nobody can use any more."""
        turns = 0
        while True:
            await asyncio.sleep(TEND_S)
            self.registry.announce_ended(self.clock.now_us())
            turns += 1
            if turns % STORE_USES_EVERY == 0:
                try:
                    await asyncio.to_thread(self._store.record_uses, self.registry.take_uses())
                    await self.tidy()
                except StorageError as error:
                    LOG.warning("looking after virtual keys: %s", error)

    async def tidy(self) -> None:
        """Remove secrets of revoked and ended versions from the vault, if it is open.

        Raises:
            StorageError: The vault could not be written.
        """
        host = self._host
        for api_key in self.registry.spent_secrets(self.clock.now_us()):
            if host is None or host.vault.sealed:
                return
            if api_key not in self._removed:
                async with host.turn:
                    answer = await asyncio.to_thread(host.vault.remove, api_key)
                if not isinstance(answer, Sealed):
                    self._removed.add(api_key)

    async def _recorded(self, changes: list[Change]) -> list[int]:
        """Record all, or none: rows of a half that was recorded get an outcome that says so."""
        trail = self._trail
        if trail is None:
            raise InvariantError("keys that were opened to be read were to be changed")
        answers = await asyncio.gather(
            *(trail.record_change(change) for change in changes), return_exceptions=True
        )
        faults = [answer for answer in answers if isinstance(answer, BaseException)]
        rows = [answer for answer in answers if isinstance(answer, int)]
        if faults:
            self._not_done(rows, str(faults[0]))
            raise faults[0]
        return rows

    def _not_done(self, rows: list[int], why: str) -> None:
        if self._trail is not None:
            for row in rows:
                self._trail.record_outcome(Outcome(intent=row, result="not_sent", note=why))

    async def _box(self, new: NewSecret) -> Refused | Sealed | None:
        """Put a secret into the vault, bound to its key."""
        if self._host is None:
            return NO_VAULT
        record = msgspec.json.encode({"api_key": new.api_key, "key": new.key_id}, order="deterministic")
        async with self._host.turn:
            return await asyncio.to_thread(self._host.vault.add_virtual_key, new.api_key, record, new.secret)

    def _beyond_memory(self, keys: "list[VirtualKey]") -> list[str]:
        """The keys revoked longest ago, as far as there are too many."""
        changing = {key.id for key in keys}
        revoked = [key for key in self.registry.listed() if key.revoked_us and key.id not in changing]
        revoked.sort(key=lambda key: key.revoked_us)
        more = sum(bool(key.revoked_us) for key in keys)
        return [key.id for key in revoked[: max(0, len(revoked) + more - REVOKED_COUNT_MAX)]]
