"""Asking for order lists of one's own account. Reads only.

Source: rest-api.md "Query Order list", "Query all Order lists", "Query Open Order lists".
"""

from typing import TYPE_CHECKING, Final

from watchword.binance.errors import WireError, either_missing
from watchword.binance.forms import Form, Query
from watchword.binance.params import ClientId, Limit, Long, Moment
from watchword.entrypoints.testnet import render_lists
from watchword.entrypoints.testnet import render_orders as render
from watchword.entrypoints.testnet.operations.market import ROWS_LIMIT_MAX, unit_us
from watchword.entrypoints.testnet.operations.order_queries import check_range
from watchword.entrypoints.testnet.operations.symbols import BAD_COMBINATION
from watchword.entrypoints.testnet.operations.trading import credential_of
from watchword.exchange.archive import record_of

if TYPE_CHECKING:
    from watchword.bootstrap.testnet import Testnet
    from watchword.entrypoints.testnet.operations.call import Call

NO_SUCH_LIST: Final = WireError(-2013, "Order list does not exist.")


class ListQuery(Query, frozen=True):
    """GET orderList: `origClientOrderId` is the list's own client id."""

    order_list_id: Long | None = None
    orig_client_order_id: ClientId = ""


class AllListsQuery(Query, frozen=True):
    """GET allOrderList."""

    from_id: Long | None = None
    start_time: Moment | None = None
    end_time: Moment | None = None
    limit: Limit = 500


class OpenListsQuery(Query, frozen=True):
    """GET openOrderList."""


_LIST: Final = Form(ListQuery, "USER_DATA")
_ALL_LISTS: Final = Form(AllListsQuery, "USER_DATA")
_OPEN_LISTS: Final = Form(OpenListsQuery, "USER_DATA")


async def order_list_status(testnet: "Testnet", call: "Call") -> bytes | WireError:
    """GET orderList."""
    query = _LIST.read(call.params)
    if isinstance(query, WireError):
        return query
    if query.order_list_id is None and not query.orig_client_order_id:
        return either_missing("orderListId", "origClientOrderId")
    listed = None
    if query.order_list_id != 0:
        listed = testnet.venue.archive.order_list(
            credential_of(call).account_id, query.order_list_id or 0, query.orig_client_order_id
        )
    return NO_SUCH_LIST if listed is None else render_lists.queried_list(listed, unit_us(call)).encode()


async def all_order_lists(testnet: "Testnet", call: "Call") -> bytes | WireError:
    """GET allOrderList."""
    query = _ALL_LISTS.read(call.params)
    if isinstance(query, WireError):
        return query
    if query.from_id is not None and (query.start_time is not None or query.end_time is not None):
        return BAD_COMBINATION
    refused = check_range(query.start_time, query.end_time)
    if refused is not None:
        return refused
    unit = unit_us(call)
    lists = testnet.venue.archive.order_lists(
        credential_of(call).account_id,
        query.from_id,
        query.start_time,
        query.end_time,
        min(query.limit, ROWS_LIMIT_MAX),
    )
    return render.array(render_lists.queried_list(listed, unit) for listed in lists)


async def open_order_lists(testnet: "Testnet", call: "Call") -> bytes | WireError:
    """GET openOrderList."""
    query = _OPEN_LISTS.read(call.params)
    if isinstance(query, WireError):
        return query
    unit = unit_us(call)
    lists = testnet.venue.engine.open_lists(credential_of(call).account_id)
    return render.array(render_lists.queried_list(record_of(listed), unit) for listed in lists)
