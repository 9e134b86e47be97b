"""A real console over raw sockets: foreign hosts and pages, split headers, smuggled and slow and oversize bodies."""

import json
import time

import pytest
from tests.support.attacked_console import AttackedConsole

from watchword.entrypoints.console.application import BODY_S_MAX, SECURITY_HEADERS
from watchword.entrypoints.console.reading import BODY_BYTES_MAX
from watchword.entrypoints.console.server import HEADER_BYTES_MAX

#: A name for each test, so that nothing sent by one is found by another.
CANARY = "canary7f3a"


def request(
    target: AttackedConsole, line: str, *headers: str, body: bytes = b"", host: str | None = None
) -> bytes:
    named = host if host is not None else f"127.0.0.1:{target.console.port}"
    length = [f"Content-Length: {len(body)}"] if body else []
    head = "\r\n".join([f"{line} HTTP/1.1", f"Host: {named}", "Connection: close", *length, *headers])
    return target.raw(head.encode("latin-1") + b"\r\n\r\n" + body)


def status(answer: bytes) -> int:
    assert answer.startswith(b"HTTP/1.1 "), answer[:200]
    return int(answer.split(b" ", 2)[1])


def signed(target: AttackedConsole, name: str = "olga") -> str:
    return f"Authorization: Bearer {target.people[name].token}"


JSON = "Content-Type: application/json"


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("localhost", 200),
        ("LOCALHOST:1", 200),
        ("127.0.0.1", 200),
        ("[::1]:8700", 200),
        ("evil.example", 421),
        ("localhost.evil.example", 421),
        ("localhost@evil.example", 421),
        ("evil.example#localhost", 421),
        ("127.0.0.1:80@evil.example", 421),
        ("0.0.0.0", 421),
        ("2130706433", 421),
        ("127.1", 421),
        ("", 421),
        ("localhost, evil.example", 421),
    ],
)
def test_only_names_of_ours_are_answered(target: AttackedConsole, host: str, expected: int) -> None:
    answer = request(target, "GET /manage/v1/self", signed(target), host=host)
    assert status(answer) == expected
    assert (b"olga@example.org" in answer) is (expected == 200)


@pytest.mark.parametrize("second", ["evil.example", "localhost"])
def test_two_hosts_are_one_too_many(target: AttackedConsole, second: str) -> None:
    assert status(request(target, "GET /manage/v1/self", signed(target), f"Host: {second}")) in {400, 421}


@pytest.mark.parametrize("forwarded", ["X-Forwarded-Host: evil.example", "Forwarded: host=evil.example;for=10.9.9.9",
                                       "X-Forwarded-For: 10.9.9.9", "X-Real-IP: 10.9.9.9"])  # fmt: skip
def test_nobody_says_for_themselves_where_they_come_from(target: AttackedConsole, forwarded: str) -> None:
    answer = request(target, "GET /manage/v1/self/sessions", signed(target, "tom"), forwarded)
    assert status(answer) == 200
    assert b"10.9.9.9" not in answer
    assert b"10.9.9.9" not in request(target, "GET /manage/v1/self/sessions", signed(target, "tom"))


@pytest.mark.parametrize(
    "page",
    [
        "Origin: http://evil.example",
        "Origin: null",
        "Origin: file://",
        "Origin: http://localhost.evil.example",
        "Sec-Fetch-Site: cross-site",
        "Sec-Fetch-Site: same-site",
    ],
)
@pytest.mark.parametrize(
    "line", ["GET /manage/v1/self", "POST /manage/v1/sign-out", "OPTIONS /manage/v1/self"]
)
def test_pages_of_elsewhere_are_refused_before_anything_else(
    target: AttackedConsole, line: str, page: str
) -> None:
    answer = request(target, line, signed(target), page)
    assert status(answer) == 403
    assert b"foreign-page" in answer
    assert b"access-control" not in answer.lower()
    assert target.owner.call("GET", "/self").status == 200


@pytest.mark.parametrize(
    "name", ["User-Agent", "X-Request-Id", "Accept-Language", "Referer", "Cookie", "X-Anything"]
)
@pytest.mark.parametrize(
    "value", ["a\rX-Injected: {}", "a\nX-Injected: {}", "a\r\n X-Injected: {}", "a\x00{}", "\u00e4\u0085{}"]
)
def test_header_with_a_line_end_in_it_makes_no_header(target: AttackedConsole, name: str, value: str) -> None:
    answer = request(
        target, "GET /manage/v1/self/sessions", signed(target, "uma"), f"{name}: {value.format(CANARY)}"
    )
    head, _, _ = answer.partition(b"\r\n\r\n")
    assert b"x-injected" not in head.lower()
    assert CANARY.encode() not in head
    assert status(answer) in {200, 400}


