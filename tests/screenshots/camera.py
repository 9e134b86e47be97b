"""Takes the pictures with one Chromium and notes what pages did wrong: scripts, content policy, overflow, status."""

import re
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from playwright.sync_api import Browser, Page, Response
from playwright.sync_api import Error as BrowserError
from tests.screenshots.shot import Shot, Step
from tests.screenshots.worlds import World
from tests.support.browser import HEIGHT, NARROW, WIDE, Scheme, Tab

from watchword.entrypoints.console.pages.cookies import SESSION

WAIT_MS: Final = 6_000
LOAD_MS: Final = 30_000
#: A shown factor is fresh for five minutes.
FRESH_S_MAX: Final = 180
#: Longer pages are cut: what follows is more of the same.
HEIGHT_MAX: Final = 4_200
NARROW_HEIGHT: Final = 740
HEIGHTS: Final = {NARROW: NARROW_HEIGHT, WIDE: HEIGHT}
_PARAMETER: Final = re.compile(r"\{(\w+)\}")
#: By how much the page, or the dialogue over it, is wider than what is seen of it.
_OVERFLOW: Final = """() => Math.max(...[document.documentElement, ...document.querySelectorAll("dialog[open]")]
    .map(one => one.scrollWidth - one.clientWidth))"""


@dataclass(frozen=True)
class Picture:
    """One file.

    Attributes:
        faults: What the page did wrong.
    """

    shot: Shot
    scheme: Scheme
    width: int
    path: Path
    faults: tuple[str, ...]


def file_name(shot: Shot, scheme: Scheme, width: int) -> str:
    """Say what a picture's file is called."""
    return f"{shot.name}-{scheme}-{width}.png"


