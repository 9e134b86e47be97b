"""What one's wallets hold, what they are worth, and moving money between them."""

from collections.abc import Iterator

import pytest
from tests.support.money import balance
from tests.support.operations import START_US, OperationsFloor, Trader

from watchword.entrypoints.testnet.operations.transfers import TRANSFER_TYPES
from watchword.exchange.wallets import WALLETS, filing_id
from watchword.kernel.units import SCALE

TRANSFER = "POST /sapi/v1/asset/transfer"
HISTORY = "GET /sapi/v1/asset/transfer"
USER_ASSETS = "POST /sapi/v3/asset/getUserAsset"
FUNDING = "POST /sapi/v1/asset/get-funding-asset"
WALLET_BALANCE = "GET /sapi/v1/asset/wallet/balance"
DAY_S = 86_400


@pytest.fixture
def floor() -> Iterator[OperationsFloor]:
    with OperationsFloor() as floor:
        yield floor


@pytest.fixture
def alice(floor: OperationsFloor) -> Trader:
    return floor.trader("alice")


@pytest.fixture
def priced(floor: OperationsFloor, alice: Trader) -> OperationsFloor:
    """BTCUSDT last traded at 50,000."""
    bob = floor.trader("bob")
    bob.limit("SELL", "50000", "1")
    alice.limit("BUY", "50000", "1")
    return floor


def test_user_assets_show_what_is_there_and_only_that(alice: Trader) -> None:
    rows = alice.do(USER_ASSETS)
    assert [row["asset"] for row in rows] == ["BNB", "BTC", "USDT"]
    assert rows[0] == {
        "asset": "BNB", "free": "100", "locked": "0", "freeze": "0", "withdrawing": "0", "ipoable": "0",
        "btcValuation": "0",
    }  # fmt: skip
    assert [row["asset"] for row in alice.do(USER_ASSETS, asset="BTC")] == ["BTC"]
    assert alice.do(USER_ASSETS, asset="ETH") == []


def test_user_assets_are_valued_only_when_asked(priced: OperationsFloor, alice: Trader) -> None:
    (usdt,) = alice.do(USER_ASSETS, asset="USDT", needBtcValuation=True)
    assert usdt["free"] == "9950000"
    assert usdt["btcValuation"] == "199"
    (unvalued,) = alice.do(USER_ASSETS, asset="USDT", needBtcValuation=False)
    assert unvalued["btcValuation"] == "0"


def test_transfer_moves_money_and_the_spot_wallet_lacks_it(floor: OperationsFloor, alice: Trader) -> None:
    assert alice.do(FUNDING) == []
    made = alice.do(TRANSFER, type="MAIN_FUNDING", asset="USDT", amount="12.5")
    assert isinstance(made["tranId"], int)
    assert alice.do(FUNDING) == [
        {"asset": "USDT", "free": "12.5", "locked": "0", "freeze": "0", "withdrawing": "0",
         "btcValuation": "0.00000000"}
    ]  # fmt: skip
    assert balance(floor, alice.account_id, "USDT") == 9_999_987 * SCALE + SCALE // 2
    assert floor.testnet.venue.engine.ledger.imbalance() == {}


def test_transfer_of_all_there_is_passes_and_of_one_step_more_is_refused(
    floor: OperationsFloor, alice: Trader
) -> None:
    code, _ = alice.refused(TRANSFER, type="MAIN_FUNDING", asset="BTC", amount="100.00000001")
    assert code == -5013
    alice.do(TRANSFER, type="MAIN_FUNDING", asset="BTC", amount="100")
    assert balance(floor, alice.account_id, "BTC") == 0
    code, text = alice.refused(TRANSFER, type="MAIN_FUNDING", asset="BTC", amount="0.00000001")
    assert (code, text) == (-5013, "Asset transfer failed: insufficient balance")


def test_money_held_by_an_order_is_not_moved(alice: Trader) -> None:
    alice.limit("SELL", "60000", "99")
    assert alice.refused(TRANSFER, type="MAIN_FUNDING", asset="BTC", amount="1.00000001")[0] == -5013
    alice.do(TRANSFER, type="MAIN_FUNDING", asset="BTC", amount="1")


