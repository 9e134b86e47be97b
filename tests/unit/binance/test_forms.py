"""Reading parameters into queries: the order of checks, and what clients may add."""

from typing import Any

import pytest

from watchword.binance.errors import WireError
from watchword.binance.forms import Form, Query
from watchword.binance.params import (
    Boolean,
    Limit,
    Long,
    Moment,
    Symbol,
    read_client_id,
    read_decimal,
    read_moment,
    read_symbol,
    read_symbols,
)
from watchword.binance.rate_limits import ORDERS_PER_10_SECONDS, scaled


class Sample(Query, frozen=True):
    """One mandatory and several optional parameters."""

    symbol: Symbol
    from_id: Long | None = None
    start_time: Moment | None = None
    show_all: Boolean = False
    limit: Limit = 500


PUBLIC = Form(Sample, "NONE")
SIGNED = Form(Sample, "USER_DATA")
AUTH = {"timestamp": "1", "signature": "x", "recvWindow": "5"}


def test_read_builds_the_query_with_its_defaults() -> None:
    query = SIGNED.read({"symbol": "BTCUSDT", "fromId": "7", "showAll": "TRUE", **AUTH})
    assert query == Sample(symbol="BTCUSDT", from_id=7, show_all=True)


def test_websocket_extras_are_read_over() -> None:
    assert isinstance(PUBLIC.read({"symbol": "BTCUSDT", "returnRateLimits": "false"}), Sample)
    assert isinstance(SIGNED.read({"symbol": "BTCUSDT", "apiKey": "k", **AUTH}), Sample)


@pytest.mark.parametrize(
    ("form", "params", "code"),
    [
        (PUBLIC, {"symbol": "BTCUSDT", "timestamp": "1"}, -1104),
        (PUBLIC, {"x": "1"}, -1102),
        (PUBLIC, {"symbol": "BTCUSDT", "x": "1", "limit": "-1"}, -1100),
        (PUBLIC, {"symbol": "BTCUSDT", "x": "1"}, -1104),
        (PUBLIC, {"symbol": "BTCUSDT", **{f"x{n}": "1" for n in range(5)}}, -1101),
        (PUBLIC, {"symbol": "BTCUSDT", "limit": ""}, -1105),
        (PUBLIC, {"symbol": ""}, -1102),
        (PUBLIC, {"symbol": "BTCUSDT", "limit": "0"}, -1130),
        (PUBLIC, {"symbol": "BTCUSDT", "limit": "9" * 12}, -1108),
        (PUBLIC, {"symbol": "BTCUSDT", "showAll": "1"}, -1130),
    ],
)
def test_read_refuses_in_binances_order(form: Form[Sample], params: dict[str, str], code: int) -> None:
    answer = form.read(params)
    assert isinstance(answer, WireError)
    assert answer.code == code


def test_form_of_a_field_without_a_reader_is_a_fault() -> None:
    class Bad(Query, frozen=True):
        """A field nobody can read."""

        symbol: str

    with pytest.raises(TypeError, match=r"Bad\.symbol"):
        Form(Bad, "NONE")


@pytest.mark.parametrize(
    "text", ["BTCUSDT", "A", "A-B_C.9", "这是测试币456", "1INCHUSDT", "X" * 50, "\uff11\uff12\uff13"]
)
def test_symbol_spelling_accepts_what_binance_lists(text: str) -> None:
    assert read_symbol("symbol", text) == text


@pytest.mark.parametrize(
    "text", ["btcusdt", "BTCusdt", "BTC/USDT", "BTC USDT", "X" * 51, "A\n", '"', "A\x00"]
)
def test_symbol_spelling_refuses_everything_else(text: str) -> None:
    assert isinstance(read_symbol("symbol", text), WireError)


@pytest.mark.parametrize("text", ["a" * 37, "a b", 'a"', "a.b", "ä", "a\n"])
def test_client_id_refuses_what_could_break_json(text: str) -> None:
    assert isinstance(read_client_id("newClientOrderId", text), WireError)


@pytest.mark.parametrize(
    ("text", "code"),
    [("²", -1100), ("٣", -1100), ("1.", -1100), (".5", -1100), (" 1", -1100), ("0." + "0" * 7 + "12", -1111)],
)
def test_decimal_refuses_other_digits_and_forms(text: str, code: int) -> None:
    answer = read_decimal("price", text)
    assert isinstance(answer, WireError)
    assert answer.code == code


def test_decimal_with_trailing_zeros_beyond_precision_is_exact() -> None:
    assert read_decimal("price", "1.1234567800000") == 112_345_678


def test_moment_tells_milliseconds_from_microseconds() -> None:
    assert read_moment("startTime", "1767225630000") == read_moment("startTime", "1767225630000000")


@pytest.mark.parametrize("text", ["[]", "[1]", '["a"]', "{}", '"BTCUSDT"', '["A","B"', "[" * 5000])
def test_symbols_refuses_what_is_no_list_of_symbols(text: str) -> None:
    assert isinstance(read_symbols("symbols", text), WireError)


def test_scaled_limit_stays_at_least_one_and_zero_shows_the_published_figure() -> None:
    assert scaled(ORDERS_PER_10_SECONDS, 0).limit == 50
    assert scaled(ORDERS_PER_10_SECONDS, 1).limit == 50
    assert scaled(ORDERS_PER_10_SECONDS, 2.5).limit == 125
    assert scaled(ORDERS_PER_10_SECONDS, 0.001).limit == 1


def test_queries_are_immutable() -> None:
    query: Any = PUBLIC.read({"symbol": "BTCUSDT"})
    with pytest.raises(AttributeError):
        query.symbol = "X"
