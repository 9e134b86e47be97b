"""Composition root of the process that holds the vault: lock, store, KEK sources, probes. Never listens and never prints.

The gateway opens one and mounts its administration; `watchword vault host` does it without a gateway.
"""

import asyncio
import json
from pathlib import Path
from typing import TYPE_CHECKING, Final, Self, final

from watchword.adapters.hardening import Hardening, harden
from watchword.adapters.kek.passphrase import FLOOR, PRODUCTION, Argon2Cost
from watchword.adapters.system import SystemClock, SystemEntropy
from watchword.adapters.upstream_probe import HttpProbe
from watchword.adapters.vault_home import VaultHome, vault_path
from watchword.adapters.vault_store.backup import install
from watchword.adapters.vault_store.sqlite import SqliteVaultStore
from watchword.binance.upstreams import ADDRESSES, Upstream
from watchword.bootstrap.kek_sources import KekChoice, KekSources
from watchword.config import VaultEnvironment, vault_environment
from watchword.kernel.errors import ConfigurationError
from watchword.kernel.secret import Secret
from watchword.vault.checkup import Checked, CheckReport, UpstreamProbe, check
from watchword.vault.header import Header
from watchword.vault.outcome import NotFound, Refused, Sealed
from watchword.vault.vault import Unsealed, Vault

if TYPE_CHECKING:
    from watchword.kernel.clock import Clock
    from watchword.kernel.entropy import Entropy

#: Credentials whose last check is remembered.
CHECKS_COUNT_MAX: Final = 1_000
_NO_HARDENING: Final = Hardening(False, False, False, ("not asked for",))


@final
class VaultHost:
    """A vault held by this process.

    Attributes:
        home: Its home, locked.
        store: Its rows.
        vault: The vault; sealed until `unseal`.
        clock, entropy: Of the process.
        hardening: What was achieved against reading this process's memory.
        local_upstream: The testnet's address if it was told; see `local_address`.
        since_us: Since when checks are remembered, epoch microseconds.
        turn: Held by whoever changes the vault, which takes one change at a time. Sealing waits for nobody.
    """

    def __init__(
        self, home: VaultHome, sources: KekSources, environment: VaultEnvironment, hardening: Hardening
    ) -> None:
        """Wrap a locked home; use `VaultHost.open`."""
        self.home = home
        self.clock: Clock = SystemClock()
        self.entropy: Entropy = SystemEntropy()
        self.store = SqliteVaultStore(vault_path(home.path))
        self.vault = Vault(self.store, self.entropy)
        self.hardening = hardening
        self.turn = asyncio.Lock()
        self.local_upstream = environment.local_upstream
        self.since_us = self.clock.now_us()
        self._sources = sources
        self._checks: dict[str, Checked] = {}

    @classmethod
    def open(
        cls,
        home: Path,
        role: str,
        *,
        hardened: bool = True,
        cost: Argon2Cost = PRODUCTION,
        floor: Argon2Cost = FLOOR,
    ) -> Self:
        """Take the vault's lock. The vault need not exist yet and is sealed.

        Args:
            home: The home, absolute.
            role: What this process is.
            hardened: Harden the whole process; tests that run in it do not.
            cost: Of one guess at a new passphrase.
            floor: Of one guess at an existing vault's.

        Raises:
            HomeBusyError: Another process holds the vault.
            ConfigurationError: The home or the environment cannot be used.
        """
        environment = vault_environment()
        achieved = harden() if hardened else _NO_HARDENING
        sources = KekSources(SystemEntropy(), environment, cost=cost, floor=floor)
        return cls(VaultHome.acquire(home, role), sources, environment, achieved)

    def close(self) -> None:
        """Seal and let go of the lock."""
        self.vault.seal()
        self.home.release()

    def create(self, choice: KekChoice) -> Header:
        """Make a new vault, sealed.

        Raises:
            StorageError: There is one already.
            ConfigurationError, KekUnavailableError: The KEK source cannot be used; nothing was made.
        """
        if self.store.exists():
            raise ConfigurationError(f"there is a vault in {vault_path(self.home.path).parent} already")
        return self.vault.create(self._sources.new(choice), self.clock.now_us())

    def unseal(self, passphrase: Secret | None = None) -> Unsealed | Refused:
        """Open the vault with its own KEK source.

        Args:
            passphrase: As typed, where the source is one.

        Raises:
            ConfigurationError: A passphrase is needed.
            KekUnavailableError, CorruptStoreError, StorageError: It stays sealed; nothing was changed.
        """
        return self.vault.unseal(self._sources.of(self.vault.description(), passphrase))

    def rekey(self, choice: KekChoice) -> Refused | Sealed | None:
        """Change the KEK source. Raises as `create`; the old source opens the vault until it returns."""
        if self.vault.sealed:
            return Sealed()
        return self.vault.rekey(self._sources.new(choice))

    def restore(self, database: bytes, *, replace: bool) -> Path | None:
        """Put a checked backup in the vault's place.

        Args:
            database: From `read_backup`.
            replace: Move a vault that is there aside; without it, one that is there stays and this is refused.

        Returns:
            Where the old one went.

        Raises:
            StorageError: There is one, or it cannot be written.
        """
        self.vault.seal()
        path = vault_path(self.home.path)
        aside = (
            path.with_name(f"vault.db.replaced-{self.clock.now_us()}") if replace and path.exists() else None
        )
        install(database, path, aside=aside)
        return aside

    def check(self, credential_id: str) -> CheckReport | Refused | Sealed | NotFound:
        """Ask a credential's exchange about it; what it says is remembered until this process ends."""
        record = self.vault.record(credential_id)
        if isinstance(record, Sealed | NotFound):
            return record
        if not record.api_key:
            return Refused(
                f"{record.label!r} has no API key yet; register its public key at the exchange first"
            )
        signer = self.vault.signer_for(credential_id)
        if isinstance(signer, Sealed | NotFound):
            return signer
        report = check(record, signer, self.probe(record.upstream), self.clock)
        self._checks.pop(credential_id, None)
        self._checks[credential_id] = Checked(self.clock.now_us(), report)
        if len(self._checks) > CHECKS_COUNT_MAX:
            self.forget_check(next(iter(self._checks)))
        return report

    def last_checks(self) -> list[Checked]:
        """List what the last check of each credential found, since this process began. Any thread may ask."""
        return list(self._checks.values())

    def forget_check(self, credential_id: str) -> None:
        """Forget what was found about a credential, because it is gone."""
        self._checks.pop(credential_id, None)

    def probe(self, upstream: Upstream) -> UpstreamProbe:
        """Return what reads from an upstream; a credential's own, and no other."""
        return HttpProbe(self.local_address() if upstream == "local" else ADDRESSES[upstream].rest)

    def local_address(self) -> str:
        """Find the testnet: as told, else the one running in this home, else where it usually is."""
        if self.local_upstream:
            return self.local_upstream
        try:
            return str(json.loads((self.home.path / "run.json").read_bytes())["testnet"]["rest"])
        except (OSError, ValueError, KeyError, TypeError):
            return ADDRESSES["local"].rest
