"""Policies from a few fields: each is one that the gateway takes, and no field can write more than itself."""

import pytest

from watchword.entrypoints.console.pages.policy_draft import READ_ONLY, SYMBOLS_MAX, limited
from watchword.policy.document import read_policy
from watchword.policy.policy import Policy

GOOD = (["BTCUSDT", "ETHUSDT"], "USDT", "500", "5000.5")


def test_drafts_are_policies() -> None:
    for text in (READ_ONLY, limited(*GOOD)):
        assert isinstance(text, str)
        assert isinstance(read_policy(text), Policy)


@pytest.mark.parametrize(
    ("symbols", "asset", "order", "day", "wrong"),
    [
        ([], "USDT", "1", "1", "pairs"),
        (["BTCUSDT"] * (SYMBOLS_MAX + 1), "USDT", "1", "1", "pairs"),
        (["BTC]"], "USDT", "1", "1", "pairs"),
        (["any\npermissions: [withdraw]"], "USDT", "1", "1", "pairs"),
        (["BTCUSDT"], "USDT: 1}\nx: {U", "1", "1", "asset"),
        (["BTCUSDT"], "USDT", "0", "1", "max_order"),
        (["BTCUSDT"], "USDT", "1", "0.00", "max_day"),
        (["BTCUSDT"], "USDT", "1e9", "1", "max_order"),
        (["BTCUSDT"], "USDT", "1}", "1", "max_order"),
        (["BTCUSDT"], "USDT", "١", "1", "max_order"),  # noqa: RUF001 - a digit that is none of ours
    ],
)
def test_field_that_is_no_name_or_number_is_named(
    symbols: list[str], asset: str, order: str, day: str, wrong: str
) -> None:
    found = limited(symbols, asset, order, day)
    assert isinstance(found, dict)
    assert list(found) == [wrong]
