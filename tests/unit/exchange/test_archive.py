"""What is over can be asked for; the bounds hold; a restored archive answers the same."""

from typing import Any

import pytest
from tests.unit.exchange.house import ANN, BEN, CAT, NOW_US, SYMBOL, House, units

from watchword.exchange import archive as archive_module
from watchword.exchange.archive import Archive
from watchword.exchange.commands import OpenAccount, ResetVenue


class Remembering(House):
    """A house whose archive folds every event."""

    def __init__(self, **instrument: Any) -> None:
        self.archive: Archive | None = None
        super().__init__(**instrument)
        self.archive = Archive(self.engine)

    def apply(self, kind: Any, **fields: Any) -> Any:
        applied = super().apply(kind, **fields)
        if self.archive is not None and isinstance(applied, list):
            self.archive.fold(None, applied)  # type: ignore[arg-type]  # the archive only reads events
        return applied

    @property
    def past(self) -> Archive:
        assert self.archive is not None
        return self.archive


def test_archive_keeps_filled_cancelled_and_expired_orders() -> None:
    house = Remembering()
    resting = house.order(ANN, "SELL", 1, 100)
    taking = house.order(BEN, "BUY", 1, 100)
    cancelled = house.order(BEN, "BUY", 1, 10)
    house.cancel(BEN, cancelled.order_id)
    expired = house.order(BEN, "BUY", 1, 10, time_in_force="IOC")
    find = house.past.order
    assert find(ANN, SYMBOL, resting.order_id, "") is resting
    assert [find(BEN, SYMBOL, one.order_id, "") for one in (taking, cancelled, expired)] == [
        taking, cancelled, expired,
    ]  # fmt: skip
    assert find(ANN, SYMBOL, taking.order_id, "") is None
    assert find(BEN, "OTHER", taking.order_id, "") is None
    assert find(BEN, SYMBOL, taking.order_id, "other") is None
    assert find(CAT, SYMBOL, 1, "") is None


def test_archive_finds_latest_order_of_a_client_id() -> None:
    house = Remembering()
    for _ in range(2):
        order = house.order(ANN, "SELL", 1, 100, client_order_id="again")
        house.cancel(ANN, order.order_id)
    assert house.past.order(ANN, SYMBOL, 0, "again") is order
    assert house.past.order(ANN, SYMBOL, 0, "never") is None


def test_archive_orders_merge_open_and_closed_by_id_and_time() -> None:
    house = Remembering()
    ids = []
    for index in range(6):
        order = house.order(ANN, "SELL", 1, 100)
        ids.append(order.order_id)
        if index % 2:
            house.cancel(ANN, order.order_id)

    def listed(*bounds: Any) -> list[int]:
        return [order.order_id for order in house.past.orders(ANN, SYMBOL, *bounds)]

    assert listed(None, None, None, 500) == ids
    assert listed(None, None, None, 2) == ids[-2:]
    assert listed(ids[2], None, None, 2) == ids[2:4]
    moments = [order.created_us for order in house.past.orders(ANN, SYMBOL, None, None, None, 500)]
    assert listed(None, moments[1], None, 2) == ids[1:3]
    assert listed(None, None, moments[3], 2) == ids[2:4]
    assert listed(None, moments[1], moments[1], 500) == [ids[1]]
    assert listed(None, None, None, 0) == []


def test_archive_newest_orders_are_those_of_the_whole_list_backwards() -> None:
    house = Remembering()
    placed = [house.order(ANN, "SELL", 1, 100) for _ in range(9)]
    # They end in another order than they began.
    for number in (7, 2, 5, 0, 3):
        house.cancel(ANN, placed[number].order_id)
    whole = [order.order_id for order in house.past.orders(ANN, SYMBOL, None, None, None, 500)][::-1]

    def newest(before: int | None, limit: int, symbol: str | None = SYMBOL) -> list[int]:
        return [order.order_id for order in house.past.newest_orders(ANN, symbol, before, limit)]

    for symbol in (SYMBOL, None):
        assert newest(None, 500, symbol) == whole
        for limit in (1, 3, 9):
            walked: list[int] = []
            while page := newest(walked[-1] if walked else None, limit, symbol):
                assert len(page) <= limit
                walked += page
            assert walked == whole
    assert house.past.newest_orders(BEN, None, None, 500) == []
    house.cancel(ANN, placed[8].order_id)
    assert newest(None, 2) == whole[:2]


