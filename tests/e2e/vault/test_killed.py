"""kill -9 while every DEK is being re-wrapped: what is left opens, holds everything, and goes on."""

import signal
import subprocess
import sys
from pathlib import Path

import pytest
from tests.support.vaults import HMAC_SECRET, PASSPHRASE, cheap_host, host_with

from watchword.bootstrap.vault_view import view
from watchword.credentials.keypair import hmac_signer
from watchword.kernel.secret import Secret
from watchword.vault.vault import Unsealed

SECRETS = 20
BATCH = 8
#: Kills its own process before (or inside, for `inside`) the n-th transaction of a re-wrapping.
_PROGRAM = """
import os, signal, sys
from pathlib import Path
from tests.support.vaults import PASSPHRASE, cheap_host
from watchword.adapters.vault_store import sqlite
from watchword.vault import rotation

home, at, where, rotation.BATCH_ROWS = Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3], int(sys.argv[4])
host = cheap_host(home)
assert not isinstance(host.unseal(PASSPHRASE), type(None))
real, checksum, done = host.store.apply, sqlite._checksum, [0]

def die(*_):
    os.kill(os.getpid(), signal.SIGKILL)

def apply(change):
    done[0] += 1
    if done[0] == at:
        if where == "before":
            die()
        rows = [0]
        def counted(*parts):
            rows[0] += 1
            # reading checks rows too; what is written comes last
            if len(parts) == 6 and rows[0] > 4:
                sys.stdout.flush()
                die()
            return checksum(*parts)
        sqlite._checksum = counted
    real(change)

host.vault._store.apply = apply
host.vault.rewrap()
print("finished")
"""


@pytest.mark.parametrize(
    ("at", "where", "rewrapping"),
    [(2, "before", False), (2, "inside", False), (3, "before", True), (3, "inside", True), (5, "before", False)],
)  # fmt: skip
def test_rewrap_killed_anywhere_loses_nothing_and_is_finished(
    tmp_path: Path, at: int, where: str, rewrapping: bool
) -> None:
    home = tmp_path / "home"
    host_with(home, *(f"key {number}" for number in range(SECRETS))).close()

    ended = subprocess.run(
        [sys.executable, "-c", _PROGRAM, str(home), str(at), where, str(BATCH)],
        cwd=Path(__file__).parents[3],
        capture_output=True,
        check=False,
    )
    assert ended.returncode == -signal.SIGKILL, ended.stderr.decode()
    assert b"finished" not in ended.stdout

    host = cheap_host(home)
    assert view(host.store).rewrapping is rewrapping
    opened = host.unseal(PASSPHRASE)
    assert isinstance(opened, Unsealed)
    assert opened.secrets == SECRETS
    assert opened.rewrapped == {2: SECRETS, 3: SECRETS - BATCH, 5: 0}[at]
    assert not view(host.store).rewrapping
    expected = hmac_signer(Secret(HMAC_SECRET)).sign(b"payload")
    found = host.vault.records()
    assert isinstance(found, list)
    for credential in found:
        assert host.vault.signer_for(credential.id).sign(b"payload") == expected  # type: ignore[union-attr]
    assert host.vault.rewrap() == SECRETS
    host.close()
