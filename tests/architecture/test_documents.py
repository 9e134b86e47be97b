"""What the documents say is what the code is."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
ARCHITECTURE = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
ARCHITECTURE_LINES_MAX = 300


def _packages() -> list[str]:
    source = ROOT / "src" / "watchword"
    return sorted(
        init.parent.relative_to(source).as_posix()
        for init in source.rglob("__init__.py")
        if init.parent != source
    )


def test_architecture_stays_readable() -> None:
    assert len(ARCHITECTURE.splitlines()) <= ARCHITECTURE_LINES_MAX


@pytest.mark.parametrize("package", _packages())
def test_architecture_names_every_package(package: str) -> None:
    assert f"`{package}/`" in ARCHITECTURE


def test_architecture_names_no_package_that_is_gone() -> None:
    named = set(re.findall(r"^\| `([a-z_/]+)/`", ARCHITECTURE, flags=re.MULTILINE))
    assert named == set(_packages())


@pytest.mark.parametrize("path", sorted(ROOT.glob("*.md")) + sorted((ROOT / "docs").rglob("*.md")), ids=str)
def test_links_between_documents_lead_somewhere(path: Path) -> None:
    for target in re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", path.read_text(encoding="utf-8")):
        if "://" not in target and not target.startswith("mailto:"):
            assert (path.parent / target).exists(), target


def test_make_menu_matches_readme() -> None:
    targets = re.findall(
        r"^([a-z-]+):.*##", (ROOT / "Makefile").read_text(encoding="utf-8"), flags=re.MULTILINE
    )
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert [target for target in targets if f"make {target}" not in readme and target != "help"] == []


def test_makefile_stays_a_menu() -> None:
    assert len((ROOT / "Makefile").read_text(encoding="utf-8").splitlines()) <= 50
