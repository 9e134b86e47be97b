"""In the CI run a client that is missing, or a client test that skips itself, is a failure."""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
SKIPPING = """
import pytest
pytestmark = pytest.mark.client
def test_skips_itself(): pytest.skip("no server")
@pytest.mark.skip(reason="no browser")
def test_is_marked(): pass
@pytest.mark.xfail
def test_is_expected_to_fail(): assert False
"""
MISSING = 'import pytest\npytest.importorskip("a_client_nobody_installed")\n'


def test_skipped_client_test_fails_in_strict_mode(tmp_path: Path) -> None:
    folder = tmp_path / "tests" / "contract"
    folder.mkdir(parents=True)
    (tmp_path / "pytest.ini").write_text("[pytest]\nmarkers = client: a client test\n")
    (tmp_path / "tests" / "conftest.py").write_text((ROOT / "tests" / "conftest.py").read_text())
    (folder / "test_skipping.py").write_text(SKIPPING)
    (folder / "test_missing.py").write_text(MISSING)
    found = subprocess.run(
        [
            sys.executable,
            "-m",
            "pytest",
            "-q",
            "-p",
            "no:cacheprovider",
            "-p",
            "no:schemathesis",
            "--continue-on-collection-errors",
        ],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT), "WATCHWORD_TEST_STRICT": "1"},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert found.returncode == 1
    # The errors are the missing client and the test marked as skipped, which fails in its set-up.
    assert "1 failed, 1 xfailed, 2 errors" in found.stdout
