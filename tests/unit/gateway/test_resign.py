"""The outbound form: encoding, timing, what is left out."""

import pytest
from tests.support.gateway_fakes import REAL_SECRET, Rig

from watchword.binance.request import read_params
from watchword.credentials.keypair import hmac_signer
from watchword.gateway.resign import (
    encode_query,
    pass_on,
    sign_rest_request,
    sign_ws_request,
    timing_params,
    without_authentication,
)

SIGNER = hmac_signer(REAL_SECRET)
NOW_US = 1_767_614_400_123_456


@pytest.mark.parametrize(
    ("left_us", "decimals", "window"),
    [
        (5_000_000, True, "5000"),
        (4_999_001, True, "4999.001"),
        (999, True, "0.999"),
        (1, True, "0.001"),
        (4_999_999, False, "4999"),
        (1_000, False, "1"),
        (61_000_000, True, "60000"),
    ],
)
def test_window_is_what_is_left(left_us: int, decimals: bool, window: str) -> None:
    assert timing_params(NOW_US, NOW_US + left_us, decimals=decimals) == ("1767614400123", window)


@pytest.mark.parametrize(("left_us", "decimals"), [(0, True), (-1, True), (999, False), (0, False)])
def test_no_time_left(left_us: int, decimals: bool) -> None:
    assert timing_params(NOW_US, NOW_US + left_us, decimals=decimals) is None


@pytest.mark.parametrize(
    ("params", "query"),
    [
        ({}, ""),
        ({"a": "1", "b": "x-y_z.~"}, "a=1&b=x-y_z.~"),
        ({"a": "1&b=2"}, "a=1%26b%3D2"),
        ({"a=b": "c"}, "a%3Db=c"),
        ({"a": "x y+z"}, "a=x%20y%2Bz"),
        ({"s": '["BTCUSDT","这"]'}, "s=%5B%22BTCUSDT%22%2C%22%E8%BF%99%22%5D"),
        ({"a": ""}, "a="),
        ({"a": "=", "b": ""}, "a=%3D&b="),
    ],
)
def test_encoding(params: dict[str, str], query: str) -> None:
    assert encode_query(params) == query


def test_without_authentication_keeps_the_order_of_the_rest() -> None:
    params = {"signature": "s", "b": "1", "timestamp": "2", "a": "3", "recvWindow": "4", "apiKey": "5"}
    assert list(without_authentication(params).items()) == [("b", "1"), ("a", "3")]
    assert len(params) == 6


def test_rest_request_without_parameters() -> None:
    sent = sign_rest_request(SIGNER, "R" * 64, "GET", "/api/v3/account", {}, ("1", "5000"), (), changes=False)
    payload = b"recvWindow=5000&timestamp=1"
    assert sent.query == payload + b"&signature=" + SIGNER.sign(payload).encode()


def test_base64_signatures_are_percent_encoded() -> None:
    class Odd:
        key_type = "RSA"

        def sign(self, payload: bytes) -> str:
            return "+/=a"

    sent = sign_rest_request(Odd(), "R" * 64, "GET", "/x", {}, ("1", "5000"), (), changes=False)  # type: ignore[arg-type]
    assert sent.query.endswith(b"&signature=%2B%2F%3Da")


def test_ws_parameters_are_sorted_and_signed_raw() -> None:
    sent = sign_ws_request(SIGNER, "R" * 64, "x", {"symbol": "这", "b": "1"}, ("1", "5000"), changes=True)
    raw = f"apiKey={'R' * 64}&b=1&recvWindow=5000&symbol=这&timestamp=1"
    assert list(sent.params) == ["apiKey", "b", "recvWindow", "symbol", "timestamp", "signature"]
    assert sent.params["signature"] == SIGNER.sign(raw.encode())


def test_unsigned_request_keeps_its_bytes_and_its_body() -> None:
    inbound = Rig().rest("POST", "/api/v3/ping", "a=%zz".replace("%zz", "%41"), body="b=1", signed=False)
    sent = pass_on(inbound)
    assert (sent.query, sent.body, sent.changes) == (b"a=%41", b"b=1", True)


def test_unsigned_request_that_names_a_key_is_built_anew() -> None:
    inbound = Rig().rest("GET", "/api/v3/depth", "apiKey=x&symbol=%E8%BF%99", signed=False)
    sent = pass_on(inbound)
    assert sent.query == b"symbol=%E8%BF%99"
    assert read_params(sent.query, b"") == {"symbol": "这"}
