"""kill -9 of a process that changes accounts, again and again on one file: nothing told is lost, no change is half there."""

import random
import subprocess
import sys
import time
from pathlib import Path

from tests.support.account_rows import ANN, SEED

from watchword.accounts.model import Session, SignIn, TotpFactor
from watchword.adapters.accounts.accounts_store import SqlAccounts

ROOT = Path(__file__).parents[2]
KILLS = 6
#: A change adds one session and one line of history, and takes the session before.
WRITER = """
import sys
from pathlib import Path
from tests.support.account_rows import totp
from watchword.accounts.model import Session, SignIn
from watchword.adapters.accounts.accounts_store import SqlAccounts

folder = Path(sys.argv[1])
store = SqlAccounts.open_file(folder / "accounts.db", folder / "accounts.key")
for number in range(int(sys.argv[2]), 1_000_000):
    line = SignIn(id=f"h-{number}", person_id="p-1", at_us=number, outcome="signed_in")
    now = Session(id=f"s-{number}", person_id="p-1", digest=number.to_bytes(32, "big"), stage="full", created_us=number)
    before = Session(id=f"s-{number - 1}", person_id="", digest=b"", stage="full")
    store.write([totp(), line, now], [before])
    sys.stdout.write(f"{number}\\n")
    sys.stdout.flush()
"""


def test_killed_writer_loses_no_change_it_told_of_and_leaves_none_half_done(tmp_path: Path) -> None:
    dice, first = random.Random(4), 0
    for _ in range(KILLS):
        told = run_and_kill(tmp_path, first, dice.uniform(0.0, 0.1))
        store = SqlAccounts.open_file(tmp_path / "accounts.db", tmp_path / "accounts.key")
        rows = list(store.load())
        store.close()
        lines = sorted(row.at_us for row in rows if isinstance(row, SignIn))
        # The change that was under way when the process died is there as a whole, or not at all.
        assert lines in ([*range(told + 1)], [*range(told + 2)])
        assert [row.created_us for row in rows if isinstance(row, Session)] == [lines[-1]]
        ((seed, whose),) = [(row.seed.reveal(), row.person_id) for row in rows if isinstance(row, TotpFactor)]
        assert (seed, whose) == (SEED, ANN)
        first = lines[-1] + 1


def run_and_kill(folder: Path, first: int, after_s: float) -> int:
    """Let a writer live for a while after its first change; return the number of the last one it told of."""
    process = subprocess.Popen(
        [sys.executable, "-c", WRITER, str(folder), str(first)], stdout=subprocess.PIPE, text=True, cwd=ROOT
    )
    assert process.stdout is not None
    told = [process.stdout.readline()]
    time.sleep(after_s)
    process.kill()
    told += process.stdout.readlines()
    process.wait()
    return int([line for line in told if line.endswith("\n")][-1])
