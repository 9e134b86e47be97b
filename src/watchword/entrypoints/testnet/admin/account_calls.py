"""Operations of the exchange, run for an account without a key: what the console's pages ask for a person.

The same handlers as REST and the WebSocket API, with the same filters, counts and errors; only authentication is left
out, which the socket's file mode, and the console before it, took over. What is not on the list is refused: no
withdrawal, no transfer and no key leaves by here.
"""

from typing import TYPE_CHECKING, Any, Final, final

import msgspec

from watchword.binance.endpoints import BY_NAME, Endpoint
from watchword.binance.errors import WireError
from watchword.binance.sapi_endpoints import SAPI_BY_NAME
from watchword.credentials.model import Credential
from watchword.credentials.permission import DEFAULT_PERMISSIONS
from watchword.credentials.verifier import KeyType
from watchword.entrypoints.testnet.admin.lookup import account_named
from watchword.entrypoints.testnet.admin.requests import CallAccount, Refused
from watchword.entrypoints.testnet.door import Door
from watchword.entrypoints.testnet.gate import NOT_SUPPORTED, perform
from watchword.entrypoints.testnet.operations import OPERATIONS, Call

if TYPE_CHECKING:
    from watchword.bootstrap.testnet import Testnet

DEPOSIT_HISTORY: Final = "GET /sapi/v1/capital/deposit/hisrec"
#: Market data; an account is not needed.
PUBLIC_OPERATIONS: Final = frozenset(
    {"exchangeInfo", "depth", "trades.recent", "klines", "ticker.24hr", "ticker.price", "ticker.book", "avgPrice"}
)  # fmt: skip
ACCOUNT_READS: Final = frozenset(
    {
        "account.status", "account.commission", "account.rateLimits.orders", "openOrders.status", "order.status",
        "allOrders", "myTrades", "myFilters", DEPOSIT_HISTORY,
    }
)  # fmt: skip
ACCOUNT_CHANGES: Final = frozenset({"order.place", "order.test", "order.cancel", "openOrders.cancelAll"})
CALLABLE: Final = PUBLIC_OPERATIONS | ACCOUNT_READS | ACCOUNT_CHANGES

#: How long a change may wait for the engine, as `recvWindow` says for others.
WINDOW_US: Final = 5_000_000
#: Parameters of authentication: there is none.
_UNTAKEN: Final = frozenset({"timestamp", "recvWindow", "signature", "apiKey"})
#: Whom the limits of requests count these under; nothing is charged.
_VISITOR: Final = "console"


@final
class _NoVerifier:
    """Of a credential that is no key: no signature is its own."""

    key_type: Final[KeyType] = "HMAC"

    def verify(self, payload: bytes, signature: str) -> bool:  # noqa: ARG002 - the port's shape
        """Refuse every signature."""
        return False


_NO_VERIFIER: Final = _NoVerifier()


async def call_account(testnet: "Testnet", request: CallAccount) -> dict[str, Any] | Refused:
    """Run one operation.

    Args:
        testnet: Started.
        request: Which, for whom.

    Returns:
        `{"answer": …}` as REST would have it with times in microseconds, or `{"code": …, "text": …}`, an error of
        Binance's; Refused where it may not be asked for at all.
    """
    if request.operation not in CALLABLE:
        return Refused("this operation cannot be called for an account; use a key of the account")
    if not _UNTAKEN.isdisjoint(request.params):
        return Refused("nothing is signed here: leave out timestamp, recvWindow, signature and apiKey")
    credential: Credential | None = None
    if request.operation not in PUBLIC_OPERATIONS:
        account = account_named(testnet, request.account)
        if account is None:
            return Refused(f"there is no account {request.account}")
        credential = _credential_of(account.account_id)
    ip = request.on_behalf.ip if request.on_behalf is not None else ""
    result = await _run(testnet, _endpoint(request.operation), request.params, credential, ip)
    if isinstance(result, WireError):
        return {"code": result.code, "text": result.text}
    return {"answer": msgspec.Raw(result)}


async def _run(
    testnet: "Testnet", endpoint: Endpoint, params: dict[str, str], credential: Credential | None, ip: str
) -> bytes | WireError:
    """Go the way every door's requests go; in memory, without doors, there are no counts to go by."""
    now_us = testnet.clock.now_us()
    deadline_us = now_us + WINDOW_US if credential is not None else 0
    door: Door | None = testnet.at_hand.get(Door)
    if door is not None:
        visitor = door.limits.visitor(_VISITOR)
        return await perform(
            door, endpoint, visitor, 0, params, credential, now_us, deadline_us, micros=True, ip=ip, websocket=False
        )  # fmt: skip
    handler = OPERATIONS.get(endpoint.name)
    if handler is None:
        return NOT_SUPPORTED
    return await handler(testnet, Call(params, credential, now_us, deadline_us, micros=True, ip=ip))


def _endpoint(operation: str) -> Endpoint:
    return BY_NAME.get(operation) or SAPI_BY_NAME[operation]


def _credential_of(account_id: int) -> Credential:
    """Make up who asks: a credential that is in no directory and that nothing can be signed with."""
    return Credential("", account_id, "HMAC", _NO_VERIFIER, DEFAULT_PERMISSIONS)
