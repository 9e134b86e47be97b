"""`python -m tests.screenshots`: build the worlds, take the pictures, say what was wrong. Status 1 where anything was."""

import argparse
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from tests.screenshots.best import best_shots, keep
from tests.screenshots.camera import Camera, Picture
from tests.screenshots.sheet import write_sheet
from tests.screenshots.shot import Shot
from tests.screenshots.shots import SHOTS
from tests.screenshots.worlds import HOUSES, house
from tests.support.browser import NARROW, WIDE, Scheme, browser

ROOT: Final = Path(__file__).resolve().parents[2]
OUT: Final = ROOT / "build" / "screenshots"


def main(words: Sequence[str] | None = None) -> int:
    """Take pictures.

    Args:
        words: Of the command line; None: this process's.

    Returns:
        1 where a page did something wrong, else 0.
    """
    parser = argparse.ArgumentParser(
        prog="python -m tests.screenshots",
        description="Take pictures of every page and state of the console.",
    )
    parser.add_argument(
        "--only",
        metavar="NAME",
        action="append",
        default=[],
        help="only pictures whose name has this in it; may be given again",
    )
    parser.add_argument(
        "--world",
        metavar="WORLD",
        action="append",
        default=[],
        help="only pictures of this world; may be given again",
    )
    parser.add_argument(
        "--out", metavar="DIR", type=Path, default=OUT, help="where to put them (default: build/screenshots)"
    )
    looks = parser.add_mutually_exclusive_group()
    looks.add_argument("--light", action="store_true", help="only the light theme")
    looks.add_argument("--dark", action="store_true", help="only the dark theme")
    widths = parser.add_mutually_exclusive_group()
    widths.add_argument("--narrow", action="store_true", help=f"only {NARROW} px")
    widths.add_argument("--wide", action="store_true", help=f"only {WIDE} px")
    parser.add_argument("--list", action="store_true", help="say which pictures there are, and take none")
    parser.add_argument(
        "--docs", action="store_true", help="only the pictures of README and docs, and put them there"
    )
    chosen = parser.parse_args(words)
    if chosen.docs:
        return _for_documents(chosen.out / "docs")
    shots = [
        shot for shot in SHOTS
        if (not chosen.only or any(name in shot.name for name in chosen.only))
        and (not chosen.world or shot.world in chosen.world)
    ]  # fmt: skip
    if chosen.list:
        print("\n".join(f"{shot.name:32} {shot.world:12} {shot.path}" for shot in shots))
        return 0
    if not shots:
        parser.error("no picture is called so; --list shows their names")
    schemes: list[Scheme] = ["dark"] if chosen.dark else ["light"] if chosen.light else ["light", "dark"]
    sizes = [NARROW] if chosen.narrow else [WIDE] if chosen.wide else [NARROW, WIDE]
    chosen.out.mkdir(parents=True, exist_ok=True)
    began = time.monotonic()
    pictures = take_all(shots, chosen.out, schemes, sizes)
    write_sheet(chosen.out, pictures)
    wrong = [one for one in pictures if one.faults]
    print(f"{len(pictures)} pictures in {time.monotonic() - began:.0f} s: {chosen.out / 'index.html'}")
    for one in wrong:
        print(f"  {one.path.name}: {'; '.join(one.faults)}")
    return int(bool(wrong))


def _for_documents(folder: Path) -> int:
    """Take the best anew."""
    folder.mkdir(parents=True, exist_ok=True)
    pictures = take_all(best_shots(), folder, ["light", "dark"], [WIDE], whole=False)
    keep(folder, WIDE)
    return int(any(one.faults for one in pictures))


def take_all(
    shots: Sequence[Shot],
    folder: Path,
    schemes: Sequence[Scheme],
    widths: Sequence[int],
    *,
    whole: bool = True,
) -> list[Picture]:
    """Build every world that is needed, one house after the other, and take its pictures."""
    pictures: list[Picture] = []
    with browser() as launched:
        camera = Camera(launched, folder, schemes, widths, _say, whole=whole)
        for worlds in HOUSES:
            wanted = tuple(name for name in worlds if any(shot.world == name for shot in shots))
            if not wanted:
                continue
            _say(f"{wanted[0]}: being built")
            with house(wanted) as phases:
                for name, world in phases:
                    pictures += camera.take(world, [shot for shot in shots if shot.world == name])
    return pictures


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
