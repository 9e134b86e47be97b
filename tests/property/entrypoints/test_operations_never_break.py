"""Whatever the parameters say, every operation answers: JSON or a refusal, never an exception, and money stays put."""

import json
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from tests.support.examples import examples
from tests.support.operations import OperationsFloor

from watchword.binance.enums import KLINE_INTERVALS, ORDER_TYPES, STP_MODES
from watchword.binance.errors import WireError
from watchword.entrypoints.testnet.operations import OPERATIONS

NAMES = (
    "symbol", "symbols", "side", "type", "timeInForce", "quantity", "quoteOrderQty", "price", "stopPrice",
    "newClientOrderId", "orderId", "origClientOrderId", "cancelOrderId", "cancelOrigClientOrderId", "cancelReplaceMode",
    "limit", "fromId", "startTime", "endTime", "interval", "timeZone", "windowSize", "permissions", "symbolStatus",
    "newOrderRespType", "selfTradePreventionMode", "strategyId", "strategyType", "icebergQty", "trailingDelta",
    "orderListId", "listClientOrderId", "aboveType", "belowType", "abovePrice", "belowPrice", "aboveStopPrice",
    "belowStopPrice", "aboveTimeInForce", "belowTimeInForce", "stopLimitPrice", "stopLimitTimeInForce",
    "cancelRestrictions", "orderRateLimitExceededMode", "computeCommissionRates", "omitZeroBalances",
    "preventedMatchId", "fromPreventedMatchId", "showPermissionSets", "pegPriceType",
)  # fmt: skip
sensible = st.sampled_from(
    ("BTCUSDT", "ETHBTC", "这是测试币456", "BUY", "SELL", *sorted(ORDER_TYPES), *sorted(STP_MODES), "GTC", "IOC", "FOK",
     "1", "0.01", "50000", "49000.01", "40000", "0", "1000000", "ALLOW_FAILURE", "STOP_ON_FAILURE", "FULL", "ACK",
     "true", "false", *KLINE_INTERVALS, "7d", "-12:00", "14", "1767225600000", "1767225600000000", "TRADING", "SPOT",
     '["BTCUSDT"]', '["BTCUSDT","ETHBTC"]', "abc", "ONLY_NEW", "CANCEL_ONLY")
)  # fmt: skip
wild = st.one_of(
    st.text(max_size=30),
    st.integers(-(10**45), 10**45).map(str),
    st.floats().map(str),
    st.sampled_from(
        ("", "9" * 20, "9" * 19, "9223372036854775807", "92233720368.54775807", "[" * 100, "\x00", "\u0661")
    ),
)
values = st.one_of(sensible, sensible, wild)
ORDER = {
    "symbol": "BTCUSDT",
    "side": "BUY",
    "type": "LIMIT",
    "timeInForce": "GTC",
    "quantity": "1",
    "price": "49000",
}
starts: st.SearchStrategy[dict[str, str]] = st.sampled_from(
    (
        {},
        {"symbol": "BTCUSDT"},
        ORDER,
        {**ORDER, "cancelReplaceMode": "ALLOW_FAILURE", "cancelOrderId": "1"},
        {"symbol": "BTCUSDT", "interval": "1m"},
        {"symbol": "BTCUSDT", "side": "SELL", "type": "MARKET", "quantity": "0.01"},
        {"symbol": "BTCUSDT", "side": "SELL", "quantity": "1", "aboveType": "LIMIT_MAKER", "abovePrice": "60000",
         "belowType": "STOP_LOSS", "belowStopPrice": "40000"},
    )
)  # fmt: skip

FLOOR = OperationsFloor()
ALICE = FLOOR.trader()
BOB = FLOOR.trader("bob")
BOB.limit("SELL", "50000", "1")
ALICE.limit("BUY", "50000", "0.1")


@settings(max_examples=examples(400), deadline=None)
@given(
    name=st.sampled_from(sorted(OPERATIONS)), start=starts, changes=st.dictionaries(st.sampled_from(NAMES), values, max_size=6),
    websocket=st.booleans(),
)  # fmt: skip
def test_any_parameters_get_an_answer(
    name: str, start: dict[str, str], changes: dict[str, str], websocket: bool
) -> None:
    FLOOR.websocket = websocket
    answer: Any = FLOOR.call(name, ALICE.credential, {**start, **changes})
    if isinstance(answer, WireError):
        assert answer.http_status < 500
        assert answer.text
        if answer.payload:
            json.loads(answer.payload)
    else:
        json.loads(answer)
    assert FLOOR.testnet.venue.engine.ledger.imbalance() == {}
