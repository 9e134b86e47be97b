"""The port through which the vault's KEK is wrapped and unwrapped. Never stores anything and never sees a secret.

The vault draws its KEK itself. A KEK source keeps the means to wrap it: a passphrase, a key file, somebody else's key
service. Changing the source (`rekey`) re-wraps one value; changing the KEK (`rewrap`) re-wraps every DEK.
"""

from typing import Final, Literal, Protocol, get_args

import msgspec

from watchword.kernel.errors import WatchwordError
from watchword.kernel.secret import Secret

KekKind = Literal["passphrase", "key-file", "keyring", "environment", "transit", "aws-kms", "gcp-kms"]
KEK_KINDS: Final[tuple[KekKind, ...]] = get_args(KekKind)


class KekDescription(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How to find a KEK source again: stored in clear beside the wrapped KEK, and authenticated by it.

    Attributes:
        kind: Which adapter.
        settings: What that adapter needs, none of it secret: a salt, a path, the name of a key.
        demo: Anybody who has the home has the KEK; the vault then refuses live credentials.
    """

    kind: KekKind
    settings: dict[str, str] = {}
    demo: bool = False


class KekRefused(msgspec.Struct, frozen=True):
    """The source does not open this KEK: a wrong passphrase, another key, altered bytes.

    Attributes:
        reason: For a person.
    """

    reason: str


class KekUnavailableError(WatchwordError):
    """A KEK source cannot be reached or used now; the text says what is missing."""


class KekSource(Protocol):
    """Wraps and unwraps the vault's KEK.

    When unavailable: refuse (`KekUnavailableError`); the vault stays sealed, nothing is lost.
    """

    def wrap(self, key: Secret, aad: bytes) -> bytes:
        """Wrap a key.

        Args:
            key: A serialised keyset, at most a few hundred bytes.
            aad: Bound to the result: unwrapping needs the same bytes.

        Raises:
            KekUnavailableError: Not now.
        """
        ...

    def unwrap(self, wrapped: bytes, aad: bytes) -> Secret | KekRefused:
        """Undo `wrap`.

        Raises:
            KekUnavailableError: Not now.
        """
        ...

    def describe(self) -> KekDescription:
        """Say how to find this source again."""
        ...
