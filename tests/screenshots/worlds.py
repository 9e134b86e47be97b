"""The homes pictures are taken in, each made of real processes but for two over people in memory, whose clock can be moved.

A world says where it is, with whose session one looks, and what the parameters of a path are there. Worlds of one house
follow each other: the full home, then the same with its vault sealed, without its gateway, without its testnet.
"""

import contextlib
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import httpx
from tests.screenshots.full_home import FullHome
from tests.support.browser import served
from tests.support.console_pages import PagesConsole
from tests.support.console_process import PASSWORD
from tests.support.managed_home import managed_home

from watchword.entrypoints.console.pages.cookies import SESSION
from watchword.entrypoints.console.rate_limits import RateLimits

#: An API key that nobody has.
NO_KEY: Final = "K" * 64
#: In this order: what comes later in a house may take away what was there before.
HOUSES: Final[tuple[tuple[str, ...], ...]] = (
    ("full", "no-testnet", "sealed", "no-gateway"),
    ("empty",),
    ("stale",),
    ("limited",),
)
WORLDS: Final = tuple(name for house in HOUSES for name in house)


@dataclass
class World:
    """Where pictures are taken.

    Attributes:
        origin: The console's address.
        sessions: Somebody, or a stage of signing in → token of the session.
        at: Value of each parameter of a path, by the path's first part and the parameter's name.
        typed: What steps type, by name.
        renew: Shows the owner's factor again, before it is stale; returns their session's new token.
    """

    origin: str
    sessions: dict[str, str] = field(default_factory=dict)
    at: dict[tuple[str, str], str] = field(default_factory=dict)
    typed: dict[str, str] = field(default_factory=dict)
    renew: Callable[[], str] | None = None


@contextlib.contextmanager
def house(names: tuple[str, ...]) -> Iterator[Iterator[tuple[str, World]]]:
    """Build a house; its worlds come about one after the other, as they are asked for.

    Args:
        names: Of the worlds wanted, of one house, in its order.
    """
    with tempfile.TemporaryDirectory(prefix="watchword-pictures-") as folder:
        kind = next(worlds[0] for worlds in HOUSES if names[0] in worlds)
        builder = {"full": _full, "empty": _empty, "stale": _memory, "limited": _memory}[kind]
        with builder(Path(folder), names) as worlds:
            yield worlds


@contextlib.contextmanager
def _full(folder: Path, names: tuple[str, ...]) -> Iterator[Iterator[tuple[str, World]]]:
    home = FullHome(folder)
    try:
        home.enrolled()
        home.furnish()
        yield _phases(home, names)
    finally:
        home.stop_what_runs()


def _phases(home: FullHome, names: tuple[str, ...]) -> Iterator[tuple[str, World]]:
    brought: Final = {
        "full": lambda: None, "sealed": home.seal, "no-gateway": home.stop_gateway, "no-testnet": home.stop_testnet,
    }  # fmt: skip
    for name in HOUSES[0]:
        brought[name]()
        if name in names:
            yield name, World(home.console.origin, home.sessions(), home.at, home.typed, home.renew)


@contextlib.contextmanager
def _empty(folder: Path, _names: tuple[str, ...]) -> Iterator[Iterator[tuple[str, World]]]:
    with managed_home(folder) as home:
        world = World(
            home.console.origin, {"olga": home.owner.token}, renew=lambda: home.owner.step_up().token
        )
        ada = home.done("POST", "/people", {"name": "ada", "mail": "ada@example.org", "role": "admin"})
        world.typed["enrolment"] = ada["enrolment"]
        tom = home.done("POST", "/people", {"name": "tom", "mail": "tom@example.org", "role": "trader"})
        body = {"token": tom["enrolment"], "password": PASSWORD}
        world.sessions["enrolling"] = home.console.call("POST", "/enrolment", "", body).json["token"]
        yield iter([("empty", world)])


@contextlib.contextmanager
def _memory(folder: Path, names: tuple[str, ...]) -> Iterator[Iterator[tuple[str, World]]]:
    console = PagesConsole(folder, built=True)
    session = console.session_of("olga", "owner")
    if "stale" in names:
        console.stale()
    else:
        console.door._api.dispatch._limits = RateLimits(0.001)
    with served(console) as origin:
        if "limited" in names:
            # The one call there is always room for.
            httpx.get(f"{origin}/keys/{NO_KEY}", cookies={SESSION: session})
        yield iter([(names[0], World(origin, {"olga": session}, typed={"nokey": NO_KEY}))])