@pytest.mark.parametrize("text", ["a%0d%0aX-Injected:%20canary7f3a", "a%0aX-Injected:canary7f3a", "%E5%98%8A%E5%98%8DX-Injected:canary7f3a",
                                  "a%00canary7f3a"])  # fmt: skip
def test_address_with_a_line_end_in_it_makes_no_header(target: AttackedConsole, text: str) -> None:
    for path in (
        f"/manage/v1/people/{text}",
        f"/manage/v1/people?query={text}",
        f"/{text}",
        f"/manage/v1/keys?after={text}",
    ):
        answer = request(target, f"GET {path}", signed(target))
        head, _, _ = answer.partition(b"\r\n\r\n")
        assert CANARY.encode() not in head, head
        assert b"x-injected" not in head.lower()
        assert status(answer) < 500 or status(answer) == 503


def test_every_text_of_a_body_with_a_line_end_in_it_makes_no_header(target: AttackedConsole) -> None:
    poison = f"a\r\nX-Injected: {CANARY}\r\nBcc: x@evil.example"
    drafts = [
        ("POST", "/people", {"name": poison[:32], "mail": "a@b.c", "role": "trader"}),
        ("POST", "/people", {"name": "mia", "mail": f"a@b.c{poison}", "role": "trader"}),
        ("PUT", "/self/contact", {"mail": f"olga@example.org\nBcc: {CANARY}@evil.example", "phone": ""}),
        ("PUT", "/self/contact", {"mail": "olga@example.org", "phone": "+4930\r\n12345"}),
        ("POST", "/self/factors/apps", {"label": poison[:60]}),
        (
            "POST",
            "/self/factors/addresses",
            {"channel": "mail", "address": f"a@b.c\r\nBcc: {CANARY}@evil.example"},
        ),
        ("POST", "/self/tokens", {"label": poison[:60], "scopes": ["self.read"], "expires_us": 1 << 52}),
        ("POST", "/sign-in", {"login": poison, "password": "x"}),
    ]
    for method, path, draft in drafts:
        answer = target.owner.call(method, path, draft)
        assert 400 <= answer.status < 600, (path, answer.body)
        assert CANARY not in str(answer.headers), path
        assert "x-injected" not in answer.headers
        assert answer.status != 500, path
    assert "olga@example.org" in str(target.everybody()["olga"])


@pytest.mark.parametrize("path", ["/manage/v1/sign-in", "/sign-in"])
@pytest.mark.parametrize(
    "framing",
    [
        ("Content-Length: 5", "Content-Length: 6"),
        ("Content-Length: 5", "Transfer-Encoding: chunked"),
        ("Transfer-Encoding: xchunked",),
        ("Transfer-Encoding: chunked, identity",),
        ("Content-Length: +5",),
        ("Content-Length: -1",),
        ("Content-Length: 0x5",),
        ("Content-Length : 5",),
        (" Content-Length: 5",),
    ],
    ids=str,
)
def test_body_whose_end_is_in_doubt_smuggles_nothing(
    target: AttackedConsole, framing: tuple[str, ...], path: str
) -> None:
    smuggled = b"GET /manage/v1/self HTTP/1.1\r\nHost: localhost\r\n" + signed(target).encode() + b"\r\n\r\n"
    head = "\r\n".join([f"POST {path} HTTP/1.1", "Host: localhost", JSON, *framing])
    answer = target.raw(head.encode() + b"\r\n\r\n" + b"0\r\n\r\n" + smuggled, wait_s=3)
    assert b"olga@example.org" not in answer
    # A folded header belongs to the one before it, which is then no type of ours.
    assert status(answer) in {400, 415, 501}


@pytest.mark.parametrize(
    ("size", "expected"), [(BODY_BYTES_MAX, 401), (BODY_BYTES_MAX + 1, 413), (BODY_BYTES_MAX * 8, 413)]
)
def test_body_beyond_its_bound_is_refused(target: AttackedConsole, size: int, expected: int) -> None:
    body = json.dumps({"login": f"big-{size}", "password": "x"}).encode()
    body += b" " * (size - len(body))
    assert status(request(target, "POST /manage/v1/sign-in", JSON, body=body)) == expected


