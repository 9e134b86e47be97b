"""Policies, markets and requests for the policy tests: short to write, every amount as a decimal text."""

from typing import Final

from watchword.kernel.units import SCALE, parse_scaled
from watchword.policy.decision import Allow, Decision, Deny
from watchword.policy.document import read_policy
from watchword.policy.engine import decide
from watchword.policy.intent import Intent
from watchword.policy.nodes import Problem
from watchword.policy.policy import Policy
from watchword.policy.reading import read_intent
from watchword.policy.references import Market, References
from watchword.policy.usage import DAY_US, Usage

#: Monday, 2026-01-05, noon UTC.
NOW_US: Final = 1_767_614_400_000_000
SECOND_US: Final = 1_000_000
TODAY: Final = NOW_US // DAY_US

TRADING: Final = """
version: 1
name: test
permissions: [read, trade]
symbols: [BTCUSDT, THINUSDT, ETHBTC]
sides: [BUY, SELL]
order_types: any
"""


def scaled(text: str | int) -> int:
    """Read a decimal."""
    value = parse_scaled(str(text))
    assert value is not None
    return value


def policy(more: str = "", base: str = TRADING) -> Policy:
    """Read a policy that must be fine."""
    found = read_policy(base + more)
    assert isinstance(found, Policy), found
    return found


def problems(more: str, base: str = TRADING) -> list[str]:
    """Read a policy that must not be fine."""
    found = read_policy(base + more)
    assert isinstance(found, tuple), found
    assert all(isinstance(problem, Problem) for problem in found)
    return [str(problem) for problem in found]


def levels(*pairs: tuple[str | int, str | int]) -> tuple[tuple[int, int], ...]:
    """One side of a book."""
    return tuple((scaled(price), scaled(quantity)) for price, quantity in pairs)


def market(
    median: str | int = 100,
    bids: tuple[tuple[int, int], ...] = (),
    asks: tuple[tuple[int, int], ...] = (),
    *,
    age_us: int = 0,
    book_age_us: int = 0,
    base: str = "BTC",
    quote: str = "USDT",
) -> Market:
    """A market as seen some time ago."""
    return Market(base, quote, scaled(median), NOW_US - age_us, bids, asks, NOW_US - book_age_us)


#: A median of 100 and a book that is deep around it.
DEEP: Final = {"BTCUSDT": market(100, levels((99, 100), (98, 1000)), levels((101, 100), (102, 1000)))}


def order(
    side: str, quantity: str | int = "", price: str | int = "", kind: str = "", **more: str | int
) -> dict[str, str]:
    """Parameters of an order on BTCUSDT: LIMIT where there is a price, else MARKET."""
    kind = kind or ("LIMIT" if price != "" else "MARKET")
    params = {"symbol": "BTCUSDT", "side": side, "type": kind}
    if quantity != "":
        params["quantity"] = str(quantity)
    if price != "":
        params["price"] = str(price)
    if kind in {"LIMIT", "STOP_LOSS_LIMIT", "TAKE_PROFIT_LIMIT"}:
        params["timeInForce"] = "GTC"
    return params | {name: str(value) for name, value in more.items()}


def intent(params: dict[str, str], name: str = "order.place") -> Intent:
    """Read a request."""
    return read_intent(name, params)


def ask(
    rules: Policy | str,
    params: dict[str, str],
    *,
    name: str = "order.place",
    usage: Usage | None = None,
    references: References = DEEP,
    now_us: int = NOW_US,
) -> Decision:
    """Decide a request."""
    chosen = policy(rules) if isinstance(rules, str) else rules
    return decide(chosen, intent(params, name), usage or Usage(day=TODAY), references, now_us)


def denied_by(decision: Decision) -> str:
    """The rule that denied, or nothing."""
    return decision.rule if isinstance(decision, Deny) else ""


def allowed(decision: Decision) -> Allow:
    """The permission."""
    assert isinstance(decision, Allow), decision
    return decision


def one_unit(text: str | int, units: int = 1) -> str:
    """A decimal that is so many units of 10^-8 larger."""
    value = scaled(text) + units
    return f"{value // SCALE}.{value % SCALE:08}"
