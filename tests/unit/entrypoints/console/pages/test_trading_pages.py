"""Market, Account and Portfolio: what they show, what their forms send, and what becomes of refusals."""

from pathlib import Path
from typing import Any

import pytest
from tests.support.console_pages import FakeBrowser, PagesConsole

from watchword.entrypoints.console import problem as told
from watchword.entrypoints.console.pages.portfolio import EQUITY_ROWS_MAX, rows_of
from watchword.entrypoints.console.problem import Problem
from watchword.entrypoints.console.routes import faucet, market, portfolio, trading, trading_lists
from watchword.entrypoints.console.routes.testnet_accounts import (
    BalanceView,
    ExchangeAccountList,
    ExchangeAccountView,
)
from watchword.entrypoints.console.streaming import CSV, EVENTS, Streamed
from watchword.entrypoints.console.trading_views import OrderView, TradeView

NASTY = "\"><script>alert(1)</script>' onmouseover=alert(1) {{7*7}}"
AT_US = 1_800_000_000_000_000
REFUSED = Problem(told.REFUSED, "Filter failure: PRICE_FILTER (code -1013)")
PAGES = [
    "/market", "/market/orders", "/account", "/account/open-orders", "/account/orders", "/account/trades",
    "/account/deposits", "/portfolio",
]  # fmt: skip


def order(**more: Any) -> OrderView:
    usual: dict[str, Any] = {
        "order": 7, "client_order_id": "mine", "symbol": "BTCUSDT", "side": "BUY", "kind": "LIMIT", "status": "NEW",
        "time_in_force": "GTC", "price": "60000", "stop_price": None, "quantity": "0.01", "quote_quantity": None,
        "executed": "0", "executed_quote": "0", "average_price": None, "created_us": AT_US, "updated_us": AT_US,
    }  # fmt: skip
    return OrderView(**{**usual, **more})


def symbol(name: str = "BTCUSDT") -> market.SymbolView:
    return market.SymbolView(
        symbol=name, base=name[:3], quote=name[3:], status="TRADING", price_step="0.01", quantity_step="0.00001",
        quantity_min="0.00001", worth_min="5", last="60000", change_percent="1.5", high="61000", low="59000",
        volume="12", quote_volume="720000",
    )  # fmt: skip


class Pieces:
    """A stream that says whether it was let go."""

    def __init__(self, *pieces: bytes) -> None:
        self.pieces, self.closed = list(pieces), False

    def __aiter__(self) -> "Pieces":
        return self

    async def __anext__(self) -> bytes:
        if not self.pieces:
            raise StopAsyncIteration
        return self.pieces.pop(0)

    async def aclose(self) -> None:
        self.closed = True


@pytest.fixture
def console(tmp_path: Path) -> PagesConsole:
    desk = ExchangeAccountView("desk", 1, None, {"USDT": BalanceView("100", "0")})
    found = portfolio.Portfolio(
        account=1, quote="USDT", at_us=AT_US, total="100", realised="-2", unrealised="3",
        equity=[portfolio.EquityPoint(AT_US + n * 1_000_000, "100") for n in range(4)],
        allocation=[portfolio.AllocationRow("USDT", "100", "100", "100.00")],
        symbols=[
            portfolio.EarnedRow(
                symbol="BTCUSDT", quote="USDT", position="1", average_cost="97", realised="-2", unrealised="3",
                uncovered="0", fees={"USDT": "1"}, trades=2,
            )
        ],
        unpriced=[], complete=True,
    )  # fmt: skip
    trade = TradeView(
        trade=1, order=7, symbol="BTCUSDT", side="SELL", price="60000", quantity="0.01", quote="600", fee="0.6",
        fee_asset="USDT", maker=True, time_us=AT_US,
    )  # fmt: skip
    deposit = trading_lists.DepositView("3", "USDT", "5", "WATCHWORD", "ww1", "f" * 64, AT_US)
    return PagesConsole(
        tmp_path,
        listExchangeAccounts=ExchangeAccountList([desk, ExchangeAccountView("treasury", 2, None, {})]),
        listSymbols=market.SymbolList([symbol(), symbol("ETHUSDT")]),
        showBook=market.Book("BTCUSDT", 1, [("59999", "1")], [("60001", "2")]),
        listMarketTrades=market.MarketTradeList("BTCUSDT", [market.MarketTrade(1, "60000", "1", AT_US, True)]),
        listOpenOrders=trading_lists.OrderList([order()]),
        listOrders=trading_lists.OrderPage([order(status="FILLED")], "5-7"),
        listTrades=trading_lists.TradePage([trade], None),
        listDeposits=trading_lists.DepositPage([deposit], None),
        listBalances=trading_lists.BalanceList(
            [trading_lists.BalanceRow("USDT", "100", "0", "100")], "USDT", "100", AT_US
        ),
        showFaucet=faucet.Faucet([faucet.FaucetRow("USDT", "10000", 5), faucet.FaucetRow("BTC", "1", 0)]),
        showPortfolio=found,
        placeOrder=trading.OrderPlaced(order(), []),
        cancelOrder=trading.OrdersCancelled([order()]),
        cancelOpenOrders=trading.OrdersCancelled([order()]),
    )  # fmt: skip


