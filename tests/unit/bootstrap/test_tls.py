"""`HOME/tls`: what is made, renewed, replaced and refused, and that a crash in between is mended."""

import asyncio
import os
import ssl
import stat
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.support.tls_hands import shaken

from watchword.adapters.certificates import DAY_US, Authority
from watchword.adapters.server_context import server_context
from watchword.adapters.system import SystemClock
from watchword.binance.upstream_names import entry_points
from watchword.bootstrap import tls, tls_renewal
from watchword.bootstrap.tls import TlsFolder
from watchword.bootstrap.tls_renewal import keep_renewed
from watchword.gateway.certificate_names import Names, read_names
from watchword.kernel.errors import ConfigurationError, StorageError

OURS = read_names(["localhost", "gateway.lan"], ["127.0.0.1"])
LOCAL = read_names(["localhost"], ["127.0.0.1"])


class MovedClock:
    def __init__(self) -> None:
        self.us = SystemClock().now_us()

    def now_us(self) -> int:
        return self.us

    def move_days(self, days: int) -> None:
        self.us += days * DAY_US


@pytest.fixture
def clock() -> MovedClock:
    return MovedClock()


@pytest.fixture
def folder(tmp_path: Path, clock: MovedClock) -> TlsFolder:
    return TlsFolder(tmp_path / "home", clock)


@pytest.fixture
def made(folder: TlsFolder) -> TlsFolder:
    folder.make_server(OURS, replace=False)
    return folder


def test_everything_is_for_the_owner_alone(made: TlsFolder) -> None:
    made.make_proxy("live", replace=False)
    assert stat.S_IMODE(made.path.stat().st_mode) == 0o700
    assert {path.name: stat.S_IMODE(path.stat().st_mode) for path in made.path.iterdir()} == dict.fromkeys(
        ("ca.pem", "ca-key.pem", "server.pem", "proxy-live.pem", "proxy-live-key.pem"), 0o600
    )


def test_public_files_hold_no_private_key(made: TlsFolder) -> None:
    made.make_proxy("live", replace=False)
    for name in ("ca.pem", "proxy-live.pem"):
        assert b"PRIVATE" not in (made.path / name).read_bytes()
    assert made.trusted("ca") == (made.path / "ca.pem").read_bytes()


def test_what_is_there_is_not_replaced_unasked(made: TlsFolder) -> None:
    before = _contents(made)
    with pytest.raises(ConfigurationError, match=r"--renew.*--new-ca"):
        made.make_server(LOCAL, replace=False)
    assert _contents(made) == before
    made.make_proxy("live", replace=False)
    with pytest.raises(ConfigurationError, match="--new-ca"):
        made.make_proxy("live", replace=False)


def test_new_authority_is_not_the_old_one(made: TlsFolder) -> None:
    old = (made.path / "ca.pem").read_text()
    made.make_server(LOCAL, replace=True)
    assert (made.path / "ca.pem").read_text() != old
    assert not shaken(old, server_context(made.server_file().read_bytes()), "localhost")
    assert _serves(made, "localhost")


def test_renewal_keeps_authority_and_names(made: TlsFolder) -> None:
    authority, server = (made.path / "ca.pem").read_bytes(), made.server_file().read_bytes()
    made.renew_server(None)
    assert (made.path / "ca.pem").read_bytes() == authority
    assert made.server_file().read_bytes() != server
    assert _serves(made, "gateway.lan")


def test_renewal_can_drop_names_and_never_add_one(made: TlsFolder) -> None:
    made.renew_server(LOCAL)
    assert (_serves(made, "localhost"), _serves(made, "gateway.lan")) == (True, False)
    made.renew_server(None)
    assert not _serves(made, "gateway.lan")
    made.renew_server(OURS)
    assert _serves(made, "gateway.lan")
    with pytest.raises(ConfigurationError, match=r"may not vouch for other\.lan"):
        made.renew_server(read_names(["localhost", "other.lan"], []))


def test_certificate_is_renewed_when_it_is_due_and_not_before(made: TlsFolder, clock: MovedClock) -> None:
    first = made.server_file().read_bytes()
    clock.move_days(tls.SERVER_DAYS - tls.RENEWED_DAYS - 1)
    assert made.server_file().read_bytes() == first
    clock.move_days(2)
    assert made.server_file().read_bytes() != first


