from typing import Any

import pytest
from tests.support.authenticator import ORIGIN, RP_ID, SoftAuthenticator
from tests.support.people import NOW_US
from tests.support.trails import FixedEntropy

from watchword.accounts.model import Person, WebauthnFactor
from watchword.accounts.refusal import Refused
from watchword.accounts.webauthn_factor import (
    ANSWER_TEXT_LENGTH_MAX,
    CHALLENGE_LIFE_MS,
    CHALLENGES_OPEN_MAX,
    Challenges,
    RelyingParty,
    VerifiedKey,
    answering,
    assertion_options,
    registration_options,
    verify_assertion,
    verify_registration,
)

PARTY = RelyingParty(RP_ID, (ORIGIN,))
ANA = Person(id="p-ana", name="ana", mail="ana@example.org", role="trader")
CHALLENGE = bytes(range(32))
OTHER_CHALLENGE = bytes(range(1, 33))


def registered(device: SoftAuthenticator) -> WebauthnFactor:
    key = verify_registration(
        PARTY, CHALLENGE, device.register(registration_options(PARTY, ANA, [], CHALLENGE))
    )
    assert isinstance(key, VerifiedKey), key
    return WebauthnFactor(
        id="f-1",
        person_id=ANA.id,
        label="key",
        credential_id=key.credential_id,
        public_key=key.public_key,
        sign_count=key.sign_count,
        transports=key.transports,
    )


@pytest.fixture
def device() -> SoftAuthenticator:
    return SoftAuthenticator()


@pytest.fixture
def factor(device: SoftAuthenticator) -> WebauthnFactor:
    return registered(device)


def shown(device: SoftAuthenticator, factor: WebauthnFactor, **how: str) -> dict[str, Any]:
    return device.show(assertion_options(PARTY, [factor], CHALLENGE), **how)


def test_options_hold_our_challenge_and_names() -> None:
    options = registration_options(PARTY, ANA, [], CHALLENGE)
    assert options["challenge"] == "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8"
    assert options["rp"] == {"id": RP_ID, "name": "Watchword"}
    assert options["attestation"] == "none"


def test_registered_key_is_not_offered_again(factor: WebauthnFactor) -> None:
    options = registration_options(PARTY, ANA, [factor], CHALLENGE)
    assert [one["id"] for one in options["excludeCredentials"]] == ["c29mdC1hdXRoZW50aWNhdG9yLTE"]


def test_only_known_transports_are_kept(factor: WebauthnFactor) -> None:
    assert factor.transports == ("usb",)


def test_key_that_signs_the_challenge_is_taken(device: SoftAuthenticator, factor: WebauthnFactor) -> None:
    assert verify_assertion(PARTY, factor, CHALLENGE, shown(device, factor)) == 1


@pytest.mark.parametrize(
    "how",
    [
        {"origin": "https://watchword.example.org:8443"},
        {"origin": "http://watchword.example.org"},
        {"origin": "https://watchword.example.org.evil.example"},
        {"origin": "https://evil.watchword.example.org"},
        {"rp_id": "example.org"},
    ],
)
def test_other_origin_or_party_is_refused(
    device: SoftAuthenticator, factor: WebauthnFactor, how: dict[str, str]
) -> None:
    assert isinstance(verify_assertion(PARTY, factor, CHALLENGE, shown(device, factor, **how)), Refused)
    answer = device.register(registration_options(PARTY, ANA, [], CHALLENGE), **how)
    assert isinstance(verify_registration(PARTY, CHALLENGE, answer), Refused)


def test_other_challenge_is_refused(device: SoftAuthenticator, factor: WebauthnFactor) -> None:
    assert isinstance(verify_assertion(PARTY, factor, OTHER_CHALLENGE, shown(device, factor)), Refused)
    answer = device.register(registration_options(PARTY, ANA, [], CHALLENGE))
    assert isinstance(verify_registration(PARTY, OTHER_CHALLENGE, answer), Refused)


def test_signature_one_bit_off_is_refused(device: SoftAuthenticator, factor: WebauthnFactor) -> None:
    answer = shown(device, factor)
    text = answer["response"]["signature"]
    answer["response"]["signature"] = text[:20] + ("A" if text[20] != "A" else "B") + text[21:]
    assert isinstance(verify_assertion(PARTY, factor, CHALLENGE, answer), Refused)


