"""What the vault answers when it does not do what was asked: expected refusals as values. Decides nothing."""

from typing import final

import msgspec

from watchword.kernel.errors import WatchwordError


@final
class Sealed(msgspec.Struct, frozen=True):
    """The vault is sealed: it cannot use its KEK, so it can neither sign nor open anything."""

    def __str__(self) -> str:
        return "the vault is sealed; unseal it with: watchword vault unseal"


@final
class NotFound(msgspec.Struct, frozen=True):
    """There is no secret with this id.

    Attributes:
        id: What was asked for.
    """

    id: str

    def __str__(self) -> str:
        return f"the vault holds nothing under {self.id!r}"


class Refused(msgspec.Struct, frozen=True):
    """A request that cannot be done.

    Attributes:
        reason: Why, for a person; never contains a secret.
    """

    reason: str

    def __str__(self) -> str:
        return self.reason


class SealedError(WatchwordError):
    """A signer or verifier was used after the vault was sealed or its secret removed."""

    def __init__(self) -> None:
        super().__init__("the vault was sealed, or this secret was removed, after the signer was handed out")
