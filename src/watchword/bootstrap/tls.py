"""`HOME/tls`: the gateway's certificate authority and server certificate, and the authorities of the forward proxy.

    ca.pem                   what clients trust; no secret
    ca-key.pem               the same with its private key
    server.pem               certificate and private key of the listening side
    proxy-<upstream>.pem     what clients of the forward proxy trust; no secret
    proxy-<upstream>-key.pem the same with its private key

The folder is 0700, every file 0600 and replaced in one step; a private key and its certificate share a file, so a crash
cannot part them. Never listens and never prints.
"""

import contextlib
import fcntl
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import msgspec

from watchword.adapters.certificates import DAY_US, Authority, Description, describe
from watchword.adapters.key_files import read_bounded, readable_by_others
from watchword.binance.upstream_names import entry_points
from watchword.binance.upstreams import UPSTREAMS, Upstream
from watchword.gateway.certificate_names import Names
from watchword.kernel.clock import Clock
from watchword.kernel.errors import ConfigurationError, StorageError
from watchword.storage.private_files import make_folder, write_atomically

AUTHORITY_DAYS: Final = 3_650
#: Some clients take no server certificate that lives longer than 398 days.
SERVER_DAYS: Final = 397
#: A server certificate with less left is renewed by whoever needs it next.
RENEWED_DAYS: Final = 30


class Certificate(msgspec.Struct, frozen=True):
    """One certificate of this home.

    Attributes:
        part: `ca`, `server` or `proxy-<upstream>`.
        path: Its file; for an authority the one without the key.
        days_left: Whole days; negative once it has ended.
    """

    part: str
    path: Path
    description: Description
    days_left: int


