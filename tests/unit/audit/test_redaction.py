"""No secret gets into a row: not under any name, of any type, in any shape. And what is no secret stays readable."""

import json
from typing import Any

import pytest
from tests.support.trails import intent

from watchword.audit.event import (
    Change,
    Checkpoint,
    Intent,
    Outcome,
    Refusal,
    RefusalCount,
    RefusalsCounted,
    TrailClosed,
    TrailOpened,
    TrailResumed,
    TrailStopped,
    decode_event,
    encode_event,
)
from watchword.audit.redaction import FIELDS_MAX, REDACTED, TEXT_LENGTH_MAX, redacted, redacted_text
from watchword.kernel.secret import Secret

CANARY = "CanarySecretCanarySecretCanarySecretCanarySecretCanarySecret1234"
PEM = f"-----BEGIN PRIVATE KEY-----\n{CANARY}\n-----END PRIVATE KEY-----\n"
SHORT = "canary-7f3a"
SECRET_NAMES = [
    "secret", "apiSecret", "API_SECRET", "passphrase", "password", "signature", "listenKey", "token", "listenToken",
    "accessToken", "privateKey", "apiKey", "X-MBX-APIKEY", "seed", "mnemonic", "otp", "pin", "totpCode", "authorization",
    "Cookie", "kek", "dek", "pem", "recovery-code",
]  # fmt: skip


@pytest.mark.parametrize("name", SECRET_NAMES)
def test_secret_by_name_is_taken_whatever_it_looks_like(name: str) -> None:
    assert redacted({name: SHORT}) == {name: REDACTED}


@pytest.mark.parametrize(
    "name", ["symbol", "side", "newClientOrderId", "recvWindow", "timestamp", "opinion", "stopPrice"]
)
def test_ordinary_parameter_stays(name: str) -> None:
    assert redacted({name: "abc-123"}) == {name: "abc-123"}


@pytest.mark.parametrize(
    "value", [CANARY, CANARY.lower(), f"key={CANARY}", PEM, "A" * 43 + "=", f"a,{CANARY},b"]
)
def test_secret_by_shape_is_taken_under_any_name(value: str) -> None:
    shown = redacted({"newClientOrderId": value})["newClientOrderId"]
    assert CANARY not in str(shown)
    assert "A" * 40 not in str(shown)
    assert REDACTED in str(shown)


@pytest.mark.parametrize(
    "value",
    [Secret(SHORT.encode()), SHORT.encode(), bytearray(SHORT.encode()), [SHORT], {"a": SHORT}, 1.5, object()],
)
def test_secret_by_type_is_taken_under_any_name(value: Any) -> None:
    shown = redacted({"note": value})["note"]
    assert SHORT not in str(shown)
    assert shown == f"({type(value).__name__})"
    assert SHORT not in str(redacted({value if isinstance(value, bytes) else "x": 1}))


def test_address_of_a_withdrawal_stays_even_though_it_is_long() -> None:
    address = "bc1p5d7rjq7g6rdk2yhzks9smlaqtedr4dekq08ge8ztwac72sfr9rusxg3297"
    assert redacted({"address": address, "network": "BTC"})["address"] == address
    assert redacted({"address": PEM})["address"] == REDACTED


def test_long_texts_and_many_fields_are_bounded() -> None:
    assert len(redacted_text("word " * 1_000)) == TEXT_LENGTH_MAX
    many = redacted({f"n{number}": "v" for number in range(FIELDS_MAX + 9)})
    assert len(many) == FIELDS_MAX + 1
    assert many["…"] == 9
    assert len(next(iter(redacted({"n " * 500: 1})))) <= 64


def test_values_that_are_no_text_are_kept_or_named() -> None:
    assert redacted({"a": 1, "b": True, "c": None, "d": 1 << 70}) == {
        "a": 1,
        "b": True,
        "c": "",
        "d": "(int)",
    }


def test_control_characters_and_lone_surrogates_are_written_out() -> None:
    assert redacted_text("a\x1b[31m\x9b\u2028\ud800") == "a\\u001b[31m\\u009b\\u2028\\ud800"
    assert redacted_text("这是测试币456") == "这是测试币456"


def everywhere(value: Any) -> list[Any]:
    """Events with a value in every place that takes one, also against its type."""
    return [
        Intent(request=value, key="k", credential="c", upstream="u", endpoint=value, ip="i", client_order_id="o",
               parameters={"x": value, "signature": value, str(value): "y"}, policy="p", reason=value),
        Outcome(intent=1, result="answered", order_id=value, note=value),
        Refusal(key="k", endpoint=value, rule=value, reason=value, parameters={"q": value}, values={"limit": value}),
        RefusalsCounted(since_us=1, until_us=2, total=1, rows=[RefusalCount(value, value, 1)], reasons={str(value): 1}),
        Change(action=value, actor=value, subject=value, values={"v": value, "secret": value}),
    ]  # fmt: skip


@pytest.mark.parametrize(
    "value", [PEM, Secret(CANARY.encode()), CANARY.encode(), [CANARY], {"deep": {"er": CANARY}}]
)
def test_canary_is_in_no_event(value: Any) -> None:
    for event in everywhere(value):
        body = encode_event(event)
        assert CANARY.encode() not in body
        assert b"\n" not in body
        json.loads(body)


def test_canary_text_is_only_where_identifiers_are() -> None:
    """A key id has the shape of a secret; every other field with that shape is taken."""
    for event in everywhere(CANARY):
        shown = json.loads(encode_event(event))
        leaks = [name for name, value in shown.items() if CANARY in json.dumps(value)]
        assert set(leaks) <= {"request"}


@pytest.mark.parametrize(
    "event",
    [
        intent("r-1", policy="ab" * 32, endpoint="POST /sapi/v1/sub-account/subAccountApi/ipRestriction/ipList/x"),
        Outcome(intent=1, result="answered", status=200, order_id="12"),
        Refusal(key="k", endpoint="GET /api/v3/account", rule="hours", values={"now": "03:00"}, code=-2010),
        RefusalsCounted(since_us=1, until_us=2, total=3, rows=[RefusalCount("signature", "1.2.3.4", 3)], reasons={"signature": 3}),
        Change(action="policy:changed", actor="alice", subject="thin", values={"rules": "4"}),
        TrailOpened(trail="ab" * 16, format=1, fingerprint="SHA256:" + "a" * 43, unconcluded=2),
        TrailClosed(reason="stop"),
        TrailStopped(sink="/a/very/long/path/that/is/longer/than/forty/characters/audit.db", reason="disk is full"),
        TrailResumed(sink="x", refused=3, outcomes_lost=1),
        Checkpoint(trail="t", row=4, digest="ab" * 32, first="cd" * 32, signature="e" * 88),
    ],
)  # fmt: skip
def test_event_without_secrets_comes_back_as_it_was(event: Any) -> None:
    assert decode_event(encode_event(event)) == event


def test_unknown_or_broken_bodies_are_no_events() -> None:
    assert decode_event(b'{"type":"from:the:future"}') is None
    assert decode_event(b"{") is None
    assert decode_event(b'{"type":"signature:concluded","intent":"x"}') is None
    assert decode_event(b"\xff{}") is None


def test_rows_of_a_tally_are_cleaned_against_their_type() -> None:
    counted = RefusalsCounted(since_us=1, until_us=2, total=1, rows=[CANARY], reasons={"a": CANARY})  # type: ignore[list-item,dict-item]
    assert CANARY.encode() not in encode_event(counted)
