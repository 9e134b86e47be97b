"""Security keys and device sensors: what the browser is asked, and whether what it answers is true. Never stores anything.

Each challenge is 32 bytes of our entropy, bound to one session and one purpose, and good once. Attestation is not
asked for: which maker's key it is decides nothing here.
Source: W3C Web Authentication Level 3, §7.1 and §7.2; the steps are py_webauthn's.
"""

import base64
from collections import OrderedDict
from collections.abc import Sequence
from typing import Any, Final, Literal, TypeAlias

import msgspec
from webauthn import (
    generate_authentication_options,
    generate_registration_options,
    verify_authentication_response,
    verify_registration_response,
)
from webauthn.helpers import options_to_json_dict
from webauthn.helpers.structs import (
    AuthenticatorSelectionCriteria,
    PublicKeyCredentialDescriptor,
    ResidentKeyRequirement,
    UserVerificationRequirement,
)

from watchword.accounts.model import Person, WebauthnFactor
from watchword.accounts.refusal import Refused
from watchword.kernel.entropy import Entropy

CHALLENGE_BYTES: Final = 32
CHALLENGE_LIFE_MS: Final = 300_000
#: Sessions that may have one open; the oldest is forgotten, and its browser asks anew.
CHALLENGES_OPEN_MAX: Final = 1_000
#: Source: WebAuthn §4, credential ids are at most 1,023 bytes.
CREDENTIAL_ID_BYTES_MAX: Final = 1_023
#: COSE keys of the algorithms we take; RSA 4096 fits.
PUBLIC_KEY_BYTES_MAX: Final = 2_048
#: Base64 of the longest answer: client data, authenticator data, attestation with certificates.
ANSWER_TEXT_LENGTH_MAX: Final = 65_536
TRANSPORTS_KNOWN: Final = frozenset({"usb", "nfc", "ble", "internal", "hybrid", "smart-card", "cable"})

Purpose: TypeAlias = Literal["register", "show"]


class RelyingParty(msgspec.Struct, frozen=True):
    """Who we are to browsers.

    Attributes:
        id: The host name people see, without scheme and port: `localhost`, `watchword.example.org`.
        origins: Exact origins an answer may come from: `https://watchword.example.org`.
        name: As the browser shows it.
    """

    id: str
    origins: tuple[str, ...]
    name: str = "Watchword"


class VerifiedKey(msgspec.Struct, frozen=True):
    """A new authenticator, proven to hold the key it names.

    Attributes:
        credential_id: Its name.
        public_key: COSE key.
        sign_count: Its counter.
        transports: How it is reached.
        backed_up: Whether it leaves the device.
    """

    credential_id: bytes
    public_key: bytes
    sign_count: int
    transports: tuple[str, ...]
    backed_up: bool


class Challenges:
    """Open challenges, in memory: a restart closes them."""

    def __init__(self, entropy: Entropy) -> None:
        self._entropy = entropy
        self._open: OrderedDict[tuple[str, Purpose], tuple[bytes, int]] = OrderedDict()

    def open(self, session_id: str, purpose: Purpose, now_us: int) -> bytes:
        """Draw a challenge for one session; the one it had for this purpose is void."""
        challenge = self._entropy.token(CHALLENGE_BYTES)
        self._open.pop((session_id, purpose), None)
        self._open[session_id, purpose] = (challenge, now_us)
        while len(self._open) > CHALLENGES_OPEN_MAX:
            self._open.popitem(last=False)
        return challenge

    def take(self, session_id: str, purpose: Purpose, now_us: int) -> bytes | None:
        """Close a session's challenge and return it; None where there is none or it is too old."""
        challenge, opened_us = self._open.pop((session_id, purpose), (None, 0))
        if challenge is None or not 0 <= now_us - opened_us < CHALLENGE_LIFE_MS * 1_000:
            return None
        return challenge

    def __len__(self) -> int:
        return len(self._open)


def registration_options(
    party: RelyingParty, person: Person, held: Sequence[WebauthnFactor], challenge: bytes
) -> dict[str, Any]:
    """Write what `navigator.credentials.create` is called with, as JSON values.

    Args:
        party: Who we are.
        person: Who registers.
        held: Authenticators they have already; these are not offered again.
        challenge: 32 bytes, opened for this session.
    """
    options = generate_registration_options(
        rp_id=party.id,
        rp_name=party.name,
        user_name=person.name,
        user_id=person.id.encode(),
        challenge=challenge,
        timeout=CHALLENGE_LIFE_MS,
        authenticator_selection=AuthenticatorSelectionCriteria(
            resident_key=ResidentKeyRequirement.DISCOURAGED,
            user_verification=UserVerificationRequirement.PREFERRED,
        ),
        exclude_credentials=[_descriptor(factor) for factor in held],
    )
    return dict(options_to_json_dict(options))