def test_due_certificate_that_cannot_be_renewed_is_used_until_it_ends(
    made: TlsFolder, clock: MovedClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = made.server_file().read_bytes()
    monkeypatch.setattr(tls, "write_atomically", _cannot_write)
    clock.move_days(tls.SERVER_DAYS - 1)
    assert made.server_file().read_bytes() == first
    clock.move_days(1)
    with pytest.raises(StorageError, match="disk full"):
        made.server_file()


def test_ended_authority_is_said_to_have_ended(made: TlsFolder, clock: MovedClock) -> None:
    made.make_proxy("live", replace=False)
    clock.move_days(tls.AUTHORITY_DAYS)
    for use in (made.server_file, lambda: made.proxy_authority("live"), lambda: made.renew_server(None)):
        with pytest.raises(ConfigurationError, match=r"has ended.*--new-ca"):
            use()
    assert all(one.days_left < 0 for one in made.certificates())


@pytest.mark.parametrize("kept", range(3))
def test_crash_while_making_is_mended_by_the_next_use(
    folder: TlsFolder, monkeypatch: pytest.MonkeyPatch, kept: int
) -> None:
    """Killed after so many of the three files: begin again, or go on with what there is."""
    writes = iter(range(3))
    real = tls.write_atomically

    def write(path: Path, content: bytes) -> None:
        if next(writes) == kept:
            raise KeyboardInterrupt
        real(path, content)

    with monkeypatch.context() as patched:
        patched.setattr(tls, "write_atomically", write)
        with pytest.raises(KeyboardInterrupt):
            folder.make_server(OURS, replace=False)
    if kept == 0:
        folder.make_server(OURS, replace=False)
    assert folder.server_file().exists()
    assert _serves(folder, "gateway.lan")


def test_crash_while_replacing_leaves_no_certificate_of_the_old_authority(
    made: TlsFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = tls.write_atomically

    def write(path: Path, content: bytes) -> None:
        if path.name != "ca-key.pem":
            raise KeyboardInterrupt
        real(path, content)

    with monkeypatch.context() as patched:
        patched.setattr(tls, "write_atomically", write)
        with pytest.raises(KeyboardInterrupt):
            made.make_server(OURS, replace=True)
    made.server_file()
    assert _serves(made, "localhost")


@pytest.mark.parametrize("name", ["ca-key.pem", "server.pem"])
def test_private_key_that_others_may_read_is_refused(made: TlsFolder, name: str) -> None:
    (made.path / name).chmod(0o640)
    with pytest.raises(ConfigurationError, match=rf"others may read .*{name}.*chmod 600"):
        made.server_file()


def test_missing_authority_is_told_with_the_command_that_makes_it(folder: TlsFolder) -> None:
    with pytest.raises(ConfigurationError, match=r"watchword tls init$"):
        folder.server_file()
    with pytest.raises(ConfigurationError, match=r"watchword tls init --proxy-for demo$"):
        folder.proxy_authority("demo")
    assert folder.certificates() == []


def test_folder_that_cannot_be_made_is_told(tmp_path: Path, clock: MovedClock) -> None:
    (tmp_path / "home").write_text("a file")
    with pytest.raises(StorageError, match="cannot use"):
        TlsFolder(tmp_path / "home", clock).make_server(LOCAL, replace=False)


def test_authority_of_the_proxy_is_for_the_hosts_of_its_upstream(folder: TlsFolder) -> None:
    folder.make_proxy("testnet", replace=False)
    hosts = {host for host, _ in entry_points("testnet")}
    assert folder.proxy_authority("testnet").names == Names(tuple(sorted(hosts)))


def test_authority_made_before_the_upstream_had_a_host_is_refused(
    folder: TlsFolder, clock: MovedClock
) -> None:
    folder.make_proxy("demo", replace=False)
    old = Authority.make("a", Names(("demo-api.binance.com",)), clock.us, 3_650)
    (folder.path / "proxy-demo-key.pem").write_bytes(old.private_pem())
    with pytest.raises(ConfigurationError, match=r"demo-stream.binance.com.*--proxy-for demo --new-ca"):
        folder.proxy_authority("demo")


def test_two_at_once_take_turns(made: TlsFolder) -> None:
    import fcntl

    descriptor = os.open(made.path, os.O_RDONLY)
    with made._held(), pytest.raises(BlockingIOError):
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    os.close(descriptor)


async def test_running_server_takes_a_renewed_certificate(
    made: TlsFolder, monkeypatch: pytest.MonkeyPatch, clock: MovedClock
) -> None:
    monkeypatch.setattr(tls_renewal, "LOOK_SECONDS", 0.01)
    almost = tls.SERVER_DAYS - tls.RENEWED_DAYS - 1
    clock.move_days(-almost)
    made.make_server(OURS, replace=True)
    clock.move_days(almost)
    trusted, context = made.trusted("ca").decode(), server_context(made.server_file().read_bytes())
    first = shaken(trusted, context, "localhost")
    keeping = asyncio.create_task(keep_renewed(made, context))
    try:
        await asyncio.sleep(0.05)
        assert shaken(trusted, context, "localhost") == first
        clock.move_days(1)
        await _until(lambda: shaken(trusted, context, "localhost") not in {first, None})
    finally:
        keeping.cancel()


async def test_renewal_that_fails_is_tried_again(
    made: TlsFolder, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(tls_renewal, "LOOK_SECONDS", 0.01)
    trusted, context = made.trusted("ca").decode(), server_context(made.server_file().read_bytes())
    first = shaken(trusted, context, "localhost")
    made.path.rename(made.path.with_name("away"))
    keeping = asyncio.create_task(keep_renewed(made, context))
    try:
        await _until(lambda: "could not be renewed" in caplog.text)
        made.path.with_name("away").rename(made.path)
        made.renew_server(None)
        await _until(lambda: shaken(trusted, context, "localhost") not in {first, None})
    finally:
        keeping.cancel()


async def _until(holds: Callable[[], bool]) -> None:
    for _ in range(500):
        if holds():
            return
        await asyncio.sleep(0.01)
    pytest.fail("it never held")


def _contents(folder: TlsFolder) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.path.iterdir()}


def _serves(folder: TlsFolder, name: str) -> bool:
    """Whether a client that trusts what lies there accepts the server under a name."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder.path / "server.pem")
    return shaken((folder.path / "ca.pem").read_text(), context, name) is not None


def _cannot_write(path: Path, content: bytes) -> None:
    raise StorageError(f"cannot write {path}: disk full")
