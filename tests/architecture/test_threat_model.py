"""A promise of docs/threat-model.md without a test is none: every test it names exists."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
NAMED = re.compile(r"`((?:unit|property|contract|e2e|architecture)/[\w/]+\.py)(?:::(\w+))?`")
PROMISES_MIN = 20


def promised() -> list[tuple[str, str]]:
    text = (ROOT / "docs/threat-model.md").read_text()
    return sorted(set(NAMED.findall(text)))


def test_every_promise_names_a_test() -> None:
    text = (ROOT / "docs/threat-model.md").read_text()
    section = text.partition("## What is promised")[2].partition("\n## ")[0]
    rows = [line for line in section.splitlines() if line.startswith("| ")][1:]
    assert len(rows) >= PROMISES_MIN
    assert [row for row in rows if NAMED.search(row) is None] == []


@pytest.mark.parametrize(("path", "name"), promised())
def test_named_test_exists(path: str, name: str) -> None:
    text = (ROOT / "tests" / path).read_text()
    assert f"def {name}(" in text if name else "def test_" in text
