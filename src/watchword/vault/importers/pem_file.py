"""A private key file as an import: the whole file is the secret. Reading its dialect is the key core's part."""

from watchword.kernel.secret import Secret
from watchword.vault.importers.found import Found, Span


def read_pem_file(raw: bytes) -> list[Found]:
    """Return the file as one credential without an API key."""
    return [Found("key file", "", Secret(raw), (Span(0, len(raw)),))]
