"""What the shared core needs from outside: a place to look credentials up. Never stores anything itself."""

from typing import Protocol

from watchword.credentials.model import Credential


class CredentialDirectory(Protocol):
    """Credentials by API key, answered from memory.

    When unavailable: refuse. A directory that lost its store raises instead of answering None.
    """

    def find(self, api_key: str) -> Credential | None:
        """Return the credential with this API key as it stands now, or None where there is none."""
        ...
