"""One attacked console for each module."""

from collections.abc import Iterator

import pytest
from tests.support.attacked_console import AttackedConsole, attacked_console


@pytest.fixture(scope="module")
def target(tmp_path_factory: pytest.TempPathFactory) -> Iterator[AttackedConsole]:
    """A console with limits wide enough that only what a test looks at refuses it."""
    with attacked_console(tmp_path_factory.mktemp("attacked")) as made:
        yield made
