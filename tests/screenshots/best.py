"""The pictures that README and docs show: which ones, and how they get there. Taken anew with `--docs`, under the same names."""

from pathlib import Path
from typing import TYPE_CHECKING, Final

from tests.screenshots.shots import SHOTS
from tests.support.browser import Scheme

if TYPE_CHECKING:
    from tests.screenshots.shot import Shot

FOLDER: Final = Path(__file__).resolve().parents[2] / "docs" / "pictures"
#: File → name of the shot, theme.
BEST: Final[dict[str, tuple[str, Scheme]]] = {
    "market-dark.png": ("market-full", "dark"),
    "api-management-dark.png": ("keys-full", "dark"),
    "portfolio-light.png": ("portfolio-full", "light"),
    "create-key-light.png": ("key-new", "light"),
    "approval-dark.png": ("approval", "dark"),
    "security-light.png": ("security-full", "light"),
}


def best_shots() -> "list[Shot]":
    """Say which shots are wanted."""
    names = {name for name, _ in BEST.values()}
    return [shot for shot in SHOTS if shot.name in names]


def keep(taken: Path, width: int) -> None:
    """Put them where the documents look for them.

    Args:
        taken: The folder they were taken into.
        width: Of the window.
    """
    FOLDER.mkdir(exist_ok=True)
    for file, (name, scheme) in BEST.items():
        (FOLDER / file).write_bytes((taken / f"{name}-{scheme}-{width}.png").read_bytes())
