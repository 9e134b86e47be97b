"""Process hardening, in a process of its own: it cannot be undone."""

import json
import subprocess
import sys

import pytest

from watchword.adapters import hardening

_PROGRAM = """
import json, os, resource
from watchword.adapters.hardening import harden
done = harden()
print(json.dumps({"core": resource.getrlimit(resource.RLIMIT_CORE), "done": [done.core_dumps_off, done.not_dumpable,
  done.memory_locked], "notes": done.notes, "owner": os.stat("/proc/self/environ").st_uid,
  "locked": [l for l in open("/proc/self/status") if l.startswith("VmLck")]}))
"""


def run(*prefix: str) -> dict[str, object]:
    output = subprocess.run(
        [*prefix, sys.executable, "-c", _PROGRAM], capture_output=True, text=True, check=True
    ).stdout
    found: dict[str, object] = json.loads(output)
    return found


def test_hardened_process_leaves_no_core_and_cannot_be_attached_to() -> None:
    found = run()
    assert found["core"] == [0, 0]
    core, attach, locked = found["done"]  # type: ignore[misc]
    assert core
    assert attach
    assert found["owner"] == 0
    assert bool(found["notes"]) is not locked
    assert ("  0 kB" in found["locked"][0]) is not locked  # type: ignore[index]


def test_refusals_of_the_system_are_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    class Libc:
        def mlockall(self, _: int) -> int:
            return -1

    def refuse(*_: object) -> None:
        raise ValueError("not allowed")

    monkeypatch.setattr(hardening.resource, "setrlimit", refuse)
    monkeypatch.setattr(hardening.resource, "getrlimit", lambda _: (-1, -1))
    monkeypatch.setattr(hardening.ctypes, "CDLL", lambda *_, **__: Libc())
    done = hardening.harden()
    assert (done.core_dumps_off, done.not_dumpable, done.memory_locked) == (False, False, False)
    assert len(done.notes) == 3


def test_memory_is_not_locked_under_a_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hardening, "_may_lock", lambda: False)
    monkeypatch.setattr(hardening.resource, "getrlimit", lambda _: (8, 8))
    notes: list[str] = []
    assert not hardening._locked(hardening.ctypes.CDLL(None), notes)
    assert "limit is 8 bytes" in notes[0]
