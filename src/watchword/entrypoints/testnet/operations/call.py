"""What a handler is given: one admitted request, stripped of its transport. Holds no behaviour of its own."""

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Protocol

import msgspec

from watchword.binance.errors import WireError
from watchword.binance.rate_limits import RateLimit
from watchword.binance.weights import Params

if TYPE_CHECKING:
    from watchword.bootstrap.testnet import Testnet
    from watchword.credentials.model import Credential


class OrderCounts(Protocol):
    """Where an account's unfilled-order counts stand. The doors count; handlers only show it."""

    def order_counts(self, account_id: int, now_us: int) -> tuple[tuple[RateLimit, int], ...]:
        """Return each ORDERS window with its current count."""
        ...


class Call(msgspec.Struct, frozen=True, gc=False):
    """One request after authentication.

    Attributes:
        params: Decoded parameters as texts, `timestamp`, `recvWindow`, `signature` and `apiKey` included. On the
            WebSocket API a native boolean is `true`/`false`, a number its literal text, an array its JSON text.
        credential: Who asks; None exactly for security type NONE.
        now_us: Moment of receipt, epoch microseconds.
        deadline_us: Last moment at which the request may reach the engine (timestamp + recvWindow); 0 for NONE.
        micros: Answer with microsecond timestamps (X-MBX-TIME-UNIT, timeUnit).
        ip: The caller's address.
        websocket: Came by the WebSocket API: a few answers differ in shape.
        over_order_limit: The -1015 to answer where the account's unfilled-order count is exhausted. Only
            `order.cancelReplace` is called with it; for other endpoints the door refuses by itself.
        order_counts: Where `rateLimit/order` reads.
    """

    params: Params
    credential: "Credential | None"
    now_us: int
    deadline_us: int
    micros: bool = False
    ip: str = ""
    websocket: bool = False
    over_order_limit: WireError | None = None
    order_counts: OrderCounts | None = None


Handler = Callable[["Testnet", Call], Awaitable[bytes | WireError]]
