import pytest

from watchword.binance.errors import DUPLICATE_PARAMETER, WireError
from watchword.binance.request import (
    BODY_BYTES_MAX,
    PARAMETERS_COUNT_MAX,
    QUERY_BYTES_MAX,
    REQUEST_TOO_LARGE,
    UNKNOWN_PARAMETER,
    decode_component,
    parse_pairs,
    read_params,
)


@pytest.mark.parametrize(
    ("query", "body", "params"),
    [
        (b"", b"", {}),
        (b"a=1&b=2", b"", {"a": "1", "b": "2"}),
        (b"", b"a=1&b=2", {"a": "1", "b": "2"}),
        (b"a=1", b"b=2", {"a": "1", "b": "2"}),
        (b"a=1", b"a=2&b=3", {"a": "1", "b": "3"}),
        (b"&&a=1&", b"", {"a": "1"}),
        (b"a", b"", {"a": ""}),
        (b"a=", b"", {"a": ""}),
        (b"a=b=c", b"", {"a": "b=c"}),
        (b"=1", b"", {"": "1"}),
        (b"s=%E6%B5%8B%e8%af%95", b"", {"s": "\u6d4b\u8bd5"}),
        (b"s=%5B%22BTCUSDT%22%5D", b"", {"s": '["BTCUSDT"]'}),
        (b"s=a+b%20c%2B", b"", {"s": "a b c+"}),
        (b"%61=1", b"", {"a": "1"}),
        ("s=\u6d4b".encode(), b"", {"s": "\u6d4b"}),
        (b"s=%252B", b"", {"s": "%2B"}),
    ],
)
def test_parameters_are_decoded_and_the_query_wins(query: bytes, body: bytes, params: dict[str, str]) -> None:
    assert read_params(query, body) == params


@pytest.mark.parametrize(
    ("query", "body"),
    [(b"a=1&a=1", b""), (b"a=1&b=2&a=3", b""), (b"", b"a=1&a=2"), (b"a=1&%61=2", b""), (b"a=%31&a=%32", b"")],
)
def test_name_twice_in_one_place_is_a_duplicate(query: bytes, body: bytes) -> None:
    assert read_params(query, body) == DUPLICATE_PARAMETER


@pytest.mark.parametrize(
    "value", [b"%", b"%2", b"%zz", b"%%41", b"a%f", b"%ff", b"%C3", b"\xff", b"%ED%A0%80", b"%2%2B"]
)
@pytest.mark.parametrize("in_body", [False, True])
def test_value_nobody_can_read_is_illegal_by_name(value: bytes, in_body: bool) -> None:
    raw = b"a=1&symbol=" + value
    refusal = read_params(b"", raw) if in_body else read_params(raw, b"")
    assert isinstance(refusal, WireError)
    assert refusal.code == -1100
    assert "'symbol'" in refusal.text


@pytest.mark.parametrize("query", [b"%zz=1", b"\xff=1", b"%ff=1", b"s=\xe6%B5%8B"])
def test_name_nobody_can_read_is_unknown(query: bytes) -> None:
    assert read_params(query, b"") == UNKNOWN_PARAMETER


def test_parameters_are_bounded_in_number_per_place_and_together() -> None:
    def pairs(prefix: str, count: int) -> bytes:
        return "&".join(f"{prefix}{n}=1" for n in range(count)).encode()

    assert isinstance(read_params(pairs("a", PARAMETERS_COUNT_MAX), b""), dict)
    for query, body in (
        (pairs("a", PARAMETERS_COUNT_MAX + 1), b""),
        (b"", pairs("a", PARAMETERS_COUNT_MAX + 1)),
        (pairs("a", PARAMETERS_COUNT_MAX), b"b=1"),
    ):
        refusal = read_params(query, body)
        assert isinstance(refusal, WireError)
        assert refusal.text == "Too many parameters; expected '128' and received '129'."


def test_bytes_are_bounded() -> None:
    assert isinstance(
        read_params(b"a=" + b"1" * (QUERY_BYTES_MAX - 2), b"b=" + b"1" * (BODY_BYTES_MAX - 2)), dict
    )
    assert read_params(b"a" * (QUERY_BYTES_MAX + 1), b"") == REQUEST_TOO_LARGE
    assert read_params(b"", b"a" * (BODY_BYTES_MAX + 1)) == REQUEST_TOO_LARGE


def test_pairs_are_left_as_received() -> None:
    assert parse_pairs(b"a=%31&&b&c=d=e") == [(b"a", b"%31"), (b"b", b""), (b"c", b"d=e")]


@pytest.mark.parametrize(
    ("raw", "text"), [(b"", ""), (b"+", " "), (b"%2b%2f%3d", "+/="), (b"%2B%2F%3D", "+/=")]
)
def test_component_is_decoded(raw: bytes, text: str) -> None:
    assert decode_component(raw) == text
