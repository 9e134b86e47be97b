"""What looks like a stream token, and what does not."""

import pytest

from watchword.entrypoints.gateway.streams import TOKEN_LENGTH_MIN, holds_token

TOKEN = "a1" * (TOKEN_LENGTH_MIN // 2)


@pytest.mark.parametrize(
    "text",
    [
        "/ws/btcusdt@depth20@100ms",
        "/stream?streams=" + "/".join(f"sym{number}usdt@ticker_1h" for number in range(200)),
        '{"method":"SUBSCRIBE","params":["!miniTicker@arr@3000ms","!ticker_4h@arr"],"id":"6f0e8a4c-1b1f-4f9f-9a58-0c5f6c0b6a11"}',
        "\\u8fd9\\u662f\\u6d4b\\u8bd5\\u5e01456@trade",
        TOKEN[1:],
    ],
)
def test_market_streams_are_no_tokens(text: str) -> None:
    assert not holds_token(text)


@pytest.mark.parametrize(
    "text",
    [
        f"/ws/{TOKEN}",
        f"/stream?streams={TOKEN}",
        f'{{"params":["{TOKEN}"]}}',
        "".join(f"\\u{ord(letter):04x}" for letter in TOKEN),
        "".join(f"%{ord(letter):02X}" for letter in TOKEN),
        "".join(f"\\u0025{ord(letter):02x}" for letter in TOKEN),
    ],
)
def test_tokens_are_found_however_they_are_written(text: str) -> None:
    assert holds_token(text)
