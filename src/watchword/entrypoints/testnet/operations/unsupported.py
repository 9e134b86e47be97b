"""Kinds of trading this exchange does not do, refused as Binance refuses them on a symbol that lacks them.

Source: errors.md, "Messages for -1010 …", -1020; exchangeInfo says the same by its `…Allowed` members.
"""

from typing import TYPE_CHECKING, Final

from watchword.binance.errors import WireError, missing
from watchword.entrypoints.testnet.operations.symbols import find

if TYPE_CHECKING:
    from watchword.bootstrap.testnet import Testnet
    from watchword.entrypoints.testnet.operations.call import Call, Handler

AMEND_UNSUPPORTED: Final = WireError(-2038, "Order amend is not supported for this symbol.")
OTO_UNSUPPORTED: Final = WireError(-1013, "OTO orders are not supported for this symbol.")
OPO_UNSUPPORTED: Final = WireError(-1013, "OPO orders are not supported for this symbol.")
SOR_UNSUPPORTED: Final = WireError(-1020, "This operation is not supported.")


def refuse(refusal: WireError) -> "Handler":
    """Make a handler that judges the symbol and then refuses."""

    async def handler(testnet: "Testnet", call: "Call") -> bytes | WireError:
        symbol = call.params.get("symbol")
        if not symbol:
            return missing("symbol")
        found = find(testnet, symbol)
        return found if isinstance(found, WireError) else refusal

    return handler
