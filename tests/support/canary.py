"""A secret that nobody else has, searched for wherever it should not be: files, logs, temp files, core files, processes.

It is looked for in the forms in which secrets leak: as it is, in parts, in hex, in base64 at any alignment, in UTF-16, and
inside gzip and zip. Finding nothing proves little unless the search would have found something:
`tests/e2e/test_canary.py` hides one in each place and lets it be found. Never changes what it looks at.
"""

import base64
import contextlib
import functools
import gzip
import io
import os
import re
import stat
import tempfile
import zipfile
import zlib
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Final

import msgspec

#: A leak may be cut off (a log's columns, a truncated error): any of these pieces counts.
PIECE_BYTES: Final = 16
CHUNK_BYTES: Final = 8 << 20
UNPACKED_BYTES_MAX: Final = 64 << 20
FILE_BYTES_MAX: Final = 1 << 30
_MAPPING: Final = re.compile(r"([0-9a-f]+)-([0-9a-f]+) (\S{4}) \S+ \S+ (\d+)\s*(.*)")
#: Where core files go if the pattern names a program, and where temporary files go.
_CORE_FOLDERS: Final = ("/var/crash", "/var/lib/systemd/coredump", "/var/lib/apport/coredump", "/cores")
_TEMPORARY_FOLDERS: Final = ("/dev/shm", "/var/tmp", "/run/user")


class Canary(msgspec.Struct, frozen=True):
    """A secret to look for.

    Attributes:
        name: For the report; the secret itself is never shown.
        secret: Its bytes: an HMAC secret's text, a private key's raw number, a passphrase.
    """

    name: str
    secret: bytes

    def needles(self) -> dict[str, bytes]:
        """All forms by name."""
        return _needles(self.secret)


class Sighting(msgspec.Struct, frozen=True):
    """Where one was seen.

    Attributes:
        canary: Its name.
        where: File, process and region, variable.
        form: How it was written.
    """

    canary: str
    where: str
    form: str


def seen_in(canaries: Sequence[Canary], raw: bytes, where: str) -> Iterator[Sighting]:
    """Look into bytes, and into what they hold if they are packed."""
    for canary in canaries:
        for form, needle in canary.needles().items():
            if needle in raw:
                yield Sighting(canary.name, where, form)
                break
    for packed, name in _unpacked(raw):
        yield from seen_in(canaries, packed, f"{where} ({name})")


def in_files(canaries: Sequence[Canary], *roots: Path, ignoring: Iterable[Path] = ()) -> list[Sighting]:
    """Look into every file under folders: contents and names, dotfiles, databases with their free pages, logs.

    Args:
        canaries: What to look for.
        roots: Folders or files; links are not followed.
        ignoring: Files and folders in which the secret may be.
    """
    ignored = {path.absolute() for path in ignoring}
    return [
        sighting
        for root in roots
        for path in _files(root.absolute(), ignored)
        for sighting in (
            *seen_in(canaries, os.fsencode(path.name), f"name of {path}"),
            *_in_file(canaries, path),
        )
    ]


def in_process(canaries: Sequence[Canary], pid: int, *, memory: bool = True) -> list[Sighting]:
    """Look into a running process: environment, command line, memory, open files (deleted ones too).

    Args:
        canaries: What to look for.
        pid: Of the process.
        memory: False for a process that must hold the secret in its memory.
    """
    folder = Path(f"/proc/{pid}")
    found: list[Sighting] = []
    for name in ("environ", "cmdline"):
        with contextlib.suppress(OSError):
            found += seen_in(canaries, (folder / name).read_bytes(), f"process {pid} {name}")
    for region, raw in _memory(folder) if memory else ():
        found += _unpackless(canaries, raw, f"process {pid} memory {region}")
    with contextlib.suppress(OSError):
        for descriptor in (folder / "fd").iterdir():
            with contextlib.suppress(OSError):
                if stat.S_ISREG(descriptor.stat().st_mode):
                    found += _in_file(
                        canaries, descriptor, f"process {pid} open file {descriptor.readlink()}"
                    )
    return found


def in_process_list(canaries: Sequence[Canary]) -> list[Sighting]:
    """Look into what anybody can see of every process: its command line."""
    found: list[Sighting] = []
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            with contextlib.suppress(OSError):
                found += seen_in(canaries, (folder / "cmdline").read_bytes(), f"process list {folder.name}")
    return found


def in_temporary_files(
    canaries: Sequence[Canary], since_ns: int, ignoring: Iterable[Path] = ()
) -> list[Sighting]:
    """Look into files of the temporary folders changed since a moment.

    Args:
        canaries: What to look for.
        since_ns: `time.time_ns()` at the start of what is judged.
        ignoring: Folders of other tests, and of this one.
    """
    ignored = {path.absolute() for path in ignoring}
    found: list[Sighting] = []
    for root in (Path(tempfile.gettempdir()), *map(Path, _TEMPORARY_FOLDERS)):
        for path in _files(root, ignored, since_ns):
            found += _in_file(canaries, path)
    return found


def in_core_files(canaries: Sequence[Canary], *working_folders: Path) -> list[Sighting]:
    """Look into core files, where the kernel's pattern says they go.

    Args:
        canaries: What to look for.
        working_folders: Of the processes that may have died.
    """
    return [sighting for path in core_files(*working_folders) for sighting in _in_file(canaries, path)]