@pytest.mark.parametrize(
    ("params", "code"),
    [
        ({"type": "MAIN_FUNDING", "asset": "BTC", "amount": "0"}, -1130),
        ({"type": "MAIN_FUNDING", "asset": "BTC", "amount": "-1"}, -1100),
        ({"type": "MAIN_FUNDING", "asset": "BTC", "amount": "0.000000001"}, -1111),
        ({"type": "MAIN_FUNDING", "asset": "BTC"}, -1102),
        ({"type": "MAIN_FUNDING", "amount": "1"}, -1102),
        ({"asset": "BTC", "amount": "1"}, -1102),
        ({"type": "MAIN_MAIN", "asset": "BTC", "amount": "1"}, -1130),
        ({"type": "ISOLATEDMARGIN_MARGIN", "asset": "BTC", "amount": "1"}, -1130),
        ({"type": "MAIN_FUNDING", "asset": "NONE", "amount": "1"}, -5013),
    ],
)
def test_bad_transfer_is_refused_and_moves_nothing(
    floor: OperationsFloor, alice: Trader, params: dict[str, str], code: int
) -> None:
    assert alice.refused(TRANSFER, **params)[0] == code
    assert balance(floor, alice.account_id, "BTC") == 100 * SCALE


def test_every_transfer_type_goes_from_its_first_wallet_to_its_second(
    floor: OperationsFloor, alice: Trader
) -> None:
    for origin, target in TRANSFER_TYPES.values():
        assert origin != target
    for name, (origin, target) in TRANSFER_TYPES.items():
        if origin == "SPOT":
            alice.do(TRANSFER, type=name, asset="BTC", amount="5")
            assert balance(floor, filing_id(alice.account_id, target), "BTC") == 5 * SCALE, name
            alice.do(TRANSFER, type=f"{name.split('_')[1]}_MAIN", asset="BTC", amount="5")
            assert balance(floor, filing_id(alice.account_id, target), "BTC") == 0, name
    assert balance(floor, alice.account_id, "BTC") == 100 * SCALE


def test_stale_transfer_is_refused_just_before_the_engine(floor: OperationsFloor, alice: Trader) -> None:
    floor.window_us = -1
    assert alice.refused(TRANSFER, type="MAIN_FUNDING", asset="BTC", amount="1")[0] == -1021


def test_transfer_history_is_of_one_type_newest_first_in_pages(floor: OperationsFloor, alice: Trader) -> None:
    for amount in ("1", "2", "3"):
        alice.do(TRANSFER, type="MAIN_FUNDING", asset="USDT", amount=amount)
        floor.clock.move(1)
    alice.do(TRANSFER, type="FUNDING_MAIN", asset="USDT", amount="1")
    history = alice.do(HISTORY, type="MAIN_FUNDING", size=2)
    assert (history["total"], [row["amount"] for row in history["rows"]]) == (3, ["3", "2"])
    assert history["rows"][1] == {
        "timestamp": START_US // 1000 + 1000, "asset": "USDT", "amount": "2", "type": "MAIN_FUNDING",
        "status": "CONFIRMED", "tranId": history["rows"][0]["tranId"] - 1,
    }  # fmt: skip
    second = alice.do(HISTORY, type="MAIN_FUNDING", size=2, current=2)
    assert [row["amount"] for row in second["rows"]] == ["1"]
    assert alice.do(HISTORY, type="FUNDING_MAIN")["total"] == 1
    assert alice.do(HISTORY, type="MAIN_FUNDING", size=100)["total"] == 3
    assert alice.refused(HISTORY, type="MAIN_FUNDING", size=101)[0] == -1130


