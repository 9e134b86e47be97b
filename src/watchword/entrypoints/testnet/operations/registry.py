"""Endpoint name → handler. The only place that knows all subjects; adds no behaviour."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from watchword.entrypoints.testnet.operations import (
    account,
    cancel_replace,
    list_queries,
    listing,
    market,
    order_lists,
    order_queries,
    tickers,
    trading,
    unsupported,
    wallet,
)
from watchword.entrypoints.testnet.operations.call import Handler
from watchword.entrypoints.testnet.operations.sub_accounts import SUB_ACCOUNT_OPERATIONS
from watchword.entrypoints.testnet.operations.unsupported import refuse
from watchword.entrypoints.testnet.operations.wallet_table import WALLET_OPERATIONS

OPERATIONS: Final[Mapping[str, Handler]] = MappingProxyType(
    {
        "ping": market.ping,
        "time": market.server_time,
        "exchangeInfo": listing.exchange_info,
        "depth": market.depth,
        "trades.recent": market.recent_trades,
        "trades.historical": market.historical_trades,
        "trades.aggregate": market.aggregate_trades,
        "klines": market.klines,
        "uiKlines": market.klines,
        "avgPrice": market.average_price,
        "ticker.24hr": tickers.ticker_24h,
        "ticker.tradingDay": tickers.ticker_trading_day,
        "ticker.price": tickers.ticker_price,
        "ticker.book": tickers.ticker_book,
        "ticker": tickers.ticker_window,
        "order.place": trading.place,
        "order.test": trading.test,
        "order.status": order_queries.order_status,
        "order.cancel": trading.cancel,
        "order.cancelReplace": cancel_replace.cancel_replace,
        "order.amend.keepPriority": refuse(unsupported.AMEND_UNSUPPORTED),
        "openOrders.status": order_queries.open_orders,
        "openOrders.cancelAll": trading.cancel_all,
        "allOrders": order_queries.all_orders,
        "orderList.place": order_lists.place_old_oco,
        "orderList.place.oco": order_lists.place_oco,
        "orderList.place.oto": refuse(unsupported.OTO_UNSUPPORTED),
        "orderList.place.otoco": refuse(unsupported.OTO_UNSUPPORTED),
        "orderList.place.opo": refuse(unsupported.OPO_UNSUPPORTED),
        "orderList.place.opoco": refuse(unsupported.OPO_UNSUPPORTED),
        "orderList.status": list_queries.order_list_status,
        "orderList.cancel": order_lists.cancel_list,
        "openOrderLists.status": list_queries.open_order_lists,
        "allOrderLists": list_queries.all_order_lists,
        "sor.order.place": refuse(unsupported.SOR_UNSUPPORTED),
        "sor.order.test": refuse(unsupported.SOR_UNSUPPORTED),
        "account.status": account.account_status,
        "account.commission": account.account_commission,
        "account.rateLimits.orders": account.order_counts,
        "myTrades": order_queries.my_trades,
        "myPreventedMatches": order_queries.prevented_matches,
        "myAllocations": order_queries.allocations,
        "myFilters": account.my_filters,
        "order.amendments": order_queries.amendments,
        "sapi.v1.account.apiRestrictions": wallet.api_restrictions,
        "sapi.v1.account.apiTradingStatus": wallet.api_trading_status,
        "sapi.v1.account.status": wallet.account_status,
        "sapi.v1.system.status": wallet.system_status,
        "sapi.v1.capital.config.getall": wallet.all_coins,
        "sapi.v1.margin.allPairs": wallet.margin_pairs,
        "sapi.v1.margin.isolated.allPairs": wallet.margin_pairs,
        "sapi.v1.asset.tradeFee": wallet.trade_fee,
        "fapi.v1.exchangeInfo": listing.futures_exchange_info,
        "dapi.v1.exchangeInfo": listing.coin_futures_exchange_info,
        **SUB_ACCOUNT_OPERATIONS,
        **WALLET_OPERATIONS,
    }
)
