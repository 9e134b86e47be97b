"""A KEK source: a passphrase, stretched with Argon2id. Never stores the passphrase.

Source: RFC 9106, second recommended option (64 MiB, 3 passes, 4 lanes) doubled in memory.
"""

from typing import Final, Self

import msgspec
from cryptography.hazmat.primitives.kdf.argon2 import Argon2id

from watchword.kernel.entropy import Entropy
from watchword.kernel.errors import CorruptStoreError
from watchword.kernel.secret import Secret
from watchword.vault.kek import KekDescription, KekRefused
from watchword.vault.raw_wrap import RAW_KEY_BYTES, unwrap, wrap

SALT_BYTES: Final = 16
#: What is stored beside the vault is not trusted: more than this would only keep us busy, less would be a downgrade.
MEMORY_KIB_MAX: Final = 4 << 20
PASSES_MAX: Final = 64
LANES_MAX: Final = 64


class Argon2Cost(msgspec.Struct, frozen=True):
    """What one guess costs.

    Attributes:
        memory_kib: Memory.
        passes: How often it is gone over.
        lanes: Parallel lanes.
    """

    memory_kib: int
    passes: int
    lanes: int


#: 128 MiB: about 0.4 s on one small core.
PRODUCTION: Final = Argon2Cost(128 * 1024, 3, 4)
#: What an existing vault must at least have been made with.
FLOOR: Final = Argon2Cost(64 * 1024, 2, 1)


class PassphraseSource:
    """See `KekSource`."""

    def __init__(self, key: Secret, description: KekDescription, entropy: Entropy) -> None:
        self._key = key
        self._description = description
        self._entropy = entropy

    @classmethod
    def new(cls, passphrase: Secret, cost: Argon2Cost, entropy: Entropy) -> Self:
        """Begin with a passphrase.

        Args:
            passphrase: Its UTF-8 bytes.
            cost: What guessing shall cost.
            entropy: Where the salt comes from.
        """
        salt = entropy.token(SALT_BYTES)
        settings = {
            "kdf": "argon2id",
            "salt": salt.hex(),
            "memory_kib": str(cost.memory_kib),
            "passes": str(cost.passes),
            "lanes": str(cost.lanes),
        }
        return cls(_derived(passphrase, salt, cost), KekDescription("passphrase", settings), entropy)

    @classmethod
    def of(cls, description: KekDescription, passphrase: Secret, floor: Argon2Cost, entropy: Entropy) -> Self:
        """Come back with a passphrase.

        Args:
            description: As stored.
            passphrase: As typed.
            floor: A cheaper cost is refused.
            entropy: For wrapping again.

        Raises:
            CorruptStoreError: The stored settings are none, or cheaper than the floor.
        """
        try:
            salt = bytes.fromhex(description.settings["salt"])
            cost = Argon2Cost(
                *(int(description.settings[name]) for name in ("memory_kib", "passes", "lanes"))
            )
        except (KeyError, ValueError) as error:
            raise CorruptStoreError("the vault's passphrase settings are damaged") from error
        if cost.memory_kib < floor.memory_kib or cost.passes < floor.passes or cost.lanes < floor.lanes:
            raise CorruptStoreError(
                "the vault's passphrase settings were weakened; it is not opened with them"
            )
        if cost.memory_kib > MEMORY_KIB_MAX or cost.passes > PASSES_MAX or cost.lanes > LANES_MAX:
            raise CorruptStoreError("opening this vault would take minutes or gigabytes, by its own settings")
        return cls(_derived(passphrase, salt, cost), description, entropy)

    def wrap(self, key: Secret, aad: bytes) -> bytes:
        """See `KekSource.wrap`."""
        return wrap(self._key, key, aad, self._entropy)

    def unwrap(self, wrapped: bytes, aad: bytes) -> Secret | KekRefused:
        """See `KekSource.unwrap`."""
        return unwrap(self._key, wrapped, aad) or KekRefused("wrong passphrase; nothing was changed")

    def describe(self) -> KekDescription:
        """See `KekSource.describe`."""
        return self._description


def _derived(passphrase: Secret, salt: bytes, cost: Argon2Cost) -> Secret:
    kdf = Argon2id(
        salt=salt,
        length=RAW_KEY_BYTES,
        iterations=cost.passes,
        lanes=cost.lanes,
        memory_cost=cost.memory_kib,
    )
    return Secret(kdf.derive(passphrase.reveal()))