class Camera:
    """One browser, one folder."""

    def __init__(
        self, browser: Browser, folder: Path, schemes: Sequence[Scheme], widths: Sequence[int],
        said: Callable[[str], None], *, whole: bool = True,
    ) -> None:  # fmt: skip
        """Get ready.

        Args:
            browser: Running.
            folder: Of the pictures; there already.
            schemes, widths: The looks wanted.
            said: Is told of each picture.
            whole: The whole page, however long; else what is seen at first.
        """
        self._whole = whole
        self._browser, self._folder, self._schemes, self._widths, self._said = (
            browser,
            folder,
            schemes,
            widths,
            said,
        )
        self._shown_s: dict[int, float] = {}

    def take(self, world: World, shots: Sequence[Shot]) -> Iterator[Picture]:
        """Take all looks of all shots of one world."""
        for changes in (False, True):
            some = [shot for shot in shots if shot.changes is changes]
            for width in self._widths:
                yield from self._take_at(world, some, width)

    def _take_at(self, world: World, shots: Sequence[Shot], width: int) -> Iterator[Picture]:
        tabs = {who: self._tab(world, who, width) for who in dict.fromkeys(shot.who for shot in shots)}
        for shot in shots:
            if (shot.narrow_only and width == WIDE) or (shot.wide_only and width == NARROW):
                continue
            self._stay_fresh(world, tabs)
            # Somebody who signs in by clicking must not be in afterwards.
            if not shot.who:
                tabs[""].context.clear_cookies()
            yield from self._looks(world, shot, tabs[shot.who], width)
        for tab in tabs.values():
            tab.close()

    def _stay_fresh(self, world: World, tabs: dict[str, Tab]) -> None:
        """Show the owner's factor again before pages ask for it."""
        if (
            world.renew is None
            or time.monotonic() - self._shown_s.setdefault(id(world), time.monotonic()) < FRESH_S_MAX
        ):
            return
        world.sessions["olga"] = world.renew()
        self._shown_s[id(world)] = time.monotonic()
        if "olga" in tabs:
            _hold(tabs["olga"], world.sessions["olga"])

    def _tab(self, world: World, who: str, width: int) -> Tab:
        tab = Tab(
            self._browser, world.origin, viewport={"width": width, "height": HEIGHTS[width]}, reduced_motion="reduce",
            color_scheme=self._schemes[0], locale="en-GB", has_touch=width == NARROW,
        )  # fmt: skip
        tab.context.set_default_timeout(WAIT_MS)
        tab.context.set_default_navigation_timeout(LOAD_MS)
        if who:
            _hold(tab, world.sessions[who])
        return tab

    def _looks(self, world: World, shot: Shot, tab: Tab, width: int) -> Iterator[Picture]:
        for number, scheme in enumerate(self._schemes):
            began = time.monotonic()
            faults: list[str] = []
            tab.complaints.clear()
            tab.page.emulate_media(color_scheme=scheme)
            path = self._folder / file_name(shot, scheme, width)
            if number == 0 or shot.redraws:
                try:
                    self._prepare(world, shot, tab.page, f"{scheme}-{width}", faults)
                except BrowserError as error:
                    faults.append(str(error).split("\n")[0])
            faults += self._snapped(tab.page, shot, path, width)
            faults += [f"script: {text}" for text in tab.complaints]
            self._said(f"{path.name} {time.monotonic() - began:.2f} s {'; '.join(faults)}")
            yield Picture(shot, scheme, width, path, tuple(faults))

    def _prepare(self, world: World, shot: Shot, page: Page, look: str, faults: list[str]) -> None:
        texts = {**world.typed, "look": look}
        place = placed(shot.path, world, dict(shot.at)) + shot.query.format_map(texts)
        begin = placed(shot.start, world, dict(shot.at)) if shot.start else place
        answer: Response | None = page.goto(begin, wait_until="load")
        if answer is None or answer.status != shot.status:
            faults.append(f"status {answer.status if answer else 'none'} instead of {shot.status}")
        if shot.dialogue:
            page.locator(f'a[hx-get="{place}"]').first.click()
            page.locator("dialog[open] #panel h1").first.wait_for()
        for step in shot.steps:
            _do(page, step, texts)
        if shot.settle_ms:
            page.wait_for_timeout(shot.settle_ms)

    def _snapped(self, page: Page, shot: Shot, path: Path, width: int) -> list[str]:
        """Take the picture; once more where the page was on its way to another one."""
        for last in (False, True):
            try:
                page.wait_for_load_state()
                return self._snap(page, shot, path, width)
            except BrowserError as error:
                if last:
                    return [str(error).split("\n")[0]]
        raise AssertionError

    def _snap(self, page: Page, shot: Shot, path: Path, width: int) -> list[str]:
        """Take the picture: of the whole page, or of what one sees of a dialogue."""
        faults = []
        options: dict[str, Any] = {"path": path, "animations": "disabled", "caret": "hide"}
        over = page.evaluate(_OVERFLOW)
        if over > 0:
            faults.append(f"{over} px wider than what is seen")
        is_open = page.locator("dialog[open], :popover-open").count() > 0
        height = page.evaluate("document.documentElement.scrollHeight")
        if is_open or not self._whole or height <= HEIGHTS[width]:
            page.screenshot(**options)
            return faults
        # The window is made as high as the page, so that what sticks to its edges does so in the picture too.
        page.set_viewport_size({"width": width, "height": min(height, HEIGHT_MAX)})
        page.evaluate("scrollTo(0, 0)")
        page.screenshot(**options)
        page.set_viewport_size({"width": width, "height": HEIGHTS[width]})
        return faults


def placed(path: str, world: World, named: dict[str, str]) -> str:
    """Fill in the parameters of a path.

    Args:
        path: As the table of pages has it, perhaps with a query.
        world: Knows their values.
        named: Parameter → name of a text of the world, for what is not looked at as usual.
    """
    first = path.partition("?")[0].strip("/").partition("/")[0]

    def value(found: re.Match[str]) -> str:
        name = found[1]
        return world.typed[named[name]] if name in named else world.at[(first, name)]

    return _PARAMETER.sub(value, path)


def _hold(tab: Tab, session: str) -> None:
    cookie = {"name": SESSION, "value": session, "url": tab.origin, "httpOnly": True}
    tab.context.add_cookies([cookie])  # type: ignore[list-item]  # a TypedDict of Playwright's own


def _do(page: Page, step: Step, texts: dict[str, str]) -> None:
    target = page.locator(step.target).first if step.verb != "press" else None
    text = step.text.format_map(texts)
    match step.verb:
        case "click" if target is not None:
            target.click()
        case "fill" if target is not None:
            target.fill(text)
        case "select" if target is not None:
            target.select_option(text)
        case "check" if target is not None:
            target.check(force=True)
        case "wait" if target is not None:
            target.wait_for()
        case _:
            page.keyboard.press(step.target)
