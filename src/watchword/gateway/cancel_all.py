"""Cancelling everything open on a symbol, for a key that may touch its own orders only: one by one, a list at once.

The exchange says what is open; the ledger says whose it is. Never sends the exchange's own cancel-all, which takes
everybody's.
"""

from collections.abc import Callable, Iterator
from typing import Final

import msgspec

from watchword.binance.errors import TIMEOUT, UNKNOWN_ORDER, WireError
from watchword.binance.request import Params
from watchword.gateway.answers import Row, error_code, outcome_unknown, unpacked
from watchword.gateway.messages import Answer, Refused, Unanswered
from watchword.gateway.ownership import NOT_TOLD, Ask
from watchword.gateway.visibility import SUCCESS, json_answer

_OPEN_ROWS: Final = msgspec.json.Decoder(list[Row])


async def cancel_own(
    symbol: str, ask: Ask, own: Callable[[Row], bool], learn: Callable[[str, Params, Answer], None]
) -> Answer | WireError:
    """Cancel a key's open orders on a symbol.

    Args:
        symbol: Where.
        ask: Sends one signed request for the key.
        own: Whether an open order is the key's.
        learn: Told every answer: endpoint name, parameters, answer.

    Returns:
        The exchange's answers to the cancels in one array, as `DELETE openOrders` gives; -2011 where there was nothing;
        the first refusal of another kind, with what was cancelled before it done; -1007 where one stayed unanswered.
    """
    query = {"symbol": symbol}
    listed = await ask("openOrders.status", query)
    if isinstance(listed, Refused):
        return listed.wire
    if isinstance(listed, Unanswered) or outcome_unknown(listed):
        return NOT_TOLD
    if listed.status != SUCCESS:
        return _as_refusal(listed)
    rows = _read(listed)
    if rows is None:
        return NOT_TOLD
    learn("openOrders.status", query, listed)
    reports: list[bytes] = []
    for name, params in _cancels(symbol, [row for row in rows if own(row)]):
        answer = await ask(name, params)
        if isinstance(answer, Refused):
            return answer.wire
        if isinstance(answer, Unanswered):
            return TIMEOUT if answer.sent else NOT_TOLD
        learn(name, params, answer)
        if outcome_unknown(answer):
            return TIMEOUT
        report = unpacked(answer)
        if answer.status == SUCCESS and report is not None:
            reports.append(report)
        elif (
            error_code(answer) != UNKNOWN_ORDER.code
        ):  # filled or cancelled meanwhile: that is what was wanted
            return _as_refusal(answer)
    return json_answer(b"[" + b",".join(reports) + b"]") if reports else UNKNOWN_ORDER


def _cancels(symbol: str, rows: list[Row]) -> Iterator[tuple[str, Params]]:
    """One cancel for each order outside lists, one for each list."""
    lists: set[int] = set()
    for row in rows:
        if row.order_list_id <= 0:
            yield "order.cancel", {"symbol": symbol, "orderId": str(row.order_id)}
        elif row.order_list_id not in lists:
            lists.add(row.order_list_id)
            yield "orderList.cancel", {"symbol": symbol, "orderListId": str(row.order_list_id)}


def _read(answer: Answer) -> list[Row] | None:
    body = unpacked(answer)
    try:
        return None if body is None else _OPEN_ROWS.decode(body)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return None


def _as_refusal(answer: Answer) -> WireError:
    """The exchange's own refusal as a value; its text is in its body."""
    body = unpacked(answer)
    try:
        said = msgspec.json.decode(body or b"{}", type=dict[str, object])
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return NOT_TOLD
    code, text = said.get("code"), said.get("msg")
    if not isinstance(code, int) or not isinstance(text, str):
        return NOT_TOLD
    return WireError(code, text, answer.status)
