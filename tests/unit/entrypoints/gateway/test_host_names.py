"""Which Host headers a gateway answers to."""

import pytest

from watchword.entrypoints.gateway.host_names import HOST_BYTES_MAX, REMEMBERED_MAX, HostNames


def test_every_address_is_good_where_all_are_listened_on() -> None:
    names = HostNames("0.0.0.0", ())
    assert names.accept(b"192.0.2.7:8701")
    assert names.accept(b"[2001:db8::1]:8701")
    assert not names.accept(b"evil.example")
    assert not HostNames("192.0.2.7", ()).accept(b"192.0.2.8")


@pytest.mark.parametrize("bound", ["192.0.2.7", "2001:db8::7"])
def test_bound_address_is_good(bound: str) -> None:
    shown = f"[{bound}]" if ":" in bound else bound
    assert HostNames(bound, ()).accept(f"{shown}:8701".encode())


@pytest.mark.parametrize(
    "host", [None, b"", b":", b":80", b"localhost:", b"localhost:x", b"[::1]x", b"\xff", b"a" * 400]
)
def test_odd_headers_are_not_good(host: bytes | None) -> None:
    assert not HostNames("127.0.0.1", ("",)).accept(host)


def test_what_is_remembered_is_bounded() -> None:
    names = HostNames("127.0.0.1", ())
    for port in range(2 * REMEMBERED_MAX):
        assert names.accept(b"localhost:%d" % port)
    assert len(names._remembered) == REMEMBERED_MAX
    assert HOST_BYTES_MAX < 400
