"""The way of one authenticated request through counts and engine to its answer, the same for every door.

Steps as in docs/architecture.md, "Life of a signed request": 1 to 4 (route, parameters, key, timing and signature)
are the door's and the shared core's; here come 5 (limits, the operation) and the settling of what was counted.
Never reads a socket and never writes one.
"""

from typing import TYPE_CHECKING, Final

from watchword.binance.endpoints import Endpoint
from watchword.binance.errors import TIMESTAMP_STALE, WireError
from watchword.entrypoints.testnet.door import Door
from watchword.entrypoints.testnet.operations import OPERATIONS, Call
from watchword.exchange.limits import Visitor

if TYPE_CHECKING:
    from watchword.binance.weights import Params
    from watchword.credentials.model import Credential

#: Its own rules about exhausted order counts: `orderRateLimitExceededMode`.
CANCEL_REPLACE: Final = "order.cancelReplace"
#: This endpoint is in the table but not built.
NOT_SUPPORTED: Final = WireError(-1020, "This operation is not supported.")


async def perform(
    door: Door,
    endpoint: Endpoint,
    visitor: Visitor,
    weight: int,
    params: "Params",
    credential: "Credential | None",
    now_us: int,
    deadline_us: int,
    *,
    micros: bool,
    ip: str,
    websocket: bool,
) -> bytes | WireError:
    """Run one operation and settle the counts.

    Args:
        door: What all connections share.
        endpoint: What was asked for.
        visitor: The caller's counters; `weight` is already charged to them.
        weight: Request weight, given back where success is free.
        params: Decoded parameters.
        credential: Who asks; None for public endpoints.
        now_us: Moment of receipt.
        deadline_us: Last moment at which the request may reach the engine; 0 for public endpoints.
        micros: Answer with microsecond timestamps.
        ip: The caller's address.
        websocket: Came by the WebSocket API.

    Returns:
        JSON of the result, or the refusal.
    """
    limits = door.limits
    handler = OPERATIONS.get(endpoint.name)
    if handler is None:
        return NOT_SUPPORTED
    count = endpoint.unfilled_count
    over: WireError | None = None
    if count and credential is not None:
        over = limits.admit_orders(credential.account_id, count, now_us)
        if over is not None and endpoint.name != CANCEL_REPLACE:
            return over
    call = Call(params, credential, now_us, deadline_us, micros, ip, websocket, over, limits)
    result = await handler(door.testnet, call)
    if type(result) is WireError:
        if count and over is None and credential is not None and _uncounted(endpoint, result):
            limits.give_back_orders(credential.account_id, count, now_us)
    elif endpoint.free_on_success:
        limits.give_back(visitor, weight, now_us)
    return result


def _uncounted(endpoint: Endpoint, refusal: WireError) -> bool:
    """Tell whether a refused order is taken off the unfilled count again.

    Source: rest-api.md, "Timing security": the refusal just before the engine counts; cancel-replace counts even
    where the new order was not attempted.
    """
    return endpoint.name != CANCEL_REPLACE and refusal.code != TIMESTAMP_STALE.code
