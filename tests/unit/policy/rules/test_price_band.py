"""The price band: exactly at its edge, one unit beyond, without a reference, behind triggers."""

import pytest
from tests.support.policies import ask, denied_by, levels, market, one_unit, order

from watchword.policy.decision import Allow, Deny

BAND = "price_band: {worse: 2%, stop: 10%, better: 50%}"
EDGES = {"BTCUSDT": market(100, levels((98, 1), ("97.99999999", 9)), levels((102, 1), ("102.00000001", 9)))}


@pytest.mark.parametrize(
    ("inside", "step", "asked"),
    [
        ("102", 1, order("BUY", 1, "102")),
        ("98", -1, order("SELL", 1, "98")),
        ("50", -1, order("BUY", 1, "50")),
        ("150", 1, order("SELL", 1, "150")),
    ],
)
def test_limit_price_at_the_edge_is_inside_and_one_unit_beyond_is_not(
    inside: str, step: int, asked: dict[str, str]
) -> None:
    assert isinstance(ask(BAND, asked), Allow)
    assert denied_by(ask(BAND, asked | {"price": one_unit(inside, step)})) == "price_band"


def test_other_side_is_open_unless_written() -> None:
    assert isinstance(ask("price_band: {worse: 2%}", order("BUY", 1, "0.01")), Allow)
    assert isinstance(ask("price_band: {worse: 2%}", order("SELL", 1, "9000")), Allow)


@pytest.mark.parametrize("side", ["BUY", "SELL"])
def test_market_order_is_walked_to_the_last_level(side: str) -> None:
    assert isinstance(ask(BAND, order(side, 1), references=EDGES), Allow)
    assert denied_by(ask(BAND, order(side, "1.00000001"), references=EDGES)) == "price_band"


def test_book_that_is_too_thin_denies() -> None:
    decision = ask(BAND, order("BUY", 11), references=EDGES)
    assert isinstance(decision, Deny)
    assert "holds only 10 BTC" in decision.reason


@pytest.mark.parametrize("kind", ["median", "book"])
def test_reference_counts_until_exactly_its_age(kind: str) -> None:
    def references(age_us: int) -> dict[str, object]:
        ages = {"age_us": age_us} if kind == "median" else {"book_age_us": age_us}
        return {"BTCUSDT": market(100, levels((99, 9)), levels((101, 9)), **ages)}  # type: ignore[arg-type]

    rules = BAND + "\nreference: {max_age: 5s}"
    for age_us, fine in ((5_000_000, True), (5_000_001, False), (0, True), (-1, False)):
        decision = ask(rules, order("BUY", 1), references=references(age_us))  # type: ignore[arg-type]
        assert isinstance(decision, Allow) == fine, age_us
        if not fine:
            assert denied_by(decision) == "price_band"


@pytest.mark.parametrize("references", [{}, {"BTCUSDT": market(0)}])
def test_no_reference_means_deny(references: dict[str, object]) -> None:
    assert denied_by(ask(BAND, order("BUY", 1, 100), references=references)) == "price_band"  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("asked", "fine"),
    [
        (order("SELL", "0.5", kind="STOP_LOSS", stopPrice=90), True),
        (order("SELL", "0.5", kind="STOP_LOSS", stopPrice="89.99999999"), False),
        (order("BUY", "0.5", kind="STOP_LOSS", stopPrice=110), True),
        (order("BUY", "0.5", kind="STOP_LOSS", stopPrice="110.00000001"), False),
        (order("SELL", 1, "88.2", kind="STOP_LOSS_LIMIT", stopPrice=90), True),
        (order("SELL", 1, "88.19999999", kind="STOP_LOSS_LIMIT", stopPrice=90), False),
        (order("BUY", 1, "112.2", kind="STOP_LOSS_LIMIT", stopPrice=110), True),
        (order("BUY", 1, "112.20000001", kind="STOP_LOSS_LIMIT", stopPrice=110), False),
        (order("SELL", 1, "98", kind="TAKE_PROFIT_LIMIT", stopPrice=140), True),
        (order("SELL", 1, "97.99999999", kind="TAKE_PROFIT_LIMIT", stopPrice=140), False),
        (order("SELL", "0.5", kind="TAKE_PROFIT", stopPrice=140), True),
        (order("SELL", "0.5", kind="STOP_LOSS", trailingDelta=1000), True),
        (order("SELL", "0.5", kind="STOP_LOSS", trailingDelta=1001), False),
        (order("BUY", "0.5", kind="STOP_LOSS", trailingDelta=1000), True),
        (order("BUY", "0.5", kind="STOP_LOSS", trailingDelta=1001), False),
        (order("SELL", "0.5", kind="STOP_LOSS", stopPrice=95, trailingDelta=1001), False),
        (order("BUY", "0.5", kind="STOP_LOSS", stopPrice=111, trailingDelta=10), False),
        (order("SELL", "0.5", kind="TAKE_PROFIT", trailingDelta=10), False),
        (order("SELL", 1, "98", kind="TAKE_PROFIT_LIMIT", stopPrice=110, trailingDelta=10), True),
        (order("BUY", 1, "102.1", kind="TAKE_PROFIT_LIMIT", stopPrice=110, trailingDelta=10), False),
    ],
)
def test_trigger_orders_are_held_to_trigger_and_price(asked: dict[str, str], fine: bool) -> None:
    decision = ask(BAND, asked, references=EDGES)
    assert isinstance(decision, Allow) == fine, decision
    if not fine:
        assert denied_by(decision) == "price_band"


def test_stop_is_as_near_as_worse_unless_written() -> None:
    stop = order("SELL", "0.5", kind="STOP_LOSS", stopPrice="97.99999999")
    assert denied_by(ask("price_band: {worse: 2%}", stop, references=EDGES)) == "price_band"


def test_every_order_of_a_list_is_judged() -> None:
    params = {
        "symbol": "BTCUSDT", "side": "SELL", "quantity": "1", "aboveType": "LIMIT_MAKER", "abovePrice": "120",
        "belowType": "STOP_LOSS_LIMIT", "belowStopPrice": "95", "belowPrice": "50", "belowTimeInForce": "GTC",
    }  # fmt: skip
    assert denied_by(ask(BAND, params, name="orderList.place.oco")) == "price_band"
    assert isinstance(ask(BAND, params | {"belowPrice": "94"}, name="orderList.place.oco"), Allow)
