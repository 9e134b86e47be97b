"""A home's trail as it is composed: folder, key, sinks; and a canary that must be found nowhere in it."""

import sqlite3
import sys
from pathlib import Path

import pytest
from tests.support.trails import QUICK, FixedEntropy, TickingClock, all_bytes, intent

from watchword.adapters.audit.durable_trail import DurableTrail, Pace
from watchword.adapters.audit.trail_files import open_reader
from watchword.audit.event import Change, Outcome, Refusal
from watchword.audit.trail import AuditUnavailable
from watchword.audit.verify import verify
from watchword.bootstrap.audit_trail import (
    SecondSink,
    audit_folder,
    audit_path,
    prepare_trail,
    public_key_path,
    public_trail_key,
    read_second_sink,
)
from watchword.kernel.errors import ConfigurationError
from watchword.kernel.secret import Secret

CANARY = "CanarySecretCanarySecretCanarySecretCanarySecretCanarySecret1234"


def home_trail(home: Path, second: SecondSink | None = None, pace: Pace = QUICK) -> DurableTrail:
    return prepare_trail(home, TickingClock(), FixedEntropy(), second, pace=pace)


async def lived(home: Path, second: SecondSink | None = None) -> None:
    trail = home_trail(home, second)
    await trail.start()
    row = await trail.record_intent(intent())
    trail.record_outcome(Outcome(intent=row, result="answered", status=200))
    await trail.stop()


async def test_home_gets_a_private_folder_key_and_trail(tmp_path: Path) -> None:
    await lived(tmp_path)
    folder = audit_folder(tmp_path)
    assert folder.stat().st_mode & 0o777 == 0o700
    assert {file.stat().st_mode & 0o777 for file in folder.iterdir()} == {0o600}
    assert {"audit.db", "checkpoint.key", "checkpoint.pub"} <= {file.name for file in folder.iterdir()}
    verifier = public_trail_key(public_key_path(tmp_path)).verifier()
    reader = open_reader(audit_path(tmp_path))
    report = verify(reader.lines_after(0), verifier)
    reader.close()
    assert report.good
    assert report.checkpoints == 2


async def test_key_is_kept_and_its_public_half_made_again(tmp_path: Path) -> None:
    await lived(tmp_path)
    first = public_key_path(tmp_path).read_bytes()
    public_key_path(tmp_path).unlink()
    await lived(tmp_path)
    assert public_key_path(tmp_path).read_bytes() == first


async def test_trail_is_not_gone_on_with_under_another_key(tmp_path: Path) -> None:
    await lived(tmp_path)
    (audit_folder(tmp_path) / "checkpoint.key").unlink()
    with pytest.raises(
        ConfigurationError, match=r"checkpoint\.key is missing, though the trail beside it was signed"
    ):
        home_trail(tmp_path)


async def test_key_that_others_can_read_or_that_is_none_is_refused(tmp_path: Path) -> None:
    await lived(tmp_path)
    key = audit_folder(tmp_path) / "checkpoint.key"
    key.chmod(0o640)
    with pytest.raises(ConfigurationError, match="can be read by others: chmod 600"):
        home_trail(tmp_path)
    key.chmod(0o600)
    key.write_text("nonsense")
    with pytest.raises(ConfigurationError, match="holds no Ed25519 private key"):
        home_trail(tmp_path)
    with pytest.raises(ConfigurationError, match="holds no Ed25519 public key"):
        public_trail_key(key)


def test_home_that_cannot_be_made_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(ConfigurationError, match="cannot use"):
        home_trail(tmp_path / "file")


@pytest.mark.parametrize(
    ("text", "second"),
    [
        ("file:/mnt/safe/trail.log", SecondSink(file=Path("/mnt/safe/trail.log"))),
        (
            "command:ssh safe 'watchword audit' receive",
            SecondSink(command=("ssh", "safe", "watchword audit", "receive")),
        ),
    ],
)
def test_second_sink_is_read_from_one_text(text: str, second: SecondSink) -> None:
    assert read_second_sink(text) == second