@pytest.fixture
def olga(console: PagesConsole) -> FakeBrowser:
    return console.signed_in()


def bodies(console: PagesConsole, kind: str) -> list[Any]:
    return [ask.body for ask in console.asked if type(ask.body).__name__ == kind]


@pytest.mark.parametrize("path", PAGES)
async def test_page_is_shown_without_inline_script_or_style(olga: FakeBrowser, path: str) -> None:
    page = await olga.get(path)
    assert page.status_code == 200
    assert " style=" not in page.text
    assert "<script>" not in page.text


@pytest.mark.parametrize("path", PAGES)
async def test_page_without_an_account_says_so(console: PagesConsole, olga: FakeBrowser, path: str) -> None:
    console.answers["listExchangeAccounts"] = ExchangeAccountList([])
    page = await olga.get(path)
    assert page.status_code == 200
    assert "account" in page.text


@pytest.mark.parametrize("path", PAGES)
async def test_page_of_a_testnet_that_is_down_says_so(
    console: PagesConsole, olga: FakeBrowser, path: str
) -> None:
    down = Problem(told.UNAVAILABLE, "the testnet is not running; start it with: watchword testnet serve")
    console.answers = dict.fromkeys(console.answers, down)
    page = await olga.get(path)
    assert page.status_code == 503
    assert "the testnet is not running" in page.text.lower()


@pytest.mark.parametrize("path", PAGES)
async def test_free_texts_stay_texts(console: PagesConsole, olga: FakeBrowser, path: str) -> None:
    nasty = ExchangeAccountView(NASTY, 1, None, {})
    console.answers["listExchangeAccounts"] = ExchangeAccountList([nasty, nasty])
    console.answers["listSymbols"] = market.SymbolList([symbol(NASTY)])
    console.answers["listOpenOrders"] = trading_lists.OrderList(
        [order(client_order_id=NASTY, symbol=NASTY, status=NASTY)]
    )
    console.answers["listOrders"] = trading_lists.OrderPage([order(client_order_id=NASTY, kind=NASTY)], None)
    page = await olga.get(path)
    assert NASTY not in page.text
    assert "<script>alert" not in page.text


async def test_unicode_symbol_is_linked_and_shown(console: PagesConsole, olga: FakeBrowser) -> None:
    console.answers["listSymbols"] = market.SymbolList([symbol(), symbol("这是测试币456")])
    page = await olga.get("/market?symbol=%E8%BF%99%E6%98%AF%E6%B5%8B%E8%AF%95%E5%B8%81456")
    assert 'data-symbol="这是测试币456"' in page.text
    assert "symbol=%E8%BF%99" in page.text


