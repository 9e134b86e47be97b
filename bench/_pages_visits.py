"""Which addresses of the console the pages' bench asks for: every page of the table, and of lists more than the beginning."""

from typing import Any, Final
from urllib.parse import urlencode

import msgspec

from bench._pages_home import TeamHome
from watchword.entrypoints.console.pages.table import PAGES

#: Pages of people at another stage of signing in, or of nobody.
STAGED: Final = {"/sign-in/factor": "factor", "/set-up/app": "enrol", "/sign-in": "", "/set-up": ""}
#: Pages that only lead to others.
LEADING: Final = frozenset({"/", "/security/contact/phone/remove"})
#: No pages: files, events, and the proof of a whole trail; path to its query.
DOWNLOADS: Final[dict[str, dict[str, str]]] = {
    "/market/events": {"symbol": "BTCUSDT"},
    "/live/changes": {"topics": "keys"},
    "/account/trades.csv": {"account": "{account}"},
    "/audit/export.csv": {"kind": "request:refused"},
    "/audit/export.json": {"kind": "request:refused"},
}
#: Reads every row there is, within a time of its own, one at a time.
PROOF: Final = "/audit/verify"
#: Where `{key}` or `{account}` is no API key or account of the testnet.
_OTHER: Final = {"/virtual-keys/": "virtual", "/policies/": "virtual"}
#: More of lists than their first page, and other tabs. Values of `{name}` are put in.
_MORE: Final[dict[str, tuple[dict[str, str], ...]]] = {
    "/market": ({"account": "{account}"}, {"account": "{account}", "symbol": "ETHUSDT", "interval": "1h"}),
    "/market/orders": ({"account": "{account}", "symbol": "BTCUSDT"},),
    "/market/candles.json": ({"symbol": "BTCUSDT", "interval": "1m"}, {"symbol": "BTCUSDT", "interval": "1d"}),
    "/account": ({"account": "{account}"},),
    "/account/open-orders": ({"account": "{account}"}, {"account": "{account}", "search": "BTCUSDT"}),
    "/account/orders": ({"account": "{account}"}, {"account": "{account}", "search": "BTCUSDT"}),
    "/account/trades": ({"account": "{account}"}, {"account": "{account}", "search": "ETHUSDT"}),
    "/account/deposits": ({"account": "{account}"},),
    "/portfolio": tuple({"account": "{account}", "span": span} for span in ("1d", "7d", "30d", "1y")),
    "/keys": (
        {}, {"query": "maker-0"}, {"query": "no such key"}, {"sort": "last_used"}, {"sort": "label"},
        {"account": "{account}"}, {"state": "works", "key_type": "HMAC"},
    ),
    "/virtual-keys": ({}, {"query": "maker-0"}, {"query": "no such key"}, {"sort": "label"}),
    "/policies": ({}, {"query": "grid"}),
    "/people": ({}, {"query": "person01"}, {"role": "auditor"}),
    "/approvals": ({}, {"state": "all"}),
    "/audit": (
        {}, {"text": "above the cap DOGEUSDT"}, {"kind": "request:refused"}, {"key": "{virtual}"},
        {"since": "2025-10-12", "until": "2025-10-12"}, {"text": "nothing has this word"},
        {"kind": "home:changed", "symbol": "BTCUSDT"},
    ),
}  # fmt: skip
#: List → route of the API that walks it fast, so that its last page is asked for as well.
_WALKED: Final = {
    "/keys": "/keys?sort=created&descending=true&limit=200",
    "/virtual-keys": "/virtual-keys?limit=200",
    "/account/orders": "/accounts/{account}/orders?limit=200",
    "/account/trades": "/accounts/{account}/trades?limit=200",
}
_WALK_PAGES_MAX: Final = 200


class Place(msgspec.Struct, frozen=True):
    """One address that is asked for.

    Attributes:
        name: What the result calls it.
        path: With its query.
        stage: Of the session it is asked for with; empty for nobody's.
        status: What it answers.
    """

    name: str
    path: str
    stage: str = "full"
    status: int = 200


def page_places(home: TeamHome) -> list[Place]:
    """List every page that can be looked at, with values of this home."""
    places = []
    for page in PAGES:
        if page.get is None or page.path in DOWNLOADS or page.path == PROOF:
            continue
        names = dict(home.names)
        for begin, other in _OTHER.items():
            if page.path.startswith(begin):
                names["key"] = names[other]
        if page.path.endswith("/end") and "assignments" in page.path:
            names |= {"kind": "virtual", "subject": "vk-000000000000"}
        path = page.path.format_map(names)
        for query in _MORE.get(page.path, ({},)):
            shown = "&".join(f"{name}={value}" for name, value in query.items() if value != "{account}")
            name = page.path + (f" {shown}" if shown else "")
            filled = urlencode({key: value.format_map(names) for key, value in query.items()})
            stage, status = STAGED.get(page.path, "full"), 303 if page.path in LEADING else 200
            places.append(Place(name, f"{path}?{filled}" if filled else path, stage, status))
    return [*places, *_last_pages(home)]


def _last_pages(home: TeamHome) -> list[Place]:
    """Find cursors far down the lists, by walking them over the API."""
    places = []
    for page, walk in _WALKED.items():
        path, after, last = walk.format_map(home.names), "", ""
        for _ in range(_WALK_PAGES_MAX):
            more = f"&{urlencode({'after': after})}" if after else ""
            found: dict[str, Any] = home.done("GET", path + more)
            if not found["next"]:
                break
            last, after = after, found["next"]
        wanted = {
            "after": after or last,
            "account": home.names["account"] if page.startswith("/account") else "",
        }
        query = urlencode({name: value for name, value in wanted.items() if value})
        places.append(Place(f"{page} far down", f"{page}?{query}"))
    return places