def test_transfer_history_reaches_seven_days_back_unless_asked_further(
    floor: OperationsFloor, alice: Trader
) -> None:
    alice.do(TRANSFER, type="MAIN_FUNDING", asset="USDT", amount="1")
    at_ms = floor.clock.at_us // 1000
    floor.clock.move(7 * DAY_S)
    assert alice.do(HISTORY, type="MAIN_FUNDING")["total"] == 1
    floor.clock.move(1)
    assert alice.do(HISTORY, type="MAIN_FUNDING")["total"] == 0
    now_ms = floor.clock.at_us // 1000
    assert alice.do(HISTORY, type="MAIN_FUNDING", startTime=at_ms, endTime=now_ms)["total"] == 1
    floor.clock.move(174 * DAY_S)
    now_ms = floor.clock.at_us // 1000
    assert alice.do(HISTORY, type="MAIN_FUNDING", startTime=at_ms, endTime=now_ms)["total"] == 0


def test_others_see_nothing_of_it(floor: OperationsFloor, alice: Trader) -> None:
    bob = floor.trader("bob")
    alice.do(TRANSFER, type="MAIN_FUNDING", asset="USDT", amount="1")
    assert bob.do(HISTORY, type="MAIN_FUNDING")["total"] == 0
    assert bob.do(FUNDING) == []


def test_wallet_balance_values_each_wallet_in_the_asset_asked_for(
    priced: OperationsFloor, alice: Trader
) -> None:
    alice.do(TRANSFER, type="MAIN_UMFUTURE", asset="USDT", amount="25000")
    worths = {row["walletName"]: row["balance"] for row in alice.do(WALLET_BALANCE)}
    assert worths["USDⓈ-M Futures"] == "0.5"
    assert worths["Funding"] == "0"
    in_usdt = {row["walletName"]: row["balance"] for row in alice.do(WALLET_BALANCE, quoteAsset="USDT")}
    assert in_usdt["USDⓈ-M Futures"] == "25000"
    assert alice.refused(WALLET_BALANCE, quoteAsset="NONE")[0] == -4018


def test_wallet_balance_lists_holdings_only_on_request(alice: Trader) -> None:
    assert "assetBalances" not in alice.do(WALLET_BALANCE)[0]
    detailed = {row["walletName"]: row for row in alice.do(WALLET_BALANCE, needBalanceDetail=True)}
    assert [one["asset"] for one in detailed["Spot"]["assetBalances"]] == ["BNB", "BTC", "USDT"]
    assert detailed["Earn"] == {"activate": False, "balance": "0", "walletName": "Earn", "assetBalances": []}
    assert sum(row["activate"] for row in detailed.values()) == len(WALLETS)


def test_asset_detail_is_of_listed_assets(alice: Trader) -> None:
    assert alice.do("GET /sapi/v1/asset/assetDetail", asset="BTC").keys() == {"BTC"}
    assert {"BTC", "USDT", "BNB"} < alice.do("GET /sapi/v1/asset/assetDetail").keys()
    assert alice.refused("GET /sapi/v1/asset/assetDetail", asset="NONE")[0] == -4018


def test_account_info_says_who_one_is(alice: Trader) -> None:
    assert alice.do("GET /sapi/v1/account/info")["vipLevel"] == 0


def test_dust_is_what_is_worth_little_and_can_be_valued(priced: OperationsFloor, alice: Trader) -> None:
    dust = "POST /sapi/v1/asset/dust-btc"
    assert alice.do(dust)["details"] == []
    small = priced.trader("small", (("USDT", 49 * SCALE), ("BNB", SCALE), ("ETH", SCALE)))
    found = small.do(dust)
    assert [(row["asset"], row["amountFree"], row["toBTC"]) for row in found["details"]] == [
        ("USDT", "49", "0.00098000")
    ]
    assert (found["totalTransferBtc"], found["dribbletPercentage"]) == ("0.00098000", "0.02")
    assert priced.trader("less-small", (("USDT", 50 * SCALE),)).do(dust)["details"] == []


def test_asset_that_is_longer_than_any_is_never_journaled(floor: OperationsFloor, alice: Trader) -> None:
    before = floor.testnet.sequencer.position.sequence
    asked = {"type": "MAIN_FUNDING", "amount": "1"}
    assert alice.refused(TRANSFER, asset="A" * 21, **asked) == (
        -1130,
        "Data sent for parameter 'asset' is not valid.",
    )
    assert floor.testnet.sequencer.position.sequence == before
    assert alice.refused(TRANSFER, asset="A" * 20, **asked)[0] == -5013
