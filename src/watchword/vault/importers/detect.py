"""Names the format of a file by looking at it. Never reads a secret out of it."""

import re
from typing import Final, Literal, get_args

Format = Literal["freqtrade", "ccxt", "hummingbot", "env", "pem"]
FORMATS: Final[tuple[Format, ...]] = get_args(Format)

_CONNECTOR: Final = re.compile(rb"^\w+_api_secret:", re.MULTILINE)
_EXCHANGE: Final = re.compile(rb'"exchange"\s*:\s*\{')
_KEY_FILE: Final = re.compile(rb'"crypto"\s*:\s*\{')
_ASSIGNMENT: Final = re.compile(
    rb"^[ \t]*(?:export[ \t]+)?[A-Za-z_][A-Za-z0-9_.]*[ \t]*=[ \t]*[^=\s]", re.MULTILINE
)
_COMMENTED_JSON: Final = re.compile(rb"^(?:\s|\xef\xbb\xbf|//[^\n]*\n|/\*.*?\*/)*\{", re.DOTALL)


def detect(raw: bytes) -> Format:
    """Say which importer fits; what fits none is taken for a key file, whose reader says best what is wrong."""
    if _COMMENTED_JSON.match(raw):
        if _KEY_FILE.search(raw):
            return "hummingbot"
        return "freqtrade" if _EXCHANGE.search(raw) else "ccxt"
    if _CONNECTOR.search(raw):
        return "hummingbot"
    first = raw.lstrip()[:5]
    if not first.startswith(b"-----") and _ASSIGNMENT.search(raw):
        return "env"
    return "pem"
