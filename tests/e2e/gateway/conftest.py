"""What the tests of a whole gateway share: one vault, made once, of which each home is a copy."""

from pathlib import Path

import pytest
from tests.support.scripted_bench import new_vault


@pytest.fixture(scope="session")
def vault_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with a vault that opens by itself, and nothing else."""
    return new_vault(tmp_path_factory.mktemp("vault"))