def test_signature_of_another_key_is_refused(factor: WebauthnFactor) -> None:
    twin = SoftAuthenticator()
    assert isinstance(verify_assertion(PARTY, factor, CHALLENGE, shown(twin, factor)), Refused)


def test_answer_in_the_name_of_another_key_is_refused(
    device: SoftAuthenticator, factor: WebauthnFactor
) -> None:
    device.credential_id = b"soft-authenticator-2"
    assert isinstance(verify_assertion(PARTY, factor, CHALLENGE, shown(device, factor)), Refused)


def test_registration_answer_is_no_assertion(device: SoftAuthenticator, factor: WebauthnFactor) -> None:
    answer = device.register(registration_options(PARTY, ANA, [], CHALLENGE))
    assert isinstance(verify_assertion(PARTY, factor, CHALLENGE, answer), Refused)


@pytest.mark.parametrize(("stored", "counted", "taken"), [(4, 5, True), (5, 5, False), (6, 5, False)])
def test_counter_that_does_not_grow_is_refused(stored: int, counted: int, *, taken: bool) -> None:
    device = SoftAuthenticator(sign_count=stored)
    factor = registered(device)
    device.sign_count = counted - 1
    judged = verify_assertion(PARTY, factor, CHALLENGE, shown(device, factor))
    assert judged == counted if taken else isinstance(judged, Refused)


def test_key_that_never_counts_is_taken(device: SoftAuthenticator, factor: WebauthnFactor) -> None:
    device.sign_count = -1
    assert verify_assertion(PARTY, factor, CHALLENGE, shown(device, factor)) == 0


def test_answer_is_looked_up_among_a_persons_own_keys(
    device: SoftAuthenticator, factor: WebauthnFactor
) -> None:
    answer = shown(device, factor)
    assert answering([factor], answer) == factor
    assert answering([], answer) is None
    assert answering([factor], {**answer, "rawId": answer["rawId"][:-1] + "A"}) is None


@pytest.mark.parametrize("answer", [{}, {"id": 7}, {"response": []}, {"response": {"clientDataJSON": "%%%"}}])
def test_malformed_answer_is_refused(factor: WebauthnFactor, answer: dict[str, Any]) -> None:
    assert isinstance(verify_assertion(PARTY, factor, CHALLENGE, answer), Refused)
    assert isinstance(verify_registration(PARTY, CHALLENGE, answer), Refused)


def test_overlong_answer_is_refused_unread(device: SoftAuthenticator, factor: WebauthnFactor) -> None:
    answer = shown(device, factor)
    answer["response"]["more"] = "x" * ANSWER_TEXT_LENGTH_MAX
    judged = verify_assertion(PARTY, factor, CHALLENGE, answer)
    assert isinstance(judged, Refused)
    assert "long" in judged.reason


def test_challenge_is_good_once_for_its_session_and_purpose() -> None:
    challenges = Challenges(FixedEntropy())
    challenge = challenges.open("s-1", "show", NOW_US)
    assert challenges.take("s-2", "show", NOW_US) is None
    assert challenges.take("s-1", "register", NOW_US) is None
    assert challenges.take("s-1", "show", NOW_US) == challenge
    assert challenges.take("s-1", "show", NOW_US) is None


def test_challenge_is_replaced_by_the_next() -> None:
    challenges = Challenges(FixedEntropy())
    first, second = challenges.open("s-1", "show", NOW_US), challenges.open("s-1", "show", NOW_US)
    assert first != second
    assert challenges.take("s-1", "show", NOW_US) == second


@pytest.mark.parametrize(
    ("late_us", "good"), [(CHALLENGE_LIFE_MS * 1_000 - 1, True), (CHALLENGE_LIFE_MS * 1_000, False)]
)
def test_challenge_lives_five_minutes(late_us: int, *, good: bool) -> None:
    challenges = Challenges(FixedEntropy())
    challenges.open("s-1", "show", NOW_US)
    assert (challenges.take("s-1", "show", NOW_US + late_us) is not None) is good


def test_open_challenges_are_bounded() -> None:
    challenges = Challenges(FixedEntropy())
    for at in range(CHALLENGES_OPEN_MAX + 5):
        challenges.open(f"s-{at}", "show", NOW_US)
    assert len(challenges) == CHALLENGES_OPEN_MAX
