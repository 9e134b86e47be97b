"""What one picture is of: a page of the console, in one state, in one world. Does nothing."""

from dataclasses import dataclass
from typing import Final, Literal

Verb = Literal["click", "fill", "select", "check", "wait", "press"]


@dataclass(frozen=True)
class Step:
    """Something a person does before the picture is taken.

    Attributes:
        verb: What.
        target: Where: a selector of Playwright's; the key for `press`.
        text: What is typed or chosen; `{name}` is a text of the world.
    """

    verb: Verb
    target: str
    text: str = ""


@dataclass(frozen=True)
class Shot:
    """One picture, in four looks.

    Attributes:
        name: Of its files: subject and state.
        path: The page's path as the table of pages has it; its parameters come from the world.
        world: Where it is taken.
        who: Whose session; empty: nobody's.
        query: What follows the path.
        at: Other values of parameters: parameter → name of a text of the world.
        start: Where one begins, if not at the path itself.
        dialogue: At `start` the link to the path is clicked, and it opens in the dialogue.
        steps: What is done then.
        status: HTTP status of the page one begins at.
        redraws: Drawn by script in the colours of the moment, so that it is loaded for each of them.
        settle_ms: How long it is looked at before, for what moves.
        wide_only, narrow_only: It looks like this at one width only.
        changes: Afterwards other pages look different, so it is taken last, when all others of its world were.
    """

    name: str
    path: str
    world: str = "full"
    who: str = "olga"
    query: str = ""
    at: tuple[tuple[str, str], ...] = ()
    start: str = ""
    dialogue: bool = False
    steps: tuple[Step, ...] = ()
    status: int = 200
    redraws: bool = False
    settle_ms: int = 0
    wide_only: bool = False
    narrow_only: bool = False
    changes: bool = False


SUBMIT: Final = "main button.primary:visible, dialog button.primary:visible"


def click(target: str) -> Step:
    """Click something."""
    return Step("click", target)


def fill(target: str, text: str) -> Step:
    """Type a text into a field, named as in its form."""
    return Step("fill", f"[name={target}]:visible", text)


def wait(target: str) -> Step:
    """Wait until something is there."""
    return Step("wait", target)


def dialogue(name: str, path: str, start: str, *steps: Step, **more: object) -> Shot:
    """A page as it opens in the dialogue over another one."""
    return Shot(name, path, start=start, dialogue=True, steps=steps, **more)  # type: ignore[arg-type]
