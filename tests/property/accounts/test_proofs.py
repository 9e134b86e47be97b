"""What people show: taken once, never by accident, and no input breaks the judging."""

import unicodedata
from typing import Any

import pyotp
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.support.authenticator import ORIGIN, RP_ID
from tests.support.examples import examples
from tests.support.people import NOW_US
from tests.support.trails import FixedEntropy

from watchword.accounts.bearer import SESSION_MARKER, digest_of, draw
from watchword.accounts.lockout import PERSON_FAILURES_FREE, WAIT_MS_MAX, Lockout
from watchword.accounts.message_codes import draw_code, judge_code
from watchword.accounts.model import MessageFactor, WebauthnFactor
from watchword.accounts.naming import label_refused, mail_refused, name_refused, tidy_agent
from watchword.accounts.passwords import HASH_COST_MIN, check_password, hash_password, judge_password
from watchword.accounts.recovery_codes import draw_codes, matching
from watchword.accounts.refusal import Refused
from watchword.accounts.totp import step_of
from watchword.accounts.webauthn_factor import RelyingParty, answering, verify_assertion, verify_registration
from watchword.kernel.secret import Secret

SEED = Secret(b"12345678901234567890")
APP = pyotp.TOTP("GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ")
STEP_US = 30_000_000

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=40),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=12), inner, max_size=4),
    max_leaves=8,
)
ANSWER_KEYS = st.sampled_from(
    [
        "id",
        "rawId",
        "type",
        "response",
        "clientDataJSON",
        "attestationObject",
        "authenticatorData",
        "signature",
        "transports",
    ]
)
ANSWERS = st.dictionaries(ANSWER_KEYS, JSON | st.dictionaries(ANSWER_KEYS, JSON, max_size=5), max_size=6)


@given(st.lists(st.tuples(st.integers(0, 8), st.integers(-2, 2)), max_size=30))
def test_steps_taken_only_grow_whatever_is_shown_in_whatever_order(shown: list[tuple[int, int]]) -> None:
    now_us, last = NOW_US, 0
    for wait, drift in shown:
        now_us += wait * 10_000_000
        step = step_of(SEED, APP.generate_otp(now_us // STEP_US + drift), now_us, last)
        if isinstance(step, int):
            assert step > last
            assert abs(step - now_us // STEP_US) <= 1
            last = step


@given(st.text(max_size=30))
def test_any_text_is_judged_as_a_code(text: str) -> None:
    if step_of(SEED, text, NOW_US, 0) not in {"wrong", "used"}:
        assert text.replace(" ", "") in {APP.generate_otp(NOW_US // STEP_US + drift) for drift in (-1, 0, 1)}
    drawn = draw_codes(FixedEntropy(), "p", NOW_US)
    plain = {code.replace("-", "") for code in drawn.texts}
    found = matching(drawn.rows, "p", text)
    assert (found is not None) is (text.replace("-", "").replace(" ", "").lower() in plain)


@given(st.integers(1, 2**32), st.integers(0, 999_999))
def test_sent_code_is_right_for_its_digits_only(seed: int, guess: int) -> None:
    factor = MessageFactor(id="f", person_id="p", channel="mail", address="a@example.org")
    sent = draw_code(FixedEntropy(seed), factor, NOW_US)
    digits = sent.message.text[:6]
    assert judge_code(sent.row, digits, NOW_US) == "right"
    assert (judge_code(sent.row, f"{guess:06d}", NOW_US) == "right") is (f"{guess:06d}" == digits)


@given(st.integers(1, 2**32), st.integers(4, 46), st.characters())
def test_token_with_one_character_changed_is_another(seed: int, at: int, other: str) -> None:
    drawn = draw(FixedEntropy(seed), SESSION_MARKER)
    changed = drawn.text[:at] + other + drawn.text[at + 1 :]
    assert (digest_of(changed, SESSION_MARKER) == drawn.digest) is (changed == drawn.text)


@given(ANSWERS)
@settings(max_examples=examples(300))
def test_any_answer_of_a_browser_is_refused_and_breaks_nothing(answer: dict[str, Any]) -> None:
    party = RelyingParty(RP_ID, (ORIGIN,))
    factor = WebauthnFactor(id="f", person_id="p", label="key", credential_id=b"1" * 16, public_key=b"2" * 70)
    answering([factor], answer)
    assert isinstance(verify_registration(party, b"3" * 32, answer), Refused)
    assert isinstance(verify_assertion(party, factor, b"3" * 32, answer), Refused)


@given(st.text(max_size=80))
def test_what_is_taken_as_name_mail_or_label_stands_on_one_line(text: str) -> None:
    for refused in (name_refused, mail_refused, label_refused):
        if refused(text) is None:
            assert text.isprintable()
    if mail_refused(text) is None:
        assert text.count("@") == 1
        assert not set(text) & set(' ,;:<>()[]\\"\r\n')
    assert tidy_agent(text).isprintable()


@given(st.text(max_size=300))
def test_any_text_is_judged_as_a_password(text: str) -> None:
    secret = Secret(text.encode("utf-8", "surrogatepass"))
    refused = judge_password(secret, "ana", "ana@example.org")
    assert refused is None or refused.code == "bad_password"


@given(st.text(min_size=1, max_size=40), st.text(min_size=1, max_size=40))
@settings(max_examples=examples(12))
def test_password_holds_for_itself_only(first: str, second: str) -> None:
    stored = hash_password(Secret(first.encode()), FixedEntropy(), HASH_COST_MIN)
    same = unicodedata.normalize("NFKC", first) == unicodedata.normalize("NFKC", second)
    assert check_password(stored, Secret(first.encode()), FixedEntropy(), HASH_COST_MIN).holds
    assert check_password(stored, Secret(second.encode()), FixedEntropy(), HASH_COST_MIN).holds is same


@given(st.lists(st.integers(1, 2_000), min_size=1, max_size=200))
def test_judged_tries_are_bounded_whenever_they_come(waits_s: list[int]) -> None:
    lockout, now_us, judged = Lockout(), NOW_US, 0
    for wait_s in waits_s:
        now_us += wait_s * 1_000_000
        if not lockout.until_us("p-ana", "192.0.2.1", now_us):
            failed = lockout.failed("p-ana", "192.0.2.1", now_us)
            judged += 1
            assert failed.person_until_us <= now_us + WAIT_MS_MAX * 1_000
            assert (failed.person_until_us > 0) is (judged >= PERSON_FAILURES_FREE)
    # 30 s, 1, 2, 4, 8 minutes, then a quarter of an hour each.
    assert judged <= PERSON_FAILURES_FREE + 5 + (now_us - NOW_US) // (WAIT_MS_MAX * 1_000)
