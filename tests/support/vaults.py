"""Vaults for tests: cheap passphrases, in memory or in a folder, with credentials in them."""

from pathlib import Path
from typing import Final

from watchword.adapters.kek.passphrase import Argon2Cost, PassphraseSource
from watchword.adapters.memory.vault import MemoryVaultStore
from watchword.adapters.system import SystemEntropy
from watchword.bootstrap.kek_sources import KekChoice
from watchword.bootstrap.vault_host import VaultHost
from watchword.kernel.secret import Secret
from watchword.vault.header import decode_header
from watchword.vault.intake import new_item
from watchword.vault.kek import KekSource
from watchword.vault.record import RealCredential, new_id
from watchword.vault.store import VaultStore
from watchword.vault.vault import Unsealed, Vault

#: Microseconds instead of half a second; production's is tested once.
CHEAP: Final = Argon2Cost(64, 1, 1)
PASSPHRASE: Final = Secret(b"correct horse battery staple")
ENTROPY: Final = SystemEntropy()
HMAC_SECRET: Final = b"NhqPtmdSJYdKjVHjA7PZj4Mge3R5YNiP1e3UZjInClVN65XAbvqqM6A7H5fATj0j"


def api_key(letter: str = "k") -> str:
    """64 letters."""
    return letter * 64


def record(label: str = "main", **fields: object) -> RealCredential:
    """An HMAC credential of the local testnet."""
    chosen: dict[str, object] = {
        "id": new_id(ENTROPY),
        "label": label,
        "upstream": "local",
        "key_type": "HMAC",
        "api_key": (label.encode().hex() + "0" * 64)[:64],
        "created_us": 1_700_000_000_000_000,
    }
    return RealCredential(**(chosen | fields))  # type: ignore[arg-type]


def cheap_source() -> PassphraseSource:
    """A passphrase source as a new vault gets it."""
    return PassphraseSource.new(PASSPHRASE, CHEAP, ENTROPY)


def reopened(vault: Vault, passphrase: Secret = PASSPHRASE) -> KekSource:
    """The source of an existing vault, from a passphrase."""
    return PassphraseSource.of(vault.description(), passphrase, CHEAP, ENTROPY)


def memory_vault(*labels: str) -> tuple[Vault, MemoryVaultStore]:
    """An unsealed vault in memory holding HMAC credentials with these labels."""
    store = MemoryVaultStore()
    vault = Vault(store, ENTROPY)
    vault.create(cheap_source(), 1)
    assert isinstance(vault.unseal(reopened(vault)), Unsealed)
    for label in labels:
        assert isinstance(vault.add(record(label), Secret(HMAC_SECRET)), RealCredential)
    return vault, store


def post(store: VaultStore, credential: RealCredential, secret: bytes = HMAC_SECRET) -> None:
    """Put a secret into the inbox, as the command line does."""
    header = decode_header(store.meta()["header"])
    store.post(new_item(header, credential, Secret(secret)))


def cheap_host(home: Path) -> VaultHost:
    """Hold a home's vault in this process, without hardening it."""
    return VaultHost.open(home, "test", hardened=False, cost=CHEAP, floor=CHEAP)


def host_with(home: Path, *labels: str, choice: KekChoice | None = None) -> VaultHost:
    """A new, unsealed vault on disk with HMAC credentials."""
    host = cheap_host(home)
    host.create(choice or KekChoice("passphrase", passphrase=PASSPHRASE))
    assert isinstance(host.unseal(PASSPHRASE), Unsealed)
    for label in labels:
        assert isinstance(host.vault.add(record(label), Secret(HMAC_SECRET)), RealCredential)
    return host