async def test_order_is_sent_without_what_its_kind_has_not(console: PagesConsole, olga: FakeBrowser) -> None:
    form = {
        "symbol": "BTCUSDT", "account": "2", "side": "SELL", "kind": "MARKET", "quantity": "0.01", "price": "60000",
        "stop_price": "1", "time_in_force": "IOC", "quote_quantity": "",
    }  # fmt: skip
    gone = await olga.post("/market/order", form)
    assert (gone.status_code, gone.headers["location"]) == (303, "/market?symbol=BTCUSDT&account=2")
    (sent,) = bodies(console, "OrderDraft")
    assert (sent.side, sent.kind, sent.quantity, sent.price, sent.stop_price) == (
        "SELL",
        "MARKET",
        "0.01",
        "",
        "",
    )
    assert [ask.path["account"] for ask in console.asked if type(ask.body).__name__ == "OrderDraft"] == ["2"]
    form["kind"] = "LIMIT"
    await olga.post("/market/order", form)
    sent = bodies(console, "OrderDraft")[-1]
    assert (sent.price, sent.time_in_force, sent.stop_price) == ("60000", "IOC", "")


async def test_refused_order_shows_the_form_again_with_text_and_code(
    console: PagesConsole, olga: FakeBrowser
) -> None:
    console.answers["placeOrder"] = REFUSED
    form = {
        "symbol": "BTCUSDT",
        "account": "1",
        "side": "BUY",
        "kind": "LIMIT",
        "quantity": "0.01",
        "price": "60000.001",
    }
    page = await olga.post("/market/order", form, hx_request="true")
    assert page.status_code == 422
    assert "Filter failure: PRICE_FILTER (code -1013)" in page.text
    assert 'value="60000.001"' in page.text


async def test_order_that_does_not_fit_marks_its_field(olga: FakeBrowser) -> None:
    form = {
        "symbol": "BTCUSDT",
        "account": "1",
        "side": "BUY",
        "kind": "LIMIT",
        "quantity": "1e5",
        "price": "1",
    }
    page = await olga.post("/market/order", form, hx_request="true")
    assert page.status_code == 422
    assert 'id="quantity-problem"' in page.text


async def test_placed_order_is_told_in_the_form(olga: FakeBrowser) -> None:
    form = {
        "symbol": "BTCUSDT",
        "account": "1",
        "side": "BUY",
        "kind": "LIMIT",
        "quantity": "0.01",
        "price": "60000",
    }
    page = await olga.post("/market/order", form, hx_request="true")
    assert page.status_code == 200
    assert "Buy 0.01 BTC: Open." in page.text


async def test_orders_are_cancelled_one_and_all(console: PagesConsole, olga: FakeBrowser) -> None:
    form = {"account": "1", "symbol": "BTCUSDT", "order": "7"}
    part = await olga.post("/market/cancel", form, hx_request="true")
    assert (part.status_code, 'id="open-orders"' in part.text) == (200, True)
    gone = await olga.post("/market/cancel", {**form, "order": ""})
    assert gone.status_code == 303
    paths = [ask.path for ask in console.asked if ask.action == "account.trade"]
    assert paths == [{"account": "1", "order": "7"}, {"account": "1"}]
    console.answers["cancelOrder"] = Problem(told.REFUSED, "Unknown order sent. (code -2011)")
    assert "Unknown order sent" in (await olga.post("/market/cancel", form, hx_request="true")).text
    assert "Unknown order sent" in (await olga.post("/account/cancel", form)).text


@pytest.mark.parametrize("path", ["/market/order", "/market/cancel", "/account/cancel", "/account/faucet"])
async def test_auditor_may_not_trade_and_sees_no_buttons(console: PagesConsole, path: str) -> None:
    uma = console.signed_in("uma", "auditor")
    assert (await uma.post(path, {"account": "1", "symbol": "BTCUSDT"})).status_code == 403
    for page in ("/market", "/account", "/account/open-orders"):
        text = (await uma.get(page)).text
        assert 'action="/market/order"' not in text
        assert "/cancel" not in text
        assert 'action="/account/faucet"' not in text


async def test_faucet_says_why_not(console: PagesConsole, olga: FakeBrowser) -> None:
    console.answers["openFaucet"] = Problem(told.TOO_MANY, "the faucet gives USDT 5 times a day")
    page = await olga.post("/account/faucet", {"account": "1", "asset": "USDT"})
    assert page.status_code == 429
    assert "the faucet gives USDT 5 times a day" in page.text


