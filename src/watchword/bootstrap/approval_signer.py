"""The console's approval key: signs what people decide about requests that wait. Never decides anything itself.

The gateway takes decisions only under the key it has pinned (docs/formats/approvals.md), so that whoever merely reaches
its admin socket cannot approve anything. The key lies in `HOME/console/approval.key`, 0600, and is made when first needed.
"""

from pathlib import Path
from typing import Final, final

from watchword.adapters.console_home import console_folder
from watchword.adapters.key_files import read_bounded, readable_by_others
from watchword.credentials.key_problem import KeyProblem
from watchword.credentials.keypair import generate
from watchword.credentials.pem import read_key
from watchword.gateway.approval_statement import Statement, statement_bytes
from watchword.kernel.entropy import Entropy
from watchword.kernel.errors import ConfigurationError
from watchword.storage.private_files import write_atomically

KEY_NAME: Final = "approval.key"


@final
class ApprovalSigner:
    """Signs statements with one key.

    Attributes:
        public_pem: Its public half, to be pinned.
        fingerprint: Of the public half.
    """

    def __init__(self, home: Path, entropy: Entropy) -> None:
        """Read the key, or make it.

        Args:
            home: The home, absolute.
            entropy: Makes it.

        Raises:
            ConfigurationError: It can be read by others, or is no Ed25519 key.
            StorageError: It could not be written.
        """
        path = console_folder(home) / KEY_NAME
        if not path.exists():
            write_atomically(path, generate("ed25519", entropy).export(None, entropy))
        if readable_by_others(path):
            raise ConfigurationError(f"{path} can be read by others: chmod 600 {path}")
        found = read_key(read_bounded(path))
        if (
            isinstance(found, KeyProblem)
            or found.private is None
            or found.private.public.key_type != "ED25519"
        ):
            raise ConfigurationError(f"{path} holds no Ed25519 private key")
        self._signer = found.private.signer()
        self.public_pem, self.fingerprint = found.private.public.pem(), found.private.public.fingerprint

    def signed(self, statement: Statement) -> tuple[str, str]:
        """Write and sign a statement.

        Returns:
            The text that is signed, and its signature in base64.
        """
        raw = statement_bytes(statement)
        return raw.decode("utf-8"), self._signer.sign(raw)
