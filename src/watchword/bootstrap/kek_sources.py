"""Puts KEK sources together: a new one from what a person chose, an old one from what the vault says of itself.

The only place that knows all adapters. Cloud clients are imported when they are chosen. Never keeps a passphrase.
"""

from pathlib import Path
from typing import assert_never, final

import msgspec

from watchword.adapters.kek.passphrase import FLOOR, PRODUCTION, Argon2Cost, PassphraseSource
from watchword.adapters.kek.raw_key import environment_key, key_file, new_key_file
from watchword.config import KEK_VARIABLE, VaultEnvironment
from watchword.kernel.entropy import Entropy
from watchword.kernel.errors import ConfigurationError
from watchword.kernel.secret import Secret
from watchword.vault.kek import KekDescription, KekKind, KekSource


class KekChoice(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a person chose for a new vault, or to change to.

    Attributes:
        kind: Which source.
        settings: What it needs besides secrets: `path`; `address`, `mount`, `key`; `key`, `region`.
        passphrase: For the source `passphrase`.
        demo: The KEK lies beside the vault; live credentials are then refused. Only for key files.
    """

    kind: KekKind
    settings: dict[str, str] = {}
    passphrase: Secret | None = None
    demo: bool = False


@final
class KekSources:
    """Makes and finds KEK sources.

    Args:
        entropy: For salts, keys and nonces.
        environment: Keys and tokens that the process was given.
        cost: Of one guess at a new passphrase.
        floor: A vault whose passphrase was stretched less is refused. Tests lower both.
    """

    def __init__(
        self,
        entropy: Entropy,
        environment: VaultEnvironment,
        *,
        cost: Argon2Cost = PRODUCTION,
        floor: Argon2Cost = FLOOR,
    ) -> None:
        self._entropy = entropy
        self._environment = environment
        self._cost = cost
        self._floor = floor

    def new(self, choice: KekChoice) -> KekSource:
        """Begin with a source.

        Raises:
            ConfigurationError: The choice cannot be used; the text says what is missing.
            KekUnavailableError: The source cannot be used now.
        """
        if choice.demo and choice.kind != "key-file":
            raise ConfigurationError("only a key file can be a demo KEK")
        match choice.kind:
            case "passphrase":
                if choice.passphrase is None:
                    raise ConfigurationError("a passphrase is needed")
                return PassphraseSource.new(choice.passphrase, self._cost, self._entropy)
            case "key-file":
                path = choice.settings.get("path", "")
                if not path:
                    raise ConfigurationError("--key-file names the file the KEK is wrapped with")
                return new_key_file(Path(path).absolute(), self._entropy, demo=choice.demo)
            case "keyring":
                from watchword.adapters.kek.os_keyring import new_keyring_key

                return new_keyring_key(self._entropy)
            case "environment" | "transit" | "aws-kms" | "gcp-kms":
                return self.of(KekDescription(choice.kind, choice.settings), None)
            case _:
                assert_never(choice.kind)

    def of(self, description: KekDescription, passphrase: Secret | None) -> KekSource:
        """Come back to a vault's source.

        Args:
            description: As the vault says.
            passphrase: As typed; needed for the source `passphrase` only.

        Raises:
            ConfigurationError: A passphrase is missing.
            KekUnavailableError: The source cannot be used now.
            CorruptStoreError: The description cannot be used.
        """
        match description.kind:
            case "passphrase":
                if passphrase is None:
                    raise ConfigurationError("this vault opens with a passphrase")
                return PassphraseSource.of(description, passphrase, self._floor, self._entropy)
            case "key-file":
                return key_file(description, self._entropy)
            case "environment":
                return environment_key(self._environment.kek, KEK_VARIABLE, self._entropy)
            case "keyring":
                from watchword.adapters.kek.os_keyring import keyring_key

                return keyring_key(description, self._entropy)
            case "transit":
                return self._transit(description)
            case "aws-kms":
                from watchword.adapters.kek.aws_kms import AwsKmsSource

                return AwsKmsSource(description.settings)
            case "gcp-kms":
                from watchword.adapters.kek.gcp_kms import GcpKmsSource

                return GcpKmsSource(description.settings)
            case _:
                assert_never(description.kind)

    def _transit(self, description: KekDescription) -> KekSource:
        from watchword.adapters.kek.transit import TransitSource

        return TransitSource(
            description.settings,
            self._environment.transit_token,
            ca_file=self._environment.transit_ca_file,
            namespace=self._environment.transit_namespace,
        )