def test_archive_newest_trades_come_in_pages_that_part_no_tie() -> None:
    house = Remembering()
    for _ in range(4):
        house.order(ANN, "SELL", 1, 100)
        house.order(BEN, "BUY", 1, 100)
    house.order(ANN, "SELL", 1, 100)
    house.order(ANN, "BUY", 1, 100)
    whole = house.past.trades(ANN, SYMBOL, None, None, None, None, 500)[::-1]
    newest = house.past.newest_trades
    assert [trade.trade_id for trade in newest(ANN, SYMBOL, None, 500)] == [5, 5, 4, 3, 2, 1]
    for symbol in (SYMBOL, None):
        for limit in (1, 2, 3):
            walked: list[Any] = []
            before = None
            while page := newest(ANN, symbol, before, limit):
                walked += page
                before = (page[-1].at_us, page[-1].trade_id)
            assert sorted(walked, key=id) == sorted(whole, key=id)
            assert [one.trade_id for one in walked] == [5, 5, 4, 3, 2, 1]
    assert [one.trade_id for one in newest(ANN, None, None, 1)] == [5, 5]
    assert newest(CAT, None, None, 5) == []


def test_archive_gives_what_came_after_a_trade_or_says_that_it_is_gone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(archive_module, "ACCOUNT_TRADES_MAX", 6)
    house = Remembering()
    after = house.past.trades_after
    assert after(ANN, SYMBOL, 0, 5) == []
    assert after(ANN, SYMBOL, 1, 5) is None, "never here"
    for _ in range(3):
        house.trade_at(100)
    known = [trade.trade_id for trade in after(BEN, SYMBOL, 0, 500) or ()]
    assert known == [1, 2, 3]
    assert [trade.trade_id for trade in after(BEN, SYMBOL, 1, 1) or ()] == [2]
    assert after(BEN, SYMBOL, 3, 5) == []
    house.trade_at(100)
    assert after(BEN, SYMBOL, 1, 5) is None, "forgotten"
    assert [trade.trade_id for trade in after(BEN, SYMBOL, 2, 5) or ()] == [3, 4]
    house.apply(ResetVenue)
    assert after(BEN, SYMBOL, 4, 5) is None, "reset"


def test_archive_trades_show_each_side() -> None:
    house = Remembering()
    maker = house.order(ANN, "SELL", 2, 100)
    for _ in range(2):
        taker = house.order(BEN, "BUY", 1, 100)
    mine = house.past.trades(ANN, SYMBOL, None, None, None, None, 500)
    assert [trade.trade_id for trade in mine] == [1, 2]
    assert (mine[0].is_maker, mine[0].is_buyer, mine[0].commission_asset) == (True, False, "USDT")
    (last,) = house.past.trades(BEN, SYMBOL, taker.order_id, None, None, None, 500)
    assert (last.is_maker, last.is_buyer, last.commission) == (False, True, units("0.001"))
    assert [one.trade_id for one in house.past.trades(ANN, SYMBOL, maker.order_id, 2, None, None, 9)] == [2]
    assert [one.trade_id for one in house.past.trades(ANN, SYMBOL, None, None, None, None, 1)] == [2]
    assert house.past.trades(CAT, SYMBOL, None, None, None, None, 500) == []


def test_archive_shows_both_sides_of_a_trade_with_oneself() -> None:
    house = Remembering()
    house.order(ANN, "SELL", 1, 100)
    house.order(ANN, "BUY", 1, 100)
    trades = house.past.trades(ANN, SYMBOL, None, None, None, None, 500)
    assert [trade.is_maker for trade in trades] == [False, True]


def test_archive_lists_open_and_ended() -> None:
    house = Remembering()
    house.trade_at(100)
    legs = [house.leg("LIMIT_MAKER", 110), house.leg("STOP_LOSS", 0, 90)]
    listed = house.oco(CAT, "SELL", 1, *legs)[0]
    find = house.past.order_list
    record = find(CAT, listed.order_list_id, "")
    assert record is not None
    assert (record.list_status_type, record.list_order_status) == ("EXEC_STARTED", "EXECUTING")
    house.cancel_all(CAT)
    record = find(CAT, 0, listed.list_client_order_id)
    assert record is not None
    assert (record.list_status_type, record.list_order_status) == ("ALL_DONE", "ALL_DONE")
    assert record.legs == tuple((leg.order_id, leg.client_order_id) for leg in listed.legs)
    assert record.updated_us > record.created_us
    assert find(ANN, listed.order_list_id, "") is None
    assert find(CAT, 0, "other") is None
    assert house.past.order_lists(CAT, listed.order_list_id + 1, None, None, 500) == []
    assert len(house.past.order_lists(CAT, None, NOW_US, None, 500)) == 1