def test_body_in_pieces_beyond_its_bound_is_refused(target: AttackedConsole) -> None:
    head = b"POST /manage/v1/sign-in HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n"
    piece = b"4000\r\n" + b" " * 0x4000 + b"\r\n"
    answer = target.raw(head + JSON.encode() + b"\r\n\r\n", *[piece] * 6, b"0\r\n\r\n")
    assert status(answer) == 413


def test_header_beyond_its_bound_is_refused(target: AttackedConsole) -> None:
    answer = request(
        target,
        "GET /manage/v1/about",
        *[f"X-Long-{number}: " + "a" * HEADER_BYTES_MAX for number in range(9)],
    )
    assert status(answer) in {400, 431}


@pytest.mark.long
def test_body_that_does_not_arrive_is_given_up(target: AttackedConsole) -> None:
    head = f"POST /manage/v1/sign-in HTTP/1.1\r\nHost: localhost\r\n{JSON}\r\nConnection: close\r\n"
    head += "Content-Length: 50\r\n\r\n{"
    began = time.monotonic()
    answer = target.raw(head.encode(), wait_s=BODY_S_MAX + 8)
    assert status(answer) == 400
    assert BODY_S_MAX - 1 < time.monotonic() - began < BODY_S_MAX + 6
    assert target.console.call("GET", "/about").status == 200


@pytest.mark.parametrize(
    "body",
    [
        b'{"login": "olga", "login": "tom", "password": "x"}',
        b'{"login": "olga", "password": "x", "passwor\\u0064": "y"}',
        b'\xef\xbb\xbf{"login": "olga", "password": "x"}',
        '{"login": "olga", "password": "x"}'.encode("utf-16"),
        b'{"login": "olga", "password": "x"} {}',
        b'{"login": "olga", "password": NaN}',
        b'{"login": "\\ud800", "password": "x"}',
        b'{"login": "olga", "password": "x", "__proto__": {"role": "owner"}}',
        b'[{"login": "olga", "password": "x"}]',
        b"[" * 60_000,
        b'{"a":' * 10_000,
        b"",
    ],
    ids=lambda body: repr(body[:40]),
)
def test_body_that_two_readers_would_read_differently_is_refused(
    target: AttackedConsole, body: bytes
) -> None:
    answer = request(
        target, "POST /manage/v1/sign-in", JSON, "Content-Length: 0" if not body else "X: y", body=body
    )
    assert status(answer) in {400, 422}


@pytest.mark.parametrize(
    "query", ["role=owner&role=auditor", "role=owner&rol%65=auditor", "limit=1&limit=200", "unknown=1"]
)
def test_parameter_twice_is_refused(target: AttackedConsole, query: str) -> None:
    assert status(request(target, f"GET /manage/v1/people?{query}", signed(target))) == 422
    assert status(request(target, "GET /manage/v1/people?role=owner", signed(target))) == 200


@pytest.mark.parametrize("override", ["X-HTTP-Method-Override: DELETE", "X-Method-Override: DELETE", "X-Original-URL: /manage/v1/people",
                                      "X-Rewrite-URL: /manage/v1/people"])  # fmt: skip
def test_headers_change_neither_method_nor_path(target: AttackedConsole, override: str) -> None:
    answer = request(target, f"GET /manage/v1/people/{target.ids['tina']}", signed(target), override)
    assert status(answer) == 200
    assert b'"tina"' in answer
    assert "tina" in target.everybody()


def test_two_authorizations_and_cookies_sign_nobody_in(target: AttackedConsole) -> None:
    token = target.owner.token
    for headers in (
        (signed(target), signed(target, "tom")),
        (f"Cookie: session={token}",),
        (f"Authorization: Basic {token}",),
        (f"Authorization: Bearer {token},{token}",),
        (f"Authorization: Bearer {token}x",),
        (f"Authorization: Bearer {token[:-1]}",),
    ):
        assert status(request(target, "GET /manage/v1/self", *headers)) == 401, headers
    for query in (f"access_token={token}", f"token={token}"):
        assert status(request(target, f"GET /manage/v1/self?{query}")) == 401


def test_even_what_the_door_refuses_carries_the_headers(target: AttackedConsole) -> None:
    for answer in (
        request(target, "GET /manage/v1/self", host="evil.example"),
        request(target, "GET /manage/v1/nowhere"),
        request(target, "DELETE /manage/v1/about"),
    ):
        head = answer.partition(b"\r\n\r\n")[0].lower()
        for name, value in SECURITY_HEADERS.items():
            assert f"{name}: {value}".lower().encode() in head, name
        assert b"server:" not in head
