"""What the console asks for one account: an operation, its lists, its past, what happens in it. Only says which is done where."""

from typing import TYPE_CHECKING, Any

from watchword.entrypoints.testnet.admin.account_calls import call_account
from watchword.entrypoints.testnet.admin.account_past import show_past
from watchword.entrypoints.testnet.admin.account_rows import list_orders, list_trades
from watchword.entrypoints.testnet.admin.account_watch import watch_account
from watchword.entrypoints.testnet.admin.requests import (
    CallAccount,
    ListOrders,
    ListTrades,
    Refused,
    ShowPast,
    WatchAccount,
)

if TYPE_CHECKING:
    from watchword.bootstrap.testnet import Testnet


async def perform_for_account(
    testnet: "Testnet", request: CallAccount | ShowPast | WatchAccount | ListOrders | ListTrades
) -> dict[str, Any] | Refused:
    """Do what a request asks.

    Args:
        testnet: Started.
        request: Which account, and what.
    """
    match request:
        case CallAccount():
            return await call_account(testnet, request)
        case ShowPast():
            return show_past(testnet, request)
        case ListOrders():
            return list_orders(testnet, request)
        case ListTrades():
            return list_trades(testnet, request)
        case WatchAccount():
            return await watch_account(testnet, request)