def test_archive_prevented_matches_by_either_order() -> None:
    house = Remembering()
    maker = house.order(ANN, "SELL", 1, 100)
    taker = house.order(ANN, "BUY", 2, 100, stp_mode="EXPIRE_BOTH")
    ask = house.past.prevented_matches
    (match,) = ask(ANN, SYMBOL, None, maker.order_id, None, 500)
    assert (match.taker_order_id, match.mode, match.trade_group_id) == (taker.order_id, "EXPIRE_BOTH", -1)
    assert (match.taker_prevented, match.maker_prevented) == (units(2), units(1))
    assert ask(ANN, SYMBOL, match.prevented_match_id, None, None, 500) == [match]
    assert ask(ANN, SYMBOL, None, taker.order_id, match.prevented_match_id + 1, 500) == []
    assert ask(BEN, SYMBOL, None, maker.order_id, None, 500) == []


def test_archive_forgets_at_reset() -> None:
    house = Remembering()
    house.trade_at(100)
    house.order(ANN, "SELL", 1, 100)
    house.apply(ResetVenue)
    assert house.past.orders(ANN, SYMBOL, None, None, None, 500) == []
    assert house.past.trades(ANN, SYMBOL, None, None, None, None, 500) == []


def test_archive_does_not_keep_the_house_accounts() -> None:
    house = Remembering()
    house.apply(OpenAccount, name="house:maker", grants=(("BTC", units(5)), ("USDT", units(5_000))))
    house.order(4, "SELL", 1, 100)
    house.order(BEN, "BUY", 1, 100)
    house.cancel(4, house.order(4, "SELL", 1, 100).order_id)
    assert house.past.orders(4, SYMBOL, None, None, None, 500) == []
    assert house.past.trades(4, SYMBOL, None, None, None, None, 500) == []
    assert len(house.past.trades(BEN, SYMBOL, None, None, None, None, 500)) == 1


def test_archive_bounds_drop_the_oldest(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archive_module, "CLOSED_ORDERS_MAX", 4)
    monkeypatch.setattr(archive_module, "ACCOUNT_TRADES_MAX", 4)
    house = Remembering()
    for _ in range(4):
        house.order(ANN, "SELL", 1, 100, client_order_id="a")
        house.order(BEN, "BUY", 1, 100, client_order_id="b")
    assert [order.order_id for order in house.past.orders(ANN, SYMBOL, None, None, None, 500)] == [5, 7]
    assert [trade.trade_id for trade in house.past.trades(BEN, SYMBOL, None, None, None, None, 500)] == [3, 4]
    assert [order.order_id for order in house.past.newest_orders(ANN, SYMBOL, None, 500)] == [7, 5]
    assert house.past.order(ANN, SYMBOL, 1, "") is None
    assert house.past.order(ANN, SYMBOL, 0, "a") is not None


def test_archive_restored_answers_the_same() -> None:
    house = Remembering()
    house.trade_at(100)
    house.oco(CAT, "SELL", 1, house.leg("LIMIT_MAKER", 110), house.leg("STOP_LOSS", 0, 90))
    house.cancel_all(CAT)
    house.order(ANN, "SELL", 1, 100)
    house.order(ANN, "BUY", 1, 100, stp_mode="DECREMENT")
    other = Archive(house.engine)
    other.restore(house.past.encode())
    assert other.encode() == house.past.encode()
    for account in (ANN, BEN, CAT):
        assert other.orders(account, SYMBOL, None, None, None, 500) == house.past.orders(
            account, SYMBOL, None, None, None, 500
        )
        assert other.order_lists(account, None, None, None, 500) == house.past.order_lists(
            account, None, None, None, 500
        )
    assert other.prevented_matches(ANN, SYMBOL, None, None, None, 500)