@pytest.mark.parametrize("text", ["", "file:", "command:", "command:'", "http://x", "/mnt/safe"])
def test_second_sink_in_another_form_is_refused(text: str) -> None:
    with pytest.raises(ConfigurationError, match="second audit sink"):
        read_second_sink(text)


async def test_second_sinks_of_both_kinds_hold_the_same_rows(tmp_path: Path) -> None:
    script = "from watchword.__main__ import main; main()"
    command = (sys.executable, "-c", script, "audit", "receive", str(tmp_path / "received.log"))
    pace = Pace(write_ms=20_000, open_ms=30_000)
    for number, second in enumerate((SecondSink(file=tmp_path / "copy.log"), SecondSink(command=command))):
        home = tmp_path / str(number)
        trail = home_trail(home, second, pace)
        await trail.start()
        await trail.record_intent(intent())
        await trail.stop()
        copy = second.file or tmp_path / "received.log"
        reader = open_reader(audit_path(home))
        assert b"".join(reader.lines_after(0)) == copy.read_bytes()
        reader.close()


async def test_second_process_is_refused(tmp_path: Path) -> None:
    trail = home_trail(tmp_path)
    await trail.start()
    with pytest.raises(AuditUnavailable, match="another process writes the trail"):
        await home_trail(tmp_path).start()
    await trail.stop()


async def test_read_only_database_refuses_and_comes_back(tmp_path: Path) -> None:
    """`PRAGMA query_only` gives the error a read-only file system gives, whoever runs the tests."""
    trail = home_trail(tmp_path)
    await trail.start()
    sink = trail._lanes[0].scribe.sink
    sink._connection.execute("PRAGMA query_only = 1")  # type: ignore[union-attr]
    with pytest.raises(AuditUnavailable, match="readonly database"):
        await trail.record_intent(intent())
    import asyncio

    for _ in range(100):
        if trail.unavailable(only_cancels=False) is None:
            break
        await asyncio.sleep(0.02)
    await trail.record_intent(intent("afterwards"))
    await trail.stop()


async def test_database_locked_by_somebody_else_refuses_within_the_bound(tmp_path: Path) -> None:
    trail = home_trail(tmp_path)
    await trail.start()
    other = sqlite3.connect(audit_path(tmp_path), isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(AuditUnavailable, match="has not answered for 400 ms"):
        await trail.record_intent(intent())
    other.execute("ROLLBACK")
    other.close()
    await trail.stop()


async def test_canary_is_nowhere_in_home_or_second_sink(tmp_path: Path) -> None:
    pem = f"-----BEGIN PRIVATE KEY-----\n{CANARY}\n-----END PRIVATE KEY-----"
    secret = Secret(CANARY.encode())
    trail = home_trail(tmp_path / "home", SecondSink(file=tmp_path / "copy.log"))
    await trail.start()
    for value in (CANARY, pem, secret, CANARY.encode(), [CANARY]):
        given = {"secret": value, "signature": value, "newClientOrderId": value, "x": value}
        row = await trail.record_intent(intent(parameters=given, reason=value))
        trail.record_outcome(Outcome(intent=row, result="unknown", note=value, order_id=value))  # type: ignore[arg-type]
        trail.record_refusal(
            Refusal(key="k", endpoint=value, rule="symbols", reason=value, values=given, parameters=given)
        )  # type: ignore[arg-type]
        await trail.record_change(Change(action="credential:added", actor="me", subject="main", values=given))  # type: ignore[arg-type]
    await trail.stop()
    content = all_bytes(tmp_path)
    assert b"credential:added" in content
    for form in (CANARY.encode(), CANARY.encode().hex().encode(), repr(CANARY)[1:-1].encode()):
        assert form not in content