def core_files(*working_folders: Path) -> list[Path]:
    """Find core files: by the kernel's pattern, where programs that take cores put them, and in working folders."""
    pattern = Path("/proc/sys/kernel/core_pattern").read_text("utf-8").strip()
    folders = [*working_folders, *map(Path, _CORE_FOLDERS)]
    if pattern.startswith("/"):
        folders.append(Path(pattern).parent)
    begins = re.split(r"%.", Path(pattern).name)[0] if not pattern.startswith("|") else ""
    return [
        path
        for folder in folders
        if folder.is_dir()
        for path in folder.iterdir()
        if path.is_file() and (path.name.startswith("core") or (begins and path.name.startswith(begins)))
    ]


def _files(root: Path, ignored: set[Path], since_ns: int = 0) -> Iterator[Path]:
    """Walk regular files changed since a moment, leaving out what is ignored; links are not followed."""
    if root in ignored or root.is_symlink():
        return
    if root.is_file():
        yield root
        return
    waiting, left_out = [os.fspath(root)], {os.fspath(path) for path in ignored}
    while waiting:
        with contextlib.suppress(OSError), os.scandir(waiting.pop()) as entries:
            for entry in sorted(entries, key=lambda entry: entry.name):
                if entry.path in left_out:
                    continue
                if entry.is_dir(follow_symlinks=False):
                    waiting.append(entry.path)
                elif _changed(entry, since_ns):
                    yield Path(entry.path)


def _changed(entry: os.DirEntry[str], since_ns: int) -> bool:
    """Whether this is a regular file that changed; one that has just gone is none."""
    try:
        return entry.is_file(follow_symlinks=False) and entry.stat().st_mtime_ns >= since_ns
    except OSError:
        return False


def _in_file(canaries: Sequence[Canary], path: Path, name: str | None = None) -> list[Sighting]:
    try:
        with path.open("rb") as file:
            return list(seen_in(canaries, file.read(FILE_BYTES_MAX), name or str(path)))
    except OSError:
        return []


def _memory(folder: Path) -> Iterator[tuple[str, bytes]]:
    """Read what a process has written or could have: all but read-only pieces of files."""
    try:
        maps = (folder / "maps").read_text("utf-8", "replace").splitlines()
        memory = os.open(folder / "mem", os.O_RDONLY)
    except OSError:
        return
    longest = 4 * PIECE_BYTES
    try:
        for line in maps:
            match = _MAPPING.match(line)
            if match is None or match[3][0] != "r" or match[5].startswith(("[vvar", "[vsyscall", "[vdso")):
                continue
            if match[4] != "0" and match[3][1] != "w":
                continue
            start, end = int(match[1], 16), int(match[2], 16)
            for at in range(start, end, CHUNK_BYTES):
                with contextlib.suppress(OSError):
                    size = min(CHUNK_BYTES + longest, end - at)
                    yield match[5] or "anonymous", os.pread(memory, size, at)
    finally:
        os.close(memory)


def _unpackless(canaries: Sequence[Canary], raw: bytes, where: str) -> Iterator[Sighting]:
    """Look into a piece of memory, which is no archive."""
    for canary in canaries:
        for form, needle in canary.needles().items():
            if needle in raw:
                yield Sighting(canary.name, where, form)
                break


def _unpacked(raw: bytes) -> Iterator[tuple[bytes, str]]:
    if raw.startswith(b"\x1f\x8b"):
        with contextlib.suppress(OSError, EOFError, zlib.error):
            yield gzip.GzipFile(fileobj=io.BytesIO(raw)).read(UNPACKED_BYTES_MAX), "gzip"
    if raw.startswith(b"PK\x03\x04"):
        with (
            contextlib.suppress(zipfile.BadZipFile, RuntimeError, zlib.error),
            zipfile.ZipFile(io.BytesIO(raw)) as pack,
        ):
            for name in pack.namelist():
                with pack.open(name) as file:
                    yield file.read(UNPACKED_BYTES_MAX), name


@functools.cache
def _needles(secret: bytes) -> dict[str, bytes]:
    """Forms by name. Where the beginning of a form depends on what stands before it, that beginning is left out."""
    last = max(len(secret) - PIECE_BYTES, 0)
    forms = {f"bytes {at} on": secret[at : at + PIECE_BYTES] for at in sorted({0, last // 2, last})}
    for at in {0, last}:
        piece = secret[at : at + PIECE_BYTES]
        forms[f"hex from {at}"] = piece.hex().encode()
        forms[f"HEX from {at}"] = piece.hex().upper().encode()
    for shift in range(3):
        encoded = base64.b64encode(bytes(shift) + secret)
        # Four characters hold three bytes: the first and last group may mix with neighbours.
        whole = encoded[4 if shift else 0 : len(encoded) // 4 * 4 - 4]
        forms[f"base64 shifted by {shift}"] = whole
        forms[f"URL-safe base64 shifted by {shift}"] = whole.translate(bytes.maketrans(b"+/", b"-_"))
    with contextlib.suppress(UnicodeDecodeError):
        forms["UTF-16"] = secret.decode("ascii")[:PIECE_BYTES].encode("utf-16-le")
    return {name: needle for name, needle in forms.items() if len(needle) >= PIECE_BYTES // 2}
