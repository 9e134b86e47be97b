"""What a browser that was never here loads for the first pages: bytes as they are sent, everything they name included."""

import gzip
import re
from pathlib import Path
from typing import Any

import pytest
from tests.support.console_pages import FakeBrowser, PagesConsole

from watchword.entrypoints.console.pages.assets import FOLDER
from watchword.entrypoints.console.problem import UNAVAILABLE, Problem

BYTES_MAX = 300_000
_NAMED = re.compile(r'(?:src|href)="(/static/[^"]+)"')
#: Modules that a script of ours loads by itself would be named like this.
_LOADED = re.compile(r"""(?:\bfrom|\bimport)\s*\(?["'](\.{0,2}/[^"']+)["']""")

pytestmark = pytest.mark.skipif(
    not (FOLDER / "app.js").exists(), reason="the pages' scripts are not built: run make"
)


@pytest.fixture
def console(tmp_path: Path) -> PagesConsole:
    down = Problem(UNAVAILABLE, "no testnet runs here")
    names = ("listSymbols", "listExchangeAccounts", "showBook", "listMarketTrades")
    return PagesConsole(tmp_path, built=True, **dict.fromkeys(names, down))


async def weight_of(browser: FakeBrowser, path: str) -> dict[str, int]:
    """Bytes by address: the page, and what it names or what that loads, each once."""
    page = await browser.get(path)
    weights, waiting = {path: len(page.content)}, _NAMED.findall(page.text)
    while waiting:
        address = waiting.pop()
        if address in weights:
            continue
        packed, content = await sent(browser, address)
        weights[address] = packed
        waiting += [one for one in _LOADED.findall(content) if one.startswith("/static/")]
    return weights


async def sent(browser: FakeBrowser, address: str) -> tuple[int, str]:
    """How many bytes a file is on its way to a browser, and its text."""
    answer: Any = await browser.get(address, accept_encoding="gzip")
    assert answer.status_code == 200, address
    assert answer.headers["content-encoding"] == "gzip", address
    return len(gzip.compress(answer.content, mtime=0)), answer.text


@pytest.mark.parametrize("path", ["/sign-in", "/set-up"])
async def test_first_page_weighs_little(console: PagesConsole, path: str) -> None:
    weights = await weight_of(FakeBrowser(console), path)
    assert len(weights) >= 4, "a page, a style, a script and a mark"
    assert sum(weights.values()) <= BYTES_MAX, weights


async def test_market_weighs_little_with_its_chart(console: PagesConsole) -> None:
    weights = await weight_of(console.signed_in(), "/market")
    files = [FOLDER / name for name in ("market.js",)]
    chart = sum(len(gzip.compress(file.read_bytes(), mtime=0)) for file in files)
    assert sum(weights.values()) + chart <= BYTES_MAX, weights


def test_no_script_loads_a_module_beside_itself_that_is_not_counted() -> None:
    for script in FOLDER.glob("*.js"):
        loaded = {Path(one).name for one in _LOADED.findall(script.read_text(encoding="utf-8"))}
        assert loaded <= {"estimator.js"}, (script.name, loaded)
