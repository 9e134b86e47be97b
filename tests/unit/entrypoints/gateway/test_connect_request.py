"""CONNECT heads: what is taken, what is refused, and that no bytes make it fall over."""

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from watchword.entrypoints.gateway.connect_request import (
    HEADERS_MAX,
    ConnectRequest,
    read_connect,
    refusal,
)

LINE = b"CONNECT api.binance.com:443 HTTP/1.1"


def _basic(text: bytes) -> bytes:
    return b"Basic " + base64.b64encode(text)


@pytest.mark.parametrize(
    ("header", "token"),
    [
        (b"Proxy-Authorization: " + _basic(b"watchword:abc"), b"abc"),
        (b"proxy-authorization:" + _basic(b":abc"), b"abc"),
        (b"PROXY-AUTHORIZATION: \t" + _basic(b"a:b:c") + b" ", b"b:c"),
        (b"Proxy-Authorization: bAsIc " + base64.b64encode(b"x:\xff\x00"), b"\xff\x00"),
        (b"Proxy-Authorization: " + _basic(b"no colon"), None),
        (b"Proxy-Authorization: Basic", None),
        (b"Proxy-Authorization: Basic !!!", None),
        (b"Proxy-Authorization: Basic YQ", None),
        (b"Proxy-Authorization: Bearer abc", None),
        (b"Authorization: " + _basic(b"watchword:abc"), None),
        (b"Host: api.binance.com:443", None),
    ],
)
def test_token_is_the_basic_password(header: bytes, token: bytes | None) -> None:
    assert read_connect(LINE + b"\r\n" + header) == ConnectRequest("api.binance.com", 443, token)


def test_host_is_read_without_regard_to_case() -> None:
    assert read_connect(b"CONNECT API.Binance.COM:9443 HTTP/1.0") == ConnectRequest(
        "api.binance.com", 9443, None
    )


@pytest.mark.parametrize("method", [b"GET", b"POST", b"OPTIONS"])
def test_other_methods_are_not_allowed(method: bytes) -> None:
    assert read_connect(method + b" http://api.binance.com/ HTTP/1.1\r\nhost: a") == 405


@pytest.mark.parametrize(
    "head",
    [
        b"",
        b" ",
        b"connect api.binance.com:443 HTTP/1.1",
        b"CONNECT  api.binance.com:443 HTTP/1.1",
        b"CONNECT api.binance.com:443",
        b"CONNECT api.binance.com:443 HTTP/1.2",
        b"CONNECT api.binance.com HTTP/1.1",
        b"CONNECT :443 HTTP/1.1",
        b"CONNECT api.binance.com: HTTP/1.1",
        b"CONNECT api.binance.com:443:443 HTTP/1.1",
        b"CONNECT api.binance.com:999999 HTTP/1.1",
        b"CONNECT u@api.binance.com:443 HTTP/1.1",
        b"CONNECT https://api.binance.com:443 HTTP/1.1",
        b"CONNECT api.binance.com%00:443 HTTP/1.1",
        b"CONNECT [::1]:443 HTTP/1.1",
        LINE + b"\r\n",
        LINE + b"\r\n folded: line",
        LINE + b"\r\nname : value",
        LINE + b"\r\na: b\nc: d",
        LINE + b"\r\na: \0",
        LINE + b"\r\nproxy-authorization: Basic YTpi\r\nProxy-Authorization: Basic YTpi",
        LINE + b"\r\na: b" * (HEADERS_MAX + 1),
    ],
)
def test_what_is_no_proper_head_is_refused(head: bytes) -> None:
    assert read_connect(head) == 400


def test_as_many_headers_as_allowed_are_read() -> None:
    assert isinstance(read_connect(LINE + b"\r\na: b" * HEADERS_MAX), ConnectRequest)


@given(st.binary(max_size=200))
def test_any_bytes_are_refused_or_read(junk: bytes) -> None:
    assert read_connect(junk) in {400, 405} or isinstance(read_connect(junk), ConnectRequest)
    assert read_connect(LINE + b"\r\n" + junk) == 400 or isinstance(
        read_connect(LINE + b"\r\n" + junk), ConnectRequest
    )


@pytest.mark.parametrize("status", [400, 403, 405, 407, 408, 431, 503])
def test_refusal_is_whole_and_closes(status: int) -> None:
    head, _, body = refusal(status).partition(b"\r\n\r\n")
    lines = head.split(b"\r\n")
    assert lines[0].startswith(b"HTTP/1.1 %d " % status)
    assert b"connection: close" in lines
    assert b"content-length: %d" % len(body) in lines
    assert (b'proxy-authenticate: Basic realm="watchword"' in lines) == (status == 407)
    assert body.startswith(b"watchword: ")
