"""The WebSocket API's envelope: what is echoed, what is refused, and how values become the texts that were signed."""

import json

import msgspec
import pytest

from watchword.binance.errors import WireError
from watchword.binance.rate_limits import REQUEST_WEIGHT_PER_MINUTE
from watchword.entrypoints.sockets.envelope import (
    BAD_ID,
    BAD_JSON,
    BAD_METHOD,
    BAD_PARAMS,
    Request,
    error_reply,
    rate_limits_json,
    read_request,
    result_reply,
)


@pytest.mark.parametrize(
    "raw", ["1", "-5", "null", '"a"', '"e2a85d9f-07a5-4f94-8d5f-789dc3deb097"', "1655716096498"]
)
def test_id_legal_is_echoed_as_sent(raw: str) -> None:
    reply_id, request = read_request(f'{{"id":{raw},"method":"ping"}}'.encode())
    assert reply_id == raw.encode()
    assert isinstance(request, Request)


@pytest.mark.parametrize("raw", ["1.5", "[1]", "{}", "true", '"with space"', '"' + "x" * 37 + '"', "9" * 20])
def test_id_illegal_is_refused_with_null(raw: str) -> None:
    assert read_request(f'{{"id":{raw},"method":"ping"}}'.encode()) == (b"null", BAD_ID)


def test_id_absent_counts_as_null() -> None:
    reply_id, request = read_request(b'{"method":"ping"}')
    assert reply_id == b"null"
    assert isinstance(request, Request)


@pytest.mark.parametrize(
    "text", [b"", b"{", b"nonsense", b"[]", b'"text"', b"1", b"\xff\xfe", b"[" * 100_000]
)
def test_text_that_is_no_object_is_bad_json(text: bytes) -> None:
    assert read_request(text) == (b"null", BAD_JSON)


@pytest.mark.parametrize("method", [b"1", b"null", b"[]"])
def test_method_that_is_no_text_is_refused(method: bytes) -> None:
    assert read_request(b'{"id":1,"method":%s}' % method) == (b"1", BAD_METHOD)


def test_method_absent_is_refused() -> None:
    assert read_request(b'{"id":1}') == (b"1", BAD_METHOD)


@pytest.mark.parametrize("params", [b"[]", b"1", b'"a"', b"null"])
def test_params_that_are_no_object_are_refused(params: bytes) -> None:
    assert read_request(b'{"id":1,"method":"ping","params":%s}' % params) == (b"1", BAD_PARAMS)


def test_params_too_many_are_refused_with_their_number() -> None:
    params = json.dumps({f"p{number}": 1 for number in range(101)})
    _, request = read_request(f'{{"id":1,"method":"ping","params":{params}}}'.encode())
    assert isinstance(request, WireError)
    assert request.code == -1101
    assert "received '101'" in request.text


def test_values_become_the_texts_that_were_signed() -> None:
    text = (
        '{"id":1,"method":"m","params":{"a":"x","b":5000,"c":100.50,"d":true,"e":false,"f":["BTCUSDT","ETHUSDT"],'
        '"g":"\\u8fd9\\"","h":null,"i":1e5,"j":"这"}}'
    )
    _, request = read_request(text.encode())
    assert isinstance(request, Request)
    assert request.params == {
        "a": "x", "b": "5000", "c": "100.50", "d": "true", "e": "false", "f": '["BTCUSDT","ETHUSDT"]',
        "g": '这"', "h": "", "i": "1e5", "j": "这",
    }  # fmt: skip


def test_replies_have_the_documented_shape() -> None:
    limits = rate_limits_json(((REQUEST_WEIGHT_PER_MINUTE, 70),))
    assert msgspec.json.decode(result_reply(b'"a"', b"{}", limits)) == {
        "id": "a", "status": 200, "result": {},
        "rateLimits": [
            {"rateLimitType": "REQUEST_WEIGHT", "interval": "MINUTE", "intervalNum": 1, "limit": 6000, "count": 70}
        ],
    }  # fmt: skip
    assert msgspec.json.decode(result_reply(b"null", b"[]", b"")) == {"id": None, "status": 200, "result": []}


def test_error_with_a_waiting_time_says_when_to_come_back() -> None:
    error = WireError(-1003, 'quote "this"', 418, 1_659_146_400_000_001)
    assert msgspec.json.decode(error_reply(b"1", error, b"", 1_659_142_907_531_999)) == {
        "id": 1, "status": 418,
        "error": {
            "code": -1003, "msg": 'quote "this"',
            "data": {"serverTime": 1_659_142_907_531, "retryAfter": 1_659_146_400_001},
        },
    }  # fmt: skip


def test_error_with_a_payload_carries_it() -> None:
    error = WireError(-2022, "Order cancel-replace failed.", 400, 0, b'{"cancelResult":"FAILURE"}')
    assert msgspec.json.decode(error_reply(b"1", error, b"[]", 0))["error"]["data"] == {
        "cancelResult": "FAILURE"
    }
