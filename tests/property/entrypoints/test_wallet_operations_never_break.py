"""Whatever is sent to the wallet routes, they answer; money is conserved and no wallet goes below zero."""

import json
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from tests.support.examples import examples
from tests.support.money import ADDRESS, allow, bound_to
from tests.support.operations import OperationsFloor

from watchword.binance.errors import WireError
from watchword.entrypoints.testnet.operations.transfers import TRANSFER_TYPES
from watchword.entrypoints.testnet.operations.wallet_table import WALLET_OPERATIONS
from watchword.exchange.wallets import WALLETS, filing_id

NAMES = (
    "asset", "needBtcValuation", "quoteAsset", "needBalanceDetail", "type", "amount", "startTime", "endTime", "current",
    "size", "coin", "address", "withdrawOrderId", "network", "addressTag", "walletType", "status", "offset", "limit",
    "idList", "includeSource", "txId", "apiName", "symbol", "ip", "publicKey", "permissionMode", "apiKey", "fromSymbol",
)  # fmt: skip
sensible = st.sampled_from(
    ("BTC", "USDT", "BNB", "ETH", *sorted(TRANSFER_TYPES), "1", "0.01", "0.00000001", "99999999", "0", "true", "false",
     ADDRESS, "TESTNET", "6", "1767225600000", "1767225630000", "BTCUSDT", "READ", "TRADE", "192.0.2.1",
     "192.0.2.0/24,2001:db8::1", "0.0.0.0", "k" * 64)
)  # fmt: skip
wild = st.one_of(
    st.text(max_size=30),
    st.integers(-(10**45), 10**45).map(str),
    st.floats().map(str),
    st.sampled_from(
        ("", "9" * 20, "9223372036854775807", "92233720368.54775807", "\x00", "\u0661", "," * 99)
    ),
)
starts: st.SearchStrategy[dict[str, str]] = st.sampled_from(
    (
        {},
        {"type": "MAIN_FUNDING", "asset": "BTC", "amount": "1"},
        {"type": "FUNDING_MAIN", "asset": "BTC", "amount": "1"},
        {"coin": "BTC", "address": ADDRESS, "amount": "1"},
        {"coin": "BTC", "address": ADDRESS, "amount": "1", "walletType": "1"},
        {"apiName": "fast"},
        {"coin": "BTC"},
    )
)

FLOOR = OperationsFloor()
ALICE = bound_to(FLOOR.trader(), "127.0.0.1")
allow(FLOOR, ALICE, "BTC")


@settings(max_examples=examples(400), deadline=None)
@given(
    name=st.sampled_from(sorted(WALLET_OPERATIONS)),
    start=starts,
    changes=st.dictionaries(st.sampled_from(NAMES), st.one_of(sensible, sensible, wild), max_size=5),
)
def test_any_parameters_get_an_answer(name: str, start: dict[str, str], changes: dict[str, str]) -> None:
    answer: Any = FLOOR.call(name, ALICE.credential, {**start, **changes})
    if isinstance(answer, WireError):
        assert 400 <= answer.http_status < 500
        assert answer.text
    else:
        json.loads(answer)
    ledger = FLOOR.testnet.venue.engine.ledger
    assert ledger.imbalance() == {}
    for wallet in WALLETS:
        held = ledger.balances(filing_id(ALICE.account_id, wallet))
        assert all(free >= 0 and locked >= 0 for free, locked in held.values())
