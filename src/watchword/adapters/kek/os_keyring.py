"""A KEK source: a key in the desktop's keyring (Secret Service, KWallet). Needs the extra `keyring`.

Never uses a backend that keeps what it gets in clear.
"""

import base64
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Final, TypeVar

from watchword.adapters.kek.raw_key import RawKeySource, read_key_text
from watchword.kernel.entropy import Entropy
from watchword.kernel.secret import Secret
from watchword.vault.kek import KekDescription, KekUnavailableError
from watchword.vault.raw_wrap import RAW_KEY_BYTES

if TYPE_CHECKING:
    from keyring.backend import KeyringBackend

T = TypeVar("T")

SERVICE: Final = "watchword"
#: A desktop may ask its user for the keyring's password first.
ANSWER_S_MAX: Final = 60.0
NAME_BYTES: Final = 8
#: Backends that are no keyring: they keep nothing, refuse everything, or write plain text.
_UNFIT: Final = ("keyring.backends.fail", "keyring.backends.null", "keyrings.alt.file")


def new_keyring_key(entropy: Entropy) -> RawKeySource:
    """Draw a key into the keyring under a new name.

    Raises:
        KekUnavailableError: There is no keyring to use, or it did not keep the key.
    """
    backend = _backend()
    name = "vault-" + entropy.token(NAME_BYTES).hex()
    key = Secret(entropy.token(RAW_KEY_BYTES))
    text = base64.b64encode(key.reveal()).decode("ascii")
    _answered(lambda: backend.set_password(SERVICE, name, text), "take the key")
    return keyring_key(KekDescription("keyring", {"service": SERVICE, "name": name}), entropy)


def keyring_key(description: KekDescription, entropy: Entropy) -> RawKeySource:
    """Read the key of an existing vault from the keyring.

    Raises:
        KekUnavailableError: There is no keyring, it is locked, or the key is not in it.
    """
    service, name = description.settings.get("service", ""), description.settings.get("name", "")
    backend = _backend()
    text = _answered(lambda: backend.get_password(service, name), "answer")
    key = read_key_text(text.encode("utf-8", "replace")) if text is not None else None
    if key is None:
        raise KekUnavailableError(f"the keyring has no key {service}/{name}, or it was altered")
    refused = f"the key {service}/{name} in the keyring does not open this vault"
    return RawKeySource(key, description, refused, entropy)


def _answered(call: Callable[[], T], what: str) -> T:
    """Wait for a keyring, which may be waiting for a person to unlock it, but not for ever.

    Args:
        call: What is asked of it.
        what: It did not do, for the error text.

    Raises:
        KekUnavailableError: It failed, or nobody unlocked it.
    """
    results: list[T] = []
    faults: list[Exception] = []

    def ask() -> None:
        try:
            results.append(call())
        except Exception as error:  # noqa: BLE001 - backends raise what they like
            faults.append(error)

    asking = threading.Thread(target=ask, name="keyring", daemon=True)
    asking.start()
    asking.join(ANSWER_S_MAX)
    if results:
        return results[0]
    why = type(faults[0]).__name__ if faults else f"nothing came for {ANSWER_S_MAX:.0f} s; is it locked?"
    raise KekUnavailableError(f"the keyring did not {what}: {why}") from (faults[0] if faults else None)


def _backend() -> "KeyringBackend":
    try:
        import keyring
    except ImportError as error:
        raise KekUnavailableError("install the keyring extra: pip install 'watchword[keyring]'") from error
    backend = keyring.get_keyring()
    if type(backend).__module__.startswith(_UNFIT):
        raise KekUnavailableError(
            "this machine has no keyring service running for this user; choose another --kek"
        )
    return backend
