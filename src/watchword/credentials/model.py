"""The credential: what is known about an API key. Holds no secret; its verifier keeps what it needs to itself."""

from typing import Final

import msgspec

from watchword.credentials.permission import DEFAULT_PERMISSIONS, Permission
from watchword.credentials.restriction import UNRESTRICTED, Restrictions
from watchword.credentials.verifier import KeyType, Verifier
from watchword.kernel.entropy import ALPHANUMERICS, Entropy, alphanumeric

API_KEY_LENGTH: Final = 64
HMAC_SECRET_LENGTH: Final = 64
LABEL_LENGTH_MAX: Final = 64

_ALPHANUMERIC: Final = frozenset(ALPHANUMERICS)


class Credential(msgspec.Struct, frozen=True):
    """One API key.

    Attributes:
        api_key: 64 letters and digits; the public name of the key.
        account_id: Whose it is.
        key_type: Which signatures it makes.
        verifier: Checks them.
        permissions: What it may do, a union.
        restrictions: From where, on what and until when, an intersection.
        label: What its owner calls it.
        created_us: Epoch microseconds.
    """

    api_key: str
    account_id: int
    key_type: KeyType
    verifier: Verifier
    permissions: frozenset[Permission] = DEFAULT_PERMISSIONS
    restrictions: Restrictions = UNRESTRICTED
    label: str = ""
    created_us: int = 0


def is_api_key(text: str) -> bool:
    """Whether a text has the form of an API key: 64 ASCII letters and digits."""
    return len(text) == API_KEY_LENGTH and _ALPHANUMERIC.issuperset(text)


def new_api_key(entropy: Entropy) -> str:
    """Draw a new API key."""
    return alphanumeric(entropy, API_KEY_LENGTH)


def new_hmac_secret(entropy: Entropy) -> str:
    """Draw a new HMAC secret. The caller shows it once or boxes it; nothing here keeps it."""
    return alphanumeric(entropy, HMAC_SECRET_LENGTH)
