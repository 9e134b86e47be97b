"""Portfolio: an account's equity over time, how it is divided, and what each symbol earned. Adds nothing up itself."""

import json
from typing import Final

import msgspec

from watchword.entrypoints.console.pages.page import Answer, Nav, Page
from watchword.entrypoints.console.pages.trading_pages import accounts_of, chosen_of, failed_or_empty, shown
from watchword.entrypoints.console.pages.trading_words import SPANS
from watchword.entrypoints.console.pages.visit import Visit
from watchword.entrypoints.console.pages.wording import SECOND_US
from watchword.entrypoints.console.problem import Problem
from watchword.entrypoints.console.routes.portfolio import AllocationRow, EquityPoint

PATH: Final = "/portfolio"
SPAN: Final = "7d"
#: Slices of the bar; what is smaller goes together.
SLICES_MAX: Final = 7


class Slice(msgspec.Struct, frozen=True):
    """One part of the allocation's bar, in hundredths of a percent from its left end."""

    name: str
    percent: str
    start: int
    width: int


async def show_portfolio(visit: Visit) -> Answer:
    """Show a portfolio."""
    accounts = await accounts_of(visit)
    chosen = None if isinstance(accounts, Problem) else chosen_of(visit, accounts)
    if isinstance(accounts, Problem) or chosen is None:
        return failed_or_empty(visit, accounts, "Portfolio", PATH)
    span = visit.query.get("span", "")
    span = span if span in SPANS else SPAN
    found = await visit.call("showPortfolio", path={"account": str(chosen.account_id)}, query={"span": span})
    failed = found if isinstance(found, Problem) else None
    return shown(
        "portfolio.html", visit, accounts=accounts, account=chosen, span=span, found=found, failed=failed,
        slices=[] if isinstance(found, Problem) else slices_of(found.allocation),
        equity="" if isinstance(found, Problem) else points_of(found.equity),
    )  # fmt: skip


def points_of(points: list[EquityPoint]) -> str:
    """Write the chart's points as JSON: seconds and texts."""
    return json.dumps([[point.time_us // SECOND_US, point.worth] for point in points])


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
