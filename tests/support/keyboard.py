"""Somebody without a mouse: Tab, Shift+Tab, Enter, Space, arrows, Escape and typing; nothing is clicked, filled or focused.

keys = Keyboard(tab.page)
keys.press_on("link", "Create API key")      # tabs until it has the focus, then Enter
keys.write("Label", "grid bot")
keys.pick("Account", "spare")                # arrows until the list says so
"""

import re
from typing import Any, Final, Literal

from playwright.sync_api import Locator, Page, expect

from watchword.entrypoints.console.pages.finding import PageTable
from watchword.entrypoints.console.pages.table import PAGES

Role = Literal["link", "button", "textbox", "searchbox", "combobox", "checkbox", "radio"]
#: More stops than any page has.
STOPS_MAX: Final = 160
OPTIONS_MAX: Final = 60
FIELDS: Final = "textbox", "searchbox"
#: What has the focus: whether it can be seen to have it, and whether all of it is covered by the bar at the top.
FOCUS: Final = """() => {
  const active = document.activeElement;
  if (!active || active === document.body) return null;
  const drawn = (one) => {
    const look = getComputedStyle(one);
    return (look.outlineStyle !== "none" && parseFloat(look.outlineWidth) >= 1);
  };
  const near = [active, active.closest("label"), active.parentElement].filter((one) => one !== null);
  const box = active.getBoundingClientRect();
  const top = document.querySelector(".top")?.getBoundingClientRect().bottom ?? 0;
  const framed = active.closest(".top, .side, .skip, dialog, [popover]") !== null;
  return {
    seen: near.some(drawn) || active.id === "main",
    uncovered: framed || (box.bottom > top && box.top < innerHeight),
    html: active.outerHTML.slice(0, 200),
    dialogue: active.closest("dialog") !== null,
  };
}"""


class Keyboard:
    """One person's keyboard.

    Attributes:
        sent: Paths of the table whose forms were sent.
    """

    def __init__(self, page: Page) -> None:
        self.page = page
        self.sent: set[str] = set()
        self._table = PageTable(PAGES)
        page.on("request", self._note)

    def press(self, *keys: str) -> None:
        """Press keys, one after the other."""
        for key in keys:
            self.page.keyboard.press(key)

    def stop(self, key: str = "Tab") -> Any:
        """Go to the next stop; what has the focus then, or None. Fails where the focus cannot be seen."""
        self.press(key)
        found = self.page.evaluate(FOCUS)
        assert found is None or found["seen"], f"the focus is not to be seen on {found['html']}"
        return found

    def to(
        self, role: Role, name: str | re.Pattern[str], *, within: str = "body", key: str = "Tab"
    ) -> Locator:
        """Tab until the control has the focus; fails after every stop of the page was passed."""
        exact = isinstance(name, str)
        wanted = self.page.locator(within).get_by_role(role, name=name, exact=exact)
        return self._until(wanted, f"{role} {name}", key)

    def press_on(self, role: Role, name: str | re.Pattern[str], **more: Any) -> None:
        """Go there and press Enter."""
        self.to(role, name, **more)
        self.press("Enter")

    def write(self, label: str, text: str, *, within: str = "body") -> None:
        """Go to a field by its label and type over what stands there."""
        wanted = (
            self.page.locator(within)
            .get_by_label(label, exact=True)
            .and_(self.page.locator("input:visible, textarea:visible"))
        )
        self._until(wanted, label)
        self.press("Control+a")
        if text:
            self.page.keyboard.insert_text(text)
        else:
            self.press("Delete")

    def pick(self, label: str, option: str | re.Pattern[str], *, within: str = "body") -> None:
        """Go to a list by its label; arrows until it shows the option."""
        chosen = self.to("combobox", label, within=within)
        shown = "list => list.selectedOptions[0]?.textContent.trim() ?? ''"
        self.press("Home")
        for _ in range(OPTIONS_MAX):
            if re.search(option, chosen.evaluate(shown)):
                return
            self.press("ArrowDown")
        raise AssertionError(f"{label} has no {option}")

    def choose(self, name: str | re.Pattern[str], *, within: str = "body") -> None:
        """Go to a row of round buttons, then arrows until this one is chosen."""
        wanted = self.page.locator(within).get_by_role("radio", name=name).first
        row = wanted.get_attribute("name")
        self._until(self.page.locator(within).locator(f"input[type=radio][name={row}]"), f"row of {name}")
        if wanted.is_checked():
            return
        for _ in range(OPTIONS_MAX):
            self.press("ArrowDown")
            if wanted.is_checked():
                return
        raise AssertionError(f"{name} cannot be chosen")

    def tick(self, name: str | re.Pattern[str], *, within: str = "body") -> None:
        """Go to a check box and tick it."""
        box = self.to("checkbox", name, within=within)
        if not box.is_checked():
            self.press("Space")
        expect(box).to_be_checked()

    def unfold(self, words: str, *, within: str = "body") -> None:
        """Go to what is folded and unfold it."""
        self._until(self.page.locator(within).locator("summary", has_text=words), words)
        self.press("Enter")

    def skip(self) -> None:
        """From the top of a page past what all pages have."""
        self.press_on("link", "Skip to content")
        expect(self.page.locator("main")).to_be_focused()

    def has_focus(self, wanted: Locator) -> bool:
        """Whether one of these has the focus."""
        return bool(wanted.evaluate_all("all => all.includes(document.activeElement)"))

    def _until(self, wanted: Locator, words: str, key: str = "Tab") -> Locator:
        expect(wanted.first).to_be_attached()
        passed: list[str] = []
        for _ in range(STOPS_MAX):
            if self.has_focus(wanted):
                return self.page.locator(":focus")
            found = self.stop(key)
            passed.append(found["html"][:90] if found else "nothing")
        raise AssertionError(f"no way to {words}; passed:\n" + "\n".join(passed[-40:]))

    def _note(self, request: Any) -> None:
        if request.method == "POST":
            path = "/" + request.url.partition("://")[2].partition("/")[2]
            found = self._table.find(path.partition("?")[0])
            if found is not None:
                self.sent.add(found[0].path)