def assertion_options(
    party: RelyingParty, held: Sequence[WebauthnFactor], challenge: bytes
) -> dict[str, Any]:
    """Write what `navigator.credentials.get` is called with, as JSON values."""
    options = generate_authentication_options(
        rp_id=party.id,
        challenge=challenge,
        timeout=CHALLENGE_LIFE_MS,
        allow_credentials=[_descriptor(factor) for factor in held],
        user_verification=UserVerificationRequirement.PREFERRED,
    )
    return dict(options_to_json_dict(options))


def verify_registration(
    party: RelyingParty, challenge: bytes, answer: dict[str, Any]
) -> VerifiedKey | Refused:
    """Verify what a browser answered to `registration_options`.

    Args:
        party: Who we are; id and origin must be exactly these.
        challenge: The one this session had open.
        answer: `PublicKeyCredential` as JSON values.

    Returns:
        The authenticator, or that it is not taken.
    """
    if _too_long(answer):
        return Refused("bad_factor", "the security key's answer is too long")
    try:
        verified = verify_registration_response(
            credential=answer,
            expected_challenge=challenge,
            expected_rp_id=party.id,
            expected_origin=list(party.origins),
        )
    except Exception:  # noqa: BLE001  # the library parses hostile CBOR; whatever it trips over is a no
        return Refused("bad_factor", "the security key's answer is not right; begin again")
    key = verified.credential_public_key
    if len(verified.credential_id) > CREDENTIAL_ID_BYTES_MAX or len(key) > PUBLIC_KEY_BYTES_MAX:
        return Refused("bad_factor", "the security key's name or public key is too long")
    return VerifiedKey(
        verified.credential_id, key, verified.sign_count, _transports(answer), verified.credential_backed_up
    )


def verify_assertion(
    party: RelyingParty, factor: WebauthnFactor, challenge: bytes, answer: dict[str, Any]
) -> int | Refused:
    """Verify what a browser answered to `assertion_options`.

    Args:
        party: Who we are; id and origin must be exactly these.
        factor: The authenticator it says it comes from.
        challenge: The one this session had open.
        answer: `PublicKeyCredential` as JSON values.

    Returns:
        The counter to store: it grew, or always was 0. Or that it is not taken: a counter that stands still or goes
        back means there are two of the key.
    """
    if _too_long(answer):
        return Refused("bad_factor", "the security key's answer is too long")
    try:
        verified = verify_authentication_response(
            credential=answer,
            expected_challenge=challenge,
            expected_rp_id=party.id,
            expected_origin=list(party.origins),
            credential_public_key=factor.public_key,
            credential_current_sign_count=factor.sign_count,
        )
    except Exception:  # noqa: BLE001  # as above
        return Refused("bad_factor", "the security key's answer is not right; begin again")
    if verified.credential_id != factor.credential_id:
        return Refused("bad_factor", "the answer is another security key's")
    return verified.new_sign_count


def answering(held: Sequence[WebauthnFactor], answer: dict[str, Any]) -> WebauthnFactor | None:
    """Return which of a person's authenticators an answer says it comes from."""
    claimed = answer.get("rawId")
    return next((factor for factor in held if _descriptor_id(factor) == claimed), None)


def _descriptor(factor: WebauthnFactor) -> PublicKeyCredentialDescriptor:
    return PublicKeyCredentialDescriptor(id=factor.credential_id)


def _descriptor_id(factor: WebauthnFactor) -> str:
    return base64.urlsafe_b64encode(factor.credential_id).rstrip(b"=").decode("ascii")


def _transports(answer: dict[str, Any]) -> tuple[str, ...]:
    response = answer.get("response")
    named = response.get("transports") if isinstance(response, dict) else None
    if not isinstance(named, list):
        return ()
    return tuple(sorted(TRANSPORTS_KNOWN.intersection(one for one in named if isinstance(one, str))))


def _too_long(answer: dict[str, Any]) -> bool:
    """Whether any text in an answer is longer than an honest one, one level deep as the answer is."""
    response = answer.get("response")
    texts = [*answer.values(), *(response.values() if isinstance(response, dict) else ())]
    return sum(len(text) for text in texts if isinstance(text, str)) > ANSWER_TEXT_LENGTH_MAX
