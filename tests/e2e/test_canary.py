"""The canary would be found: one is hidden in every place that is searched, in every form, and each is named."""

import base64
import gzip
import os
import sqlite3
import subprocess
import sys
import time
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from tests.support import canary
from tests.support.canary import Canary, Sighting, in_core_files, in_files, in_process, in_process_list

#: Waits with its secret where it was told to keep it.
_KEEPER = """
import os, sys, tempfile
where, hidden = sys.argv[1], bytes.fromhex(sys.stdin.readline().strip())
secret = bytes(b ^ 0x5A for b in hidden)
if where == "memory":
    kept = bytearray(secret)
elif where == "open file":
    kept = tempfile.TemporaryFile(dir=sys.argv[2])
    kept.write(secret); kept.flush()
del secret
print("ready", flush=True)
sys.stdin.readline()
"""


@pytest.fixture
def hidden() -> Canary:
    """A fresh one, made so that no other process of this machine has it."""
    return Canary("canary", base64.b64encode(os.urandom(96)).translate(None, b"+/=")[:64])


@contextmanager
def keeper(where: str, secret: Canary, folder: Path, **environment: str) -> Iterator[int]:
    """A process that keeps a secret; it gets it disguised."""
    words = [secret.secret.decode()] if where == "argv" else []
    process = subprocess.Popen(
        [sys.executable, "-c", _KEEPER, where, str(folder), *words],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env={"PATH": os.defpath, **environment},
    )
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        process.stdin.write(bytes(b ^ 0x5A for b in secret.secret).hex().encode() + b"\n")
        process.stdin.flush()
        assert process.stdout.readline() == b"ready\n"
        yield process.pid
    finally:
        process.kill()
        process.wait()
        process.stdin.close()
        process.stdout.close()


def wheres(found: list[Sighting]) -> list[str]:
    return [one.where for one in found]


FORMS = {
    "plain": lambda s: s,
    "first half": lambda s: s[:24],
    "last half": lambda s: s[-24:],
    "middle": lambda s: s[16:48],
    "hex": lambda s: s.hex().encode(),
    "HEX": lambda s: s.hex().upper().encode(),
    "base64": base64.b64encode,
    "base64 after one": lambda s: base64.b64encode(b"x" + s),
    "base64 after two": lambda s: base64.b64encode(b"xy" + s + b"tail"),
    "urlsafe": base64.urlsafe_b64encode,
    "basic auth": lambda s: base64.b64encode(b"key:" + s),
    "utf-16": lambda s: s.decode("latin-1").encode("utf-16-le"),
    "gzip": gzip.compress,
}


@pytest.mark.parametrize("form", FORMS)
def test_every_form_is_found_in_a_file(hidden: Canary, tmp_path: Path, form: str) -> None:
    deep = tmp_path / ".hidden" / "deep"
    deep.mkdir(parents=True)
    written = FORMS[form](hidden.secret)
    (deep / ".log").write_bytes(written if form == "gzip" else b"before " + written + b" after")
    (found,) = in_files([hidden], tmp_path)
    assert ".log" in found.where
    assert not in_files([hidden], tmp_path, ignoring=[deep])


def test_random_key_bytes_are_found_in_a_pem(tmp_path: Path) -> None:
    raw = Canary("seed", os.urandom(32))
    (tmp_path / "key.pem").write_bytes(
        base64.b64encode(bytes.fromhex("302e020100300506032b657004220420") + raw.secret)
    )
    assert len(in_files([raw], tmp_path)) == 1


def test_one_changed_character_is_another_secret(hidden: Canary, tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"".join(bytes([b ^ 1]) for b in hidden.secret))
    assert in_files([hidden], tmp_path) == []


def test_found_in_a_name_a_zip_and_a_database_row_that_was_deleted(hidden: Canary, tmp_path: Path) -> None:
    (tmp_path / hidden.secret.decode()).touch()
    with zipfile.ZipFile(tmp_path / "backup.zip", "w", zipfile.ZIP_DEFLATED) as pack:
        pack.writestr("inside", hidden.secret * 3)
    db = sqlite3.connect(tmp_path / "rows.db")
    db.execute("PRAGMA secure_delete = OFF")
    db.execute("CREATE TABLE t (x)")
    db.execute("INSERT INTO t VALUES (?)", (hidden.secret,))
    db.commit()
    db.execute("DELETE FROM t")
    db.commit()
    db.close()
    found = wheres(in_files([hidden], tmp_path))
    assert len(found) == 3
    assert any(where.startswith("name of") for where in found)
    assert any(where.endswith("(inside)") for where in found)
    assert any(where.endswith("rows.db") for where in found)


def test_found_in_memory_and_not_after_a_process_that_never_had_it(hidden: Canary, tmp_path: Path) -> None:
    with keeper("memory", hidden, tmp_path) as pid:
        assert any("memory" in where for where in wheres(in_process([hidden], pid)))
        assert in_process_list([hidden]) == []
    with keeper("nowhere", Canary("x", b"x" * 64), tmp_path) as pid:
        assert in_process([hidden], pid) == []


def test_found_in_environment_command_line_and_open_file(hidden: Canary, tmp_path: Path) -> None:
    text = hidden.secret.decode()
    with keeper("environment", hidden, tmp_path, SECRET=text) as pid:
        assert any("environ" in where for where in wheres(in_process([hidden], pid)))
    with keeper("argv", hidden, tmp_path) as pid:
        assert any("cmdline" in where for where in wheres(in_process([hidden], pid)))
        assert any(str(pid) in where for where in wheres(in_process_list([hidden])))
    with keeper("open file", hidden, tmp_path) as pid:
        assert in_files([hidden], tmp_path) == []
        assert any("open file" in where for where in wheres(in_process([hidden], pid)))


def test_found_in_core_files_where_the_kernel_puts_them(hidden: Canary, tmp_path: Path) -> None:
    assert in_core_files([hidden], tmp_path) == []
    (tmp_path / "core.1234").write_bytes(b"\x7fELF" + hidden.secret)
    assert wheres(in_core_files([hidden], tmp_path)) == [str(tmp_path / "core.1234")]


def test_found_in_temporary_files_written_since(
    hidden: Canary, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(canary.tempfile, "gettempdir", lambda: str(tmp_path))
    monkeypatch.setattr(canary, "_TEMPORARY_FOLDERS", ())
    (tmp_path / "old").write_bytes(hidden.secret)
    os.utime(tmp_path / "old", ns=(1, 1))
    since = time.time_ns() - 1_000_000_000
    (tmp_path / "tmpabc").write_bytes(hidden.secret)
    (tmp_path / "mine").write_bytes(hidden.secret)
    assert wheres(canary.in_temporary_files([hidden], since, [tmp_path / "mine"])) == [
        str(tmp_path / "tmpabc")
    ]


def test_process_that_is_gone_or_closed_is_no_fault(hidden: Canary) -> None:
    assert in_process([hidden], 2**22 + 1) == []
