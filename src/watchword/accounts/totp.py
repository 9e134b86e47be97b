"""Time-based one-time passwords: a seed drawn here, codes checked a step either way, each step taken once.

Never stores anything: the caller keeps the step that was taken.
Source: RFC 6238 (30 s, six digits, SHA-1, what every authenticator app speaks), §5.2 on taking a code once.
"""

import base64
import hmac
from typing import Final, Literal, TypeAlias

from pyotp import TOTP

from watchword.kernel.entropy import Entropy
from watchword.kernel.secret import Secret

STEP_SECONDS: Final = 30
CODE_DIGITS: Final = 6
#: Steps either way, for clocks that differ.
DRIFT_STEPS_MAX: Final = 1
#: Source: RFC 4226 §4 recommends 160 bits.
SEED_BYTES: Final = 20
ISSUER: Final = "Watchword"

_STEP_US: Final = STEP_SECONDS * 1_000_000

#: Why a code was not taken; the person hears the same for both.
TotpRefusal: TypeAlias = Literal["wrong", "used"]


def new_seed(entropy: Entropy) -> Secret:
    """Draw a seed of 160 bits."""
    return Secret(entropy.token(SEED_BYTES))


def enrolment_uri(seed: Secret, name: str, issuer: str = ISSUER) -> str:
    """Write the `otpauth://` text an authenticator app scans. Shown once, to its owner; it holds the seed.

    Args:
        seed: 20 bytes.
        name: Whose it is, as the app shows it.
        issuer: Whose app entry it is.
    """
    return _totp(seed).provisioning_uri(name=name, issuer_name=issuer)


def step_of(seed: Secret, code: str, now_us: int, last_step: int) -> int | TotpRefusal:
    """Find the step a code belongs to.

    Args:
        seed: 20 bytes.
        code: As typed; spaces are ignored.
        now_us: Epoch microseconds.
        last_step: The newest step taken so far; it and all before it are refused.

    Returns:
        The step to keep as the newest, or why the code is not taken: `used` where it was right once.
    """
    typed = code.replace(" ", "")
    if len(typed) != CODE_DIGITS or not typed.isascii() or not typed.isdigit():
        return "wrong"
    totp, step = _totp(seed), now_us // _STEP_US
    used = False
    # Newest first and without an early end: where two steps have one code, the later one is taken, and used up.
    for candidate in range(step + DRIFT_STEPS_MAX, max(step - DRIFT_STEPS_MAX, 0) - 1, -1):
        if hmac.compare_digest(totp.generate_otp(candidate), typed):
            if candidate > last_step:
                return candidate
            used = True
    return "used" if used else "wrong"


def _totp(seed: Secret) -> TOTP:
    return TOTP(base64.b32encode(seed.reveal()).decode("ascii"), digits=CODE_DIGITS, interval=STEP_SECONDS)
