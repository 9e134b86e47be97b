"""Proving a home's trails in a bounded time: what was not read is said not to be, and is not taken for missing."""

import contextlib
import sqlite3
from pathlib import Path

import pytest
from tests.support.trails import TRAIL_KEY, small_trail

from watchword.adapters.audit.sqlite_sink import SqliteSink
from watchword.bootstrap import audit_proof
from watchword.bootstrap.audit_proof import Proof, prove_trails
from watchword.bootstrap.audit_search import GATEWAY, trail_paths
from watchword.bootstrap.audit_trail import public_key_path


@pytest.fixture
def home(tmp_path: Path) -> Path:
    path = trail_paths(tmp_path)[GATEWAY]
    path.parent.mkdir(parents=True)
    with contextlib.closing(SqliteSink(path, 4096)) as sink:
        for row in small_trail():
            sink.append([row])
    public_key_path(tmp_path).write_text(TRAIL_KEY.public.pem())
    return tmp_path


def only(proofs: list[Proof]) -> Proof:
    (proof,) = proofs
    return proof


def test_whole_trail_is_proved_to_its_end(home: Path) -> None:
    proof = only(prove_trails(home))
    assert (proof.trail, proof.finished, proof.signed, proof.findings) == (GATEWAY, True, True, ())
    assert (proof.report.rows, proof.report.head.row) == (12, 12)


def test_late_proof_stops_and_takes_nothing_for_missing(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(audit_proof, "ROWS_PER_LOOK", 4)
    looks = iter([0, 0, 0, 10**12])
    monkeypatch.setattr(audit_proof, "monotonic_ns", lambda: next(looks))
    proof = only(prove_trails(home, 1.0))
    assert (proof.finished, proof.report.rows, proof.findings) == (False, 8, ())


def test_trail_that_was_cut_is_found_where_it_was_read_to_its_end(home: Path) -> None:
    path = trail_paths(home)[GATEWAY]
    with contextlib.closing(sqlite3.connect(path)) as store, store:
        tables = [name for (name,) in store.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        store.execute(f"DELETE FROM {tables[0]} WHERE rowid = (SELECT MAX(rowid) FROM {tables[0]})")
    assert {one.kind for one in only(prove_trails(home)).findings} == {"cut"}


def test_without_a_key_checkpoints_are_not_taken_for_checked(home: Path) -> None:
    public_key_path(home).unlink()
    assert only(prove_trails(home)).signed is False
    public_key_path(home).write_text("no key")
    assert [one.row for one in only(prove_trails(home)).findings] == [0]


def test_home_without_trails_has_no_proofs(tmp_path: Path) -> None:
    assert prove_trails(tmp_path) == []