class TlsFolder:
    """The TLS files of a home.

    When unavailable: refuse to start.
    """

    def __init__(self, home: Path, clock: Clock) -> None:
        """Look at a home's TLS files; nothing is read or made yet.

        Args:
            home: Absolute.
            clock: Decides what has ended and what is due.
        """
        self.path = home / "tls"
        self._clock = clock

    def make_server(self, names: Names, *, replace: bool) -> None:
        """Make an authority that may vouch for these names only, and a server certificate for all of them.

        Raises:
            ConfigurationError: There is one, and it shall not be replaced.
            StorageError: It could not be written.
        """
        with self._held():
            if self._private("ca").exists() and not replace:
                raise ConfigurationError(
                    f"{self.path} holds a certificate authority already; --renew makes a new server certificate "
                    "under it, --new-ca replaces it (every client must then be told again)"
                )
            authority = self._write_authority("ca", "Watchword gateway CA", names)
            self._write_server(authority, names)

    def renew_server(self, names: Names | None) -> None:
        """Make a new server certificate under the same authority: nothing changes for clients.

        Args:
            names: All or some of those the authority was made for; None for those of the certificate there is.

        Raises:
            ConfigurationError: There is no authority, it has ended, or it may not vouch for a name.
            StorageError: It could not be written.
        """
        with self._held():
            authority = self._authority("ca")
            self._write_server(authority, names or self._names_before(authority))

    def server_file(self) -> Path:
        """Return the file with the server's certificate and key; renews it when it is due or missing.

        Raises:
            ConfigurationError: There is no authority, or it has ended.
            StorageError: A certificate that cannot be used any more could not be replaced.
        """
        path, authority = self._private("server"), self._authority("ca")
        left_us = -1
        if path.exists():
            pem = _read_private(path)
            if authority.vouches_for(pem):
                left_us = describe(pem, str(path)).ends_us - self._clock.now_us()
        if left_us < RENEWED_DAYS * DAY_US:
            try:
                self.renew_server(None)
            except StorageError:
                if left_us <= 0:
                    raise
        return path

    def make_proxy(self, upstream: Upstream, *, replace: bool) -> None:
        """Make the authority of the forward proxy for one upstream, constrained to that upstream's hosts.

        Raises:
            ConfigurationError: There is one, and it shall not be replaced.
            StorageError: It could not be written.
        """
        with self._held():
            if self._private(_part(upstream)).exists() and not replace:
                raise ConfigurationError(
                    f"{self.path} holds the forward proxy's certificate authority for {upstream} already; "
                    "--new-ca replaces it (every client must then be told again)"
                )
            self._write_authority(_part(upstream), f"Watchword proxy CA ({upstream})", _hosts_of(upstream))

    def proxy_authority(self, upstream: Upstream) -> Authority:
        """Return the forward proxy's authority for an upstream.

        Raises:
            ConfigurationError: There is none, it has ended, or the upstream has hosts it was not made for.
        """
        authority = self._authority(_part(upstream))
        if foreign := sorted(set(_hosts_of(upstream).hosts) - set(authority.names.hosts)):
            raise ConfigurationError(
                f"{self._private(_part(upstream))} was made before {', '.join(foreign)} belonged to {upstream}; "
                f"make it anew: watchword tls init --proxy-for {upstream} --new-ca"
            )
        return authority

    def trusted(self, part: str) -> bytes:
        """Return what clients are told to trust, as PEM.

        Args:
            part: `ca` or `proxy-<upstream>`.

        Raises:
            ConfigurationError: There is none.
        """
        return self._authority(part).public_pem()

    def certificates(self) -> list[Certificate]:
        """Describe what is there.

        Raises:
            ConfigurationError: A file does not hold what it should.
        """
        found = []
        for part in ("ca", "server", *map(_part, UPSTREAMS)):
            kept = self._private(part)
            if kept.exists():
                described = describe(read_bounded(kept), str(kept))
                days_left = (described.ends_us - self._clock.now_us()) // DAY_US
                path = kept if part == "server" else self.path / f"{part}.pem"
                found.append(Certificate(part, path, described, days_left))
        return found

    def _authority(self, part: str) -> Authority:
        """Read an authority, and put its public half back where somebody lost or changed it."""
        path, public = self._private(part), self.path / f"{part}.pem"
        if not path.exists():
            option = "" if part == "ca" else f" --proxy-for {part.removeprefix(_part(''))}"
            raise ConfigurationError(
                f"{self.path} holds no such certificate authority; make it with: watchword tls init{option}"
            )
        authority = Authority.read(_read_private(path), str(path))
        if authority.ends_us <= self._clock.now_us():
            raise ConfigurationError(
                f"the certificate authority in {path} has ended; make it anew with --new-ca"
            )
        if not public.exists() or read_bounded(public) != authority.public_pem():
            write_atomically(public, authority.public_pem())
        return authority

    def _write_authority(self, part: str, subject: str, names: Names) -> Authority:
        """The key first: the public half can be made of it, not the other way round."""
        authority = Authority.make(subject, names, self._clock.now_us(), AUTHORITY_DAYS)
        write_atomically(self._private(part), authority.private_pem())
        write_atomically(self.path / f"{part}.pem", authority.public_pem())
        return authority

    def _write_server(self, authority: Authority, names: Names) -> None:
        pem = authority.issue(names, self._clock.now_us(), SERVER_DAYS * DAY_US)
        write_atomically(self._private("server"), pem)

    def _names_before(self, authority: Authority) -> Names:
        """Keep the old certificate's names where this authority issued it, else take all it may have."""
        path = self._private("server")
        if path.exists() and authority.vouches_for(pem := _read_private(path)):
            return describe(pem, str(path)).names
        return authority.names

    def _private(self, part: str) -> Path:
        return self.path / ("server.pem" if part == "server" else f"{part}-key.pem")

    @contextlib.contextmanager
    def _held(self) -> Iterator[None]:
        """Make the folder if needed, and let one process at a time write in it."""
        try:
            make_folder(self.path)
            folder = os.open(self.path, os.O_RDONLY | os.O_DIRECTORY)
        except OSError as error:
            raise StorageError(f"cannot use {self.path}: {error.strerror}") from error
        try:
            fcntl.flock(folder, fcntl.LOCK_EX)
            yield
        finally:
            os.close(folder)


def _part(upstream: str) -> str:
    return f"proxy-{upstream}"


def _hosts_of(upstream: Upstream) -> Names:
    return Names(tuple(sorted({host for host, _ in entry_points(upstream)})))


def _read_private(path: Path) -> bytes:
    """Read a file with a private key, and refuse one that others could have read."""
    if readable_by_others(path):
        raise ConfigurationError(f"others may read the private key in {path}; close it: chmod 600 {path}")
    return read_bounded(path)
