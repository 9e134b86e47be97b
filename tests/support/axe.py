"""axe-core in a page: what it finds, in both colour schemes, wide and narrow. Skips where it is not installed.

The page's context needs `LOOKED_AT`: axe is put in as a script, and colours must stand still to be measured.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest
from playwright.sync_api import Page
from tests.support.browser import HEIGHT, NARROW, WIDE, Scheme

AXE: Final = Path(__file__).resolve().parents[2] / "frontend" / "node_modules" / "axe-core" / "axe.min.js"
LOOKED_AT: Final[dict[str, Any]] = {
    "bypass_csp": True,
    "reduced_motion": "reduce",
    "viewport": {"width": WIDE, "height": HEIGHT},
}
RULES: Final = ("wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice")
ALL: Final[dict[str, Any]] = {"runOnly": {"type": "tag", "values": list(RULES)}}
#: What colours and widths alone change, so that the other two looks take a fraction of the time.
LOOKS_ONLY: Final[dict[str, Any]] = {
    "runOnly": {"type": "rule", "values": ["color-contrast", "target-size", "scrollable-region-focusable"]}
}
LOOKS: Final[tuple[tuple[Scheme, int, dict[str, Any]], ...]] = (
    ("light", WIDE, ALL),
    ("dark", WIDE, LOOKS_ONLY),
    ("light", NARROW, LOOKS_ONLY),
    ("dark", NARROW, ALL),
)


def need_axe() -> None:
    """Skip the test where axe-core is missing."""
    if not AXE.exists():
        pytest.skip("axe-core is not installed: run npm ci in frontend/")


def violations(page: Page) -> Iterator[str]:
    """What axe-core finds in the page as it stands, in every look; one line each."""
    page.add_script_tag(path=AXE)
    for scheme, width, options in LOOKS:
        page.set_viewport_size({"width": width, "height": HEIGHT})
        page.emulate_media(color_scheme=scheme)
        found = page.evaluate(
            "options => axe.run(document, options)", {**options, "resultTypes": ["violations"]}
        )
        for one in found["violations"]:
            for node in one["nodes"]:
                yield f"{scheme}, {width}: {one['id']}: {node['html'][:160]}"
    page.set_viewport_size({"width": WIDE, "height": HEIGHT})
