"""Finds the instruments a request names, or refuses. Reads the venue's listing, nothing else."""

from typing import TYPE_CHECKING, Final

from watchword.binance.errors import BAD_SYMBOL, WireError, either_missing
from watchword.exchange.instruments import Instrument

if TYPE_CHECKING:
    from watchword.bootstrap.testnet import Testnet

BAD_COMBINATION: Final = WireError(-1128, "Combination of optional parameters invalid.")
SYMBOL_AND_SYMBOLS: Final = WireError(
    -1128,
    "Combination of optional parameters invalid. Recommendation: 'symbol' and 'symbols' cannot both be sent.",
)
STATUS_MISMATCH: Final = WireError(-1220, "The symbol's status does not match the requested symbolStatus.")


def find(testnet: "Testnet", symbol: str, status: str = "") -> Instrument | WireError:
    """Find one instrument.

    Args:
        testnet: Whose listing.
        symbol: Its name.
        status: The `symbolStatus` it must have; empty for any.

    Returns:
        The instrument, or -1121, or -1220.
    """
    floor = testnet.venue.engine.floors.get(symbol)
    if floor is None:
        return BAD_SYMBOL
    if status and floor.status != status:
        return STATUS_MISMATCH
    return floor.instrument


def select(
    testnet: "Testnet", symbol: str, symbols: tuple[str, ...], status: str = "", *, all_if_none: bool = True
) -> list[Instrument] | WireError:
    """Find the instruments of a request that takes `symbol`, `symbols` or nothing.

    Args:
        testnet: Whose listing.
        symbol: One name, or empty.
        symbols: Several names, or empty.
        status: The `symbolStatus` asked for, or empty. A mismatch is an error for `symbol`; others are left out.
        all_if_none: Whether naming nothing means all; otherwise it is -1102.

    Returns:
        The instruments, in the order asked for, or the refusal.
    """
    if symbol and symbols:
        return SYMBOL_AND_SYMBOLS
    if symbol:
        found = find(testnet, symbol, status)
        return found if isinstance(found, WireError) else [found]
    floors = testnet.venue.engine.floors
    if symbols:
        if not all(name in floors for name in symbols):
            return BAD_SYMBOL
        chosen = [floors[name] for name in symbols]
    elif all_if_none:
        chosen = list(floors.values())
    else:
        return either_missing("symbol", "symbols")
    return [floor.instrument for floor in chosen if not status or floor.status == status]
