"""The contact sheet: `index.html` with all pictures of a run, and what was wrong with them."""

import html
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from tests.screenshots.camera import Picture

_HEAD: Final = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Watchword: pictures</title>
<style>
body { font: 14px system-ui, sans-serif; margin: 24px; background: #f4f5f7; color: #1e2026 }
h2 { margin: 32px 0 8px; font-size: 16px } h2 small { color: #707a8a; font-weight: 400 }
.looks { display: flex; flex-wrap: wrap; gap: 12px; align-items: flex-start }
figure { margin: 0 } figcaption { color: #707a8a; font-size: 12px }
img { max-height: 360px; max-width: 640px; border: 1px solid #d5d9de; display: block }
.fault { color: #c8102e }
</style></head><body><h1>Watchword: pictures</h1>
"""


def write_sheet(folder: Path, pictures: Sequence[Picture]) -> None:
    """Write it beside the pictures."""
    parts, name = [_HEAD], ""
    for one in sorted(pictures, key=lambda picture: picture.shot.name):
        if one.shot.name != name:
            parts.append(("</div>" if name else "") + f"<h2>{html.escape(one.shot.name)} ")
            name = one.shot.name
            parts.append(
                f"<small>{html.escape(one.shot.path)} · {one.shot.world} · {one.shot.who or 'nobody'}</small></h2><div class='looks'>"
            )
        said = "".join(f"<br><span class='fault'>{html.escape(text)}</span>" for text in one.faults)
        file = html.escape(one.path.name)
        parts.append(
            f"<figure><a href='{file}'><img src='{file}' loading='lazy' alt=''></a><figcaption>{one.scheme}, {one.width}{said}</figcaption></figure>"
        )
    (folder / "index.html").write_text("\n".join([*parts, "</div></body></html>\n"]), encoding="utf-8")
