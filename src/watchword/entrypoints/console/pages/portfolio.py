"""Portfolio: an account's equity over time, how it is divided, and what each symbol earned. Adds nothing up itself."""

import json
from typing import Final

import msgspec

from watchword.entrypoints.console.pages.page import Answer, Nav, Page
from watchword.entrypoints.console.pages.trading_pages import accounts_of, failed_or_empty, shown
from watchword.entrypoints.console.pages.trading_words import SPANS
from watchword.entrypoints.console.pages.visit import Visit
from watchword.entrypoints.console.pages.wording import SECOND_US
from watchword.entrypoints.console.problem import Problem
from watchword.entrypoints.console.routes.portfolio import AllocationRow, EquityPoint, Portfolio

PATH: Final = "/portfolio"
SPAN: Final = "7d"
#: Slices of the bar; what is smaller goes together.
SLICES_MAX: Final = 7
EQUITY_ROWS_MAX: Final = 40


class Slice(msgspec.Struct, frozen=True):
    """One part of the allocation's bar, in hundredths of a percent from its left end."""

    name: str
    percent: str
    start: int
    width: int


async def show_portfolio(visit: Visit) -> Answer:
    """Show a portfolio."""
    accounts = await accounts_of(visit)
    if isinstance(accounts, Problem) or accounts.chosen is None:
        return failed_or_empty(visit, accounts, "Portfolio", PATH)
    chosen = accounts.chosen
    span = visit.query.get("span", "")
    span = span if span in SPANS else SPAN
    found = await visit.call("showPortfolio", path={"account": str(chosen.account_id)}, query={"span": span})
    failed = found if isinstance(found, Problem) else None
    return shown(
        "portfolio.html", visit, **accounts.context(), span=span, found=found, failed=failed,
        slices=[] if isinstance(found, Problem) else slices_of(found.allocation),
        equity="" if isinstance(found, Problem) else points_of(found),
        rows=[] if isinstance(found, Problem) else rows_of(found.equity),
    )  # fmt: skip


def points_of(found: Portfolio) -> str:
    """Write the chart's points as JSON: seconds and texts. The last one is what it is worth now, as above the chart."""
    points = [(point.time_us // SECOND_US, point.worth) for point in found.equity]
    now_s = found.at_us // SECOND_US
    if points and now_s > points[-1][0]:
        points.append((now_s, found.total))
    return json.dumps(points)


def rows_of(points: list[EquityPoint]) -> list[EquityPoint]:
    """Choose the points that are written as a table: evenly spread, newest first."""
    step = max(1, -(-len(points) // EQUITY_ROWS_MAX))
    return points[::-1][::step]


def slices_of(rows: list[AllocationRow]) -> list[Slice]:
    """Cut the bar.

    Args:
        rows: The most worth first; their shares add up to the whole.
    """
    shares = [(row.asset, int(row.share_percent.replace(".", ""))) for row in rows]
    shares = [(name, share) for name, share in shares if share]
    rest = sum(share for _, share in shares[SLICES_MAX:])
    parts = [*shares[:SLICES_MAX], *([("Other", rest)] if rest else [])]
    slices, start = [], 0
    for name, share in parts:
        slices.append(Slice(name, f"{share // 100}.{share % 100:02d}", start, share))
        start += share
    return slices


PAGES: Final = (
    Page(
        path=PATH, get=show_portfolio, action="account.read", nav=Nav("Trading", "Portfolio", "portfolio", 30)
    ),
)