async def test_list_goes_on_and_search_is_kept(console: PagesConsole, olga: FakeBrowser) -> None:
    page = await olga.get("/account/orders?account=2&search=btcusdt&after=9-9")
    assert "/account/orders?account=2&amp;search=BTCUSDT&amp;after=5-7" in page.text
    (ask,) = [one for one in console.asked if type(one.query).__name__ == "PastQuery"]
    assert (ask.path, ask.query.symbol, ask.query.after) == ({"account": "2"}, "BTCUSDT", "9-9")


async def test_export_is_a_file_and_events_are_a_stream(console: PagesConsole, olga: FakeBrowser) -> None:
    console.answers["exportTrades"] = Streamed(Pieces(b"a,b\r\n"), CSV, "trades-1.csv")
    sheet = await olga.get("/account/trades.csv?account=1&symbol=")
    assert (sheet.text, sheet.headers["content-disposition"]) == (
        "a,b\r\n",
        'attachment; filename="trades-1.csv"',
    )
    assert sheet.headers["cache-control"] == "no-store"
    console.answers["watchMarket"] = Streamed(Pieces(b"event: x\ndata: {}\n\n"), EVENTS)
    events = await olga.get("/market/events?symbol=BTCUSDT&interval=1m&account=1")
    assert events.headers["content-type"].startswith(EVENTS)
    assert "content-security-policy" in events.headers


async def test_head_of_a_stream_lets_it_go(console: PagesConsole, olga: FakeBrowser) -> None:
    pieces = Pieces(b"x")
    console.answers["watchMarket"] = Streamed(pieces, EVENTS)
    answer = await olga.http.head("/market/events?symbol=BTCUSDT")
    assert (answer.status_code, pieces.closed) == (200, True)


@pytest.mark.parametrize(
    "path", ["/market/events", "/market/candles.json", "/account/trades.csv", "/market", "/portfolio"]
)
async def test_nobody_gets_nothing(console: PagesConsole, path: str) -> None:
    answer = await console.browser().get(path)
    assert (answer.status_code, answer.headers.get("location", "")[:8]) == (303, "/sign-in")


async def test_candles_are_packed_for_browsers_and_pages_never_are(
    console: PagesConsole, olga: FakeBrowser
) -> None:
    candle = market.CandleView(AT_US, "1", "2", "0.5", "1.5", "10", AT_US + 59_999_999)
    console.answers["listCandles"] = market.CandleList("BTCUSDT", "1m", [candle] * 300)
    path = "/market/candles.json?symbol=BTCUSDT&interval=1m"
    packed = await olga.get(path, accept_encoding="gzip")
    plain = await olga.get(path, accept_encoding="identity")
    assert (packed.headers["content-encoding"], packed.content) == ("gzip", plain.content)
    assert "Accept-Encoding" in packed.headers["vary"]
    assert int(packed.headers["content-length"]) * 5 < int(plain.headers["content-length"])
    assert "content-encoding" not in plain.headers
    # A page has the token of its forms, beside what others wrote: its length must not tell it.
    assert "content-encoding" not in (await olga.get("/market", accept_encoding="gzip")).headers


async def test_candles_are_a_table_newest_first(console: PagesConsole, olga: FakeBrowser) -> None:
    minute_us = 60_000_000
    console.answers["listCandles"] = market.CandleList(
        "BTCUSDT", "5m",
        [market.CandleView(AT_US + n * minute_us, str(n), "2", "0.5", "1.5", "10", AT_US) for n in (1, 2)],
    )  # fmt: skip
    page = await olga.get("/market/candles?symbol=BTCUSDT&interval=5m&account=1x")
    assert page.status_code == 200
    assert page.text.index('<td data-label="Open" class="num">2<') < page.text.index(
        '<td data-label="Open" class="num">1<'
    )
    assert "account=1x" not in page.text
    assert console.asked[-1].query.interval == "5m"
    console.answers["listCandles"] = Problem(told.NOT_FOUND, "no such symbol")
    assert (await olga.get("/market/candles?symbol=NOSUCH")).status_code == 404


def test_equity_is_a_table_of_so_many_rows_at_most() -> None:
    points = [portfolio.EquityPoint(AT_US + n, str(n)) for n in range(1_000)]
    rows = rows_of(points)
    assert len(rows) <= EQUITY_ROWS_MAX
    assert rows[0] == points[-1]
    assert rows_of([]) == []
    assert rows_of(points[:3]) == points[:3][::-1]
